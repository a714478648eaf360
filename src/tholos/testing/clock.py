"""A clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class TestClock:
    """Stands still until it is moved."""

    __test__ = False  # it is no test, whatever its name says to pytest

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta | float) -> datetime:
        """Let time pass, in seconds where it is a number; returns the new time."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self._now
