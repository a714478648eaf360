"""Following an app's log: the end of it and what is added, then the log of the instance that takes over, and so on."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tholos.accounts.routes import Call
from tholos.accounts.service import ACCESS_TOPIC
from tholos.apps import service as apps
from tholos.instances import reading
from tholos.instances.errors import TooManyFollowers
from tholos.instances.reading import Log, Which
from tholos.kit.company import beside
from tholos.kit.errors import Forbidden, NotFound
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import attempt
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.runtime import logs
from tholos.runtime.logs import opened
from tholos.runtime.logsearch import Entry, Found, Query, Sieve, levels_before
from tholos.runtime.logtimes import LogTimes, read_times

QUIET_S = 15.0
MOST_FOLLOWERS = 20
"""Streams of one app's log for one account."""

Told = tuple[Log, Entry]
_EVENT_ID = re.compile(r"([A-Za-z0-9_]{1,40}):([0-9]{1,18}):([0-9]{1,18})")
"""Instance, offset and number."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader has got."""

    instance: str
    """Whose log it was."""
    offset: int
    next_n: int
    """The number of the line that begins there."""

    @classmethod
    def of_event(cls, event_id: str | None) -> Place | None:
        """Behind the event of that id; None where it is none of ours."""
        found = _EVENT_ID.fullmatch(event_id or "")
        return cls(found[1], int(found[2]), int(found[3]) + 1) if found else None


@dataclass(frozen=True, slots=True)
class Following:
    """What is followed, for whom, and from where."""

    call: Call
    which: Which
    """With an instance it is only that one's, until it has ended."""
    query: Query
    log: Log | None
    found: Found
    """What is told first; it goes on at its end."""


@dataclass(slots=True)
class _Stream:
    """What is written to a reader."""

    queue: asyncio.Queue[Told | None]
    sieve: Sieve


async def follow(following: Following) -> AsyncIterator[Told | None]:
    """Lines with the logs they are from; it ends when the app, the one instance, or the right to read it is gone.

    None is a sign of life.
    """
    if following.log is not None:
        for entry in following.found.entries:
            yield following.log, entry
    stream = _Stream(asyncio.Queue(maxsize=256), Sieve(following.query, n=following.found.next_n))
    async with beside(_write_all(following, stream)):
        while True:
            try:
                async with asyncio.timeout(0 if not stream.queue.empty() else QUIET_S):
                    told = stream.queue.get_nowait() if not stream.queue.empty() else await stream.queue.get()
            except TimeoutError:
                yield None
                continue
            if told is None:
                return
            yield told


async def _write_all(following: Following, stream: _Stream) -> None:
    """Whatever goes wrong is in the server's log, and ends the stream in good order."""
    await attempt(partial(_write_logs, following, stream))
    await stream.queue.put(None)


async def _write_logs(following: Following, stream: _Stream) -> None:
    log, offset, is_there = following.log, following.found.end, True
    while is_there:
        until = logs.Until()
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(_write(following.call, log, offset, until, stream))
            try:
                is_there, log = await _successor(following, log)
            except (NotFound, Forbidden):
                writing.cancel()
                return
            until.end()  # what the last one said so far comes before the next
        offset = 0


async def _write(call: Call, log: Log | None, offset: int, until: logs.Until, stream: _Stream) -> None:
    if log is None:
        return
    stream.sieve.query = reading.masking(stream.sieve.query, log)
    times, known = await in_thread(_prepare, log, offset, stream.sieve)
    with suppress(FileNotFoundError):  # its folder went with its app
        async with aclosing(logs.follow_lines(log.path, offset, until)) as lines:
            async for line in lines:
                start = line.end - len(line.data)
                at = times.at(start) if line.end <= known else call.now.timestamp()
                entry = stream.sieve.take(line, at)
                if entry is not None:
                    await stream.queue.put((log, entry))


def _prepare(log: Log, offset: int, sieve: Sieve) -> tuple[LogTimes, int]:
    """The times of what a log has already, and how much that is; what is being told there is known to the sieve."""
    try:
        with opened(log.path) as fd:
            sieve.levels = levels_before(fd, offset)
        return read_times(log.path), log.path.stat().st_size
    except FileNotFoundError:
        return LogTimes(), 0


async def _successor(following: Following, log: Log | None) -> tuple[bool, Log | None]:
    """Whether there is more to come, and the log to read once it is another one.

    Raises: NotFound, Forbidden: the app is gone, or the right to read its log.
    """
    with following.call.get(Notices).watch(apps.TOPIC, ACCESS_TOPIC) as changed:
        while True:
            found = await in_thread(find_log, following.call, following.which)
            if found is not None and following.which.instance and found.has_ended:
                return False, None
            if _name(found) != _name(log):
                return True, found
            await wait(changed, QUIET_S)


def _name(log: Log | None) -> str:
    return log.instance if log else ""


def find_log(call: Call, which: Which) -> Log | None:
    """Raises: AppNotFound, ReleaseNotFound, InstanceNotFound."""
    with call.read() as db:
        return reading.find_log(db, call.get(Sealer), call.find_present_actor(db), which)


class Followed(StreamingResponse):
    """A log as it goes on, which takes one of the places of those who follow it."""

    def __init__(self, body: AsyncIterator[bytes], media_type: str, place: tuple[str, str]) -> None:
        super().__init__(body, media_type=media_type)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        followers[self._place] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            followers[self._place] -= 1
            if not followers[self._place]:
                del followers[self._place]


followers: Counter[tuple[str, str]] = Counter()
"""How many streams this process sends, by account and app."""


def check_place(place: tuple[str, str]) -> None:
    """Raises: TooManyFollowers."""
    if followers[place] >= MOST_FOLLOWERS:
        raise TooManyFollowers(
            f"Cannot follow this log: you follow it {MOST_FOLLOWERS} times already.",
            fix="Close a page or a command that follows it.",
        )


async def as_text(told: AsyncIterator[Told | None]) -> AsyncIterator[bytes]:
    async for one in told:
        yield f"{one[1].text}\n".encode() if one else b""


async def as_lines(told: AsyncIterator[Told | None]) -> AsyncIterator[bytes]:
    """Lines of JSON; an empty one is a sign of life."""
    async for one in told:
        yield f"{reading.json_of(*one)}\n".encode() if one else b"\n"


async def as_events(told: AsyncIterator[Told | None], *, is_json: bool) -> AsyncIterator[bytes]:
    """One event a line; its id is the place behind it, from which a reader that lost its connection goes on."""
    async for one in told:
        if one is None:
            yield b": alive\n\n"
        else:
            data = reading.json_of(*one) if is_json else one[1].text.replace("\r", " ")
            log, entry = one
            yield f"id: {log.instance}:{entry.end}:{entry.n}\ndata: {data}\n\n".encode()
