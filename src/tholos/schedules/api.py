"""HTTP of schedules."""

from __future__ import annotations

from fastapi import Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.kit.versions import to_tag
from tholos.operations import api as operations_api
from tholos.schedules import schemas
from tholos.schedules import service as schedules
from tholos.schedules.service import Planned

routes = Routes(prefix="/api/v1/apps/{name}/schedule", tags=["schedules"])


@routes.declare("GET", "", permission=Permission.APP_EDIT)
def get_schedule(call: Calling, response: Response, name: str) -> schemas.ScheduleOut:
    """When an app is started again, its next times, and what became of the last one."""
    with call.read() as db:
        return _answered(response, shown(call, db, schedules.get_planned(db, call.actor, name, call.now)))


@routes.declare("PUT", "", permission=Permission.APP_EDIT)
def set_schedule(
    call: Calling, response: Response, name: str, body: schemas.ScheduleIn
) -> schemas.ScheduleOut:
    """Start an app again at these times, without an interruption. With If-Match, only if nobody has changed it since."""
    with call.write() as db:
        planned = schedules.set_schedule(db, call.actor, name, body.wish(), call.now, call.seen_version)
        answer = shown(call, db, planned)
    tell(call)
    return _answered(response, answer)


@routes.declare("PATCH", "", permission=Permission.APP_EDIT)
def change_schedule(
    call: Calling, response: Response, name: str, body: schemas.ScheduleChange
) -> schemas.ScheduleOut:
    """Pause it, or go on by the right of whoever asks. With If-Match, only if nobody has changed it since."""
    with call.write() as db:
        planned = schedules.set_paused(
            db, call.actor, name, call.seen_version, call.now, is_paused=body.paused
        )
        answer = shown(call, db, planned)
    tell(call)
    return _answered(response, answer)


@routes.declare("DELETE", "", permission=Permission.APP_EDIT, status_code=204)
def remove_schedule(call: Calling, name: str) -> None:
    """Start it by itself no more. What runs goes on running."""
    with call.write() as db:
        schedules.remove_schedule(db, call.actor, name, call.now)
    tell(call)


def shown(call: Call, db: ReadDb, planned: Planned) -> schemas.ScheduleOut:
    last = operations_api.shown(db, [planned.last], call.site.url)[0] if planned.last else None
    return schemas.schedule_out(planned, last)


def tell(call: Call) -> None:
    """Wake whoever waits for the earliest time."""
    call.get(Notices).publish(schedules.TOPIC)


def _answered(response: Response, answer: schemas.ScheduleOut) -> schemas.ScheduleOut:
    response.headers["etag"] = to_tag(answer.version)
    return answer
