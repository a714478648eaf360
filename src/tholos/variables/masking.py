"""Masking: what is shown of an app's output shows no value of its secrets. Pure.

Only what is long enough to be told from other text is masked: a secret of seven characters or fewer may be a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import quote, quote_plus

MASK = "••••"
SHORTEST = 8
SHORTEST_LINE = 16
"""Of the lines of a value of several lines, which stand alone in a log."""
MOST_FORMS = 2000


class Masker:
    """Replaces values, and the forms in which programs print them: as JSON, as a Python text, and in URLs.

    Args:
        values: of more forms than can be looked for, those of the first ones count.
    """

    __slots__ = ("_bytes", "_forms")

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = dict.fromkeys(form for value in values for form in _forms_of(value))
        # The longest come first: one value may be the beginning of another.
        self._forms = sorted(islice(forms, MOST_FORMS), key=lambda form: (-len(form), form))
        self._bytes = [form.encode() for form in self._forms]

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._forms)

    def mask(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def mask_bytes(self, data: bytes) -> bytes:
        """The same for text that is not decoded."""
        for form in self._bytes:
            if form in data:
                data = data.replace(form, MASK.encode())
        return data

    def mask_all(self, pieces: Iterable[bytes], longest_line: int = 1 << 20) -> Iterator[bytes]:
        """The same for a stream, line by line, however it was cut to pieces."""
        kept = b""
        for piece in pieces:
            kept += piece
            end = kept.rfind(b"\n") + 1
            if end or len(kept) > longest_line:
                end = end or len(kept)
                yield self.mask_bytes(kept[:end])
                kept = kept[end:]
        if kept:
            yield self.mask_bytes(kept)


NOTHING = Masker()


def _forms_of(value: str) -> Iterator[str]:
    lines = [line.strip() for line in value.splitlines()]
    yield from (line for line in lines if len(lines) > 1 and len(line) >= SHORTEST_LINE)
    # What is around it says nothing, and a program may have taken it off.
    bare = value.strip()
    if len(bare) < SHORTEST:
        return
    yield bare
    yield json.dumps(bare)[1:-1]
    yield json.dumps(bare, ensure_ascii=False)[1:-1]
    yield repr(bare)[1:-1]
    yield quote(bare, safe="")
    yield quote_plus(bare)
    yield quote(bare)
