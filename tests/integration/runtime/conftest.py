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
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tholos_supervisor
from tholos.runtime import walls
from tholos.runtime.launchers import local
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.model import InstanceSpec, Mount, MountAccess, Sandbox
from tholos.testing.waiting import until

PYTHON = sys.executable
USER = 1_879_100_077
DYING = """
import importlib, mmap, os, signal, sys
sys.path.append({root!r})
from tholos_supervisor import program
module, *names = {target!r}.split(".")
holder = importlib.import_module(module if module == "os" else "tholos_supervisor." + module)
for name in names[:-1]:
    holder = getattr(holder, name)
original = getattr(holder, names[-1])
calls = 0
shared = mmap.mmap(-1, 1)
def once(pid):
    first, shared[0] = not shared[0], 1
    return pid if first else 0
def end():
    victim = {victim}
    if victim:
        os.kill(victim, signal.SIGKILL)
def dying(*args, **kwargs):
    global calls
    calls += 1
    if (calls, {when!r}) == ({nth!r}, "before"):
        end()
    result = original(*args, **kwargs)
    if (calls, {when!r}) == ({nth!r}, "after"):
        end()
    return result
setattr(holder, names[-1], dying)
sys.exit(program.main([{state!r}, {socket!r}]))
"""


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
        with suppress(ProcessLookupError):  # it ended just now
            os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_with(str(home.socket)))
    shutil.rmtree(run)


@pytest.fixture
async def launcher(home: Home) -> AsyncIterator[LocalLauncher]:
    launcher = LocalLauncher(home.state, home.run)
    yield launcher
    await launcher.close()


@pytest.fixture
def dying(home: Home) -> Iterator[Callable[..., None]]:
    """Starts a supervisor that dies at a given step, or has the child that it forked die there, or end it; it is dead for
    certain afterwards, unless it is the child that dies.
    """
    started = []

    def start(
        target: str, when: str, nth: int, victim: str = "os.getpid()", *, is_child: bool = False
    ) -> None:
        root = str(Path(tholos_supervisor.__file__).parent.parent)
        code = DYING.format(
            root=root,
            target=target,
            when=when,
            nth=nth,
            victim=victim,
            state=str(home.state),
            socket=str(home.socket),
        )
        words = [sys.executable, "-I", "-S", "-c", code, str(home.socket)]
        started.append((subprocess.Popen(words, stdin=subprocess.DEVNULL), is_child))
        until(home.socket.exists)

    yield start
    for process, is_child in started:
        if is_child:
            process.kill()
        until(lambda process=process: process.poll() is not None)
        assert process.returncode == -9, "it was meant to die by its own hand"


@pytest.fixture(scope="module")
def found() -> walls.Walls:
    return walls.find()


@pytest.fixture
def sandbox(found: walls.Walls, home: Home) -> Sandbox:
    """All that this machine has, with the test's folder to write."""
    if not found.has("bubblewrap"):
        pytest.skip(f"bubblewrap: {found.missing['bubblewrap']}")
    uid = USER if found.has("uid") else 0
    folder = home.run / "own"
    folder.mkdir()
    (
        folder / ".there"
    ).touch()  # what is empty beside the supervisor's socket is taken for what an instance left
    if uid:
        os.chown(folder, uid, uid)
    return Sandbox(
        uid=uid, home=str(folder), bubblewrap=found.program, landlock=found.has("scopes"),
        seccomp=found.has("seccomp"), cgroups=found.has("cgroups"),
        mounts=(Mount(str(folder), MountAccess.WRITE),), tmp=1 << 20,
    )  # fmt: skip


@pytest.fixture
def script(home: Home, sandbox: Sandbox) -> Callable[..., InstanceSpec]:
    """Makes a spec of a shell script behind walls."""

    def make(text: str, *, within: Sandbox = sandbox, **changes: Any) -> InstanceSpec:
        changes = {"cwd": str(home.run / "own"), "restarts": 0, **changes}
        argv = ["/bin/sh", "-c", text, home.word]
        return replace(home.spec("one", "", **changes), argv=argv, sandbox=within)

    return make


def run_program(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


@pytest.fixture(name="run_program")
def _run_program() -> Callable[[Sequence[str]], subprocess.CompletedProcess[str]]:
    return run_program
