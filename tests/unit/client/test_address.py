from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.client.address import Address, ServerInvalid, candidates, connect


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("localhost:8080/", "http://localhost:8080"),
        ("tholos.example", "http://tholos.example"),
        ("https://Tholos.Example:443/base/", "https://tholos.example/base"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_address_has_one_spelling(text, shown):
    assert str(Address.parse(text)) == shown
    assert Address.parse(shown) == Address.parse(text)


@pytest.mark.parametrize(
    "text", ["", "ftp://host", "http://", "http://host:0", "http://host:99999", "http://a:b@host"]
)
def test_what_is_no_server_is_refused(text):
    with pytest.raises(ServerInvalid) as caught:
        Address.parse(text)
    assert caught.value.where == "server"


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(text):
    with suppress(ServerInvalid):
        assert Address.parse(text).host


@pytest.mark.parametrize("host", ["localhost", "sales.localhost", "127.0.0.1", "::1"])
def test_this_machine_is_loopback(host):
    assert Address("http", host, 80).is_loopback


@pytest.mark.parametrize("host", ["localhost.example", "notlocalhost", "10.0.0.1"])
def test_other_machines_are_not(host):
    assert not Address("http", host, 80).is_loopback


def test_names_below_localhost_are_this_machine():
    assert candidates("sales.localhost") == ("127.0.0.1", "::1")
    assert candidates("tholos.example") == ("tholos.example",)


class Dialer:
    """Answers at some addresses only."""

    def __init__(self, *answering: str) -> None:
        self.answering = answering
        self.tried: list[str] = []

    def __call__(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.tried.append(address[0])
        if address[0] not in self.answering:
            raise ConnectionRefusedError(address[0])
        return None  # type: ignore[return-value]


def test_second_candidate_is_tried_after_the_first():
    dial = Dialer("::1")
    connect("localhost", 8080, 1, dial)
    assert dial.tried == ["127.0.0.1", "::1"]


def test_first_candidates_reason_is_told():
    with pytest.raises(ConnectionRefusedError, match=r"127\.0\.0\.1"):
        connect("localhost", 8080, 1, Dialer())
