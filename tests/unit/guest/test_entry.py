"""The guest's modules are plain functions; here they run on our own interpreter."""

from __future__ import annotations

import sys

import pytest

from tholos_guest import entry, failure
from tholos_guest.failure import CannotStart


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(folder, source: str, entrypoint: str) -> object:
    (folder / "guest_app.py").write_text(source)
    return entry.load(entrypoint)


APP = "def app(environ, start_response): return []\n"


def test_an_attribute_a_dotted_attribute_and_a_factory_are_found(folder):
    source = APP + "class site:\n    inner = app\ndef make(): return app\n"
    app = load(folder, source, "guest_app:app")
    assert entry.load("guest_app:site.inner") is app
    assert entry.load("guest_app:make()") is app


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("application = print\n", "application"),
        ("def create_app(): return print\n", "create_app()"),
        ("def make_app(): return print\n", "make_app()"),
    ],
)
def test_the_usual_names_stand_in_for_a_missing_one_and_that_is_said(folder, capsys, source, used):
    assert load(folder, source, "guest_app:server") is print
    assert f'has no attribute "server"; using "{used}"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "entrypoint", "message"),
    [
        ("x = 1\ny = 2\n", "guest_app:app", 'module "guest_app" has no attribute "app"; it has: x, y'),
        ("app = 3\n", "guest_app:app", '"guest_app:app" is not an app: it is of type int, not callable'),
        (
            "\nimport nosuch.part\n",
            "guest_app:app",
            'guest_app.py:2 imports "nosuch", which is not installed',
        ),
        ("def f(:\n", "guest_app:app", "guest_app.py:1: SyntaxError: "),
        (
            "\n1 / 0\n",
            "guest_app:app",
            'importing "guest_app" failed at guest_app.py:2: ZeroDivisionError: division',
        ),
        (
            "import sys\nsys.exit(4)\n",
            "guest_app:app",
            'guest_app.py:2 ends the process while "guest_app" is imported',
        ),
        (
            "def make():\n    raise KeyError('DB')\n",
            "guest_app:make()",
            "make() failed at guest_app.py:2: KeyError: 'DB'",
        ),
        (
            "def make(): raise SystemExit(3)\n",
            "guest_app:make()",
            "make() in guest_app ends the process (exit code 3)",
        ),
        (
            "def __getattr__(name):\n    if name == 'app':\n        return None.app\n    raise AttributeError\n",
            "guest_app:app",
            'importing "guest_app" failed at guest_app.py:3: AttributeError: ',
        ),
        (
            "def __getattr__(name):\n    return 1 / 0\n",
            "guest_app:app",
            'importing "guest_app" failed at guest_app.py:2: ZeroDivisionError: ',
        ),
        ("", "other.thing:app", 'there is no module "other.thing"; the folder has: guest_app'),
    ],
)
def test_the_reason_is_one_line_that_names_the_apps_code(folder, source, entrypoint, message):
    with pytest.raises(CannotStart) as caught:
        load(folder, source, entrypoint)
    assert str(caught.value).startswith(message)


def test_the_report_begins_with_the_reason_and_shows_only_the_apps_frames(folder, capsys):
    with pytest.raises(CannotStart) as caught:
        load(folder, "def f(): raise ValueError('no')\nf()\n", "guest_app:app")
    failure.report(caught.value)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == '[tholos] cannot start: importing "guest_app" failed at guest_app.py:1: ValueError: no'
    frames = [line for line in rest if line.lstrip().startswith("File ")]
    assert rest[0].startswith("Traceback")
    assert len(frames) == 2
    assert all("guest_app.py" in line for line in frames)
    assert rest[-1] == "ValueError: no"


def test_a_module_that_says_itself_what_it_has_not_is_asked_for_the_usual_names(folder):
    source = "def __getattr__(name):\n    if name != 'application':\n        raise AttributeError(name)\n    return len\n"
    assert load(folder, source, "guest_app:app") is len


@pytest.mark.parametrize("entrypoint", ["guest_app:app", "guest_app:app.server", "guest_app:create_app()"])
def test_of_a_dash_app_the_app_in_it_is_found(folder, entrypoint):
    source = (
        "class Dash:\n    __module__ = 'dash.dash'\n    server = len\n"
        "class Own(Dash): pass\napp = Own()\ncreate_app = Own\n"
    )
    assert load(folder, source, entrypoint) is len
