"""The real clients of Posit Connect, unmodified, against a whole installation."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from tholos.testing.authority import Authority
from tholos.testing.installation import Answered, Installation

CLIENTS = Path(__file__).parents[3] / ".make" / "clients"
NUMBER = count(1)
APP = '''"""Says which version it is; needs no package."""


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"version {version}"]
'''


SDK = """
import io, json, sys, tarfile, time
from posit import connect
from posit.connect.errors import ClientError

client = connect.Client()

def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ClientError as error:
        assert error.error_code == code, error
        assert error.error_message
        return error
    raise AssertionError("it was not refused")

def bundle(files, **manifest):
    made = io.BytesIO()
    said = {"version": 1, "locale": "en_US.UTF-8", "files": {}, **manifest}
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in {**files, "manifest.json": json.dumps(said)}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()
"""
"""What scripts of posit-sdk begin with."""


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
class Wire(Answered):
    """An answer of the API."""

    @property
    def json(self):
        return json.loads(self.body)


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

    def of(self, key: str) -> Clients:
        """The same for whoever has this key."""
        return replace(self, key=key)

    def deploys(self, made: Path, *words: str, exits: int | None = 0, kind: str = "api") -> str:
        """Deploy a folder, and answer what it was told."""
        return self.rsconnect("deploy", kind, *words, ".", cwd=made, exits=exits).out

    def open(self, guid: str, path: str = "") -> str:
        """What content answers at a path, to a program with the key."""
        answer = self.server.ask("GET", f"/content/{guid}/{path}", token=self.key)
        assert answer.status == 200, answer.text
        return answer.text

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Wire:
        """Any call of the API, as its clients make it; a header's name has ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Key {self.key}", **named}
        answer = self.server.ask(method, f"/__api__/v1/{path}", body, headers=sent, token="")
        return Wire(answer.status, answer.headers, answer.body)

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


def wsgi(version: object = 1) -> dict[str, str]:
    """The files of an app that says a version."""
    return {
        "app.py": APP.replace("{version}", str(version)),
        "requirements.txt": "\n",
        ".python-version": "3.11\n",
    }


def manifest(mode: str = "python-api", entrypoint: str = "app", **keys: object) -> str:
    """As a client writes it for such an app; the checksums are of nothing."""
    document = {
        "version": 1,
        "locale": "en_US.UTF-8",
        "metadata": {"appmode": mode, "entrypoint": entrypoint},
        "python": {
            "version": "3.11.7",
            "package_manager": {"name": "pip", "package_file": "requirements.txt"},
        },
        "environment": {"python": {"requires": "~=3.11.0"}},
        "files": {"app.py": {"checksum": "0" * 32}, "requirements.txt": {"checksum": "0" * 32}},
    }
    return json.dumps({**document, **keys})


def pack(files: Mapping[str, str | bytes], members: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A gzip-compressed tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in members:
            archive.addfile(member)
    return packed.getvalue()


def guid_in(made: Path) -> str:
    """Of what was deployed from a folder, as the client remembers it."""
    record = next((made / "rsconnect-python").glob("*.json"))
    return str(next(iter(json.loads(record.read_text()).values()))["app_guid"])


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whose certificates the server believes of repositories' hosts."""
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    assert CLIENTS.is_dir(), "the clients are not installed: make .make/clients"
    settings = {
        "THOLOS_SOURCES__ALLOW_NETWORKS": '["127.0.0.0/8"]',  # where the tests' repositories are
        "THOLOS_SOURCES__CA_FILE": str(authority.file),
        "THOLOS_SOURCES__SIZE_LIMIT": str(4 << 20),
    }
    installation = Installation(tmp_path_factory.mktemp("connect"), settings)
    installation.start()
    yield installation
    installation.clean()


@pytest.fixture(scope="module", autouse=True)
def tidied(server: Installation) -> Iterator[None]:
    """What a module has deployed does not run on beside the next one's tests."""
    yield
    for app in server.api("GET", "/api/v1/apps")["items"]:
        server.ask("DELETE", f"/api/v1/apps/{app['name']}")


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
