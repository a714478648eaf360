"""Pages by number, as this wire's lists of people, groups and packages have them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from tholos.kit.db import JsonObject

MOST = 500
MOST_PACKAGES = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of a list, and how long its pages are."""

    number: int
    size: int

    @property
    def skip(self) -> int:
        return (self.number - 1) * self.size

    def told(self, results: Sequence[JsonObject], total: int) -> JsonObject:
        """The page, with exactly the keys that clients take."""
        return {"current_page": self.number, "total": total, "results": [*results]}


def _asked(
    page_number: Annotated[int, Query(ge=1, le=MOST_PACKAGES)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST_PACKAGES)] = 20,
) -> Asked:
    return Asked(page_number, page_size)


Asking = Annotated[Asked, Depends(_asked)]
