"""Two who edit the same thing: whoever comes second says which version was seen, and is told if it is another by now."""

from __future__ import annotations

import re

from tholos.kit.errors import Conflict, Invalid

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')


class EditedMeanwhile(Conflict):
    """Cannot save this: somebody else changed it meanwhile."""

    code = "edited_meanwhile"


class TagInvalid(Invalid):
    """Cannot take this If-Match header: it is none of our tags."""

    code = "tag_invalid"


def to_tag(version: int) -> str:
    """The entity tag of a version (RFC 9110, 8.8.3)."""
    return f'"{version}"'


def from_tag(header: str | None) -> int | None:
    """The version that an If-Match header names; None where there is none, or any will do.

    Raises: TagInvalid.
    """
    if header is None or header.strip() == "*":
        return None
    match = _TAG.fullmatch(header.strip())
    if match is None:
        raise TagInvalid(fix='Send the ETag that reading it answered, such as "3".', where="if-match")
    return int(match[1])


def check_version(seen: int | None, present: int) -> None:
    """Raises: EditedMeanwhile."""
    if seen is not None and seen != present:
        raise EditedMeanwhile(
            f"Cannot save this: somebody else changed it meanwhile (you saw version {seen}, it is {present} now).",
            fix="Read it again, and make your change to that.",
            version=present,
        )
