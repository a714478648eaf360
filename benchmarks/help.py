"""Time of ``tholos --help`` beside ``python -c pass`` of the same interpreter, taking turns.

    python benchmarks/help.py [--rounds 20]

Ends with the line ``help FIGURE 4 ok|short``; the figure is the best of one divided by the best of the other.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from measuring import COMMAND, milliseconds, report

BOUND = 4.0


def seconds_of(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    commands = ([sys.executable, "-c", "pass"], [str(COMMAND), "--help"])
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(options.rounds + 1):
        for command, taken in zip(commands, times, strict=True):
            taken.append(seconds_of(command))
    nothing, asked = (min(taken[1:]) for taken in times)
    print(f"python -c pass {milliseconds(nothing):>8}")
    print(f"tholos --help  {milliseconds(asked):>8}")
    return report("help", asked / nothing, BOUND)


if __name__ == "__main__":
    sys.exit(main())
