"""From a request for an app that sleeps to its first answer, beside the same app started by hand.

Three apps: one of Flask, one of Streamlit, and one of FastAPI that imports pandas. By hand means ``flask run``, ``streamlit
run`` and ``uvicorn`` with the interpreter and the packages of the app's own environment, byte-compiled. A start by hand and
a wake take turns, so that both see the same machine.

    python benchmarks/wake.py [--rounds 7]

Ends with the line ``wake FIGURE 1 ok|short``; the figure is the largest of the medians' ratios, each divided by its bound.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import free_port, milliseconds, publish, report, scratch, server, time_to_answer, wait_until

from tholos.testing.installation import Installation

BOUND = 1.0
COMPILE_S = 300.0
ASLEEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """An app and how it is started by hand; the bound is of wake by start."""

    name: str
    bound: float
    requirements: str
    program: str
    words: tuple[str, ...]


CASES = (
    Case(
        "flask", 1.2, "flask>=3\n",
        "from flask import Flask\napp = Flask(__name__)\n@app.get('/')\ndef page():\n    return 'here'\n",
        ("flask", "--app", "app", "run", "--port", "{port}"),
    ),
    Case(
        "streamlit", 0.8, "streamlit\n", "import streamlit as st\nst.write('here')\n",
        ("streamlit", "run", "app.py", "--server.headless", "true", "--server.port", "{port}",
         "--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"),
    ),
    Case(
        "pandas", 0.25, "fastapi\nuvicorn\npandas\n",
        "import pandas as pd\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef page():\n"
        "    return {'sum': int(pd.Series([1, 2]).sum())}\n",
        ("uvicorn", "app:app", "--port", "{port}"),
    ),
)  # fmt: skip


@dataclass(slots=True)
class App:
    """One of the cases as an app of a server."""

    running: Installation
    case: Case
    folder: Path
    python: str = ""

    def publish(self) -> None:
        self.folder.mkdir()
        (self.folder / "requirements.txt").write_text(self.case.requirements, "utf-8")
        (self.folder / "app.py").write_text(self.case.program, "utf-8")
        before = environments(self.running)
        publish(self.running, self.folder, self.case.name)
        (made,) = environments(self.running) - before
        self.python = str(made / "bin" / "python")
        wait_until(lambda: made.with_suffix(".compiled").exists(), COMPILE_S, "byte-compiled")

    def by_hand(self) -> float:
        """Seconds to the first answer; from a copy, so that nothing of it is published."""
        copy = self.folder.with_name(f"{self.case.name}-by-hand")
        if not copy.exists():
            copy.mkdir()
            (copy / "app.py").write_text(self.case.program, "utf-8")
        port = free_port()
        command = [self.python, "-m", *(word.format(port=port) for word in self.case.words)]
        return time_to_answer(command, copy, port)

    def wake(self) -> float:
        """Seconds from a request to its answer, once it sleeps."""
        wait_until(self.sleeps, ASLEEP_S, f"{self.case.name} asleep")
        wait_until(self.is_warm, ASLEEP_S, f"{self.case.name} with a standby")
        start = time.monotonic()
        answer = self.running.ask("GET", "/", host=self.case.name)
        seconds = time.monotonic() - start
        if answer.status != 200:
            sys.exit(f"Cannot measure: {self.case.name} answers {answer.status}.")
        return seconds

    def sleeps(self) -> bool:
        path = f"/api/v1/apps/{self.case.name}"
        state = self.running.api("GET", path)["state"]
        is_asleep = isinstance(state, dict) and state["word"] == "asleep"
        return is_asleep and not self.running.api("GET", f"{path}/instances")["items"]

    def is_warm(self) -> bool:
        """Whether what waits to wake it has done what it can."""
        found = self.running.api("GET", f"/api/v1/apps/{self.case.name}/instances")["standbys"]
        return isinstance(found, list) and any(one["memory"] for one in found)


def environments(running: Installation) -> set[Path]:
    folder = running.data / "environments" / "environments"
    return {one for one in folder.glob("*") if one.is_dir()}


def measure(rounds: int, wanted: list[str]) -> int:
    figures = []
    with scratch() as folder, server(folder) as running:
        for case in [case for case in CASES if not wanted or case.name in wanted]:
            app = App(running, case, folder / case.name)
            app.publish()
            running.api("PUT", f"/api/v1/apps/{case.name}/life", {"idle_timeout_s": 1})
            pairs = [(app.by_hand(), app.wake()) for _ in range(rounds + 1)][1:]
            hand, woken = (statistics.median(one) for one in zip(*pairs, strict=True))
            figures.append(woken / hand / case.bound)
            print(
                f"{case.name:<10} wake {milliseconds(woken):>8}   by hand {milliseconds(hand):>8}   ratio"
                f" {woken / hand:.2f} of {case.bound:g}   {' '.join(milliseconds(one) for _, one in pairs)}",
                flush=True,
            )
    return report("wake", max(figures), BOUND)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", default=[], choices=[case.name for case in CASES])
    options = parser.parse_args()
    return measure(options.rounds, options.only)


if __name__ == "__main__":
    sys.exit(main())
