"""Commands about one's own account: who one is, tokens, browsers that are signed in."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import age_of, of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.own import NewToken


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


def revoke_token(*, token: str, account: str, server: str | None) -> int:
    """End a token at once."""
    with connected(server) as client:
        client.revoke_token(token, account)
    of_terminal().row(token, "revoked")
    return 0


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


def end_session(*, session: str, server: str | None) -> int:
    """Sign one browser out."""
    with connected(server) as client:
        client.end_session(session)
    of_terminal().row(session, "signed out")
    return 0


def end_sessions(*, tokens: bool, server: str | None) -> int:
    """Sign out everywhere."""
    with connected(server) as client:
        ended = client.end_sessions(tokens=tokens)
    console = of_terminal()
    console.row("signed out", f"browsers: {ended.sessions}, tokens: {ended.tokens}")
    if tokens:
        console.row("", "this machine's token too · tholos login")
    return 0


def day_of(instant: str) -> str:
    """The day of an ISO 8601 time."""
    return instant.partition("T")[0]


def _used(instant: str) -> str:
    return age_of(instant) if instant else "never"
