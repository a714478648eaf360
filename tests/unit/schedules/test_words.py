from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tholos.schedules.recurrence import Kind, Recurrence
from tholos.schedules.words import words_of

START = datetime(2026, 11, 22, 6, tzinfo=UTC)  # a Sunday, 07:00 in Vienna


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Recurrence(Kind.MINUTE), "every minute"),
        (Recurrence(Kind.HOUR, 2), "every 2 hours"),
        (Recurrence(Kind.DAY), "every day at 07:00"),
        (Recurrence(Kind.DAY, 3), "every 3 days at 07:00"),
        (Recurrence(Kind.WEEKDAY), "Monday to Friday at 07:00"),
        (Recurrence(Kind.WEEK, 2), "every 2 weeks on Sunday at 07:00"),
        (Recurrence(Kind.DAYOFWEEK, days=(3,)), "Wednesday at 07:00"),
        (Recurrence(Kind.DAYOFWEEK, days=(1, 3, 5)), "Monday, Wednesday and Friday at 07:00"),
        (Recurrence(Kind.SEMIMONTH), "the 1st and the 15th of every month at 07:00"),
        (Recurrence(Kind.SEMIMONTH, is_first=False), "the 14th and the last day of every month at 07:00"),
        (Recurrence(Kind.DAYOFMONTH, 2, day=23), "the 23rd of every 2 months at 07:00"),
        (Recurrence(Kind.DAYOFMONTH, day=12), "the 12th of every month at 07:00"),
        (Recurrence(Kind.DAYWEEKOFMONTH, day=1, week=5), "the last Monday of every month at 07:00"),
        (Recurrence(Kind.YEAR), "every year on 22 November at 07:00"),
    ],
)
def test_as_people_say_it(wanted, expected):
    assert words_of(wanted, START, ZoneInfo("Europe/Vienna")) == expected
