"""HTTP of instances: which run, and what they write."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Header, Query
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.instances import schemas
from tholos.instances import service as instances
from tholos.instances.errors import TooManyFollowers
from tholos.instances.models import Instance
from tholos.kit.company import beside
from tholos.kit.db import ReadDb
from tholos.kit.errors import NotFound
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import attempt
from tholos.kit.streams import EVENT_STREAM, wants_events
from tholos.kit.threads import in_thread
from tholos.runtime import logs

QUIET_S = 15.0
MOST_FOLLOWERS = 20
"""Streams of one app's log for one account."""
MOST_RELEASES = 2**31 - 1  # what the column of their numbers holds

routes = Routes(prefix="/api/v1/apps", tags=["instances"])


@dataclass(frozen=True, slots=True)
class Log:
    """The log that an app's, or one release's, last instance writes."""

    instance: str
    path: Path


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose log is followed, by whom; without a release it is the live one's, whichever that is."""

    call: Call
    name: str
    release: int | None


@routes.declare("GET", "/{name}/instances", permission=Permission.APP_VIEW)
def list_instances(call: Calling, name: str) -> schemas.InstanceList:
    with call.read() as db:
        found = instances.list_visible(db, call.actor, name)
        return schemas.InstanceList(items=[shown(db, one) for one in found])


@routes.declare("GET", "/{name}/logs", permission=Permission.APP_VIEW)
async def read_logs(
    call: Calling,
    name: str,
    lines: Annotated[int, Query(ge=0, le=100_000)] = 200,
    release: Annotated[int | None, Query(ge=1, le=MOST_RELEASES)] = None,
    instance: Annotated[str, Query(max_length=40)] = "",
    offset: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
    first: Annotated[int, Query(ge=1)] = 1,
    *,
    follow: bool = False,
    accept: str | None = Header(None),
) -> Response:
    """The last lines; with ``follow`` they go on. ``instance`` and ``offset`` say where a page that has lines ends."""
    log = await in_thread(find_log, call, name, release)
    if log and instance:
        tail = logs.Tail((), offset if log.instance == instance else 0)
    else:
        tail = await in_thread(logs.read_tail, log.path, lines) if log else logs.Tail((), 0)
    if not follow:
        return PlainTextResponse("".join(f"{line}\n" for line in tail.lines))
    place = (call.actor.account_id, name)
    _check_place(place)
    followed = _follow(_Asked(call, name, release), log, tail)
    if wants_events(accept):
        return _Followed(_as_events(followed, first), EVENT_STREAM, place)
    return _Followed(followed, "text/plain; charset=utf-8", place)


def find_log(call: Call, name: str, number: int | None) -> Log | None:
    """Raises: AppNotFound, ReleaseNotFound."""
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        live = apps.find_live(db, app.id)
        release = apps.get_release_numbered(db, app.id, number) if number else live
        last = instances.find_last(db, app.id, release.id if release else None)
        return Log(last.id, Path(last.log)) if last else None


async def _follow(asked: _Asked, log: Log | None, tail: logs.Tail) -> AsyncIterator[bytes]:
    """The end of a log and what is added to it, then the log of the instance that takes over, and so on.

    It ends when the app is gone. Empty data is a sign of life.
    """
    for line in tail.lines:
        yield f"{line}\n".encode()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=256)
    async with beside(_write_all(asked, log, tail.end, queue)):
        while (data := await _next(queue)) is not None:
            yield data


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    if not queue.empty():
        return queue.get_nowait()
    try:
        async with asyncio.timeout(QUIET_S):
            return await queue.get()
    except TimeoutError:
        return b""


async def _write_all(asked: _Asked, log: Log | None, offset: int, queue: asyncio.Queue[bytes | None]) -> None:
    """Whatever goes wrong is in the server's log, and ends the stream in good order."""
    await attempt(partial(_write_logs, asked, log, offset, queue))
    await queue.put(None)


async def _write_logs(
    asked: _Asked, log: Log | None, offset: int, queue: asyncio.Queue[bytes | None]
) -> None:
    is_there = True
    while is_there:
        until = logs.Until()
        async with asyncio.TaskGroup() as group:
            group.create_task(_write(log, offset, until, queue))
            is_there, log = await _successor(asked, log)
            until.end()  # what the last one said so far comes before the next
        offset = 0


async def _write(log: Log | None, offset: int, until: logs.Until, queue: asyncio.Queue[bytes | None]) -> None:
    if log is None:
        return
    with suppress(FileNotFoundError):  # its folder went with its app
        async with aclosing(logs.follow(log.path, offset, until)) as lines:
            async for line in lines:
                await queue.put(line)


async def _successor(asked: _Asked, log: Log | None) -> tuple[bool, Log | None]:
    """Whether the app is still there to be seen, and the log to read once it is another one."""
    with asked.call.get(Notices).watch(apps.TOPIC) as changed:
        while True:
            try:
                found = await in_thread(find_log, asked.call, asked.name, asked.release)
            except NotFound:
                return False, None
            if found != log:
                return True, found
            await wait(changed, QUIET_S)


class _Followed(StreamingResponse):
    """A log as it goes on, which takes one of the places of those who follow it."""

    def __init__(self, body: AsyncIterator[bytes], media_type: str, place: tuple[str, str]) -> None:
        super().__init__(body, media_type=media_type)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _followers[self._place] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _followers[self._place] -= 1
            if not _followers[self._place]:
                del _followers[self._place]


_followers: Counter[tuple[str, str]] = Counter()
"""How many streams this process sends, by account and app."""


def _check_place(place: tuple[str, str]) -> None:
    """Raises: TooManyFollowers."""
    if _followers[place] >= MOST_FOLLOWERS:
        raise TooManyFollowers(
            f"Cannot follow this log: you follow it {MOST_FOLLOWERS} times already.",
            fix="Close a page or a command that follows it.",
        )


async def _as_events(data: AsyncIterator[bytes], number: int) -> AsyncIterator[bytes]:
    """One event a line, with its number as the id."""
    async for line in data:
        if not line:
            yield b": alive\n\n"
            continue
        yield b"id: %d\ndata: %b\n\n" % (number, line.rstrip(b"\r\n").replace(b"\r", b" "))
        number += 1


def shown(db: ReadDb, instance: Instance) -> schemas.InstanceOut:
    return schemas.instance_out(instance, apps.get_release(db, instance.release_id).number)
