"""Commands that read what happens: logs of an app, cancelling an operation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from tholos.cli.console import of_terminal
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import PATIENT_SECONDS
from tholos.cli.session import choose_app, connected
from tholos.client.logs import LogLine, LogQuery


def show_logs(
    *,
    name: str | None,
    server: str | None,
    follow: bool,
    release: int | None,
    instance: str,
    level: str,
    search: str,
    since: str,
    lines: int,
    times: bool,
    traceback: bool,
    as_json: bool,
) -> int:
    """Print the last lines of an app's log that are asked for, and with ``follow`` each new one as it comes."""
    name, remembered = choose_app(name)
    if traceback:
        return show_traceback(name, server or remembered, release, instance, as_json=as_json)
    asked = LogQuery(release, instance, level, search, since)
    has_times = times or sys.stdout.isatty()
    with connected(server, remembered) as client:
        if not follow:
            found = client.logs(name, lines=lines, asked=asked)
            if as_json:
                print_json(app=name, lines=[asdict(line) for line in found])
            else:
                print_lines(found, has_times=has_times)
            return 0
        client.app(name)  # an unknown name or a server that is away is told at once
        client.be_patient(PATIENT_SECONDS)
        found_later = client.follow_logs(name, lines=lines, asked=asked)
        if not as_json:
            print_lines(found_later, has_times=has_times)
            return 0
        for line in found_later:
            print(json.dumps(asdict(line)), flush=True)
    return 0


def print_lines(lines: Iterable[LogLine], *, has_times: bool) -> None:
    """Print lines as they come; who writes from here on is told beside them, as output may go to a program."""
    before = "" if sys.stdout.isatty() else None
    for line in lines:
        source = f"release {line.release}, instance {line.instance}"
        if before is not None and source != before:
            print(f"==> {source} <==", file=sys.stderr, flush=True)
        before = source
        print(told(line, has_times=has_times), flush=True)


def show_traceback(
    name: str, server: str | None, release: int | None, instance: str, *, as_json: bool
) -> int:
    """Print the first traceback of the last run of an app that has one; 1 where there is none."""
    with connected(server) as client:
        found = client.traceback(name, release=release, instance=instance)
    if as_json:
        print_json(traceback=asdict(found) if found else None)
    elif found:
        print(found.text)
    else:
        of_terminal().row("there is none")
    return 0 if found else FAILED


def told(line: LogLine, *, has_times: bool) -> str:
    """A line as it is printed; a time is that of this machine's clock, and a day is told where it is not today."""
    if not has_times:
        return line.text
    if not line.at:
        return f"{'':8}  {line.text}"
    at = datetime.fromisoformat(line.at).astimezone()
    day = "" if at.date() == datetime.now().astimezone().date() else f"{at:%Y-%m-%d} "
    return f"{day}{at:%H:%M:%S}  {line.text}"


def cancel_operation(*, operation: str, server: str | None, as_json: bool) -> int:
    """Stop an operation and wait for its end."""
    console = of_terminal()
    with connected(server) as client:
        client.cancel(operation)
        client.be_patient(PATIENT_SECONDS)
        try:
            for _ in client.events(operation):
                continue  # the stream ends with the operation
        except KeyboardInterrupt:
            return INTERRUPTED
        found = client.operation(operation)
    if as_json:
        print_json(operation=asdict(found))
    else:
        console.row(found.kind, f"of {found.app} {found.state}")
    return 0 if found.has_ended else FAILED
