"""The uv program as a child process: its own environment, progress by the line, cancelled and timed out as a group.

What its failures mean is said in ``uv_failures``; what to run, by ``environments``.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from tholos.kit.errors import Conflict, Unavailable
from tholos.runtime.taking import NO_MOST, Most, Taken

Log = Callable[[str], None]

PASSED_ON = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""What of the server's environment uv gets: how the network is reached, and nothing else."""
TICK_S = 0.1
PATIENCE_S = 0.4
"""Seconds between TERM and KILL of a cancelled run: it must be over within one."""


class Cancelled(Conflict):
    """Cannot go on: it was cancelled."""

    code = "cancelled"


class UvTimedOut(Unavailable):
    """Cannot build the environment: uv took too long."""

    code = "environment_timed_out"


class UvMissing(Unavailable):
    """Cannot build environments: the uv program cannot be started."""

    code = "uv_missing"


class Cancel(Protocol):
    """A request to stop, as ``threading.Event`` is one."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Index:
    """Where packages come from. Passwords stand in the URLs; they reach uv by its environment, not its command line."""

    url: str = ""
    """The default index; empty for PyPI."""
    extra: tuple[str, ...] = ()
    """Further indexes; they come before the default."""
    find_links: tuple[str, ...] = ()
    """Folders or pages of wheels."""
    is_offline: bool = False
    """Nothing is fetched: only the cache and folders of wheels."""

    def variables(self) -> dict[str, str]:
        chosen = {
            "UV_DEFAULT_INDEX": self.url,
            "UV_INDEX": " ".join(self.extra),
            "UV_FIND_LINKS": ",".join(self.find_links),
            "UV_OFFLINE": "1" if self.is_offline else "",
        }
        return {name: value for name, value in chosen.items() if value}


class Never:
    """The cancel token of what nobody cancels."""

    def is_set(self) -> bool:
        return False


NEVER = Never()


def silent(_line: str) -> None:
    """The log of what nobody watches."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run of uv that came to its end."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows a piece of work: its log, whether it is still wanted, and the file lock it holds."""

    log: Log = silent
    cancel: Cancel = NEVER
    lock: int | None = None
    """Descriptor of a file lock that uv inherits, so that it holds until uv is gone even if we are killed."""


def variables(env: Mapping[str, str], index: Index, cache: Path, home: Path) -> dict[str, str]:
    """The whole environment of a uv process."""
    return {
        **{name: env[name] for name in PASSED_ON if name in env},
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "UV_CACHE_DIR": str(cache),
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_LINK_MODE": "hardlink",
        "UV_HTTP_RETRIES": "2",
        "UV_HTTP_TIMEOUT": "30",
        **index.variables(),
    }


def run(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: Path,
    timeout_s: float,
    watch: Watch,
    most: Most = NO_MOST,
) -> Finished:
    """Run a command to its end; what it prints on standard error goes to the log line by line.

    Args:
        argv: program and arguments.
        env: its whole environment.
        cwd: its working directory.
        timeout_s: seconds after which its process group is ended.
        watch: its log is called with each line, in this thread; once cancelled, the group is ended within a second.
        most: what it may take; it is ended where it takes more.

    Raises:
        Cancelled, UvTimedOut, UvMissing, TookTooMuch: as they say.
    """
    with tempfile.TemporaryFile() as stdout:
        try:
            process = subprocess.Popen(
                argv,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=() if watch.lock is None else (watch.lock,),
            )
        except OSError as error:
            raise UvMissing(
                f"Cannot build environments: {argv[0]} cannot be started ({error.strerror}).",
                fix="Install uv beside the server: pip install uv.",
            ) from error
        try:
            lines = follow(process, time.monotonic() + timeout_s, watch, Taken(process.pid, most))
        finally:
            end_group(process)
        stdout.seek(0)
        return Finished(process.returncode, stdout.read().decode("utf-8", "replace"), "\n".join(lines))


def follow(process: subprocess.Popen[bytes], deadline: float, watch: Watch, taken: Taken) -> list[str]:
    """Hand on lines until the process is over, the deadline passes, somebody cancels or it takes too much."""
    lines: list[str] = []
    rest = b""
    assert process.stderr is not None  # noqa: S101 - we asked for the pipe
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        while True:
            if watch.cancel.is_set():
                raise Cancelled
            if time.monotonic() > deadline:
                raise UvTimedOut(fix="Look at the log for the package that it waits for; then publish again.")
            taken.check()
            is_over = process.poll() is not None
            chunk = read_some(process.stderr) if selector.select(0 if is_over else TICK_S) else b""
            *complete, rest = (rest + chunk).split(b"\n")
            for line in complete:
                lines.append(line.decode("utf-8", "replace").rstrip())
                watch.log(lines[-1])
            if is_over and not chunk:
                return [*lines, rest.decode("utf-8", "replace")] if rest else lines
            if not is_over and not chunk and selector.select(0):
                process_wait(process)  # its end of the pipe is closed: it is about to end


def read_some(pipe: IO[bytes]) -> bytes:
    return os.read(pipe.fileno(), 1 << 16)


def process_wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(TICK_S)
    except subprocess.TimeoutExpired:
        return


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the group behind: build backends start programs of their own."""
    if process.poll() is None:
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
            process.wait()
    signal_group(process.pid, signal.SIGKILL)
    if process.stderr is not None:
        process.stderr.close()


def signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
