"""A real installation for each test module, with its module's SETTINGS; apps are callables that need no package.

A module that says ``WAYS = ("door", "gateway")`` is run twice: by the door alone, and with the proxy in front of it. Those that
say ``IS_SHARED = True`` besides have one installation for each way together, and its people.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tholos.testing.installation import Installation
from tholos.testing.trial import Files, Trial
from tholos.testing.visitors import ECHO, Browser, newcomer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    ways = getattr(metafunc.module, "WAYS", ())
    if ways and "trial" in metafunc.fixturenames:
        metafunc.parametrize("trial", ways, indirect=True, scope="module")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Trial]]:
    """Answers the installation for a way in that several modules use, started when it is asked for first."""
    made: dict[str, Trial] = {}
    with ExitStack() as opened:

        def get(way: str) -> Trial:
            if way not in made:
                installation = Installation(tmp_path_factory.mktemp("site"), settings_for(way))
                opened.callback(installation.clean)
                installation.start()
                made[way] = Trial(installation)
            return made[way]

        yield get


def settings_for(way: str) -> dict[str, str]:
    return {"THOLOS_GATEWAY__MODE": "on"} if way == "gateway" else {}


@pytest.fixture(scope="module")
def trial(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shared: Callable[[str], Trial],
) -> Iterator[Trial]:
    """The module's installation, started."""
    way = getattr(request, "param", "door")
    if getattr(request.module, "IS_SHARED", False):
        yield shared(way)
        return
    settings = {**getattr(request.module, "SETTINGS", {}), **settings_for(way)}
    installation = Installation(tmp_path_factory.mktemp("site"), settings)
    installation.start()
    try:
        yield Trial(installation)
    finally:
        installation.clean()


@pytest.fixture(scope="session")
def people() -> dict[tuple[str, str], Browser]:
    """Those who were made, by the address of their installation and their name."""
    return {}


def with_app(people: dict[tuple[str, str], Browser], trial: Trial, name: str, app: str) -> Browser:
    """Somebody who is signed in, with an app that was opened once; made when first asked for."""
    key = (trial.server.url, name)
    if key not in people:
        made = newcomer(trial, name)
        trial.publish(app, {"app.py": ECHO}, token=made.token())
        people[key] = made
    people[key].jar.pop(people[key].host(app), None)
    assert people[key].go(app, "/").status == 200
    return people[key]


@pytest.fixture(scope="module")
def ada(trial: Trial, people: dict[tuple[str, str], Browser]) -> Browser:
    """The owner of the app *echo*, signed in, with the app opened once."""
    return with_app(people, trial, "ada", "echo")


@pytest.fixture(scope="module")
def bea(trial: Trial, people: dict[tuple[str, str], Browser], ada: Browser) -> Browser:
    """Somebody else, with an app of her own."""
    del ada  # is there before her
    return with_app(people, trial, "bea", "hers")


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
