"""Which limit an instance ended by, by its reason, and the command that raises it. Pure."""

from __future__ import annotations

import re

_MEMORY = re.compile(r"it used more than its ([0-9,]+) MB of memory")
"""As ``tholos_supervisor.lifecycle`` says it, like the next."""
_PROCESSES = re.compile(r"it wanted more than its ([0-9,]+) processes")
_DISK = re.compile(r"It stores ([0-9,]+) MB, and may store ")
"""As :func:`stores_too_much` says it."""


def stores_too_much(taken_mb: int, most_mb: int) -> str:
    return f"It stores {taken_mb:,} MB, and may store {most_mb:,} MB."


def command(reason: str, name: str) -> str:
    """What gives the app of a name twice what it had, or stored; empty where no limit was met."""
    if found := _MEMORY.search(reason):
        return f"tholos limits {name} --memory {_twice(found)}"
    if found := _PROCESSES.search(reason):
        return f"tholos limits {name} --processes {_twice(found)}"
    if found := _DISK.search(reason):
        return f"tholos limits {name} --disk {_twice(found)}"
    return ""


def _twice(found: re.Match[str]) -> int:
    return 2 * int(found[1].replace(",", ""))
