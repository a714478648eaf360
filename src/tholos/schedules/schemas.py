"""JSON shapes of schedules."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject
from tholos.operations.schemas import OperationOut
from tholos.schedules.recurrence import Kind, Recurrence
from tholos.schedules.service import Planned, Wish

MOST_NAME = 100


class ScheduleIn(BaseModel):
    """When an app is to be started again."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    n: int = Field(1, description="Every n-th minute, hour, day, week, month or year.")
    days: list[int] = Field([], max_length=7, description="For dayofweek: days of the week, Sunday being 0.")
    day: int = Field(
        1, description="For dayofmonth: 1 to 31, the last day of a month that has none such. "
        "For dayweekofmonth: a day of the week, Sunday being 0.",
    )  # fmt: skip
    week: int = Field(1, description="For dayweekofmonth: 1 to 4, or 5 for the last such day of the month.")
    first: bool = Field(
        True, description="For semimonth: the 1st and the 15th, else the 14th and the last day."
    )
    timezone: str = Field("UTC", max_length=MOST_NAME, description="A name of the tz database.")
    start: dt.datetime | None = Field(
        None,
        description="When it takes effect, and its time of day; else now. Without an offset it is in UTC.",
    )
    time: dt.time | None = Field(
        None, description="The time of day in the time zone, such as 07:00, on the day of the start."
    )

    def wish(self) -> Wish:
        wanted = Recurrence(self.kind, self.n, tuple(self.days), self.day, self.week, self.first)
        at = self.time.replace(microsecond=0, tzinfo=None) if self.time else None
        return Wish(wanted, self.timezone, self.start, at)


class ScheduleChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    paused: bool


class StoppedOut(BaseModel):
    """Why a schedule starts nothing any more."""

    code: str
    message: str
    fix: str


class SkippedOut(BaseModel):
    """A time at which nothing was begun."""

    at: str
    message: str


class ScheduleOut(BaseModel):
    app: str
    kind: str
    """``minute``, ``hour``, ``day``, ``weekday``, ``week``, ``dayofweek``, ``semimonth``, ``dayofmonth``,
    ``dayweekofmonth`` or ``year``.
    """
    n: int
    days: list[int]
    day: int
    week: int
    first: bool
    words: str
    """All that in words."""
    timezone: str
    start: str
    paused: bool
    error: StoppedOut | None
    """Why it was paused, where nobody did that."""
    next: list[str]
    """Its next three times; none while it is paused."""
    account: str
    """By whose right the app is started."""
    last_at: str | None
    """Its last time at which something was begun."""
    last: OperationOut | None
    """What was begun then."""
    skipped: SkippedOut | None
    """The last time after that at which nothing could be begun."""
    version: int


def schedule_out(planned: Planned, last: OperationOut | None) -> ScheduleOut:
    schedule, wanted = planned.schedule, planned.recurrence
    return ScheduleOut(
        app=planned.app.name,
        kind=wanted.kind,
        n=wanted.n,
        days=list(wanted.days),
        day=wanted.day,
        week=wanted.week,
        first=wanted.is_first,
        words=planned.words,
        timezone=schedule.timezone,
        start=to_text(schedule.start_at) or "",
        paused=schedule.paused_at is not None,
        error=_stopped_out(schedule.error),
        next=[to_text(one) or "" for one in planned.upcoming],
        account=planned.account,
        last_at=to_text(schedule.due_at),
        last=last,
        skipped=_skipped_out(schedule.skipped),
        version=schedule.version,
    )


def _stopped_out(error: JsonObject | None) -> StoppedOut | None:
    if not error:
        return None
    code, message, fix = (str(error.get(key, "")) for key in ("code", "message", "fix"))
    return StoppedOut(code=code, message=message, fix=fix)


def _skipped_out(skipped: JsonObject | None) -> SkippedOut | None:
    if not skipped:
        return None
    return SkippedOut(at=str(skipped.get("at", "")), message=str(skipped.get("message", "")))
