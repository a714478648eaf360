"""What ``tholos status`` prints of an app and its instances."""

import pytest

from tholos.cli import apps
from tholos.cli.console import of_terminal
from tholos.client.model import App, Instance, Running, State


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
