"""Commands about one's own account: who one is, tokens, browsers that are signed in."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict

from tholos.cli.console import age_of, of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.own import NewToken
from tholos.kit.errors import Forbidden, Invalid


class PasswordNotSaid(Invalid):
    """Cannot change the password: nobody is there to type it."""

    code = "password_not_said"


class NoPasswordYet(Forbidden):
    """Cannot change the password: there is none yet, and a first one is set in a browser."""

    code = "no_password_yet"


class PasswordsDiffer(Invalid):
    """Cannot change the password: it was typed differently the second time."""

    code = "passwords_differ"


def show_me(*, full_name: str | None, email: str | None, server: str | None, as_json: bool) -> int:
    """Print who is signed in; with a name or mail address change it first."""
    with connected(server) as client:
        is_change = full_name is not None or email is not None
        account = client.change_me(full_name=full_name, email=email) if is_change else client.me()
        address = str(client.address)
    if as_json:
        print_json(server=address, account=asdict(account))
        return 0
    console = of_terminal()
    console.row(account.name, account.role)
    for label, text in (("full name", account.full_name), ("mail", account.email), ("server", address)):
        if text:
            console.row(label, text)
    return 0


def change_password(*, stdin: bool, server: str | None, as_json: bool) -> int:
    """Change one's own password; both are typed without being shown, or read from stdin."""
    if not stdin and not sys.stdin.isatty():
        raise PasswordNotSaid(fix="tholos password --stdin")
    with connected(server) as client:
        account = client.me()
        if not account.has_password:
            raise NoPasswordYet(fix=f"Set one on your account's page: {client.address}/account")
        current, password = read_passwords(stdin=stdin)
        client.change_password(password, current)
    told = "has a new password; its browsers are signed out"
    return say_done(account.name, told, as_json=as_json, account=account.name, state="changed")


def read_passwords(*, stdin: bool) -> tuple[str, str]:
    """The present password and the new one; from stdin each is a line.

    Raises: PasswordsDiffer.
    """
    if stdin:
        current, password = (sys.stdin.readline().rstrip("\r\n") for _ in range(2))
        return current, password
    current = getpass.getpass("  present password: ")
    password = getpass.getpass("  new password: ")
    if getpass.getpass("  once more: ") != password:
        raise PasswordsDiffer(fix="tholos password")
    return current, password


def list_tokens(*, account: str, server: str | None, as_json: bool) -> int:
    """Print the tokens of this account, or of another."""
    with connected(server) as client:
        found = client.tokens(account)
    if as_json:
        print_json(tokens=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("there are no tokens · tholos tokens add LABEL")
        return 0
    rows = [
        (one.id, one.label, one.scope, one.app or "all", _used(one.last_used_at), day_of(one.expires_at))
        for one in found
    ]
    console.table([("ID", "LABEL", "SCOPE", "APP", "USED", "ENDS"), *rows])
    return 0


def add_token(
    *, label: str, days: int, scope: str, app: str, account: str, server: str | None, as_json: bool
) -> int:
    """Make a token; print it this once."""
    with connected(server) as client:
        made = client.create_token(NewToken(label, days, scope, app), account)
    if as_json:
        print_json(token=made.token, id=made.id, expires_at=made.expires_at, account=made.account.name)
        return 0
    console = of_terminal(as_json=True)  # only the token itself goes to stdout, for a pipe
    console.row(made.id, f"ends {day_of(made.expires_at)}; it is shown this once")
    print(made.token)
    return 0


def revoke_token(*, token: str, account: str, server: str | None, as_json: bool) -> int:
    """End a token at once."""
    with connected(server) as client:
        client.revoke_token(token, account)
    return say_done(token, "revoked", as_json=as_json, token=token, state="revoked")


def list_sessions(*, server: str | None, as_json: bool) -> int:
    """Print the browsers that are signed in."""
    with connected(server) as client:
        found = client.sessions()
    if as_json:
        print_json(sessions=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("no browser is signed in")
        return 0
    rows = [(one.id, one.label or "a browser", one.address, age_of(one.created_at)) for one in found]
    console.table([("ID", "BROWSER", "ADDRESS", "SINCE"), *rows])
    return 0


def end_session(*, session: str, server: str | None, as_json: bool) -> int:
    """Sign one browser out."""
    with connected(server) as client:
        client.end_session(session)
    return say_done(session, "signed out", as_json=as_json, session=session, state="ended")


def end_sessions(*, tokens: bool, server: str | None, as_json: bool) -> int:
    """Sign out everywhere."""
    with connected(server) as client:
        ended, address = client.end_sessions(tokens=tokens), client.address
    if as_json:
        print_json(ended=asdict(ended))
        return 0
    console = of_terminal()
    console.row("signed out", f"browsers: {ended.sessions}, tokens: {ended.tokens}")
    if tokens:
        console.row("", f"this machine's token too · tholos login {address}")
    return 0


def day_of(instant: str) -> str:
    """The day of an ISO 8601 time."""
    return instant.partition("T")[0]


def _used(instant: str) -> str:
    return age_of(instant) if instant else "never"
