"""What the entry point built, by type: a handler asks for the part it needs, and nothing is global."""

from __future__ import annotations

from typing import TypeVar, cast

T = TypeVar("T")


class Services:
    def __init__(self) -> None:
        self._parts: dict[type[object], object] = {}

    def add(self, part: object, *, as_type: type[object] | None = None) -> None:
        """Register a part under its own type, or under the seam it stands behind."""
        self._parts[as_type or type(part)] = part

    def add_missing(self, part: object) -> None:
        """Register a part that works without settings, unless the entry point has built one."""
        self._parts.setdefault(type(part), part)

    def get(self, wanted: type[T]) -> T:
        """Raises: KeyError: for a part the entry point did not build."""
        return cast("T", self._parts[wanted])
