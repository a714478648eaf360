"""Reading the logs of instances: the end of one, one as it grows, and the first traceback in one.

Writing is the instances', bounding is the supervisor's: it gives old bytes back as a hole at the beginning, so
that an offset once seen stays good. Where a file system has no holes, or somebody rotates, a log begins anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from asyncinotify import Mask

from tholos.runtime import tracebacks
from tholos.runtime.tracebacks import Traceback
from tholos.runtime.watching import Watch, watching

LONGEST_LINE = 64 << 10
"""Bytes after which a line is cut in two."""
READ_STEP = 64 << 10
MOST_TAIL = 8 << 20
MOST_SEARCHED = 8 << 20
MOST_BEFORE = 1 << 20
"""Bytes before an offset in which the line is looked for that it is in."""

_GROWTH = Mask.MODIFY | Mask.ATTRIB | Mask.MOVE_SELF | Mask.DELETE_SELF
_BIRTH = Mask.CREATE | Mask.MOVED_TO | Mask.ONLYDIR


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line with its end of line; one without is a piece of an overlong line."""

    data: bytes
    end: int
    """Offset of what follows: to go on from here later."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a log."""

    lines: tuple[str, ...]
    end: int
    """Offset behind the last of the lines: `follow` from here misses nothing and repeats nothing."""


@dataclass(slots=True)
class Until:
    """Ends a following from outside: it goes on to the log's present end, and no further."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False

    def end(self) -> None:
        self.is_over = True
        self.woken.set()


class Lines:
    """Cuts bytes that come in pieces into lines; never inside a character of UTF-8."""

    def __init__(self, offset: int) -> None:
        self._start = offset
        self._rest = b""
        self._skipping = False

    @property
    def done(self) -> int:
        """Offset behind the last line."""
        return self._start

    @property
    def offset(self) -> int:
        """Of the byte that is needed next."""
        return self._start + len(self._rest)

    def finish(self) -> list[LogLine]:
        """The unfinished line, where nothing follows any more."""
        rest = b"" if self._skipping else self._rest
        self.jump(self.offset, inside_line=False)
        return [LogLine(rest + b"\n", self._start)] if rest else []

    def jump(self, offset: int, *, inside_line: bool) -> None:
        """Go on elsewhere; an unfinished line is lost, and so is the rest of one that is entered in its middle."""
        self._start = offset
        self._rest = b""
        self._skipping = inside_line

    def feed(self, data: bytes) -> list[LogLine]:
        """The lines that these bytes complete."""
        data = self._rest + data
        found = []
        at = 0
        while end := _end_of_line(data, at):
            self._start += end - at
            if self._skipping:
                self._skipping = data[end - 1] != ord("\n")
            else:
                found.append(LogLine(data[at:end], self._start))
            at = end
        self._rest = data[at:]
        return found


def _end_of_line(data: bytes, at: int) -> int:
    """Where the line that begins there ends or is cut for its length; 0 if more bytes must tell."""
    end = data.find(b"\n", at, at + LONGEST_LINE) + 1
    if end or len(data) - at <= LONGEST_LINE:
        return end
    cut = at + LONGEST_LINE
    while cut > at + LONGEST_LINE - 3 and data[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


def read_tail(path: Path, lines: int) -> Tail:
    """The last complete lines, at most so many and out of at most the last 8 MiB; a log that is not there is empty."""
    try:
        with opened(path) as fd:
            return _tail(fd, lines)
    except FileNotFoundError:
        return Tail((), 0)


def first_traceback(path: Path, since_offset: int, folder: str) -> Traceback | None:
    """The first complete Python traceback after an offset, searched for in 8 MiB.

    Args:
        path: the log.
        since_offset: where the start of interest began.
        folder: absolute path of the app's own files, as the app sees it.
    """
    try:
        with opened(path) as fd:
            return tracebacks.parse(_text_lines(fd, since_offset), folder)
    except FileNotFoundError:
        return None


async def follow(path: Path, offset: int, until: Until | None = None) -> AsyncGenerator[bytes, None]:
    """The lines from an offset on, as they are written; see `follow_lines`."""
    async with aclosing(follow_lines(path, offset, until)) as lines:
        async for line in lines:
            yield line.data


async def follow_lines(path: Path, offset: int, until: Until | None = None) -> AsyncGenerator[LogLine, None]:
    """The lines from an offset on, as they are written, without end; stop iterating to be done.

    An offset within a line is taken back to where that begins, as the end alone of a secret could not be masked; in a
    line that began far before it, the rest is passed over. What lies in a hole is passed over too. A log that is not there yet is waited for, one that was cut short or
    replaced is read from its beginning. An unfinished line waits for its end.

    Args:
        path: the log.
        offset: where to begin.
        until: once that is over, what the log has is read to its end, an unfinished line too, and that is all.

    Raises:
        OSError: its folder is not there, or the log cannot be read.
    """
    until = until or Until()
    lines = Lines(offset)
    while True:
        with watching(until.woken) as watch:
            watch.add(path.parent, _BIRTH, path.name)
            try:
                with opened(path) as fd:
                    watch.add(path, _GROWTH)
                    _align(fd, lines)
                    async with aclosing(_grow(path, fd, lines, watch, until)) as grown:
                        async for line in grown:
                            yield line
            except FileNotFoundError:
                if until.is_over:
                    return
                await watch.wait()
                continue
        if until.is_over:
            return
        lines.jump(0, inside_line=False)


async def _grow(
    path: Path, fd: int, lines: Lines, watch: Watch, until: Until
) -> AsyncGenerator[LogLine, None]:
    """Lines of one open file until its path names another."""
    end: int | None = None
    while True:
        # Asked before reading: what a rotation left behind is read to its end.
        is_current = _is_at(path, fd)
        while True:
            if until.is_over and end is None:
                end = os.fstat(fd).st_size
            found = _read(fd, lines) if end is None or lines.offset < end else None
            if found is None:
                break
            for line in found:
                yield line
            await asyncio.sleep(0)
        if end is not None:
            for line in lines.finish():
                yield line
        if end is not None or not is_current:
            return
        await watch.wait()


def _read(fd: int, lines: Lines) -> list[LogLine] | None:
    """What one step forward completes; ``None`` where there is nothing to read."""
    size = os.fstat(fd).st_size
    if lines.offset > size:
        lines.jump(0, inside_line=False)
    if lines.offset == size:
        return None
    start, data = _data(fd, lines.offset, size)
    return lines.feed(data if start == lines.offset else _enter(lines, start, data))


def _align(fd: int, lines: Lines) -> None:
    """Begin where a line does, or a piece of an overlong one."""
    offset = lines.offset
    floor = max(0, offset - MOST_BEFORE)
    # A few bytes more tell whether a piece ends just there.
    data = os.pread(fd, offset - floor + 4, floor)
    if len(data) < offset - floor:
        lines.jump(0, inside_line=False)
        return
    start = data.rfind(b"\n", 0, offset - floor) + 1
    if floor and not start:
        lines.jump(offset, inside_line=True)
        return
    while (end := _end_of_line(data, start)) and floor + end <= offset:
        start = end
    lines.jump(floor + start, inside_line=False)


def _enter(lines: Lines, start: int, data: bytes) -> bytes:
    """Go on in the middle of a line behind a hole, which may end in zeros within a block of the file system."""
    rest = data.lstrip(b"\0")
    lines.jump(start + len(data) - len(rest), inside_line=True)
    return rest


def _data(fd: int, at: int, size: int) -> tuple[int, bytes]:
    """The next bytes that are not in a hole, and their offset."""
    while True:
        start = seek_data(fd, at, size)
        data = os.pread(fd, READ_STEP, start)
        # A hole punched meanwhile reads as zeros; holes grow from the beginning, so the first byte tells for all.
        if start >= size or seek_data(fd, start, size) == start:
            return start, data


def seek_data(fd: int, at: int, size: int) -> int:
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        return size


def _tail(fd: int, wanted: int) -> Tail:
    size = os.fstat(fd).st_size
    floor = seek_data(fd, 0, size)
    start, ends, blocks = size, 0, []
    while start > max(floor, size - MOST_TAIL) and ends <= wanted:
        step = min(READ_STEP, start - floor)
        start -= step
        blocks.append(os.pread(fd, step, start))
        ends += blocks[-1].count(b"\n")
    data = b"".join(reversed(blocks))
    lines = Lines(start)
    # What was begun before the hole, or before what is read of it, is no line.
    found = lines.feed(_enter(lines, start, data) if start else data)
    texts = tuple(text_of(line.data) for line in found[len(found) - min(wanted, len(found)) :])
    return Tail(texts, lines.done)


def read_lines(fd: int, offset: int) -> Iterator[LogLine]:
    """The complete lines from an offset on, as far as the log goes now."""
    lines = Lines(offset)
    while (found := _read(fd, lines)) is not None:
        yield from found


def _text_lines(fd: int, offset: int) -> Iterator[str]:
    for line in read_lines(fd, offset):
        if line.end > offset + MOST_SEARCHED:
            return
        yield text_of(line.data)


def text_of(data: bytes) -> str:
    return data.decode(errors="replace").rstrip("\r\n")


def _is_at(path: Path, fd: int) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(fd)
    return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)
