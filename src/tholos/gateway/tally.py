"""What is under way, counted by label, and a wait for a label's last one that needs no polling."""

from __future__ import annotations

import asyncio


class Tally:
    """Counts by label; for one event loop."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def add(self, label: str) -> None:
        """One more is under way."""
        self._counts[label] = self._counts.get(label, 0) + 1

    def remove(self, label: str) -> None:
        """One has ended; whoever waits for the last one is woken."""
        left = self._counts[label] - 1
        if left:
            self._counts[label] = left
            return
        del self._counts[label]
        for waiter in self._waiting.pop(label, ()):
            if not waiter.done():
                waiter.set_result(None)

    def under_way(self, label: str) -> int:
        """How many are under way now."""
        return self._counts.get(label, 0)

    async def drained(self, label: str, timeout: float) -> bool:
        """Waits until none is under way; False if some still are after ``timeout`` seconds."""
        if label not in self._counts:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(label, []).append(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return False
        finally:
            waiters = self._waiting.get(label, [])
            if waiter in waiters:
                waiters.remove(waiter)
        return True
