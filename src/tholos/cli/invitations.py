"""Commands about invitations: make a link, see who came by them, take one back."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.own import day_of
from tholos.cli.session import connected
from tholos.client.own import Invitation, NewInvitation


def invite(
    *,
    who: str,
    app: str,
    level: str,
    role: str,
    group: str,
    uses: int,
    days: int,
    server: str | None,
    as_json: bool,
) -> int:
    """Make a link that lets somebody in; print it this once."""
    with connected(server) as client:
        made = client.invite(NewInvitation(app, level, role, group, who, uses, days))
    one = made.invitation
    if as_json:
        print_json(url=made.url, invitation=asdict(one))
        return 0
    console = of_terminal(as_json=True)  # only the link itself goes to stdout, for a pipe
    people = "whoever has it first" if one.uses_left == 1 else f"{one.uses_left} people"
    console.row(
        one.email or "invitation",
        f"{gives(one)}; for {people}, until {day_of(one.expires_at)}; shown this once",
    )
    print(made.url)
    return 0


def list_invitations(*, server: str | None, as_json: bool) -> int:
    """Print invitations and who came by them."""
    with connected(server) as client:
        found = client.invitations()
    if as_json:
        print_json(invitations=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("nobody was invited · tholos invite MAIL --to NAME")
        return 0
    rows = [
        (
            one.id,
            one.email or "-",
            gives(one),
            one.state,
            ", ".join(one.used_by) or "-",
            day_of(one.expires_at),
        )
        for one in found
    ]
    console.table([("ID", "FOR", "GIVES", "STATE", "USED BY", "ENDS"), *rows])
    return 0


def revoke_invitation(*, invitation: str, server: str | None, as_json: bool) -> int:
    """Take an invitation back."""
    with connected(server) as client:
        client.revoke_invitation(invitation)
    told = "taken back; who came by it stays"
    return say_done(invitation, told, as_json=as_json, invitation=invitation, state="revoked")


def gives(one: Invitation) -> str:
    """What an invitation is to, in a few words."""
    given = [f"{one.app} as {one.level}"] if one.app else []
    given += [f"the role {one.role}"] if one.role != "viewer" or not given else []
    given += [f"the group {one.group}"] if one.group else []
    return ", ".join(given)
