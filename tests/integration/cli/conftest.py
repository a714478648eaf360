"""The command line in a home of its own, against the fake server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tholos.accounts import service as accounts
from tholos.cli.main import main
from tholos.testing import showroom
from tholos.testing.api import FakeApi, serving
from tholos.testing.showroom import Showroom

SRC = Path(__file__).parents[3] / "src"

FLASK = """from flask import Flask


app = Flask(__name__)
"""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Tholos = Callable[..., Ran]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serving() as started:
        yield started


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without memory; the working directory is elsewhere."""
    for name in ("THOLOS_SERVER", "THOLOS_TOKEN", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / "elsewhere").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.chdir(home / "elsewhere")
    return home


@pytest.fixture
def tholos(capfd: pytest.CaptureFixture[str]) -> Tholos:
    """Run a command in this process; a port in what it prints reads PORT."""

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        try:
            code = main(arguments)
        except SystemExit as error:
            code = int(str(error.code))
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def logged_in(tholos: Tholos, api: FakeApi) -> Tholos:
    ran = tholos("login", f"{api.url}/sign-in?code={api.code}")
    assert ran.code == 0, ran.err
    return tholos


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showroom]:
    """The real application with people, apps and what they did."""
    with showroom.opened(tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def signed_in(room: Showroom, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes the command line's person somebody there, by a token; gives it."""

    def become(name: str = "admin") -> str:
        with room.database.write() as db:
            account = accounts.get_account(db, room.rows.people[name].account_id)
            _, secret = accounts.create_token(db, account, f"of {name}", 1, room.clock.now())
        monkeypatch.setenv("THOLOS_SERVER", room.site.url)
        monkeypatch.setenv("THOLOS_TOKEN", secret)
        return secret

    return become


@pytest.fixture
def by(tholos: Tholos, signed_in: Callable[..., str]) -> Callable[[str], Tholos]:
    """The command line as somebody."""

    def become(name: str) -> Tholos:
        signed_in(name)
        return tholos

    return become


def document(ran: Ran) -> dict[str, Any]:
    """What a command printed as JSON."""
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


@pytest.fixture
def app(home: Path) -> Path:
    """A Flask app's folder, which is where the person is."""
    folder = home / "Sales API"
    folder.mkdir()
    (folder / "app.py").write_text(FLASK)
    (folder / "requirements.txt").write_text("flask\n")
    os.chdir(folder)
    return folder


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command as a process of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tholos.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
