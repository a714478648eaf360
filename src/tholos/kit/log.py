"""Logging: few entries, a fixed past-tense event name, everything else as keys; as text for people or JSON for programs.

It is the standard library's, so that what other packages log of trouble stands in the same form; of theirs only warnings do,
since what they say besides names addresses that nobody asked to keep.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

_ROOT = "tholos"
ACCESS = "tholos.access_log"


class Form(StrEnum):
    AUTO = "auto"
    """Text on a terminal, JSON elsewhere."""
    TEXT = "text"
    JSON = "json"


class Logger:
    """Writes entries, each with the keys that this logger was made with."""

    __slots__ = ("_keys", "_log")

    def __init__(self, name: str, keys: dict[str, object]) -> None:
        self._log = logging.getLogger(name)
        self._keys = keys

    def debug(self, event: str, **keys: object) -> None:
        self._write(logging.DEBUG, event, keys)

    def info(self, event: str, **keys: object) -> None:
        self._write(logging.INFO, event, keys)

    def warning(self, event: str, **keys: object) -> None:
        self._write(logging.WARNING, event, keys)

    def error(self, event: str, **keys: object) -> None:
        self._write(logging.ERROR, event, keys)

    def exception(self, event: str, **keys: object) -> None:
        """With the traceback of what is being handled."""
        self._write(logging.ERROR, event, keys, is_broken=True)

    def _write(self, level: int, event: str, keys: dict[str, object], *, is_broken: bool = False) -> None:
        if self._log.isEnabledFor(level):
            extra = {"keys": {**self._keys, **keys}}
            self._log.log(level, "%s", event, extra=extra, exc_info=is_broken)


def get_logger(name: str = _ROOT, **keys: object) -> Logger:
    return Logger(name, keys)


def configure(
    *, level: str = "info", form: Form = Form.AUTO, with_access: bool = False, stream: TextIO | None = None
) -> None:
    """Set up logging for this process, to standard error unless something else is said."""
    stream = stream or sys.stderr
    is_text = form is Form.TEXT or (form is Form.AUTO and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Text() if is_text else _Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_ROOT).setLevel(logging.getLevelNamesMapping()[level.upper()])
    logging.getLogger(ACCESS).setLevel(logging.INFO if with_access else logging.CRITICAL + 1)


class _Json(logging.Formatter):
    """One line, an object."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_told(self, record), default=str)


class _Text(logging.Formatter):
    """The time, the level, the event, and the keys; a traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        told = _told(self, record)
        at, level, event = told.pop("timestamp"), told.pop("level"), told.pop("event")
        trace = told.pop("exception", "")
        keys = "".join(f" {key}={_quoted(value)}" for key, value in told.items())
        return f"{at} {level:<8}{event}{keys}" + (f"\n{trace}" if trace else "")


def _told(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, object]:
    told: dict[str, object] = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
    }
    keys = getattr(record, "keys", None)
    told |= {"logger": record.name} if keys is None else {k: v for k, v in keys.items() if k not in told}
    if record.exc_info and record.exc_info[0]:
        told["exception"] = formatter.formatException(record.exc_info)
    return told


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if text.isprintable() and " " not in text and text else json.dumps(text)
