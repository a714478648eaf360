"""Streams: flushed at once, held back where the other side is slow, in constant memory, through changes of address."""

import asyncio
import resource
from pathlib import Path

import aiohttp

from tholos.gateway.model import Answer, Carry

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PIECE = b"x" * 65536


def carry(up, **more):
    return Carry(up.address, "one", **more)


def resident():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def test_events_are_flushed_one_by_one(open_door, asgi):
    """The next event is sent only after the client has the one before."""
    seen = asyncio.Semaphore(0)

    async def app(scope, receive, send):
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        for number in range(5):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            await seen.acquire()
        await send({"type": "http.response.body", "body": b""})

    address, _, _ = await asgi(app)
    door = await open_door(Carry(address, "one"))
    async with asyncio.timeout(20), aiohttp.ClientSession() as session, session.get(door.url) as answer:
        for number in range(5):
            assert await answer.content.readuntil(b"\n\n") == b"data: %d\n\n" % number
            seen.release()
        assert await answer.content.read() == b""


async def test_an_upload_is_flushed_piece_by_piece(open_door, asgi):
    """The client sends the next piece only after the application has the one before."""
    got = asyncio.Queue()

    async def app(scope, receive, send):
        while (message := await receive())["more_body"]:
            await got.put(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def pieces():
        for number in range(5):
            piece = b"piece %d" % number
            yield piece
            assert await got.get() == piece

    address, _, _ = await asgi(app)
    door = await open_door(Carry(address, "one"))
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as session,
        session.post(door.url, data=pieces()) as answer,
    ):
        assert await answer.read() == b"done"


async def test_a_large_download_holds_constant_memory(open_door, backend):
    """1 GiB to a client that reads it: the process grows by little."""
    total = 1024 * 1024 * 1024

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()

    door = await open_door(carry(await backend(script)))
    reader, writer = await door.connect()
    writer.write(GET)
    await reader.readuntil(b"\r\n\r\n")
    before, most, left = resident(), 0, total
    while left:
        left -= len(await reader.read(2**18))
        most = max(most, resident())
    assert most - before < 48 * 1024 * 1024
    writer.close()
    await writer.wait_closed()
    assert door.done[0][4] == total


async def test_a_slow_reader_holds_the_upstream_back(open_door, backend):
    """What was sent for a client that does not read stays small, and all of it arrives in the end."""
    total = 64 * 1024 * 1024
    sent = 0

    async def script(reader, writer, this):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            writer.write(PIECE)
            await writer.drain()
            sent += len(PIECE)

    door = await open_door(carry(await backend(script)))
    reader, writer = await door.connect()
    writer.write(GET)
    await reader.readuntil(b"\r\n\r\n")
    last = -1
    while last != sent:
        last = sent
        await asyncio.sleep(0.1)
    assert sent < 16 * 1024 * 1024  # kernel buffers, and ours
    async with asyncio.timeout(20):
        assert len(await reader.readexactly(total)) == total
    writer.close()
    await writer.wait_closed()


async def test_a_slow_upstream_holds_the_client_back(open_door, backend):
    """The same for an upload, before the decision too."""
    total = 64 * 1024 * 1024
    start = asyncio.Event()
    held = asyncio.Event()
    got = 0

    async def script(reader, writer, this):
        nonlocal got
        await reader.readuntil(b"\r\n\r\n")
        await start.wait()
        while got < total:
            got += len(await reader.read(2**18))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    up = await backend(script)

    async def decide(head, attempt):
        await held.wait()
        return carry(up)

    door = await open_door(decide)
    reader, writer = await door.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % total)
    sent = 0

    async def send():
        nonlocal sent
        while sent < total:
            writer.write(PIECE)
            await writer.drain()
            sent += len(PIECE)

    sending = asyncio.get_running_loop().create_task(send())
    for event in (held, start):
        last = -1
        while last != sent:
            last = sent
            await asyncio.sleep(0.1)
        assert sent < 16 * 1024 * 1024
        event.set()
    async with asyncio.timeout(20):
        await sending
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    assert got == total
    writer.close()
    await writer.wait_closed()


async def test_no_request_fails_while_the_address_changes(open_door, asgi):
    """From A to B under load; A is drained, then closed: every request is answered, none of them twice."""

    def app_called(name):
        async def app(scope, receive, send):
            await receive()
            await asyncio.sleep(0.003)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": name})

        return app

    first, server, stopped = await asgi(app_called(b"A"))
    second, _, _ = await asgi(app_called(b"B"))
    now = Carry(first, "A")

    async def decide(head, attempt):
        return now if attempt == 0 else Answer(503)

    door = await open_door(decide)
    got = []
    over = False

    async def load(session):
        while not over:
            async with session.post(door.url, data=b"body") as answer:
                got.append((answer.status, await answer.read()))

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(load(session))
        await asyncio.sleep(0.3)
        now = Carry(second, "B")
        assert await door.carrier.drained("A", 5)
        server.should_exit = True
        await stopped
        await asyncio.sleep(0.3)
        over = True
    assert {status for status, _ in got} == {200}
    assert {body for _, body in got} == {b"A", b"B"}
    assert len(got) == len(door.done)


async def test_recheck_ends_the_refused_and_leaves_the_others(open_door, asgi):
    """Two streams, one account revoked: one is cut, the other goes on."""
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"second"})

    address, _, _ = await asgi(app)
    revoked = set()

    async def decide(head, attempt):
        return Carry(address, "one", still_allowed=lambda: head.target not in revoked)

    door = await open_door(decide)
    streams = {}
    for target in ("/ann", "/bob"):
        reader, writer = streams[target] = await door.connect()
        writer.write(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await reader.readuntil(b"first\r\n")
    door.carrier.recheck()
    assert door.carrier.under_way("one") == 2
    revoked.add("/bob")
    door.carrier.recheck()
    assert door.carrier.under_way("one") == 1
    go_on.set()
    async with asyncio.timeout(20):
        assert await streams["/ann"][0].readuntil(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"
        assert await streams["/bob"][0].read() == b""
    for _, writer in streams.values():
        writer.close()
        await writer.wait_closed()


async def test_access_that_ends_while_it_is_decided(open_door, answering, until):
    """A decision that was under way when access changed is looked at again before it is carried out."""
    up = await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    decided = asyncio.Event()
    asked = 0

    async def decide(head, attempt):
        nonlocal asked
        asked += 1
        await decided.wait()
        return carry(up, still_allowed=lambda: False)

    door = await open_door(decide)
    reader, writer = await door.connect()
    writer.write(GET)
    await until(lambda: asked)
    door.carrier.recheck()
    decided.set()
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 ")
    assert asked == 2
    writer.close()
    await writer.wait_closed()


async def test_close_waits_for_what_is_under_way(open_door, backend, until):
    """A drain lets an answer end; what is longer is cut when the time is over."""
    go_on = asyncio.Event()

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        this.received.append(b"asked")
        await go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    up = await backend(script)
    door = await open_door(carry(up), limits={"linger": 0.1})
    reader, writer = await door.connect()
    writer.write(GET)
    await until(lambda: up.received)
    async with asyncio.TaskGroup() as group:
        group.create_task(door.carrier.close(5))
        await asyncio.sleep(0.02)
        go_on.set()
    got = await reader.read()
    assert got.endswith(b"connection: close\r\n\r\nok")
    writer.close()
    await writer.wait_closed()
