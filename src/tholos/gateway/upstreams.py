"""Connections to the processes that answer: opening them, keeping idle ones, and what arrives on them."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections import deque
from typing import TYPE_CHECKING, cast

from tholos.gateway.limits import Limits

if TYPE_CHECKING:
    from tholos.gateway.exchange import Exchange

_SALVAGE_MOST = 1024 * 1024
_BUSY_PAUSE = 0.02


class Upstream(asyncio.Protocol):
    """One connection to an upstream, idle in the pool or serving one exchange."""

    __slots__ = (
        "_poll",
        "_pool",
        "address",
        "ended",
        "exchange",
        "fd",
        "idle_since",
        "served",
        "transport",
        "write_paused",
    )

    def __init__(self, pool: Pool, address: str) -> None:
        self._pool = pool
        self._poll = select.poll()
        self.address = address
        self.exchange: Exchange | None = None
        self.transport: asyncio.Transport = _NO_TRANSPORT
        self.fd = -1
        self.idle_since = 0.0
        self.served = 0
        self.ended = False
        self.write_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(self._pool.limits.buffer)
        self.fd = transport.get_extra_info("socket").fileno()
        self._poll.register(self.fd, select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self.exchange is None:
            # Nothing was asked: an answer without a request must never meet the next one.
            self.drop()
        else:
            self.exchange.receive(data)

    def eof_received(self) -> bool:
        self.ended = True
        return self.exchange is not None and self.exchange.upstream_ended()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.forget(self)
        exchange = self.exchange
        if exchange is None:
            return
        if exc is not None and not exchange.tunnel:
            self._salvage(exchange)
        if self.exchange is not None:
            self.exchange.upstream_lost(exc)

    def pause_writing(self) -> None:
        self.write_paused = True
        if self.exchange is not None:
            self.exchange.client.update_reading()

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.exchange is not None:
            self.exchange.client.update_reading()

    def is_quiet(self) -> bool:
        """Whether it can be used again: open, and not even an end of stream waits to be read."""
        return not self.transport.is_closing() and not self._poll.poll(0)

    def pause(self) -> None:
        """Reads no more until the client took what was read."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Reads on; not after an end of stream, which would be reported again."""
        if not (self.ended or self.transport.is_closing()):
            self.transport.resume_reading()

    def end_writing(self) -> None:
        """Lets the process read an end after what was written; it may still send."""
        if not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        """Closes after what was written is sent."""
        self.exchange = None
        self.transport.close()

    def drop(self) -> None:
        """Closes at once; what was not sent yet is not sent."""
        self.exchange = None
        self._pool.forget(self)
        if self.fd >= 0:
            self.transport.abort()

    def _salvage(self, exchange: Exchange) -> None:
        """Reads what came before a failed write: an early refusal (413, say) whose sender closed at once."""
        with socket.socket(fileno=os.dup(self.fd)) as copy:
            copy.setblocking(False)
            read = 0
            while self.exchange is exchange and read < _SALVAGE_MOST:
                try:
                    data = copy.recv(65536)
                except OSError:
                    return
                if not data:
                    exchange.upstream_ended()
                    return
                read += len(data)
                exchange.receive(data)


class Pool:
    """Idle connections by address; the one used last is taken first."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._idle: dict[str, deque[Upstream]] = {}
        self._now = asyncio.get_running_loop().time
        self._closed = False

    def take(self, address: str) -> Upstream | None:
        """An idle connection that still is quiet, or None."""
        idle = self._idle.get(address)
        while idle:
            upstream = idle.pop()
            if upstream.is_quiet():
                return upstream
            upstream.drop()
        return None

    async def open(self, address: str) -> Upstream | None:
        """A new connection, or None if it cannot be opened: refused, no such socket, reset or not in time.

        A listener whose queue is full is asked again until the time is over (Linux tells so at once for unix sockets).
        """
        upstream = Upstream(self, address)
        try:
            async with asyncio.timeout(self.limits.connect_timeout):
                while True:
                    try:
                        await _connect(upstream, address)
                    except BlockingIOError:
                        await asyncio.sleep(_BUSY_PAUSE)
                        continue
                    return None if upstream.transport.is_closing() else upstream
        except OSError:  # TimeoutError is one
            upstream.drop()
            return None
        except asyncio.CancelledError:
            upstream.drop()
            raise

    def give(self, upstream: Upstream) -> None:
        """Keeps a connection whose exchange is complete for the next one to its address."""
        upstream.exchange = None
        upstream.served += 1
        idle = self._idle.get(upstream.address)
        if idle is None:
            idle = self._idle[upstream.address] = deque()
        if self._closed or upstream.transport.is_closing() or len(idle) >= self.limits.pool_size:
            upstream.drop()
            return
        upstream.idle_since = self._now()
        idle.append(upstream)

    def forget(self, upstream: Upstream) -> None:
        """No longer offers a connection."""
        idle = self._idle.get(upstream.address)
        if idle is not None and upstream in idle:
            idle.remove(upstream)

    def sweep(self, now: float) -> None:
        """Closes what was idle for too long, before its process does so itself."""
        oldest = now - self.limits.pool_idle
        for address, idle in list(self._idle.items()):
            while idle and idle[0].idle_since < oldest:
                idle[0].drop()
            if not idle:
                del self._idle[address]

    def close(self) -> None:
        """Closes every idle connection and keeps none from now on."""
        self._closed = True
        for idle in list(self._idle.values()):
            while idle:
                idle[0].drop()
        self._idle.clear()


class _NoTransport(asyncio.Transport):
    """Stands where a connection is not made yet."""

    def is_closing(self) -> bool:
        return True

    def abort(self) -> None:
        """There is nothing to close."""


_NO_TRANSPORT = _NoTransport()


async def _connect(upstream: Upstream, address: str) -> None:
    loop = asyncio.get_running_loop()
    scheme, _, rest = address.partition(":")
    if scheme == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            # Never in progress for this family: it is connected, refused, or the listener's queue is full, which
            # asyncio's own connecting takes for success.
            sock.connect(rest)
            await loop.create_unix_connection(lambda: upstream, sock=sock)
        except BaseException:
            sock.close()
            raise
        return
    if scheme != "tcp":
        raise ValueError(f"an address begins with unix: or tcp:, not {scheme}:")
    host, _, port = rest.rpartition(":")
    await loop.create_connection(lambda: upstream, host.strip("[]"), int(port))
