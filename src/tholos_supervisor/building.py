"""One command behind walls, from its start until nothing of it is left: what packages are built in.

``python -I -S PATH/tholos_supervisor/building.py ORDER PROGRAM [ARGUMENT ...]``. The order is JSON and holds no secret; the
command's variables and output are this program's own. Where a limit ended it, the exit code says which.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

if not __package__:
    sys.path.append(__file__.rpartition("/")[0].rpartition("/")[0] or "/")

from tholos_supervisor import cgroups, enclosing, lifecycle, native, processes
from tholos_supervisor.measuring import Gauge
from tholos_supervisor.model import Identity, Spec
from tholos_supervisor.sandbox import Sandbox, sandbox_from

MEMORY, PROCESSES, DISK, TIME, WALLS = 121, 122, 123, 124, 125
"""Exit codes: what ended the command, or kept it from beginning."""
NAME = f"{cgroups.OURS}build-"
"""What the group of a build is called, before the number of the process that looks after it."""
NICE = 5
TICK_S = 0.1
SWEEP_S = 0.01


class Order(NamedTuple):
    """What to hold a command by."""

    sandbox: Sandbox
    cwd: str
    written: tuple[str, ...]
    """Folders whose size is bounded together."""
    disk: int
    """Bytes; 0 for no limit."""
    seconds: float


def main(words: Sequence[str]) -> int:
    """Run the command; its exit code, or one of ours."""
    said = json.loads(words[0])
    sandbox = sandbox_from(said["sandbox"])
    if sandbox is None:
        raise ValueError("an order without a sandbox")
    order = Order(
        sandbox, str(said["cwd"]), tuple(said["written"]), int(said["disk"]), float(said["seconds"])
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    native.become_subreaper()
    try:
        groups = _groups(order.sandbox)
    except (OSError, cgroups.Unavailable) as error:
        print(f"error: the build's control groups cannot be had: {error}", file=sys.stderr)  # noqa: T201
        return WALLS
    mark = os.urandom(16).hex()
    env = {**os.environ, processes.MARK_VARIABLE: mark}
    leader = None
    try:
        leader = _begin(order, tuple(words[1:]), env, groups)
        return _outcome(order, _watch(order, leader), groups)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _end(leader, mark, groups)


def _leave(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def _groups(sandbox: Sandbox) -> cgroups.Groups:
    """Raises: OSError, Unavailable."""
    if not sandbox.cgroups:
        return ()
    bases = cgroups.base(f"{NAME}{os.getpid()}")
    _clear({place.parent for place in bases.values()})
    return cgroups.make(bases, "one", sandbox)


def _clear(places: set[Path]) -> None:
    """End builds that nobody looks after any more: who did was killed."""
    for place in places:
        for house in place.glob(f"{NAME}*"):
            if not Path(f"/proc/{house.name.removeprefix(NAME)}").exists():
                _empty((str(house / "one"),))
                with suppress(OSError):
                    house.rmdir()


def _begin(order: Order, argv: tuple[str, ...], env: Mapping[str, str], groups: cgroups.Groups) -> Identity:
    """Start the command; the walls are gone through in the child."""
    spec = Spec(
        "build", argv, {}, order.cwd, "/dev/null", 1 << 20, "", 0, 1.0, 1.0, {}, sandbox=order.sandbox
    )
    pid = os.fork()
    if pid:
        return processes.identify(pid)
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        # Whoever holds the lock of this work is this program, and nobody who could let go of it.
        os.closerange(3, 1 << 20)
        enclosing.enter_groups(groups)
        os.nice(NICE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if order.disk:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order.disk, order.disk))
        enclosing.execute(spec, order.sandbox, env, dies_with_parent=True)
    except OSError as error:
        os.write(2, f"error: the build's walls cannot be had: {error}\n".encode(errors="replace"))
    finally:
        os._exit(WALLS)


def _watch(order: Order, leader: Identity) -> int:
    """Wait for the end of the command; its exit code, or ours where its time or its disk ends it."""
    gauge, until = Gauge(order.written, order.disk), time.monotonic() + order.seconds
    poll, pidfd = select.poll(), os.pidfd_open(leader.pid)
    poll.register(pidfd, select.POLLIN)
    while not poll.poll(TICK_S * 1000):
        if gauge.is_over():
            return DISK
        if time.monotonic() > until:
            return TIME
    os.close(pidfd)
    _, status = os.waitpid(leader.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code and gauge.is_over(surely=True):
        return DISK
    return 128 - code if code < 0 else code


def _outcome(order: Order, code: int, groups: cgroups.Groups) -> int:
    """What a command that failed was ended by."""
    if code in {0, DISK, TIME}:
        return code
    if order.sandbox.memory and cgroups.out_of_memory(groups):
        return MEMORY
    if order.sandbox.processes and cgroups.out_of_processes(groups):
        return PROCESSES
    return code


def _end(leader: Identity | None, mark: str, groups: cgroups.Groups) -> None:
    """End everything that the command began, and wait until it is gone."""
    while True:
        were_there = cgroups.kill(groups)
        family = processes.family(leader, mark) if leader is not None else []
        for process in family:
            processes.send(process, signal.SIGKILL)
        if not were_there and not family:
            break
        _reap()
        time.sleep(SWEEP_S)
    _empty(groups)


def _empty(groups: cgroups.Groups) -> None:
    """Remove groups, whoever is in them; what cannot be now the next build removes."""
    until = time.monotonic() + lifecycle.FIRST_DELAY_S
    while not cgroups.remove(groups) and time.monotonic() < until:
        cgroups.kill(groups)
        time.sleep(SWEEP_S)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
