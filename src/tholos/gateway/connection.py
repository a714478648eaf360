"""A client's connection: heads are cut out of its bytes, one exchange at a time is served, in the order of requests."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from typing import cast

from tholos.gateway import answers
from tholos.gateway.errors import BadRequest, BodyTooLong
from tholos.gateway.exchange import Exchange
from tholos.gateway.incoming import check_unfinished, parse_request
from tholos.gateway.shared import Shared

_FOREVER = float("inf")
_MOST_REFUSED = 256
"""How many may be told at the same time that there are too many; the others are only closed."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """The protocol of one accepted connection."""

    __slots__ = (
        "_held",
        "_linger_until",
        "_lingering",
        "_peer",
        "_searched",
        "_shared",
        "_unix",
        "deadline",
        "exchange",
        "half_closed",
        "keep_alive",
        "read_paused",
        "transport",
        "write_paused",
    )

    transport: asyncio.Transport

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._peer = ""
        self._unix = False
        self.exchange: Exchange | None = None
        self._held = bytearray()
        """What follows the request that is being answered, or a head that is not complete."""
        self._searched = 0
        self._lingering = False
        self._linger_until = 0.0
        self.deadline = _FOREVER
        self.keep_alive = True
        self.half_closed = False
        self.read_paused = False
        self.write_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        shared = self._shared
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(shared.limits.buffer)
        sock = transport.get_extra_info("socket")
        self._unix = sock.family == socket.AF_UNIX
        peer = transport.get_extra_info("peername")
        self._peer = "" if self._unix or not peer else str(peer[0])
        shared.connections.add(self)
        shared.everything.add("connection")
        self.deadline = shared.loop.time() + shared.limits.head_timeout
        too_many = len(shared.connections) - shared.limits.max_connections
        if shared.closing or too_many > _MOST_REFUSED:
            self.abort()
        elif too_many > 0:
            self._refuse(503, "Too many connections.")

    def connection_lost(self, exc: Exception | None) -> None:
        shared = self._shared
        shared.connections.discard(self)
        shared.everything.remove("connection")
        if self.exchange is not None:
            self.exchange.left()
            self.exchange = None

    # Reading.

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self._read_head(data)
        elif exchange.tunnel:
            exchange.pass_through(data)
        elif exchange.request_done:
            self._held += data
            self.update_reading()
        else:
            self._feed(exchange, data)

    def _read_head(self, data: bytes) -> None:
        if self._lingering:
            self._throw_away()
            return
        if self._held:
            self._held += data
            if self._held.find(b"\r\n\r\n", self._searched) < 0:
                self._await_head()
                return
            data = bytes(self._held)
            self._held.clear()
        if data.startswith(b"\r\n"):
            data = data[2:]  # RFC 9112 2.2: one empty line before a request is forgiven
        end = data.find(b"\r\n\r\n") + 4
        if end >= 4:
            self._searched = 0
            self._start(data[:end], data[end:])
        elif data:
            self.deadline = self._shared.loop.time() + self._shared.limits.head_timeout
            self._held += data
            self._await_head()

    def _await_head(self) -> None:
        try:
            check_unfinished(self._held, self._shared.limits)
        except BadRequest as error:
            self._refuse(error.status, error.message)
            return
        self._searched = max(0, len(self._held) - 3)

    def _start(self, block: bytes, rest: bytes) -> None:
        shared = self._shared
        try:
            request = parse_request(block, self._peer, shared.limits)
        except BadRequest as error:
            self._refuse(error.status, error.message)
            return
        self.deadline = _FOREVER
        self.exchange = exchange = Exchange(shared, self, request)
        exchange.begin()
        if not rest:
            return
        if exchange.request_done:
            self._held += rest
            self.update_reading()
        else:
            self._feed(exchange, rest)

    def _feed(self, exchange: Exchange, data: bytes) -> None:
        try:
            self._held += exchange.feed(data)
        except (BadRequest, BodyTooLong) as error:
            exchange.fail(error, error.status)
            return
        if exchange.upstream is None or self._held:
            self.update_reading()

    def eof_received(self) -> bool:
        """Sends nothing more. On TCP that may be a client that left: its answer gets a short while."""
        exchange = self.exchange
        if exchange is None:
            return False
        self.half_closed = True
        self.keep_alive = False
        if exchange.tunnel:
            if exchange.end_upward():
                return True
            self.exchange = None
            return False
        if not exchange.request_done or (self._unix and self._is_gone()):
            exchange.left()
            self.exchange = None
            return False
        self._shared.loop.call_later(self._shared.limits.half_close_grace, self._leave, exchange)
        return True

    def _is_gone(self) -> bool:
        """A unix socket tells a peer that closed from one that only ended its sending."""
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def _leave(self, exchange: Exchange) -> None:
        if self.exchange is exchange and not exchange.tunnel:
            exchange.cut()

    # Flow.

    def pause_writing(self) -> None:
        self.write_paused = True
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.pause()

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.resume()

    def update_reading(self) -> None:
        """Stops reading while what was read waits for somebody slow, and goes on after that."""
        if self.half_closed or self.transport.is_closing():
            return
        exchange = self.exchange
        pause = len(self._held) > self._shared.limits.buffer or (
            exchange is not None and exchange.is_congested()
        )
        if pause and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
        elif self.read_paused and not pause:
            self.read_paused = False
            self.transport.resume_reading()

    def take_held(self) -> bytes:
        """What arrived behind the request, for the tunnel that it became."""
        held = bytes(self._held)
        self._held.clear()
        return held

    # Ends.

    def may_continue(self) -> bool:
        """Whether another request may be served after this one."""
        return not (self.half_closed or self._shared.closing)

    def finished(self, *, linger: bool) -> None:
        """The exchange is over and its answer written: goes on with the next request, or closes."""
        self.exchange = None
        if not self.keep_alive or self._shared.closing:
            self._close(linger=linger)
            return
        self.deadline = self._shared.loop.time() + self._shared.limits.keep_alive
        if self._held:
            data = self.take_held()
            self._read_head(data)
        if self.read_paused:
            self.update_reading()

    def _refuse(self, status: int, message: str) -> None:
        """Answers what could not be read as a request; nothing behind it can be either."""
        plain = answers.plain_answer(status, message)
        connection = b"connection: close\r\n"
        self.transport.write(
            answers.render_own(plain, method="", connection=connection, date=self._shared.date)
        )
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        """Closes after what was written is sent.

        Bytes that arrive at a closed socket make the kernel reset it, and a reset can take the answer with it. So while
        the client may still be sending, only our direction is ended and what arrives is thrown away (RFC 9112 9.6).
        """
        now = self._shared.loop.time()
        limits = self._shared.limits
        self._held.clear()
        if not linger or self.half_closed or self.transport.is_closing():
            self.deadline = now + limits.linger_total
            self.transport.close()
            return
        self._lingering = True
        self._linger_until = now + limits.linger_total
        self.deadline = now + limits.linger
        self.transport.write_eof()
        self.update_reading()

    def _throw_away(self) -> None:
        self.deadline = min(self._shared.loop.time() + self._shared.limits.linger, self._linger_until)

    def cut(self, *, framed: bool) -> None:
        """Ends an answer that is not complete, visibly so: where only the connection's end tells, by a reset."""
        self.exchange = None
        if framed:
            self._close(linger=False)
            return
        if not self._unix:
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
            )
        self.abort()

    def abort(self) -> None:
        """Closes at once; what was not sent yet is not sent."""
        self.exchange = None
        self.transport.abort()

    def tick(self, now: float) -> None:
        """Looks at the deadline, whatever it stands for at the moment."""
        if now < self.deadline:
            return
        self.deadline = _FOREVER
        if self.exchange is not None:
            self.exchange.overdue()
        elif self._held:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self.abort()

    def close_if_idle(self) -> None:
        """Closes a connection on which nothing was asked."""
        if self.exchange is None and not self._lingering:
            self._close(linger=False)
