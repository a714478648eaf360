"""How bad a line of output is, from the forms in which Python programs write logs. Pure.

Known are the formats of ``logging``, uvicorn, gunicorn, tornado, structlog, loguru, logfmt and JSON, warnings as the interpreter
prints them, and tracebacks, whose lines are all errors.
"""

from __future__ import annotations

import re
from enum import IntEnum

LOOKED_AT = 400
"""Characters of a line, from its beginning: a record says its level before its message."""

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b")


class Level(IntEnum):
    """How bad a line is; one that says nothing of the kind is ``PLAIN``, which is as good as ``INFO``."""

    DEBUG = 1
    PLAIN = 2
    INFO = 3
    WARNING = 4
    ERROR = 5

    @property
    def word(self) -> str:
        return "" if self is Level.PLAIN else self.name.lower()


_WORDS = {
    "trace": Level.DEBUG,
    "debug": Level.DEBUG,
    "info": Level.INFO,
    "notice": Level.INFO,
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "error": Level.ERROR,
    "exception": Level.ERROR,
    "critical": Level.ERROR,
    "fatal": Level.ERROR,
}
_LETTERS = {"D": Level.DEBUG, "I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "C": Level.ERROR}

_ANY = "trace|debug|info|notice|warning|warn|error|exception|critical|fatal"
_FIRST = re.compile(
    rf"[\[(<| ]*({_ANY})\s*(?:[:|\]]|- )", re.IGNORECASE
)  # ERROR:root:…  INFO:     …  [info     ] …
_UPPER = re.compile(r"(?<![\w./%-])[A-Z]{3,9}(?![\w./%])")
_BRACKETS = re.compile(rf"\[({_ANY}) *\]")
_FIELD = re.compile(
    rf"\b(?:level|levelname|severity)[\"']?\s*[=:]\s*[\"']?(?:({_ANY})\b|([1-6]0)\b)", re.IGNORECASE
)
_LETTER = re.compile(r"\[([DIWEC]) [0-9]{6} [0-9:.]+ ")
_WARNED = re.compile(r"\S+:[0-9]+: \w*Warning: ")
_RAISED = re.compile(
    r"(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception|ExceptionGroup|KeyboardInterrupt|SystemExit)(?:: |$)"
)
_FAILED = re.compile(r"(?:Exception in |Exception ignored |Uncaught |Fatal Python error|Segmentation fault)")
_OURS = re.compile(
    r"\[tholos\] (?:exited with code [1-9]|killed by|did not stop|[Cc]annot )(?!.*told to stop)"
)
TRACEBACK = "Traceback (most recent call last)"

NEEDLES = (
    *(
        b"warn",
        b"error",
        b"exception",
        b"critical",
        b"fatal",
        b"level",
        b"severity",
        b"traceback (most recent",
    ),
    *(b"keyboardinterrupt", b"systemexit", b"uncaught ", b"segmentation fault", b"[tholos] "),
    *(b"\n[w ", b"\n[e ", b"\n[c "),
)
"""In small letters: every line that is a warning or worse by itself has one of them in it, the last ones at its beginning."""

_CHAINS = ("During handling of the above exception", "The above exception was the direct cause")


def level_of(line: str) -> Level:
    """The level of a line by itself, colours or not."""
    text = line[:LOOKED_AT]
    if "\x1b" in text:
        text = ESCAPES.sub("", text)
    if text.startswith("[tholos] "):
        return Level.ERROR if _OURS.match(text) else Level.INFO
    if found := _FIRST.match(text) or _field(text):
        return _level_named(found)
    if level := _standing_alone(text):
        return level
    if letter := _LETTER.match(text):
        return _LETTERS[letter[1]]
    if TRACEBACK in text or _RAISED.match(text) or _FAILED.match(text):
        return Level.ERROR
    return Level.WARNING if _WARNED.match(text) else Level.PLAIN


def _field(text: str) -> re.Match[str] | None:
    # Looked for only where it may be: most lines are prose.
    return _FIELD.search(text) if "evel" in text or "everity" in text else None


def _standing_alone(text: str) -> Level | None:
    """Of the first capital word that is one; a pattern of all of them would take three times as long."""
    for word in _UPPER.findall(text):
        if level := _WORDS.get(word.lower()):
            return level
    if "[" in text and (found := _BRACKETS.search(text)):
        return _WORDS[found[1]]
    return None


def _level_named(found: re.Match[str]) -> Level:
    word = next(group for group in found.groups() if group)
    if word.isdecimal():
        return Level.DEBUG if word < "30" else Level.INFO if word == "30" else _numbered(word)
    return _WORDS[word.lower()]


def _numbered(word: str) -> Level:
    return Level.WARNING if word == "40" else Level.ERROR


class Levels:
    """The levels of lines in their order: what belongs to an error or a warning has its level."""

    def __init__(self) -> None:
        self._last = Level.PLAIN
        self._in_traceback = False
        self._after_traceback = False

    def take(self, line: str) -> Level:
        """The level of the next line."""
        self._last = level = self._level(line)
        return level

    def _level(self, line: str) -> Level:
        if TRACEBACK in line:
            self._in_traceback, self._after_traceback = True, False
            return Level.ERROR
        is_inner = line[:1] in {" ", "\t", "|", "+"}
        if self._in_traceback:
            # The first line that is not indented is what was raised.
            self._in_traceback = is_inner or not line
            self._after_traceback = not self._in_traceback
            return Level.ERROR
        if self._after_traceback:
            if not line:
                return Level.ERROR
            self._after_traceback = False
            if line.startswith(_CHAINS):
                self._after_traceback = True
                return Level.ERROR
        found = level_of(line)
        if found is Level.PLAIN and is_inner and self._last >= Level.WARNING:
            return self._last
        return found
