"""A real installation for each test module, with its module's SETTINGS; apps are callables that need no package.

A module that says ``WAYS = WAYS_IN`` is run twice: by the door alone, and with the proxy in front of it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tholos.testing.installation import Installation
from tholos.testing.trial import Files, Trial


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    ways = getattr(metafunc.module, "WAYS", ())
    if ways and "trial" in metafunc.fixturenames:
        metafunc.parametrize("trial", ways, indirect=True, scope="module")


@pytest.fixture(scope="module")
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """The module's installation, started."""
    settings = dict(getattr(request.module, "SETTINGS", {}))
    if getattr(request, "param", "door") == "gateway":
        settings["THOLOS_GATEWAY__MODE"] = "on"
    installation = Installation(tmp_path_factory.mktemp("site"), settings)
    installation.start()
    try:
        yield Trial(installation)
    finally:
        installation.clean()


Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Makes a folder of files, named as the app that its publish becomes."""

    def make(name: str, files: Files) -> Path:
        made = tmp_path / name
        for path, content in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return made

    return make
