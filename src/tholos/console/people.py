"""The page of people: who there is, to search; administrators make accounts here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts import people, people_schemas
from tholos.accounts.api import link_of
from tholos.accounts.models import AccountKind, Role
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.people import Found, New, PeopleFilter
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.errors import Conflict, Invalid, TholosError
from tholos.kit.pages import Pages
from tholos.kit.paging import USUAL

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
Asked = Annotated[str, Query(max_length=200)]
ROLES: Sequence[tuple[str, str]] = (
    (Role.VIEWER, "viewer: opens apps"),
    (Role.PUBLISHER, "publisher: has apps too"),
    (Role.ADMINISTRATOR, "administrator: looks after everything"),
)
KINDS: Sequence[tuple[str, str]] = (
    (AccountKind.PERSON, "a person, who signs in"),
    (AccountKind.SERVICE, "a program, which has tokens"),
)
STATES: Mapping[str, bool | None] = {"": None, "active": False, "disabled": True}


@dataclass(frozen=True, slots=True)
class Made:
    """An account that was just made, with the link that is shown this once."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows besides how things are."""

    asked: Mapping[str, str] = field(default_factory=dict)
    made: Made | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage(Frame):
    tabs: Sequence[tuple[str, str]]
    people: Sequence[people_schemas.PersonOut]
    total: int
    next_url: str
    asked: Mapping[str, str]
    is_administrator: bool
    made: Made | None
    roles: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@routes.declare("GET", "/people", permission=Permission.SIGNED_IN)
def show_people(
    call: Calling, q: Asked = "", kind: Asked = "", role: Asked = "", state: Asked = "", cursor: Asked = ""
) -> Response:
    """Who has no use for the list, since they share nothing, gets to what there is of themselves."""
    if not call.actor.role.includes(Role.PUBLISHER):
        return RedirectResponse(f"/people/{quote(call.actor.name)}", 303)
    asked = {"q": q.strip(), "kind": kind, "role": role, "state": state, "cursor": cursor}
    return _page(call, Shown(asked={key: value for key, value in asked.items() if value}))


@routes.declare("POST", "/people", permission=Permission.ADMINISTER)
def make_account(
    call: Calling, name: Text = "", kind: Text = "", role: Text = "", full_name: Text = "", email: Text = ""
) -> Response:
    typed = {"name": name, "kind": kind, "role": role, "full_name": full_name, "email": email}
    new = New(name.strip(), role or Role.VIEWER, kind or AccountKind.PERSON, full_name, email)
    try:
        with call.write() as db:
            account, code = people.create(db, call.actor, new, call.now)
    except (Invalid, Conflict) as error:
        where = error.where if error.where in typed else ""
        return _page(call, Shown(values=typed, errors={where: words(error)}, status=status(error)))
    if not code:
        return RedirectResponse(f"/people/{quote(account.name)}#tokens", 303)
    return _page(call, Shown(made=Made(account.name, link_of(call, code))))


def tabs_of(call: Call) -> list[tuple[str, str]]:
    """The lists of people, groups and invitations stand beside one another."""
    if not call.actor.role.includes(Role.PUBLISHER):
        return []
    return [("People", "/people"), ("Groups", "/groups"), ("Invitations", "/invitations")]


def words(error: TholosError) -> str:
    return f"{error.message} {error.fix}".strip()


def status(error: TholosError) -> int:
    return 409 if isinstance(error, Conflict) else 400


def _page(call: Call, shown: Shown) -> Response:
    asked = shown.asked
    found = _find(call, asked)
    more = {**asked, "cursor": found.page.next}
    page = PeoplePage(
        title="People",
        account=account_of(call),
        json_url=_json_url(asked),
        tabs=tabs_of(call),
        people=[people_schemas.person_out(one) for one in found.page.items],
        total=found.total,
        next_url=f"/people?{urlencode(more)}" if found.page.next else "",
        asked={"q": "", "kind": "", "role": "", "state": "", "cursor": "", **asked},
        is_administrator=call.actor.role.includes(Role.ADMINISTRATOR),
        made=shown.made,
        roles=ROLES,
        kinds=KINDS,
        values={"name": "", "kind": "", "role": "", "full_name": "", "email": "", **shown.values},
        errors=shown.errors,
    )
    return call.get(Pages).answer("people.html", page, shown.status)


def _json_url(asked: Mapping[str, str]) -> str:
    state = STATES.get(asked.get("state", ""))
    query = {key: asked.get(key, "") for key in ("q", "kind", "role", "cursor")}
    query |= {"disabled": "" if state is None else str(state).lower()}
    said = {key: value for key, value in query.items() if value}
    return f"/api/v1/accounts?{urlencode(said)}" if said else "/api/v1/accounts"


def _find(call: Call, asked: Mapping[str, str]) -> Found:
    """What no filter can mean finds nobody, and is shown as it was asked."""
    wanted = PeopleFilter(
        asked.get("q", ""), asked.get("kind", ""), asked.get("role", ""), STATES.get(asked.get("state", ""))
    )
    with call.read() as db:
        return people.list_people(db, call.actor, wanted, cursor=asked.get("cursor", ""), limit=USUAL)
