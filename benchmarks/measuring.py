"""What the benchmarks share: a server of their own in a temporary folder, a client that never stops asking, the last line."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tholos.testing.installation import Installation

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sysconfig.get_path("scripts")) / "tholos"
"""The console script that people type."""


def report(name: str, figure: float, bound: float) -> int:
    """Print the line that closes a benchmark; answers its exit code."""
    is_ok = figure <= bound
    print(f"{name} {figure:.2f} {bound:g} {'ok' if is_ok else 'short'}", flush=True)
    return 0 if is_ok else 1


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards; its path is short, since sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="tholos-bench-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def server(folder: Path, **settings: str) -> Iterator[Installation]:
    """A running server with an administrator's token, with these ``THOLOS_…`` settings."""
    said = {"XDG_CACHE_HOME": str(folder / "cache"), **settings}
    running = Installation(folder / "server", settings=said, command=(str(COMMAND),))
    running.start()
    try:
        yield running
    finally:
        running.clean()


def publish(running: Installation, folder: Path, name: str) -> tuple[float, str]:
    """Publish as a person does; answers the wall clock's time at Enter and what was printed.

    Raises: SystemExit: it failed.
    """
    process = running.cli_process("publish", str(folder), "--name", name, "--json")
    at = time.time()
    said, complaint = process.communicate(timeout=300)
    if process.returncode:
        sys.exit(f"Cannot measure: the publish ended with {process.returncode}.\n{said}\n{complaint}")
    return at, said


@dataclass(slots=True)
class Asking:
    """Asks for one page again and again, on one connection as long as it lasts, and notes when each answer was new.

    Args:
        port: on this machine.
        headers: with the Host.
        pause_s: between an answer and the next question; the answers are no finer than it.
    """

    port: int
    headers: dict[str, str]
    pause_s: float = 0.003
    asked: int = 0
    failures: list[str] = field(default_factory=list)
    _bodies: dict[bytes, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def forget(self) -> None:
        """From here on an answer is new that was given before, too."""
        self._bodies = {}

    def wait_for(self, text: bytes, seconds: float = 60.0) -> float:
        """The wall clock's time of the first answer with this text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for body, at in list(self._bodies.items()):
                if text in body:
                    return at
            time.sleep(0.005)
        sys.exit(f"Cannot measure: no answer has {text.decode()!r} after {seconds:g} s.")

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/", headers=self.headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            else:
                self.asked += 1
                self._bodies.setdefault(body, time.time())
                if answer.status != 200:
                    self.failures.append(str(answer.status))
            time.sleep(self.pause_s)
        connection.close()


def time_to_answer(command: list[str], folder: Path, port: int) -> float:
    """Seconds from the start of a program to its first answer on a port; it is ended then."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("GET", "/")
                connection.getresponse().read()
                return time.monotonic() - start
            except OSError:
                if process.poll() is not None or time.monotonic() - start > 60:
                    sys.exit(f"Cannot measure: {' '.join(command)} does not answer.")
                time.sleep(0.002)
            finally:
                connection.close()
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"Cannot measure: {what} is not so after {seconds:g} s.")
        time.sleep(0.1)
