"""The command that finds operations again."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import age_of, of_terminal, shorten
from tholos.cli.failures import print_json
from tholos.cli.session import connected

MOST = 500
WHY_WIDTH = 60


def list_operations(*, name: str, lines: int, server: str | None, as_json: bool) -> int:
    """Print the last operations, of one app or of all, and of those that failed why."""
    with connected(server) as client:
        found = client.operations(name, most=max(1, min(lines, MOST)))
    if as_json:
        print_json(operations=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row(f"nothing was done with {name}" if name else "nothing was done yet · tholos publish")
        return 0
    rows = [
        (
            one.id,
            one.kind,
            one.app,
            one.state,
            one.account,
            age_of(one.created_at),
            shorten(one.error.message, WHY_WIDTH) if one.error else "",
        )
        for one in found
    ]
    console.table([("ID", "KIND", "APP", "STATE", "BY", "WHEN", "WHY"), *rows])
    console.row("each in full", f"{found[0].url.rpartition('/')[0]}/ID")
    return 0
