"""Usage as values, and the calls about it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from tholos.client.core import Core, app_path
from tholos.client.fields import Fields


@dataclass(frozen=True, slots=True)
class UsageDay:
    """One day in UTC."""

    day: str
    visits: int
    visitors: int | None
    """Different accounts among them; None where the server does not keep who it was."""
    anonymous: int

    @classmethod
    def from_json(cls, value: object) -> UsageDay:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a day")
        return cls(read.text("day"), read.number("visits"), count_of(read), read.number("anonymous", 0))


@dataclass(frozen=True, slots=True)
class Usage:
    """How often an app was visited."""

    since: str
    until: str
    visits: int
    visitors: int | None
    anonymous: int
    days: tuple[UsageDay, ...]

    @classmethod
    def from_json(cls, value: object) -> Usage:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the usage")
        return cls(
            since=read.text("since", ""),
            until=read.text("until", ""),
            visits=read.number("visits"),
            visitors=count_of(read),
            anonymous=read.number("anonymous", 0),
            days=tuple(UsageDay.from_json(one.value) for one in read.items("days")),
        )


@dataclass(frozen=True, slots=True)
class AppUsage:
    """How often one of several apps was visited."""

    app: str
    visits: int
    visitors: int | None
    anonymous: int

    @classmethod
    def from_json(cls, value: object) -> AppUsage:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an app's usage")
        return cls(read.text("app"), read.number("visits"), count_of(read), read.number("anonymous", 0))


@dataclass(frozen=True, slots=True)
class Visit:
    """A page of an app that somebody went to."""

    id: int
    app: str
    release: int
    account: str
    """Empty for nobody in particular."""
    at: str
    path: str
    agent: str

    @classmethod
    def from_json(cls, value: object) -> Visit:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a visit")
        return cls(
            id=read.number("id"),
            app=read.text("app", ""),
            release=read.number("release", 0),
            account=read.text("account", ""),
            at=read.text("at", ""),
            path=read.text("path", ""),
            agent=read.text("agent", ""),
        )


class UsageCalls(Core):
    """The calls about usage; :class:`tholos.client.api.Client` has them."""

    def usage(self, name: str, *, since: str = "", until: str = "") -> Usage:
        """How often an app was visited between two moments in ISO 8601; by itself in the last 30 days."""
        return self._get(f"{app_path(name)}/usage{_query(since, until)}", Usage.from_json)

    def visits(self, name: str, *, since: str = "", until: str = "", most: int = 50) -> list[Visit]:
        """An app's visits, the newest first."""
        path = f"{app_path(name)}/usage/visits{_query(since, until)}"
        return self._list(path, Visit.from_json, most=most)

    def usage_by_app(self, *, since: str = "", until: str = "") -> list[AppUsage]:
        """How often the apps that this account edits were visited, the most visited first."""
        return self._list(f"/usage{_query(since, until)}", AppUsage.from_json)

    def all_visits(self, *, since: str = "", until: str = "", most: int = 50) -> list[Visit]:
        """The visits of all apps that this account edits, the newest first."""
        return self._list(f"/usage/visits{_query(since, until)}", Visit.from_json, most=most)


def count_of(read: Fields) -> int | None:
    """How many visitors there were, where that is known."""
    return None if read.value.get("visitors") is None else read.number("visitors")


def _query(since: str, until: str) -> str:
    asked = {key: value for key, value in (("since", since), ("until", until)) if value}
    return f"?{urlencode(asked)}" if asked else ""
