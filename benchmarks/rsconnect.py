"""A deploy by rsconnect-python, the second time: how much of what a person waits is ours.

A Flask app is deployed again with one changed line, and so it is to a stand-in that answers every call at once: what the
two take differs by what the server does. Of this the app's own start is taken off, measured as in ``republish``, by hand.
The client sends a draft, has it built, asks for its page and makes it live. All three take turns.

    python benchmarks/rsconnect.py [--rounds 5] [--timeline]

Ends with the line ``rsconnect FIGURE 1 ok|short``; the figure is the seconds that are ours, beyond a start of the app. The
client is installed by ``make .make/clients``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from measuring import ROOT, free_port, milliseconds, report, scratch, server, time_to_answer, wait_until

CLIENT = ROOT / ".make" / "clients" / "bin" / "rsconnect"
BOUND = 1.0
COMPILE_S = 180.0
GUID = "01a1ff00-0000-0000-0000-000000000001"
APP = '''"""Says which version it is."""

from flask import Flask

app = Flask(__name__)
MARK = "{mark}"


@app.get("/")
def index():
    return MARK
'''


class StandIn(BaseHTTPRequestHandler):
    """Answers what the client asks with what it reads, at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/content/"):
            self._answer(b"here")
        elif path.endswith("/server_settings"):
            self._json({"version": "2025.12.0", "hostname": "localhost"})
        elif path.endswith("/user"):
            self._json({"username": "ada", "guid": GUID})
        elif "/tasks/" in path:
            self._json(
                {"id": "1", "output": [], "last": 0, "finished": True, "code": 0, "error": "", "result": None}
            )
        elif path.endswith("/content"):
            self._json([])
        else:
            self._json(self._content())

    def do_POST(self) -> None:
        self._read()
        if self.path.endswith("/deploy"):
            self._json({"task_id": "1"})
        else:
            self._json({"id": "1"} if self.path.endswith("/bundles") else self._content())

    def do_PATCH(self) -> None:
        self._read()
        self._json(self._content())

    def log_message(self, *_args: object) -> None:
        """Nothing is printed."""

    def _content(self) -> dict[str, object]:
        url = f"http://{self.headers['Host']}"
        return {
            "guid": GUID, "id": "1", "name": "again", "title": "again", "app_mode": "python-api", "bundle_id": "1",
            "content_url": f"{url}/content/{GUID}/", "dashboard_url": f"{url}/connect/#/apps/{GUID}",
        }  # fmt: skip

    def _read(self) -> None:
        if self.headers.get("Transfer-Encoding") != "chunked":
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        self.rfile.readline()

    def _json(self, value: object) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _answer(self, body: bytes, media_type: str = "text/plain") -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def stand_in() -> Iterator[str]:
    """The address of a server that takes no time."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@dataclass(slots=True)
class Author:
    """Somebody who deploys one folder to one server."""

    folder: Path
    home: Path
    url: str
    key: str
    lines: list[tuple[float, str]] = field(default_factory=list)

    def change(self, mark: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "app.py").write_text(APP.replace("{mark}", mark), "utf-8")
        (self.folder / "requirements.txt").write_text("flask\n", "utf-8")
        (self.folder / ".python-version").write_text("{}.{}\n".format(*sys.version_info[:2]), "utf-8")

    def deploy(self, mark: str) -> float:
        """Deploy with one changed line; the seconds that a person waits.

        Raises: SystemExit: it failed.
        """
        self.change(mark)
        self.home.mkdir(exist_ok=True)
        env = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1",
            "RSCONNECT_DISABLE_VERSION_CHECK": "1", "CONNECT_SERVER": self.url, "CONNECT_API_KEY": self.key,
        }  # fmt: skip
        start = time.monotonic()
        with subprocess.Popen(
            [str(CLIENT), "deploy", "api", "."], cwd=self.folder, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            self.lines = [(time.monotonic() - start, line.rstrip()) for line in process.stdout]
        seconds = time.monotonic() - start
        if process.returncode:
            sys.exit("Cannot measure: the deploy failed.\n" + "\n".join(line for _, line in self.lines))
        return seconds

    def timeline(self) -> str:
        plain = ((at, re.sub(r"\x1b\[[0-9;]*m", "", line)) for at, line in self.lines)
        return "\n".join(f"{milliseconds(at):>9}  {line}" for at, line in plain)


def by_hand(python: Path, app: Author) -> float:
    """Seconds to the first answer of ``flask run``, of a copy."""
    copy = app.folder.with_name("by-hand")
    if not copy.exists():
        shutil.copytree(app.folder, copy)
    port = free_port()
    command = [str(python), "-m", "flask", "--app", "app", "run", "--port", str(port)]
    return time_to_answer(command, copy, port)


def measure(rounds: int, *, shows_timeline: bool) -> int:
    if not CLIENT.exists():
        sys.exit("Cannot measure: the client is not installed. make .make/clients")
    with scratch() as folder, server(folder) as running, stand_in() as other:
        ours = Author(folder / "ours" / "again", folder / "home", running.url, running.token)
        theirs = Author(folder / "theirs" / "again", folder / "home", other, "key")
        for author in (ours, theirs):
            author.deploy("first")
        environments = running.data / "environments" / "environments"
        wait_until(lambda: any(environments.glob("*.compiled")), COMPILE_S, "byte-compiled")
        python = next(
            one
            for one in environments.glob("*/bin/python")
            if [*one.parents[1].glob("lib/*/site-packages/flask")]
        )
        found = [
            (ours.deploy(f"mark-{number}"), theirs.deploy(f"mark-{number}"), by_hand(python, ours))
            for number in range(rounds + 1)
        ][1:]
        if shows_timeline:
            print(ours.timeline())
    total, client, bare = (list(times) for times in zip(*found, strict=True))
    share = min(total) - min(client)
    print(f"here            {milliseconds(min(total)):>9}   {' '.join(map(milliseconds, total))}")
    print(f"the client      {milliseconds(min(client)):>9}   {' '.join(map(milliseconds, client))}")
    print(f"by hand         {milliseconds(min(bare)):>9}   {' '.join(map(milliseconds, bare))}")
    middle = statistics.median(total) - statistics.median(client) - statistics.median(bare)
    print(f"ours            {milliseconds(share - min(bare)):>9}   of medians {milliseconds(middle)}")
    return report("rsconnect", max(share - min(bare), 0.0), BOUND)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeline", action="store_true")
    options = parser.parse_args()
    return measure(options.rounds, shows_timeline=options.timeline)


if __name__ == "__main__":
    sys.exit(main())
