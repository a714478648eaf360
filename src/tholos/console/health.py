"""What says of a server whether it lives and whether it can do its work; the program that runs it makes this of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tholos.kit.log import get_logger
from tholos.kit.persistence import attempt

WITHIN_S = 5.0
"""A part that takes longer to answer is not well: monitoring asks again every few seconds."""

Look = Callable[[], Awaitable[None]]
"""Raises anything where the part is not well."""


@dataclass(frozen=True, slots=True)
class Health:
    """The parts without which nothing new can be done."""

    parts: Mapping[str, Look] = field(default_factory=dict)

    async def examine(self) -> dict[str, bool]:
        """Whether each part is well; why one is not is in the log alone."""
        found = await asyncio.gather(*(self._is_well(name, look) for name, look in self.parts.items()))
        return dict(zip(self.parts, found, strict=True))

    async def _is_well(self, name: str, look: Look) -> bool:
        is_well = await attempt(partial(_look_in_time, look))
        if not is_well:
            get_logger().warning("part_not_well", part=name)
        return is_well


async def _look_in_time(look: Look) -> None:
    async with asyncio.timeout(WITHIN_S):
        await look()
