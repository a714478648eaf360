"""Commands that read what happens: logs of an app, cancelling an operation."""

from __future__ import annotations

from tholos.cli.console import of_terminal
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import PATIENT_SECONDS
from tholos.cli.session import choose_app, connected


def show_logs(
    *,
    name: str | None,
    server: str | None,
    follow: bool,
    release: int | None,
    lines: int,
    as_json: bool,
) -> int:
    """Print the last lines of an app's log, and with ``follow`` each new one as it comes."""
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        if not follow:
            found = client.logs(name, lines=lines, release=release)
            if as_json:
                print_json(app=name, lines=found)
            else:
                print("".join(f"{line}\n" for line in found), end="")
            return 0
        client.app(name)  # an unknown name or a server that is away is told at once
        client.be_patient(PATIENT_SECONDS)
        for line in client.follow_logs(name, lines=lines, release=release):
            print(line, flush=True)
    return 0


def cancel_operation(*, operation: str, server: str | None) -> int:
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
    console.row(found.kind, f"of {found.app} {found.state}")
    return 0 if found.has_ended else FAILED
