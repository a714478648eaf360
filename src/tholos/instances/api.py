"""HTTP of instances: which run, and what they write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Header, Query
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.instances import schemas
from tholos.instances import service as instances
from tholos.instances.models import Instance
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices, wait
from tholos.kit.streams import EVENT_STREAM, wants_events
from tholos.kit.threads import in_thread
from tholos.runtime import logs

QUIET_S = 15.0
MOST_RELEASES = 2**31 - 1  # what the column of their numbers holds

routes = Routes(prefix="/api/v1/apps", tags=["instances"])


@dataclass(frozen=True, slots=True)
class Log:
    """The log that an app's, or one release's, last instance writes."""

    instance: str
    path: Path


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
    followed = _follow(call, name, release, log, tail)
    if wants_events(accept):
        return StreamingResponse(_as_events(followed, first), media_type=EVENT_STREAM)
    return StreamingResponse(followed, media_type="text/plain; charset=utf-8")


def find_log(call: Call, name: str, number: int | None) -> Log | None:
    """Raises: AppNotFound, ReleaseNotFound."""
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        live = apps.find_live(db, app.id)
        release = apps.get_release_numbered(db, app.id, number) if number else live
        last = instances.find_last(db, app.id, release.id if release else None)
        return Log(last.id, Path(last.log)) if last else None


async def _follow(
    call: Call, name: str, release: int | None, log: Log | None, tail: logs.Tail
) -> AsyncIterator[bytes]:
    """The end of a log and what is added to it, then the log of the instance that takes over, and so on."""
    for line in tail.lines:
        yield f"{line}\n".encode()
    offset = tail.end
    while True:
        async for data in _until_followed_by_another(call, name, release, log, offset):
            yield data
        log, offset = await in_thread(find_log, call, name, release), 0


async def _until_followed_by_another(
    call: Call, name: str, release: int | None, log: Log | None, offset: int
) -> AsyncIterator[bytes]:
    """What is added to one log until another instance is the one to read; empty data is a sign of life."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=256)
    async with asyncio.TaskGroup() as group:
        tasks = (
            group.create_task(_pump(log, offset, queue)),
            group.create_task(_takeover(call, name, release, log, queue)),
        )
        while (data := await _next(queue)) is not None:
            yield data
        for task in tasks:
            task.cancel()


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(QUIET_S):
            return await queue.get()
    except TimeoutError:
        return b""


async def _pump(log: Log | None, offset: int, queue: asyncio.Queue[bytes | None]) -> None:
    if log is None:
        return
    async for line in logs.follow_lines(log.path, offset):
        await queue.put(line.data)


async def _takeover(
    call: Call, name: str, release: int | None, log: Log | None, queue: asyncio.Queue[bytes | None]
) -> None:
    with call.get(Notices).watch(apps.TOPIC) as changed:
        while await in_thread(find_log, call, name, release) == log:
            await wait(changed, QUIET_S)
    await queue.put(None)


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
