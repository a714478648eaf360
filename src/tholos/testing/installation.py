"""A whole installation in a folder, run as its operator and its users would: the real program, the real command line.

Everything is a process of its own, so that a test can kill any of them at any moment.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from tholos.testing.forked import LEFT_OUT, Forked

OURS = (sys.executable, "-m", "tholos.cli")
START_S = 60.0
END_S = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to :meth:`Installation.ask`."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(slots=True)
class Installation:
    """One server with its data folder.

    Args:
        folder: a folder of its own, with room for data, configuration and the log.
        settings: further ``THOLOS_…`` variables.
        command: how the program is started; the installed ``tholos`` of another environment, say.
        workshop: a folder of environments that other installations use at the same time; none of them may remove one.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = OURS
    workshop: Path | None = None
    url: str = ""
    sign_in_url: str = ""
    token: str = ""
    lent: ClassVar[Path | None] = None
    """What an earlier installation of this process made of the code that runs inside apps: it takes seconds to make."""
    _process: subprocess.Popen[bytes] | Forked | None = None
    _port: int = 0

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def pid(self) -> int:
        """Of the server."""
        assert self._process is not None
        return self._process.pid

    @property
    def supervisor_pid(self) -> int:
        wanted = str(self.data / "supervisor").encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and wanted in _command_line(entry).split(b"\0"):
                return int(entry.name)
        raise ProcessLookupError(wanted)

    def start(self) -> None:
        """Start the server and wait until it answers; the first time, make a token of the administrator."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._borrow()
        # The port is kept from start to start, as an operator's would be.
        arguments = ("up", "--data", str(self.data), "--port", str(self._port))
        offset = self.log.stat().st_size if self.log.exists() else 0
        self._process = self._run(arguments)
        told = self._wait_for_line(offset)
        self.sign_in_url = told
        self.url = told.partition("/setup")[0]
        self._port = self.port
        if not self.token:
            code = told.partition("code=")[2]
            self.token = str(self.api("POST", "/api/v1/tokens", {"code": code}, token="")["token"])

    def _run(self, arguments: Sequence[str]) -> subprocess.Popen[bytes] | Forked:
        # What else a program is told may have to be there before it imports anything.
        if self.command == OURS and all(name.startswith("THOLOS_") for name in self.settings):
            return Forked.start(arguments, self.environment(), self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.command, *arguments],
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End the server at once, as a crash would; its instances and its supervisor stay."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(END_S)

    def stop(self) -> None:
        """End the server as Ctrl-C does: instances and supervisor end too."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(END_S)

    def restart(self) -> None:
        self.kill()
        self.start()

    def clean(self) -> None:
        """Leave no process behind, whatever a test did."""
        if self._process is None:
            return
        if self._process.poll() is not None:
            self.start()
        self.stop()
        if self.command == OURS:
            Installation.lent = self._guests

    def cli(
        self, *arguments: str, token: str | None = None, timeout_s: float = 300.0, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the ``tholos`` command as a user of this server."""
        env = {
            **self.environment(),
            "THOLOS_SERVER": self.url,
            "THOLOS_TOKEN": self.token if token is None else token,
        }
        return subprocess.run(
            [*self.command, *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=cwd,
            check=False,
        )

    def cli_process(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, running: for tests that act while it does."""
        env = {**self.environment(), "THOLOS_SERVER": self.url, "THOLOS_TOKEN": self.token}
        return subprocess.Popen(
            [*self.command, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def environment(self) -> dict[str, str]:
        """Of every process of this installation: a home of its own, and nothing of the tests' own settings."""
        # Nor is it told to keep no byte code, as test runs may be: it would compile itself at every start.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        config = self.folder / "config"
        return {
            **kept,
            "XDG_CONFIG_HOME": str(config),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            # What was live before ends at once, so that tests count what runs; those of roll-back say otherwise.
            "THOLOS_APPS__FALLBACK_S": "0",
            **self.settings,
        }

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        timeout_s: float = 60.0,
    ) -> dict[str, object]:
        """A call of the HTTP API that is expected to succeed.

        Raises: AssertionError: with the server's answer, if it does not.
        """
        answer = self.ask(method, path, body, token=token, timeout_s=timeout_s)
        assert answer.status < 400, f"{method} {path}: {answer.status} {answer.text}"
        return dict(json.loads(answer.body)) if answer.body else {}

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        host: str = "",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> Answered:
        """Any request to the server. ``host`` is an app's name, or empty for the console; ``body`` bytes or JSON."""
        token = self.token if token is None else token
        sent = dict(headers or {})
        sent.setdefault("Host", f"{host}.localhost:{self.port}" if host else f"localhost:{self.port}")
        if token:
            sent.setdefault("Authorization", f"Bearer {token}")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def new_account(self, name: str, role: str = "publisher") -> str:
        """A token of a further account."""
        made = self.api("POST", "/api/v1/accounts", {"name": name, "role": role})
        code = str(made["sign_in_url"]).partition("code=")[2]
        return str(self.api("POST", "/api/v1/tokens", {"code": code}, token="")["token"])

    @property
    def _guests(self) -> Path:
        return self.data / "environments" / "guests"

    def _borrow(self) -> None:
        if self.data.exists():
            return
        lent = Installation.lent
        if self.workshop is not None:
            self.data.mkdir(mode=0o700)
            self.workshop.mkdir(mode=0o700, exist_ok=True)
            self._guests.parent.symlink_to(self.workshop)
        elif lent is not None and lent.is_dir() and self.command == OURS:
            for folder in (self.data, self._guests.parent):
                folder.mkdir(mode=0o700)
            shutil.copytree(lent, self._guests)

    def _wait_for_line(self, offset: int) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            text = self.log.read_bytes()[offset:].decode(errors="replace")
            found = re.search(r"open (\S+)", text)
            if found and "ready at" in text:
                return found[1]
            assert self._process is not None
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        msg = f"the server did not start:\n{self.log.read_text(errors='replace')[-4000:]}"
        raise AssertionError(msg)


def _command_line(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""
