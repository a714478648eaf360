"""What the carrier itself refuses looks like everything else that is refused."""

import asyncio
import json
from pathlib import Path

import pytest

import tholos
from tholos.gateway.carrier import Carrier
from tholos.gateway.model import Carry
from tholos.kit.pages import Pages
from tholos.server.program import _Decide
from tholos.server.render import DoorErrors


@pytest.mark.parametrize(("accept", "kind"), [("*/*", b"application/json"), ("text/html", b"text/html")])
async def test_an_upstream_that_hangs_up_is_told_of_in_our_own_form(tmp_path, accept, kind):
    async def hang_up(_, writer):
        writer.close()

    async def carry(head, attempt):
        return Carry(f"unix:{tmp_path}/up", "up")

    decide = _Decide()
    carrier = Carrier(decide, render_error=decide.render_error)
    decide.door = carry  # as in the program: only when it listens the addresses are known
    decide.errors = DoorErrors(Pages([Path(tholos.__file__).parent / "server" / "templates"]), "http://x/")
    upstream = await asyncio.start_unix_server(hang_up, tmp_path / "up")
    try:
        reader, writer = await asyncio.open_connection(*await carrier.listen_tcp())
        writer.write(f"GET / HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n".encode())
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        writer.close()
    finally:
        await carrier.close()
        upstream.close()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert kind in head
    assert (
        json.loads(body)["error"]["code"] == "upstream_gone" if kind.endswith(b"json") else b"</html>" in body
    )
