"""The traceback that tells why an instance ended: the first one of its last run that has one.

A run begins with a marker line of the supervisor. What an app logged in an earlier run is not why the last one ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tholos.runtime import tracebacks
from tholos.runtime.logs import LONGEST_LINE, LogLine, opened, read_lines, text_of
from tholos.runtime.logsearch import first_line
from tholos.runtime.logtimes import read_times
from tholos.runtime.tracebacks import Traceback

STARTED = b"[tholos] started, pid "
SIGNS = (b"Traceback (most recent call last)", b'File "')
MOST_RUNS = 3
MOST_SEARCHED = 8 << 20
STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Crash:
    """A traceback and where it stands in the log."""

    traceback: Traceback
    offset: int
    n: int
    """The number of its first line among those that the log still has, from 1."""
    at: float | None
    """Unix seconds, where they are known."""


def find_crash(path: Path, folder: str) -> Crash | None:
    """Why the instance of a log ended last, or ended before it was started again.

    Args:
        path: the log.
        folder: absolute path of the app's own files, as the app sees it.
    """
    try:
        with opened(path) as fd:
            return _find(fd, path, folder)
    except FileNotFoundError:
        return None


def _find(fd: int, path: Path, folder: str) -> Crash | None:
    size = os.fstat(fd).st_size
    floor = first_line(fd, size)
    end = size
    for begin in islice(_runs(fd, floor, size), MOST_RUNS):
        begins: list[int] = []
        found = tracebacks.parse(_texts(fd, begin, end, begins), folder)
        if found is not None:
            offset = begins[found.line]
            return Crash(found, offset, 1 + _lines_between(fd, floor, offset), read_times(path).at(offset))
        end = begin
    return None


def _runs(fd: int, floor: int, end: int) -> Iterator[int]:
    """Where runs begin, the last one first; the beginning of the log is one as well."""
    at = end
    while at > floor:
        start = max(floor, at - STEP)
        data = os.pread(fd, min(at + len(STARTED) - 1, end) - start, start)
        found = len(data)
        while (found := data.rfind(STARTED, 0, found + len(STARTED) - 1)) >= 0:
            if found == 0 or data[found - 1 : found] == b"\n":
                yield start + found
        at = start
    yield floor


def _texts(fd: int, begin: int, end: int, begins: list[int]) -> Iterator[str]:
    """The lines of a part of a log, from the first one on that may begin a traceback; notes where each one begins."""
    end = min(end, begin + MOST_SEARCHED)
    for line in _lines(fd, _first_sign(fd, begin, end), end):
        begins.append(line.end - len(line.data))
        yield text_of(line.data)


def _first_sign(fd: int, begin: int, end: int) -> int:
    """Where the first line begins that has a word of tracebacks in it: looking for bytes is a hundred times as fast."""
    for at in range(begin, end, STEP):
        start = max(begin, at - LONGEST_LINE)
        data = os.pread(fd, min(at + STEP, end) - start, start)
        found = [place for place in (data.find(sign) for sign in SIGNS) if place >= 0]
        if found:
            return start + data.rfind(b"\n", 0, min(found)) + 1
    return end


def _lines(fd: int, begin: int, end: int) -> Iterator[LogLine]:
    for line in read_lines(fd, begin):
        if line.end > end:
            return
        yield line


def _lines_between(fd: int, begin: int, end: int) -> int:
    return sum(os.pread(fd, min(STEP, end - at), at).count(b"\n") for at in range(begin, end, STEP))
