"""From Enter to the first answer of the new release, beside the same app started by hand.

The Flask example is published again with one changed line while a client asks for its page without end; the text of the
answer tells the release. By hand means ``flask run`` with the interpreter and the packages of the app's own environment,
byte-compiled. One start by hand and one publish take turns, so that both see the same machine.

    python benchmarks/republish.py [--rounds 5] [--timeline]

Ends with the line ``republish FIGURE 1 ok|short``; the figure is the best publish divided by 1.5 × the best start by
hand + 0.5 s.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
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


def copy_app(folder: Path) -> Path:
    """The example, its page telling which release it is."""
    app = folder / NAME
    shutil.copytree(ROOT / "examples" / NAME, app)
    page = app / "templates" / "index.html"
    page.write_text(page.read_text("utf-8") + "{{ config['MARK'] }}", "utf-8")
    return app


def change(app: Path, original: str, mark: str) -> None:
    """One line of the program is another one."""
    created = "app = Flask(__name__, instance_relative_config=True)\n"
    assert created in original
    (app / "app.py").write_text(original.replace(created, f"{created}app.config['MARK'] = '{mark}'\n"), "utf-8")


def by_hand(running: Installation, app: Path, folder: Path) -> float:
    """Seconds to the first answer of ``flask run``; from a copy, so that nothing of it is published."""
    python = next((running.data / "environments" / "environments").glob("*/bin/python"))
    copy = folder / "by-hand"
    if not copy.exists():
        shutil.copytree(app, copy)
    port = free_port()
    command = [str(python), "-m", "flask", "--app", "app", "run", "--port", str(port)]
    return time_to_answer(command, copy, port)


def publish_again(running: Installation, app: Path, original: str, mark: str) -> tuple[float, str, Asking]:
    """Wall clock's time at Enter, what was printed, and the client with its answers."""
    change(app, original, mark)
    host = f"{NAME}.localhost:{running.port}"
    asking = Asking(running.port, {"Host": host, "Authorization": f"Bearer {running.token}"})
    with asking.going_on():
        asking.wait_for(b"</")
        at, said = publish(running, app, NAME)
        asking.wait_for(mark.encode())
    return at, said, asking


def is_compiled(running: Installation) -> bool:
    return any((running.data / "environments" / "environments").glob("*.compiled"))


def timeline(running: Installation, at: float, said: str, answered: float) -> str:
    """Milliseconds after Enter at which each event happened."""
    operation = json.loads(said)["operation"]
    answer = running.ask(
        "GET", f"/api/v1/operations/{operation}/events", headers={"Accept": "application/x-ndjson"}
    )
    moments = [(answered, "first answer of the new release")]
    for line in filter(None, answer.text.splitlines()):
        event = json.loads(line)
        moment = datetime.fromisoformat(event["at"]).timestamp()
        moments.append((moment, " ".join([event["kind"], event["step"], str(event["data"].get("state", ""))])))
    moments.append((ended, "the command has ended"))
    return "\n".join(f"{milliseconds(moment - at):>9}  {text}" for moment, text in sorted(moments))


def measure(rounds: int, *, shows_timeline: bool) -> int:
    with scratch() as folder, server(folder) as running:
        app = copy_app(folder)
        original = (app / "app.py").read_text("utf-8")
        change(app, original, "mark-first")
        publish(running, app, NAME)
        wait_until(lambda: is_compiled(running), COMPILE_S, "byte-compiled")
        hand, again, asked = [], [], 0
        for number in range(rounds + 1):
            bare = by_hand(running, app, folder)
            mark = f"mark-{number}-of-{rounds}"
            at, said, asking = publish_again(running, app, original, mark)
            if asking.failures:
                sys.exit(f"Cannot measure: requests failed meanwhile: {asking.failures[:3]}")
            answered = asking.wait_for(mark.encode())
            if number:  # the first is the warm-up
                hand.append(bare)
                again.append(answered - at)
                asked += asking.asked
        if shows_timeline:
            print(timeline(running, at, said, answered))
    allowed = FACTOR * min(hand) + ALLOWANCE_S
    print(f"by hand         {milliseconds(min(hand)):>9}   {' '.join(map(milliseconds, hand))}")
    print(f"published again {milliseconds(min(again)):>9}   {' '.join(map(milliseconds, again))}")
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
