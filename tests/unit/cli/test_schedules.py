from __future__ import annotations

from datetime import datetime

import pytest

from tholos.cli import schedules
from tholos.cli.schedules import ScheduleUnclear, Times, local_zone, moment_of, read_times

NOTHING = dict.fromkeys(("every", "daily", "weekdays", "weekly", "monthly"))


@pytest.mark.parametrize(
    ("flag", "said", "expected"),
    [
        ("every", "30m", Times("minute", 30)),
        ("every", "2h", Times("hour", 2)),
        ("every", "1d", Times("day", 1)),
        ("every", "2w", Times("week", 2)),
        ("daily", "7:05", Times("day", time="07:05")),
        ("weekdays", "23:59", Times("weekday", time="23:59")),
        ("weekly", "mon,thu@07:00", Times("dayofweek", days=[1, 4], time="07:00")),
        ("weekly", "Sunday@07:00", Times("dayofweek", days=[0], time="07:00")),
        ("monthly", "1@07:00", Times("dayofmonth", day=1, time="07:00")),
        ("monthly", "last@07:00", Times("dayofmonth", day=31, time="07:00")),
    ],
)
def test_what_is_said(flag, said, expected):
    assert read_times(**{**NOTHING, flag: said}) == expected


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("every", "m"),
        ("every", "30"),
        ("every", "-1h"),
        ("daily", "24:00"),
        ("daily", "7"),
        ("weekly", "mon,thu"),
        ("weekly", "@07:00"),
        ("weekly", "mon,day@07:00"),
        ("monthly", "32@07:00"),
        ("monthly", "0@07:00"),
        ("monthly", "07:00"),
    ],
)
def test_what_is_no_time(flag, said):
    with pytest.raises(ScheduleUnclear) as refused:
        read_times(**{**NOTHING, flag: said})
    assert refused.value.where == f"--{flag}"
    assert refused.value.fix


def test_nothing_said():
    assert read_times(**NOTHING) is None


def test_the_zone_of_this_machine(monkeypatch):
    monkeypatch.setenv("TZ", ":Europe/Vienna")
    assert local_zone() == "Europe/Vienna"
    monkeypatch.delenv("TZ")
    monkeypatch.setattr(schedules.os.path, "realpath", lambda _: "/usr/share/zoneinfo/Asia/Tokyo")
    assert local_zone() == "Asia/Tokyo"


def test_moments_are_those_of_this_machine():
    there = datetime.fromisoformat("2026-11-22T06:00:00+00:00").astimezone()
    assert moment_of("2026-11-22T06:00:00.000Z") == f"{there:%a %Y-%m-%d %H:%M}"
