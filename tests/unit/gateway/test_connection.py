"""A client's connection: requests are cut out of its bytes, wherever those are cut."""

import asyncio
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tholos.gateway.model import Answer

REQUESTS = (
    b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    b"\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n\r\n"
    b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\n\r\n\r\n0\r\n\r\n"
    b"HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n"
    b"GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def answer_all(desk, settle):
    """Plays an upstream that answers when it has the whole request; the heads it got."""
    heads = []
    for _ in range(12):
        await settle()
        for upstream in desk.pool.opened:
            wire = bytes(upstream.transport.written)
            exchange = upstream.exchange
            if exchange is None or not wire or not exchange.request_done:
                continue
            upstream.transport.written.clear()
            heads.append(wire.split(b"\r\n")[0])
            bodiless = wire.startswith(b"HEAD")
            upstream.data_received(OK[:-2] if bodiless else OK)
    return heads


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.integers(0, len(REQUESTS)), max_size=20))
def test_requests_are_found_wherever_the_bytes_are_cut(make_desk, settle, places):
    """Pipelined, with bodies that look like requests: five in, five out, in order, and the connection is closed."""

    async def check():
        desk = make_desk()
        client = desk.connect()
        for start, end in itertools.pairwise(sorted({0, len(REQUESTS), *places})):
            client.data_received(REQUESTS[start:end])
            if start % 2:
                await settle()
        heads = await answer_all(desk, settle)
        assert [head.split()[1] for head in heads] == [b"/1", b"/2", b"/3", b"/4", b"/5"]
        assert client.transport.written.count(b"HTTP/1.1 200 OK") == 5
        assert client.transport.closed
        assert len(desk.done) == 5

    asyncio.run(check())


async def test_reading_stops_while_much_is_held(make_desk, settle):
    """Pipelined bytes beyond the bound are left to the kernel."""
    desk = make_desk(buffer=100)
    client = desk.connect()
    client.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await settle()
    client.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
    assert client.transport.paused
    assert len(await answer_all(desk, settle)) == 11
    assert not client.transport.paused


async def test_pressure_goes_both_ways(make_desk, settle):
    """A side that cannot take more stops the reading of the other."""
    desk = make_desk()
    client = desk.connect()
    client.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
    await settle()
    upstream = desk.pool.opened[0]
    upstream.pause_writing()
    assert client.transport.paused
    upstream.resume_writing()
    assert not client.transport.paused
    client.pause_writing()
    assert upstream.transport.paused
    client.resume_writing()
    assert not upstream.transport.paused


async def test_a_body_before_its_way_is_found(make_desk, settle):
    """It is held up to the bound, then the client is not read any more."""
    decided = asyncio.Event()

    async def decide(head, attempt):
        await decided.wait()
        return Answer(403)

    client = make_desk(decide, buffer=100).connect()
    client.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n" + b"x" * 90)
    assert not client.transport.paused
    client.data_received(b"x" * 90)
    assert client.transport.paused
    decided.set()
    await settle()
    assert client.transport.written.startswith(b"HTTP/1.1 403 ")
    assert client.transport.ended
    assert not client.transport.paused
    client.data_received(b"x" * 320 + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.transport.written.count(b"HTTP/1.1 ") == 1


async def test_deadlines(make_desk):
    """A head that is not complete is answered, a connection without one is closed."""
    desk = make_desk(head_timeout=10)
    now = desk.shared.loop.time()
    slow, silent = desk.connect(), desk.connect()
    slow.data_received(b"GET / HTTP/1.1\r\n")
    for client in (slow, silent):
        client.tick(now + 9)
        assert not client.transport.written
        client.tick(now + 11)
    assert slow.transport.written.startswith(b"HTTP/1.1 408 ")
    assert silent.transport.closed
    assert not slow.transport.closed
    slow.tick(now + 60)
    assert slow.transport.closed
