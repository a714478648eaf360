"""The supervisor as a program: arguments, the lock of the state folder, the daemon, the way out.

Exit codes: 0 left or detached, 1 cannot run, 2 usage, 3 another supervisor has this folder.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from tholos_supervisor import native
from tholos_supervisor.loop import Loop
from tholos_supervisor.records import Records
from tholos_supervisor.supervisor import Supervisor
from tholos_supervisor.wire import Listener

USAGE = "usage: tholos_supervisor [--detach] STATE_FOLDER SOCKET"
LONGEST_SOCKET_PATH = 107
"""Bytes: unix(7)."""


def main(arguments: list[str]) -> int:
    """Serve until told to leave; with ``--detach`` in a process of its own, returning once that can be reached."""
    detach = arguments[:1] == ["--detach"]
    places = [Path(os.path.abspath(argument)) for argument in arguments[detach:]]  # noqa: PTH100 - no links resolved
    if len(places) != 2:
        return _say(USAGE, 2)
    state, path = places
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        return _say(f"Cannot listen on {path}: the path has more than {LONGEST_SOCKET_PATH} bytes.", 1)
    os.closerange(3, 65536)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _take(lock):
            return _say(f"Cannot start: another supervisor has {state}.", 3)
        records = Records(state / "instances")
        listener = Listener(path)
        if detach:
            _detach(state / "supervisor.log")
    except OSError as error:
        return _say(f"Cannot start the supervisor: {error}.", 1)
    _serve(lock, records, listener)
    return 0


def _serve(lock: int, records: Records, listener: Listener) -> None:
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    os.chdir("/")
    native.become_subreaper()
    Supervisor(Loop(), records, listener).run()


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _detach(log: Path) -> None:
    """Go on in a child with a session of its own; the caller's process leaves, lock and socket stay with the child."""
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(out)


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr, flush=True)  # noqa: T201
    return code
