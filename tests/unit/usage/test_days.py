"""Days in a row, and the chart of them."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tholos.usage.days import HEIGHT, MOST_DAYS, Day, chart_of, fill, usual_since

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
COUNTS = st.lists(st.integers(0, 5000), max_size=60)


@given(MOMENTS, MOMENTS)
def test_every_day_of_a_span_is_there_once_and_no_other(since, until):
    days = [date.fromisoformat(one.day) for one in fill([], since, until)]
    if until <= since:
        assert days == []
        return
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    last = until - timedelta(microseconds=1)
    assert days[-1] == last.date()
    assert days[0] == since.date() or len(days) == MOST_DAYS


def test_what_was_counted_stays_and_the_rest_is_nothing():
    since = datetime(2026, 2, 27, 15, tzinfo=UTC)
    days = fill([Day("2026-02-28", 3, 2, 1)], since, datetime(2026, 3, 2, tzinfo=UTC))
    assert days == [Day("2026-02-27"), Day("2026-02-28", 3, 2, 1), Day("2026-03-01")]


def test_days_are_those_of_utc():
    east = timezone(timedelta(hours=9))
    assert usual_since(datetime.min.replace(tzinfo=UTC)).year == 1
    assert usual_since(datetime(2026, 3, 31, 3, tzinfo=east)) == datetime(2026, 3, 1, tzinfo=UTC)


@given(COUNTS)
def test_bars_fit_and_every_day_with_a_visit_is_seen(counts):
    chart = chart_of([Day(f"day {number}", count) for number, count in enumerate(counts)])
    assert len(chart.bars) == len(counts)
    for count, bar in zip(counts, chart.bars, strict=True):
        assert (bar.height > 0) == (count > 0)
        assert bar.y + bar.height == HEIGHT
        assert 0 <= bar.x <= bar.x + 10 <= chart.width
    assert max((bar.height for bar in chart.bars), default=0) in {0, HEIGHT}
    assert str(sum(counts)) in chart.label or not any(counts)


def test_a_chart_is_told_in_words():
    chart = chart_of([Day("2026-03-01", 1), Day("2026-03-02", 4)])
    assert chart.label == "5 visits from 2026-03-01 to 2026-03-02, most of them on 2026-03-02: 4."
    assert chart.bars[0].title == "2026-03-01: 1 visit"
    assert chart_of([]).label == chart_of([Day("2026-03-01")]).label == "No visits."
