"""What is under way, counted by label, and a wait for a label's last one that needs no polling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Tally:
    """Counts by label; for one event loop."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._counts: dict[str, int] = {}
        self._ended_at: dict[str, float] = {}
        self._begun: dict[str, int] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def add(self, label: str) -> None:
        """One more is under way."""
        self._counts[label] = self._counts.get(label, 0) + 1
        self._begun[label] = self._begun.get(label, 0) + 1

    def remove(self, label: str) -> None:
        """One has ended; whoever waits for the last one is woken."""
        left = self._counts[label] - 1
        if left:
            self._counts[label] = left
            return
        del self._counts[label]
        self._ended_at[label] = self._now()
        for waiter in self._waiting.pop(label, ()):
            if not waiter.done():
                waiter.set_result(None)

    def under_way(self, label: str) -> int:
        """How many are under way now."""
        return self._counts.get(label, 0)

    def begun(self, label: str) -> int:
        """How many ever began."""
        return self._begun.get(label, 0)

    def idle_s(self, label: str) -> float | None:
        """Seconds since the last one ended; 0 while one is under way, None where none ever was."""
        if label in self._counts:
            return 0.0
        ended = self._ended_at.get(label)
        return None if ended is None else self._now() - ended

    def forget(self, label: str) -> None:
        """Keep nothing of a label that is not used again."""
        self._ended_at.pop(label, None)
        self._begun.pop(label, None)

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
