"""What is printed of a log: whose lines they are, and of which instance a traceback is."""

from contextlib import contextmanager

import pytest

from tholos.cli import logs
from tholos.client.logs import LogLine

QUERY = {"release": None, "instance": "", "level": "", "search": "", "since": "", "lines": 10}
TWO = [(1, "inst_a"), (1, "inst_a"), (2, "inst_b"), (2, "inst_c")]


class Client:
    """Has the log of an app that was published anew and started once more."""

    def __init__(self) -> None:
        self.asked = []

    def logs(self, name, *, lines, asked):
        return [
            LogLine(n, "", "", release, instance, n, f"line {n}") for n, (release, instance) in enumerate(TWO)
        ]

    def follow_logs(self, name, *, lines, asked):
        yield from self.logs(name, lines=lines, asked=asked)

    def app(self, name):
        return None

    def be_patient(self, seconds):
        pass

    def traceback(self, name, *, release=None, instance=""):
        self.asked.append((name, release, instance))


@pytest.fixture
def client(monkeypatch):
    client = Client()

    @contextmanager
    def connected(*_):
        yield client

    monkeypatch.setattr(logs, "connected", connected)
    return client


def _show(**said):
    flags = {"follow": False, "times": False, "traceback": False, "as_json": False, **QUERY, **said}
    return logs.show_logs(name="sales", server="http://here", **flags)


@pytest.mark.parametrize("follow", [True, False])
def test_another_release_or_instance_is_marked_beside_the_lines(client, capsys, follow):
    assert _show(follow=follow) == 0
    shown = capsys.readouterr()
    assert shown.out == "line 0\nline 1\nline 2\nline 3\n"
    assert shown.err == "==> release 2, instance inst_b <==\n==> release 2, instance inst_c <==\n"


def test_a_terminal_is_told_whose_the_first_lines_are(client, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _show()
    assert capsys.readouterr().err.startswith("==> release 1, instance inst_a <==\n==> release 2")


@pytest.mark.parametrize("follow", [True, False])
def test_programs_read_it_in_each_line(client, capsys, follow):
    _show(follow=follow, as_json=True)
    shown = capsys.readouterr()
    assert (shown.err, shown.out.count('"inst_b"')) == ("", 1)


def test_the_traceback_of_one_instance(client):
    assert _show(traceback=True, instance="inst_a", release=3) == 1
    assert client.asked == [("sales", 3, "inst_a")]
