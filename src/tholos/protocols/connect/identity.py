"""How this wire names things: our ids as GUIDs, and as whole numbers for the calls of old. Pure, and nothing is kept."""

from __future__ import annotations

import re
import uuid

from tholos.protocols.connect.errors import IdMalformed

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_OUR_ID = re.compile(f"[a-z]+_([{_ALPHABET}]{{26}})")
_NUMBER_BITS = 50
"""Of the 130 that 26 characters hold: ten characters, less than the 53 that every JSON reader keeps."""


def guid_of(object_id: str) -> str:
    """Our id as a UUID (RFC 9562, its 128 bits as they are)."""
    found = _OUR_ID.fullmatch(object_id)
    if found is None:
        msg = f"{object_id} is no id of the usual form"
        raise ValueError(msg)
    return str(uuid.UUID(int=_number(found[1])))


def id_of(prefix: str, guid: str) -> str:
    """Our id of a GUID.

    Raises: IdMalformed.
    """
    try:
        number = uuid.UUID(guid).int
    except ValueError:
        raise IdMalformed(f"The id {guid[:100]!r} is no GUID.", where="guid") from None
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def number_of(object_id: str) -> int:
    """The id as a whole number: its milliseconds. Two things of one kind that were made in one share it."""
    return _number(object_id.partition("_")[2][: _NUMBER_BITS // 5])


def _number(text: str) -> int:
    number = 0
    for letter in text:
        number = number << 5 | _ALPHABET.index(letter)
    return number
