"""The carrier: accepts HTTP/1.1 connections, asks who may go where, and carries each request there and its answer back.

It knows no app, account or pass: `Decide` does. What is a well-formed request is `incoming`'s to say, one exchange is
`exchange`'s work, connections to upstreams are `upstreams`'. TLS belongs to whatever stands in front.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import os
import secrets
import socket
from pathlib import Path
from typing import Final

from tholos.gateway.connection import Connection
from tholos.gateway.limits import Limits
from tholos.gateway.model import Decide
from tholos.gateway.shared import OnDone, OnError, RenderError, Shared, log_error, render_plainly
from tholos.gateway.upstreams import Pool

_log = logging.getLogger(__name__)

_BACKLOG: Final = 2048
_LAST_WAIT: Final = 5.0


class Carrier:
    """A front door, for the running event loop; to be made and used inside it.

    Args:
        decide: who may go where. A TholosError it raises is rendered, any other error is a plain 500.
        limits: sizes and times.
        render_error: an error as an answer; the carrier's own 408, 502 and 504 are rendered by it too and keep that status.
        on_done: called once for every request whose head was read, when it is over.
        on_error: called with what was raised unexpectedly by injected code.
    """

    def __init__(
        self,
        decide: Decide,
        *,
        limits: Limits | None = None,
        render_error: RenderError = render_plainly,
        on_done: OnDone | None = None,
        on_error: OnError = log_error,
    ) -> None:
        limits = limits or Limits()
        loop = asyncio.get_running_loop()
        self._shared = Shared(loop, decide, limits, Pool(limits), render_error, on_done, on_error)
        self._shared.refresh_date()
        self._servers: list[asyncio.Server] = []
        self._paths: list[tuple[Path, int]] = []
        self._ticker = loop.call_later(limits.tick, self._tick)

    async def listen_tcp(
        self, host: str = "127.0.0.1", port: int = 0, *, sock: socket.socket | None = None
    ) -> tuple[str, int]:
        """Accepts on an address, or on an inherited listening socket; returns the address.

        Raises:
            OSError: the address is taken or not this machine's.
        """
        loop = self._shared.loop
        if sock is None:
            server = await loop.create_server(self._accept, host, port, backlog=_BACKLOG, reuse_address=True)
        else:
            server = await loop.create_server(self._accept, sock=sock, backlog=_BACKLOG)
        self._servers.append(server)
        for listening in server.sockets:
            _keep_alive(listening)
        name = server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    async def listen_unix(self, path: Path, mode: int = 0o600, *, sock: socket.socket | None = None) -> None:
        """Accepts on a unix socket with these permissions, or on an inherited one that listens there.

        What is at the path is replaced in one step: there is no moment without a socket or with another mode.

        Raises:
            OSError: the folder is missing or not writable, or the path is too long for a socket.
        """
        if sock is None:
            sock = _bind_unix(path, mode)
            self._paths.append((path, os.stat(path).st_ino))  # noqa: PTH116 - one local file
        server = await self._shared.loop.create_unix_server(self._accept, sock=sock, backlog=_BACKLOG)
        self._servers.append(server)

    def under_way(self, label: str) -> int:
        """How many exchanges are under way for a label, tunnels and streams included."""
        return self._shared.under_way.under_way(label)

    @property
    def open_exchanges(self) -> int:
        """Of all labels, those that are still decided included."""
        return len(self._shared.exchanges)

    @property
    def open_connections(self) -> int:
        return len(self._shared.connections)

    def begun(self, label: str) -> int:
        """How many exchanges ever began for a label."""
        return self._shared.under_way.begun(label)

    def idle_s(self, label: str) -> float | None:
        """Seconds since the last exchange for a label ended; 0 while one is under way, None where none ever was."""
        return self._shared.under_way.idle_s(label)

    def forget(self, label: str) -> None:
        """Keep nothing of a label that is not used again."""
        self._shared.under_way.forget(label)

    async def drained(self, label: str, timeout: float) -> bool:
        """Waits until none is under way for a label; False if some still are after ``timeout`` seconds."""
        return await self._shared.under_way.drained(label, timeout)

    def recheck(self) -> None:
        """Access changed somewhere: ends every exchange whose decision no longer holds, at once; leaves the others."""
        self._shared.access_changes += 1
        for exchange in list(self._shared.exchanges):
            exchange.recheck()

    async def close(self, drain: float = 0.0) -> None:
        """Accepts no more, gives what is under way ``drain`` seconds to end, then ends it."""
        shared = self._shared
        shared.closing = True
        for server in self._servers:
            server.close()
        for path, inode in self._paths:
            _unlink_own(path, inode)
        for connection in list(shared.connections):
            connection.close_if_idle()
        await shared.everything.drained("exchange", drain)
        for exchange in list(shared.exchanges):
            exchange.cut()
        if not await shared.everything.drained("connection", min(drain, shared.limits.linger)):
            for connection in list(shared.connections):
                connection.abort()
        await shared.everything.drained("connection", _LAST_WAIT)
        shared.pool.close()
        self._ticker.cancel()
        await asyncio.sleep(0)  # lets the transports that were just aborted close their sockets

    def _accept(self) -> Connection:
        return Connection(self._shared)

    def _tick(self) -> None:
        """All timeouts in one round: a timer for each of thousands of connections would cost every request."""
        shared = self._shared
        now = shared.loop.time()
        shared.refresh_date()
        for connection in list(shared.connections):
            try:
                connection.tick(now)
            except Exception:  # noqa: BLE001 - one connection must not stop the clock of the others
                _log.exception("Cannot look at a connection's deadline")
        shared.pool.sweep(now)
        self._ticker = shared.loop.call_later(shared.limits.tick, self._tick)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop for the process that carries: uvloop's where it is installed, else asyncio's, slower but the same."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    return importlib.import_module("uvloop").new_event_loop()  # type: ignore[no-any-return]


def _keep_alive(listening: socket.socket) -> None:
    """Inherited by what is accepted: a client that vanished without a word is noticed within two minutes."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)


def _bind_unix(path: Path, mode: int) -> socket.socket:
    fresh = path.with_name(f".{secrets.token_hex(4)}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(fresh))
        fresh.chmod(mode)
        sock.listen(_BACKLOG)
        fresh.replace(path)
    except OSError:
        sock.close()
        fresh.unlink(missing_ok=True)
        raise
    return sock


def _unlink_own(path: Path, inode: int) -> None:
    """Another carrier may have taken the path over meanwhile."""
    try:
        if path.stat().st_ino == inode:
            os.unlink(path)  # noqa: PTH108 - Path.unlink reads the same
    except FileNotFoundError:
        return
