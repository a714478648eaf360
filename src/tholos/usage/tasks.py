"""Writing visits down, off the way of requests: what the door saw is kept for a moment, and then written all at once."""

from __future__ import annotations

import asyncio
from functools import partial

from tholos.kit.db import Database
from tholos.kit.log import get_logger
from tholos.kit.persistence import attempt
from tholos.kit.threads import in_thread
from tholos.usage import service as usage
from tholos.usage.service import Policy, Seen

PAUSE_S = 1.0
MOST_WAITING = 20_000
"""What comes while the database takes nothing is kept up to here; the rest is not counted."""


class Recorder:
    """Noted on the event loop, written in a thread.

    Args:
        pause_s: how long visits wait for others to be written with them.
    """

    def __init__(self, database: Database, policy: Policy, *, pause_s: float = PAUSE_S) -> None:
        self._database = database
        self._policy = policy
        self._pause_s = pause_s
        self._waiting: list[Seen] = []
        self._has_some = asyncio.Event()
        self._lost = 0

    def note(self, seen: Seen) -> None:
        """Remember a visit; nothing is waited for."""
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(seen)
        self._has_some.set()

    async def run(self) -> None:
        """Write down what is noted, until cancelled."""
        while True:
            await self._has_some.wait()
            await asyncio.sleep(self._pause_s)
            await self.write()

    async def write(self) -> None:
        """Write down what waits, now; what cannot be written waits on."""
        taken, self._waiting = self._waiting, []
        self._has_some.clear()
        if taken and not await attempt(partial(in_thread, self._write, taken)):
            self._waiting = [*taken, *self._waiting][:MOST_WAITING]
            self._has_some.set()
        elif self._lost:
            get_logger().warning("visits_lost", count=self._lost)
            self._lost = 0

    def _write(self, taken: list[Seen]) -> None:
        with self._database.write() as db:
            usage.record(db, taken, self._policy)
