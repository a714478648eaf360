"""Processes that run beside instances, for an operation or by mistake: no row tells of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tholos.instances import service as instances
from tholos.kit.notices import Notices
from tholos.runtime.launchers.errors import InstanceUnknown
from tholos.runtime.model import InstanceSpec, Launcher, ProcessState, ProcessStatus

_OVER = frozenset({ProcessState.EXITED, ProcessState.FAILED})


def name_of(operation_id: str) -> str:
    """The name of the process that an operation may run beside instances."""
    return "once_" + operation_id.removeprefix("op_")


@dataclass(frozen=True, slots=True)
class OneOffs:
    """Runs such processes to their end; what it knows of them is the keeper's."""

    launcher: Launcher
    notices: Notices
    heard: asyncio.Event
    """Set once what runs is known."""
    processes: dict[str, ProcessStatus]
    """All that run, as they were last heard of."""
    names: set[str]
    """Those that somebody here waits for."""

    async def run(self, spec: InstanceSpec, seconds: float) -> ProcessStatus | None:
        """Run a process that is no app's instance to its end; None where it had to be ended.

        Doing it again waits on. Its name is that of its operation (:func:`name_of`), whose end it does not outlive.

        Raises: LauncherUnavailable.
        """
        await self.heard.wait()
        name = spec.instance
        self.names.add(name)
        try:
            async with asyncio.timeout(seconds):
                status = await self._to_end(spec)
                if status is None:  # it was told to stop, by a server that then ended
                    status = await self._to_end(spec)
        except TimeoutError:
            await self.end(name)
            return None
        finally:
            self.names.discard(name)
        return status

    async def _to_end(self, spec: InstanceSpec) -> ProcessStatus | None:
        """How it ended; None where it was stopped."""
        name = spec.instance
        with self.notices.watch(instances.topic(name)) as changed:
            self.processes[name] = await self.launcher.start(spec)
            while not self._is_over(name):
                await changed.wait()
                changed.clear()
        status = self.processes.pop(name)
        await self.launcher.forget(name)
        return status if status.state == ProcessState.FAILED else None

    def _is_over(self, name: str) -> bool:
        status = self.processes.get(name)
        return status is not None and status.state in _OVER

    async def end(self, name: str) -> None:
        """End a process that :meth:`run` may have left behind."""
        await self.heard.wait()
        if name in self.processes:
            await self.end_stray(name)

    async def end_stray(self, name: str) -> None:
        """End a process that has no row; one that has ended is forgotten."""
        try:
            status = await self.launcher.stop(name)
        except InstanceUnknown:
            self.processes.pop(name, None)
            return
        if status.state in _OVER:
            self.processes.pop(name, None)
            await self.launcher.forget(name)
