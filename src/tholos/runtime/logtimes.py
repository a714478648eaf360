"""When the bytes of a log were written, from the small file that the supervisor keeps beside it.

A pair of it says that what begins at an offset, or behind it, came at a time or later. Pairs come about once a second while a
log grows; old ones are thinned out. A log without that file has no times.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import lt
from pathlib import Path

PAIR = struct.Struct("<QQ")
"""Offset and Unix milliseconds, as `tholos_supervisor.times` writes it."""
TRUE_TO_S = 1.0
SUFFIX = ".times"


@dataclass(frozen=True, slots=True)
class LogTimes:
    """Offsets in their order, and the Unix seconds that belong to them."""

    offsets: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()

    def at(self, offset: int) -> float | None:
        """When the line that begins there was written; ``None`` where that is not known."""
        place = bisect_right(self.offsets, offset)
        return self.seconds[place - 1] if place else None

    def since(self, seconds: float) -> int | None:
        """The offset from which on lines were written since then, or up to a second before; ``None`` where none was.

        Without any times it is the beginning: rather too much than too little.
        """
        if not self.offsets:
            return 0
        for offset, when in zip(self.offsets, self.seconds, strict=True):
            if when > seconds - TRUE_TO_S:
                return offset
        return None


def times_file(log: Path) -> Path:
    return log.with_name(log.name + SUFFIX)


def read_times(log: Path) -> LogTimes:
    """The times of a log, none where nobody noted any."""
    try:
        data = times_file(log).read_bytes()
    except FileNotFoundError:
        return LogTimes()
    count = len(data) // PAIR.size
    numbers = struct.unpack(f"<{2 * count}Q", data[: count * PAIR.size])
    offsets, millis = numbers[::2], numbers[1::2]
    if not all(map(lt, offsets, offsets[1:])):
        offsets, millis = _ascending(zip(offsets, millis, strict=True))
    return LogTimes(offsets, tuple(one / 1000 for one in millis))


def _ascending(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What was written later is right: a log that was replaced began anew, and of one offset the last time counts."""
    kept: list[tuple[int, int]] = []
    for pair in pairs:
        while kept and kept[-1][0] >= pair[0]:
            kept.pop()
        kept.append(pair)
    return tuple(offset for offset, _ in kept), tuple(one for _, one in kept)
