"""What apps store is measured now and then, and an app that stores more than it may is ended and told.

Nothing tells when a folder grows and few file systems bound one, so it is a soft limit: between two looks an app may store more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from tholos.apps import service as apps
from tholos.instances import met
from tholos.instances import service as instances
from tholos.instances.serving import ServingTable
from tholos.instances.starting import Starter
from tholos.kit.db import Database
from tholos.kit.persistence import go_on
from tholos.kit.threads import in_long_thread
from tholos.runtime import storage

SHARE = 50
"""Looking takes at most one part in so many of the time: who keeps millions of files is looked at more rarely."""


class Ending(Protocol):
    """What the keeper does for it."""

    def give_up(self, instance_id: str, reason: str) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Storekeeper:
    """Looks at what the apps store that run."""

    database: Database
    keeper: Ending
    starter: Starter
    serving: ServingTable
    every_s: float

    async def run(self) -> None:
        """Go on until cancelled."""
        await go_on(self._look_regularly)

    async def _look_regularly(self) -> None:
        pause_s = self.every_s
        while True:
            await asyncio.sleep(pause_s)
            began = time.monotonic()
            for row in self.serving.rows():
                if row.ready:
                    await self._look([one.instance for one in row.ready])
            pause_s = max(self.every_s, SHARE * (time.monotonic() - began))

    async def _look(self, found: list[str]) -> None:
        """At the instances of one release."""
        reason = await in_long_thread(self._over, found[0])
        for instance_id in found if reason else ():
            await self.keeper.give_up(instance_id, reason)

    def _over(self, instance_id: str) -> str:
        """Why an instance must end; empty where it need not."""
        with self.database.read() as db:
            instance = instances.find_instance(db, instance_id)
            if instance is None:
                return ""
            most_mb = self.starter.disk_mb_of(apps.get_release(db, instance.release_id))
        if not most_mb:
            return ""
        try:
            taken = storage.used(self.starter.written_by(instance))
        except storage.TooDeep:
            return "It stores folders so deep within each other that they cannot be measured."
        if taken <= most_mb << 20:
            return ""
        return met.stores_too_much(taken >> 20, most_mb)
