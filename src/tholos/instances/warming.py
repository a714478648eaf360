"""Lets releases that sleep have a process that waits, so that waking one is no start from nothing.

One is made at a time, and none while anything is published. Which there are is decided anew whenever something
changed (:func:`tholos.instances.standbys.plan`); ending those that are let go is the keeper's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from tholos.apps import service as apps
from tholos.instances import service as instances
from tholos.instances.models import ACTIVE, Instance
from tholos.instances.serving import ASLEEP, Serving, ServingTable
from tholos.instances.standbys import Standby, Standbys, plan
from tholos.instances.starting import Starter
from tholos.kit.clock import Clock
from tholos.kit.db import Database
from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import go_on
from tholos.kit.threads import in_long_thread, in_thread
from tholos.operations import service as operations
from tholos.runtime import metering
from tholos.runtime.model import InstanceSpec, ProcessState, ProcessStatus

LONGEST_S = 180.0
"""For importing; what takes longer waits unmeasured."""
MOST_LOSSES = 3
"""Standbys of a release that may end by themselves before no further one is made."""
LOOK_ANYWAY_S = 3600.0
NEVER = b"!"
"""In the guest's notes: importing ahead is not for this release."""


class Keeping(Protocol):
    """What the keeper does for it."""

    async def start_standby(self, spec: InstanceSpec) -> ProcessStatus: ...

    def status_of(self, name: str) -> ProcessStatus | None: ...


@dataclass(slots=True)
class Warmer:
    """Makes standbys and lets them go."""

    database: Database
    notices: Notices
    clock: Clock
    keeper: Keeping
    starter: Starter
    serving: ServingTable
    standbys: Standbys
    limit: int
    """Bytes that all standbys may have together; 0 for none."""
    _sizes: dict[str, int] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    """Releases whose standby ended by itself, or could not be made."""

    async def run(self) -> None:
        """Go on until cancelled."""
        if self.limit:
            await go_on(self._look_when_told)

    async def _look_when_told(self) -> None:
        topics = (apps.TOPIC, apps.SHARING_TOPIC, instances.TOPIC, operations.QUEUE_TOPIC)
        with self.notices.watch(*topics) as told:
            while True:
                if not await self._look():
                    await wait(told, LOOK_ANYWAY_S)

    async def _look(self) -> bool:
        """Do one thing that is due; whether there was one."""
        rows = self.serving.rows()
        sleeping = [row for row in rows if row.state == ASLEEP and self._may_try(row.release_id)]
        sleeping.sort(key=lambda row: row.since.timestamp() if row.since else 0.0, reverse=True)
        able = {row.release_id: row for row in await in_thread(self._that_may, sleeping)}
        held = [one.release_id for one in self.standbys.all]
        waking = {row.release_id for row in rows if row.state != ASLEEP and not row.ready}
        change = plan([*able], held, waking, self._sizes, self.limit)
        for release_id in change.drop:
            self.standbys.drop(release_id)
        if change.drop:
            self.notices.publish(instances.TOPIC)  # the keeper ends them
        if not change.start:
            return False
        return await self._make(able[change.start])

    def _may_try(self, release_id: str) -> bool:
        return release_id not in self._given_up and self.standbys.losses(release_id) < MOST_LOSSES

    def _that_may(self, rows: Collection[Serving]) -> list[Serving]:
        """Those that have noted what they import."""
        return [row for row in rows if _is_noted(self.starter.layout.notes(row.app_id, row.release))]

    async def _make(self, row: Serving) -> bool:
        """Whether anything was done."""
        try:
            standby = await in_long_thread(self._prepare, row)
        except TholosError as error:
            self._give_up(row, error.message)
            return True
        if standby is None:
            return False
        self.standbys.put(standby)
        try:
            await self.keeper.start_standby(replace(standby.spec, waits=True))
            status = await self._warmed(standby.instance)
        except TholosError as error:
            self.standbys.drop(row.release_id)
            self._give_up(row, error.message)
            return True
        if self.standbys.find(row.release_id) != standby:
            return True  # it is an instance by now
        if status is None or status.state != ProcessState.RUNNING:
            self.standbys.drop(row.release_id)
            self._give_up(row, status.reason if status else "it is gone")
            self.notices.publish(instances.TOPIC)
            return True
        await in_thread(self._measure, standby, status.pid)
        get_logger().info("app_warmed", app=row.name, instance=standby.instance, pid=status.pid)
        return True

    def _prepare(self, row: Serving) -> Standby | None:
        """What to start; nothing while something is published, or where it is asleep no more.

        Raises: EnvironmentMissing, PythonNotFound, VariableUnavailable.
        """
        with self.database.read() as db:
            if operations.list_under_way(db) or self._runs(instances.list_of_app(db, row.app_id), row):
                return None
            app, release = apps.get_app(db, row.app_id), apps.get_release(db, row.release_id)
            revealed = self.starter.reveal(db, release)
        instance = instances.new_instance(app, release, self.starter.layout, self.clock.now())
        spec = self.starter.spec(app, release, instance, revealed)
        return Standby(release.id, app.id, row.name, release.number, spec)

    def _runs(self, found: Collection[Instance], row: Serving) -> bool:
        return any(one.release_id == row.release_id and one.state in ACTIVE for one in found)

    async def _warmed(self, name: str) -> ProcessStatus | None:
        """Its status once it waits, or has ended, or was told to go on; as it is after the longest time."""
        with self.notices.watch(instances.topic(name)) as changed:
            try:
                async with asyncio.timeout(LONGEST_S):
                    while (status := self.keeper.status_of(name)) is not None:
                        if status.is_warm or status.state != ProcessState.RUNNING:
                            break
                        if name not in self.standbys.names:
                            break
                        await changed.wait()
                        changed.clear()
            except TimeoutError:
                pass  # it goes on importing
        return self.keeper.status_of(name)

    def _measure(self, standby: Standby, pid: int | None) -> None:
        found = metering.read([pid] if pid else []).get(pid or 0)
        memory = found.memory if found else 0
        self._sizes[standby.release_id] = memory
        self.standbys.measured(standby, pid, memory)

    def _give_up(self, row: Serving, reason: str) -> None:
        self._given_up.add(row.release_id)
        get_logger().info("app_not_warmed", app=row.name, release=row.release, reason=reason)


def _is_noted(notes: Path) -> bool:
    """Whether a release's processes noted something; the file is the app's own to write, and nothing else is read of it."""
    try:
        fd = os.open(notes, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(fd, 1) not in {b"", NEVER}
    except OSError:
        return False
    finally:
        os.close(fd)
