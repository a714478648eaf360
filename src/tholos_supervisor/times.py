"""When the bytes of a log were written: a small file beside it, of pairs of an offset and a time.

A pair says that what begins at the offset, or behind it, came at that time or later, and the last such pair of a byte
tells its time to about a second. The file is bounded: of what is old, every second pair goes. It is a convenience
of readers and never synchronized.
"""

from __future__ import annotations

import os
import struct

PAIR = struct.Struct("<QQ")
"""Offset and Unix milliseconds; `tholos.runtime.logtimes` reads it."""
MOST_PAIRS = 4096
LEAST_APART_S = 0.9

Pairs = list[tuple[int, int]]


class Times:
    """The times of one log; every call may raise ``OSError``."""

    def __init__(self, log: str) -> None:
        self._path = f"{log}.times"
        self._last = 0.0

    def note(self, offset: int, when: float, floor: int = 0) -> None:
        """Say that what is written from an offset on comes at a time or later.

        Args:
            offset: of the first byte that was not there before.
            when: Unix seconds.
            floor: offset before which the log has no bytes any more.
        """
        if 0 <= when - self._last < LEAST_APART_S:
            return
        self._last = when
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(fd).st_size
            if torn := size % PAIR.size:
                os.ftruncate(fd, size - torn)
            os.write(fd, PAIR.pack(offset, int(when * 1000)))
        finally:
            os.close(fd)
        if size // PAIR.size >= MOST_PAIRS:
            self._replace(thinned(self._read(), floor))

    def move(self, before: int, after: int) -> None:
        """What stood at one offset stands at another now; what was before it is gone."""
        self._replace(moved(self._read(), before, after))

    def forget(self) -> None:
        """The log begins anew."""
        self._replace([])

    def _read(self) -> Pairs:
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - the supervisor knows paths as text
                data = file.read()
        except FileNotFoundError:
            return []
        return list(PAIR.iter_unpack(data[: len(data) // PAIR.size * PAIR.size]))

    def _replace(self, pairs: Pairs) -> None:
        self._last = 0.0
        new = f"{self._path}.new"
        with open(new, "wb", opener=_private) as file:
            file.write(b"".join(PAIR.pack(*pair) for pair in pairs))
        os.rename(new, self._path)  # noqa: PTH104 - as above


def thinned(pairs: Pairs, floor: int) -> Pairs:
    """Without what tells of bytes that are gone, and without every second pair of the older half."""
    begin = max((n for n, (offset, _) in enumerate(pairs) if offset <= floor), default=0)
    pairs = pairs[begin:]
    half = len(pairs) // 2
    return pairs[:half:2] + pairs[half:]


def moved(pairs: Pairs, before: int, after: int) -> Pairs:
    """The pairs of what stands from ``before`` on, as it stands from ``after`` on now."""
    begin = max((n for n, (offset, _) in enumerate(pairs) if offset <= before), default=0)
    return [(max(offset - before, 0) + after, when) for offset, when in pairs[begin:]]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
