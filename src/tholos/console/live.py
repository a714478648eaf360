"""What changes while one looks: a stream of states of apps, and the search that the command palette asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import Header, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import ACCESS_TOPIC
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound
from tholos.console import finding
from tholos.instances import api as instances_api
from tholos.instances import service as instances
from tholos.kit.errors import Forbidden
from tholos.kit.notices import Notices, wait
from tholos.kit.streams import Message, encode, media_type
from tholos.kit.threads import in_thread
from tholos.operations import service as operations

QUIET_S = 15.0
AT_MOST_EVERY_S = 0.25
"""However much happens, an eye needs no more, and the database is asked no more often."""
MEASURED_EVERY_S = 2.0
"""Nothing tells that a process has used something; it is looked at while somebody watches."""
WATCHED_AT_MOST = 100

routes = Routes(prefix="/api/v1", tags=["live"])


class FoundOut(BaseModel):
    """One thing to go to."""

    title: str
    hint: str
    href: str
    kind: str


class SearchOut(BaseModel):
    items: list[FoundOut]


@routes.declare("GET", "/search", permission=Permission.SIGNED_IN)
def search(call: Calling, q: Annotated[str, Query(max_length=100)] = "") -> SearchOut:
    """What a word leads to: apps with their tabs, pages, people, groups, shared secrets, and articles of help."""
    with call.read() as db:
        found = finding.find(db, call.actor, q)
    return SearchOut(
        items=[FoundOut(title=one.title, hint=one.hint, href=one.href, kind=one.kind) for one in found]
    )


@routes.declare(
    "GET",
    "/events",
    permission=Permission.SIGNED_IN,
    responses={200: {"content": {"text/event-stream": {}, "application/x-ndjson": {}}}},
    response_class=StreamingResponse,
)
async def follow_events(
    call: Calling,
    app: Annotated[
        list[str] | None, Query(max_length=WATCHED_AT_MOST, description="Names; repeat it.")
    ] = None,
    measured: Annotated[
        str, Query(max_length=100, description="An app whose instances' use is told as well.")
    ] = "",
    accept: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """The states of some apps as they change: one message for each app that is another than before."""
    told = _follow(call, app or [], measured)
    return StreamingResponse(encode(told, accept), media_type=media_type(accept))


async def _follow(call: Call, names: Sequence[str], measured: str) -> AsyncIterator[Message | None]:
    shown: dict[str, object] = {}
    with call.get(Notices).watch(apps.TOPIC, ACCESS_TOPIC) as changed:
        told = await in_thread(_states, call, names)
        while told is not None:
            if not await wait(changed, MEASURED_EVERY_S if measured else QUIET_S):
                before, shown = shown, await in_thread(_measure, call, measured) if measured else {}
                yield Message("instances", shown) if shown != before else None
                continue
            await asyncio.sleep(AT_MOST_EVERY_S)
            present = await in_thread(_states, call, names)
            if present is None:
                return
            for name in sorted(present.keys() | told.keys()):
                if present.get(name) != told.get(name):
                    yield Message("app", {"app": name, "state": (present.get(name) or ("",))[0]})
            told = present


def _measure(call: Call, name: str) -> dict[str, object]:
    """The instances of an app with what they use; nothing for who may not edit it."""
    with call.read() as db:
        try:
            actor = call.find_present_actor(db)
            found = instances.list_visible(db, actor, name)
        except (AppNotFound, Forbidden):
            return {}
        items = [one.model_dump(mode="json") for one in instances_api.shown(call, db, found)]
    return {"app": name, "items": items}


def _states(call: Call, names: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """By name: what of an app is shown on cards, as far as it may be seen; None for who may see nothing any more."""
    with call.read() as db:
        try:
            actor = call.find_present_actor(db)
        except Forbidden:
            return None
        found = apps.list_visible_named(db, actor, names)
        last = {
            one.subject_id: f"{one.id} {one.state}"
            for one in operations.list_last(db, [app.id for app in found], actor)
        }
        live = apps.live_release_numbers(db, [app.id for app in found])
        return {
            app.name: (app.state, app.state_reason, str(live.get(app.id, 0)), last.get(app.id, ""))
            for app in found
        }
