"""When something recurs: what a schedule says, and the next of its times. Pure.

Minutes and hours pass as on a stopwatch. All others are times by the clock on the wall: they stay the same over a change of
daylight saving. A time that such a change skips comes as much later; of one that comes twice, the first counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from tholos.kit.db import JsonObject
from tholos.kit.lazily import load_when_used
from tholos.schedules.errors import RecurrenceInvalid, TimeZoneUnknown

if TYPE_CHECKING:
    from dateutil import relativedelta, rrule
else:
    relativedelta, rrule = load_when_used("dateutil.relativedelta"), load_when_used("dateutil.rrule")

MOST_N = 1000
FIRST_YEAR, LAST_YEAR = 1970, 2200
"""Between which a schedule starts."""
_TICK = timedelta(microseconds=1)
_SHIFT = timedelta(days=2)
"""More than any two clocks on the wall differ."""


class Kind(StrEnum):
    """How it recurs. The words are those of Posit Connect, which has the same ones."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEKDAY = "weekday"
    """Monday to Friday."""
    WEEK = "week"
    DAYOFWEEK = "dayofweek"
    SEMIMONTH = "semimonth"
    DAYOFMONTH = "dayofmonth"
    DAYWEEKOFMONTH = "dayweekofmonth"
    YEAR = "year"


COUNTED = frozenset(Kind) - {Kind.WEEKDAY, Kind.DAYOFWEEK, Kind.SEMIMONTH}
"""Those that can be left out now and then: every n-th."""
_ELAPSING = {Kind.MINUTE: timedelta(minutes=1), Kind.HOUR: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What a schedule says; what its kind does not need is as it is here."""

    kind: Kind
    n: int = 1
    """Every n-th minute, hour, day, week, month or year."""
    days: tuple[int, ...] = ()
    """Of the week, Sunday being 0."""
    day: int = 1
    """Of the month, from 1; for ``dayweekofmonth`` of the week, Sunday being 0."""
    week: int = 1
    """Of the month: the first to the fourth such day, 0 and 5 the last."""
    is_first: bool = True
    """The 1st and the 15th of a month, else the 14th and the last day."""

    def to_json(self) -> JsonObject:
        return {**asdict(self), "days": list(self.days)}

    @classmethod
    def from_json(cls, kept: JsonObject) -> Recurrence:
        days = kept["days"]
        n, day, week = (int(str(kept[name])) for name in ("n", "day", "week"))
        chosen = tuple(int(one) for one in days) if isinstance(days, list) else ()
        return cls(Kind(str(kept["kind"])), n, chosen, day, week, bool(kept["is_first"]))


def check(wanted: Recurrence) -> Recurrence:
    """The same with its days in order.

    Raises: RecurrenceInvalid.
    """
    kind = wanted.kind
    if kind in COUNTED and not 1 <= wanted.n <= MOST_N:
        raise _invalid("n", f"{wanted.n} is not from 1 to {MOST_N:,}")
    if kind is Kind.DAYOFWEEK and not wanted.days:
        raise _invalid("days", "it names no day of the week")
    if kind is Kind.DAYOFWEEK and not all(0 <= one <= 6 for one in wanted.days):
        raise _invalid("days", "days of the week are numbers from 0, Sunday, to 6")
    if kind is Kind.DAYOFMONTH and not 1 <= wanted.day <= 31:
        raise _invalid("day", "days of the month are numbers from 1 to 31")
    if kind is Kind.DAYWEEKOFMONTH and not 0 <= wanted.day <= 6:
        raise _invalid("day", "days of the week are numbers from 0, Sunday, to 6")
    if kind is Kind.DAYWEEKOFMONTH and not 0 <= wanted.week <= 5:
        raise _invalid("week", "weeks of the month are numbers from 1 to 4, and 5 for the last")
    return Recurrence(
        kind, wanted.n, tuple(sorted(set(wanted.days))), wanted.day, wanted.week, wanted.is_first
    )


def check_start(start: datetime) -> datetime:
    """A start in UTC, to the second.

    Raises: RecurrenceInvalid.
    """
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise _invalid("start", f"it starts in a year from {FIRST_YEAR} to {LAST_YEAR}")
    aware = start if start.tzinfo else start.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """The time zones that there are."""
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


def find_zone(name: str) -> ZoneInfo:
    """Raises: TimeZoneUnknown."""
    if name not in zone_names():
        raise TimeZoneUnknown(
            f'Cannot take the time zone "{name[:60]}": there is none of that name.', where="timezone"
        )
    return ZoneInfo(name)


def next_after(wanted: Recurrence, start: datetime, zone: ZoneInfo, moment: datetime) -> datetime:
    """The first time after a moment, in UTC; none is before the start, which is the first one where it fits."""
    after = max(moment, start - _TICK)
    if wanted.kind in _ELAPSING:
        step = _ELAPSING[wanted.kind] * wanted.n
        return (start + ((after - start) // step + 1) * step).astimezone(UTC)
    return next(one for one in _by_the_wall(wanted, start, zone, after) if one > after)


def upcoming(
    wanted: Recurrence, start: datetime, zone: ZoneInfo, moment: datetime, count: int = 3
) -> list[datetime]:
    """The next times after a moment."""
    found: list[datetime] = []
    for _ in range(count):
        found.append(next_after(wanted, start, zone, found[-1] if found else moment))
    return found


def _by_the_wall(wanted: Recurrence, start: datetime, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Times from shortly before one, in UTC."""
    local = start.astimezone(zone)
    first = local.replace(tzinfo=None, fold=0)
    near = after.astimezone(zone).replace(tzinfo=None, fold=0) - _SHIFT
    for one in _rule(wanted, first, near):
        # A start in the second of two equal hours is itself the first time.
        there = one.replace(tzinfo=zone, fold=local.fold if one == first else 0)
        yield there.astimezone(UTC)


def _day(number: int) -> rrule.weekday:
    """From 0 for Sunday."""
    return rrule.weekday((number - 1) % 7)


def _rule(wanted: Recurrence, first: datetime, near: datetime) -> rrule.rrule:
    """Its times by the clock on the wall. A rule goes through them one by one, so it begins where they are asked for."""
    kind, n = wanted.kind, wanted.n
    if kind in {Kind.DAY, Kind.WEEK}:
        days = n if kind is Kind.DAY else 7 * n
        step = timedelta(days=days)
        return rrule.rrule(rrule.DAILY, first + max(0, (near - first) // step) * step, days)
    if kind in {Kind.WEEKDAY, Kind.DAYOFWEEK}:
        begin = max(first, datetime.combine(near.date(), first.time()))
        chosen = [_day(one) for one in (range(1, 6) if kind is Kind.WEEKDAY else wanted.days)]
        return rrule.rrule(rrule.WEEKLY, begin, byweekday=chosen)
    months = {Kind.SEMIMONTH: 1, Kind.YEAR: 12 * n}.get(kind, n)
    skipped = ((near.year - first.year) * 12 + near.month - first.month) // months
    begin = first + relativedelta.relativedelta(months=skipped * months, day=1) if skipped > 0 else first
    if kind is Kind.SEMIMONTH:
        return rrule.rrule(rrule.MONTHLY, begin, bymonthday=(1, 15) if wanted.is_first else (14, -1))
    if kind is Kind.DAYWEEKOFMONTH:
        nth = wanted.week if 1 <= wanted.week <= 4 else -1
        return rrule.rrule(rrule.MONTHLY, begin, months, byweekday=_day(wanted.day)(nth))
    # The day itself, or the month's last where that comes first.
    day = first.day if kind is Kind.YEAR else wanted.day
    return rrule.rrule(rrule.MONTHLY, begin, months, bymonthday=(day, -1), bysetpos=1)


def _invalid(where: str, reason: str) -> RecurrenceInvalid:
    return RecurrenceInvalid(f"Cannot take this schedule: {reason}.", where=where)
