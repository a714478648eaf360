"""Weight of the scripts that a page loads, compressed, for the page that loads most.

    python benchmarks/script.py

Ends with the line ``script FIGURE 60 ok|short``; the figure is in kB, each file compressed on its own as it is sent.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import sys
from pathlib import Path

from measuring import report, scratch

import tholos
from tholos.kit import log
from tholos.kit.notices import Notices
from tholos.testing import tour
from tholos.testing.asgi import HOST, Asgi
from tholos.testing.showroom import Showroom

BOUND = 60.0
STATIC = Path(tholos.__file__).parent / "server" / "static"
_SCRIPT = re.compile(r'<script [^>]*src="/static/([^"?]+)')
_IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](?:\./|/static/)([\w.-]+\.js)""")


def loaded_by(names: set[str]) -> set[str]:
    """The files with all that they import, now or when they are needed."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_IMPORT.findall((STATIC / name).read_text())) - found
    return found


def weight_of(text: str) -> float:
    """Of the scripts of a page, in kB."""
    files = loaded_by(set(_SCRIPT.findall(text)))
    return sum(len(gzip.compress((STATIC / name).read_bytes())) for name in files) / 1000


async def measure(folder: Path) -> dict[str, float]:
    room = Showroom(folder, f"http://{HOST}")
    application = room.application(Notices(asyncio.get_running_loop()))
    found = {}
    for stop in tour.stops(room):
        asgi = Asgi(application, {"accept": "text/html"})
        if stop.seen_by[0]:
            asgi = asgi.with_headers(cookie=room.sign_in(stop.seen_by[0]))
        found[stop.name] = weight_of((await asgi.get(stop.path)).text)
    room.close()
    return found


def main() -> int:
    log.configure()
    with scratch() as folder:
        found = asyncio.run(measure(folder))
    heaviest = max(found, key=found.__getitem__)
    print(f"{len(found)} pages; the heaviest is {heaviest}")
    return report("script", found[heaviest], BOUND)


if __name__ == "__main__":
    sys.exit(main())
