"""One request and its answer, between a client's connection and an upstream's: what goes where, and how it ends.

An exchange asks who decides, opens the way, passes bytes in both directions and ends in exactly one of four manners:
complete, answered here, cut (something failed after the answer began) or left (the client went).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tholos.gateway import answers
from tholos.gateway.answers import AnswerHead
from tholos.gateway.bodies import AnswerBody, RequestBody
from tholos.gateway.chunks import BadChunk
from tholos.gateway.deciding import WRONG, find_way, is_allowed
from tholos.gateway.errors import (
    BadAnswer,
    BadRequest,
    BodyTooLong,
    ClientSlow,
    UpstreamAway,
    UpstreamGone,
    UpstreamSilent,
)
from tholos.gateway.incoming import Request
from tholos.gateway.model import Answer, Carry, Decision, Ended
from tholos.gateway.shared import Shared
from tholos.kit.errors import TholosError

if TYPE_CHECKING:
    from tholos.gateway.connection import Connection
    from tholos.gateway.upstreams import Upstream

_LEFT = 499  # in the log, of a client that went before its answer began; never sent
_FOREVER = float("inf")
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_BODY = AnswerBody(0, is_11=True)
_PLACING, _WAITING, _BODY, _TUNNEL, _OVER = range(5)


class Exchange:
    """From a request's head to the last byte of its answer, or of the tunnel that it became."""

    __slots__ = (
        "_added",
        "_answer",
        "_answer_body",
        "_body",
        "_decision",
        "_partial",
        "_pending",
        "_retried",
        "_searched",
        "_shared",
        "_started",
        "_state",
        "_task",
        "_wire",
        "bytes_in",
        "bytes_out",
        "client",
        "request",
        "request_done",
        "status",
        "upstream",
    )

    def __init__(self, shared: Shared, client: Connection, request: Request) -> None:
        self._shared = shared
        self.client = client
        self.request = request
        self.upstream: Upstream | None = None
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self._started = shared.loop.time()
        self._state = _PLACING
        self._decision: Decision | None = None
        self._wire = b""
        self._added = b""
        self._task: asyncio.Task[None] | None = None
        self._retried = False
        self._pending: list[bytes] = []
        self._body = RequestBody(request.length)
        self.request_done = self._body.done
        self._answer: AnswerHead | None = None
        self._answer_body = _NO_BODY
        self._partial = bytearray()
        self._searched = 0

    # Placing: from the decision to a connection.

    def begin(self) -> None:
        """Starts to ask where the request goes."""
        self._shared.exchanges.add(self)
        self._shared.everything.add("exchange")
        self._task = self._shared.loop.create_task(self._place(0))

    async def _place(self, attempt: int, address: str = "") -> None:
        """Finds a connection and sends the request; ``address`` is tried first, on a connection nobody used before."""
        try:
            if not address:
                upstream = await self._find(attempt)
            else:
                upstream = await self._shared.pool.open(address) or await self._find(attempt)
        except (Exception, asyncio.CancelledError) as error:
            if self._state == _OVER:
                raise  # cancelled by us; anything else is an address of no known form, say
            self._task = None
            self._shared.on_error(self.request.head, error)
            self._answer_here(WRONG)
            return
        self._task = None  # from here on there is nothing to cancel
        if upstream is not None:
            self._send(upstream)
        elif isinstance(self._decision, Answer):
            self._answer_here(self._decision)
        else:
            self.fail(UpstreamAway(), 502)

    async def _find(self, attempt: int) -> Upstream | None:
        pool = self._shared.pool
        while attempt < self._shared.limits.max_attempts:
            way = await find_way(self._shared, self.request, attempt)
            if self._state == _OVER:
                raise asyncio.CancelledError  # which the decision kept to itself
            if isinstance(way, Answer):
                self._settle(way)
                return None
            self._settle(way.carry)
            self._wire, self._added = way.head, way.added
            address = way.carry.address
            upstream = pool.take(address) or await pool.open(address)
            if upstream is not None:
                return upstream
            attempt += 1
        return None

    def _settle(self, decision: Decision) -> None:
        """Counts the exchange where the newest decision puts it."""
        if isinstance(self._decision, Carry):
            self._shared.under_way.remove(self._decision.label)
        self._decision = decision
        if isinstance(decision, Carry):
            self._shared.under_way.add(decision.label)

    def _send(self, upstream: Upstream) -> None:
        self.upstream = upstream
        upstream.exchange = self
        self._state = _WAITING
        if self._pending:
            upstream.transport.write(self._wire + b"".join(self._pending))
            self._pending.clear()
        else:
            upstream.transport.write(self._wire)
        if self.client.write_paused:
            upstream.pause()
        self._await_answer()
        self.client.update_reading()

    def _await_answer(self) -> None:
        self.client.deadline = self._shared.loop.time() + self._shared.limits.answer_timeout

    # The request's body.

    def feed(self, data: bytes) -> bytes:
        """Hands on what belongs to the request's body; returns what follows it.

        Raises:
            BadRequest: the body's chunks are malformed.
            BodyTooLong: it has more bytes than may be sent there.
        """
        try:
            piece, rest = self._body.take(data)
        except BadChunk as error:
            raise BadRequest(f"Cannot read the request's body: {error}.") from error
        self.request_done = self._body.done
        self.bytes_in += len(piece)
        decision = self._decision
        if isinstance(decision, Carry) and 0 < decision.max_body < self.bytes_in:
            raise BodyTooLong(decision.max_body)
        if self.upstream is None:
            self._pending.append(piece)
        else:
            self._pass_up(self.upstream, piece)
        return rest

    def _pass_up(self, upstream: Upstream, piece: bytes) -> None:
        if not upstream.transport.is_closing():
            upstream.transport.write(piece)
        if self._state == _WAITING:
            self._await_answer()
        else:
            self._note_progress()

    def is_congested(self) -> bool:
        """Whether more from the client would only pile up here."""
        if self.upstream is not None:
            return self.upstream.write_paused
        return not self.request_done and sum(map(len, self._pending)) > self._shared.limits.buffer

    # The answer.

    @property
    def tunnel(self) -> bool:
        """Whether both sides speak something else by now."""
        return self._state == _TUNNEL

    def receive(self, data: bytes) -> None:
        """Takes what arrived from the upstream."""
        if self._state == _BODY:
            self._carry_body(data)
        elif self._state == _TUNNEL:
            self.bytes_out += len(data)
            self.client.transport.write(data)
            self._note_progress()
        else:
            self._read_head(data)

    def _note_progress(self) -> None:
        if (idle := self._shared.limits.idle_timeout) is not None:
            self.client.deadline = self._shared.loop.time() + idle

    def _read_head(self, data: bytes) -> None:
        if self._partial:
            self._partial += data
            data = bytes(self._partial) if self._partial.find(b"\r\n\r\n", self._searched) >= 0 else b""
        while (end := data.find(b"\r\n\r\n") + 4) >= 4:
            self._partial.clear()
            try:
                answer = answers.parse_answer(data[:end])
            except BadAnswer as error:
                self.fail(error, 502)
                return
            data = data[end:]
            if answer.status >= 200 or answer.status == 101:
                self._begin_answer(answer, data)
                return
            self._retried = True  # it was alive: not to be asked twice
            if self.request.is_11:
                self.client.transport.write(answers.render_interim(answer))
        if data:
            self._partial += data
        self._searched = max(0, len(self._partial) - 3)
        if len(self._partial) > self._shared.limits.max_answer_head:
            self.fail(BadAnswer(), 502)

    def _begin_answer(self, answer: AnswerHead, rest: bytes) -> None:
        self._answer = answer
        if answer.status == 101:
            self._open_tunnel(answer, rest)
            return
        self.status = answer.status
        self.client.deadline = _FOREVER
        self._note_progress()
        framing = self._choose_framing(answer)
        head = answers.render_answer(answer, added=self._added, framing=framing)
        self._state = _BODY
        if self._answer_body.done:
            self._answer_body.surplus = bool(rest)
            self.client.transport.write(head)
            self._complete()
        elif rest:
            self._carry_body(rest, head)
        else:
            self.client.transport.write(head)

    def _choose_framing(self, answer: AnswerHead) -> bytes:
        """Sets how the body is followed; returns the header lines about its end and the connection's."""
        request = self.request
        keep = self._may_keep()
        bodiless = answers.has_no_body(answer.status, request.head.method)
        self._answer_body = AnswerBody(0 if bodiless else answer.length, is_11=request.is_11)
        line = b""
        if answer.length >= 0:
            if answer.status != 204:
                line = b"content-length: %d\r\n" % answer.length
        elif not bodiless:
            if request.is_11:
                line = b"transfer-encoding: chunked\r\n"
            else:
                keep = False
        self.client.keep_alive = keep
        if not keep:
            return line + b"connection: close\r\n"
        return line if request.is_11 else line + b"connection: keep-alive\r\n"

    def _may_keep(self) -> bool:
        # The rest of a body that nobody reads, or bytes meant for a tunnel, must not be taken for a request.
        request = self.request
        return request.keep_alive and self.request_done and not request.upgrade and self.client.may_continue()

    def _carry_body(self, data: bytes, head: bytes = b"") -> None:
        """Passes a piece of the answer on, in one write with the head if it is the first."""
        body = self._answer_body
        try:
            data = body.take(data)
        except BadChunk:
            if head:
                self._state = _WAITING  # nothing of it was sent yet
            self.fail(BadAnswer(), 502)
            return
        self.bytes_out += len(data)
        self.client.transport.write(head + data if head else data)
        if body.done:
            self._complete()
        else:
            self._note_progress()

    # Tunnels.

    def _open_tunnel(self, answer: AnswerHead, rest: bytes) -> None:
        upstream = self.upstream
        if not self.request.upgrade or not self.request_done or upstream is None:
            self.fail(BadAnswer(), 502)
            return
        self.status = 101
        self._state = _TUNNEL
        self.client.deadline = _FOREVER
        self.client.keep_alive = False
        self.client.transport.write(answers.render_switch(answer, self._added) + rest)
        self.bytes_out += len(rest)
        early = self.client.take_held()
        if early:
            self.pass_through(early)
        self._note_progress()
        self.client.update_reading()
        if self.client.half_closed:
            self.end_upward()

    def pass_through(self, data: bytes) -> None:
        """Takes what arrived from the client for the tunnel."""
        self.bytes_in += len(data)
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.write(data)
        self._note_progress()

    def end_upward(self) -> bool:
        """The client ended its direction of the tunnel, the upstream reads that; False if both directions have ended."""
        upstream = self.upstream
        if upstream is not None and not upstream.ended:
            upstream.end_writing()
            self._linger_tunnel()
            return True
        self.upstream = None
        if upstream is not None:
            upstream.close()
        self._finish()
        return False

    def _linger_tunnel(self) -> None:
        self.client.deadline = self._shared.loop.time() + self._shared.limits.tunnel_linger

    # Ends.

    def upstream_ended(self) -> bool:
        """The upstream sends no more; True keeps its connection open for the other direction of a tunnel."""
        if self._state == _TUNNEL:
            if self.client.half_closed or self.client.transport.is_closing():
                return False
            self.client.transport.write_eof()
            self._linger_tunnel()
            return True
        last = self._answer_body.end() if self._state == _BODY else None
        if last is None:
            self.upstream_lost(None)
            return False
        self.client.transport.write(last)
        self._complete()
        return False

    def upstream_lost(self, error: Exception | None) -> None:
        """The upstream's connection is gone, and the exchange is not complete."""
        upstream, self.upstream = self.upstream, None
        if upstream is None or self._state == _OVER:
            return
        upstream.drop()
        if self._state == _TUNNEL:
            self._release()
        elif self._may_retry(upstream):
            self._retried = True
            self._state = _PLACING
            self.client.deadline = _FOREVER
            self._task = self._shared.loop.create_task(self._place(1, upstream.address))
        else:
            failure = UpstreamGone()
            failure.__cause__ = error
            self.fail(failure, 502)

    def _may_retry(self, upstream: Upstream) -> bool:
        """Only what was lost to a connection that its process had given up, and what is safe to be asked twice."""
        return (
            self._state == _WAITING
            and upstream.served > 0
            and not self._retried
            and not self._partial
            and self.request.length == 0
            and self.request.head.method in _IDEMPOTENT
        )

    def _complete(self) -> None:
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            if self._is_reusable(upstream):
                if self.client.write_paused:
                    upstream.resume()
                self._shared.pool.give(upstream)
            else:
                upstream.drop()
        self._release()

    def _is_reusable(self, upstream: Upstream) -> bool:
        """Whether both sides of the upstream's connection agree that everything was said."""
        answer = self._answer
        told = answer is not None and answer.keep_alive and not self._answer_body.surplus
        return told and self.request_done and not (upstream.ended or upstream.write_paused)

    def _answer_here(self, answer: Answer) -> None:
        self.status = answer.status
        client = self.client
        client.keep_alive = self._may_keep()
        if client.keep_alive:
            connection = b"" if self.request.is_11 else b"connection: keep-alive\r\n"
        else:
            connection = b"connection: close\r\n"
        self.bytes_out = len(answer.body)
        method = self.request.head.method
        try:
            wire = answers.render_own(answer, method=method, connection=connection, date=self._shared.date)
        except TholosError as error:
            self._shared.on_error(self.request.head, error)
            self.status, client.keep_alive = 500, False
            connection = b"connection: close\r\n"
            wire = answers.render_own(WRONG, method=method, connection=connection, date=self._shared.date)
        client.transport.write(wire)
        self._release()

    def fail(self, error: TholosError, status: int) -> None:
        """Answers with the status if no answer has begun; else cuts it, so that nobody takes it for complete."""
        if self._state == _OVER:
            return
        begun = self._state in {_BODY, _TUNNEL}
        self._stop()
        if begun:
            self._finish()
            self.client.cut(framed=self._answer_body.shows_its_end)
            return
        self._answer_here(self._shared.render(self.request.head, error, status))

    def _release(self) -> None:
        """Leaves the client's connection, which may still bring the rest of a body or a next request."""
        self._finish()
        self.client.finished(linger=self.request.keep_alive or not self.request_done)

    def overdue(self) -> None:
        """The deadline passed without what was waited for."""
        if self._state in {_BODY, _TUNNEL}:
            self.cut()
        elif not self.request_done and not self.client.read_paused:
            self.fail(ClientSlow(), 408)
        else:
            self.fail(UpstreamSilent(), 504)

    def recheck(self) -> None:
        """Ends the exchange if access to it has ended."""
        if isinstance(self._decision, Carry) and not is_allowed(self._decision):
            self.cut()

    def cut(self) -> None:
        """Ends both sides at once."""
        self.left()
        self.client.abort()

    def left(self) -> None:
        """The client went, or has to: nothing more is wanted from the upstream."""
        if self._state == _OVER:
            return
        self._stop()
        self._finish()

    def _stop(self) -> None:
        """Gives up finding a way, or the connection that was found."""
        if self._task is not None:
            self._task.cancel()
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.drop()

    def _finish(self) -> None:
        """Counts and reports; the exchange takes nothing from here on."""
        self._state = _OVER
        shared = self._shared
        shared.exchanges.discard(self)
        shared.everything.remove("exchange")
        if isinstance(self._decision, Carry):
            shared.under_way.remove(self._decision.label)
        if shared.on_done is None:
            return
        seconds = shared.loop.time() - self._started
        head = self.request.head
        try:
            shared.on_done(
                Ended(head, self._decision, self.status or _LEFT, self.bytes_in, self.bytes_out, seconds)
            )
        except Exception as error:  # noqa: BLE001 - a log that fails must not cut an answer
            shared.on_error(head, error)
