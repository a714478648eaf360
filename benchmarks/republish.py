"""From Enter to the first answer of the new release, beside the same app started by hand.

The Flask example is published again with one changed line while a client asks for its page without end; the text of the
answer tells the release. By hand means ``flask run`` with the interpreter and the packages of the app's own environment,
byte-compiled. One start by hand and one publish take turns, so that both see the same machine.

    python benchmarks/republish.py [--rounds 5] [--timeline]

Ends with the line ``republish FIGURE 1 ok|short``; the figure is the best publish divided by 1.5 times the best start
by hand and 0.5 s.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from measuring import (
    ROOT,
    Asking,
    free_port,
    milliseconds,
    publish,
    report,
    scratch,
    server,
    time_to_answer,
    wait_until,
)

from tholos.testing.installation import Installation

NAME = "guestbook"
BOUND = 1.0
FACTOR, ALLOWANCE_S = 1.5, 0.5
COMPILE_S = 180.0
BEFORE = "app = Flask(__name__, instance_relative_config=True)\n"


@dataclass(frozen=True, slots=True)
class Published:
    """One publish; times are the wall clock's."""

    entered: float
    answered: float
    ended: float
    operation: str
    asked: int
    """Requests that were answered meanwhile."""

    @property
    def seconds(self) -> float:
        return self.answered - self.entered


@dataclass(slots=True)
class App:
    """The example in a folder of its own, its page telling which release it is."""

    folder: Path
    program: str = ""

    def copy(self) -> None:
        shutil.copytree(ROOT / "examples" / NAME, self.folder)
        page = self.folder / "templates" / "index.html"
        page.write_text(page.read_text("utf-8") + "{{ config['MARK'] }}", "utf-8")
        self.program = (self.folder / "app.py").read_text("utf-8")
        assert BEFORE in self.program
        self.change("mark-at-first")

    def change(self, mark: str) -> None:
        """One line of the program is another one."""
        text = self.program.replace(BEFORE, f"{BEFORE}app.config['MARK'] = '{mark}'\n")
        (self.folder / "app.py").write_text(text, "utf-8")


def by_hand(running: Installation, app: App) -> float:
    """Seconds to the first answer of ``flask run``; from a copy, so that nothing of it is published."""
    python = next((running.data / "environments" / "environments").glob("*/bin/python"))
    copy = app.folder.with_name("by-hand")
    if not copy.exists():
        shutil.copytree(app.folder, copy)
    port = free_port()
    command = [str(python), "-m", "flask", "--app", "app", "run", "--port", str(port)]
    return time_to_answer(command, copy, port)


def publish_again(running: Installation, app: App, mark: str) -> Published:
    """Publish with one changed line while a client asks.

    Raises: SystemExit: a request failed meanwhile.
    """
    app.change(mark)
    host = f"{NAME}.localhost:{running.port}"
    asking = Asking(running.port, {"Host": host, "Authorization": f"Bearer {running.token}"})
    with asking.going_on():
        asking.wait_for(b"</")
        entered, said = publish(running, app.folder, NAME)
        ended = time.time()
        answered = asking.wait_for(mark.encode())
    if asking.failures:
        sys.exit(f"Cannot measure: requests failed meanwhile: {asking.failures[:3]}")
    return Published(entered, answered, ended, json.loads(said)["operation"], asking.asked)


def is_compiled(running: Installation) -> bool:
    return any((running.data / "environments" / "environments").glob("*.compiled"))


def timeline(running: Installation, published: Published) -> str:
    """Milliseconds after Enter at which each thing happened."""
    path = f"/api/v1/operations/{published.operation}/events"
    answer = running.ask("GET", path, headers={"Accept": "application/x-ndjson"})
    moments = [(published.answered, "first answer of the new release"), (published.ended, "command ended")]
    for line in filter(None, answer.text.splitlines()):
        event = json.loads(line)
        told = f"{event['kind']} {event['step']} {event['data'].get('state', event['text'])}"
        moments.append((datetime.fromisoformat(event["at"]).timestamp(), told))
    return "\n".join(f"{milliseconds(at - published.entered):>9}  {told}" for at, told in sorted(moments))


def measure(rounds: int, *, shows_timeline: bool) -> int:
    with scratch() as folder, server(folder) as running:
        app = App(folder / NAME)
        app.copy()
        publish(running, app.folder, NAME)
        wait_until(lambda: is_compiled(running), COMPILE_S, "byte-compiled")
        pairs = [
            (by_hand(running, app), publish_again(running, app, f"mark-{number}-of-{rounds}"))
            for number in range(rounds + 1)
        ][1:]
        if shows_timeline:
            print(timeline(running, min((one for _, one in pairs), key=lambda one: one.seconds)))
    hand, again = [bare for bare, _ in pairs], [one.seconds for _, one in pairs]
    allowed = FACTOR * min(hand) + ALLOWANCE_S
    print(f"by hand         {milliseconds(min(hand)):>9}   {' '.join(map(milliseconds, hand))}")
    print(f"published again {milliseconds(min(again)):>9}   {' '.join(map(milliseconds, again))}")
    asked = sum(one.asked for _, one in pairs)
    print(f"allowed         {milliseconds(allowed):>9}   {asked} requests meanwhile, none failed")
    return report("republish", min(again) / allowed, BOUND)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeline", action="store_true")
    options = parser.parse_args()
    return measure(options.rounds, shows_timeline=options.timeline)


if __name__ == "__main__":
    sys.exit(main())
