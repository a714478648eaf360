"""The page of an app's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import Response

from tholos.accounts.pages import account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import service as apps
from tholos.console.pages import AppPage, last_operations
from tholos.instances import reading
from tholos.instances import service as instances
from tholos.instances.errors import LogQueryInvalid
from tholos.instances.reading import Log, Which
from tholos.instances.schemas import TracebackOut
from tholos.kit.db import ReadDb
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.runtime import logsearch
from tholos.runtime.loglevels import Level
from tholos.runtime.logsearch import Entry, Found

routes = Routes(include_in_schema=False)

LOG_LINES = 500
_SELECTED = {"warning": "warn", "info": "", "debug": ""}
"""Levels of the API that the form has no word of its own for."""
_SHOWN_LEVELS = {Level.WARNING: "warn", Level.ERROR: "error"}


@dataclass(frozen=True, slots=True)
class Line:
    n: int
    text: str
    level: str
    """``error``, ``warn`` or nothing."""
    at: str
    """When it was written, where that is known."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who wrote the lines that are shown."""

    release: int
    instance: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for in the form, as it was typed."""

    q: str = ""
    level: str = ""
    since: str = ""
    release: int | None = None
    instance: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether lines are left out."""
        return bool(self.q or self.level or self.since)

    def address(self, path: str, **more: str | int) -> str:
        """A path with all that is asked for."""
        said = {"q": self.q, "level": self.level, "since": self.since, "release": self.release or ""}
        fields = {**said, "instance": self.instance, **more}
        query = urlencode({name: value for name, value in fields.items() if value != ""})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class WroteIt:
    """An instance whose log can be shown."""

    id: str
    state: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsPage(AppPage):
    asked: Asked
    wrong: LogQueryInvalid | None
    """What is wrong with what was typed."""
    lines: Sequence[Line]
    source: Source | None
    stream_url: str
    download_url: str
    earlier_url: str
    """Where the lines before these are; empty where there are none."""
    latest_url: str
    """Where the last lines are, while earlier ones are shown."""
    releases: Sequence[int]
    instances: Sequence[WroteIt]
    traceback: TracebackOut | None
    traceback_url: str
    """Where it stands in the log."""
    is_traceback_shown: bool


@routes.declare("GET", "/apps/{name}/logs", permission=Permission.APP_EDIT)
def show_logs(
    call: Calling,
    name: str,
    q: Annotated[str, Query(max_length=200)] = "",
    level: Annotated[str, Query(max_length=20)] = "",
    since: Annotated[str, Query(max_length=60)] = "",
    release: Annotated[str, Query(pattern=r"^[0-9]{0,9}$")] = "",
    instance: Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_]*$")] = "",
    before: Annotated[int | None, Query(ge=0, le=1 << 62)] = None,
) -> Response:
    level = _SELECTED.get(level, level)
    asked = Asked(q, level, since, int(release) if release else None, instance)
    with call.read() as db:
        log = reading.find_log(db, call.get(Sealer), call.actor, Which(name, asked.release, asked.instance))
    query, wrong = _query(call, asked)
    found = reading.read_log(log, LOG_LINES, query, before)
    page = _page(call, name, asked, wrong, log, found, before)
    return call.get(Pages).answer("app_logs.html", page, 400 if wrong else 200)


def _query(call: Call, asked: Asked) -> tuple[logsearch.Query, LogQueryInvalid | None]:
    """What is asked for, and what is wrong with the time that was typed: lines of any time are shown then."""
    try:
        return reading.query_of(asked.q, asked.level, asked.since, call.now), None
    except LogQueryInvalid as wrong:
        return reading.query_of(asked.q, asked.level, "", call.now), wrong


def _page(
    call: Call,
    name: str,
    asked: Asked,
    wrong: LogQueryInvalid | None,
    log: Log | None,
    found: Found,
    before: int | None,
) -> LogsPage:
    traceback = reading.find_traceback(log)
    shown = {entry.n for entry in found.entries}
    here = f"/apps/{name}/logs"
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        return LogsPage(
            title=f"{name}: log",
            account=account_of(call),
            json_url="" if wrong else asked.address(f"/api/v1/apps/{name}/logs", format="json"),
            app=apps_api.shown(call, db, [app])[0],
            operation=last_operations(call, db, [app]).get(name),
            asked=asked,
            wrong=wrong,
            lines=[_line(entry) for entry in found.entries],
            source=Source(log.release, log.instance) if log else None,
            stream_url=_stream(name, asked, log, found) if before is None and not wrong else "",
            download_url=Asked(release=asked.release, instance=asked.instance).address(
                f"/api/v1/apps/{name}/logs", download="true"
            ),
            earlier_url=asked.address(here, before=found.entries[0].start) if found.has_more else "",
            latest_url=asked.address(here) if before is not None else "",
            releases=[one.number for one in apps.list_releases(db, app.id)],
            instances=_who_wrote(db, app.id, log),
            traceback=traceback,
            traceback_url=_place(here, asked, log, traceback),
            is_traceback_shown=traceback is not None and traceback.n in shown,
        )


def _line(entry: Entry) -> Line:
    return Line(entry.n, entry.text, _SHOWN_LEVELS.get(entry.level, ""), reading.time_text(entry.at) or "")


def _stream(name: str, asked: Asked, log: Log | None, found: Found) -> str:
    """Where the lines come from that are added; of an instance that has ended there are none."""
    if asked.instance and (log is None or log.has_ended):
        return ""
    on: dict[str, str | int] = {"follow": "true", "format": "json", "lines": 0, "first": found.next_n}
    if log is not None:
        on |= {"instance": log.instance, "offset": found.end}
    if asked.instance:
        on["only"] = "true"
    return replace(asked, since="").address(f"/api/v1/apps/{name}/logs", **on)


def _who_wrote(db: ReadDb, app_id: str, log: Log | None) -> list[WroteIt]:
    """The instances of the release that is shown, the newest first."""
    every = instances.list_of_app(db, app_id, ended=True) if log else []
    shown = [one for one in every if log and reading.release_of(one) == log.release]
    return [WroteIt(one.id, one.state, one.created_at.isoformat()) for one in shown]


def _place(here: str, asked: Asked, log: Log | None, traceback: TracebackOut | None) -> str:
    """A page of the log that ends some lines behind a traceback."""
    if log is None or traceback is None:
        return ""
    behind = len(traceback.text.encode()) + 1000
    address = Asked(release=asked.release, instance=asked.instance).address(
        here, before=traceback.offset + behind
    )
    return f"{address}#L{traceback.n}"
