"""Usage: visits and hits of the content that one manages, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.audit.reading import read_moment
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb
from tholos.protocols.connect import identity
from tholos.protocols.connect.bundles_api import whole
from tholos.protocols.connect.content_api import identity_of
from tholos.protocols.connect.paging import MOST
from tholos.publishing import bundles
from tholos.usage import service as usage
from tholos.usage.models import PageVisit
from tholos.usage.service import Policy

routes = Routes(prefix="/__api__/v1/instrumentation", tags=["connect"], include_in_schema=False)

Limit = Annotated[int, Query(ge=1, le=MOST)]
DATA_VERSION = 3
MOST_HITS = 100_000


@routes.declare("GET", "/content/visits", permission=Permission.PUBLISH)
def list_visits(
    call: Calling,
    start: str = "",
    end: str = "",
    content_guid: str = "",
    following: Annotated[str, Query(alias="next")] = "",
    limit: Limit = 20,
) -> JsonObject:
    """Pages of content that somebody went to."""
    app_id = identity_of("app", content_guid) if content_guid else ""
    after = whole(following) if following else 0
    with call.read() as db:
        found = _list(call, db, after, limit, start, end, app_id)
        sent = _bundles_of(db, found)
        results = [_visit(call, one, sent.get((one.app_id, one.release))) for one in found]
    cursor = str(found[-1].id) if len(found) == limit else None
    return {"paging": _paging(call, cursor), "results": results}


@routes.declare("GET", "/shiny/usage", permission=Permission.PUBLISH)
def list_shiny_usage(call: Calling) -> JsonObject:
    """How long sessions lasted is not kept: what was opened is among the visits."""
    return {"paging": _paging(call, None), "results": []}


@routes.declare("GET", "/content/hits", permission=Permission.PUBLISH)
def list_hits(
    call: Calling, content_guid: Annotated[list[str] | None, Query()] = None, start: str = "", end: str = ""
) -> list[JsonObject]:
    """The same visits, with what they were opened with; so many of the oldest at most."""
    wanted = {identity_of("app", one) for one in content_guid or ()}
    with call.read() as db:
        found = _list(call, db, 0, MOST_HITS, start, end, next(iter(wanted)) if len(wanted) == 1 else "")
        return [_hit(call, one) for one in found if not wanted or one.app_id in wanted]


def _list(
    call: Call, db: ReadDb, after: int, limit: int, start: str, end: str, app_id: str
) -> Sequence[PageVisit]:
    """Raises: FilterInvalid."""
    since = read_moment(start, "start") or datetime.fromtimestamp(0, UTC)
    until = read_moment(end, "end") or call.now + timedelta(seconds=1)
    return usage.list_after(db, call.actor, after, limit, since=since, until=until, app_id=app_id)


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
