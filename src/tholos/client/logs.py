"""What apps write, as values and calls. Times are ISO 8601 text in UTC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from tholos.client.core import Core, app_path
from tholos.client.errors import Quiet, RemoteUnavailable, UnexpectedAnswer, Unreachable
from tholos.client.fields import Fields


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of an app's log are wanted."""

    release: int | None = None
    """Of that release, else of the live one."""
    instance: str = ""
    """Of that instance only, else of the last one and those that take over."""
    level: str = ""
    """``debug``, ``info``, ``warning`` or ``error``: at least so bad."""
    search: str = ""
    """With this text in them, in upper or lower case."""
    since: str = ""
    """Written since a time, or in the last ``10m``, ``2h``, ``1d``."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an app's log."""

    n: int
    at: str
    """When it was written, true to a second; empty where that is not known."""
    level: str
    """``debug``, ``info``, ``warning``, ``error``, or empty where the line does not say."""
    release: int
    instance: str
    offset: int
    """Where it ends in the log."""
    text: str

    @classmethod
    def from_json(cls, value: object) -> LogLine:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a line of a log")
        return cls(
            n=read.number("n", 0),
            at=read.text("at", ""),
            level=read.text("level", ""),
            release=read.number("release", 0),
            instance=read.text("instance", ""),
            offset=read.number("offset", 0),
            text=read.text("text"),
        )


@dataclass(frozen=True, slots=True)
class Traceback:
    """Why an instance ended: the first traceback of its last run that has one."""

    error: str
    where: str
    """File and line in the app's own folder; empty if there is none."""
    text: str
    instance: str
    release: int
    n: int
    offset: int
    at: str

    @classmethod
    def from_json(cls, value: object) -> Traceback:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a traceback")
        return cls(
            error=read.text("error"),
            where=read.text("where", ""),
            text=read.text("text", ""),
            instance=read.text("instance", ""),
            release=read.number("release", 0),
            n=read.number("n", 0),
            offset=read.number("offset", 0),
            at=read.text("at", ""),
        )


class LogCalls(Core):
    """The calls about logs; :class:`tholos.client.api.Client` has them."""

    def logs(self, name: str, *, lines: int = 200, asked: LogQuery | None = None) -> list[LogLine]:
        """The last lines of an app's log, or the last of those that are asked for."""
        answer = self._call("GET", logs_path(name, lines, asked or LogQuery()))
        return [parse_log_line(line) for line in answer.body.split(b"\n") if line.strip()]

    def follow_logs(self, name: str, *, lines: int = 200, asked: LogQuery | None = None) -> Iterator[LogLine]:
        """The last lines of an app's log and then each new one, until the app is gone.

        After a broken connection it goes on behind the last line that was given.
        """
        asked = asked or LogQuery()
        outage = self.patience.begin()
        last: LogLine | None = None
        while True:
            try:
                path = logs_path(name, lines, asked, last) + "&follow=true"
                with self._transport.stream(f"/api/v1{path}", "application/x-ndjson") as raw:
                    for line in (parse_log_line(one) for one in raw if one.strip()):
                        outage.over()
                        last = line
                        yield line
                if not outage.pause():
                    return
            except Quiet:
                continue
            except (Unreachable, RemoteUnavailable):
                if not outage.pause():
                    raise

    def traceback(self, name: str, *, release: int | None = None, instance: str = "") -> Traceback | None:
        """The first traceback of the last run of an app, or of one of its instances, that has one."""
        said = {key: value for key, value in (("release", release), ("instance", instance)) if value}
        path = f"{app_path(name)}/traceback{f'?{urlencode(said)}' if said else ''}"
        found = Fields(self._call("GET", path).json(), "the answer").child("traceback")
        return Traceback.from_json(found.value) if found else None


def parse_log_line(line: bytes) -> LogLine:
    """One line of a log as JSON.

    Raises:
        UnexpectedAnswer: it is not JSON or no line.
    """
    try:
        return LogLine.from_json(json.loads(line))
    except ValueError as error:
        raise UnexpectedAnswer("Cannot read a line of a log: it is not JSON.") from error


def logs_path(name: str, lines: int, asked: LogQuery, last: LogLine | None = None) -> str:
    """The path and query of an app's log, or of what comes behind a line of it."""
    query: dict[str, str | int] = {"format": "json", "lines": lines}
    if asked.release is not None:
        query["release"] = asked.release
    named = (("level", asked.level), ("q", asked.search), ("instance", asked.instance))
    query |= {key: value for key, value in named if value}
    if last is not None:
        query |= {"instance": last.instance, "offset": last.offset, "first": last.n + 1}
        query |= {"only": "true"} if asked.instance else {}
    elif asked.since:
        query["since"] = asked.since
    return f"{app_path(name)}/logs?{urlencode(query)}"
