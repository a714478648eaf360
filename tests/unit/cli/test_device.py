"""Waiting for somebody in a browser, without time."""

import io

import pytest

from tholos.cli import device
from tholos.cli.console import Console
from tholos.client.address import Address
from tholos.client.signing_in import DeviceCode


def code_at(page):
    return DeviceCode("secret", "BCDF-GHJK", f"{page}/device", f"{page}/device?code=BCDF-GHJK", 600, 3)


@pytest.mark.parametrize(
    ("typed", "said", "shown"),
    [
        ("https://t.example.org", "https://t.example.org", "https://t.example.org"),
        ("http://10.0.0.7:8080", "https://t.example.org", "https://t.example.org"),
        ("http://10.0.0.7:8080", "http://localhost:8080", "http://10.0.0.7:8080"),
        ("http://localhost:8080", "http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_the_page_is_where_the_person_can_reach_it(typed, said, shown):
    page, whole = device.page_of(Address.parse(typed), code_at(said))
    assert page == f"{shown}/device"
    assert whole == f"{shown}/device?code=BCDF-GHJK"


def test_the_spinner_turns_for_as_long_as_it_should():
    slept = []
    err = io.StringIO()
    device.turn(3, Console(io.StringIO(), err, is_live=True), slept.append)
    assert sum(slept) == pytest.approx(3)
    assert "waiting for you in the browser" in err.getvalue()


@pytest.mark.parametrize(
    ("platform", "variables", "is_there"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ":10", "SSH_CONNECTION": "a b"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "a b"}, False),
    ],
)
def test_a_browser_is_opened_only_where_somebody_sees_it(monkeypatch, platform, variables, is_there):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert device.has_browser() is is_there


def test_no_code_shows_the_terminals_own_secret():
    assert "secret" not in repr(code_at("http://localhost:8080"))
