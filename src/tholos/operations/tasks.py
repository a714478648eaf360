"""The worker: claims operations, runs them by kind, and leaves each in a definite state.

A handler gets a :class:`Work` and returns the result. It may be cut off at any instruction, by cancellation or by the
end of the server; then it is called again from the start (at most ``ATTEMPTS`` times), so each of its steps must be one
that may be done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from tholos.kit.clock import Clock
from tholos.kit.db import Database, JsonObject, WriteDb
from tholos.kit.errors import TholosError, Unavailable
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import go_on
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.operations.errors import CancelRequested, OperationLost
from tholos.operations.models import Operation, OperationState, StepState
from tholos.operations.service import Said
from tholos.operations.times import Times

FLUSH_S = 0.05  # lines are written in groups: an eye sees no difference, the disk does
MOST_LINES = 2000
"""That an attempt tells: each is a row, and whoever wants more reads the log itself."""
RENEW_S = operations.LEASE.total_seconds() / 3


class StepFailed(TholosError):
    """An operation failed in a way that its handler has put into words."""

    code = "step_failed"


@dataclass(frozen=True, slots=True)
class _Moved:
    """The begin or the end of a step that is not yet written."""

    step: str
    state: StepState
    text: str
    at: datetime


@dataclass(slots=True)
class Work:
    """One operation being done: what to do, and how to tell of it.

    What is told is written in the order in which it was told, in groups and a moment later: the work does not wait for it.
    """

    operation: Operation
    database: Database
    notices: Notices
    clock: Clock
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the work is to end or has ended: synchronous parts in threads look at it, and nobody cancels it again."""
    times: Times = field(default_factory=Times)
    _told: list[Said | _Moved] = field(default_factory=list)
    _step: str = ""
    _lines: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_full(self) -> bool:
        """Whether further lines are dropped."""
        return self._lines > MOST_LINES

    def line(self, text: str) -> None:
        """Tell one line of a log; may be called from any thread. What is too much to tell is only counted."""
        with self._lock:
            self._lines += 1
            if self._lines <= MOST_LINES:
                self._told.append(Said("line", text[:4000], self._step))
            elif self._lines == MOST_LINES + 1:
                self._told.append(Said("line", "… more in the log", self._step))

    async def tell(self, *said: Said) -> None:
        with self._lock:
            self._told.extend(said)
        await in_thread(self.flush)

    @contextlib.asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[Callable[[str], None]]:
        """A named step; call what is yielded with the one line that stands for it."""
        texts: list[str] = [""]
        self._step = name
        self._move(name, StepState.RUNNING)
        began = time.monotonic()
        try:
            yield texts.append
        except Exception as error:
            cause = _cause(error)
            self._took(name, StepState.FAILED, began)
            if not isinstance(cause, CancelRequested):
                self._move(
                    name, StepState.FAILED, cause.message if isinstance(cause, TholosError) else "failed"
                )
            await in_thread(self.flush)
            raise
        self._took(name, StepState.DONE, began)
        self._move(name, StepState.DONE, texts[-1])

    async def skip(self, name: str, text: str) -> None:
        self._move(name, StepState.SKIPPED, text)

    def flush(self) -> None:
        """Write what was told; nothing is lost when this fails in the middle."""
        if self._told:
            self.write()

    def write(self, action: Callable[[WriteDb], object] | None = None) -> None:
        """Write what was told and then something more, in one transaction."""
        with self._writing:
            with self._lock:
                told = [*self._told]
            with self.database.write() as db:
                self._write_told(db, told)
                if action is not None:
                    action(db)
            with self._lock:
                del self._told[: len(told)]
        self.notices.publish(operations.topic(self.operation.id))

    def _write_told(self, db: WriteDb, told: list[Said | _Moved]) -> None:
        for is_said, group in itertools.groupby(told, lambda one: isinstance(one, Said)):
            if is_said:
                operations.say(db, self.operation.id, cast("Iterable[Said]", group), self.clock.now())
                continue
            for moved in cast("Iterable[_Moved]", group):
                if moved.state == StepState.RUNNING:
                    operations.start_step(db, self.operation.id, moved.step, moved.at)
                else:
                    operations.end_step(db, self.operation.id, moved.step, moved.state, moved.text, moved.at)

    def _took(self, name: str, state: StepState, began: float) -> None:
        labels = (self.operation.kind, name, str(state))
        self.times.steps.observe(labels, time.monotonic() - began)

    def _move(self, name: str, state: StepState, text: str = "") -> None:
        with self._lock:
            self._told.append(_Moved(name, state, text, self.clock.now()))


Handler = Callable[[Work], Awaitable[JsonObject]]
OnEnd = Callable[[Operation, JsonObject | None], Awaitable[None]]


@dataclass(slots=True)
class Worker:
    """Runs the operations of this server.

    Args:
        handlers: by kind of operation.
        on_abandoned: called before an operation ends, to leave nothing half done; with the error that it failed of, or
            None where it was cancelled.
    """

    database: Database
    notices: Notices
    clock: Clock
    holder: str
    handlers: dict[str, Handler]
    on_abandoned: dict[str, OnEnd]
    times: Times = field(default_factory=Times)
    _running: dict[str, tuple[asyncio.Task[None], Work]] = field(default_factory=dict)

    async def run(self) -> None:
        """Work until cancelled."""
        await go_on(partial(in_thread, self._take_back))
        async with asyncio.TaskGroup() as group:
            group.create_task(go_on(self._renew))
            await go_on(partial(self._claim_when_told, group))

    async def _claim_when_told(self, group: asyncio.TaskGroup) -> None:
        with self.notices.watch(operations.QUEUE_TOPIC) as woken:
            while True:
                await self._claim_all(group)
                self._pass_on_cancellations(await in_thread(self._cancel_requested))
                await wait(woken, operations.LEASE.total_seconds())

    def _take_back(self) -> None:
        with self.database.write() as db:
            operations.release_leases(db, self.holder, self.clock.now())

    async def _claim_all(self, group: asyncio.TaskGroup) -> None:
        for operation in await in_thread(self._claim):
            work = Work(operation, self.database, self.notices, self.clock, times=self.times)
            if operation.cancel_requested_at:
                work.stop.set()
            task = group.create_task(self._do(work, group), name=operation.id)
            self._running[operation.id] = (task, work)

    def _claim(self) -> list[Operation]:
        with self.database.read() as db:
            waiting = operations.list_claimable(db, self.clock.now())
        claimed = []
        for operation_id in waiting:
            if operation_id in self._running:
                continue  # a machine that slept let its lease lapse, and goes on with the work
            with self.database.write() as db:
                operation = operations.claim(db, operation_id, self.holder, self.clock.now())
            if operation is not None:
                claimed.append(operation)
        return claimed

    def _cancel_requested(self) -> list[str]:
        with self.database.read() as db:
            under_way = [operations.get_operation(db, one) for one in list(self._running)]
            return [operation.id for operation in under_way if operation.cancel_requested_at]

    def _pass_on_cancellations(self, requested: list[str]) -> None:
        for operation_id in requested:
            task, work = self._running.get(operation_id, (None, None))
            # Once is enough: a second time would cut off the end that the first one leads to.
            if task is not None and work is not None and not work.stop.is_set():
                work.stop.set()
                task.cancel("requested")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if self._running:
                await in_thread(self._renew_once)

    def _renew_once(self) -> None:
        with self.database.write() as db:
            operations.renew_leases(db, self.holder, set(self._running), self.clock.now())

    async def _do(self, work: Work, group: asyncio.TaskGroup) -> None:
        log = get_logger(
            operation=work.operation.id, kind=work.operation.kind, attempt=work.operation.attempt
        )
        flusher = group.create_task(go_on(partial(_flush_often, work)))
        began, ended = time.monotonic(), OperationState.FAILED
        try:
            result = await self._attempt(work)
        except asyncio.CancelledError as cancelled:
            work.stop.set()
            if cancelled.args != ("requested",):
                raise  # the server is leaving: whoever comes next takes this up again
            ended = OperationState.CANCELLED
            cast("asyncio.Task[None]", asyncio.current_task()).uncancel()
            await go_on(partial(self._end, work, None))
        except Exception as error:  # the worker loop: whatever went wrong ends this operation, not the others
            work.stop.set()
            cause = _cause(error)
            if not isinstance(cause, TholosError):
                log.exception("operation_broke")
            told = None if isinstance(cause, CancelRequested) else _error_json(cause)
            await go_on(partial(self._end, work, told))
        else:
            work.stop.set()
            ended = OperationState.DONE
            await go_on(partial(in_thread, self._finish, work, result))
        finally:
            flusher.cancel()
            del self._running[work.operation.id]
        seconds = time.monotonic() - began
        self.times.operations.observe((work.operation.kind, str(ended)), seconds)
        log.info("operation_ended", state=str(ended), seconds=round(seconds, 3))

    async def _attempt(self, work: Work) -> JsonObject:
        if work.stop.is_set():
            raise asyncio.CancelledError("requested")
        if work.operation.attempt > operations.ATTEMPTS:
            raise OperationLost(fix="Try it again; `tholos doctor` says what this machine lacks.")
        return await self.handlers[work.operation.kind](work)

    def _finish(self, work: Work, result: JsonObject) -> None:
        if not self._has_ended(work):
            work.write(lambda db: operations.finish(db, work.operation.id, result, self.clock.now()))
        self._tell_ended()

    def _has_ended(self, work: Work) -> bool:
        """Whether an end was written after all, by a try that then failed; there is no second one."""
        with self.database.read() as db:
            has_ended = operations.get_operation(db, work.operation.id).has_ended
        if has_ended:
            self.notices.publish(operations.topic(work.operation.id))
        return has_ended

    async def _end(self, work: Work, error: JsonObject | None) -> None:
        if await in_thread(self._has_ended, work):
            return
        await in_thread(work.flush)
        await self._clear_up(work, error)
        await in_thread(self._write_end, work, error)
        self._tell_ended()

    def _tell_ended(self) -> None:
        self.notices.publish("apps")
        self.notices.publish(operations.QUEUE_TOPIC)  # what waited for it has its turn

    async def _clear_up(self, work: Work, error: JsonObject | None) -> None:
        """Raises: Unavailable: it can be done later; whatever else goes wrong would go wrong for ever."""
        try:
            await self.on_abandoned[work.operation.kind](work.operation, error)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - the worker loop: what cannot be cleared up ends all the same
            get_logger(operation=work.operation.id).exception("operation_not_cleared_up")

    def _write_end(self, work: Work, error: JsonObject | None) -> None:
        def end(db: WriteDb) -> None:
            if error is None:
                operations.cancelled(db, work.operation.id, self.clock.now())
            else:
                operations.fail(db, work.operation.id, error, self.clock.now())

        work.write(end)


async def _flush_often(work: Work) -> None:
    while True:
        await asyncio.sleep(FLUSH_S)
        await in_thread(work.flush)


def _cause(error: Exception) -> Exception:
    """What went wrong in a group of tasks: what its only task that failed says."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _error_json(error: Exception) -> JsonObject:
    if isinstance(error, TholosError):
        excerpt = error.details.pop("excerpt", "")
        return {**error.to_json(), "excerpt": excerpt} if excerpt else error.to_json()
    return {
        "code": "bug",
        "message": f"Tholos made a mistake ({type(error).__name__}).",
        "fix": "The server's log has it all.",
    }
