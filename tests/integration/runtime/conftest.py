"""Supervisors with real processes, each test with folders of its own that are empty of processes afterwards."""

import json
import os
import shutil
import signal
import socket as sockets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tholos.runtime.launchers import local
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.model import InstanceSpec
from tholos.testing.waiting import until

PYTHON = sys.executable


def processes_with(word: str) -> list[int]:
    """Living processes with a word in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if word.encode() in words and state not in "ZX":
            found.append(int(path.name))
    return found


class Home(NamedTuple):
    """The folders of one supervisor, and a word that stands in the command line of everything it starts."""

    state: Path
    run: Path
    word: str

    @property
    def socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def pid(self) -> int:
        return int((self.state / "lock").read_text() or 0)

    def command(self) -> list[str]:
        return [*local.supervisor_command(self.state, self.socket)]

    def spec(self, instance: str, code: str, **changes: Any) -> InstanceSpec:
        """An instance that runs Python code."""
        log = str(self.run / f"{instance}.log")
        fields: dict[str, Any] = {"env": {"PATH": "/usr/bin:/bin"}, "cwd": str(self.run), "log": log}
        argv = [PYTHON, "-I", "-S", "-c", code, self.word]
        return InstanceSpec(**{"instance": instance, "argv": argv, **fields, **changes})

    def log(self, instance: str) -> str:
        return (self.run / f"{instance}.log").read_text()

    def record(self, instance: str) -> dict[str, Any]:
        return json.loads((self.state / "instances" / f"{instance}.json").read_bytes())

    def alive(self) -> list[int]:
        return processes_with(self.word)

    def is_supervised(self) -> bool:
        return bool(processes_with(str(self.socket)))

    def kill_supervisor(self) -> None:
        """KILL, and wait until the lock is free."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in processes_with(str(self.socket)))

    def is_small_enough(self, limit_kb: int) -> str:
        """Empty if the supervisor's resident set is, else its size."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        size = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:"))
        return "" if size < limit_kb else f"{size} kB"

    def disk(self, instance: str) -> int:
        """Bytes that a log holds on the disk."""
        return (self.run / f"{instance}.log").stat().st_blocks * 512

    def connect(self) -> sockets.socket:
        client = sockets.socket(sockets.AF_UNIX)
        client.settimeout(10)
        try:
            client.connect(str(self.socket))
        except OSError:
            client.close()
            raise
        return client


@pytest.fixture
def home() -> Iterator[Home]:
    # pytest's own folders may have paths too long for a socket.
    run = Path(tempfile.mkdtemp(prefix="tholos-"))
    home = Home(run / "state", run, f"word-{run.name}")
    yield home
    for pid in [*processes_with(str(home.socket)), *home.alive()]:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_with(str(home.socket)))
    shutil.rmtree(run)


@pytest.fixture
async def launcher(home: Home) -> AsyncIterator[LocalLauncher]:
    launcher = LocalLauncher(home.state, home.run)
    yield launcher
    await launcher.close()


def run_program(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


@pytest.fixture(name="run_program")
def _run_program() -> Callable[[Sequence[str]], subprocess.CompletedProcess[str]]:
    return run_program
