"""Servers that are forks of one process of the test run: most of what a server's start costs is importing its code.

Only how it is started differs from ``tholos up``; everything after that is the same.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tholos.testing.nest import Wish

START_S = 120.0
LEFT_OUT = ("THOLOS_", "XDG_", "PYTHONDONTWRITEBYTECODE")
"""Of the environment of tests: nothing of their own settings, and byte code is kept."""
_lock = threading.Lock()


@dataclass(slots=True)
class Forked:
    """A server that runs, to be used like :class:`subprocess.Popen`."""

    pid: int
    returncode: int | None = None

    @classmethod
    def start(cls, argv: Sequence[str], env: Mapping[str, str], log: Path) -> Forked:
        """Start ``tholos`` with these words; what it prints is added to the log."""
        log.touch()
        pid = _ask({"argv": argv, "env": env, "log": str(log)})
        assert pid
        return cls(pid)

    def poll(self) -> int | None:
        """Its exit code, or ``None`` while it runs."""
        if self.returncode is None:
            self.returncode = _ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended.

        Raises: subprocess.TimeoutExpired: it runs still.
        """
        if self.poll() is None:
            watched = os.pidfd_open(self.pid)
            try:
                select.select([watched], [], [], timeout)
            finally:
                os.close(watched)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("tholos", timeout)
        return code

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


@dataclass(frozen=True, slots=True)
class _Nest:
    """The process that has imported the server, and the way to ask it."""

    process: subprocess.Popen[bytes]
    way: socket.socket

    def ask(self, wish: Wish) -> int | None:
        self.way.send(json.dumps(wish).encode())
        said = self.way.recv(1024)
        assert said, "the process that starts servers has ended"
        answer: int | None = json.loads(said)
        return answer

    def close(self) -> None:
        """Nobody can ask it any more, so it ends."""
        self.way.close()
        self.process.wait(START_S)


def _ask(wish: Wish) -> int | None:
    with _lock:
        return _nest().ask(wish)


@cache
def _nest() -> _Nest:
    """There is one for each process of a test run."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(START_S)
    env = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tholos.testing.nest", str(theirs.fileno())],
            env={**env, "PYTHONUNBUFFERED": "1"},
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    made = _Nest(process, ours)
    atexit.register(made.close)
    return made
