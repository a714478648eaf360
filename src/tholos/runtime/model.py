"""Instances as values, and the seam behind which something starts them. No I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

PLATFORM_PREFIX = "platform_"
"""Begins the names of processes that belong to the platform itself: nobody's instance, and nobody's stray."""


class ProcessState(StrEnum):
    """What the supervisor knows of an instance's process group."""

    RUNNING = "running"
    BACKOFF = "backoff"
    """It ended by itself and will be started again at ``next_start_at``."""
    STOPPING = "stopping"
    EXITED = "exited"
    """It was told to stop, and has; or it ended by itself and the engine has no secrets to start it again with."""
    FAILED = "failed"
    """It ended by itself too often, or could not be started at all; it is not tried again."""


class MountAccess(StrEnum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder that an instance sees, at the path where it lies."""

    path: str
    access: MountAccess


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Which layers hold an instance; each that is named must hold, or it does not start."""

    uid: int = 0
    """User and group that it runs as; 0 for the server's own."""
    home: str = ""
    bubblewrap: str = ""
    """Path of the program; empty for none."""
    landlock: bool = False
    seccomp: bool = False
    cgroups: bool = False
    guarded: bool = False
    """Whether addresses at which clouds tell secrets, and ports that others have opened here, are refused to it."""
    ports: tuple[int, ...] = ()
    """Ports of this machine that it reaches all the same."""
    network: bool = True
    """Whether it may use the network."""
    mounts: tuple[Mount, ...] = ()
    """What it sees besides the system."""
    tmp: int = 0
    """Bytes of its own /tmp and of its own /dev/shm; 0 for as much as the system gives."""
    memory: int = 0
    """Bytes of all its processes together; 0 for no limit, as for the next two."""
    processes: int = 0
    cpu: int = 0
    """Thousandths of a core."""


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """What to run. Starting the same instance twice is one start."""

    instance: str
    argv: Sequence[str]
    env: Mapping[str, str]
    """The whole environment: nothing is inherited."""
    cwd: str
    log: str
    """File that standard output and error are appended to; nobody else holds a pipe."""
    log_limit: int = 64 << 20
    """Bytes of the log that are kept; older ones are given back to the disk."""
    socket: str = ""
    """Path of the unix socket it will listen on; removed before each start and after the end."""
    restarts: int = 10
    """Ends in a row that are tolerated; a run of ``stable_s`` seconds begins the count anew."""
    stable_s: float = 60.0
    grace_s: float = 10.0
    """Seconds between TERM and KILL."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """rlimits by name: ``nofile``, ``core`` …"""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further variables, kept in memory only: one that ends after its engine was replaced has ``EXITED`` and is to be
    asked for anew."""
    sandbox: Sandbox | None = None
    """``None`` where nothing but its limits holds it."""
    waits: bool = False
    """Whether it is to prepare and then wait for a start of the same that does not: then it goes on. It is not started again
    where it ends before."""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One instance as the launcher sees it; times are Unix seconds."""

    instance: str
    state: ProcessState
    pid: int | None
    started_at: float | None
    ended_at: float | None
    next_start_at: float | None
    exit_code: int | None
    """Of the last end; ``None`` where none is known; negative for a signal, as in ``subprocess``."""
    ends: int
    """Ends by itself in a row."""
    reason: str
    """One sentence for people: ``exited with code 1 after 0.2 s``, ``killed by SIGKILL``."""
    waits: bool = False
    """Whether it was not told to go on, also where it has ended: then it never was what its name says."""
    is_warm: bool = False
    """Whether it is prepared and waits."""


class Launcher(Protocol):
    """Starts, watches and ends process groups, and outlives the server.

    Raises:
        LauncherUnavailable: the engine cannot be reached just now.
    """

    async def start(self, spec: InstanceSpec) -> ProcessStatus: ...

    async def stop(self, instance: str) -> ProcessStatus:
        """Ask the instance to end; returns at once, the end comes as an event."""
        ...

    async def forget(self, instance: str) -> None:
        """Drop what is recorded of an instance that has ended; unknown ones are fine."""
        ...

    async def list(self) -> Sequence[ProcessStatus]: ...

    def events(self) -> AsyncIterator[ProcessStatus]:
        """First every instance as it is, then each change as it happens; begins again after a reconnect."""
        ...

    async def close(self) -> None: ...
