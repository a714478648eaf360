"""Memory of the server and its supervisor at rest, with no apps, started on a database that has its tables.

The first start makes them, with a package that takes 14 MB and is not loaded again. Counts proportional set size
(``smaps_rollup``, proc(5)), where pages that several processes share count once in all; resident set size is shown
beside it.

    python benchmarks/memory.py [--after 20]

Ends with the line ``memory FIGURE 130 ok|short``; the figure is in MB (10⁶ bytes), both processes together.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from measuring import report, scratch, server

BOUND = 130.0


def megabytes_of(pid: int) -> tuple[float, float]:
    """Proportional and resident set size."""
    sizes: dict[str, float] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, amount = line.split()[:2]
        sizes[name] = int(amount) * 1024 / 1e6
    return sizes["Pss:"], sizes["Rss:"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--after", type=float, default=20.0, metavar="SECONDS")
    options = parser.parse_args()
    with scratch() as folder, server(folder) as running:
        running.stop()
        running.start()
        time.sleep(options.after)
        found = {
            "server": megabytes_of(running.pid),
            "supervisor": megabytes_of(running.supervisor_pid),
        }
    for name, (proportional, resident) in found.items():
        print(f"{name:<12}{proportional:>8.1f} MB   resident {resident:.1f} MB")
    return report("memory", sum(one for one, _ in found.values()), BOUND)


if __name__ == "__main__":
    sys.exit(main())
