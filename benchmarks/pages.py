"""Server time of every page of an installation with 1,000 apps, 200 people and 10,000 lines of log, as each who sees it.

The console is asked within this process, over a real database and without a socket: what is measured is its own work.

    python benchmarks/pages.py [--rounds 9]

Ends with the line ``pages FIGURE 50 ok|short``; the figure is the median of the slowest page, in ms.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from measuring import report, scratch

from tholos.kit import log
from tholos.kit.notices import Notices
from tholos.testing import tour
from tholos.testing.asgi import HOST, Asgi
from tholos.testing.furnishing import Size
from tholos.testing.showroom import Showroom
from tholos.testing.tour import Stop

BOUND = 50.0
SIZE = Size(apps=1000, people=200, log_lines=10_000)
SHOWN = 15


@dataclass(frozen=True, slots=True, order=True)
class Measured:
    """Medians in ms, after a first time when templates are compiled."""

    wall: float
    processor: float
    name: str
    who: str


@dataclass(slots=True)
class Visit:
    """One page as one who sees it, and what its rounds took: seconds by the clock and of the processor."""

    stop: Stop
    who: str
    asgi: Asgi
    times: list[tuple[float, float]] = field(default_factory=list)

    async def take(self) -> None:
        start, used = time.perf_counter(), time.process_time()
        answer = await self.asgi.get(self.stop.path)
        self.times.append((time.perf_counter() - start, time.process_time() - used))
        if answer.status != self.stop.status:
            sys.exit(f"Cannot measure {self.stop.path}: it answers {answer.status}.")

    def measured(self) -> Measured:
        wall, processor = (statistics.median(column) * 1000 for column in zip(*self.times[1:], strict=True))
        return Measured(wall, processor, self.stop.name, self.who or "nobody")


async def measure(folder: Path, rounds: int) -> list[Measured]:
    room = Showroom(folder, f"http://{HOST}", SIZE)
    application = room.application(Notices(asyncio.get_running_loop()))
    stops = [*tour.stops(room), Stop("home-all", "/", "/?show=all"), Stop("home-many", "/", "/?q=app-9")]
    visits = []
    for who in sorted({who for stop in stops for who in stop.seen_by}):
        asgi = Asgi(application, {"accept": "text/html", "origin": room.site.url})
        if who:
            asgi = asgi.with_headers(cookie=room.sign_in(who))
        visits += [Visit(stop, who, asgi) for stop in stops if who in stop.seen_by]
    gc.freeze()  # as `tholos up` does
    # All pages in every round: what else the machine does for a while is not the time of one of them.
    for _ in range(rounds + 1):
        for visit in visits:
            await visit.take()
    room.close()
    return sorted((visit.measured() for visit in visits), reverse=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    log.configure()
    with scratch() as folder:
        found = asyncio.run(measure(folder, options.rounds))
    print(f"{'page':<24}{'as':<10}{'time':>11}{'processor':>11}")
    for one in found[:SHOWN]:
        print(f"{one.name:<24}{one.who:<10}{one.wall:>8.1f} ms{one.processor:>8.1f} ms")
    print(f"{len(found)} visits, median {statistics.median(one.wall for one in found):.1f} ms")
    return report("pages", found[0].wall, BOUND)


if __name__ == "__main__":
    sys.exit(main())
