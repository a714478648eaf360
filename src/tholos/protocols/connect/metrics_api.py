"""Usage: visits and hits of the content that one manages, the oldest first.

This wire tells visits of pages and documents from sessions of interactive content, and its clients add the two up: each visit
is told as one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.audit.reading import read_moment
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb
from tholos.protocols.connect import contents, identity
from tholos.protocols.connect.bundles_api import whole
from tholos.protocols.connect.paging import MOST
from tholos.publishing import bundles
from tholos.usage import service as usage
from tholos.usage.models import PageVisit
from tholos.usage.service import Policy

routes = Routes(prefix="/__api__/v1/instrumentation", tags=["connect"], include_in_schema=False)

Limit = Annotated[int, Query(ge=1, le=MOST)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which visits are asked for."""

    since: datetime
    until: datetime | None
    app_ids: frozenset[str]
    """Empty for all content."""


def _asked(
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
    start: str = "",
    end: str = "",
    content_guid: str = "",
) -> Asked:
    """Raises: FilterInvalid, IdMalformed."""
    begin = read_moment(since or start, "from") or datetime.fromtimestamp(0, UTC)
    named = frozenset(identity.id_of("app", one) for one in content_guid.split("|") if one)
    return Asked(begin, read_moment(until or end, "to"), named)


Asking = Annotated[Asked, Depends(_asked)]
DATA_VERSION = 3
INTERACTIVE = frozenset({
    "python-shiny", "python-dash", "python-streamlit", "python-bokeh", "python-gradio", "python-panel", "jupyter-voila",
})  # fmt: skip
"""App modes whose visitors stay connected to what they opened."""
MOST_HITS = 100_000


@routes.declare("GET", "/content/visits", permission=Permission.PUBLISH)
def list_visits(
    call: Calling,
    asked: Asking,
    following: Annotated[str, Query(alias="next")] = "",
    limit: Limit = 20,
) -> JsonObject:
    """Pages of content that somebody went to, but for what is interactive."""
    with call.read() as db:
        found = _list_some(call, db, following, limit, asked, interactive=False)
        sent = _bundles_of(db, found)
        results = [_visit(call, one, sent.get((one.app_id, one.release))) for one in found]
    return {"paging": _paging(call, _cursor(found, limit)), "results": results}


@routes.declare("GET", "/shiny/usage", permission=Permission.PUBLISH)
def list_shiny_usage(
    call: Calling,
    asked: Asking,
    following: Annotated[str, Query(alias="next")] = "",
    limit: Limit = 20,
) -> JsonObject:
    """Visits of interactive content as sessions; how long one lasted is not kept, so it ends as it begins."""
    with call.read() as db:
        found = _list_some(call, db, following, limit, asked, interactive=True)
        results = [_session(call, one) for one in found]
    return {"paging": _paging(call, _cursor(found, limit)), "results": results}


@routes.declare("GET", "/content/hits", permission=Permission.PUBLISH)
def list_hits(call: Calling, asked: Asking) -> list[JsonObject]:
    """The same visits, with what they were opened with; so many of the oldest at most."""
    with call.read() as db:
        return [_hit(call, one) for one in _list(call, db, 0, MOST_HITS, asked)]


def _list_some(
    call: Call, db: ReadDb, following: str, limit: int, asked: Asked, *, interactive: bool
) -> list[PageVisit]:
    """So many visits of interactive content, or of all other."""
    after = whole(following) if following else 0
    found: list[PageVisit] = []
    while len(found) < limit:
        some = _list(call, db, after, MOST, asked)
        modes = _modes_of(db, {one.app_id for one in some})
        found += [one for one in some if (modes.get(one.app_id) in INTERACTIVE) == interactive]
        if len(some) < MOST:
            break
        after = some[-1].id
    return found[:limit]


def _modes_of(db: ReadDb, app_ids: set[str]) -> dict[str, str]:
    """By app: the mode of what is live, which content keeps."""
    live = apps.live_releases(db, apps.list_with_ids(db, [*app_ids]))
    sent = bundles.of_releases(db, [*live.values()])
    return {app_id: contents.mode_of(one, sent.get(one.id)) for app_id, one in live.items()}


def _cursor(found: Sequence[PageVisit], limit: int) -> str | None:
    return str(found[-1].id) if len(found) == limit else None


def _list(call: Call, db: ReadDb, after: int, limit: int, asked: Asked) -> list[PageVisit]:
    """The first of those that are asked for; each of some items is asked for by itself."""
    until = asked.until or call.now + timedelta(seconds=1)
    found = [
        one
        for app_id in asked.app_ids or {""}
        for one in usage.list_after(
            db, call.actor, after, limit, since=asked.since, until=until, app_id=app_id
        )
    ]
    return sorted(found, key=lambda one: one.id)[:limit]


def _bundles_of(db: ReadDb, found: Sequence[PageVisit]) -> dict[tuple[str, int], int]:
    """By app and number of a release: the bundle that it was made of."""
    releases = [one for app_id in {one.app_id for one in found} for one in apps.list_releases(db, app_id)]
    sent = bundles.of_releases(db, releases)
    return {(one.app_id, one.number): sent[one.id].id for one in releases if one.id in sent}


def _visit(call: Call, one: PageVisit, bundle_id: int | None) -> JsonObject:
    return {
        "content_guid": identity.guid_of(one.app_id),
        "user_guid": _visitor(call, one),
        "variant_key": None,
        "rendering_id": None,
        "bundle_id": str(bundle_id) if bundle_id is not None else None,
        "time": to_text(one.at),
        "data_version": DATA_VERSION,
        "path": one.path,
    }


def _session(call: Call, one: PageVisit) -> JsonObject:
    return {
        "content_guid": identity.guid_of(one.app_id),
        "user_guid": _visitor(call, one),
        "started": to_text(one.at),
        "ended": to_text(one.at),
        "data_version": DATA_VERSION,
    }


def _hit(call: Call, one: PageVisit) -> JsonObject:
    return {
        "id": one.id,
        "content_guid": identity.guid_of(one.app_id),
        "user_guid": _visitor(call, one),
        "timestamp": to_text(one.at),
        "data": {"path": one.path, "user_agent": one.agent},
    }


def _visitor(call: Call, one: PageVisit) -> str | None:
    is_known = one.account_id is not None and call.get(Policy).with_accounts
    return identity.guid_of(one.account_id) if one.account_id and is_known else None


def _paging(call: Call, cursor: str | None) -> JsonObject:
    """Where the next page is; there is no way back but to begin anew."""
    address = f"{call.site.url}{call.request.url.path}"
    others = [(key, value) for key, value in call.request.query_params.multi_items() if key != "next"]
    following = f"{address}?{urlencode([*others, ('next', cursor)])}" if cursor else None
    return {
        "cursors": {"previous": None, "next": cursor},
        "first": f"{address}?{urlencode(others)}" if others else address,
        "previous": None,
        "next": following,
        "last": None,
    }
