"""Use cases of usage: write visits down, many at once, and tell editors of their apps'.

A visit is a page of an app that a browser went to and that the app answered. Drafts are tried, not visited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps import visits
from tholos.apps.models import App
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.paging import Page, from_cursor, to_cursor
from tholos.usage import queries
from tholos.usage.days import Day, fill, usual_since
from tholos.usage.models import PageVisit
from tholos.usage.queries import Count, Wanted

MOST_PATH = 500


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept of visits on this server."""

    keep_days: int = 90
    with_accounts: bool = True
    """Whether it is known who it was."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit as the door saw it."""

    app_id: str
    release: int
    account_id: str
    """Empty where none was needed."""
    at: datetime
    path: str
    agent: str


@dataclass(frozen=True, slots=True)
class Usage:
    """The visits of an app in a span, counted."""

    since: datetime
    until: datetime
    visits: int
    visitors: int
    anonymous: int
    days: Sequence[Day]


@dataclass(frozen=True, slots=True)
class AppUsage:
    """One app's visits among those of several, counted."""

    app: App
    count: Count


@dataclass(frozen=True, slots=True)
class Asked:
    """Which visits are asked for."""

    since: datetime | None = None
    until: datetime | None = None
    """Not included."""
    cursor: str = ""
    limit: int = 100


def record(db: WriteDb, seen: Sequence[Seen], policy: Policy) -> int:
    """Write visits down, and for each account when it opened which app last; how many were of apps that are there."""
    found = {app.id: app for app in apps.list_with_ids(db, [*{one.app_id for one in seen}])}
    known = [one for one in seen if one.app_id in found]
    for one in known:
        db.add(
            PageVisit(
                organization_id=found[one.app_id].organization_id,
                app_id=one.app_id,
                release=one.release,
                account_id=one.account_id or None if policy.with_accounts else None,
                at=one.at,
                day=one.at.astimezone(UTC).date().isoformat(),
                path=one.path[:MOST_PATH],
                agent=one.agent,
            )
        )
    _note_openings(db, known)
    db.flush()
    return len(known)


def usage_of(db: ReadDb, actor: Actor, name: str, asked: Asked, now: datetime) -> Usage:
    """An app's visits, day by day; without a beginning those of the last days.

    Raises: AppNotFound, NotAnEditor.
    """
    app = apps.get_editable(db, actor, name)
    wanted = _wanted([app.id], asked, now)
    total = queries.count_all(db, wanted)
    counted = [
        Day(one.key, one.visits, one.visitors, one.anonymous) for one in queries.count_by_day(db, wanted)
    ]
    days = fill(counted, wanted.since, wanted.until)
    return Usage(wanted.since, wanted.until, total.visits, total.visitors, total.anonymous, days)


def usage_by_app(db: ReadDb, actor: Actor, asked: Asked, now: datetime) -> list[AppUsage]:
    """The apps that an actor edits and that were visited, the most visited first; for administrators all of them."""
    counts = queries.count_by_app(db, _wanted(apps.editable_ids(actor), asked, now))
    found = {app.id: app for app in apps.list_with_ids(db, [one.key for one in counts])}
    ordered = sorted(counts, key=lambda one: (-one.visits, found[one.key].name))
    return [AppUsage(found[one.key], one) for one in ordered]


def list_visits(db: ReadDb, actor: Actor, name: str, asked: Asked, now: datetime) -> Page[PageVisit]:
    """Visits, the newest first, of one app or of all that an actor edits.

    Raises: AppNotFound, NotAnEditor, CursorInvalid.
    """
    among = [apps.get_editable(db, actor, name).id] if name else apps.editable_ids(actor)
    key = from_cursor(asked.cursor, int)
    wanted = _wanted(among, asked, now)
    found = queries.list_before(db, wanted, int(key[0]) if key else None, asked.limit + 1)
    is_more = len(found) > asked.limit
    return Page(found[: asked.limit], to_cursor(found[asked.limit - 1].id) if is_more else "")


def list_after(
    db: ReadDb,
    actor: Actor,
    after: int,
    limit: int,
    *,
    since: datetime,
    until: datetime,
    app_id: str = "",
) -> Sequence[PageVisit]:
    """The visits between two moments of the apps that an actor edits, the oldest first, behind the one with an id.

    With ``app_id`` only those of that app, and none where the actor does not edit it.
    """
    among = apps.editable_ids(actor)
    if app_id:
        app = apps.find_app(db, app_id)
        if app is None or not apps.may_edit(db, app, actor):
            return []
        return queries.list_after(db, Wanted([app_id], since, until), after, limit)
    return queries.list_after(db, Wanted(among, since, until), after, limit)


def remove_old(db: WriteDb, policy: Policy, now: datetime) -> None:
    """Remove what was kept long enough, and who it was where that is not to be known any more."""
    queries.remove_before(db, now - timedelta(days=policy.keep_days))
    if not policy.with_accounts:
        queries.forget_accounts(db)


def remove_of_app(db: WriteDb, app_id: str) -> None:
    queries.remove_of_app(db, app_id)


def _wanted(among: queries.Ids | Sequence[str], asked: Asked, now: datetime) -> Wanted:
    until = asked.until or now + timedelta(seconds=1)
    return Wanted(among, asked.since or usual_since(min(now, until)), until)


def _note_openings(db: WriteDb, seen: Sequence[Seen]) -> None:
    """One's own list of what one opened last is one's own: it is kept whatever is told to others."""
    counts = Counter((one.account_id, one.app_id) for one in seen if one.account_id)
    last = {(one.account_id, one.app_id): one.at for one in sorted(seen, key=lambda one: one.at)}
    for (account_id, app_id), count in counts.items():
        visits.note_openings(db, account_id, app_id, count, last[account_id, app_id])
