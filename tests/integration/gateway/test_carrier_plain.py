"""Plain exchanges: heads, bodies and ends of every kind, in both directions."""

import asyncio
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tholos.gateway.carrier import Carrier
from tholos.gateway.model import Answer, Carry
from tholos.kit.errors import Unavailable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def carry(up, **more):
    return Carry(up.address, "one", **more)


async def test_a_request_and_its_answer(open_door, answering):
    """Through, and reported once with its figures."""
    up = await answering(OK)
    door = await open_door(carry(up, answer_headers=[(b"set-cookie", b"pass=1")]))
    got = await door.ask(CLOSE)
    assert got == (
        b"HTTP/1.1 200 OK\r\nset-cookie: pass=1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
    )
    assert up.received == [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"]
    (head, decision, status, bytes_in, bytes_out, seconds) = door.done[0]
    assert (head.method, decision.label, status, bytes_in, bytes_out) == ("GET", "one", 200, 0, 2)
    assert 0 <= seconds < 5
    assert door.carrier.under_way("one") == 0


async def test_keep_alive_on_both_sides(open_door, answering):
    """Many requests, one connection to the upstream; pipelined ones are answered in order."""
    up = await answering(OK, close=False)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    one = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    writer.write(b"".join(one % number for number in range(20)))
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with asyncio.timeout(20):
        assert await reader.readexactly(len(answer) * 20) == answer * 20
    writer.close()
    await writer.wait_closed()
    assert [head.split()[1] for head in up.received] == [b"/%d" % number for number in range(20)]
    assert len(up.connections) == 1


async def test_old_clients(open_door, answering):
    """HTTP/1.0 closes by default, keeps alive where asked, and never sees chunks."""
    up = await answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    door = await open_door(carry(up))
    got = await door.ask(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    assert got == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok"
    assert up.received[0].startswith(b"GET / HTTP/1.1\r\n")
    sized = await open_door(carry(await answering(OK)))
    reader, writer = await sized.connect()
    writer.write(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    assert b"connection: keep-alive\r\n" in await reader.readuntil(b"ok")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("answer", "method", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"GET", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", b"GET", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"HEAD", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HEAD", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"GET", b""),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"GET", b"d\r\nuntil the end\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"GET", b"d\r\nuntil the end\r\n0\r\n\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-Tholos-User: root\r\n\r\n",
            b"GET",
            b"2\r\nok\r\n0\r\n\r\n",
        ),
    ],
)
async def test_ends_of_answers(open_door, answering, answer, method, body):
    """Each kind ends where it should: a second request on the same connection is answered too."""
    up = await answering(answer)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    for _ in range(2):
        writer.write(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(20):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(body)) == body
    writer.close()
    assert await reader.read() == b""
    await writer.wait_closed()


async def test_interim_answers(open_door, backend):
    """100 and 103 pass, without what is added to the final answer; an old client sees only that."""

    async def script(reader, writer, this):
        this.received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await writer.drain()
        this.received.append(await reader.readexactly(3))
        writer.write(OK)

    up = await backend(script)
    door = await open_door(carry(up, answer_headers=[(b"x", b"y")]))
    reader, writer = await door.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    writer.write(b"abc")
    assert b"x: y" in await reader.readuntil(b"ok")
    assert b"expect: 100-continue" in up.received[0]
    writer.close()
    await writer.wait_closed()
    old = await door.ask(b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    assert old.startswith(b"HTTP/1.1 200 OK")


async def test_bodies_in_either_framing(open_door, backend):
    """A sized body as sized, a chunked one as chunked without trailers; both pieces and pipelined."""

    async def script(reader, writer, this):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"content-length: 5" in head:
                this.received.append(await reader.readexactly(5))
            elif b"chunked" in head:
                this.received.append(await reader.readuntil(b"0\r\n\r\n"))
            writer.write(OK)

    up = await backend(script)
    door = await open_door(carry(up))
    got = await door.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e=1\r\nworld\r\n0\r\nX-T: 1\r\n\r\n"
        + CLOSE,
    )
    assert up.received[:2] == [b"hello", b"5\r\nworld\r\n0\r\n\r\n"]
    assert got.count(b"HTTP/1.1 200") == 3


async def test_answers_given_here(open_door):
    """Without a body read; the connection goes on only if nothing of the request is outstanding."""
    door = await open_door(Answer(403, [(b"x", b"y")], b"no"))
    got = await door.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + CLOSE)
    assert got.count(b"HTTP/1.1 403 Forbidden\r\n") == 2
    assert got.endswith(b"x: y\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
    unread = await door.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n"
    )
    assert unread.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in unread


async def test_errors_of_the_decision(open_door):
    """An own error is rendered, any other is a plain 500 and reported; neither leaves the client waiting."""

    async def decide(head, attempt):
        if head.target == "/known":
            raise Unavailable("Cannot serve: asleep.")
        if head.target == "/split":
            return Answer(200, [(b"x", b"a\r\nb: c")])
        if head.target == "/carry":
            return Carry("unix:/nowhere", "x", set_headers=[(b"x", b"\n")])
        raise RuntimeError("secret")

    door = await open_door(decide, render_error=lambda head, error: Answer(503, body=error.message.encode()))
    got = await door.ask(CLOSE.replace(b"/ ", b"/known ", 1))
    assert got.startswith(b"HTTP/1.1 503 ")
    assert got.endswith(b"Cannot serve: asleep.")
    for target in (b"/other ", b"/split "):
        got = await door.ask(CLOSE.replace(b"/ ", target, 1))
        assert got.startswith(b"HTTP/1.1 500 ")
        assert b"secret" not in got
    assert len(door.errors) == 2
    assert (await door.ask(CLOSE.replace(b"/ ", b"/carry ", 1))).startswith(b"HTTP/1.1 503 ")
    assert [line[2] for line in door.done] == [503, 500, 500, 503]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000, 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 12_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 201 + b"\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
async def test_bad_requests_are_refused_and_closed(open_door, sent, status):
    """What follows on the connection is not read as a request."""
    door = await open_door(Answer(200))
    got = await door.ask(sent + CLOSE)
    assert got.startswith(b"HTTP/1.1 %d " % status)
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in got
    assert not door.done


async def test_head_in_small_pieces(open_door, answering):
    """A head may arrive byte by byte, with an empty line before it."""
    up = await answering(OK)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    for byte in b"\r\n" + CLOSE:
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        assert (await reader.read()).endswith(b"ok")
    writer.close()
    await writer.wait_closed()


async def test_answers_in_small_pieces(open_door, backend):
    """So may an answer, its chunks included."""
    wire = (
        b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n"
    )

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        for byte in wire:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.0005)

    door = await open_door(carry(await backend(script)))
    got = await door.ask(CLOSE)
    assert got.endswith(b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK")


async def test_half_closed_clients_get_their_answer(open_door, answering):
    """A client that ended its sending after a complete request is answered."""
    door = await open_door(carry(await answering(OK)))
    assert (await door.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", end=True)).endswith(b"ok")


async def test_unix_socket(open_door, answering, tmp_path):
    """With its mode, replaced in one step, gone after the close; the peer is empty."""
    door = await open_door(carry(await answering(OK)))
    path = tmp_path / "door"
    path.write_bytes(b"stale")
    await door.carrier.listen_unix(path, 0o660)
    assert path.stat().st_mode & 0o777 == 0o660
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(CLOSE)
    writer.write_eof()
    assert (await reader.read()).endswith(b"ok")
    writer.close()
    await writer.wait_closed()
    assert door.done[0][0].peer == ""
    await door.carrier.close()
    assert not path.exists()


async def test_inherited_sockets(open_door, answering):
    """A listening socket that somebody else opened is used as it is."""
    door = await open_door(carry(await answering(OK)))
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    host, port = await door.carrier.listen_tcp(sock=sock)
    assert (host, port) == sock.getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(CLOSE)
    assert (await reader.read()).endswith(b"ok")
    writer.close()
    await writer.wait_closed()


async def test_tcp_upstreams(open_door):
    """An address may be of another machine."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    door = await open_door(Carry(f"tcp:127.0.0.1:{port}", "one"))
    assert (await door.ask(CLOSE)).endswith(b"ok")
    server.close()
    await server.wait_closed()


OURS = frozenset({b"__Host-tholos_pass", b"__Host-tholos_handle"})
SAFE = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")
PIECE = st.one_of(
    st.sampled_from(
        ["__Host-tholos_pass=SECRET", "__Host-tholos_handle=SECRET", "; ", ";", ",", '"', "\t", "a=1"]
    ),
    st.text(SAFE, max_size=9),
)


def test_cookies_against_an_echo(tmp_path):
    """Fuzzed through real sockets: the application sees every cookie but ours, byte for byte."""

    async def serve(reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))
        writer.close()

    async def exchange(headers, streams):
        reader, writer = streams
        lines = b"".join(b"Cookie: %b\r\n" % header for header in headers)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return await reader.readexactly(size)

    with asyncio.Runner() as runner:

        async def start():
            server = await asyncio.start_unix_server(serve, tmp_path / "echo")

            async def decide(head, attempt):
                return Carry(f"unix:{tmp_path / 'echo'}", "x", remove_cookies=OURS)

            carrier = Carrier(decide)
            address = await carrier.listen_tcp()
            return server, carrier, await asyncio.open_connection(*address)

        server, carrier, streams = runner.run(start())

        @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(st.lists(PIECE, max_size=8).map("".join), min_size=1, max_size=3))
        def check(headers):
            sent = [header.encode("latin-1").strip(b" \t") for header in headers]
            echoed = runner.run(exchange(sent, streams))
            got = [line[8:] for line in echoed.split(b"\r\n") if line.startswith(b"cookie: ")]
            assert split(got) == [pair for pair in split(sent) if not is_ours(pair)]

        check()
        check_huge = b"; ".join([b"k=" + b"v" * 50, b"__Host-tholos_pass=SECRET"] * 700)
        assert b"SECRET" not in runner.run(exchange([check_huge], streams))

        async def stop():
            streams[1].close()
            await carrier.close()
            server.close()
            await asyncio.sleep(0.01)

        runner.run(stop())


def split(headers):
    pieces = (piece for header in headers for part in header.split(b";") for piece in part.split(b","))
    return [piece.strip(b" \t") for piece in pieces if piece.strip(b" \t")]


def is_ours(pair):
    name, equals, _ = pair.partition(b"=")
    return bool(equals) and name.strip(b" \t") in OURS


async def test_real_servers(open_door, asgi):
    """uvicorn behind us: a chunked upload, a query, several cookies."""

    async def app(scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        await send(
            {"type": "http.response.start", "status": 201, "headers": [(b"x-query", scope["query_string"])]}
        )
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:]})

    address, _, _ = await asgi(app)
    door = await open_door(Carry(address, "one"))
    got = await door.ask(
        b"POST /x?q=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n"
    )
    assert got.startswith(b"HTTP/1.1 201 Created\r\n")
    assert b"x-query: q=1\r\n" in got
    assert got.endswith(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
