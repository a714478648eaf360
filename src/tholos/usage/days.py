"""Days in a row, and a chart of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

BAR = 10
GAP = 2
HEIGHT = 60
USUAL_DAYS = 30
MOST_DAYS = 400
"""That are told one by one."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC."""

    day: str
    visits: int = 0
    visitors: int = 0
    anonymous: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of a chart, in its own units."""

    x: int
    y: int
    height: int
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Visits by day, ready to be drawn."""

    bars: Sequence[Bar]
    width: int
    height: int
    label: str
    """What it shows, in words."""
    most: int


def usual_since(now: datetime) -> datetime:
    """The beginning of the day that makes so many with this one."""
    today = max(now.astimezone(UTC).date(), date.min + timedelta(days=USUAL_DAYS))
    first = today - timedelta(days=USUAL_DAYS - 1)
    return datetime.combine(first, time(), UTC)


def fill(counted: Sequence[Day], since: datetime, until: datetime) -> list[Day]:
    """Every day of a span, those without visits too; of a long one only the last days."""
    known = {one.day: one for one in counted}
    return [known.get(day, Day(day)) for day in _between(since, until)]


def chart_of(days: Sequence[Day]) -> Chart:
    most = max((one.visits for one in days), default=0)
    bars = [_bar(at, one, most) for at, one in enumerate(days)]
    width = max(1, len(days) * (BAR + GAP) - GAP)
    return Chart(bars, width, HEIGHT, _words(days), most)


def _bar(at: int, day: Day, most: int) -> Bar:
    # A day with a single visit is seen beside one with thousands.
    height = max(2, round(day.visits / most * HEIGHT)) if day.visits else 0
    noun = "visit" if day.visits == 1 else "visits"
    return Bar(at * (BAR + GAP), HEIGHT - height, height, f"{day.day}: {day.visits} {noun}")


def _words(days: Sequence[Day]) -> str:
    total = sum(one.visits for one in days)
    if not days or not total:
        return "No visits."
    best = max(days, key=lambda one: one.visits)
    noun = "visit" if total == 1 else "visits"
    return f"{total} {noun} from {days[0].day} to {days[-1].day}, most of them on {best.day}: {best.visits}."


def _between(since: datetime, until: datetime) -> Iterator[str]:
    if until <= since:
        return
    last = (until.astimezone(UTC) - timedelta(microseconds=1)).date()
    first = since.astimezone(UTC).date()
    if (last - first).days >= MOST_DAYS:
        first = last - timedelta(days=MOST_DAYS - 1)
    for number in range((last - first).days + 1):
        yield _text(first + timedelta(days=number))


def _text(day: date) -> str:
    return day.isoformat()
