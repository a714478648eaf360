"""What the open exchanges stand on, so that a change of access asks about those again and about nothing else."""

from __future__ import annotations

import weakref
from collections.abc import Collection

from tholos.access.service import Stand


class Use:
    """One exchange's credential. The exchange holds it and asks it whether it still stands; nobody else keeps it."""

    __slots__ = ("__weakref__", "holds", "stand")

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.holds = True

    def __call__(self) -> bool:
        return self.holds


class Uses:
    """All of them, for one event loop: who ends is forgotten with its exchange."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Use] = weakref.WeakSet()

    def begin(self, stand: Stand) -> Use:
        use = Use(stand)
        self._open.add(use)
        return use

    def list_open(self) -> list[Use]:
        return [use for use in self._open if use.holds]


def settle(uses: Collection[Use], standing: Collection[Stand]) -> None:
    """End those that do not stand any more."""
    for use in uses:
        use.holds = use.stand in standing
