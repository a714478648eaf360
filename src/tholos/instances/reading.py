"""Reading an app's logs: which log is meant, which of its lines are asked for, and in which form they are told."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.instances import schemas
from tholos.instances import service as instances
from tholos.instances.errors import InstanceNotFound, LogQueryInvalid
from tholos.instances.models import ENDED, Instance
from tholos.kit.clock import to_text
from tholos.kit.db import ReadDb
from tholos.kit.sealing import Sealer
from tholos.kit.text import storable
from tholos.runtime import crashes
from tholos.runtime.layout import Layout
from tholos.runtime.loglevels import Level
from tholos.runtime.logs import opened
from tholos.runtime.logsearch import Entry, Found, Query, first_line, read_last
from tholos.variables import service as variables
from tholos.variables.masking import NOTHING, Masker

LEVELS = {
    "": Level.DEBUG,
    "debug": Level.DEBUG,
    "info": Level.PLAIN,
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "error": Level.ERROR,
}
COPY_STEP = 256 << 10

_SPAN = re.compile(r"([0-9]{1,6}) ?(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Log:
    """What one instance writes."""

    instance: str
    release: int
    path: Path
    sources: Path
    """The folder of the app's own files."""
    has_ended: bool
    masker: Masker = NOTHING
    """Hides the values of the release's secrets."""


@dataclass(frozen=True, slots=True)
class Which:
    """Whose log is meant: without a release it is the live one's, without an instance the last one's."""

    name: str
    release: int | None = None
    instance: str = ""


def find_log(db: ReadDb, sealer: Sealer, actor: Actor, which: Which) -> Log | None:
    """The log that is meant; None where nothing has written any yet.

    What an app prints may be about everybody who uses it: it is for those who edit it.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound, InstanceNotFound.
    """
    app = apps.get_editable(db, actor, which.name)
    if which.instance:
        return _log_of_instance(db, sealer, app, which.instance)
    live = apps.find_live(db, app.id)
    release = apps.get_release_numbered(db, app.id, which.release) if which.release else live
    last = instances.find_last(db, app.id, release.id if release else None)
    return _log(db, sealer, last) if last else None


def list_logs(db: ReadDb, sealer: Sealer, actor: Actor, which: Which) -> list[Log]:
    """Every log that is meant, the oldest first: all of a release's, or one instance's.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound, InstanceNotFound.
    """
    last = find_log(db, sealer, actor, which)
    if last is None or which.instance:
        return [last] if last else []
    app = apps.get_visible(db, actor, which.name)
    every = instances.list_of_app(db, app.id, ended=True)
    return [_log(db, sealer, one) for one in reversed(every) if release_of(one) == last.release]


def release_of(instance: Instance) -> int:
    """The number of an instance's release, which its log is named by."""
    return int(Path(instance.log).name.partition("-")[0])


def _log_of_instance(db: ReadDb, sealer: Sealer, app: App, instance_id: str) -> Log:
    instance = instances.find_instance(db, instance_id)
    if instance is None or instance.app_id != app.id:
        raise InstanceNotFound(
            f"Cannot find instance {instance_id[:60]} of {app.name}.",
            fix=f"See those that run: tholos status {app.name}",
            where="instance",
        )
    return _log(db, sealer, instance)


def _log(db: ReadDb, sealer: Sealer, instance: Instance) -> Log:
    path, number = Path(instance.log), release_of(instance)
    sources = Layout(path.parents[3]).sources(instance.app_id, number)
    masker = variables.masker_for(db, sealer, apps.get_release(db, instance.release_id))
    return Log(instance.id, number, path, sources, instance.state in ENDED, masker)


def query_of(text: str, level: str, since: str, now: datetime) -> Query:
    """Which lines are asked for.

    Raises: LogQueryInvalid.
    """
    if level not in LEVELS:
        raise LogQueryInvalid(
            "Cannot read the log: there is no such level.",
            fix="Use debug, info, warning or error.",
            where="level",
        )
    return Query(text, LEVELS[level], moment_of(since, now).timestamp() if since else None)


def moment_of(since: str, now: datetime) -> datetime:
    """The moment that a time names, or a span before now.

    Raises: LogQueryInvalid.
    """
    try:
        if span := _SPAN.fullmatch(since.strip()):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(since.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise LogQueryInvalid(
            "Cannot read the log: since is no time and no span.",
            fix="Use a span such as 10m, 2h or 1d, or a time such as 2026-03-01T10:00Z.",
            where="since",
        ) from None


def read_log(log: Log | None, wanted: int, query: Query, before: int | None = None) -> Found:
    """The last lines of a log that fit."""
    return read_last(log.path, wanted, masking(query, log), before) if log else Found()


def masking(query: Query, log: Log) -> Query:
    """The same question to a log without the values of secrets: they are neither shown nor found."""
    return replace(query, mask=log.masker.mask)


def json_of(log: Log, entry: Entry) -> str:
    """One line of a log as one line of JSON."""
    line = {
        "n": entry.n,
        "at": time_text(entry.at),
        "level": entry.level.word,
        "release": log.release,
        "instance": log.instance,
        "offset": entry.end,
        "text": entry.text,
    }
    return storable(json.dumps(line, ensure_ascii=False))


@lru_cache(maxsize=4096)
def time_text(seconds: float | None) -> str | None:
    """A moment of a log as text; kept, since the lines of a second share theirs."""
    return None if seconds is None else to_text(datetime.fromtimestamp(seconds, UTC))


def find_traceback(log: Log | None) -> schemas.TracebackOut | None:
    """The first traceback of the last run of an instance that has one."""
    found = crashes.find_crash(log.path, str(log.sources)) if log else None
    if log is None or found is None:
        return None
    return schemas.TracebackOut(
        error=log.masker.mask(found.traceback.error),
        where=found.traceback.where,
        text=log.masker.mask(found.traceback.text),
        instance=log.instance,
        release=log.release,
        n=found.n,
        offset=found.offset,
        at=time_text(found.at),
    )


def whole(found: Sequence[Log]) -> Iterator[bytes]:
    """All of some logs in order but the values of secrets, each under a line that says whose it is."""
    for log in found:
        yield f"==> release {log.release}, instance {log.instance} <==\n".encode()
        yield from log.masker.mask_all(_bytes_of(log.path)) if log.masker else _bytes_of(log.path)


def _bytes_of(path: Path) -> Iterator[bytes]:
    """What a log has now, without what was given back to the disk."""
    try:
        with opened(path) as fd:
            size = os.fstat(fd).st_size
            at, data = first_line(fd, size), b""
            while at < size and (data := os.pread(fd, min(COPY_STEP, size - at), at)):
                yield data
                at += len(data)
            if not data.endswith(b"\n"):
                yield b"\n"
    except FileNotFoundError:
        yield b"[tholos] this log is gone\n"
