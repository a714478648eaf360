"""The lines of a log that are asked for: by text, level and time, the last ones first found, with bounded memory.

A log is read backwards in blocks until there are lines enough. In a block the few lines that can fit are found by plain
searches for bytes; only these are looked at one by one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tholos.runtime import loglevels
from tholos.runtime.loglevels import Level, Levels
from tholos.runtime.logs import LONGEST_LINE, LogLine, opened, seek_data, text_of
from tholos.runtime.logtimes import LogTimes, read_times

MOST_SEARCHED = 64 << 20
FIRST_BLOCK = 64 << 10
"""Mostly what is wanted is among the last lines."""
BLOCK = 256 << 10
CONTEXT = 16 << 10
"""Bytes before what is looked at that are read as well: a traceback may have begun in them."""
LONGEST_BLOCK = 4 << 20
"""A line that is longer is cut in two."""


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines are wanted, and what may be seen of them."""

    text: str = ""
    """Contained in the line, in upper or lower case; colours do not count."""
    level: Level = Level.DEBUG
    """At least this bad."""
    since: float | None = None
    """Unix seconds, true to a second; where a log has no times, all of it."""
    mask: Callable[[str], str] = field(default=_as_it_is, repr=False, compare=False)
    """Hides what nobody may see; what it hides is not found either."""

    @property
    def is_for_all(self) -> bool:
        return not self.text and self.level <= Level.DEBUG


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log."""

    n: int
    """Its number among those that the log still has, from 1; 0 where nobody counted."""
    start: int
    end: int
    """Offset of what follows."""
    at: float | None
    """Unix seconds at which it was written, where that is known."""
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """The last lines of a log that fit."""

    entries: tuple[Entry, ...] = ()
    end: int = 0
    """Offset behind the last complete line, whether it fits or not: to go on from."""
    next_n: int = 1
    """The number of the line that begins there."""
    has_more: bool = False
    """Whether earlier lines may fit too."""


class _Line(NamedTuple):
    begin: int
    end: int
    level: Level | None


def read_last(path: Path, wanted: int, query: Query, before: int | None = None) -> Found:
    """The last complete lines that fit, at most so many, out of the last 64 MiB; a log that is not there is empty.

    Args:
        path: the log.
        wanted: how many.
        query: which.
        before: offset where a line begins that was seen: only earlier ones are wanted.
    """
    try:
        with opened(path) as fd:
            return _last(fd, wanted, query, before, read_times(path))
    except FileNotFoundError:
        return Found()


def _last(fd: int, wanted: int, query: Query, before: int | None, times: LogTimes) -> Found:
    size = os.fstat(fd).st_size
    floor = first_line(fd, size)
    end = _line_start(fd, floor, min(size, before if before is not None else size))
    begin = _beginning(fd, query, times, floor, end)
    n = next_n = 1 + _count(fd, floor, end)
    entries: list[Entry] = []
    for start, data in _blocks(fd, begin, end):
        n -= data.count(b"\n")
        latest = list(islice(_fitting(fd, start, data, query), wanted - len(entries)))
        lines = latest[::-1]
        entries += reversed([*_entries(start, data, lines, n, times, query)])
        if len(entries) >= wanted:
            break
    has_more = bool(entries) and len(entries) >= wanted and entries[-1].start > begin
    return Found(tuple(reversed(entries)), end, next_n, has_more)


def _beginning(fd: int, query: Query, times: LogTimes, floor: int, end: int) -> int:
    """Where the search ends, as one goes backwards."""
    begin = max(floor, end - MOST_SEARCHED)
    if query.since is not None:
        since = times.since(query.since)
        begin = end if since is None else max(begin, min(since, end))
    if begin <= floor or begin == end or os.pread(fd, 1, begin - 1) == b"\n":
        return begin
    newline = os.pread(fd, min(LONGEST_LINE, end - begin), begin).find(b"\n")
    return begin + newline + 1 if newline >= 0 else begin


def first_line(fd: int, size: int) -> int:
    """Offset of the first line that is there, behind what was given back to the disk."""
    floor = seek_data(fd, 0, size)
    if floor == 0:
        return 0
    data = os.pread(fd, 2 * LONGEST_LINE, floor)
    begin = len(data) - len(data.lstrip(b"\0"))
    return floor + data.find(b"\n", begin) + 1 if b"\n" in data[begin:] else floor + begin


def _line_start(fd: int, floor: int, end: int) -> int:
    """The last place up to an offset where a line begins."""
    while end > floor:
        step = min(BLOCK, end - floor)
        newline = os.pread(fd, step, end - step).rfind(b"\n")
        if newline >= 0:
            return end - step + newline + 1
        end -= step
    return floor


def _count(fd: int, begin: int, end: int) -> int:
    step = 1 << 20
    return sum(os.pread(fd, min(step, end - at), at).count(b"\n") for at in range(begin, end, step))


def _blocks(fd: int, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines in pieces of about a block, the last ones first, with the offset of each piece."""
    usual = FIRST_BLOCK
    while end > begin:
        size, usual = usual, BLOCK
        while True:
            start = max(begin, end - size)
            data = os.pread(fd, end - start, start)
            cut = data.find(b"\n", 0, len(data) - 1) + 1 if start > begin else 0
            if cut or start == begin or size >= LONGEST_BLOCK:
                break
            size *= 2
        yield start + cut, data[cut:]
        end = start + cut


def _entries(
    start: int, data: bytes, lines: list[_Line], n: int, times: LogTimes, query: Query
) -> Iterator[Entry]:
    """Lines of a block, whose first one has a number."""
    counted = 0
    for begin, end, level in lines:
        n += data.count(b"\n", counted, begin)
        counted = begin
        told = level or loglevels.level_of(_beginning_of(data[begin:end]))
        text = _shown(data[begin:end], query)
        yield Entry(n, start + begin, start + end, times.at(start + begin), told, text)


def _beginning_of(line: bytes) -> str:
    return text_of(line[:LONGEST_LINE])


def _shown(line: bytes, query: Query) -> str:
    if len(line) <= LONGEST_LINE:
        return query.mask(text_of(line))
    # Masked before it is cut: of what is cut in two, nothing would be found.
    shown = query.mask(text_of(line))[:LONGEST_LINE]
    return f"{shown} … and {len(line) - LONGEST_LINE:,} bytes more"


def _fitting(fd: int, start: int, data: bytes, query: Query) -> Iterator[_Line]:
    """The lines of a block that fit, the last ones first; the level is set where it is not what the line itself says."""
    containing: list[_Line] | None = None
    if query.text and query.level < Level.WARNING:
        containing = [*_containing(data, query.text)]
        if not containing:
            return
    bad = _bad(fd, start, data)
    if query.level >= Level.WARNING:
        lines = (
            _Line(begin, data.find(b"\n", begin) + 1 or len(data), bad[begin]) for begin in reversed(bad)
        )
    elif containing is not None:
        lines = (line._replace(level=bad.get(line.begin)) for line in reversed(containing))
    else:
        lines = (line._replace(level=bad.get(line.begin)) for line in _backwards(data))
    for line in lines:
        if query.is_for_all or _fits(data, line, query):
            yield line


def _backwards(data: bytes) -> Iterator[_Line]:
    end = len(data)
    while end > 0:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        yield _Line(begin, end, None)
        end = begin


def _fits(data: bytes, line: _Line, query: Query) -> bool:
    text = text_of(data[line.begin : line.end])
    is_bad_enough = query.level <= Level.DEBUG or (line.level or loglevels.level_of(text)) >= query.level
    return is_bad_enough and _is_asked_for(text, query)


def _is_asked_for(line: str, query: Query) -> bool:
    """Whether what may be seen of a line has the text in it that is asked for."""
    return contains(line, query.text) and (not query.text or contains(query.mask(line), query.text))


def contains(line: str, wanted: str) -> bool:
    """Whether a line has a text in it, in upper or lower case; colours do not count."""
    if not wanted:
        return True
    if "\x1b" in line:
        line = loglevels.ESCAPES.sub("", line)
    return wanted.lower() in line.lower()


def _every(data: bytes) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin) + 1 or len(data)
        yield begin, end
        begin = end


def _containing(data: bytes, wanted: str) -> Iterator[_Line]:
    """The lines that have a text in them."""
    if wanted.isascii() and b"\x1b" not in data:
        for begin in _begins_of(data, data.lower(), [wanted.lower().encode()]):
            yield _Line(begin, data.find(b"\n", begin) + 1 or len(data), None)
        return
    for begin, end in _every(data):
        if contains(text_of(data[begin:end]), wanted):
            yield _Line(begin, end, None)


def _begins_of(data: bytes, lowered: bytes, needles: Sequence[bytes]) -> list[int]:
    """Where the lines begin that have one of some texts in them, in order."""
    begins: set[int] = set()
    for needle in needles:
        at = lowered.find(needle)
        while at >= 0:
            # A needle may begin with the end of the line before.
            inside = at + (needle[:1] == b"\n")
            begins.add(data.rfind(b"\n", 0, inside) + 1)
            end = data.find(b"\n", inside)
            at = lowered.find(needle, end) if end >= 0 else -1
    return sorted(begins)


def _bad(fd: int, start: int, data: bytes) -> dict[int, Level]:
    """The warnings and errors of a block, by where the line begins; those count that belong to one above them."""
    levels = levels_before(fd, start)
    bad: dict[int, Level] = {}
    candidates = iter(_begins_of(data, data.lower(), loglevels.NEEDLES))
    begin: int | None = 0
    while begin is not None and begin < len(data):
        end = data.find(b"\n", begin) + 1 or len(data)
        level = levels.take(text_of(data[begin : min(end, begin + LONGEST_LINE)]))
        if level >= Level.WARNING:
            bad[begin] = level
            begin = end
        else:
            # What follows a line that is well is well itself, unless it says otherwise.
            begin = next((one for one in candidates if one >= end), None)
    return bad


def levels_before(fd: int, offset: int) -> Levels:
    """What the lines before an offset mean for those that follow."""
    levels = Levels()
    begin = max(offset - CONTEXT, 0)
    data = os.pread(fd, offset - begin, begin)
    for line in data[max(_last_cause(data), data.find(b"\n") + 1 if begin else 0) :].splitlines():
        levels.take(text_of(line))
    return levels


def _last_cause(data: bytes) -> int:
    """Where the last line begins from which on lines tell what the next one means: a traceback's, or one that is not indented."""
    traceback = data.rfind(loglevels.TRACEBACK.encode())
    if traceback >= 0:
        return data.rfind(b"\n", 0, traceback) + 1
    begin = len(data)
    while begin > 0:
        begin = data.rfind(b"\n", 0, begin - 1) + 1
        if not data.startswith((b" ", b"\t", b"|", b"+"), begin):
            return begin
    return 0


@dataclass(slots=True)
class Sieve:
    """Lets the lines through that fit, as they come."""

    query: Query
    levels: Levels = field(default_factory=Levels)
    n: int = 0
    """The number of the next line; 0 where nobody counts."""

    def take(self, line: LogLine, at: float | None) -> Entry | None:
        """The line as an entry, if it fits."""
        text = text_of(line.data)
        level = self.levels.take(text)
        n = self.n
        self.n += bool(n)
        if level < self.query.level or not _is_asked_for(text, self.query):
            return None
        return Entry(n, line.end - len(line.data), line.end, at, level, self.query.mask(text))
