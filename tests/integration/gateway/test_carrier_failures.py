"""Upstreams and clients that misbehave: each ends in a definite state, and nothing incomplete looks complete."""

import asyncio
import contextlib
import socket

import pytest

from tholos.gateway.model import Answer, Carry

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"


def carry(up, **more):
    return Carry(up.address, "one", **more)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    ],
)
async def test_no_answer_is_a_502(open_door, answering, answer):
    """Closed without a word, in the middle of its head, or with something that is none."""
    up = await answering(answer)
    door = await open_door(carry(up))
    for request in (CLOSE, POST):
        assert (await door.ask(request)).startswith(b"HTTP/1.1 502 ")
    assert [line[2] for line in door.done] == [502, 502]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_death_in_mid_answer_is_a_cut(open_door, answering, answer):
    """The client gets what came and then an end that is not the answer's."""
    door = await open_door(carry(await answering(answer)))
    got = await door.ask(GET)
    assert got.startswith(b"HTTP/1.1 200 ")
    assert not got.endswith(b"0\r\n\r\n")
    assert b"abc\r\n0\r\n" not in got
    assert door.carrier.under_way("one") == 0


async def test_a_cut_is_a_reset_where_only_the_end_tells(open_door, backend):
    """An old client knows the end of a body by the connection's end alone."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0.05)

    door = await open_door(carry(await backend(script)))
    with pytest.raises(ConnectionResetError):
        await door.ask(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")


async def test_silence_is_a_504(open_door, backend):
    """After the configured time, and the upstream's connection is closed."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        this.closed.set()

    up = await backend(script)
    door = await open_door(carry(up), limits={"answer_timeout": 0.1})
    assert (await door.ask(CLOSE)).startswith(b"HTTP/1.1 504 ")
    async with asyncio.timeout(20):
        await up.closed.wait()


async def test_a_body_that_stops_is_a_408(open_door, backend):
    """The client's fault is told apart from the upstream's."""

    async def script(reader, writer, this):
        await reader.read()

    door = await open_door(carry(await backend(script)), limits={"answer_timeout": 0.1})
    got = await door.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nabc")
    assert got.startswith(b"HTTP/1.1 408 ")


async def test_idle_streams_end_only_where_asked(open_door, backend):
    """No limit between bytes unless one is set."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await reader.read()

    up = await backend(script)
    door = await open_door(carry(up), limits={"idle_timeout": 0.1})
    assert (await door.ask(GET)).endswith(b"abc")
    patient = await open_door(carry(up), limits={"answer_timeout": 0.05})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await patient.ask(GET)


async def test_slow_heads_are_ended(open_door):
    """A head that never ends is answered 408; a connection without one is closed; idle ones are too."""
    door = await open_door(Answer(200), limits={"head_timeout": 0.1, "keep_alive": 0.1})
    assert (await door.ask(b"GET / HTTP/1.1\r\nHost:")).startswith(b"HTTP/1.1 408 ")
    assert await door.ask(b"") == b""
    assert (await door.ask(GET)).startswith(b"HTTP/1.1 200 ")


async def test_connections_are_limited(open_door):
    """One too many is told so."""
    door = await open_door(Answer(200), limits={"max_connections": 1})
    _, writer = await door.connect()
    assert (await door.ask(GET)).startswith(b"HTTP/1.1 503 ")
    writer.close()
    await writer.wait_closed()


async def test_away_is_asked_again(open_door, answering):
    """A connection that cannot be opened costs nothing: the decision is asked anew, with its body untouched."""
    up = await answering(OK)
    attempts = []

    async def decide(head, attempt):
        attempts.append(attempt)
        return [Carry("unix:/nowhere/x", "old"), Carry("tcp:127.0.0.1:1", "old"), carry(up)][attempt]

    door = await open_door(decide)
    assert (await door.ask(POST)).endswith(b"ok")
    assert attempts == [0, 1, 2]
    assert door.carrier.under_way("old") == 0


async def test_away_for_good(open_door):
    """The decision may answer instead; one that never gives up is given up."""

    async def decide(head, attempt):
        return (
            Answer(503, body=b"held") if attempt and head.target == "/held" else Carry("unix:/nowhere/x", "x")
        )

    door = await open_door(decide, limits={"max_attempts": 5})
    assert (await door.ask(CLOSE.replace(b"/ ", b"/held ", 1))).startswith(b"HTTP/1.1 503 ")
    assert (await door.ask(CLOSE)).startswith(b"HTTP/1.1 502 ")


async def test_stale_connections(open_door, backend):
    """A pooled connection that dies on the next request: a GET is asked again once, a POST never."""

    async def script(reader, writer, this):
        this.received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        this.received.append(await reader.readuntil(b"\r\n\r\n"))

    up = await backend(script)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    for _ in range(2):
        writer.write(GET)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    assert len(up.connections) == 2
    writer.write(POST)
    assert (await reader.read()).startswith(b"HTTP/1.1 502 ")
    assert len(up.connections) == 2
    writer.close()
    await writer.wait_closed()


async def test_an_upstream_that_closed_is_not_used(open_door, answering):
    """Even if its answer promised to go on: every POST gets a new connection."""
    up = await answering(OK, close=True)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    for _ in range(5):
        writer.write(POST.replace(b"Connection: close\r\n", b""))
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    assert len(up.connections) == 5


async def test_an_early_refusal_reaches_the_client(open_door, backend):
    """413 in the middle of a large upload, and the upstream closes at once without reading the rest."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1000)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")

    door = await open_door(carry(await backend(script)))
    for _ in range(5):
        reader, writer = await door.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")

        async def send(writer=writer):
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x" * 65536)
                    await writer.drain()

        sending = asyncio.get_running_loop().create_task(send())
        async with asyncio.timeout(20):
            got = await reader.readuntil(b"\r\n\r\nno")
        assert got.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in got
        sending.cancel()
        await asyncio.wait([sending])
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_both_directions_at_once(open_door, backend):
    """An answer may begin, and go on, while the body is still being sent."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(3):
            writer.write(await reader.readexactly(10))

    door = await open_door(carry(await backend(script)))
    reader, writer = await door.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    for number in range(3):
        piece = b"%d" % number * 10
        writer.write(piece)
        assert await reader.readexactly(10) == piece
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("began", [False, True])
async def test_a_client_that_leaves_is_noticed_upstream(open_door, backend, began, until):
    """At once, before and after the answer began."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        if began:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        this.received.append(b"asked")
        await reader.read()
        this.closed.set()

    up = await backend(script)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    writer.write(GET)
    if began:
        await reader.readuntil(b"data: 1\n\n")
    await until(lambda: up.received)
    assert door.carrier.under_way("one") == 1
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(20):
        await up.closed.wait()
        assert await door.carrier.drained("one", 1)
    assert door.done[0][2] == (200 if began else 499)


async def test_a_client_that_leaves_in_mid_body(open_door, backend, until):
    """The upstream's connection ends without the rest."""

    async def script(reader, writer, this):
        this.received.append(await reader.read())
        this.closed.set()

    up = await backend(script)
    door = await open_door(carry(up))
    _, writer = await door.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await until(lambda: door.carrier.under_way("one"))
    await asyncio.sleep(0.02)
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(20):
        await up.closed.wait()
    assert up.received[0].endswith(b"abc\r\n")


async def test_a_client_that_leaves_a_held_request(open_door, until):
    """The waiting decision is cancelled."""
    cancelled = asyncio.Event()

    async def decide(head, attempt):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    door = await open_door(decide)
    _, writer = await door.connect()
    writer.write(GET)
    await until(lambda: door.carrier._shared.exchanges)
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(20):
        await cancelled.wait()


async def test_unasked_bytes_end_a_pooled_connection(open_door, backend):
    """A second answer nobody asked for never meets the next request (response smuggling)."""

    async def script(reader, writer, this):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            this.received.append(b"asked")
            writer.write(OK)
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    up = await backend(script)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    for _ in range(3):
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(2) == b"ok"
        await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    assert len(up.connections) == 3


async def test_surplus_after_an_answer_is_not_an_answer(open_door, answering):
    """Bytes behind the answer's length, in the same packet."""
    up = await answering(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", close=False)
    door = await open_door(carry(up))
    got = await door.ask(GET + CLOSE)
    assert b"evil" not in got
    assert len(up.connections) == 2


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "body_lines",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        b"Content-Length: 0, 44\r\n\r\n",
        b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"X: y\n\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2;\nab\r\n0\r\n\r\n",
    ],
)
async def test_smuggling_requests(open_door, backend, body_lines):
    """A matrix of lengths and codings: refused and closed, and the upstream never sees the second request."""

    async def script(reader, writer, this):
        while True:
            data = await reader.read(65536)
            if not data:
                return
            this.received.append(data)

    up = await backend(script)
    door = await open_door(carry(up))
    got = await door.ask(b"POST / HTTP/1.1\r\nHost: a\r\n" + body_lines + SMUGGLED)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in b"".join(up.received)


@pytest.mark.parametrize("header", [b"Content_Length: 44", b"Transfer_Encoding: chunked"])
async def test_underscores_smuggle_nothing(open_door, answering, header):
    """Such names are dropped, so that what follows is a request for us and for the upstream alike."""
    up = await answering(OK, close=False)
    door = await open_door(carry(up))
    await door.ask(b"GET / HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n" + CLOSE)
    assert [head.count(b"_") for head in up.received] == [0, 0]


async def test_an_unread_body_is_no_request(open_door, answering):
    """An early 401 from the upstream: what was meant as the body is thrown away."""
    up = await answering(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", close=False)
    door = await open_door(carry(up))
    got = await door.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + SMUGGLED)
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in got
    assert (len(up.connections), len(door.done)) == (1, 1)


async def test_a_bad_body_while_it_is_decided(open_door):
    """The refusal ends the exchange; a decision that comes later is not carried out."""

    async def decide(head, attempt):
        await asyncio.sleep(30)

    door = await open_door(decide)
    got = await door.ask(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert not door.carrier._shared.exchanges


@pytest.mark.parametrize("address", ["http://x", "tcp:127.0.0.1:port", "nonsense", "unix:/" + "x" * 200])
async def test_addresses_of_no_known_form(open_door, address):
    """An error of the decision's maker, answered and reported; a path too long for a socket is just away."""
    door = await open_door(Carry(address, "x"))
    got = await door.ask(CLOSE)
    assert got.startswith(b"HTTP/1.1 50")
    assert door.carrier.under_way("x") == 0


async def test_a_decision_that_is_none(open_door):
    """Neither a wrong type nor a cancellation from inside leaves the client waiting."""

    async def decide(head, attempt):
        if head.target == "/cancelled":
            raise asyncio.CancelledError

    door = await open_door(decide)
    assert (await door.ask(CLOSE)).startswith(b"HTTP/1.1 500 ")
    assert (await door.ask(CLOSE.replace(b"/ ", b"/cancelled ", 1))).startswith(b"HTTP/1.1 500 ")
    assert len(door.errors) == 2


async def test_a_full_queue_is_waited_for(open_door, tmp_path):
    """A listener that does not accept yet, with a full queue: the request waits, and fails only in the end."""
    path = tmp_path / "full"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)
    fillers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(str(path))
    door = await open_door(Carry(f"unix:{path}", "x"), limits={"connect_timeout": 0.1})
    assert (await door.ask(CLOSE)).startswith(b"HTTP/1.1 503 ")
    for sock in [listener, *fillers]:
        sock.close()


async def test_a_queue_that_empties(open_door, backend, tmp_path):
    """As soon as the listener accepts, the request goes through."""
    path = tmp_path / "full"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)
    with socket.socket(socket.AF_UNIX) as filler:
        filler.connect(str(path))
        door = await open_door(Carry(f"unix:{path}", "x"))
        asking = asyncio.get_running_loop().create_task(door.ask(CLOSE))
        await asyncio.sleep(0.05)
        assert not asking.done()

        async def serve(reader, writer):
            if await reader.read(65536):
                writer.write(OK)
            writer.close()

        server = await asyncio.start_unix_server(serve, sock=listener)
        assert (await asking).endswith(b"ok")
        server.close()
        await asyncio.sleep(0.01)
