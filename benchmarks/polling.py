"""What it costs to look at a thousand repositories in which nothing is new.

A thousand apps follow a branch each, on a host on loopback that answers what git's own program answered once. The server looks
at all of them every half minute, which is ten times as often as by itself; the processor time of the server, less that of
one that follows nothing, is told by the look.

    python benchmarks/polling.py [--repositories 1000] [--seconds 60]

Ends with the line ``polling FIGURE 2 ok|short``; the figure is the percentage of one core at an interval of five minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from measuring import report, scratch, server

from tholos.accounts import service as accounts
from tholos.kit.db import Database
from tholos.kit.sealing import Sealer
from tholos.server import tables
from tholos.sources import service as sources
from tholos.sources.service import Wish
from tholos.testing import repositories
from tholos.testing.installation import Installation
from tholos.testing.repositories import Host, Repository

BOUND = 2.0
INTERVAL_S, USUAL_S = 30.0, 300.0
SETTLE_S = 15.0


def follow(running: Installation, host: Host, count: int, head: str) -> None:
    """Let so many apps follow, as if each had been published once; the server is not running."""
    tables.load()
    database = Database(f"sqlite:///{running.data / 'tholos.db'}")
    sealer = Sealer(running.data / "keys")
    now = datetime.now(UTC)
    with database.write() as db:
        account = accounts.ensure_administrator(db, "admin", now)
        actor = accounts.actor_for(account)
        for number in range(count):
            wish = Wish(host.url(f"team{number}.git"), "main")
            made = sources.set_source(db, sealer, actor, f"app{number}", wish, {}, (), now, begins=False)
            made.source.seen_commit = head
    database.close()


def cpu_s(running: Installation, seconds: float) -> float:
    """Processor seconds of the server in a while."""
    before = _ticks(running.pid)
    time.sleep(seconds)
    return _ticks(running.pid) - before


def _ticks(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    hertz = int(subprocess.check_output(["getconf", "CLK_TCK"]))
    return sum(map(int, fields[11:15])) / hertz


def measure(count: int, seconds: float, folder: Path) -> int:
    settings = {
        "THOLOS_SOURCES__ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "THOLOS_SOURCES__POLL_INTERVAL_S": str(INTERVAL_S),
    }
    with repositories.serve(folder / "repositories") as host, server(folder, **settings) as running:
        repository = Repository.make(host.folder / "team.git")
        head = repository.commit({"app.py": "app = print\n"})
        for number in range(count):
            (host.folder / f"team{number}.git").symlink_to(repository.path)
        time.sleep(SETTLE_S)
        idle = cpu_s(running, seconds)
        running.stop()
        follow(running, host, count, head)
        running.start()
        time.sleep(SETTLE_S)
        asked = len(host.asked)
        busy = cpu_s(running, seconds)
        looks = len(host.asked) - asked
    each = max(busy - idle, 0.0) / max(looks, 1)
    print(
        f"{looks} looks in {seconds:g} s: {each * 1000:.2f} ms each; at rest {idle / seconds * 100:.2f} % of a core"
    )
    if looks < count:
        sys.exit("Cannot measure: not every repository was looked at.")
    return report("polling", each * count / USUAL_S * 100, BOUND)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repositories", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with scratch() as folder:
        return measure(options.repositories, options.seconds, folder)


if __name__ == "__main__":
    sys.exit(main())
