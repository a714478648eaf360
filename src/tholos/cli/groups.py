"""Commands about groups: list, add, show, edit, remove, and who is in them."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.people import Given, Group
from tholos.kit.errors import Invalid


class NotConfirmed(Invalid):
    """Cannot remove the group: it was not confirmed."""

    code = "not_confirmed"


def list_groups(*, server: str | None, as_json: bool) -> int:
    """Print the groups."""
    with connected(server) as client:
        found = client.groups()
    if as_json:
        print_json(groups=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("there are no groups yet · tholos groups add NAME")
        return 0
    rows = [(one.name, str(one.members), _said_by(one), one.note.partition("\n")[0]) for one in found]
    console.table([("NAME", "MEMBERS", "WHO IS IN IT", "NOTE"), *rows])
    return 0


def add_group(*, name: str, note: str, server: str | None, as_json: bool) -> int:
    """Make a group."""
    with connected(server) as client:
        group = client.create_group(name, note)
    if as_json:
        print_json(group=asdict(group))
        return 0
    of_terminal().row(group.name, f"made · tholos groups add-member {group.name} ACCOUNT")
    return 0


def show_group(*, name: str, server: str | None, as_json: bool) -> int:
    """Print who is in a group, and what they have by it."""
    with connected(server) as client:
        group, members, given = client.group(name), client.members(name), client.given(name)
    if as_json:
        print_json(
            group=asdict(group),
            members=[asdict(one) for one in members],
            given=[asdict(one) for one in given],
        )
        return 0
    console = of_terminal()
    console.row(group.name, _said_by(group))
    if group.note:
        console.row("note", group.note)
    console.row("members", ", ".join(one.account for one in members) or "nobody yet")
    for one in given:
        console.row(one.kind, f"{one.name}, as {one.level}")
    return 0


def edit_group(
    *, name: str, new_name: str | None, note: str | None, server: str | None, as_json: bool
) -> int:
    """Give a group another name or note."""
    with connected(server) as client:
        group = client.change_group(name, new_name=new_name, note=note)
    if as_json:
        print_json(group=asdict(group))
        return 0
    of_terminal().row(group.name, group.note or "without a note")
    return 0


def remove_group(*, name: str, yes: bool, server: str | None, as_json: bool) -> int:
    """Remove a group, and take back what it was given.

    Raises:
        NotConfirmed: it loses somebody something, and ``--yes`` was not said.
    """
    with connected(server) as client:
        lost = [] if yes else client.given(name)
        if lost:
            raise NotConfirmed(
                f"Cannot remove {name} just so: its members lose {_listed(lost)}.",
                fix=f"tholos groups remove {name} --yes",
            )
        given = client.remove_group(name)
    if as_json:
        print_json(group=name, taken_back=[asdict(one) for one in given])
        return 0
    console = of_terminal()
    console.row(name, "removed")
    for one in given:
        console.row(one.name, "is not shared with it any more")
    return 0


def add_member(*, name: str, accounts: list[str], server: str | None, as_json: bool) -> int:
    """Put accounts into a group."""
    with connected(server) as client:
        added = [client.add_member(name, account) for account in accounts]
    if as_json:
        print_json(group=name, members=[asdict(one) for one in added])
        return 0
    console = of_terminal()
    for one in added:
        console.row(one.account, f"is in {name}")
    return 0


def remove_member(*, name: str, accounts: list[str], server: str | None, as_json: bool) -> int:
    """Take accounts out of a group."""
    with connected(server) as client:
        for account in accounts:
            client.remove_member(name, account)
    if as_json:
        print_json(group=name, removed=accounts)
        return 0
    console = of_terminal()
    for account in accounts:
        console.row(account, f"is not in {name} any more")
    return 0


def _said_by(group: Group) -> str:
    return "the sign-in provider says" if group.is_claimed else "administrators say"


def _listed(given: list[Given]) -> str:
    return ", ".join(f"the {one.kind} {one.name}" for one in given)
