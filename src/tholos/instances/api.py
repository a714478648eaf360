"""HTTP of instances: which run, and what they write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import Header, Query
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.instances import following, reading, schemas
from tholos.instances import service as instances
from tholos.instances.errors import InstanceNotFound
from tholos.instances.following import Following, Place, find_log
from tholos.instances.metering import Meter
from tholos.instances.models import SHARED, VISITORS, Instance
from tholos.instances.reading import Log, Which
from tholos.instances.standbys import Standbys
from tholos.kit.db import ReadDb
from tholos.kit.sealing import Sealer
from tholos.kit.streams import EVENT_STREAM, NDJSON, wants_events
from tholos.kit.threads import in_long_thread, in_thread
from tholos.runtime.logsearch import Found

MOST_RELEASES = 2**31 - 1  # what the column of their numbers holds
MOST_LINES = 100_000
MOST_BYTES = 1 << 62

routes = Routes(prefix="/api/v1/apps", tags=["instances"])
everywhere = Routes(prefix="/api/v1/instances", tags=["instances"])

Release = Annotated[
    int | None, Query(ge=1, le=MOST_RELEASES, description="Of that release, else of the live one.")
]
InstanceId = Annotated[
    str,
    Query(
        max_length=40,
        pattern=r"^[A-Za-z0-9_]*$",
        description="Of that instance, else of the last one. With ``offset``: where a reader who goes on had got to.",
    ),
]
Lines = Annotated[int, Query(ge=0, le=MOST_LINES, description="At most so many.")]
Offset = Annotated[
    int | None,
    Query(ge=0, le=MOST_BYTES, description="Go on behind the lines that end there; for ``instance``."),
]
First = Annotated[int, Query(ge=1, le=MOST_BYTES, description="The number of the line at ``offset``.")]
LastEvent = Annotated[
    str | None,
    Header(max_length=100, description="Go on behind the event of that id, as browsers ask by themselves."),
]
Before = Annotated[
    int | None, Query(ge=0, le=MOST_BYTES, description="Only lines before that offset, where one begins.")
]
LevelName = Annotated[
    str, Query(max_length=20, description="``debug``, ``info``, ``warning`` or ``error``: at least so bad.")
]
Search = Annotated[
    str, Query(max_length=200, description="Lines with this text in them, in upper or lower case.")
]
Since = Annotated[
    str,
    Query(
        max_length=60,
        description="Written since a time, or in the last ``10m``, ``2h``, ``1d``; true to a second.",
    ),
]


class Form(StrEnum):
    TEXT = "text"
    JSON = "json"


@routes.declare("GET", "/{name}/instances", permission=Permission.APP_EDIT)
def list_instances(call: Calling, name: str) -> schemas.InstanceList:
    """An app's running copies, with what they use."""
    with call.read() as db:
        found = instances.list_visible(db, call.actor, name)
        return schemas.InstanceList(items=shown(call, db, found), standbys=waiting(call, db, name))


@everywhere.declare("GET", "", permission=Permission.SIGNED_IN)
def list_all_instances(call: Calling) -> schemas.InstanceList:
    """The running copies of all apps that one may edit, with what they use."""
    with call.read() as db:
        found = instances.list_editable(db, call.actor)
        return schemas.InstanceList(items=shown(call, db, found), standbys=waiting(call, db))


@routes.declare(
    "GET",
    "/{name}/logs",
    permission=Permission.APP_EDIT,
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}, NDJSON: {}, EVENT_STREAM: {}}}},
)
async def read_logs(
    call: Calling,
    name: str,
    lines: Lines = 200,
    release: Release = None,
    instance: InstanceId = "",
    offset: Offset = None,
    first: First = 1,
    before: Before = None,
    level: LevelName = "",
    q: Search = "",
    since: Since = "",
    form: Annotated[Form, Query(alias="format", description="``json``: a line of JSON each.")] = Form.TEXT,
    accept: Annotated[str | None, Header()] = None,
    last_event_id: LastEvent = None,
    *,
    follow: bool = False,
    only: bool = False,
    download: bool = False,
) -> Response:
    """What an app printed: its last lines, those that are asked for, or all of it."""
    query = reading.query_of(q, level, since, call.now)
    place = Place(instance, offset, first) if instance and offset is not None else None
    which = Which(name, release, instance if only or place is None else "")
    if follow:
        place = Place.of_event(last_event_id) or place
    if download:
        return await _download(call, which)
    log = await in_thread(find_log, call, which)
    if place is not None:
        log, found = await in_thread(_resumed, call, which, log, place)
    else:
        found = await in_long_thread(reading.read_log, log, lines, query, before)
    if follow:
        return _followed(Following(call, which, query, log, found), form, accept)
    if form is Form.TEXT:
        return PlainTextResponse("".join(f"{entry.text}\n" for entry in found.entries))
    shown_lines = [reading.json_of(log, entry) for entry in found.entries] if log else []
    return Response("".join(f"{line}\n" for line in shown_lines), media_type=NDJSON)


def _resumed(call: Call, which: Which, last: Log | None, place: Place) -> tuple[Log | None, Found]:
    """Where a reader goes on: in the log that it had, if that is still there, else at the beginning of the last one."""
    try:
        return find_log(call, replace(which, instance=place.instance)), Found((), place.offset, place.next_n)
    except InstanceNotFound:
        return last, Found((), 0, place.next_n)


def _followed(found: Following, form: Form, accept: str | None) -> Response:
    place = (found.call.actor.account_id, found.which.name)
    following.check_place(place)
    told = following.follow(found)
    if wants_events(accept):
        return following.Followed(following.as_events(told, is_json=form is Form.JSON), EVENT_STREAM, place)
    if form is Form.JSON:
        return following.Followed(following.as_lines(told), NDJSON, place)
    return following.Followed(following.as_text(told), "text/plain; charset=utf-8", place)


async def _download(call: Call, which: Which) -> Response:
    found = await in_thread(_list_logs, call, which)
    release = f"-release-{found[-1].release}" if found else ""
    headers = {"content-disposition": f'attachment; filename="{which.name}{release}.log"'}
    return StreamingResponse(reading.whole(found), media_type="text/plain; charset=utf-8", headers=headers)


def _list_logs(call: Call, which: Which) -> list[Log]:
    with call.read() as db:
        return reading.list_logs(db, call.get(Sealer), call.actor, which)


@routes.declare("GET", "/{name}/traceback", permission=Permission.APP_EDIT)
async def read_traceback(
    call: Calling, name: str, release: Release = None, instance: InstanceId = ""
) -> schemas.TracebackAnswer:
    """The first traceback of the last run that has one, of the instance that ran last."""
    log = await in_thread(find_log, call, Which(name, release, instance))
    return schemas.TracebackAnswer(traceback=await in_long_thread(reading.find_traceback, log))


def waiting(call: Call, db: ReadDb, name: str = "") -> list[schemas.StandbyOut]:
    """Standbys of the apps that somebody may edit, or of one of these."""
    found = call.get(Standbys).all
    if not found:
        return []
    may_see = apps.editable_among(db, call.actor, [one.app_id for one in found])
    return [
        schemas.standby_out(one)
        for one in sorted(found, key=lambda one: one.app)
        if one.app_id in may_see and name in {"", one.app, may_see[one.app_id]}
    ]


def shown(call: Call, db: ReadDb, found: Sequence[Instance]) -> list[schemas.InstanceOut]:
    """Instances as JSON, with three queries however many they are."""
    measured = call.get(Meter).measure(found)
    names = apps.names_of(db, [one.app_id for one in found])
    numbers = apps.release_numbers(db, [one.release_id for one in found])
    people = {SHARED: "", VISITORS: VISITORS}
    people |= accounts.account_names(db, [one.audience for one in found if one.audience not in people])
    return [
        schemas.instance_out(
            one, names.get(one.app_id, ""), numbers.get(one.release_id, 0), people.get(one.audience, ""),
            measured[one.id], call.now,
        )
        for one in found
    ]  # fmt: skip
