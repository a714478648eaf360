"""Commands about who may open an app: access, share, requests, decide, ask, hand-over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

from tholos.cli.console import Console, age_of, of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.session import choose_app, connected
from tholos.client.sharing import Access, GrantChange, Way
from tholos.kit.errors import Invalid

AUDIENCES = {"listed": "listed", "signed-in": "signed_in", "everyone": "everyone"}


class NotConfirmed(Invalid):
    """Cannot change who may open the app: it was not confirmed."""

    code = "not_confirmed"


def show_access(*, name: str | None, people: bool, server: str | None, as_json: bool) -> int:
    """Print how an app is shared, or everybody who can open it and why."""
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        found = client.access(name)
        reached = client.people_of(name) if people else []
    if as_json:
        print_json(access=asdict(found), people=[asdict(one) for one in reached])
        return 0
    console = of_terminal()
    tell(console, found)
    if people:
        console.table(
            [("WHO", "IS", "BECAUSE"), *((one.account, one.rank, because(one.ways)) for one in reached)]
        )
    return 0


def because(ways: Sequence[Way]) -> str:
    """Why somebody can open something, in the words of the pages."""
    return "; ".join(map(_because, ways))


def _because(way: Way) -> str:
    edits = way.level == "editor"
    if way.by == "owner":
        return "owns it"
    if way.by == "account":
        return f"it is shared with them{' for editing' if edits else ''}"
    if way.by == "group":
        return f"in the group {way.group}{', which edits it' if edits else ''}"
    return "everyone else can"


def share(
    *,
    name: str | None,
    shared_with: list[str] | None,
    level: str,
    taken_back: list[str] | None,
    audience: str | None,
    yes: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Share an app with people and groups, take back, or say who else may open it; without any of that, print how it is shared."""
    name, remembered = choose_app(name)
    grants = [grant(who, level) for who in shared_with or ()] + [grant(who, None) for who in taken_back or ()]
    if not grants and not audience:
        return show_access(name=name, people=False, server=server, as_json=as_json)
    wanted = AUDIENCES[audience] if audience else None
    with connected(server, remembered) as client:
        if wanted and not yes:
            confirm(name, client.preview_access(name, wanted, grants))
        found = client.change_access(name, wanted, grants)
    return done(found, as_json=as_json)


def grant(who: str, level: str | None) -> GrantChange:
    """What is meant by a name, or by a group's name after @."""
    kind = "group" if who.startswith("@") else "account"
    return GrantChange(kind, who.removeprefix("@"), level)


def confirm(name: str, changes: tuple[str, ...]) -> None:
    """Raises NotConfirmed."""
    if not changes:
        return
    if sys.stdin.isatty():
        print(f"  {' '.join(changes)}\n  Do it? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() in {"y", "yes"}:
            return
    raise NotConfirmed(
        f"Cannot change who may open {name}: it was not confirmed. {' '.join(changes)}",
        fix="Say it again with --yes",
    )


def list_requests(*, name: str | None, server: str | None, as_json: bool) -> int:
    """Print who asked for access to an app."""
    name, remembered = choose_app(name)
    with connected(server, remembered) as client:
        found = client.access_requests(name)
    if as_json:
        print_json(requests=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("nobody has asked")
        return 0
    rows = [(one.account, one.state, age_of(one.created_at), one.message, one.id) for one in found]
    console.table([("WHO", "STATE", "ASKED", "MESSAGE", "REQUEST"), *rows])
    return 0


def decide_request(
    *, name: str, request: str, level: str, refuse: bool, server: str | None, as_json: bool
) -> int:
    """Let in whoever asked, or not."""
    with connected(server, choose_app(name)[1]) as client:
        found = client.decide_request(name, request, level="" if refuse else level)
    if as_json:
        print_json(request=asdict(found))
    else:
        of_terminal().row(found.account, found.state)
    return 0


def ask_for_access(*, name: str, message: str, server: str | None, as_json: bool) -> int:
    """Ask an app's owner to let one in."""
    with connected(server) as client:
        found = client.ask_for_access(name, message)
    return say_done(name, "asked; its owner decides", as_json=as_json, request=asdict(found))


def hand_over(*, name: str, who: str, keep: str, server: str | None, as_json: bool) -> int:
    """Make somebody else the owner of an app."""
    with connected(server, choose_app(name)[1]) as client:
        found = client.hand_over(name, who, keep=keep or None)
    return done(found, as_json=as_json)


def done(found: Access, *, as_json: bool) -> int:
    """Say what a change did, and how things are now."""
    if as_json:
        print_json(access=asdict(found))
        return 0
    console = of_terminal()
    for text in found.changes:
        console.row(text)
    tell(console, found)
    return 0


def tell(console: Console, found: Access) -> None:
    console.row(found.app, found.words)
    for one in found.grants:
        members = f", {one.people} people" if one.kind == "group" else ""
        console.row("", f"{one.kind} {one.name}: {one.level}{members}")
