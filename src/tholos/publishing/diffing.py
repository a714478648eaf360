"""The differences of two texts by lines, in a time that grows with their length alone, whatever they hold. Pure.

Lines that occur once in each text are anchors (the longest run of them that is in order in both); only the small gaps
between anchors are compared line by line, and a large gap is told as replaced. Comparing all lines with all would take
minutes for texts that are made to.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tholos.kit.lazily import load_when_used

if TYPE_CHECKING:
    import difflib
else:
    difflib = load_when_used("difflib")

CONTEXT = 3
LARGEST_GAP = 40_000
"""Pairs of lines that are compared one by one between two anchors."""
LINES_AT_MOST = 5_000
"""Lines of a difference that are shown."""

Block = tuple[int, int, int, int]
"""Where lines differ: start and end in the one and in the other."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference; the numbers are those in the two texts, 0 where it is not in one."""

    mark: str
    """``" "``, ``"+"``, ``"-"`` or ``"@"`` for where the next lines stand."""
    text: str
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines that differ, with some around them."""

    lines: tuple[Line, ...]
    left_out: int = 0
    """Lines beyond those that are shown."""

    def unified(self) -> str:
        """In the form that ``patch`` reads."""
        return "".join(f"{line.text if line.mark == '@' else line.mark + line.text}\n" for line in self.lines)


def compare(before: str, after: str, *, most: int = LINES_AT_MOST) -> Diff:
    """The differences of two texts; line ends count."""
    one, other = _lines(before), _lines(after)
    found: list[Line] = []
    left_out = 0
    for hunk in _hunks(_blocks(one, other)):
        for line in _tell(hunk, one, other):
            if len(found) < most:
                found.append(line)
            else:
                left_out += 1
    return Diff(tuple(found), left_out)


def _lines(text: str) -> list[str]:
    """Lines by line feeds alone, as other tools count them; the lack of a last one shows."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _blocks(one: Sequence[str], other: Sequence[str]) -> Iterator[Block]:
    """Where they differ, in order."""
    position = (0, 0)
    for start, end in [*_anchors(one, other), (len(one), len(other))]:
        yield from _gap(one, other, (position[0], start, position[1], end))
        position = (start + 1, end + 1)


def _anchors(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Lines that occur once in each, as the longest sequence that rises in both."""
    in_one, in_other = Counter(one), Counter(other)
    places = {line: place for place, line in enumerate(other) if in_other[line] == 1}
    pairs = [(place, places[line]) for place, line in enumerate(one) if in_one[line] == 1 and line in places]
    ends: list[int] = []
    chosen: list[int] = []
    previous = [-1] * len(pairs)
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        previous[number] = chosen[at - 1] if at else -1
        if at == len(ends):
            ends.append(place)
            chosen.append(number)
        else:
            ends[at], chosen[at] = place, number
    found: list[tuple[int, int]] = []
    number = chosen[-1] if chosen else -1
    while number >= 0:
        found.append(pairs[number])
        number = previous[number]
    return found[::-1]


def _gap(one: Sequence[str], other: Sequence[str], gap: Block) -> Iterator[Block]:
    """The differences between two anchors."""
    start, end, place, stop = gap
    while start < end and place < stop and one[start] == other[place]:
        start, place = start + 1, place + 1
    while start < end and place < stop and one[end - 1] == other[stop - 1]:
        end, stop = end - 1, stop - 1
    if start == end and place == stop:
        return
    if start == end or place == stop or (end - start) * (stop - place) > LARGEST_GAP:
        yield start, end, place, stop
        return
    matcher = difflib.SequenceMatcher(None, one[start:end], other[place:stop], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield start + a, start + b, place + c, place + d


def _hunks(blocks: Iterator[Block]) -> Iterator[list[Block]]:
    """Blocks that are near each other, together."""
    hunk: list[Block] = []
    for block in blocks:
        if hunk and block[0] - hunk[-1][1] > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    if hunk:
        yield hunk


def _tell(hunk: list[Block], one: Sequence[str], other: Sequence[str]) -> Iterator[Line]:
    before = min(CONTEXT, hunk[0][0], hunk[0][2])
    start, place = hunk[0][0] - before, hunk[0][2] - before
    after = min(CONTEXT, len(one) - hunk[-1][1], len(other) - hunk[-1][3])
    end, stop = hunk[-1][1] + after, hunk[-1][3] + after
    yield Line("@", f"@@ -{_range(start, end)} +{_range(place, stop)} @@", start + 1, place + 1)
    for a, b, c, d in hunk:
        yield from _same(one, start, a, place)
        yield from (Line("-", one[number], number + 1, 0) for number in range(a, b))
        yield from (Line("+", other[number], 0, number + 1) for number in range(c, d))
        start, place = b, d
    yield from _same(one, start, end, place)


def _same(one: Sequence[str], start: int, end: int, place: int) -> Iterator[Line]:
    for number in range(start, end):
        yield Line(" ", one[number], number + 1, place + number - start + 1)


def _range(start: int, end: int) -> str:
    """A range as unified differences write it: where it is empty, the line before it."""
    length = end - start
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"
