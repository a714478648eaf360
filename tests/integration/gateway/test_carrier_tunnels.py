"""Tunnels after a 101: real websockets, other protocols, refused upgrades, early bytes."""

import asyncio

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import unix_serve

from tholos.gateway.model import Carry

ASK = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo/1\r\n"


def carry(up, **more):
    return Carry(up.address, "one", **more)


@pytest.fixture
async def socket_door(open_door, tmp_path):
    """A carrier in front of a websocket server that echoes, closes on request and speaks two sub-protocols."""

    async def echo(connection):
        async for message in connection:
            if message == "close":
                await connection.close(4321, "as asked")
                return
            await connection.send(message)

    path = tmp_path / "ws"
    async with unix_serve(echo, path, subprotocols=["v2", "v1"], max_size=2**25):
        yield await open_door(Carry(f"unix:{path}", "ws", answer_headers=[(b"set-cookie", b"pass=new")]))


async def test_websockets_pass_untouched(socket_door):
    """Sub-protocol, compression, 16 MiB frames, pings, the application's close code, and our cookie on the 101."""
    url = f"ws://127.0.0.1:{socket_door.port}/x"
    async with asyncio.timeout(20), connect(url, subprotocols=["v1"], max_size=2**25) as client:
        assert client.subprotocol == "v1"
        assert client.protocol.extensions
        assert client.response.headers["set-cookie"] == "pass=new"
        await client.send("hello")
        assert await client.recv() == "hello"
        big = bytes(range(256)) * 65536
        await client.send(big)
        assert await client.recv() == big
        await (await client.ping())
        assert socket_door.carrier.under_way("ws") == 1
        await client.send("close")
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (4321, "as asked")
    assert await socket_door.carrier.drained("ws", 2)
    assert socket_door.done[0][2] == 101


async def test_large_frames_without_compression(socket_door):
    """Neither direction is read faster than the other takes it."""
    url = f"ws://127.0.0.1:{socket_door.port}/x"
    async with (
        asyncio.timeout(20),
        connect(url, subprotocols=["v2"], compression=None, max_size=2**25) as client,
    ):
        assert not client.protocol.extensions
        for size in (0, 125, 126, 65535, 65536, 2**24):
            await client.send(b"x" * size)
            assert len(await client.recv()) == size


async def test_revoked_tunnels_are_closed(open_door, backend):
    """Within the recheck, on both sides."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Ok\r\nConnection: upgrade\r\nUpgrade: foo/1\r\n\r\n")
        await reader.read()
        this.closed.set()

    up = await backend(script)
    allowed = True
    door = await open_door(carry(up, still_allowed=lambda: allowed))
    reader, writer = await door.connect()
    writer.write(ASK + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    allowed = False
    door.carrier.recheck()
    async with asyncio.timeout(20):
        assert await reader.read() == b""
        await up.closed.wait()
    writer.close()
    await writer.wait_closed()


async def test_any_protocol(open_door, backend):
    """Bytes both ways, those sent early included; each direction may end for itself."""

    async def script(reader, writer, this):
        this.received.append(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(0.02)
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo/1\r\nX: y\r\n\r\nhello"
        )
        this.received.append(await reader.read())
        writer.write(b"bye")

    up = await backend(script)
    door = await open_door(carry(up))
    reader, writer = await door.connect()
    writer.write(ASK + b"\r\n" + b"GET /early HTTP/1.1\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert (
        head == b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\nconnection: upgrade\r\nupgrade: foo/1\r\n\r\n"
    )
    assert await reader.readexactly(5) == b"hello"
    writer.write(b"more")
    writer.write_eof()
    async with asyncio.timeout(20):
        assert await reader.read() == b"bye"
    assert up.received[1] == b"GET /early HTTP/1.1\r\n\r\nmore"
    writer.close()
    await writer.wait_closed()
    assert len(door.done) == 1


@pytest.mark.parametrize("status", [b"200 OK", b"403 No", b"426 Upgrade Required"])
async def test_a_refused_upgrade_is_a_normal_answer(open_door, answering, status):
    """And what was sent early for the tunnel is no second request."""
    up = await answering(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nno", close=False)
    door = await open_door(carry(up, answer_headers=[(b"x", b"y")]))
    got = await door.ask(ASK + b"\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 " + status)
    assert got.endswith(b"x: y\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
    assert len(up.received) == 1
    assert b"upgrade: foo/1\r\n" in up.received[0]


async def test_http2_is_never_upgraded_to(open_door, answering):
    """h2c would carry requests past everything that is decided here."""
    up = await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    door = await open_door(carry(up))
    await door.ask(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    )
    assert up.received == [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"]


async def test_an_upstream_that_dies_ends_the_tunnel(open_door, backend):
    """The client is closed too."""

    async def script(reader, writer, this):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Ok\r\nConnection: upgrade\r\nUpgrade: foo/1\r\n\r\nabc")
        await writer.drain()
        writer.transport.abort()

    door = await open_door(carry(await backend(script)), limits={"tunnel_linger": 0.1})
    got = await door.ask(ASK + b"\r\n")
    assert got.endswith(b"abc")
