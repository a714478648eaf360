"""Spans of time as people write them: ``90s``, ``15m``, ``2h``, ``1d``, or a plain number of seconds."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FORM = re.compile(r"([0-9]{1,9})\s*([smhd]?)")


def parse_seconds(text: str) -> int | None:
    """Whole seconds; None where it is no span of time."""
    found = _FORM.fullmatch(text.strip().lower())
    return int(found[1]) * _UNITS[found[2] or "s"] if found else None


def to_words(seconds: float) -> str:
    """The shortest way to write it that says the same: ``15m`` for 900."""
    for unit, length in reversed(_UNITS.items()):
        if seconds and seconds % length == 0:
            return f"{round(seconds / length)}{unit}"
    return f"{seconds:g}s" if seconds % 1 else f"{round(seconds)}s"
