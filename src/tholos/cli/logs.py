"""Commands that read what happens: logs of an app, cancelling an operation."""

from __future__ import annotations

import re
import time

from tholos.cli.console import of_terminal
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import PATIENT_SECONDS
from tholos.cli.session import choose_app, connected
from tholos.kit.errors import Invalid

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class DurationInvalid(Invalid):
    """Cannot read this as a duration."""

    code = "duration_invalid"


def show_logs(
    *,
    name: str | None,
    server: str | None,
    follow: bool,
    release: int | None,
    lines: int,
    since: str | None,
    as_json: bool,
) -> int:
    """Print the last lines of an app's log, and with ``follow`` each new one as it comes."""
    name, remembered = choose_app(name)
    start = instant_before(since) if since else ""
    with connected(server, remembered) as client:
        if not follow:
            found = client.logs(name, lines=lines, release=release, since=start)
            if as_json:
                print_json(app=name, lines=found)
            else:
                print("".join(f"{line}\n" for line in found), end="")
            return 0
        client.app(name)  # an unknown name or a server that is away is told at once
        client.be_patient(PATIENT_SECONDS)
        for line in client.follow_logs(name, lines=lines, release=release, since=start):
            print(line, flush=True)
    return 0


def cancel_operation(*, operation: str, server: str | None) -> int:
    """Stop an operation and wait for its end."""
    console = of_terminal()
    with connected(server) as client:
        client.cancel(operation)
        deadline = time.monotonic() + PATIENT_SECONDS
        found = client.operation(operation)
        try:
            while not found.has_ended and time.monotonic() < deadline:
                time.sleep(0.1)
                found = client.operation(operation)
        except KeyboardInterrupt:
            return INTERRUPTED
    console.row(found.kind, f"of {found.app} {found.state}")
    return 0 if found.has_ended else FAILED


def instant_before(since: str, now: float | None = None) -> str:
    """The time that was so long ago (``90s``, ``10m``, ``2h``, ``1d``), in ISO 8601.

    Raises:
        DurationInvalid: it is no duration.
    """
    match = re.fullmatch(r"(\d{1,6})([smhd])", since)
    if not match:
        raise DurationInvalid(
            f"Cannot read {since!r} as a duration.", fix="such as 90s, 10m, 2h or 1d", where="--since"
        )
    seconds = int(match[1]) * UNITS[match[2]]
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((time.time() if now is None else now) - seconds))
