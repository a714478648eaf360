"""Apps in real processes: environments built by uv, the guest code, unix sockets."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uv

from tholos.detect.model import Kind, Requirements
from tholos.runtime import plan
from tholos.runtime.crashes import find_crash
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreter, Interpreters, PythonNotFound
from tholos.runtime.tracebacks import Traceback

START_S = 90.0


class Machine:
    """Environments and interpreters, made once for all tests."""

    def __init__(self, root: Path) -> None:
        program = os.fspath(uv.find_uv_bin())
        self.environments = Environments(root, program=program, env=os.environ)
        self.interpreters = Interpreters(program, env=os.environ, home=Path.home())

    def python(self, version: str) -> Interpreter:
        try:
            return self.interpreters.choose("", version).interpreter
        except PythonNotFound as error:
            pytest.skip(error.message)

    def environment(self, requirements: str, python: Interpreter) -> str:
        wish = Requirements("requirements.txt", requirements, "")
        lock = self.environments.lock(wish, python, "tests")
        return self.environments.build(lock, python, "tests").python


class App:
    """A running app."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, log: Path, folder: Path) -> None:
        self.process = process
        self.path = path
        self.folder = folder
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def crash(self) -> Traceback:
        """What is told of why it failed."""
        found = find_crash(self._log, str(self.folder))
        assert found, self.log
        return found.traceback

    def wait_until(self, is_so: Callable[[], object]) -> None:
        ends = time.monotonic() + START_S
        while not is_so():
            assert time.monotonic() < ends, self.log
            time.sleep(0.02)

    @staticmethod
    def is_running(pid: int) -> bool:
        try:
            return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        except FileNotFoundError:
            return False

    def await_ready(self) -> App:
        ends = time.monotonic() + START_S
        while time.monotonic() < ends and self.process.poll() is None:
            try:
                self.connect().close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError(self.log)

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(20)
            connection.connect(os.fspath(self.path))
        except OSError:
            connection.close()
            raise
        return connection

    def ask(self, target: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        asked = {"Connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
        talk = http.client.HTTPConnection("demo.localhost", timeout=20)
        talk.sock = self.connect()
        try:
            talk.request(method, target, body=body, headers=asked)
            response = talk.getresponse()
            return Answer(response.status, response.read(), dict(response.getheaders()))
        finally:
            talk.close()

    def raw(self, data: bytes) -> bytes:
        with self.connect() as connection:
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(1 << 16):
                received += chunk
        return received

    def await_end(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(START_S)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


class Answer:
    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = {name.lower(): value for name, value in headers.items()}


@pytest.fixture(scope="session")
def machine(workshop) -> Machine:
    return Machine(workshop)


@pytest.fixture
def start(machine, tmp_path) -> Iterator:
    """Start an app of some files: ``start(kind, entrypoint, files, requirements="", version="3.11", options=())``."""
    started: list[App] = []
    sockets = tempfile.TemporaryDirectory(prefix="th")  # a unix socket's path is short

    def begin(
        kind: Kind,
        entrypoint: str,
        files: dict[str, str],
        requirements: str = "",
        version: str = "3.11",
        options: tuple[str, ...] = (),
    ) -> App:
        python = machine.python(version)
        executable = machine.environment(requirements, python)
        guest = machine.environments.guest(python)
        folder = tmp_path / f"app{len(started)}"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        path = Path(sockets.name) / f"{len(started)}.sock"
        argv = plan.command(
            kind,
            entrypoint,
            python=executable,
            bootstrap=str(guest.bootstrap),
            wheels=str(guest.wheels),
            socket=str(path),
            options=options,
        )
        env = plan.environment(
            python=executable,
            app="demo",
            release=1,
            data=str(tmp_path),
            temporary=str(tmp_path),
            url="http://demo",
        )
        log = tmp_path / f"{len(started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(argv, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT)
        started.append(App(process, path, log, folder))
        return started[-1]

    yield begin
    for app in started:
        if app.process.poll() is None:
            app.process.kill()
        app.process.wait()
    sockets.cleanup()
