"""Pages of a list: a cursor names the last thing seen, so that what is added or removed meanwhile shifts nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tholos.kit.errors import Invalid
from tholos.kit.text import storable

T = TypeVar("T")

MOST = 500
"""Things on one page."""
USUAL = 50


class CursorInvalid(Invalid):
    """Cannot go on from there: the cursor is none of ours."""

    code = "cursor_invalid"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some things in order, and where the next page begins; ``next`` is empty at the end."""

    items: Sequence[T]
    next: str = ""


def to_cursor(*key: str | int) -> str:
    """An opaque text of the key of the last thing seen."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def from_cursor(cursor: str, *kinds: type) -> tuple[str | int, ...] | None:
    """The key in a cursor, one value for each of the kinds; None where there is no cursor.

    Raises: CursorInvalid.
    """
    if not cursor:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorInvalid(where="cursor") from error
    if not isinstance(key, list) or [type(one) for one in key] != list(kinds):
        raise CursorInvalid(where="cursor")
    if not all(map(_may_be_kept, key)):
        raise CursorInvalid(where="cursor")
    return tuple(key)


def _may_be_kept(one: str | int) -> bool:
    """Whether a database can be asked about it."""
    return 0 <= one < 1 << 62 if isinstance(one, int) else storable(one) == one
