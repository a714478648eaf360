"""The client on real sockets: connections, retries, broken streams, strangers at the other end."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import contextmanager

import pytest

from tholos.client import Client, Patience
from tholos.client.errors import (
    RemoteConflict,
    RemoteInvalid,
    RemoteNotFound,
    RemoteNotSignedIn,
    RemoteUnavailable,
    UnexpectedAnswer,
    Unreachable,
)
from tholos.client.transport import Body
from tholos.testing.api_state import FLASK, Line, Refusal


@pytest.fixture
def client(api):
    with Client(api.url, api.token, patience=Patience(2.0)) as made:
        yield made


def put(client: Client, api) -> str:
    """An operation with a snapshot of nothing."""
    return client.publish("sales", client.create_snapshot([]).id).id


def test_one_connection_serves_many_calls(client, api, monkeypatch):
    made = []
    monkeypatch.setattr("tholos.client.transport.connect", lambda *args: made.append(1) or dial(*args))
    for _ in range(20):
        client.me()
    assert len(made) == 1


def dial(host: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout)


def test_a_connection_that_the_server_closed_is_not_used_again(client, api):
    client.me()
    api.stop()
    api.start()
    assert client.sign_in("ada", api.password).token == api.token, "a call that may not be repeated works too"


def test_names_below_localhost_reach_this_machine_under_their_name():
    with stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (port, heard):
        with Client(f"http://sales.localhost:{port}") as client, pytest.raises(UnexpectedAnswer):
            client.me()
        assert f"Host: sales.localhost:{port}".encode() in b"".join(heard)


def test_every_call_reads_what_the_server_answers(client, api):
    assert client.server().name == "tholos"
    assert client.me().name == "ada"
    assert [token.id for token in client.tokens()] == ["tok_1"]
    operation = put(client, api)
    assert client.operation(operation).state == "done"
    assert client.operation(operation).release == 1
    assert [one.id for one in client.operations("sales")] == [operation]
    assert [app.name for app in client.apps()] == ["sales"]
    assert [release.number for release in client.releases("sales")] == [1]
    assert client.instances("sales")[0].pid == 4242
    assert client.why("sales").reasons[0].where == "app.py:31"
    assert client.delete_app("sales").kind == "delete"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RemoteInvalid), (401, RemoteNotSignedIn), (404, RemoteNotFound), (409, RemoteConflict)],
)
def test_refusals_are_raised_as_their_kind(client, api, status, kind):
    api.refusals = [Refusal(status, "some_code", "Cannot do this.")]
    with pytest.raises(kind) as caught:
        client.me()
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, "some_code", "req_1")


def test_unavailable_is_tried_again_as_long_as_there_is_patience(client, api):
    api.refusals = [Refusal(503, "busy", "Busy.")] * 3
    assert client.me().name == "ada"
    api.refusals = [Refusal(503, "busy", "Busy.", 30)]
    with pytest.raises(RemoteUnavailable) as caught:
        client.me()
    assert caught.value.retry_after == 30


def test_a_repeated_publish_is_one_operation(client, api):
    snapshot = client.create_snapshot([]).id
    first = client.publish("sales", snapshot, key="k")
    assert client.publish("sales", snapshot, key="k").id == first.id


@pytest.mark.parametrize("seed", range(8))
def test_events_come_once_and_in_order_when_streams_break_at_random(client, api, seed):
    chance = random.Random(seed)  # noqa: S311 - the same each time
    api.script = (*FLASK, *[Line("line", "start", f"line {n}") for n in range(30)])
    api.breaks = lambda: chance.random() < 0.3
    events = list(client.events(put(client, api)))
    assert [event.n for event in events] == list(range(1, len(FLASK) + 32))
    assert events[-1].is_last


def test_events_can_begin_in_the_middle(client, api):
    operation = put(client, api)
    assert [event.n for event in client.events(operation, after=6)] == [7, 8]
    assert list(client.events(operation, after=8)) == []


def test_events_of_a_server_that_stays_away_end(api):
    api.hold_after = 2
    with Client(api.url, api.token, patience=Patience(0.3)) as client:
        events = client.events(put(client, api))
        assert next(events).n == 1
        assert next(events).n == 2
        api.stop()
        with pytest.raises(Unreachable):
            next(events)


def test_a_silent_stream_is_asked_for_again(client, api, monkeypatch):
    monkeypatch.setattr("tholos.client.transport.STREAM_SECONDS", 0.2)
    api.hold_after = 2
    events = client.events(put(client, api))
    threading.Timer(0.7, api.go_on).start()
    assert [event.n for event in events] == list(range(1, len(FLASK) + 2))
    assert sum(request.path.endswith("/events") for request in api.requests) >= 2


def test_a_body_is_made_anew_for_each_try(client, api):
    api.refusals = [Refusal(503, "busy", "Busy.", 0)]
    made = []

    def read():
        made.append(1)
        yield b"x" * 70_000
        yield b"y" * 30_000

    assert client.send_archive(Body(100_000, read, "application/zip")).bytes == 100_000
    assert len(made) >= 2


def test_something_else_at_the_address_is_told():
    with (
        stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>") as (port, _),
        Client(f"http://localhost:{port}") as client,
        pytest.raises(UnexpectedAnswer) as caught,
    ):
        client.me()
    assert "Tholos server" in caught.value.fix


def test_a_redirect_is_not_followed_with_the_token():
    moved = b"HTTP/1.1 301 Moved\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n"
    with (
        stranger(moved) as (port, _),
        Client(f"http://localhost:{port}", "secret") as client,
        pytest.raises(UnexpectedAnswer) as caught,
    ):
        client.me()
    assert caught.value.fix == "use https://other.example/"


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"]
)
def test_what_is_no_http_is_unreachable(said):
    with (
        stranger(said) as (port, _),
        Client(f"http://localhost:{port}", patience=Patience(0)) as client,
        pytest.raises(Unreachable),
    ):
        client.me()


def test_an_unknown_host_is_told_without_waiting():
    with Client("http://no-such-host.invalid") as client, pytest.raises(Unreachable):
        client.me()


@contextmanager
def stranger(said: bytes):
    """Something that is no Tholos server: it says the same to everyone."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65536))
                    connection.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
