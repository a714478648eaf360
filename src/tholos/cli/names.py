"""What an app can be called, and the name that fits a folder best."""

from __future__ import annotations

import re
import unicodedata

from tholos.kit.errors import Invalid

LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")


class NameInvalid(Invalid):
    """Cannot use this name for an app."""

    code = "name_invalid"


def check_name(name: str) -> str:
    """The name, if an app can be called so.

    Raises:
        NameInvalid: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise NameInvalid(
            f"Cannot use {name!r} as a name: a name is 2 to {LONGEST} lower-case letters, digits and hyphens "
            "and begins with a letter.",
            fix=f"--name {fit_name(name)}",
            where="name",
        )
    return name


def fit_name(text: str) -> str:
    """The nearest name: accents dropped, everything else a hyphen, ``app-`` in front of what begins with a digit."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(words) < 2 or not words[0].isalpha():
        words = f"app-{words}".strip("-")
    return words[:LONGEST].rstrip("-")
