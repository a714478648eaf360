"""Finds the first Python traceback in lines of output, and what a person wants to know of it. Pure.

The form is that of the interpreter's ``traceback`` module: chained exceptions, syntax errors (which the
interpreter may print without a header) and exception groups (which are drawn with a margin) included.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

MOST_LINES = 1000
"""Of the text that is kept, from its end."""
LOOK_AHEAD = 20
"""Lines after an error among which the sentence of a chain may stand: a message may have several lines."""
FOREIGN = frozenset({"site-packages", "dist-packages", ".venv", "venv", "node_modules"})

_HEADER = re.compile(r"(?P<before>.*?)Traceback \(most recent call last\):\s*")
_GROUP = "+ Exception Group "
_MARGIN = re.compile(r" *[|+] ?")
_FRAME = re.compile(r' *File "(?P<file>[^"]+)", line (?P<line>[0-9]{1,9})(?P<name>, in .*)?')
_ERROR = re.compile(r"(?P<type>[A-Za-z_][\w.]*)(?:: .*|:)?")
_GROUP_ERROR = re.compile(r"(?:Base)?ExceptionGroup: ")
_SYNTAX_ERROR = re.compile(r"(?:SyntaxError|IndentationError|TabError): ")
_CHAINS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


@dataclass(frozen=True, slots=True)
class Traceback:
    """The first error in some output."""

    error: str
    """The last line: ``KeyError: 'total'``."""
    where: str
    """File and line of the deepest frame in the app's own folder, as ``app.py:31``; empty if there is none."""
    text: str
    """All of it, chained ones included."""
    line: int = 0
    """Which of the lines that were read it begins with, from 0."""


def parse(lines: Iterable[str], folder: str) -> Traceback | None:
    """The first complete traceback.

    Args:
        lines: output without line ends, in order; read only as far as needed.
        folder: absolute path of the app's own files, as the app sees it.
    """
    search = _Search(folder)
    for line in lines:
        if search.is_over(line):
            break
    return search.found()


class _Search:
    """One pass over lines: before a traceback, among its frames, or after its last line."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._step = self._before
        self._taken = 0
        self._first = 0
        self._reset()

    def is_over(self, line: str) -> bool:
        """Take one more line; whether the traceback is complete and nothing can belong to it any more."""
        is_over = self._step(line)
        self._taken += 1
        return is_over

    def found(self) -> Traceback | None:
        if not self._error:
            return None
        return Traceback(self._error, self._where(), "\n".join(self._complete), self._first)

    def _reset(self) -> None:
        self._first = self._taken
        self._text: deque[str] = deque(maxlen=MOST_LINES)
        self._complete: list[str] = []
        self._parts: list[list[tuple[str, int]]] = []
        self._error = ""
        self._indent = 0
        self._in_group = False
        self._headless = False
        self._ahead = 0
        self._chained = False

    def _before(self, line: str) -> bool:
        if header := _HEADER.fullmatch(line):
            self._reset()
            self._open(header["before"])
        elif (frame := _FRAME.fullmatch(line)) and not frame["name"]:
            self._reset()
            self._headless = True
            self._parts.append([(frame["file"], int(frame["line"]))])
            self._text.append(line)
            self._step = self._among_frames
        return False

    def _open(self, before: str) -> None:
        """A header: what stands before it is a margin, an indentation, or the head of a log record."""
        if before.lstrip().startswith(_GROUP):
            self._in_group = True
        elif before.isspace() and not self._in_group:
            self._indent = len(before)
        self._parts.append([])
        self._text.append("Traceback (most recent call last):")
        self._step = self._among_frames

    def _among_frames(self, line: str) -> bool:
        line = self._plain(line)
        if frame := _FRAME.fullmatch(line):
            self._parts[-1].append((frame["file"], int(frame["line"])))
            self._text.append(line)
        elif line.startswith(" "):
            self._text.append(line)
        elif _ERROR.fullmatch(line) and (not self._headless or _SYNTAX_ERROR.match(line)):
            self._text.append(line)
            self._close(line)
        else:
            return self._abandon(line)
        return False

    def _abandon(self, line: str) -> bool:
        """It was not one, or it was cut off; a complete one that came before in its chain still counts."""
        if self._error:
            return True
        self._reset()
        self._step = self._before
        return self._before(line)

    def _close(self, line: str) -> None:
        self._error = line
        self._complete = list(self._text)
        self._ahead = LOOK_AHEAD
        self._step = self._after

    def _after(self, line: str) -> bool:
        """A chain goes on; so does a group, until the first error inside it is known."""
        line = self._plain(line)
        self._ahead -= 1
        if header := _HEADER.fullmatch(line):
            inside = self._in_group and _GROUP_ERROR.match(self._error)
            if not self._chained and not inside:
                return True
            self._chained = False
            self._open(header["before"])
            return False
        self._chained = self._chained or line in _CHAINS
        self._text.append(line)
        return self._ahead <= 0

    def _plain(self, line: str) -> str:
        if self._in_group:
            return _MARGIN.sub("", line, count=1)
        return line[self._indent :] if not line[: self._indent].strip() else line

    def _where(self) -> str:
        for frames in reversed(self._parts):
            for file, number in reversed(frames):
                if own := _own_path(file, self._folder):
                    return f"{own}:{number}"
        return ""


def _own_path(file: str, folder: str) -> str:
    """The path below the app's folder; empty for what is not the app's own."""
    if file.startswith("<"):
        return ""
    path = posixpath.normpath(posixpath.join(folder, file))
    root = posixpath.normpath(folder).rstrip("/") + "/"
    own = path.removeprefix(root)
    return "" if own == path or FOREIGN.intersection(own.split("/")) else own
