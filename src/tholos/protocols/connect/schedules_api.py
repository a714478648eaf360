"""When content is rendered again, in this wire's words. What renders does so as it starts, so it is started anew.

Renderings always take the place of those before, and mail is not sent: what fails is told to those who look after the app.
"""

from __future__ import annotations

import json
from datetime import datetime

from starlette.responses import Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb
from tholos.protocols.connect import contents, identity
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.errors import ScheduleInvalid, ScheduleTaken, ScheduleUnknown
from tholos.schedules import recurrence
from tholos.schedules import service as schedules
from tholos.schedules.api import tell
from tholos.schedules.models import Schedule
from tholos.schedules.recurrence import Kind, Recurrence
from tholos.schedules.service import Wish

routes = Routes(prefix="/__api__", tags=["connect"], include_in_schema=False)


@routes.declare("GET", "/variants/{number}/schedules", permission=Permission.APP_EDIT)
def list_schedules(call: Calling, number: str) -> list[JsonObject]:
    """The schedule of content, if it has one."""
    with call.read() as db:
        app = _find_editable(call, db, number)
        return [_to_json(one) for one in schedules.of_apps(db, [app.id])]


@routes.declare("POST", "/schedules", permission=Permission.APP_EDIT, status_code=201)
def create_schedule(call: Calling, body: JsonBody) -> JsonObject:
    """Render content again at these times."""
    with call.write() as db:
        app = _find_editable(call, db, body.get("variant_id") or body.get("app_id"))
        if schedules.of_apps(db, [app.id]):
            raise ScheduleTaken
        shown = _to_json(schedules.set_schedule(db, call.actor, app.name, _wish(body), call.now).schedule)
    tell(call)
    return shown


@routes.declare("POST", "/schedules/{number}", permission=Permission.APP_EDIT)
def change_schedule(call: Calling, number: str, body: JsonBody) -> JsonObject:
    """All of it anew."""
    with call.write() as db:
        app = _find_scheduled(call, db, number)
        shown = _to_json(schedules.set_schedule(db, call.actor, app.name, _wish(body), call.now).schedule)
    tell(call)
    return shown


@routes.declare("DELETE", "/schedules/{number}", permission=Permission.APP_EDIT, status_code=204)
def remove_schedule(call: Calling, number: str) -> Response:
    """Render content by itself no more."""
    with call.write() as db:
        schedules.remove_schedule(db, call.actor, _find_scheduled(call, db, number).name, call.now)
    tell(call)
    return Response(status_code=204)


@routes.declare("GET", "/timezones", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/v1/timezones", permission=Permission.SIGNED_IN)
def list_timezones(call: Calling) -> list[JsonObject]:
    """The time zones that a schedule can have, with what their clocks differ by now."""
    now = call.now
    return [{"timezone": name, "offset": _offset(name, now)} for name in recurrence.zone_names()]


def _find_editable(call: Call, db: ReadDb, number: object) -> App:
    """Raises: AppNotFound, NotAnEditor."""
    return apps.get_editable(db, call.actor, contents.find_numbered(call, db, number).name)


def _find_scheduled(call: Call, db: ReadDb, number: str) -> App:
    """The app of a schedule, for whoever edits it.

    Raises: ScheduleUnknown.
    """
    editable = {app.id: app for app in apps.list_editable(db, call.actor)}
    for one in schedules.of_apps(db, list(editable)):
        if str(identity.number_of(one.id)) == number:
            return editable[one.app_id]
    raise ScheduleUnknown


def _wish(body: JsonObject) -> Wish:
    """Raises: ScheduleInvalid, RecurrenceInvalid."""
    said = str(body.get("type"))
    if said not in set(Kind):
        raise ScheduleInvalid(f"Cannot take this schedule: there is no type {said[:40]!r}.", where="type")
    return Wish(
        _recurrence(Kind(said), body.get("schedule")),
        str(body.get("timezone") or "UTC"),
        _moment(body.get("start_time")),
    )


def _recurrence(kind: Kind, text: object) -> Recurrence:
    try:
        said = json.loads(text) if isinstance(text, str) else {}
        found = Recurrence(
            kind,
            _number(said.get("N", 1)),
            tuple(_number(day) for day in said.get("Days") or ()),
            _number(said.get("Day", 1)),
            _number(said.get("Week", 1)),
            said.get("First") is not False,
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ScheduleInvalid(
            "Cannot take this schedule: its numbers are not as its type needs them.", where="schedule"
        ) from error
    return recurrence.check(found)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        msg = f"{value!r} is no whole number"
        raise TypeError(msg)
    return value


def _moment(text: object) -> datetime | None:
    if not text:
        return None
    try:
        return recurrence.check_start(datetime.fromisoformat(str(text)))
    except (ValueError, OverflowError) as error:
        raise ScheduleInvalid(
            f"Cannot take this schedule: {str(text)[:40]!r} is no time.",
            fix="Write it as 2026-01-31T07:00:00Z.",
            where="start_time",
        ) from error


def _to_json(schedule: Schedule) -> JsonObject:
    number = identity.number_of(schedule.app_id)
    return {
        "id": identity.number_of(schedule.id),
        "app_id": number,
        "variant_id": number,
        "type": schedule.recurrence["kind"],
        "schedule": json.dumps(_numbers(Recurrence.from_json(schedule.recurrence))),
        "start_time": _to_second(schedule.start_at),
        "timezone": schedule.timezone,
        "email": False,
        "activate": True,
        "next_run": _to_second(schedule.next_at),
    }


def _numbers(wanted: Recurrence) -> JsonObject:
    """What this type is told with, and nothing else."""
    told: dict[Kind, JsonObject] = {
        Kind.WEEKDAY: {},
        Kind.DAYOFWEEK: {"Days": list(wanted.days)},
        Kind.SEMIMONTH: {"First": wanted.is_first},
        Kind.DAYOFMONTH: {"N": wanted.n, "Day": wanted.day},
        Kind.DAYWEEKOFMONTH: {"N": wanted.n, "Day": wanted.day, "Week": wanted.week},
    }
    return told.get(wanted.kind, {"N": wanted.n})


def _to_second(moment: datetime | None) -> str | None:
    return (to_text(moment) or "").replace(".000Z", "Z") or None


def _offset(name: str, now: datetime) -> str:
    return now.astimezone(recurrence.find_zone(name)).isoformat()[-6:]
