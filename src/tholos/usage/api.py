"""HTTP of usage, for those who edit apps; administrators look after all of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.audit.reading import read_moment
from tholos.kit.db import ReadDb
from tholos.kit.paging import MOST, USUAL
from tholos.usage import days, schemas
from tholos.usage import service as usage
from tholos.usage.days import Chart, Day
from tholos.usage.service import Asked, Policy

routes = Routes(prefix="/api/v1", tags=["usage"])

Since = Annotated[str, Query(max_length=40, description="A day or moment in ISO 8601; else 30 days ago.")]
Until = Annotated[str, Query(max_length=40, description="A day or moment in ISO 8601, not included.")]
Cursor = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=MOST)]


def read_span(since: Since = "", until: Until = "") -> Asked:
    """Raises: FilterInvalid."""
    return Asked(read_moment(since.strip(), "since"), read_moment(until.strip(), "until"))


Span = Annotated[Asked, Depends(read_span)]


@routes.declare("GET", "/apps/{name}/usage", permission=Permission.APP_EDIT)
def get_usage(call: Calling, name: str, span: Span) -> schemas.UsageOut:
    """How often an app was visited, day by day."""
    with call.read() as db:
        return usage_out(call, db, name, span)


@routes.declare("GET", "/apps/{name}/usage/visits", permission=Permission.APP_EDIT)
def list_visits(
    call: Calling, name: str, span: Span, cursor: Cursor = "", limit: Limit = USUAL
) -> schemas.VisitList:
    """An app's visits, the newest first."""
    return _visits(call, name, Asked(span.since, span.until, cursor, limit))


@routes.declare("GET", "/usage", permission=Permission.PUBLISH)
def list_usage(call: Calling, span: Span) -> schemas.AppUsageList:
    """How often the apps that one edits were visited, the most visited first; for administrators all apps."""
    with_accounts = call.get(Policy).with_accounts
    with call.read() as db:
        found = usage.usage_by_app(db, call.actor, span, call.now)
        items = [schemas.app_usage_out(one, with_accounts=with_accounts) for one in found]
        return schemas.AppUsageList(items=items)


@routes.declare("GET", "/usage/visits", permission=Permission.PUBLISH)
def list_all_visits(
    call: Calling, span: Span, cursor: Cursor = "", limit: Limit = USUAL
) -> schemas.VisitList:
    """The visits of all apps that one edits, the newest first; for administrators those of all apps."""
    return _visits(call, "", Asked(span.since, span.until, cursor, limit))


def usage_out(call: Call, db: ReadDb, name: str, asked: Asked) -> schemas.UsageOut:
    found = usage.usage_of(db, call.actor, name, asked, call.now)
    return schemas.usage_out(found, with_accounts=call.get(Policy).with_accounts)


def _visits(call: Call, name: str, asked: Asked) -> schemas.VisitList:
    with_accounts = call.get(Policy).with_accounts
    with call.read() as db:
        page = usage.list_visits(db, call.actor, name, asked, call.now)
        names = apps.names_of(db, [*{one.app_id for one in page.items}])
        ids = {one.account_id for one in page.items if one.account_id} if with_accounts else set()
        people = accounts.account_names(db, [*ids])
        return schemas.VisitList(items=schemas.visits_out(page.items, names, people), next=page.next or None)


def chart_of(found: schemas.UsageOut) -> Chart:
    """The days of an answer, drawn."""
    return days.chart_of([Day(one.day, one.visits, one.visitors or 0, one.anonymous) for one in found.days])
