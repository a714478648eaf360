"""JSON of which parts were written before: what stays the same from one change to the next is not written anew."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_STAND_IN = re.compile(r'"\\u0000([0-9]+)"')
"""No text of ours has a zero byte."""


@dataclass(frozen=True, slots=True)
class Written:
    """Stands for what it says, wherever a value may stand."""

    text: str


def write(value: object) -> str:
    """As JSON, with the keys in order.

    Raises:
        TypeError: something in it is no JSON.
    """
    written: list[str] = []

    def stand_in(one: object) -> str:
        if not isinstance(one, Written):
            raise TypeError(f"{type(one).__name__} is no JSON")
        written.append(one.text)
        return f"\0{len(written) - 1}"

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=stand_in)
    return _STAND_IN.sub(lambda found: written[int(found[1])], text) if written else text
