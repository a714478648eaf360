"""What pages with forms show besides how things are, and their errors in words that fit a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tholos.kit.errors import Conflict, TholosError

_FOR_TERMINALS = re.compile(r"(; at once by)?:? tholos .*")


@dataclass(frozen=True, slots=True)
class Shown:
    """What was typed, what is wrong with it, and what was done."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    status: int = 200


def words_of(error: TholosError) -> str:
    """What is wrong and what to do about it."""
    return f"{error.message} {advice_of(error.fix)}".strip()


def advice_of(fix: str) -> str:
    """What to do, without what is for terminals."""
    return _FOR_TERMINALS.sub(".", fix)


def status_of(error: TholosError) -> int:
    """Of a form's page that has something wrong in it."""
    return 409 if isinstance(error, Conflict) else 400
