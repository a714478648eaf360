"""Schedules as values, and the calls about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tholos.client.core import Core, app_path, unless_changed
from tholos.client.fields import Fields
from tholos.client.model import Operation


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an app is started again."""

    app: str
    kind: str
    """``minute``, ``hour``, ``day``, ``weekday``, ``week``, ``dayofweek``, ``semimonth``, ``dayofmonth``,
    ``dayweekofmonth`` or ``year``.
    """
    words: str
    """All of it as people say it."""
    timezone: str
    start: str
    paused: bool
    problem: str
    """Why it was paused, where nobody did that; empty otherwise."""
    fix: str
    next: tuple[str, ...]
    """Its next three times; none while it is paused."""
    account: str
    """By whose right the app is started."""
    last_at: str
    """Its last time at which something was begun; empty before the first."""
    last: Operation | None
    """What was begun then."""
    skipped_at: str
    """A time after that at which nothing could be begun; empty where there is none."""
    skipped: str
    """Why."""
    version: int

    @classmethod
    def from_json(cls, value: object) -> Schedule:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a schedule")
        error, last, skipped = (read.child(name) for name in ("error", "last", "skipped"))
        return cls(
            app=read.text("app"),
            kind=read.text("kind"),
            words=read.text("words", ""),
            timezone=read.text("timezone", ""),
            start=read.text("start", ""),
            paused=read.flag("paused"),
            problem=error.text("message", "") if error else "",
            fix=error.text("fix", "") if error else "",
            next=read.texts("next"),
            account=read.text("account", ""),
            last_at=read.text("last_at", ""),
            last=Operation.from_json(last.value) if last else None,
            skipped_at=skipped.text("at", "") if skipped else "",
            skipped=skipped.text("message", "") if skipped else "",
            version=read.number("version", 0),
        )


class ScheduleCalls(Core):
    """The calls about schedules; :class:`tholos.client.api.Client` has them."""

    def schedule(self, name: str) -> Schedule:
        """When an app is started again, and what became of the last time."""
        return self._get(schedule_path(name), Schedule.from_json)

    def set_schedule(
        self,
        name: str,
        kind: str,
        *,
        n: int = 1,
        days: Sequence[int] = (),
        day: int = 1,
        week: int = 1,
        first: bool = True,
        timezone: str = "UTC",
        start: str = "",
        time: str = "",
        seen: int | None = None,
    ) -> Schedule:
        """Start an app again at these times, in the place of those before.

        Args:
            name: of the app.
            kind: how it recurs, as :class:`Schedule` has it.
            n: every n-th minute, hour, day, week, month or year.
            days: for ``dayofweek``, Sunday being 0.
            day: of the month, from 1; for ``dayweekofmonth`` of the week, Sunday being 0.
            week: for ``dayweekofmonth``: 1 to 4, or 5 for the last such day of the month.
            first: for ``semimonth``: the 1st and the 15th, else the 14th and the last day.
            timezone: a name of the tz database.
            start: when it takes effect, in ISO 8601; now if empty.
            time: the time of day, such as ``07:00``; that of the start if empty.
            seen: the version that was seen; it is refused if that is another by now.
        """
        body: dict[str, object] = {
            "kind": kind, "n": n, "days": list(days), "day": day, "week": week, "first": first, "timezone": timezone,
            **{key: text for key, text in (("start", start), ("time", time)) if text},
        }  # fmt: skip
        return Schedule.from_json(self._call("PUT", schedule_path(name), body, unless_changed(seen)).json())

    def pause_schedule(self, name: str, *, seen: int | None = None) -> Schedule:
        """Start an app by its schedule no more, until somebody resumes it."""
        return self._change_schedule(name, paused=True, seen=seen)

    def resume_schedule(self, name: str, *, seen: int | None = None) -> Schedule:
        """Start an app by its schedule again, by the right of this account."""
        return self._change_schedule(name, paused=False, seen=seen)

    def remove_schedule(self, name: str) -> None:
        """Start an app by itself no more; what runs goes on running."""
        self._call("DELETE", schedule_path(name))

    def _change_schedule(self, name: str, *, paused: bool, seen: int | None) -> Schedule:
        body = {"paused": paused}
        return Schedule.from_json(self._call("PATCH", schedule_path(name), body, unless_changed(seen)).json())


def schedule_path(name: str) -> str:
    """Where the calls about an app's schedule are."""
    return f"{app_path(name)}/schedule"
