"""A recurrence as people say it. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from tholos.schedules.recurrence import Kind, Recurrence

DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
WEEK_NAMES = ("last", "first", "second", "third", "fourth", "last")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def words_of(wanted: Recurrence, start: datetime, zone: ZoneInfo) -> str:
    """Such as ``every day at 07:00`` or ``every 30 minutes``."""
    local = start.astimezone(zone)
    if wanted.kind in {Kind.MINUTE, Kind.HOUR}:
        return _every(wanted.n, wanted.kind)
    return f"{_days_of(wanted, local)} at {local:%H:%M}"


def _days_of(wanted: Recurrence, local: datetime) -> str:
    months = _every(wanted.n, "month")
    told = {
        Kind.DAY: _every(wanted.n, "day"),
        Kind.WEEKDAY: "Monday to Friday",
        Kind.WEEK: f"{_every(wanted.n, 'week')} on {DAY_NAMES[local.isoweekday() % 7]}",
        Kind.DAYOFWEEK: _joined([DAY_NAMES[day] for day in wanted.days]),
        Kind.SEMIMONTH: f"the {'1st and the 15th' if wanted.is_first else '14th and the last day'} of every month",
        Kind.DAYOFMONTH: f"the {_ordinal(wanted.day)} of {months}",
        Kind.YEAR: f"{_every(wanted.n, 'year')} on {local.day} {_MONTHS[local.month - 1]}",
    }
    if wanted.kind is Kind.DAYWEEKOFMONTH:
        return f"the {WEEK_NAMES[wanted.week]} {DAY_NAMES[wanted.day]} of {months}"
    return told[wanted.kind]


def _every(n: int, unit: str) -> str:
    return f"every {unit}" if n == 1 else f"every {n} {unit}s"


def _joined(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
