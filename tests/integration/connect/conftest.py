"""The real clients of Posit Connect, unmodified, against a whole installation."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tholos.testing.installation import Installation

CLIENTS = Path(__file__).parents[3] / ".make" / "clients"
NUMBER = count(1)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a client printed, and how it ended."""

    code: int
    out: str

    @property
    def json(self):
        """The JSON that stands in it."""
        return json.loads(self.out[re.search(r"[\[{]", self.out).start() :])


@dataclass(frozen=True, slots=True)
class Clients:
    """Somebody with the clients installed, and a key."""

    server: Installation
    home: Path
    key: str

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": f"{CLIENTS}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "RSCONNECT_DISABLE_VERSION_CHECK": "1",
            "CONNECT_SERVER": self.server.url,
            "CONNECT_API_KEY": self.key,
        }

    def open(self, guid: str, path: str = "") -> str:
        """What content answers at a path, to a program with the key."""
        answer = self.server.ask("GET", f"/content/{guid}/{path}", token=self.key)
        assert answer.status == 200, answer.text
        return answer.text

    def api(self, path: str):
        """What a GET of the API answers."""
        return json.loads(self.server.ask("GET", f"/__api__/v1/{path}", token=self.key).text)

    def rsconnect(
        self, *words: str, cwd: Path | None = None, exits: int | None = 0, env: Mapping[str, str] = {}
    ) -> Ran:
        """Run the command; unless it is to end otherwise, it succeeds."""
        return self._run([str(CLIENTS / "bin" / "rsconnect"), *words], cwd, exits, env)

    def python(self, code: str, *words: str, exits: int | None = 0, env: Mapping[str, str] = {}) -> Ran:
        """Run a script of somebody who uses ``posit.connect`` or ``pins``."""
        return self._run([str(CLIENTS / "bin" / "python"), "-c", code, *words], None, exits, env)

    def _run(self, command: list[str], cwd: Path | None, exits: int | None, env: Mapping[str, str]) -> Ran:
        ran = subprocess.run(
            command, cwd=cwd or self.home, env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=240, check=False,
        )  # fmt: skip
        out = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)
        assert exits is None or ran.returncode == exits, out
        return Ran(ran.returncode, out)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    assert CLIENTS.is_dir(), "the clients are not installed: make .make/clients"
    settings = {"THOLOS_SOURCES__ALLOW_NETWORKS": '["127.0.0.0/8"]'}  # where the tests' repositories are
    installation = Installation(tmp_path_factory.mktemp("connect"), settings)
    installation.start()
    yield installation
    installation.clean()


@pytest.fixture(scope="session")
def clients(server: Installation, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """The administrator with the clients."""
    return Clients(server, tmp_path_factory.mktemp("home"), server.token)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of files, with a name that nothing else has."""

    def make(files: Mapping[str, str | bytes], name: str = "app") -> Path:
        made = tmp_path / f"{name}{next(NUMBER)}"
        for path, content in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            (made / path).write_bytes(data)
        return made

    return make
