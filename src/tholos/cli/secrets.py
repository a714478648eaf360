"""Commands about shared secrets and the key that all is sealed with. A secret is never an argument."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import age_of, of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.cli.variables import SecretSaid, ask_all, follow_all
from tholos.client.errors import RemoteNotFound


def list_secrets(*, server: str | None, as_json: bool) -> int:
    """Print the shared secrets that this account may refer to."""
    with connected(server) as client:
        found = client.secrets()
    if as_json:
        print_json(secrets=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("there are no shared secrets that you may use · tholos secrets set NAME")
        return 0
    rows = [
        (one.name, one.owner, f"{age_of(one.changed_at)} by {one.changed_by}", ", ".join(one.uses), one.note)
        for one in found
    ]
    console.table([("NAME", "OWNER", "SET", "USED BY", "NOTE"), *rows])
    return 0


def show_secret(*, name: str, server: str | None, as_json: bool) -> int:
    """Print what may be known of a shared secret, and whom it is shared with."""
    with connected(server) as client:
        found, grants = client.secret(name), client.secret_grants(name)
    if as_json:
        print_json(secret=asdict(found), grants=[asdict(one) for one in grants])
        return 0
    console = of_terminal()
    console.row(
        found.name, f"of {found.owner}, set {age_of(found.changed_at)} by {found.changed_by}", found.note
    )
    console.row("used by", ", ".join(found.uses) or "no app")
    for one in grants:
        console.row("", f"{one.kind} {one.name}: {one.level}")
    return 0


def set_secret(*, name: str, note: str | None, no_restart: bool, server: str | None, as_json: bool) -> int:
    """Make a shared secret, or give one another value."""
    if "=" in name:
        said = name.partition("=")[0]
        raise SecretSaid(fix=f"tholos secrets set {said}, and its value is asked for or read from stdin.")
    value = ask_all([name], is_stdin_free=True)[name]
    console = of_terminal(as_json=as_json)
    with connected(server) as client:
        try:
            done = client.change_secret(name, value=value, note=note, restart=not no_restart)
        except RemoteNotFound:
            made = client.create_secret(name, value, note or "")
            told = f"made · tholos vars set --refer KEY={name}"
            return say_done(name, told, as_json=as_json, secret=asdict(made), state="made")
        console.row(name, f"has its new value. {done.told}".strip())
        code = follow_all(client, done.operations, console)
    if as_json:
        print_json(secret=asdict(done.secret), state="changed", told=done.told)
    return code


def remove_secret(*, name: str, force: bool, server: str | None, as_json: bool) -> int:
    """Remove a shared secret."""
    with connected(server) as client:
        broken = client.remove_secret(name, force=force)
    if as_json:
        print_json(secret=name, state="removed", broken=list(broken))
        return 0
    console = of_terminal()
    console.row(name, "removed")
    for app in broken:
        console.row(app, "does not start any more: a variable refers to it")
    return 0


def share_secret(*, name: str, who: str, level: str, remove: bool, server: str | None, as_json: bool) -> int:
    """Share a secret with an account, or a group after ``@``, or take that back; prints whom it is shared with."""
    kind = "group" if who.startswith("@") else "account"
    with connected(server) as client:
        grants = client.share_secret(name, kind, who.removeprefix("@"), "" if remove else level)
    if as_json:
        print_json(grants=[asdict(one) for one in grants])
        return 0
    console = of_terminal()
    if not grants:
        console.row(name, "is shared with nobody")
    for one in grants:
        console.row(
            one.name, f"{one.kind}, {'may refer to it' if one.level == 'viewer' else 'may change it'}"
        )
    return 0


def rotate_key(*, server: str | None, as_json: bool) -> int:
    """Seal everything by a new key, and wait until that is done."""
    with connected(server) as client:
        begun = client.rotate_key()
        code = follow_all(client, [begun], of_terminal(as_json=as_json))
        if as_json:
            print_json(operation=asdict(client.operation(begun.id)))
    return code
