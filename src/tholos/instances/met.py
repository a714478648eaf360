"""Which limit an instance ended by, by its reason, and the command that raises it. Pure."""

from __future__ import annotations

import re

_MEMORY = re.compile(r"it used more than its ([0-9,]+) MB of memory")
"""As ``tholos_supervisor.lifecycle`` says it, like the next."""
_PROCESSES = re.compile(r"it wanted more than its ([0-9,]+) processes")
_DISK = re.compile(r"It stores ([0-9,]+) MB, and may store ")
"""As :func:`stores_too_much` says it."""
_OPTIONS = ((_MEMORY, "--memory"), (_PROCESSES, "--processes"), (_DISK, "--disk"))


def stores_too_much(taken_mb: int, most_mb: int) -> str:
    return f"It stores {taken_mb:,} MB, and may store {most_mb:,} MB."


def command(reason: str, name: str) -> str:
    """What gives the app of a name twice what it had, or stored; empty where no limit was met."""
    for pattern, option in _OPTIONS:
        if found := pattern.search(reason):
            return f"tholos limits {name} {option} {2 * int(found[1].replace(',', ''))}"
    return ""
