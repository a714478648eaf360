"""What changes while one looks: a stream of states of apps, and the search that the command palette asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from tholos.accounts.models import Role
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import listing
from tholos.apps import service as apps
from tholos.apps.listing import Asked
from tholos.kit.notices import Notices, wait
from tholos.kit.streams import Message, encode, media_type
from tholos.kit.threads import in_thread
from tholos.operations import service as operations

QUIET_S = 15.0
AT_MOST_EVERY_S = 0.25
"""However much happens, an eye needs no more, and the database is asked no more often."""
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


@dataclass(frozen=True, slots=True)
class Place:
    """A page that everybody may want to go to."""

    title: str
    hint: str
    href: str
    role: Role = Role.VIEWER


PLACES = (
    Place("Apps", "your home page", "/"),
    Place("Publish", "a folder, an archive, or by the command line", "/publish", Role.PUBLISHER),
    Place("People", "users, groups and service accounts", "/people"),
    Place("Account", "profile, password, sessions and tokens", "/account"),
    Place("Notifications", "what you are told, and how", "/account/notifications"),
    Place("Secrets", "values that several apps share", "/secrets", Role.PUBLISHER),
    Place("Audit", "who did what, and when", "/audit", Role.ADMINISTRATOR),
    Place("Administration", "health, instances, storage and settings", "/admin", Role.ADMINISTRATOR),
    Place("Webhooks", "other systems that are told", "/admin/webhooks", Role.ADMINISTRATOR),
    Place("Help", "tutorial, guides, reference", "/help"),
    Place("API reference", "every call", "/help/api"),
)
_TABS = (("", "overview"), ("/logs", "log"), ("/releases", "releases"), ("/access", "who can open it"))


@routes.declare("GET", "/search", permission=Permission.SIGNED_IN)
def search(call: Calling, q: Annotated[str, Query(max_length=100)] = "") -> SearchOut:
    """What a word leads to: apps with their tabs, and pages."""
    wanted = q.strip().lower()
    with call.read() as db:
        page = listing.list_page(db, call.actor, Asked(search=wanted, limit=8))
        editable = {app.id for app in page.items if apps.may_edit(db, app, call.actor)}
    found = [
        one
        for app in page.items
        for one in _of_app(app.name, app.id in editable, is_only=len(page.items) == 1)
    ]
    return SearchOut(items=[*found, *_places(call, wanted)])


def _of_app(name: str, may_edit: bool, *, is_only: bool) -> Iterator[FoundOut]:
    yield FoundOut(title=name, hint="app", href=f"/apps/{name}", kind="app")
    if is_only:
        yield FoundOut(title=f"Open {name}", hint="in this tab", href=f"/open/{name}", kind="app")
    if is_only and may_edit:
        for path, words in _TABS[1:]:
            yield FoundOut(title=f"{name}: {words}", hint="", href=f"/apps/{name}{path}", kind="tab")


def _places(call: Call, wanted: str) -> Iterator[FoundOut]:
    for place in PLACES:
        if call.actor.role.includes(place.role) and wanted in f"{place.title} {place.hint}".lower():
            yield FoundOut(title=place.title, hint=place.hint, href=place.href, kind="page")


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
    accept: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """The states of some apps as they change: one message for each app that is another than before."""
    return StreamingResponse(encode(_follow(call, app or []), accept), media_type=media_type(accept))


async def _follow(call: Call, names: Sequence[str]) -> AsyncIterator[Message | None]:
    told = await in_thread(_states, call, names)
    with call.get(Notices).watch(apps.TOPIC) as changed:
        while True:
            if not await wait(changed, QUIET_S):
                yield None
                continue
            await asyncio.sleep(AT_MOST_EVERY_S)
            present = await in_thread(_states, call, names)
            for name in sorted(present.keys() | told.keys()):
                if present.get(name) != told.get(name):
                    yield Message("app", {"app": name, "state": (present.get(name) or ("",))[0]})
            told = present


def _states(call: Call, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By name: what of an app is shown on cards, as far as it may be seen."""
    with call.read() as db:
        found = apps.list_visible_named(db, call.actor, names)
        last = {
            one.subject_id: f"{one.id} {one.state}"
            for one in operations.list_last(db, [app.id for app in found], call.actor)
        }
        live = apps.live_release_numbers(db, [app.id for app in found])
        return {
            app.name: (app.state, app.state_reason, str(live.get(app.id, 0)), last.get(app.id, ""))
            for app in found
        }
