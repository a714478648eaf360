"""A PostgreSQL server for tests: started from the distribution's binaries, on a unix socket, gone with its folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

DEBIAN = Path("/usr/lib/postgresql")
SUPERUSER = "tholos"
START_TIMEOUT_S = 60.0
_PROGRAMS = ("initdb", "postgres")
# Tests want answers, not durability; and clients are only those of one test run.
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
}


class PostgresMissing(RuntimeError):
    """The programs of PostgreSQL are not on this machine."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that answers."""

    socket_folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.socket_folder}"

    def create(self, database: str) -> str:
        """Make an empty database; returns its URL."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return self.url(database)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket_folder), user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=5
        )


def find_programs(folder: Path = DEBIAN, path: str | None = None) -> Path:
    """The folder of the newest ``initdb`` and ``postgres``.

    Raises: PostgresMissing: naming what was looked for, and where.
    """
    versions = [one for one in folder.glob("*/bin") if one.parent.name.isdecimal()]
    found = sorted(versions, key=lambda one: int(one.parent.name), reverse=True)
    on_path = shutil.which("initdb", path=path)
    candidates = [*found, *([Path(on_path).parent] if on_path else [])]
    for candidate in candidates:
        if all((candidate / program).exists() for program in _PROGRAMS):
            return candidate
    msg = (
        f"Cannot run the tests on PostgreSQL: {' and '.join(_PROGRAMS)} are neither in {folder}/*/bin nor on PATH. "
        "Install the distribution's package postgresql (apt-get install postgresql)."
    )
    raise PostgresMissing(msg)


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A fresh server while the block runs.

    Raises: PostgresMissing. RuntimeError: it did not come up; its log says why.
    """
    programs = find_programs()
    user = "postgres" if os.getuid() == 0 else None
    with _folder(user) as folder:
        data = folder / "data"
        _run([str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "trust",
              "-E", "UTF8", "--no-locale", "--no-sync"], user, folder)  # fmt: skip
        options = [f"-c{name}={value}" for name, value in _OPTIONS.items()]
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), *options]
        with (folder / "log").open("wb") as log:
            # As root it refuses to run, and gets a user without any rights instead.
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder,
                user=user, group=user, extra_groups=_groups(user),
            )  # fmt: skip
            try:
                server = Postgres(folder)
                _await(server, process, folder / "log")
                yield server
            finally:
                process.send_signal(signal.SIGINT)  # fast shutdown: whoever is still connected is cut off
                process.wait(30)


@contextlib.contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    """A folder with a short path, for its sockets, that the server's user owns."""
    with tempfile.TemporaryDirectory(prefix="tholos-pg-", dir="/tmp") as name:
        folder = Path(name)
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        yield folder


def _groups(user: str | None) -> list[str | int] | None:
    return None if user is None else []


def _run(command: Sequence[str], user: str | None, folder: Path) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, check=False, timeout=120,
        user=user, group=user, extra_groups=_groups(user),
    )  # fmt: skip
    if done.returncode != 0:
        msg = f"{command[0]} failed: {done.stderr.strip()}"
        raise RuntimeError(msg)


def _await(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                msg = f"PostgreSQL did not come up: {log.read_text(errors='replace')}"
                raise RuntimeError(msg) from error
            time.sleep(0.05)
        else:
            return
