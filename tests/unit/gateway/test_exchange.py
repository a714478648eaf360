"""One exchange: what the client gets does not depend on how the upstream's bytes are cut, nor on what fails when."""

import asyncio

import pytest

from tholos.gateway.model import Answer, Carry

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n"


async def asked(desk, settle, request=GET):
    client = desk.connect()
    client.data_received(request)
    await settle()
    return client, desk.pool.opened[-1]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 500])
async def test_pieces_do_not_matter(make_desk, settle, size):
    """The same answer, and a connection that can be used again."""
    desk = make_desk()
    client, upstream = await asked(desk, settle)
    for start in range(0, len(CHUNKED), size):
        upstream.data_received(CHUNKED[start : start + size])
    assert client.transport.written == (
        b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    assert desk.pool.take("unix:/memory") is upstream
    assert desk.shared.under_way.under_way("one") == 0


@pytest.mark.parametrize("length", range(len(CHUNKED)))
async def test_a_death_at_any_byte(make_desk, settle, length):
    """A 502 while nothing was sent, else an end that is not the answer's; always counted and reported once."""
    desk = make_desk()
    client, upstream = await asked(desk, settle)
    upstream.data_received(CHUNKED[:length])
    upstream.transport.close()
    written = bytes(client.transport.written)
    head = CHUNKED.index(b"chunked\r\n\r\n") + len(b"chunked\r\n\r\n")
    if length < head:
        assert b"HTTP/1.1 502 Bad Gateway\r\n" in written
    else:
        assert b"502" not in written
        assert not written.endswith(b"0\r\n\r\n")
        assert client.transport.closed
    assert len(desk.done) == 1
    assert not desk.shared.exchanges
    assert desk.shared.under_way.under_way("one") == 0


@pytest.mark.parametrize(
    ("request_line", "asked_again"),
    [(b"GET / HTTP/1.1\r\n", True), (b"HEAD / HTTP/1.1\r\n", True), (b"DELETE / HTTP/1.1\r\n", False)],
)
async def test_only_safe_requests_are_repeated(make_desk, settle, request_line, asked_again):
    """And only on a connection that was used before, and only once."""
    desk = make_desk()
    _, upstream = await asked(desk, settle)
    upstream.data_received(b"HTTP/1.1 204 No\r\n\r\n")
    client, reused = await asked(desk, settle, request_line + b"Host: a\r\n\r\n")
    assert reused is upstream
    reused.transport.close()
    await settle()
    assert len(desk.pool.opened) == 1 + asked_again
    desk.pool.opened[-1].transport.close()
    await settle()
    assert len(desk.pool.opened) == 1 + asked_again
    assert client.transport.written.startswith(b"HTTP/1.1 502 ")


async def test_attempts_are_counted(make_desk, settle):
    """From 0, one more for each connection that could not be opened."""
    attempts = []

    async def decide(head, attempt):
        attempts.append(attempt)
        return Carry(f"unix:/{attempt}", f"label {attempt}")

    desk = make_desk(decide)
    desk.pool.away = 2
    _, upstream = await asked(desk, settle)
    assert (attempts, upstream.address) == ([0, 1, 2], "unix:/2")
    assert [desk.shared.under_way.under_way(f"label {number}") for number in range(3)] == [0, 0, 1]


async def test_a_silent_upstream(make_desk, settle):
    """A 504 when the deadline passed, and its connection is closed."""
    desk = make_desk(answer_timeout=5)
    client, upstream = await asked(desk, settle)
    client.tick(desk.shared.loop.time() + 6)
    assert client.transport.written.startswith(b"HTTP/1.1 504 ")
    assert upstream.transport.closed


async def test_a_client_that_left(make_desk, settle):
    """Its upstream is closed at once, and the log says 499."""
    desk = make_desk()
    client, upstream = await asked(desk, settle)
    client.transport.close()
    assert upstream.transport.closed
    assert desk.done[0][2] == 499


async def test_a_log_that_fails_cuts_nothing(make_desk, settle):
    """The error is reported, the answer complete."""

    async def decide(head, attempt):
        return Answer(200, body=b"ok")

    def fail(*_):
        raise OSError("full")

    desk = make_desk(decide)
    desk.shared.on_done = fail
    client = desk.connect()
    client.data_received(GET)
    await settle()
    assert client.transport.written.endswith(b"ok")
    assert isinstance(desk.errors[0], OSError)


async def test_an_interim_answer_is_an_answer(make_desk, settle):
    """A connection that died after one was not stale: the request is not repeated."""
    desk = make_desk()
    _, upstream = await asked(desk, settle)
    upstream.data_received(b"HTTP/1.1 204 No\r\n\r\n")
    client, upstream = await asked(desk, settle)
    upstream.data_received(b"HTTP/1.1 103 Hints\r\n\r\n")
    upstream.transport.close()
    await settle()
    assert len(desk.pool.opened) == 1
    assert b"HTTP/1.1 502 " in client.transport.written


async def test_a_decision_that_cannot_be_cancelled(make_desk, settle):
    """One that comes after the client left is neither carried out nor counted."""
    go_on = asyncio.Event()

    async def decide(head, attempt):
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            return Carry("unix:/memory", "one")

    desk = make_desk(decide)
    client = desk.connect()
    client.data_received(GET)
    await settle()
    client.transport.close()
    await settle()
    assert not desk.pool.opened
    assert desk.shared.under_way.under_way("one") == 0
    assert len(desk.done) == 1


async def test_a_body_that_turns_out_too_long_is_refused(make_desk, settle):
    """Before the answer has begun it is answered; after that it is cut."""
    for begun in (False, True):
        desk = make_desk(Carry("unix:/memory", "one", max_body=8))
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        client, upstream = await asked(desk, settle, head + b"1\r\nx\r\n")
        if begun:
            upstream.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.data_received(b"8\r\n12345678\r\n")
        assert upstream.transport.closed
        assert client.transport.written.startswith(b"HTTP/1.1 200" if begun else b"HTTP/1.1 413")
        assert desk.done[0].status == (200 if begun else 413)
