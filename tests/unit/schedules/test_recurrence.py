from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tholos.schedules.errors import RecurrenceInvalid, TimeZoneUnknown
from tholos.schedules.recurrence import (
    Kind,
    Recurrence,
    _by_the_wall,
    check,
    check_start,
    find_zone,
    next_after,
    upcoming,
    zone_names,
)

VIENNA = ZoneInfo("Europe/Vienna")
ELAPSING = {Kind.MINUTE: timedelta(minutes=1), Kind.HOUR: timedelta(hours=1)}

kinds = st.sampled_from(Kind)
recurrences = st.builds(
    Recurrence,
    kinds,
    st.integers(1, 14),
    st.sets(st.integers(0, 6), min_size=1).map(tuple),
    st.integers(1, 6),
    st.integers(0, 5),
    st.booleans(),
) | st.builds(Recurrence, st.just(Kind.DAYOFMONTH), st.integers(1, 14), day=st.integers(1, 31))
starts = st.integers(0, 229 * 365 * 86400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
zones = st.sampled_from(zone_names()).map(ZoneInfo)
spans = st.timedeltas(timedelta(days=-40), timedelta(days=2500))


def is_day(wanted: Recurrence, first: date, day: date) -> bool:
    """What a recurrence says of one day, told another way: from its definition, day by day."""
    weekday = day.isoweekday() % 7
    months = (day.year - first.year) * 12 + day.month - first.month
    last = monthrange(day.year, day.month)[1]
    is_last_week = day.day + 7 > last
    return {
        Kind.DAY: (day - first).days % wanted.n == 0,
        Kind.WEEK: (day - first).days % (7 * wanted.n) == 0,
        Kind.WEEKDAY: 1 <= weekday <= 5,
        Kind.DAYOFWEEK: weekday in wanted.days,
        Kind.SEMIMONTH: day.day in ((1, 15) if wanted.is_first else (14, last)),
        Kind.DAYOFMONTH: months % wanted.n == 0 and day.day == min(wanted.day, last),
        Kind.DAYWEEKOFMONTH: months % wanted.n == 0
        and weekday == wanted.day
        and (is_last_week if wanted.week in {0, 5} else (day.day - 1) // 7 + 1 == wanted.week),
        Kind.YEAR: months % (12 * wanted.n) == 0 and day.day == min(first.day, last),
    }[wanted.kind]


def is_time(wanted: Recurrence, start: datetime, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether a moment is one of the times."""
    if wanted.kind in ELAPSING:
        return (moment - start) % (ELAPSING[wanted.kind] * wanted.n) == timedelta()
    local = start.astimezone(zone)
    for offset in (-1, 0, 1):  # a zone may skip a day
        day = moment.astimezone(zone).date() + timedelta(days=offset)
        wall = datetime.combine(day, local.time().replace(fold=0), zone)
        there = start if day == local.date() else wall.astimezone(UTC)
        if there == moment and day >= local.date() and is_day(wanted, local.date(), day):
            return True
    return False


@given(recurrences, starts, zones, spans)
@example(Recurrence(Kind.DAY), datetime(2026, 3, 28, 1, 30, tzinfo=UTC), VIENNA, timedelta(hours=23))
@example(Recurrence(Kind.DAY), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), VIENNA, timedelta(0))
@example(
    Recurrence(Kind.DAY),
    datetime(2011, 12, 28, 20, tzinfo=UTC),
    ZoneInfo("Pacific/Apia"),
    timedelta(hours=30),
)
def test_the_next_time_comes_after_and_is_one_of_them(wanted, start, zone, span):
    found = next_after(wanted, start, zone, start + span)
    assert found > start + span
    assert found >= start
    assert is_time(wanted, start, zone, found)


@given(recurrences, starts, zones, st.timedeltas(timedelta(days=-3), timedelta(days=700)))
def test_nothing_lies_between(wanted, start, zone, span):
    moment = start + span
    found = next_after(wanted, start, zone, moment)
    if wanted.kind in ELAPSING:
        assert found == start or found - ELAPSING[wanted.kind] * wanted.n <= moment
        return
    local = start.astimezone(zone)
    day = max(moment.astimezone(zone).date() - timedelta(days=2), local.date())
    while day < found.astimezone(zone).date() - timedelta(days=1):
        wall = datetime.combine(day, local.time().replace(fold=0), zone).astimezone(UTC)
        there = start if day == local.date() else wall
        assert not (moment < there < found and is_day(wanted, local.date(), day)), day
        day += timedelta(days=1)


@given(recurrences, starts, zones, spans, spans)
def test_it_never_goes_back(wanted, start, zone, one, other):
    early, late = sorted((one, other))
    assert next_after(wanted, start, zone, start + early) <= next_after(wanted, start, zone, start + late)


@given(recurrences, starts, zones)
def test_the_time_of_day_stays_what_it_was(wanted, start, zone):
    assume(wanted.kind not in ELAPSING)
    local = start.astimezone(zone)
    for found in upcoming(wanted, start, zone, start, 5):
        there = found.astimezone(zone)
        shown = there.replace(tzinfo=None).time()
        is_skipped = datetime.combine(there.date(), local.time(), zone).astimezone(UTC) == found
        assert shown == local.time().replace(fold=0) or is_skipped


@given(starts, zones, st.sampled_from([Kind.MINUTE, Kind.HOUR, Kind.DAY, Kind.WEEK, Kind.YEAR]))
def test_the_start_is_the_first_time(start, zone, kind):
    assume(kind is not Kind.YEAR or start.astimezone(zone).day < 29)
    assert next_after(Recurrence(kind, 3), start, zone, start - timedelta(days=400)) == start


def times(wanted: Recurrence, start: str, count: int = 3, zone: str = "Europe/Vienna") -> list[str]:
    """The next ones from the start itself, as a clock on the wall there shows them."""
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    found = upcoming(wanted, begin.astimezone(UTC), ZoneInfo(zone), begin - timedelta(seconds=1), count)
    return [f"{one.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for one in found]


def test_a_daily_time_keeps_its_place_over_daylight_saving():
    assert times(Recurrence(Kind.DAY), "2026-03-28T07:00") == [
        "2026-03-28 07:00",
        "2026-03-29 07:00",
        "2026-03-30 07:00",
    ]


def test_hours_pass_as_on_a_stopwatch():
    assert times(Recurrence(Kind.HOUR, 12), "2026-03-28T19:00") == [
        "2026-03-28 19:00",
        "2026-03-29 08:00",
        "2026-03-29 20:00",
    ]


def test_a_time_that_is_skipped_comes_as_much_later():
    assert times(Recurrence(Kind.DAY), "2026-03-28T02:30")[1:] == ["2026-03-29 03:30", "2026-03-30 02:30"]


def test_a_time_that_comes_twice_counts_once():
    found = times(Recurrence(Kind.DAY), "2026-10-24T02:30", 3)
    assert found == ["2026-10-24 02:30", "2026-10-25 02:30", "2026-10-26 02:30"]


@pytest.mark.parametrize(
    ("wanted", "start", "expected"),
    [
        (Recurrence(Kind.WEEKDAY), "2026-11-20T07:00", ["2026-11-20", "2026-11-23", "2026-11-24"]),
        (Recurrence(Kind.WEEK, 2), "2026-11-20T07:00", ["2026-11-20", "2026-12-04", "2026-12-18"]),
        (Recurrence(Kind.DAYOFWEEK, days=(0, 4)), "2026-11-20T07:00", ["2026-11-22", "2026-11-26", "2026-11-29"]),
        (Recurrence(Kind.SEMIMONTH), "2026-01-10T07:00", ["2026-01-15", "2026-02-01", "2026-02-15"]),
        (Recurrence(Kind.SEMIMONTH, is_first=False), "2026-02-10T07:00", ["2026-02-14", "2026-02-28", "2026-03-14"]),
        (Recurrence(Kind.DAYOFMONTH, day=31), "2026-01-31T07:00", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (Recurrence(Kind.DAYOFMONTH, 2, day=30), "2026-12-31T07:00", ["2027-02-28", "2027-04-30", "2027-06-30"]),
        (Recurrence(Kind.DAYWEEKOFMONTH, day=1, week=1), "2026-11-20T07:00", ["2026-12-07", "2027-01-04", "2027-02-01"]),
        (Recurrence(Kind.DAYWEEKOFMONTH, day=5, week=5), "2026-11-20T07:00", ["2026-11-27", "2026-12-25", "2027-01-29"]),
        (Recurrence(Kind.DAYWEEKOFMONTH, day=5, week=0), "2026-11-20T07:00", ["2026-11-27", "2026-12-25", "2027-01-29"]),
        (Recurrence(Kind.YEAR), "2028-02-29T07:00", ["2028-02-29", "2029-02-28", "2030-02-28"]),
    ],
)  # fmt: skip
def test_days(wanted, start, expected):
    assert times(wanted, start) == [f"{day} 07:00" for day in expected]


@pytest.mark.parametrize("kind", sorted(set(Kind) - set(ELAPSING)))
def test_a_start_of_long_ago_is_not_counted_from(kind):
    start, moment = datetime(1970, 1, 1, tzinfo=UTC), datetime(2199, 6, 1, 12, tzinfo=UTC)
    gone_through = takewhile(
        lambda one: one <= moment, _by_the_wall(Recurrence(kind, 1, (1,)), start, VIENNA, moment)
    )
    assert len(list(gone_through)) < 10


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        (Recurrence(Kind.MINUTE, 0), "n"),
        (Recurrence(Kind.YEAR, 1001), "n"),
        (Recurrence(Kind.DAYOFWEEK), "days"),
        (Recurrence(Kind.DAYOFWEEK, days=(7,)), "days"),
        (Recurrence(Kind.DAYOFMONTH, day=32), "day"),
        (Recurrence(Kind.DAYWEEKOFMONTH, day=7), "day"),
        (Recurrence(Kind.DAYWEEKOFMONTH, week=6), "week"),
    ],
)
def test_what_has_no_times_is_refused_at_its_field(wanted, where):
    with pytest.raises(RecurrenceInvalid) as refused:
        check(wanted)
    assert refused.value.where == where


def test_days_are_kept_in_order_and_once():
    assert check(Recurrence(Kind.DAYOFWEEK, days=(4, 0, 4))).days == (0, 4)


def test_a_start_is_kept_to_the_second_in_utc():
    assert check_start(datetime(2026, 1, 1, 7, 0, 0, 5, VIENNA)) == datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert check_start(datetime.fromisoformat("2026-01-01T07:00")) == datetime(2026, 1, 1, 7, tzinfo=UTC)
    with pytest.raises(RecurrenceInvalid):
        check_start(datetime(1969, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("name", ["Europe/Wien", "", "../etc/passwd", "Europe", "localtime", "x" * 300])
def test_a_zone_that_there_is_not(name):
    with pytest.raises(TimeZoneUnknown):
        find_zone(name)


def test_zones_are_found_by_name():
    assert find_zone("Europe/Vienna").key == "Europe/Vienna"
    assert find_zone("UTC").key == "UTC"
