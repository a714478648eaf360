"""The command that tells how often apps were visited, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from tholos.cli.audit import moment_of
from tholos.cli.console import BAR_WIDTH, Console, age_of, count_of, of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import choose_app, connected
from tholos.client.usage import Usage, Visit
from tholos.kit.errors import Invalid


class SaidTwice(Invalid):
    """Cannot tell which apps are meant: one is named, and all of them."""

    code = "said_twice"


def show_usage(
    *,
    name: str | None,
    every: bool,
    since: str,
    until: str,
    visits: bool,
    lines: int,
    server: str | None,
    as_json: bool,
) -> int:
    """Print how often an app was visited, day by day, or each visit of it.

    Raises:
        SaidTwice: an app and ``--all``.
    """
    if name and every:
        raise SaidTwice(fix="Leave out --all or the name.")
    now = datetime.now(UTC)
    start, end = moment_of(since, now), moment_of(until, now)
    if every:
        return _show_all(start, end, visits=visits, lines=lines, server=server, as_json=as_json)
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        if visits:
            return print_visits(client.visits(name, since=start, until=end, most=lines), as_json=as_json)
        found = client.usage(name, since=start, until=end)
    if as_json:
        print_json(app=name, **asdict(found))
        return 0
    print_usage(of_terminal(), name, found)
    return 0


def _show_all(start: str, end: str, *, visits: bool, lines: int, server: str | None, as_json: bool) -> int:
    with connected(server) as client:
        if visits:
            return print_visits(client.all_visits(since=start, until=end, most=lines), as_json=as_json)
        found = client.usage_by_app(since=start, until=end)
    if as_json:
        print_json(apps=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("no app of yours was visited in that time")
        return 0
    rows = [(one.app, str(one.visits), told(one.visitors), str(one.anonymous)) for one in found]
    console.table([("APP", "VISITS", "PEOPLE", "WITHOUT ACCOUNT"), *rows])
    return 0


def print_usage(console: Console, name: str, usage: Usage) -> None:
    people = (
        ""
        if usage.visitors is None
        else f" by {usage.visitors} {'person' if usage.visitors == 1 else 'people'}"
    )
    console.row(name, f"{count_of(usage.visits, 'visit')}{people} since {usage.since[:10]}")
    most = max((one.visits for one in usage.days), default=0)
    for one in usage.days:
        if one.visits:
            bar = "█" * max(1, round(one.visits / most * BAR_WIDTH))
            console.row(one.day, f"{bar} {one.visits}")


def print_visits(found: Sequence[Visit], *, as_json: bool) -> int:
    """Print each of some visits."""
    if as_json:
        print_json(visits=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("nobody was there in that time")
        return 0
    rows = [(age_of(one.at), one.app, one.account or "-", one.path, one.agent) for one in found]
    console.table([("WHEN", "APP", "WHO", "PATH", "WITH"), *rows])
    return 0


def told(count: int | None) -> str:
    return "-" if count is None else str(count)
