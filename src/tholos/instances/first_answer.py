"""Whether a process that was started comes to serve: its first answer, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tholos.instances import service as instances
from tholos.instances.causes import Causes
from tholos.instances.models import Instance, InstanceState
from tholos.kit.company import first_of
from tholos.kit.db import Database
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread
from tholos.runtime.probe import READY_BELOW, first_status


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Waits for it, and for the end of what may never give one."""

    database: Database
    notices: Notices
    causes: Causes

    async def of(self, instance: Instance) -> int:
        """Its status.

        Raises: InstanceDied, StartTimedOut, AnswersWithError.
        """
        status = await first_of(self._death(instance.id), self._status(instance))
        if isinstance(status, Instance):
            raise await in_thread(self.causes.died, status)
        if status is None:
            raise await in_thread(self.causes.silent, instance)
        if status >= READY_BELOW:
            raise await in_thread(self.causes.error_answer, instance, status)
        return status

    async def _status(self, instance: Instance) -> int | None:
        socket = Path(instance.address.removeprefix("unix:"))
        try:
            seconds = await in_thread(self.causes.timeout_of, instance)
            return await first_status(socket, "localhost", seconds)
        except TimeoutError:
            return None

    async def _death(self, instance_id: str) -> Instance:
        """The instance, once it has ended by itself or was stopped."""
        with self.notices.watch(instances.topic(instance_id)) as changed:
            while True:
                instance = await in_thread(self._get, instance_id)
                if instance.state not in {InstanceState.STARTING, InstanceState.READY}:
                    return instance
                await changed.wait()
                changed.clear()

    def _get(self, instance_id: str) -> Instance:
        with self.database.read() as db:
            return instances.get_instance(db, instance_id)
