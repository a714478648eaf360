"""What commands about releases print: the list, a lock, and what returned with another release."""

from contextlib import contextmanager

import pytest

from tholos.cli import releases
from tholos.client.errors import Unreachable
from tholos.client.releases import Change, Comparison


def _comparison(*changes):
    return Comparison(2, 1, tuple(Change(kind, name, "changed") for kind, name in changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([], "nothing differs"),
        ([("file", "app.py"), ("file", "b.py")], "code"),
        ([("variable", "TARGET")], "1 variable (TARGET)"),
        (
            [("setting", "Limit: open_files"), ("variable", "DB_URL"), ("package", "flask"), ("file", "app.py"),
             ("variable", "LIMIT")],
            "code, packages, 2 variables (DB_URL, LIMIT), limits",
        ),
        ([("setting", "Python"), ("setting", "Limit: open_files")], "settings (Python), limits"),
        ([("variable", f"V{n}") for n in range(6)], "6 variables (V0, V1, V2, V3, …)"),
    ],
)  # fmt: skip
def test_what_returned_is_one_row(changes, told):
    assert releases.returned(_comparison(*changes)) == told


class Client:
    """Has an app with a lock."""

    def __init__(self, told="") -> None:
        self.told = told

    def lock(self, name, number):
        return f"flask==3.{number}\n" if name == "sales" else ""

    def app(self, name):
        return type("App", (), {"live": type("Release", (), {"number": 4})})

    def compare(self, name, a, b):
        if self.told:
            raise Unreachable(self.told)
        return _comparison(("file", "app.py"))


@pytest.fixture
def client(monkeypatch):
    @contextmanager
    def connected(*_):
        yield Client()

    monkeypatch.setattr(releases, "connected_for", connected)


def test_a_lock(client, capsys):
    assert releases.show_lock(name="sales", release=2, server="http://here", as_json=False) == 0
    assert releases.show_lock(name="sales", release=None, server="http://here", as_json=False) == 0
    assert capsys.readouterr().out == "flask==3.2\nflask==3.4\n"


def test_a_release_without_packages_says_so_beside_the_output(client, capsys):
    assert releases.show_lock(name="site", release=1, server="http://here", as_json=False) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err.strip()) == ("", "release 1 needs no packages")


def test_what_cannot_be_compared_ends_no_command(capsys):
    """The other release is live by then."""
    console = releases.of_terminal()
    releases.tell_returned(Client("Cannot reach it."), "sales", 2, 1, console)
    assert capsys.readouterr().out == ""
    releases.tell_returned(Client(), "sales", 2, 1, console)
    assert capsys.readouterr().out == "  2 → 1         code\n"
