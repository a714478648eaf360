"""When an app is started again: the page that shows and changes that. What its form cannot save it shows again as it was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import Form
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import service as apps
from tholos.console.forms import Shown, advice_of, status_of, words_of
from tholos.console.pages import AppPage, last_operations
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.errors import Conflict, Invalid
from tholos.kit.pages import Pages
from tholos.schedules import api as schedules_api
from tholos.schedules import recurrence, schemas
from tholos.schedules import service as schedules
from tholos.schedules.api import tell
from tholos.schedules.errors import RecurrenceInvalid
from tholos.schedules.recurrence import Kind, Recurrence
from tholos.schedules.service import Planned, Wish
from tholos.schedules.words import DAY_NAMES, WEEK_NAMES

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=100)]
LAST_OF_MONTH = "semimonth-last"
"""The other one of the two that one kind has."""
KINDS = (
    (Kind.MINUTE, "Every so many minutes"),
    (Kind.HOUR, "Every so many hours"),
    (Kind.DAY, "Every so many days"),
    (Kind.WEEKDAY, "Monday to Friday"),
    (Kind.DAYOFWEEK, "On some days of the week"),
    (Kind.WEEK, "Every so many weeks"),
    (Kind.DAYOFMONTH, "On a day of the month"),
    (Kind.DAYWEEKOFMONTH, "On a weekday of the month"),
    (Kind.SEMIMONTH, "On the 1st and the 15th of the month"),
    (LAST_OF_MONTH, "On the 14th and the last day of the month"),
    (Kind.YEAR, "Every so many years"),
)
_WEEKS = (1, 2, 3, 4, 5)
_WEEKDAYS = (1, 2, 3, 4, 5, 6, 0)
"""A week begins with Monday here."""
_USUAL = {"kind": Kind.DAY, "n": "1", "days": "", "day": "1", "week": "1", "weekday": "1", "time": "07:00"}
_FORM_FIELDS = frozenset({"n", "days", "day", "week", "weekday", "time", "start", "timezone"})


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds."""

    kind: str
    n: str = ""
    days: tuple[str, ...] = ()
    day: str = ""
    week: str = ""
    weekday: str = ""
    time: str = ""
    start: str = ""
    timezone: str = ""

    def wish(self, now: datetime) -> Wish:
        """Raises: RecurrenceInvalid, TimeZoneUnknown."""
        kind = Kind.SEMIMONTH if self.kind == LAST_OF_MONTH else self.kind
        if kind not in set(Kind):
            raise RecurrenceInvalid("Cannot tell how often that is.", fix="Choose one.", where="schedule")
        is_weekday = kind == Kind.DAYWEEKOFMONTH
        wanted = Recurrence(
            Kind(kind),
            _number("n", self.n or "1"),
            tuple(_number("days", one) for one in self.days),
            _number("weekday", self.weekday or "1") if is_weekday else _number("day", self.day or "1"),
            _number("week", self.week or "1"),
            self.kind != LAST_OF_MONTH,
        )
        zone = recurrence.find_zone(self.timezone.strip() or "UTC")
        day = _date(self.start) if self.start.strip() else now.astimezone(zone).date()
        if kind in {Kind.MINUTE, Kind.HOUR} and not self.time.strip():
            return Wish(
                wanted, zone.key, None if not self.start.strip() else datetime.combine(day, time(), zone)
            )
        at = _time(self.time)
        return Wish(wanted, zone.key, datetime.combine(day, at, zone))

    def values(self) -> dict[str, str]:
        return {
            "kind": self.kind, "n": self.n, "days": ",".join(self.days), "day": self.day, "week": self.week,
            "weekday": self.weekday, "time": self.time, "start": self.start, "timezone": self.timezone,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """A schedule as other pages show it."""

    schedule: schemas.ScheduleOut
    times: Sequence[tuple[str, str]]
    """Its next times: the moment, and what a clock in its zone shows then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage(AppPage):
    summary: Summary | None
    advice: str
    """What can be done about why it was stopped."""
    is_static: bool
    values: Mapping[str, str]
    errors: Mapping[str, str]
    kinds: Sequence[tuple[str, str]]
    weeks: Sequence[tuple[str, str]]
    weekdays: Sequence[tuple[str, str]]
    zones: Sequence[str]


@routes.declare("GET", "/apps/{name}/schedule", permission=Permission.APP_EDIT)
def show_schedule(call: Calling, name: str) -> Response:
    return _page(call, name, Shown())


@routes.declare("POST", "/apps/{name}/schedule", permission=Permission.APP_EDIT)
def set_schedule(
    call: Calling,
    name: str,
    kind: Text = "",
    n: Text = "",
    days: Annotated[tuple[Text, ...], Form()] = (),
    day: Text = "",
    week: Text = "",
    weekday: Text = "",
    at: Annotated[str, Form(alias="time", max_length=100)] = "",
    start: Text = "",
    timezone: Text = "",
    version: Text = "",
) -> Response:
    typed = Typed(kind, n, days, day, week, weekday, at, start, timezone)
    seen = int(version) if version.isdecimal() and len(version) < 10 else None

    def change(db: WriteDb) -> None:
        # First, since to a stranger nothing is wrong with the form: there is no app.
        apps.get_editable(db, call.actor, name)
        schedules.set_schedule(db, call.actor, name, typed.wish(call.now), call.now, seen)

    return _change(call, name, change, typed.values())


@routes.declare("POST", "/apps/{name}/schedule/pause", permission=Permission.APP_EDIT)
def pause_schedule(call: Calling, name: str) -> Response:
    def pause(db: WriteDb) -> None:
        schedules.set_paused(db, call.actor, name, None, call.now, is_paused=True)

    return _change(call, name, pause, {})


@routes.declare("POST", "/apps/{name}/schedule/resume", permission=Permission.APP_EDIT)
def resume_schedule(call: Calling, name: str) -> Response:
    """From now on by the right of whoever asks."""

    def resume(db: WriteDb) -> None:
        schedules.set_paused(db, call.actor, name, None, call.now, is_paused=False)

    return _change(call, name, resume, {})


@routes.declare("POST", "/apps/{name}/schedule/remove", permission=Permission.APP_EDIT)
def remove_schedule(call: Calling, name: str) -> Response:
    def remove(db: WriteDb) -> None:
        schedules.remove_schedule(db, call.actor, name, call.now)

    return _change(call, name, remove, {})


def summary_of(call: Call, db: ReadDb, planned: Planned | None) -> Summary | None:
    """A schedule as pages show it, for those who edit its app."""
    if planned is None:
        return None
    zone = schedules.zone_of(planned.schedule)
    out = schedules_api.shown(call, db, planned)
    walls = [f"{one.astimezone(zone):%a %-d %b %Y, %H:%M}" for one in planned.upcoming]
    return Summary(out, list(zip(out.next, walls, strict=True)))


def _change(call: Call, name: str, change: Callable[[WriteDb], None], typed: Mapping[str, str]) -> Response:
    """Do it, and show how it is from now on; what cannot be done is told at its field."""
    try:
        with call.write() as db:
            change(db)
    except (Invalid, Conflict) as error:
        place = (
            "weekday" if error.where == "day" and typed.get("kind") == Kind.DAYWEEKOFMONTH else error.where
        )
        place = place if place in _FORM_FIELDS else "schedule"
        return _page(call, name, Shown(typed, {place: words_of(error)}, status=status_of(error)))
    tell(call)
    return RedirectResponse(f"/apps/{name}/schedule", 303)


def _page(call: Call, name: str, shown: Shown) -> Response:
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        planned = schedules.find_planned(db, call.actor, name, call.now)
        summary = summary_of(call, db, planned)
        error = summary.schedule.error if summary else None
        page = SchedulePage(
            title=f"{name}: schedule",
            account=account_of(call),
            notice=shown.notice,
            json_url=f"/api/v1/apps/{name}{'/schedule' if summary else ''}",
            app=apps_api.shown(call, db, [app])[0],
            operation=last_operations(call, db, [app]).get(name),
            summary=summary,
            advice=advice_of(error.fix) if error else "",
            is_static=schedules.is_static(db, app),
            values={**_USUAL, **(_present(planned) if planned else {}), **shown.values},
            errors=shown.errors,
            kinds=KINDS,
            weeks=[(str(one), WEEK_NAMES[one]) for one in _WEEKS],
            weekdays=[(str(one), DAY_NAMES[one]) for one in _WEEKDAYS],
            zones=recurrence.zone_names(),
        )
    return call.get(Pages).answer("app_schedule.html", page, shown.status)


def _present(planned: Planned) -> dict[str, str]:
    """What the form begins with."""
    wanted, schedule = planned.recurrence, planned.schedule
    local = schedule.start_at.astimezone(schedules.zone_of(schedule))
    is_last = wanted.kind is Kind.SEMIMONTH and not wanted.is_first
    is_weekday = wanted.kind is Kind.DAYWEEKOFMONTH
    return {
        "kind": LAST_OF_MONTH if is_last else wanted.kind,
        "n": str(wanted.n),
        "days": ",".join(map(str, wanted.days)),
        "day": "1" if is_weekday else str(wanted.day),
        "week": str(wanted.week or 5),
        "weekday": str(wanted.day) if is_weekday else "1",
        "time": f"{local:%H:%M}",
        "start": f"{local:%Y-%m-%d}",
        "timezone": schedule.timezone,
    }


def _number(name: str, text: str) -> int:
    """Raises: RecurrenceInvalid."""
    said = text.strip()
    if not (said.isascii() and said.isdecimal() and len(said) < 10):
        raise RecurrenceInvalid("Cannot take this: it is no whole number.", where=name)
    return int(said)


def _time(text: str) -> time:
    """Raises: RecurrenceInvalid."""
    try:
        return time.fromisoformat(text.strip()).replace(tzinfo=None, microsecond=0)
    except ValueError as error:
        raise RecurrenceInvalid(
            "Cannot take this: it is no time of day, such as 07:00.", where="time"
        ) from error


def _date(text: str) -> date:
    """Raises: RecurrenceInvalid."""
    try:
        return recurrence.check_start(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)).date()
    except (ValueError, OverflowError) as error:
        raise RecurrenceInvalid(
            "Cannot take this: it is no day, such as 2026-01-31.", where="start"
        ) from error
