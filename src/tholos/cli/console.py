"""What a person sees: rows with a label, a text and a time at the right; tables; a progress bar.

Rows go to stdout, progress to stderr and only if that is a terminal. Colour only on a terminal without NO_COLOR.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from tholos.cli.failures import print_json

LABEL_WIDTH = 14
WIDTH = 80
BAR_WIDTH = 24
REDRAW_SECONDS = 0.1
KILO = 1000

DIM, RED, GREEN, PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[0m"


class Console:
    """Where one command prints to.

    Args:
        out: for rows.
        err: for progress and notes.
        width: columns; times end at the last of them.
        is_live: whether progress is shown.
        has_colour: whether rows are coloured.
    """

    def __init__(
        self, out: TextIO, err: TextIO, *, width: int = WIDTH, is_live: bool = False, has_colour: bool = False
    ) -> None:
        self.width = width
        self._out, self._err = out, err
        self._is_live, self._has_colour = is_live, has_colour
        self._drawn_at = 0.0
        self._is_drawn = False

    def row(self, label: str, text: str = "", right: str = "", *, colour: str = "") -> None:
        """Print ``  label         text          right``."""
        padded = f"{label:<{LABEL_WIDTH - 2}}  "  # a longer label keeps its distance too
        line = f"  {padded}{text}" if text else f"  {label}"
        self.line(line, right, colour=colour)

    def line(self, text: str, right: str = "", *, colour: str = "") -> None:
        """Print a line, with something at its right end."""
        self.clear()
        gap = max(2, self.width - len(text) - len(right))
        painted = self._paint(text.rstrip(), colour) if not right else self._paint(text, colour)
        print(
            f"{painted}{' ' * gap}{self._paint(right, DIM)}" if right else painted, file=self._out, flush=True
        )

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print columns, each as wide as its widest cell; on a terminal cut to its width."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
            line = f"  {'   '.join(cells)}".rstrip()
            self.line(shorten(line, self.width) if self._is_live else line)

    def note(self, text: str) -> None:
        """Say something that is no result."""
        self.clear()
        print(f"  {text}", file=self._err, flush=True)

    def status(self, text: str) -> None:
        """Show what is going on, until the next line."""
        if self._is_live and self._may_redraw():
            self._draw(f"  {text}")

    def progress(self, label: str, done: int, total: int) -> None:
        """Show a bar; ``done`` and ``total`` are bytes."""
        if not self._is_live or not self._may_redraw():
            return
        share = min(1.0, done / total) if total else 0.0
        bar = ("█" * round(share * BAR_WIDTH)).ljust(BAR_WIDTH, "░")
        self._draw(f"  {label:<{LABEL_WIDTH}}{bar}  {size_of(done)} of {size_of(total)}")

    def clear(self) -> None:
        """Take the progress away."""
        if self._is_drawn:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._is_drawn = False

    def _may_redraw(self) -> bool:
        now = time.monotonic()
        if now - self._drawn_at < REDRAW_SECONDS:
            return False
        self._drawn_at = now
        return True

    def _draw(self, text: str) -> None:
        self._err.write(f"\r\x1b[K{shorten(text, self.width - 1)}")
        self._err.flush()
        self._is_drawn = True

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{PLAIN}" if colour and text and self._has_colour else text


def of_terminal(*, as_json: bool = False) -> Console:
    """The console of this process; with ``--json`` rows go to stderr, as stdout is for the document."""
    out = sys.stderr if as_json else sys.stdout
    has_colour = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(WIDTH, os.get_terminal_size(out.fileno()).columns or WIDTH) if out.isatty() else WIDTH
    return Console(out, sys.stderr, width=width, is_live=sys.stderr.isatty(), has_colour=has_colour)


def say_done(label: str, text: str, right: str = "", *, as_json: bool, **document: object) -> int:
    """Say what was done: a row, or with ``--json`` a document. Answers the exit code 0."""
    if as_json:
        print_json(**document)
    else:
        of_terminal().row(label, text, right)
    return 0


def shorten(text: str, width: int) -> str:
    """Cut a text that is too long, and show that it was cut."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def size_of(size: float) -> str:
    """Bytes for people, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < KILO:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= KILO
    return f"{size:.1f} TB"


def seconds_of(seconds: float | None) -> str:
    """A duration for people; empty for none."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def age_of(instant: str, now: float | None = None) -> str:
    """How long ago an ISO 8601 time was; what is no time is shown as it is."""
    from datetime import datetime  # start-up time: few commands tell of times

    try:
        then = datetime.fromisoformat(instant).timestamp()
    except ValueError:
        return instant
    seconds = max(0.0, (time.time() if now is None else now) - then)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def count_of(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
