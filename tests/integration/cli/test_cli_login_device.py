"""``tholos login`` by the browser: what it prints, whom it waits for, and how it ends."""

from __future__ import annotations

import json
import platform
import sys

import pytest

from tholos.cli import device
from tholos.testing.api import Refusal


@pytest.fixture
def slept(monkeypatch):
    """Nobody waits in a test; the seconds that would have been waited."""
    seconds: list[float] = []
    monkeypatch.setattr(device, "turn", lambda interval, console, sleep: seconds.append(interval))
    return seconds


@pytest.fixture
def at_terminal(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)


@pytest.fixture
def opened(monkeypatch):
    """What was shown in a browser."""
    pages: list[str] = []
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    return pages


def test_the_browser_lets_a_terminal_in(tholos, api, home, slept, at_terminal, opened):
    api.decisions = ["authorization_pending", "authorization_pending", "approved"]
    ran = tholos("login", api.url)
    assert ran.code == 0, ran.err
    assert ran.out == f"  ✔ ada (publisher) on {api.url.removeprefix('http://')}, now the default server\n"
    assert ran.err == (
        f"  open  {api.url}/device\n  code  BCDF-GHJK  (the page shows the same one; good for 10 minutes)\n"
    )
    assert opened == [f"{api.url}/device?code=BCDF-GHJK"]
    assert slept == [1, 1, 1]
    assert api.labels == [f"tholos on {platform.node()}"]
    stored = json.loads((home / "config" / "tholos" / "servers.json").read_text())
    assert stored["default"] == api.url
    assert tholos("list").code == 0


def test_over_a_remote_shell_no_browser_is_opened(tholos, api, slept, at_terminal, opened, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    api.decisions = ["approved"]
    assert tholos("login", api.url).code == 0
    assert opened == []


def test_a_device_needs_neither_terminal_nor_browser(tholos, api, slept, opened):
    api.decisions = ["approved"]
    ran = tholos("login", api.url, "--device")
    assert ran.code == 0
    assert f"open  {api.url}/device" in ran.err
    assert opened == []


def test_without_a_terminal_every_other_way_is_named(tholos, api):
    ran = tholos("login", api.url)
    assert ran.code == 2
    for way in ("sign-in link", "--password-stdin", "--token-file", "--device"):
        assert way in ran.err
    assert api.labels == [], "no code was asked for that nobody would see"


def test_a_name_without_a_terminal_says_where_its_password_comes_from(tholos, api):
    ran = tholos("login", api.url, "--name", "ada")
    assert ran.code == 2
    assert "--password-stdin" in ran.err


def test_somebody_refused(tholos, api, slept):
    api.decisions = ["authorization_pending", "access_denied"]
    ran = tholos("login", api.url, "--device")
    assert ran.code == 4
    assert "access_denied" in ran.err
    assert tholos("list").code == 4


def test_nobody_came(tholos, api, slept):
    api.decisions = ["authorization_pending", "expired_token"]
    ran = tholos("login", api.url, "--device")
    assert ran.code == 4
    assert "nobody has let this terminal in in time" in ran.err
    assert f"tholos login {api.url}" in ran.err


def test_a_code_that_has_run_out_is_not_asked_for(tholos, api, slept):
    api.device_seconds = 0
    assert tholos("login", api.url, "--device").code == 4
    assert slept == []


def test_who_is_told_to_slow_down_does(tholos, api, slept):
    api.decisions = ["slow_down", "authorization_pending", "slow_down", "approved"]
    assert tholos("login", api.url, "--device").code == 0
    assert slept == [1, 6, 6, 11]


def test_a_server_that_is_away_for_a_moment_is_waited_for(tholos, api, slept, monkeypatch):
    """It goes away after it gave the code, and the code is still good when it is back."""
    api.decisions = ["approved"]
    begin = device.page_of

    def go_away(address, code):
        api.refusals.append(Refusal(503, "unavailable", "Cannot do that just now."))
        return begin(address, code)

    monkeypatch.setattr(device, "page_of", go_away)
    assert tholos("login", api.url, "--device").code == 0
    assert slept in ([1, 2], [1]), "whether the client itself tried again does not matter"
