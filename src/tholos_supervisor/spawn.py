"""Starting one process so that it either is on record or never was.

The forked child waits on a pipe until its identity is durable; if the supervisor dies before, the pipe
ends and so does the child. So no process runs that no record knows.
"""

from __future__ import annotations

import os
import resource
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tholos_supervisor import cgroups, enclosing, processes
from tholos_supervisor.model import RLIMITS, Identity, Spec

EXEC_TIMEOUT_MS = 5000
"""A dead network file system must not hold the supervisor for ever."""

_DEFAULTED = (
    signal.SIGCHLD,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGXFSZ,
)


class CannotStart(Exception):
    """The program could not be executed; the text says why."""


def spawn(
    spec: Spec,
    mark: str,
    log_fd: int,
    record: Callable[[Identity], None],
    groups: cgroups.Groups = (),
    word_fd: int | None = None,
) -> None:
    """Start the process; returns once it runs its own program.

    Args:
        spec: what to run.
        mark: the value of the marking variable.
        log_fd: where output goes.
        record: makes the identity durable; the program is executed only after it returned.
        groups: control groups that it joins before its own program begins.
        word_fd: what it reads as its standard input, where that is to tell it something.

    Raises:
        CannotStart: nothing runs.
        OSError: it could not be recorded; nothing runs.
    """
    go_read, go_write = os.pipe()
    said_read, said_write = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        for fd in (go_read, go_write, said_read, said_write):
            os.close(fd)
        raise CannotStart(f"Cannot start a process: {error.strerror}.") from None
    if pid == 0:
        os.close(go_write)
        _become(spec, mark, (log_fd, word_fd), go_read, said_write, groups)
    os.close(go_read)
    os.close(said_write)
    try:
        record(processes.identify(pid))
        os.write(go_write, b"g")
    except OSError:
        os.close(go_write)
        os.close(said_read)
        os.waitpid(pid, 0)
        raise
    os.close(go_write)
    said = _hear(said_read)
    if said:
        os.waitpid(pid, 0)
        raise CannotStart(_explain(spec, said))


def _hear(fd: int) -> str:
    """What the child says went wrong; the end of the pipe without a word means that it was executed."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    try:
        return os.read(fd, 4096).decode() if poll.poll(EXEC_TIMEOUT_MS) else ""
    finally:
        os.close(fd)


def _explain(spec: Spec, said: str) -> str:
    stage, number = said.split(":")
    error = os.strerror(int(number))
    if stage == "cwd":
        return f"Cannot start in {spec.cwd}: {error}."
    if stage == "limits":
        return f"Cannot set the limits: {error}."
    if stage in {"groups", "walls"}:
        why = f"its {'control groups' if stage == 'groups' else 'sandbox'} cannot be had"
        return f"Cannot start {spec.argv[0]}: {why} ({error}). tholos doctor says what this machine has."
    program = spec.argv[0]
    if int(number) == 2 and "/" in program and Path(spec.cwd, program).exists():
        return f"Cannot start {program}: the interpreter that its first line names is missing."
    return f"Cannot start {program}: {error}."


def _become(
    spec: Spec, mark: str, given: tuple[int, int | None], go_fd: int, said_fd: int, groups: cgroups.Groups
) -> None:
    """Runs in the child and never returns."""
    stage = "exec"
    try:
        _forget_parent(*given)
        if not os.read(go_fd, 1):
            os._exit(125)
        if groups:
            stage = "groups"
            enclosing.enter_groups(groups)
        stage = "cwd"
        os.chdir(spec.cwd)
        stage = "limits"
        _lower_limits(spec.limits)
        env = {**spec.env, **spec.secrets, processes.MARK_VARIABLE: mark}
        if spec.sandbox is not None:
            stage = "walls"
            enclosing.execute(spec, spec.sandbox, env)
        stage = "exec"
        os.execvpe(spec.argv[0], spec.argv, env)  # noqa: S606
    except OSError as error:
        with suppress(OSError):
            os.write(said_fd, f"{stage}:{error.errno or 0}".encode())
    finally:
        os._exit(127)


def _forget_parent(log_fd: int, word_fd: int | None) -> None:
    for number in _DEFAULTED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY) if word_fd is None else word_fd, 0)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)


def _lower_limits(limits: dict[str, int]) -> None:
    for name, wanted in limits.items():
        number = RLIMITS[name]
        _, hard = resource.getrlimit(number)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(number, (value, value))
