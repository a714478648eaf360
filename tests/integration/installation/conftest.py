"""A real installation for each test module, with its module's SETTINGS; apps are callables that need no package."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tholos.testing.installation import Installation
from tholos.testing.trial import Files, Trial


@pytest.fixture(scope="module")
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """The module's installation, started."""
    installation = Installation(tmp_path_factory.mktemp("site"), getattr(request.module, "SETTINGS", {}))
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
