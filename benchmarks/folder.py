"""A folder of 2,000 files and 50 MB, published again with one changed file.

Only that file's content may be sent: the command line says what it sent, the server's operation says it too, and the
store grows by no more than that with its header. Measured is the time from Enter to the begin of the step *environment*.

    python benchmarks/folder.py [--rounds 5]

Ends with the line ``folder FIGURE 1 ok|short``; the figure is in seconds, the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from datetime import datetime
from pathlib import Path

from measuring import milliseconds, publish, report, scratch, server

from tholos.testing.installation import Installation

NAME = "handbook"
BOUND = 1.0
FILES, FOLDERS, SIZE = 2000, 20, 25_000
FRAMING = 200
"""Bytes that a pack may have besides its content."""


def make(folder: Path) -> None:
    """Files that have nothing in common, and a page to begin with."""
    dice = random.Random(1)
    for number in range(FILES - 1):
        path = folder / f"part-{number % FOLDERS:02d}" / f"file-{number:04d}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dice.randbytes(SIZE))
    (folder / "index.html").write_text("<!doctype html><title>Handbook</title>", "utf-8")


def steps_of(running: Installation, operation: str) -> dict[str, dict[str, str]]:
    steps = running.api("GET", f"/api/v1/operations/{operation}")["steps"]
    assert isinstance(steps, list)
    return {step["name"]: step for step in steps}


def stored(running: Installation) -> int:
    """Bytes of all content in the store."""
    packs = (running.data / "store").rglob("*")
    return sum(
        path.stat().st_size for path in packs if path.is_file() and not path.name.startswith("index.db")
    )


def publish_changed(running: Installation, folder: Path, number: int) -> float:
    """Seconds to the step *environment* of a publish with one new file content.

    Raises: SystemExit: more than that was sent.
    """
    changed = folder / "part-07" / "file-0007.dat"
    changed.write_bytes(random.Random(f"change {number}").randbytes(SIZE))
    before = stored(running)
    at, said = publish(running, folder, NAME)
    told = json.loads(said)
    steps = steps_of(running, told["operation"])
    sent, grown = told["upload"]["sent_bytes"], stored(running) - before
    if sent != SIZE or not SIZE <= grown <= SIZE + FRAMING or "25.0 kB sent" not in steps["upload"]["text"]:
        sys.exit(
            f"Cannot measure: {sent} bytes were sent and {grown} stored for {SIZE}: {steps['upload']['text']}"
        )
    return datetime.fromisoformat(steps["environment"]["started_at"]).timestamp() - at


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with scratch() as scratched, server(scratched) as running:
        folder = scratched / NAME
        folder.mkdir()
        make(folder)
        publish(running, folder, NAME)
        times = [publish_changed(running, folder, number) for number in range(options.rounds + 1)][1:]
    print(f"{FILES} files, {FILES * SIZE / 1e6:.0f} MB; {SIZE} bytes sent each time")
    print(f"to the environment step {milliseconds(min(times))}   {' '.join(map(milliseconds, times))}")
    return report("folder", min(times), BOUND)


if __name__ == "__main__":
    sys.exit(main())
