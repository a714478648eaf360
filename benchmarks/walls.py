"""What the walls of an app add to the start of a process: control groups, a user, namespaces, the filter of system calls.

The same program is started by the supervisor's own code with all walls that this machine has and without any, in turn, and
waited for.

    python benchmarks/walls.py [--starts 60]

Ends with the line ``walls FIGURE 15 ok|short``; the figure is milliseconds more, of the best starts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measuring import report

from tholos.runtime import walls
from tholos.runtime.users import FIRST
from tholos_supervisor import cgroups, spawn
from tholos_supervisor.model import Spec
from tholos_supervisor.sandbox import READ, WRITE, Mount, Sandbox

BOUND = 15.0


def sandbox_in(folder: Path) -> Sandbox:
    """With as many folders as an app sees."""
    found = walls.find()
    mounts = []
    for number in range(8):
        place = folder / str(number)
        place.mkdir()
        mounts.append(Mount(str(place), WRITE if number > 4 else READ))
    return Sandbox(
        uid=FIRST if found.has("uid") and found.has("bubblewrap") else 0,
        bubblewrap=found.program if found.has("bubblewrap") else "",
        landlock=found.has("scopes") if found.has("bubblewrap") else found.has("landlock"),
        seccomp=found.has("seccomp"),
        cgroups=found.has("cgroups"),
        mounts=tuple(mounts),
        tmp=1 << 29,
        memory=1 << 30 if found.has("cgroups") else 0,
    )


def start(spec: Spec, log: int) -> float:
    """Seconds from the wish to the end of the program."""
    begun = time.perf_counter()
    groups: cgroups.Groups = ()
    if spec.sandbox is not None and spec.sandbox.cgroups:
        groups = cgroups.make(cgroups.base(f"{cgroups.OURS}benchmark"), spec.instance, spec.sandbox)
    known = []
    spawn.spawn(spec, "mark", log, known.append, groups)
    _, status = os.waitpid(known[0].pid, 0)
    took = time.perf_counter() - begun
    cgroups.remove(groups)
    if status:
        sys.exit(f"the program ended with {status}")
    return took


def measure(starts: int) -> int:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        bare = Spec("one", ("/bin/true",), {"A": "b"}, "/", "/log", 1 << 20, "", 0, 1.0, 1.0, {})
        walled = bare._replace(sandbox=sandbox_in(Path(folder)))
        taken: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(starts):
            taken["without"].append(start(bare, log.fileno()))
            taken["with"].append(start(walled, log.fileno()))
    for one, times in taken.items():
        print(
            f"{one} walls: best {min(times) * 1000:.1f} ms, median {statistics.median(times) * 1000:.1f} ms"
        )
    without, with_walls = (min(taken[one]) * 1000 for one in ("without", "with"))
    return report("walls", with_walls - without, BOUND)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=60)
    return measure(parser.parse_args().starts)


if __name__ == "__main__":
    sys.exit(main())
