"""An in-memory launcher, and the contract that it and every real launcher keep."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tholos.runtime.launchers.errors import InstanceNotEnded, InstanceUnknown, LauncherUnavailable
from tholos.runtime.model import InstanceSpec, Launcher, ProcessState, ProcessStatus

TIMEOUT_S = 15.0
ENDED = frozenset({ProcessState.EXITED, ProcessState.FAILED})


class MemoryLauncher:
    """A launcher without processes and without waiting.

    Args:
        programs: by the first word of ``argv``, how a program ends at once: an exit code, or ``None`` if it
            cannot be started. A program that is not listed runs until it is stopped or `end` is called.
    """

    def __init__(self, programs: Mapping[str, int | None] | None = None) -> None:
        self.specs: dict[str, InstanceSpec] = {}
        self.bereft: set[str] = set()
        """Instances whose secrets the engine has no more."""
        self._programs = dict(programs or {})
        self._statuses: dict[str, ProcessStatus] = {}
        self._watchers: set[asyncio.Queue[ProcessStatus | None]] = set()
        self._next_pid = 1000
        self._closed = False

    async def start(self, spec: InstanceSpec) -> ProcessStatus:
        self._check_open()
        if spec.instance not in self._statuses:
            self.specs[spec.instance] = spec
            self._run(spec.instance, ends=0)
        return self._statuses[spec.instance]

    async def stop(self, instance: str) -> ProcessStatus:
        status = self._get(instance)
        if status.state is ProcessState.RUNNING:
            self._set(replace(status, state=ProcessState.STOPPING, reason="told to stop"))
            asyncio.get_running_loop().call_soon(self._exit, instance)
        elif status.state is ProcessState.BACKOFF:
            reason = "stopped while it waited for its next start"
            self._set(replace(status, state=ProcessState.EXITED, next_start_at=None, reason=reason))
        return self._statuses[instance]

    async def forget(self, instance: str) -> None:
        self._check_open()
        status = self._statuses.get(instance)
        if status is not None and status.state not in ENDED:
            raise InstanceNotEnded(f"Cannot forget {instance}: it has not ended.")
        self._statuses.pop(instance, None)
        self.specs.pop(instance, None)
        self.bereft.discard(instance)

    async def list(self) -> Sequence[ProcessStatus]:
        self._check_open()
        return [*self._statuses.values()]

    async def events(self) -> AsyncIterator[ProcessStatus]:
        self._check_open()
        with self._watcher() as queue:
            for status in list(self._statuses.values()):
                yield status
            while (change := await queue.get()) is not None:
                yield change

    async def close(self) -> None:
        self._closed = True
        for queue in self._watchers:
            queue.put_nowait(None)

    def replace_engine(self) -> None:
        """As if the engine were killed and another one took up what runs: what was in memory only is gone."""
        self.bereft = {instance for instance, spec in self.specs.items() if spec.secrets}

    def end(self, instance: str, exit_code: int) -> ProcessStatus:
        """Let a running instance end by itself; it waits in BACKOFF until `resume`, or has FAILED, or EXITED."""
        status = self._statuses[instance]
        ends = status.ends + 1
        over = replace(status, pid=None, ended_at=time.time(), exit_code=exit_code, ends=ends)
        reason = f"exited with code {exit_code} after 0.0 s"
        if ends > self.specs[instance].restarts:
            return self._set(replace(over, state=ProcessState.FAILED, reason=reason))
        if instance in self.bereft:
            return self._set(
                replace(over, state=ProcessState.EXITED, reason=f"{reason}; its secrets are gone")
            )
        return self._set(replace(over, state=ProcessState.BACKOFF, next_start_at=time.time(), reason=reason))

    def resume(self, instance: str) -> None:
        """Start an instance that waits in BACKOFF."""
        status = self._statuses.get(instance)
        if status is not None and status.state is ProcessState.BACKOFF:
            self._run(instance, ends=status.ends)

    def _run(self, instance: str, ends: int) -> None:
        program = self.specs[instance].argv[0]
        now = time.time()
        if program in self._programs and self._programs[program] is None:
            reason = f"Cannot start {program}: No such file or directory."
            self._set(ProcessStatus(instance, ProcessState.FAILED, None, None, now, None, None, ends, reason))
            return
        pid = self._next_pid
        self._next_pid += 1
        reason = f"started, pid {pid}"
        self._set(ProcessStatus(instance, ProcessState.RUNNING, pid, now, None, None, None, ends, reason))
        exit_code = self._programs.get(program)
        if exit_code is not None:
            asyncio.get_running_loop().call_soon(self._end_and_resume, instance, pid, exit_code)

    def _end_and_resume(self, instance: str, pid: int, exit_code: int) -> None:
        status = self._statuses.get(instance)
        if status is None or status.pid != pid or status.state is not ProcessState.RUNNING:
            return
        if self.end(instance, exit_code).state is ProcessState.BACKOFF:
            asyncio.get_running_loop().call_soon(self.resume, instance)

    def _exit(self, instance: str) -> None:
        status = self._statuses[instance]
        reason = "killed by SIGTERM after 0.0 s, after it was told to stop"
        over = replace(status, state=ProcessState.EXITED, pid=None, ended_at=time.time(), exit_code=-15)
        self._set(replace(over, reason=reason))

    def _get(self, instance: str) -> ProcessStatus:
        self._check_open()
        if instance not in self._statuses:
            raise InstanceUnknown(f"Cannot find {instance}: there is no such instance.")
        return self._statuses[instance]

    def _set(self, status: ProcessStatus) -> ProcessStatus:
        self._statuses[status.instance] = status
        for queue in self._watchers:
            queue.put_nowait(status)
        return status

    @contextmanager
    def _watcher(self) -> Iterator[asyncio.Queue[ProcessStatus | None]]:
        queue: asyncio.Queue[ProcessStatus | None] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    def _check_open(self) -> None:
        if self._closed:
            raise LauncherUnavailable("Cannot reach the supervisor: this launcher is closed.")


async def wait_for(
    launcher: Launcher, instance: str, *states: ProcessState, timeout_s: float = TIMEOUT_S
) -> ProcessStatus:
    """The first status of the instance in one of the states.

    Raises:
        TimeoutError: none came in time.
    """
    return (await history(launcher, instance, *states, timeout_s=timeout_s))[-1]


async def history(
    launcher: Launcher, instance: str, *states: ProcessState, timeout_s: float = TIMEOUT_S
) -> list[ProcessStatus]:
    """Every status of the instance from now until it is in one of the states."""
    seen: list[ProcessStatus] = []
    async with asyncio.timeout(timeout_s):
        async for status in launcher.events():
            if status.instance == instance:
                seen.append(status)
                if status.state in states:
                    break
    return seen


class LauncherContract(ABC):
    """What every launcher does. Subclass it, give the fixture ``launcher`` and say how to run three programs."""

    runs: Sequence[str]
    """``argv`` of a program that runs until it is stopped."""
    exits_3: Sequence[str]
    """``argv`` of a program that exits with code 3 at once."""
    missing: Sequence[str]
    """``argv`` of a program that is not there."""

    @pytest.fixture
    @abstractmethod
    def launcher(self, tmp_path: Path) -> object:
        """A `Launcher`; ended and closed afterwards."""

    @pytest.fixture
    def spec(self, tmp_path: Path) -> Callable[..., InstanceSpec]:
        """Makes a spec of ``(instance, argv, restarts)``."""

        def make(instance: str, argv: Sequence[str], restarts: int = 2) -> InstanceSpec:
            log = str(tmp_path / f"{instance}.log")
            return InstanceSpec(
                instance, argv, {"PATH": "/usr/bin:/bin"}, str(tmp_path), log, restarts=restarts
            )

        return make

    async def test_start_gives_a_running_process(
        self, launcher: Launcher, spec: Callable[..., InstanceSpec]
    ) -> None:
        """A started instance is RUNNING, has a pid, a time and a sentence, and is listed."""
        status = await launcher.start(spec("one", self.runs))
        assert (status.instance, status.state, status.ends) == ("one", ProcessState.RUNNING, 0)
        assert status.pid
        assert status.started_at
        assert status.reason
        assert await launcher.list() == [status]

    async def test_starting_twice_is_one_start(
        self, launcher: Launcher, spec: Callable[..., InstanceSpec]
    ) -> None:
        """The second start of a name gives the status of the first, whatever its state."""
        first = await launcher.start(spec("one", self.runs))
        assert await launcher.start(spec("one", self.runs)) == first
        await launcher.start(spec("two", self.missing))
        assert (await launcher.start(spec("two", self.runs))).state is ProcessState.FAILED

    async def test_stop_ends_for_good(self, launcher: Launcher, spec: Callable[..., InstanceSpec]) -> None:
        """A stopped instance is STOPPING, then EXITED, and is not started again."""
        await launcher.start(spec("one", self.runs))
        assert (await launcher.stop("one")).state in {ProcessState.STOPPING, ProcessState.EXITED}
        status = await wait_for(launcher, "one", ProcessState.EXITED)
        assert status.pid is None
        assert status.ended_at
        assert status.exit_code == -15
        assert await launcher.stop("one") == status

    async def test_missing_program_fails_at_once(
        self, launcher: Launcher, spec: Callable[..., InstanceSpec]
    ) -> None:
        """What cannot be executed is FAILED in the answer already, with a reason that names it."""
        status = await launcher.start(spec("one", self.missing))
        assert status.state is ProcessState.FAILED
        assert status.pid is None
        assert self.missing[0] in status.reason

    async def test_crash_loop_ends_in_failed(
        self, launcher: Launcher, spec: Callable[..., InstanceSpec]
    ) -> None:
        """Ends in a row are counted and tolerated up to ``restarts``; the exit code is kept."""
        await launcher.start(spec("one", self.exits_3, restarts=1))
        status = await wait_for(launcher, "one", ProcessState.FAILED)
        assert (status.ends, status.exit_code) == (2, 3)
        assert "exited with code 3" in status.reason

    async def test_forget(self, launcher: Launcher, spec: Callable[..., InstanceSpec]) -> None:
        """Only what has ended can be forgotten; its name is free then, and unknown ones are fine."""
        await launcher.start(spec("one", self.runs))
        with pytest.raises(InstanceNotEnded):
            await launcher.forget("one")
        await launcher.stop("one")
        await wait_for(launcher, "one", ProcessState.EXITED)
        await launcher.forget("one")
        await launcher.forget("one")
        assert await launcher.list() == []
        assert (await launcher.start(spec("one", self.runs))).state is ProcessState.RUNNING

    async def test_unknown_instance(self, launcher: Launcher) -> None:
        """Stopping what was never started is an error of its own."""
        with pytest.raises(InstanceUnknown):
            await launcher.stop("nobody")

    async def test_events_begin_with_everything(
        self, launcher: Launcher, spec: Callable[..., InstanceSpec]
    ) -> None:
        """Each stream tells every instance first, then each change."""
        one = await launcher.start(spec("one", self.runs))
        two = await launcher.start(spec("two", self.missing))
        seen = []
        async with asyncio.timeout(TIMEOUT_S):
            async for status in launcher.events():
                seen.append(status)
                if len(seen) == 2:
                    await launcher.stop("one")
                if status.state is ProcessState.EXITED:
                    break
        assert seen[:2] == [one, two]
        assert [status.state for status in seen[2:]] == [ProcessState.STOPPING, ProcessState.EXITED]

    async def test_closed_launcher_says_so(self, launcher: Launcher) -> None:
        """After close every call is refused, and streams end."""
        await launcher.close()
        with pytest.raises(LauncherUnavailable):
            await launcher.list()
