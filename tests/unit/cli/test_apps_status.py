"""What ``tholos status`` prints of an app and its instances."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from tholos.cli import apps
from tholos.cli.console import of_terminal
from tholos.client.model import App, Instance, Running, Standby, State


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, ("restarted 1 time\n", "1 request ")), (2, ("restarted 2 times\n", "2 requests "))],
)
def test_one_is_told_as_one(capsys, number, words):
    app = App("app_1", "sales", "wsgi", "", "http://x/", "", "ada", "owner", State("serving"), None, "")
    one = Instance("ins_1", 1, "ready", "", "", None, number, "", memory=10**6, requests=number)
    apps.print_status(of_terminal(), app, Running([one], []), [])
    out = capsys.readouterr().out
    assert all(word in out for word in words)


def test_all_has_those_that_sleep(capsys, monkeypatch):
    def app(name, word, rank="owner"):
        return App("", name, "wsgi", "", "", "", "ada", rank, State(word), None, "")

    client = SimpleNamespace(
        running=lambda: Running([], [Standby("warm", 1, 10**6)]),
        apps=lambda: [
            app("cold", "asleep"),
            app("warm", "asleep"),
            app("theirs", "asleep", "viewer"),
            app("off", "stopped"),
        ],
    )
    monkeypatch.setattr(apps, "connected", lambda _server: nullcontext(client))
    apps.show_status(name=None, of_all=True, watch=False, server=None, as_json=False)
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert rows == [["NAME", "STATE"], ["warm", "standby"], ["cold", "asleep"]]
