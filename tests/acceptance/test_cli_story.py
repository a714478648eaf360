"""A publisher's day at the command line of the wheel: every command, its words, its JSON and its exit code."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
from pathlib import Path

import pytest

from tholos.testing.installation import Installation

pytestmark = pytest.mark.timeout(300)

WORKS = '''"""Sales, by a callable that needs no package."""

import json


def application(environ, start_response):
    print("asked for", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"total": 1}).encode()]
'''
BREAKS = WORKS.replace("import json\n", 'import json\n\nLIMIT = int("many")\n')


class Terminal:
    """A publisher's own machine: a home of its own and the installed command; no variable tells it anything."""

    def __init__(self, server: Installation, command: Path, home: Path) -> None:
        self.server = server
        self.command = command
        self.home = home
        self.env = {
            **{name: text for name, text in server.environment().items() if name != "THOLOS_TOKEN"},
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }

    def run(self, *arguments: str | Path, exits: int = 0, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [self.command, *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=cwd or self.home,
        )
        told = done.stdout + done.stderr
        print(f"$ tholos {' '.join(map(str, arguments))}\n{told}")
        assert done.returncode == exits, told
        return done.stdout if exits == 0 else told

    def read(self, *arguments: str | Path, exits: int = 0, cwd: Path | None = None) -> dict[str, object]:
        """The document that a command prints with ``--json``: all that is on stdout."""
        done = subprocess.run(
            [self.command, *arguments, "--json"],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=cwd or self.home,
        )
        assert done.returncode == exits, done.stdout + done.stderr
        document = json.loads(done.stdout)
        assert document["version"] == 1
        return document


@pytest.fixture
def terminal(server: Installation, client_only: Path, tmp_path: Path) -> Terminal:
    """With the client alone: publishing needs no more."""
    return Terminal(server, client_only, tmp_path)


def link_for(server: Installation, name: str) -> str:
    return str(server.api("POST", "/api/v1/accounts", {"name": name, "role": "publisher"})["sign_in_url"])


def test_the_client_alone(client_only: Path, terminal: Terminal) -> None:
    """Its one dependency is packaging; it helps, and says what a server would need."""
    listed = subprocess.run(
        [
            client_only.with_name("python"),
            "-c",
            "from importlib.metadata import *; print(*sorted(d.name for d in distributions()))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == ["packaging", "tholos"]
    assert "publish a folder" in terminal.run("--help")
    for command in ("up", "doctor"):
        assert 'pip install "tholos[server]"' in terminal.run(command, exits=5)
    assert "tholos login" in terminal.run("list", exits=4, cwd=terminal.home)


def test_a_day(server: Installation, installed: Path, terminal: Terminal) -> None:
    """Log in, publish, look, break it, mend it, follow the log, delete."""
    link = link_for(server, "grace")
    assert "✔ grace (publisher) on localhost:" in terminal.run("login", link)
    assert "used" in terminal.run("login", link, exits=4)
    assert "nothing is published yet" in terminal.run("list")
    assert terminal.read("list")["apps"] == []

    folder = terminal.home / "sales-api"
    folder.mkdir()
    (folder / "app.py").write_text(WORKS)
    url = f"http://sales-api.localhost:{server.port}/"
    told = terminal.run("publish", cwd=folder)
    assert re.search(r"^  release 1 +GET / → 200, live +[\d.]+ s$", told, re.MULTILINE)
    assert "app:application in app.py:6" in told
    next_command = "only you can open it · tholos share sales-api --with WHO"
    assert told.splitlines()[-2:] == [f"  {url}", f"  {next_command}"]
    assert "nothing changed: release 1 is live" in terminal.run("publish", cwd=folder)
    again = terminal.read("publish", cwd=folder)
    assert (again["state"], again["release"], again["url"]) == ("unchanged", 1, url)

    listed = terminal.run("list")
    assert re.search(rf"^ *sales-api +serving +1 +\S.* {re.escape(url)}$", listed, re.MULTILINE)
    assert "serving, since" in terminal.run("status", cwd=folder)
    assert terminal.read("status", "sales-api")["app"]["live"]["number"] == 1  # type: ignore[index]
    assert terminal.run("open", "--print", cwd=folder).strip() == url
    assert "sales-api is serving" in terminal.run("why", "sales-api")
    assert terminal.read("why", "sales-api")["state"]["word"] == "serving"  # type: ignore[index]

    (folder / "app.py").write_text(BREAKS)
    failed = terminal.run("publish", "-m", "a limit", cwd=folder, exits=1)
    assert re.search(r"^  release 2 +failed: ", failed, re.MULTILINE)
    assert re.search(r"^    app\.py:5\b", failed, re.MULTILINE)
    assert "ValueError: invalid literal for int() with base 10: 'many'" in failed
    assert re.search(
        r"^  release 1 keeps serving · tholos logs sales-api --release 2 +exit 1$", failed, re.MULTILINE
    )
    assert "Traceback" in terminal.run("logs", "sales-api", "--release", "2")
    broken = terminal.read("publish", "-m", "again", cwd=folder, exits=1)
    assert broken["state"] == "failed"
    assert broken["error"]["where"] == "app.py:5"  # type: ignore[index]
    assert ask(terminal, "/after").startswith("200")

    follow(terminal, "/followed")
    assert "asked for /followed" in terminal.run("logs", "sales-api")
    assert "asked for /followed" in str(terminal.read("logs", "sales-api")["lines"])

    assert "it was not confirmed" in terminal.run("delete", "sales-api", exits=2)
    assert "deleted" in terminal.run("delete", "sales-api", "--yes")
    assert "There is no app" in terminal.run("status", "sales-api", exits=6)
    assert terminal.read("why", "sales-api", exits=6)["error"]["code"] == "app_not_found"  # type: ignore[index]
    assert terminal.read("list")["apps"] == []
    assert "logged out" in terminal.run("logout")


def test_doctor_of_the_server(server: Installation, installed: Path, tmp_path: Path) -> None:
    """What this machine can do: a line each, and the same as a document."""
    terminal = Terminal(server, installed, tmp_path)
    told = terminal.run("doctor", "--data", server.data)
    assert "OK" in told
    assert "MISSING" not in told
    names = {check["name"] for check in terminal.read("doctor", "--data", server.data)["checks"]}  # type: ignore[attr-defined,index]
    assert len(names) == len(told.splitlines()) > 4


def test_refusals(server: Installation, terminal: Terminal) -> None:
    """What is refused has its exit code: usage, conflict, not permitted, not found, unreachable."""
    terminal.run("login", link_for(server, "heidi"))
    folder = terminal.home / "things"
    folder.mkdir()
    (folder / "index.html").write_text("<h1>Things</h1>")
    terminal.run("publish", folder)
    other = Terminal(server, terminal.command, terminal.home / "other")
    other.home.mkdir()
    other.run("login", link_for(server, "ivan"))
    assert "somebody else has an app of that name" in other.run(
        "publish", folder, "--name", "things", exits=3
    )
    assert "reserved" in terminal.run("publish", folder, "--name", "localhost", exits=2)
    assert "name" in terminal.run("publish", folder, "--name", "Not A Name", exits=2)
    assert "things" in other.run("status", "things", exits=6)
    terminal.run("open", "nothing", "--print", exits=6)
    terminal.run("login", "http://127.0.0.1:9/setup?code=AAAAA", exits=5)
    terminal.run("publish", "--no-such-flag", exits=2)
    terminal.run("logout")
    terminal.run("list", exits=4)


def ask(terminal: Terminal, path: str) -> str:
    remembered = json.loads(next((terminal.home / "config").rglob("servers.json")).read_text())
    (login,) = remembered["servers"].values()
    answer = terminal.server.ask("GET", path, host="sales-api", token=login["token"])
    return f"{answer.status} {answer.text}"


def follow(terminal: Terminal, path: str) -> None:
    """``logs -f`` prints a line within a second of its being written, and Ctrl-C ends it with 130."""
    process = subprocess.Popen(
        [terminal.command, "logs", "sales-api", "-f"],
        env=terminal.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout or ()])
    reader.start()
    try:
        lines.get(timeout=20)
        ask(terminal, path)
        while path not in lines.get(timeout=5):
            pass
        process.send_signal(2)
        assert process.wait(20) == 130
    finally:
        process.kill()
        reader.join()
        process.communicate()
