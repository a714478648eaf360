"""A whole fleet on one machine: 1,000 apps registered, 200 of them awake at first and 100 later, with the proxy in front.

* ``memory``: MB of the server and the proxy with 100 awake, shared pages counted once (PSS); 350 at most.
* ``listing``: median milliseconds of the list of apps (its first page, as the API gives it), asked on a kept connection; 50 at most.
* ``change``: milliseconds from when the pointer is moved to the first answer of the new release through the proxy, with 200
  awake; 50 at most. The moment is the release's own, noted before it is committed.
* ``added``: MB that each running app takes besides itself; 5 at most. That is what all processes of an instance take beyond the
  same app by the same server library (waitress) and interpreter, started by hand, and each app's part of what the server, the
  supervisor and the proxy take more than with none awake.

All but one app are rows that were copied from one that was published; those that are awake run as any other.

    python benchmarks/fleet.py [--apps 1000] [--awake 100] [--changed 200]

Ends with the line ``fleet FIGURE 1 ok|short``; the figure is the largest of the four by its bound.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from measuring import free_port, report, scratch, server, wait_until
from memory import megabytes_of

from tholos.accounts import service as accounts
from tholos.apps import service as apps
from tholos.apps.models import LIVE, Pointer
from tholos.apps.service import NewRelease
from tholos.kit.clock import SystemClock
from tholos.kit.db import Database
from tholos.server import tables
from tholos.testing.installation import Installation
from tholos.testing.trial import Trial
from tholos.testing.visitors import Browser

BOUNDS = {"memory": 350.0, "listing": 50.0, "change": 50.0, "added": 5.0}
FIRST = "first"
SAMPLE = 10
CHANGES = 5
APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "{length}")])
    return [b"{body}"]
"""
BARE = """
import sys
sys.path += [sys.argv[1], sys.argv[3]]
from waitress import serve
from app import app
serve(app, listen="127.0.0.1:" + sys.argv[2], threads=8)
"""


def app(number: int) -> dict[str, str]:
    body = f"release {number}"
    return {"app.py": APP.format(body=body, length=len(body))}


def register(running: Installation, count: int) -> None:
    """Copy the one app until there are so many, all of them asleep. The server does not run."""
    tables.load()
    database, now = Database(f"sqlite:///{running.data}/tholos.db"), SystemClock().now()
    with database.write() as db:
        administrator = accounts.actor_for(accounts.ensure_administrator(db, "admin", now))
        first = apps.get_visible(db, administrator, FIRST)
        model = apps.get_release_numbered(db, first.id, 1)
        for number in range(1, count):
            made = apps.create_app(db, administrator, f"app-{number:04}", now)
            new = NewRelease(
                model.snapshot, model.files, model.bytes, model.fingerprint, model.manifest, model.python, ""
            )
            release = apps.create_release(db, administrator, made, new, now)
            release.lock, release.environment, release.packages = (
                model.lock,
                model.environment,
                model.packages,
            )
            apps.switch(db, release.id, now)
            db.get_one(Pointer, (made.id, LIVE)).asleep_at = now
    database.close()


def wake(running: Installation, names: Iterable[str]) -> None:
    for name in names:
        answer = running.ask("GET", "/", host=name)
        if answer.status != 200:
            sys.exit(f"Cannot measure: {name} answers {answer.status}: {answer.text[:300]}")


def count_awake(running: Installation) -> int:
    """How many are awake, by the database."""
    with sqlite3.connect(running.data / "tholos.db") as db:
        (count,) = db.execute("SELECT count(*) FROM instances WHERE state = 'ready'").fetchone()
    return int(count)


@dataclass(slots=True)
class Sizes:
    """MB of the platform's processes."""

    server: float
    proxy: float
    supervisor: float

    @property
    def total(self) -> float:
        return self.server + self.proxy + self.supervisor


def sizes_of(trial: Trial) -> Sizes:
    (proxy,) = [one.pid for one in trial.processes() if one.is_proxy]
    pids = (trial.server.pid, proxy, trial.server.supervisor_pid)
    return Sizes(*(megabytes_of(pid)[0] for pid in pids))


def by_instance(trial: Trial) -> list[float]:
    """MB of all processes of each instance."""
    found: dict[int, float] = {}
    for process in trial.processes():
        if not process.is_proxy:
            with suppress(OSError, KeyError):
                found[process.session] = found.get(process.session, 0.0) + megabytes_of(process.pid)[0]
    return [*found.values()]


def by_hand(trial: Trial, folder: Path) -> float:
    """MB of the same app by its library alone, of some that run at once, beside the fleet."""
    guests = [
        one for one in trial.processes() if "tholos_guest" in one.command or "bootstrap.py" in one.command
    ]
    words = guests[-1].command.split()
    program = next(word for word in words if "python" in word.rpartition("/")[2])
    library = words[words.index("--path") + 1]
    (folder / "app.py").write_text(app(1)["app.py"], "utf-8")
    with ExitStack() as stack:
        processes = []
        for _ in range(SAMPLE):
            port = free_port()
            process = stack.enter_context(
                subprocess.Popen(
                    [program, "-c", BARE, str(folder), str(port), library], stdout=subprocess.DEVNULL
                )
            )
            stack.callback(process.kill)
            wait_until(lambda port=port: answers(port), 60, "the app that was started by hand answers")
            processes.append(process.pid)
        return statistics.mean(megabytes_of(pid)[0] for pid in processes)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read() != b""
    except OSError:
        return False
    finally:
        connection.close()


def listing(running: Installation) -> float:
    """Median milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    headers = {"Host": f"localhost:{running.port}", "Authorization": f"Bearer {running.token}"}
    times = []
    for _ in range(21):
        began = time.perf_counter()
        connection.request("GET", "/api/v1/apps", headers=headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        times.append((time.perf_counter() - began) * 1000)
    connection.close()
    print(f"{len(found['items'])} apps on a page of the list")
    return statistics.median(times[1:])


@dataclass(slots=True)
class Watching:
    """Asks as a browser without a pause, and notes the first answer of each sort."""

    browser: Browser
    first: dict[bytes, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.browser.trial.server.port, timeout=30)
        while not self.stop.is_set():
            connection.request("GET", "/", headers=self.browser.headers(FIRST, {}))
            body = connection.getresponse().read()
            self.first.setdefault(body, time.time())
        connection.close()


def change(trial: Trial, browser: Browser) -> float:
    """Median milliseconds of some changes."""
    watching = Watching(browser)
    thread = threading.Thread(target=watching.run)
    thread.start()
    times = []
    try:
        for number in range(2, 2 + CHANGES):
            trial.publish(FIRST, app(number))
            body = f"release {number}".encode()
            wait_until(lambda body=body: body in watching.first, 30, "the new release answers")
            with sqlite3.connect(trial.server.data / "tholos.db") as db:
                (at,) = db.execute("SELECT max(live_at) FROM releases WHERE number = ?", (number,)).fetchone()
            moved = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
            times.append((watching.first[body] - moved) * 1000)
    finally:
        watching.stop.set()
        thread.join()
    print("changes: " + ", ".join(f"{one:.1f}" for one in times) + " ms")
    return statistics.median(times)


def signed_in(trial: Trial) -> Browser:
    trial.server.api("PATCH", f"/api/v1/apps/{FIRST}/access", {"audience": "signed_in"})
    made = trial.server.api("POST", "/api/v1/accounts", {"name": "ada", "role": "viewer"})
    browser, code = Browser(trial), str(made["sign_in_url"]).partition("code=")[2]
    browser.post("/setup", code=code, password="correct horse battery")  # noqa: S106 - of this server alone
    if browser.go(FIRST, "/").status != 200:
        sys.exit("Cannot measure: the app does not open.")
    return browser


def measure(trial: Trial, folder: Path, registered: int, awake: int, changed: int) -> dict[str, float]:
    running, found = trial.server, dict[str, float]()
    trial.publish(FIRST, app(1))
    running.stop()
    register(running, registered)
    running.start()
    browser = signed_in(trial)
    time.sleep(5)
    alone = sizes_of(trial)
    names = [f"app-{number:04}" for number in range(1, changed)]
    began = time.monotonic()
    wake(running, names[: awake - 1])
    print(f"{count_awake(running)} awake after {time.monotonic() - began:.0f} s")
    time.sleep(10)
    sizes = sizes_of(trial)
    print(
        f"none awake but one: server {alone.server:.1f}, proxy {alone.proxy:.1f}, supervisor {alone.supervisor:.1f} MB"
    )
    print(
        f"{awake} awake: server {sizes.server:.1f}, proxy {sizes.proxy:.1f}, supervisor {sizes.supervisor:.1f} MB"
    )
    found["memory"] = sizes.server + sizes.proxy
    found["listing"] = listing(running)
    own, bare = statistics.mean(by_instance(trial)), by_hand(trial, folder)
    shared = (sizes.total - alone.total) / (awake - 1)
    print(
        f"an instance {own:.2f} MB, by hand {bare:.2f} MB; in server, proxy and supervisor {shared:.2f} MB for each"
    )
    found["added"] = own - bare + shared
    wake(running, names[awake - 1 :])
    print(f"{count_awake(running)} awake")
    found["change"] = change(trial, browser)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--apps", type=int, default=1000)
    parser.add_argument("--awake", type=int, default=100)
    parser.add_argument("--changed", type=int, default=200)
    options = parser.parse_args()
    with scratch() as folder, server(folder, THOLOS_GATEWAY__MODE="on") as running:
        found = measure(Trial(running), folder, options.apps, options.awake, options.changed)
    for name, bound in BOUNDS.items():
        print(f"{name:<10}{found[name]:>9.2f}   {bound:g} at most")
    return report("fleet", max(found[name] / bound for name, bound in BOUNDS.items()), 1)


if __name__ == "__main__":
    sys.exit(main())
