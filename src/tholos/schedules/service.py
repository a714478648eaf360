"""Use cases of schedules: say when an app is started again, and begin that when its time has come.

Of several times that passed while no server ran, one is made up for. A time at which nothing can be started, or at which
what the time before began is still under way, is skipped, and the reason is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from tholos.accounts import service as accounts
from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.detect.model import Kind as AppKind
from tholos.kit import ids
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.errors import TholosError
from tholos.kit.versions import check_version
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.publishing import releases
from tholos.publishing.service import DELETE
from tholos.schedules import queries, recurrence
from tholos.schedules.errors import (
    BeingDeleted,
    NothingToStart,
    SchedulerGone,
    StillStarting,
    TimeZoneUnknown,
)
from tholos.schedules.models import Schedule
from tholos.schedules.recurrence import Recurrence
from tholos.schedules.words import words_of

TOPIC = "schedules"
"""Published after every commit that changes when something is due."""
AT_ONCE = 4
"""What schedules began is under way at most: a hundred apps with the same time are started one after the other."""
SHOWN_TIMES = 3
_BY_SCHEDULE = "by its schedule"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an app's schedule is to be."""

    recurrence: Recurrence
    timezone: str = "UTC"
    start: datetime | None = None
    """None for now."""
    at: time | None = None
    """A time of day there, of the day of the start."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An app's schedule, with what people are shown beside it."""

    schedule: Schedule
    app: App
    recurrence: Recurrence
    words: str
    account: str
    upcoming: Sequence[datetime]
    """Its next times; none while it is paused."""
    last: Operation | None
    """What it began last, as long as that is remembered."""


def get_planned(db: ReadDb, actor: Actor, name: str, now: datetime) -> Planned:
    """Raises: AppNotFound, NotAnEditor, ScheduleNotFound."""
    app = apps.get_editable(db, actor, name)
    return describe(db, app, queries.get_of_app(db, app.id), now)


def find_planned(db: ReadDb, actor: Actor, name: str, now: datetime) -> Planned | None:
    """An app's schedule, if it has one.

    Raises: AppNotFound, NotAnEditor.
    """
    app = apps.get_editable(db, actor, name)
    found = queries.find_of_app(db, app.id)
    return describe(db, app, found, now) if found else None


def of_apps(db: ReadDb, app_ids: Collection[str]) -> Sequence[Schedule]:
    return queries.list_of_apps(db, app_ids)


def describe(db: ReadDb, app: App, schedule: Schedule, now: datetime) -> Planned:
    wanted = Recurrence.from_json(schedule.recurrence)
    return Planned(
        schedule,
        app,
        wanted,
        words_of(wanted, schedule.start_at, zone_of(schedule)),
        accounts.get_account(db, schedule.account_id).name,
        _upcoming(schedule, wanted, now),
        operations.find_operation(db, schedule.operation_id),
    )


def zone_of(schedule: Schedule) -> ZoneInfo:
    """Its time zone, to show times in; UTC where it is known no more, at which the schedule stops."""
    try:
        return recurrence.find_zone(schedule.timezone)
    except TimeZoneUnknown:
        return ZoneInfo("UTC")


def set_schedule(
    db: WriteDb, actor: Actor, name: str, wish: Wish, now: datetime, seen: int | None = None
) -> Planned:
    """Start an app again at these times, from now on by the actor's right; the former schedule is forgotten.

    Raises: AppNotFound, NotAnEditor, NothingToStart, EditedMeanwhile, RecurrenceInvalid, TimeZoneUnknown.
    """
    app = apps.get_editable(db, actor, name)
    _check_startable(db, app)
    wanted = recurrence.check(wish.recurrence)
    zone = recurrence.find_zone(wish.timezone)
    start = recurrence.check_start(wish.start or now)
    if wish.at is not None:
        start = recurrence.check_start(datetime.combine(start.astimezone(zone), wish.at, zone))
    schedule = queries.find_of_app(db, app.id)
    before = _facts(schedule) if schedule else None
    if schedule is None:
        schedule = Schedule(
            id=ids.new_id("sch"), organization_id=app.organization_id, app_id=app.id, version=0
        )
        db.add(schedule)
    else:
        check_version(seen, schedule.version)
    schedule.recurrence, schedule.timezone, schedule.start_at = wanted.to_json(), zone.key, start
    schedule.account_id, schedule.set_at = actor.account_id, now
    _go_on(schedule, now)
    schedule.version += 1
    db.flush()
    audit.record(
        db, actor, Action.SCHEDULE_SET, apps.subject_of(app), now, before=before, after=_facts(schedule)
    )
    return describe(db, app, schedule, now)


def set_paused(
    db: WriteDb, actor: Actor, name: str, seen: int | None, now: datetime, *, is_paused: bool
) -> Planned:
    """Start the app by its schedule no more, or again: by the actor's right from then on.

    Raises: AppNotFound, NotAnEditor, ScheduleNotFound, NothingToStart, EditedMeanwhile.
    """
    app = apps.get_editable(db, actor, name)
    schedule = queries.get_of_app(db, app.id)
    check_version(seen, schedule.version)
    before = _facts(schedule)
    if is_paused:
        schedule.paused_at, schedule.next_at = now, None
    else:
        _check_startable(db, app)
        schedule.account_id = actor.account_id
        _go_on(schedule, now)
    schedule.version += 1
    action = Action.SCHEDULE_PAUSED if is_paused else Action.SCHEDULE_RESUMED
    audit.record(db, actor, action, apps.subject_of(app), now, before=before, after=_facts(schedule))
    return describe(db, app, schedule, now)


def remove_schedule(db: WriteDb, actor: Actor, name: str, now: datetime) -> None:
    """Raises: AppNotFound, NotAnEditor, ScheduleNotFound."""
    app = apps.get_editable(db, actor, name)
    schedule = queries.get_of_app(db, app.id)
    audit.record(db, actor, Action.SCHEDULE_REMOVED, apps.subject_of(app), now, before=_facts(schedule))
    db.delete(schedule)


def is_static(db: ReadDb, app: App) -> bool:
    """Whether what is live of an app are files alone, which nothing is started for."""
    live = apps.find_live(db, app.id)
    return live is not None and live.kind == AppKind.STATIC


def list_due(db: ReadDb, now: datetime) -> Sequence[str]:
    """Ids of those that may begin now: whose time has come, as many as are not too many at once."""
    free = AT_ONCE - queries.count_under_way(db)
    return queries.list_due(db, now, free) if free > 0 else ()


def find_next_at(db: ReadDb) -> datetime | None:
    """The earliest time that is to be waited for; None where what is under way comes first, or nothing is scheduled."""
    if queries.count_under_way(db) >= AT_ONCE:
        return None
    return queries.find_next_at(db)


def begin_due(db: WriteDb, schedule_id: str, now: datetime) -> Operation | None:
    """Start an app again whose time has come, and note its next time; None where this time is skipped."""
    schedule = queries.find_schedule(db, schedule_id)
    if schedule is None or schedule.next_at is None or schedule.next_at > now:
        return None  # it was changed meanwhile, or another server was faster
    due_at, app = schedule.next_at, apps.get_app(db, schedule.app_id)
    try:
        schedule.next_at = _next_after(schedule, now)
        begun = _begin(db, app, schedule, now)
    except TholosError as error:
        _note_skipped(db, app, schedule, due_at, error, now)
        return None
    schedule.operation_id, schedule.due_at, schedule.skipped = begun.id, due_at, None
    return begun


def _begin(db: WriteDb, app: App, schedule: Schedule, now: datetime) -> Operation:
    """Raises: SchedulerGone, NothingToStart, StillStarting, BeingDeleted, NothingRuns."""
    actor = _check_scheduler(db, app, schedule)
    _check_startable(db, app)
    last = operations.find_operation(db, schedule.operation_id)
    if last is not None and not last.has_ended:
        raise StillStarting
    other = operations.find_under_way(db, app.id)
    if other is not None and other.kind == DELETE:
        raise BeingDeleted
    return releases.begin_restart(db, actor, app, now, may_wait=True, note=_BY_SCHEDULE)


def _note_skipped(
    db: WriteDb, app: App, schedule: Schedule, due_at: datetime, error: TholosError, now: datetime
) -> None:
    """Keep why nothing was begun. What will not be another time either is waited for no more."""
    if isinstance(error, (SchedulerGone, NothingToStart)) or schedule.next_at == due_at:
        schedule.paused_at, schedule.next_at, schedule.error = now, None, error.to_json()
        audit.record(db, audit.ITSELF, Action.SCHEDULE_STOPPED, apps.subject_of(app), now, note=error.message)
        return
    schedule.skipped = {**error.to_json(), "at": to_text(due_at)}


def _check_startable(db: ReadDb, app: App) -> None:
    """What has no release yet may be scheduled ahead.

    Raises: NothingToStart.
    """
    if is_static(db, app):
        raise NothingToStart(
            f"Cannot start {app.name} at set times: a site of files has nothing to start.", where="name"
        )


def _check_scheduler(db: ReadDb, app: App, schedule: Schedule) -> Actor:
    """Raises: SchedulerGone."""
    account = accounts.get_account(db, schedule.account_id)
    actor = accounts.actor_for(account)
    if account.is_disabled or not actor.role.includes(Role.PUBLISHER) or not apps.may_edit(db, app, actor):
        raise SchedulerGone(
            f"Cannot start {app.name} by its schedule: {account.name}, who set it, may not publish to it any more.",
            fix=f"Whoever edits the app can take it over: tholos schedule {app.name} --resume",
        )
    return actor


def _go_on(schedule: Schedule, now: datetime) -> None:
    """From now on, with nothing that was noted before."""
    schedule.paused_at = schedule.error = schedule.skipped = None
    schedule.next_at = _next_after(schedule, now)


def _next_after(schedule: Schedule, now: datetime) -> datetime:
    """Raises: TimeZoneUnknown: it was known once."""
    zone = recurrence.find_zone(schedule.timezone)
    return recurrence.next_after(Recurrence.from_json(schedule.recurrence), schedule.start_at, zone, now)


def _upcoming(schedule: Schedule, wanted: Recurrence, now: datetime) -> list[datetime]:
    """What is due already comes first."""
    if schedule.next_at is None:
        return []
    after = max(now, schedule.next_at)
    return [
        schedule.next_at,
        *recurrence.upcoming(wanted, schedule.start_at, zone_of(schedule), after, SHOWN_TIMES - 1),
    ]


def _facts(schedule: Schedule) -> JsonObject:
    return {
        **schedule.recurrence,
        "start": to_text(schedule.start_at),
        "timezone": schedule.timezone,
        "paused": schedule.paused_at is not None,
    }
