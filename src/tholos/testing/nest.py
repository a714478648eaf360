"""The process that :mod:`tholos.testing.forked` asks: it has imported the server, and every server is a fork of it."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from tholos.cli.main import main
from tholos.server import foreground

BIGGEST = 1 << 20
"""Bytes of a message."""


class Wish(TypedDict, total=False):
    """What is asked: a server with these words, environment and log, or how one ended."""

    argv: Sequence[str]
    env: Mapping[str, str]
    log: str
    ended: int


def serve(asked: socket.socket) -> int:
    """Answer until nobody can ask any more; in a fork, be ``tholos``, and return its exit code."""
    assert foreground.__name__ in sys.modules
    assert threading.active_count() == 1  # a thread would not be in the fork, and its locks would
    gc.freeze()
    while said := asked.recv(BIGGEST):
        wish: Wish = json.loads(said)
        if "ended" in wish:
            asked.send(json.dumps(_ended(wish["ended"])).encode())
            continue
        pid = os.fork()
        if pid == 0:
            asked.close()
            return _become(wish)
        asked.send(json.dumps(pid).encode())
    return 0


def _ended(pid: int) -> int | None:
    """The exit code, as :class:`subprocess.Popen` says it, or ``None`` while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(wish: Wish) -> int:
    os.setsid()
    log = os.open(Path(wish["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["tholos", *wish["argv"]]
    return main(wish["argv"])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1]))))
