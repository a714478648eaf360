"""From Enter to the first answer of the release before, while it still has an instance and when it has none.

The Flask example has two releases, and a client asks for its page without end; the text of the answer tells the release.
`tholos rollback` and `tholos activate` take turns. Warm: the release before still runs, since it was live a moment ago.
Cold: it was ended at once; then a start of the same app by hand is measured beside it.

    python benchmarks/rollback.py [--rounds 7] [--requests 10000]

Ends with the line ``rollback FIGURE 1 ok|short``; the figure is the larger of the median warm roll-back divided by 0.3 s,
and the median cold one divided by 1.2 times the median start by hand and 0.3 s. A request that fails meanwhile ends it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from measuring import Asking, milliseconds, publish, report, scratch, server, wait_until
from republish import COMPILE_S, NAME, App, by_hand, is_compiled

from tholos.testing.installation import Installation

BOUND = 1.0
WARM_S = 0.3
FACTOR, ALLOWANCE_S = 1.2, 0.3
ENDED_S = 60.0
MARKS = {1: "mark-of-the-first", 2: "mark-of-the-second"}


def prepare(running: Installation, folder: Path) -> App:
    """Two releases, the second one live, and everything that is done after a first answer done."""
    app = App(folder / NAME)
    app.copy()
    for mark in MARKS.values():
        app.change(mark)
        publish(running, app.folder, NAME)
    wait_until(lambda: is_compiled(running), COMPILE_S, "byte-compiled")
    return app


def switch(running: Installation, asking: Asking, to: int) -> float:
    """Seconds from Enter to the first answer of a release."""
    words = ("rollback", NAME) if to == 1 else ("activate", NAME, "2")
    asking.forget()
    entered = time.time()
    process = running.cli_process(*words)
    answered = asking.wait_for(MARKS[to].encode())
    _, told = process.communicate(timeout=ENDED_S)
    if process.returncode:
        sys.exit(f"Cannot measure: {' '.join(words)} failed: {told}")
    return answered - entered


def asking_of(running: Installation) -> Asking:
    host = f"{NAME}.localhost:{running.port}"
    return Asking(running.port, {"Host": host, "Authorization": f"Bearer {running.token}"})


def check(asking: Asking) -> None:
    """Raises: SystemExit: a request failed."""
    if asking.failures:
        sys.exit(f"Cannot measure: requests failed meanwhile: {asking.failures[:3]}")


def measure_warm(rounds: int, requests: int) -> tuple[list[float], int]:
    """Seconds of each switch, and how many requests were answered meanwhile; it goes on until they are enough."""
    with scratch() as folder, server(folder, THOLOS_APPS__FALLBACK_S="300") as running:
        prepare(running, folder)
        asking = asking_of(running)
        seconds: list[float] = []
        with asking.going_on():
            asking.wait_for(MARKS[2].encode())
            while len(seconds) < 2 * rounds or asking.asked < requests:
                seconds.append(switch(running, asking, 1))
                seconds.append(switch(running, asking, 2))
        check(asking)
        return seconds, asking.asked


def measure_cold(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each switch to a release that has no instance, and of a start by hand beside each."""
    with scratch() as folder, server(folder, THOLOS_APPS__FALLBACK_S="0") as running:
        app = prepare(running, folder)
        asking = asking_of(running)
        cold, hand = [], []
        with asking.going_on():
            asking.wait_for(MARKS[2].encode())
            for _ in range(rounds):
                for number in MARKS:
                    wait_until(lambda: runs_alone(running), ENDED_S, "alone")
                    cold.append(switch(running, asking, number))
        check(asking)
        hand = [by_hand(running, app) for _ in range(rounds)]
        return cold, hand


def runs_alone(running: Installation) -> bool:
    """Whether the live release's is the only instance."""
    found = running.api("GET", f"/api/v1/apps/{NAME}/instances")["items"]
    return isinstance(found, list) and len(found) == 1


def measure(rounds: int, requests: int) -> int:
    warm, asked = measure_warm(rounds, requests)
    cold, hand = measure_cold(max(2, rounds // 2))
    allowed = FACTOR * statistics.median(hand) + ALLOWANCE_S
    print(f"warm            {milliseconds(statistics.median(warm)):>9}   {' '.join(map(milliseconds, warm))}")
    print(f"cold            {milliseconds(statistics.median(cold)):>9}   {' '.join(map(milliseconds, cold))}")
    print(f"by hand         {milliseconds(statistics.median(hand)):>9}   {' '.join(map(milliseconds, hand))}")
    print(f"allowed, cold   {milliseconds(allowed):>9}")
    print(f"{asked} requests meanwhile, none failed")
    return report("rollback", max(statistics.median(warm) / WARM_S, statistics.median(cold) / allowed), BOUND)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    return measure(options.rounds, options.requests)


if __name__ == "__main__":
    sys.exit(main())
