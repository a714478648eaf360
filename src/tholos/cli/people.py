"""Commands about other people's accounts: list, add, show, edit, disable, enable, sign out, hand over."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import Console, age_of, count_of, of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.cli.sharing import because
from tholos.client.people import NewPerson, Owned, PeopleQuery, Person
from tholos.client.sharing import Reach
from tholos.kit.errors import Invalid


class NothingToChange(Invalid):
    """Cannot change the account: it was not said how."""

    code = "nothing_to_change"


def list_people(
    *, search: str, role: str, services: bool, disabled: bool, server: str | None, as_json: bool
) -> int:
    """Print who there is."""
    asked = PeopleQuery(search, "service" if services else "", role, True if disabled else None)
    with connected(server) as client:
        found = client.people(asked)
    if as_json:
        print_json(users=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("nobody is like that · tholos users add NAME")
        return 0
    rows = [
        (one.name, role_of(one), one.full_name or "-", ", ".join(one.groups) or "-", _seen(one))
        for one in found
    ]
    console.table([("NAME", "ROLE", "FULL NAME", "GROUPS", "SIGNED IN"), *rows])
    return 0


def add_person(
    *, name: str, role: str, service: bool, full_name: str, email: str, server: str | None, as_json: bool
) -> int:
    """Make an account, and print the link that lets its person in, which is shown this once."""
    new = NewPerson(name, role, "service" if service else "person", full_name, email)
    with connected(server) as client:
        made = client.create_person(new)
    if as_json:
        print_json(user=asdict(made.person), sign_in_url=made.sign_in_url)
        return 0
    console = of_terminal()
    console.row(made.person.name, f"made, {role_of(made.person)}")
    if made.sign_in_url:
        console.row("link", made.sign_in_url)
        console.note("Send the link to its person: it signs in once, within 7 days, and is not shown again.")
    else:
        console.row(f"tholos tokens add LABEL --account {made.person.name}")
    return 0


def show_person(*, name: str, server: str | None, as_json: bool) -> int:
    """Print one account, and what it can open and why."""
    with connected(server) as client:
        person = client.person(name)
        reached = client.apps_of(name)
    if as_json:
        print_json(user=asdict(person), apps=[asdict(one) for one in reached])
        return 0
    console = of_terminal()
    print_person(console, person)
    print_reach(console, reached)
    return 0


def edit_person(
    *,
    name: str,
    role: str | None,
    full_name: str | None,
    email: str | None,
    server: str | None,
    as_json: bool,
) -> int:
    """Change an account.

    Raises:
        NothingToChange: nothing was said.
    """
    if role is None and full_name is None and email is None:
        raise NothingToChange(fix=f"tholos users edit {name} --role ROLE, or with --full-name or --email")
    with connected(server) as client:
        person = client.change_person(name, role=role, full_name=full_name, email=email)
    if as_json:
        print_json(user=asdict(person))
        return 0
    print_person(of_terminal(), person)
    return 0


def disable_person(*, name: str, server: str | None, as_json: bool) -> int:
    """Let nobody in by an account any more."""
    with connected(server) as client:
        ended = client.disable_person(name)
    if as_json:
        print_json(user=name, sessions=ended.sessions, tokens=ended.tokens)
        return 0
    console = of_terminal()
    console.row(name, f"disabled; {_ended(ended.sessions, ended.tokens)}")
    console.row(f"undo: tholos users enable {name} · what it owns: tholos users hand-over {name} TO")
    return 0


def enable_person(*, name: str, server: str | None, as_json: bool) -> int:
    """Let somebody sign in again."""
    with connected(server) as client:
        person = client.enable_person(name)
    if as_json:
        print_json(user=asdict(person))
        return 0
    of_terminal().row(name, "may sign in again")
    return 0


def sign_out_person(*, name: str, tokens: bool, server: str | None, as_json: bool) -> int:
    """Sign somebody out everywhere."""
    with connected(server) as client:
        ended = client.sign_out_person(name, tokens=tokens)
    if as_json:
        print_json(user=name, sessions=ended.sessions, tokens=ended.tokens)
        return 0
    of_terminal().row(name, f"signed out everywhere; {_ended(ended.sessions, ended.tokens)}")
    return 0


def make_link(*, name: str, server: str | None, as_json: bool) -> int:
    """Print a link that lets a person in once, who has forgotten the password, say."""
    with connected(server) as client:
        url = client.create_sign_in_link(name)
    if as_json:
        print_json(user=name, sign_in_url=url)
        return 0
    console = of_terminal()
    console.row("link", url)
    console.note("It signs in once, within 15 minutes, and is not shown again.")
    return 0


def hand_over(*, name: str, to: str, dry_run: bool, server: str | None, as_json: bool) -> int:
    """Give all that an account owns to another, or say what that would move."""
    with connected(server) as client:
        moved = client.preview_hand_over(name, to) if dry_run else client.hand_over_all(name, to)
    if as_json:
        print_json(user=name, to=to, is_dry_run=dry_run, **asdict(moved))
        return 0
    print_moved(of_terminal(), name, to, moved, dry_run=dry_run)
    return 0


def print_person(console: Console, person: Person) -> None:
    console.row(person.name, role_of(person))
    rows = (
        ("full name", person.full_name),
        ("mail", person.email),
        ("groups", ", ".join(person.groups)),
        ("signed in", _seen(person)),
    )
    for label, text in rows:
        if text:
            console.row(label, text)


def print_reach(console: Console, reached: list[Reach]) -> None:
    if not reached:
        console.row("apps", "none that it can open")
        return
    console.table([
        ("APP", "IS", "BECAUSE"),
        *[(one.app, one.rank, because(one.ways)) for one in reached],
    ])  # fmt: skip


def print_moved(console: Console, name: str, to: str, moved: Owned, *, dry_run: bool) -> None:
    rows = [("apps", moved.apps), ("secrets", moved.secrets), ("webhooks", moved.webhooks)]
    told = [(label, ", ".join(names)) for label, names in rows if names]
    if not told:
        console.row(name, "owns nothing that could change hands")
        return
    console.row(name, f"{'would hand' if dry_run else 'handed'} over to {to}")
    for label, text in told:
        console.row(label, text)


def role_of(person: Person) -> str:
    words = [person.role, *(["a program"] if person.kind == "service" else [])]
    return ", ".join([*words, *(["disabled"] if person.is_disabled else [])])


def _seen(person: Person) -> str:
    return age_of(person.seen_at) if person.seen_at else "-"


def _ended(sessions: int, tokens: int) -> str:
    return f"{count_of(sessions, 'session')} and {count_of(tokens, 'token')} ended"
