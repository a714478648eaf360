"""What a program takes that runs without walls: what it writes and what it has in memory, as the system counts both.

Nothing is walked for it, and what others write into the same folders meanwhile does not count.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Most:
    """What a program may take, in bytes; 0 for no limit."""

    written: int = 0
    memory: int = 0


NO_MOST = Most()


class TookTooMuch(Exception):
    """A program took more than it may."""

    def __init__(self, *, is_memory: bool) -> None:
        super().__init__("memory" if is_memory else "disk")
        self.is_memory = is_memory


class Taken:
    """Looks what a process takes. What is written within one look goes beyond the limit; so it is to be looked often."""

    def __init__(self, pid: int, most: Most) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._most = most

    def check(self) -> None:
        """Raises: TookTooMuch."""
        if self._most.written and self._written() > self._most.written:
            raise TookTooMuch(is_memory=False)
        if self._most.memory and self._memory() > self._most.memory:
            raise TookTooMuch(is_memory=True)

    def _written(self) -> int:
        """Bytes that it and those that it waited for have written, whereto ever: proc(5), ``wchar``."""
        try:
            told = (self._folder / "io").read_text("ascii")
        except OSError:
            return 0  # it is over, or the system does not tell
        return next((int(line[6:]) for line in told.splitlines() if line.startswith("wchar:")), 0)

    def _memory(self) -> int:
        """Bytes of it that are in memory."""
        try:
            return int((self._folder / "statm").read_text("ascii").split()[1]) * _PAGE
        except (OSError, IndexError):
            return 0
