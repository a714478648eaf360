"""The clock of schedules: sleeps until the earliest time, and begins what is due. One per server.

It asks nobody in between: a change of a schedule wakes it, and so does the end of an operation, after which another may begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tholos.kit.clock import Clock
from tholos.kit.db import Database
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import PAUSE_S, attempt, go_on
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.schedules import service as schedules

LONGEST_WAIT_S = 600.0
"""A machine that slept, or whose clock was set, is noticed after this."""


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """Begins what schedules say."""

    database: Database
    notices: Notices
    clock: Clock

    async def run(self) -> None:
        """Keep time until cancelled."""
        await go_on(self._begin_when_due)

    async def _begin_when_due(self) -> None:
        with self.notices.watch(schedules.TOPIC, operations.QUEUE_TOPIC) as woken:
            while True:
                left_s = await self._begin_due()
                await wait(woken, left_s)

    async def _begin_due(self) -> float:
        """Begin what is due, and return for how long nothing will be. One that breaks keeps none of the others waiting."""
        due = await in_thread(self._list_due)
        done = [await attempt(partial(in_thread, self._begin, schedule_id)) for schedule_id in due]
        if due:
            self.notices.publish(operations.QUEUE_TOPIC)
        next_at = await in_thread(self._find_next_at)
        if next_at is None:
            return LONGEST_WAIT_S
        left_s = (next_at - self.clock.now()).total_seconds()
        return min(max(left_s, 0.0 if all(done) else PAUSE_S), LONGEST_WAIT_S)

    def _list_due(self) -> Sequence[str]:
        with self.database.read() as db:
            return schedules.list_due(db, self.clock.now())

    def _begin(self, schedule_id: str) -> None:
        with self.database.write() as db:
            begun = schedules.begin_due(db, schedule_id, self.clock.now())
        get_logger().info("schedule_due", schedule=schedule_id, operation=begun.id if begun else None)

    def _find_next_at(self) -> datetime | None:
        with self.database.read() as db:
            return schedules.find_next_at(db)
