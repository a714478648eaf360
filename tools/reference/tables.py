"""Tables in Markdown, and the note that tells an editor where a page comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

MADE = "This page is made from the code: `python -m tools.reference`."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "".join(f"{line}\n" for line in lines)


def code(text: str) -> str:
    """Text as it is typed; nothing where there is none."""
    return f"`{text}`" if text else ""


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((text or "").strip().split("\n\n", maxsplit=1)[0].split())


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """A cell as every reader of Markdown understands it.

    Raises: ValueError: there is a bar in code, which readers take in different ways.
    """
    parts = text.split("`")
    if any("|" in part for part in parts[1::2]):
        raise ValueError(text)
    plain = (part.replace("|", "\\|").replace("<", "&lt;") for part in parts[::2])
    return "".join(
        f"{before}`{inside}`" if inside is not None else before
        for before, inside in zip_longest(plain, parts[1::2])
    )
