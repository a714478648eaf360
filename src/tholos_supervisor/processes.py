"""What /proc knows: who a process is beyond doubt, and which processes belong to an instance.

Reads and sends signals; starting is ``spawn``'s, deciding is ``instance``'s. Source of the fields: proc(5).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tholos_supervisor.model import Identity

MARK_VARIABLE = "THOLOS_INSTANCE_MARK"
DEAD = frozenset("ZXx")

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class Process(NamedTuple):
    """One line of /proc/PID/stat."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    start: int


def boot_seconds() -> float:
    """Seconds after boot, sleep included: the clock that no step moves and that outlives the supervisor."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def find(pid: int) -> Process | None:
    """The process as it is, or ``None`` if there is none of that number."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - read for every process, often
            line = file.read()
    except OSError:
        return None
    # The second field is the program's name in parentheses and may itself hold blanks and parentheses.
    fields = line[line.rindex(b")") + 2 :].split(None, 20)
    return Process(pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def gave_up(pid: int) -> tuple[int, int]:
    """What a process gave up for itself and all that comes of it, for good: the more, the larger. Nobody gets it back.

    Raises:
        OSError: there is no such process, or none that is seen from here.
    """
    lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
    told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return int(told.get("NoNewPrivs", 0)), int(told.get("Seccomp_filters", 0))


def identify(pid: int) -> Identity:
    """The identity of a child that is not reaped yet."""
    process = find(pid)
    return Identity(pid, process.start if process else 0, BOOT)


def is_alive(identity: Identity) -> bool:
    """Whether this very process still runs; a zombie does not."""
    if identity.boot != BOOT:
        return False
    process = find(identity.pid)
    return process is not None and process.start == identity.start and process.state not in DEAD


def open_pidfd(identity: Identity) -> int | None:
    """A descriptor that becomes readable when this very process ends; ``None`` if it has ended."""
    try:
        fd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    # Only looking after opening proves that the descriptor is of the process that is meant.
    if is_alive(identity):
        return fd
    os.close(fd)
    return None


def send(process: Process | Identity, number: int) -> bool:
    """Send a signal to this very process, or to nobody.

    Returns:
        Whether it was sent; no where the process has ended or is somebody else's (a setuid program).
    """
    identity = process if isinstance(process, Identity) else Identity(process.pid, process.start, BOOT)
    fd = open_pidfd(identity)
    if fd is None:
        return False
    try:
        signal.pidfd_send_signal(fd, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(fd)
    return True


def terminate_group(leader: Identity) -> None:
    """TERM to the group of a leader that is alive; only then is the number certainly its group's."""
    if not is_alive(leader):
        return
    try:
        os.killpg(leader.pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return


def terminate_wrapped(leader: Identity) -> None:
    """TERM to the group of a leader that only waits for the others, and would leave them behind."""
    if not is_alive(leader):
        return
    others = [one for one in _living() if one.group == leader.pid and one.pid != leader.pid]
    for process in others:
        send(process, signal.SIGTERM)
    if not others:  # it has not begun anything yet
        terminate_group(leader)


def children_of(parent: int) -> list[Process]:
    """Living children."""
    return [process for process in _living() if process.parent == parent]


def family(leader: Identity, mark: str) -> list[Process]:
    """Living processes of an instance: its session, what carries its mark, and everything below these.

    A process that left the session is found by its mark, one that also dropped its environment by its parents.
    """
    if leader.boot != BOOT:
        return []
    living = {process.pid: process for process in _living() if process.start >= leader.start}
    taken = living.get(leader.pid)
    reused = taken is not None and taken.start != leader.start
    needle = f"{MARK_VARIABLE}={mark}".encode()
    found = {
        pid
        for pid, process in living.items()
        if (process.session == leader.pid and not reused) or _carries(pid, needle)
    }
    return [living[pid] for pid in found | _below(found, living) if pid != os.getpid()]


def _below(roots: set[int], living: dict[int, Process]) -> set[int]:
    """Children of the roots, and theirs."""
    children: dict[int, list[int]] = {}
    for process in living.values():
        children.setdefault(process.parent, []).append(process.pid)
    below: set[int] = set()
    todo = list(roots)
    while todo:
        new = [pid for pid in children.get(todo.pop(), ()) if pid not in below]
        below.update(new)
        todo += new
    return below


def _living() -> Iterator[Process]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - read often, and names are all that is wanted
        if name.isdecimal():
            process = find(int(name))
            if process is not None and process.state not in DEAD:
                yield process


def _carries(pid: int, needle: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return needle in file.read().split(b"\0")
    except OSError:
        return False
