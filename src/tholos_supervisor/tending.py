"""Tending an open log: while it grows, its size is bounded and the times of its bytes are noted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tholos_supervisor.growth import Growth
from tholos_supervisor.logfile import LOOK_AGAIN_S, LogFile
from tholos_supervisor.loop import Loop, Timer
from tholos_supervisor.times import Times

FIRST_LOOK_S = 0.2
"""After the first growth: what floods its log does so from the beginning."""
LOOK_EVERY_S = 1.0
"""While it grows; the times that are noted are true to this."""

Attempt = Callable[[str, Callable[[], None]], None]
"""Does a deed that has a name, and tells of its failure."""


class TendedLog:
    """The log of one instance, looked at from the moment it grows until it rests.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """

    def __init__(self, path: str, limit: int, loop: Loop, growth: Growth, attempt: Attempt) -> None:
        self._file = LogFile(path, limit, self._moved)
        self._times = Times(path)
        self._loop = loop
        self._growth = growth
        self._attempt = attempt
        self._timer: Timer | None = None
        self._watch: int | None = None
        self._is_new = True
        self._seen, self._seen_at = self._size(), time.time()
        self._rest()

    @property
    def fd(self) -> int:
        return self._file.fd

    def mark(self, text: str) -> None:
        self._file.mark(text)

    def close(self) -> None:
        """Look a last time, and let go."""
        self._stop_waiting()
        if self._size() != self._seen:
            self._take(time.time())
        self._file.close()

    def _rest(self) -> None:
        """Wait until it grows."""
        self._watch = self._growth.tell_once(self.fd, self._grew)
        if self._watch is None:
            self._timer = self._loop.after(LOOK_AGAIN_S[1], self._look)
        elif self._size() != self._seen:
            self._growth.forget(self._watch)
            self._grew()

    def _grew(self) -> None:
        """It rested, and was written to just now."""
        self._watch = None
        wait_s = self._take(time.time())
        self._timer = self._loop.after(FIRST_LOOK_S if self._is_new else wait_s, self._look)
        self._is_new = False

    def _look(self) -> None:
        self._timer = None
        if self._size() == self._seen:
            self._rest()
        else:
            self._timer = self._loop.after(self._take(self._seen_at), self._look)

    def _take(self, when: float) -> float:
        """Note when the new bytes came, and give back what is too old.

        Returns:
            Seconds after which to look again.
        """
        size = self._size()
        if size < self._seen:
            self._seen = 0
            self._attempt("forget the times of the log", self._times.forget)
        offset = self._seen
        self._attempt(
            "note the time of the log", lambda: self._times.note(offset, when, self._file.given_back)
        )
        self._seen, self._seen_at = size, time.time()
        waits = [LOOK_EVERY_S]
        self._attempt("keep the log within its limit", lambda: waits.append(self._file.trim()))
        return min(waits)

    def _moved(self, before: int, after: int) -> None:
        self._seen = self._size()
        self._attempt("move the times of the log", lambda: self._times.move(before, after))

    def _size(self) -> int:
        return os.fstat(self.fd).st_size

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._watch is not None:
            self._growth.forget(self._watch)
            self._watch = None
