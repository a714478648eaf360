"""Text of the form of ``.env`` files. Pure; what is wrong is told by its line and never shows what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tholos.kit.errors import Invalid


class EnvTextInvalid(Invalid):
    """Cannot read this text of variables."""

    code = "env_text_invalid"


_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([^=\s#\"']+)[ \t]*=[ \t]*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_PLAIN = re.compile(r"(?:[^\n#]|(?<![ \t])#)*")
_EMPTY = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class _Cursor:
    text: str
    at: int

    @property
    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1


def parse(text: str) -> dict[str, str]:
    r"""Names and values of the lines ``NAME=value``; of a name that comes twice the last one.

    A value may stand in ``'…'``, as it is, or in ``"…"``, with ``\n``, ``\t``, ``\"`` and ``\\``; both may have several
    lines. Without quotes it ends with its line, or before `` #``. Nothing is looked up: ``$`` is a dollar.

    Raises: EnvTextInvalid.
    """
    return dict(_assignments(text.removeprefix("\ufeff").replace("\r\n", "\n")))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        empty = _EMPTY.match(text, at)
        if empty:
            at = max(empty.end(), at + 1)
            continue
        found = _ASSIGNMENT.match(text, at)
        if found is None:
            raise _wrong(_Cursor(text, at), "it is not of the form NAME=value")
        value, at = _value(text, found.end())
        yield found[1], value


def _value(text: str, at: int) -> tuple[str, int]:
    """A value and where the next line begins."""
    quote = text[at : at + 1]
    if quote not in {"'", '"'}:
        found = _PLAIN.match(text, at)
        end = found.end() if found else at
        line_end = text.find("\n", end)
        return text[at:end].strip(" \t"), len(text) if line_end < 0 else line_end + 1
    end = _closing(text, at + 1, quote)
    if end < 0:
        raise _wrong(_Cursor(text, at), f"the {quote} is not closed")
    rest = _REST.match(text, end + 1)
    if rest is None:
        raise _wrong(_Cursor(text, end), f"something follows the closing {quote}")
    inside = text[at + 1 : end]
    value = _ESCAPED.sub(_unescaped, inside) if quote == '"' else inside
    return value, rest.end()


def _closing(text: str, at: int, quote: str) -> int:
    """Where a quotation ends; -1 where it does not."""
    while 0 <= at < len(text):
        if text[at] == quote:
            return at
        at += 2 if text[at] == "\\" and quote == '"' else 1
    return -1


def _unescaped(match: re.Match[str]) -> str:
    """What a backslash and a character mean; others than we know stay as they are."""
    known = {**_ESCAPES, '"': '"', "\\": "\\", "$": "$"}
    return known.get(match[1], match[0])


def _wrong(cursor: _Cursor, what: str) -> EnvTextInvalid:
    return EnvTextInvalid(
        f"Cannot read line {cursor.line}: {what}.",
        fix="Write NAME=value, one a line; values of several lines stand in quotes.",
        where=f"line {cursor.line}",
    )
