"""The command about an app's schedule: show it, set it, pause it, and let it be."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from tholos.cli.console import RED, of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.schedules import Schedule
from tholos.kit.errors import Invalid

UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LAST_DAY = 31
"""A month that lacks it takes its last one."""
_EVERY = re.compile(r"([0-9]{1,4})([mhdw])")
_ZONES = "zoneinfo/"


class ScheduleUnclear(Invalid):
    """Cannot tell when that is."""

    code = "schedule_unclear"


@dataclass(frozen=True, slots=True)
class Times:
    """What was said of times, as the client takes it."""

    kind: str
    n: int = 1
    days: list[int] = field(default_factory=list)
    day: int = 1
    time: str = ""


def schedule(
    *,
    name: str,
    every: str | None,
    daily: str | None,
    weekdays: str | None,
    weekly: str | None,
    monthly: str | None,
    timezone: str | None,
    pause: bool,
    resume: bool,
    remove: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Show or change when an app is started again.

    Raises:
        ScheduleUnclear: no time can be told from what was said.
    """
    times = read_times(every=every, daily=daily, weekdays=weekdays, weekly=weekly, monthly=monthly)
    if timezone and times is None:
        raise ScheduleUnclear(
            "Cannot tell which times are meant: a time zone goes with them.",
            fix=f"tholos schedule {name} --daily 07:00 --timezone {timezone}",
            where="--timezone",
        )
    with connected(server) as client:
        if remove:
            client.remove_schedule(name)
            return say_done(name, "has no schedule any more", as_json=as_json, app=name, state="removed")
        if times is not None:
            found = client.set_schedule(name, **asdict(times), timezone=timezone or local_zone())
        elif pause or resume:
            found = client.pause_schedule(name) if pause else client.resume_schedule(name)
        else:
            found = client.schedule(name)
    return show(found, as_json=as_json)


def read_times(
    *, every: str | None, daily: str | None, weekdays: str | None, weekly: str | None, monthly: str | None
) -> Times | None:
    """What was said, if anything; of several only one can be said.

    Raises: ScheduleUnclear.
    """
    if every:
        match = _EVERY.fullmatch(every.strip())
        if match is None:
            raise _unclear("--every", every, "30m, 2h, 1d or 1w")
        return Times(UNITS[match[2]], int(match[1]))
    if daily:
        return Times("day", time=_time("--daily", daily))
    if weekdays:
        return Times("weekday", time=_time("--weekdays", weekdays))
    if weekly:
        days, _, at = weekly.partition("@")
        named = [one.strip().lower()[:3] for one in days.split(",")]
        if not set(named) <= set(DAYS):
            raise _unclear("--weekly", weekly, "mon,thu@07:00")
        return Times("dayofweek", days=[DAYS.index(one) for one in named], time=_time("--weekly", at))
    if monthly:
        said, _, at = monthly.partition("@")
        day = LAST_DAY if said.strip().lower() == "last" else int(said) if said.isdecimal() else 0
        if not 1 <= day <= LAST_DAY:
            raise _unclear("--monthly", monthly, "1@07:00 or last@07:00")
        return Times("dayofmonth", day=day, time=_time("--monthly", at))
    return None


def local_zone() -> str:
    """The time zone of this machine, as far as it tells one."""
    said = os.environ.get("TZ", "").removeprefix(":")
    if said and not said.startswith("/"):
        return said
    real = os.path.realpath("/etc/localtime")
    name = real.rpartition(_ZONES)[2] if _ZONES in real else ""
    if not name:
        try:
            name = Path("/etc/timezone").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            name = "UTC"
    return name


def show(found: Schedule, *, as_json: bool) -> int:
    """Print when an app is started again, and what became of the last time."""
    if as_json:
        print_json(schedule=asdict(found))
        return 0
    console = of_terminal()
    console.row(found.app, found.words, found.timezone)
    if found.paused:
        console.row(
            "paused", found.problem or "it is not started by itself", colour=RED if found.problem else ""
        )
        if found.fix:
            console.row("fix", found.fix)
    for label, instant in zip(("next", "then", "then"), found.next, strict=False):
        console.row(label, moment_of(instant))
    if found.last_at:
        last = found.last
        console.row("last", moment_of(found.last_at), f"{last.state} · {last.id}" if last else "")
    if found.skipped_at:
        console.row("skipped", f"{moment_of(found.skipped_at)}: {found.skipped}")
    console.row("by right of", found.account)
    return 0


def moment_of(instant: str) -> str:
    """An ISO 8601 time as this machine's clock shows it."""
    return f"{datetime.fromisoformat(instant).astimezone():%a %Y-%m-%d %H:%M}"


def _time(flag: str, text: str) -> str:
    """A time of day. Raises: ScheduleUnclear."""
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if match is None:
        raise _unclear(flag, text, "07:00")
    return f"{int(match[1]):02}:{match[2]}"


def _unclear(flag: str, said: str, example: str) -> ScheduleUnclear:
    return ScheduleUnclear(f'Cannot tell when "{said[:40]}" is.', fix=f"Say it as {example}.", where=flag)
