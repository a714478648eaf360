"""HTTP of people's accounts. What is one's own is in own_api.py, tokens are in console/tokens_api.py: they name apps.

Handing over what somebody owns is in console/departures_api.py, since several domains take part in it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from tholos.accounts import people
from tholos.accounts import people_schemas as schemas
from tholos.accounts.models import AccountKind, Role
from tholos.accounts.people import Change, New, PeopleFilter
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.schemas import EndedOut
from tholos.accounts.service import ACCESS_TOPIC
from tholos.kit.notices import Notices
from tholos.kit.paging import MOST
from tholos.kit.versions import to_tag

routes = Routes(prefix="/api/v1", tags=["people"])

Account = Annotated[str, Path(max_length=100, description="The account's name.")]
Cursor = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=MOST)]


@routes.declare("POST", "/accounts", permission=Permission.ADMINISTER, status_code=201, is_creating=True)
def create_account(call: Calling, body: schemas.PersonIn) -> schemas.PersonMade:
    """Make an account; a person comes in by the link that is answered, a program by tokens made for it."""
    new = New(body.name, body.role, body.kind, body.full_name, body.email)
    with call.write() as db:
        made, code = people.create(db, call.actor, new, call.now)
        shown = schemas.person_out(people.Known(made, (), is_whole=True))
        return call.kept(db, schemas.PersonMade(account=shown, sign_in_url=link_of(call, code)))


@routes.declare("GET", "/accounts", permission=Permission.PUBLISH)
def list_accounts(
    call: Calling,
    q: Annotated[str, Query(max_length=200, description="In names, and for administrators in mail.")] = "",
    kind: AccountKind | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> schemas.PersonList:
    """Who there is, by name: for administrators everybody; for publishers those who may sign in, as sharing needs them."""
    wanted = PeopleFilter(q, kind or "", role or "", disabled)
    with call.read() as db:
        found = people.list_people(db, call.actor, wanted, cursor=cursor, limit=limit)
        return schemas.PersonList(
            items=[schemas.person_out(one) for one in found.page.items],
            next=found.page.next or None,
            total=found.total,
        )


@routes.declare("GET", "/accounts/{account}", permission=Permission.SIGNED_IN)
def get_account(call: Calling, response: Response, account: Account) -> schemas.PersonOut:
    """One account: one's own, or anybody's for administrators; publishers see of others what sharing needs."""
    return _answer(call, response, account)


@routes.declare("PATCH", "/accounts/{account}", permission=Permission.ADMINISTER)
def change_account(
    call: Calling, response: Response, account: Account, body: schemas.PersonChange
) -> schemas.PersonOut:
    """Change full name, mail address or role. A lower role holds from the next request on."""
    wish = Change(body.full_name, body.email, body.role)
    with call.write() as db:
        people.change(db, call.actor, account, wish, call.seen_version, call.now)
    tell(call)
    return _answer(call, response, account)


@routes.declare("POST", "/accounts/{account}/disable", permission=Permission.ADMINISTER)
def disable_account(call: Calling, account: Account) -> EndedOut:
    """Let nobody in by it any more: sessions and tokens end at once. What it did and owns stays."""
    with call.write() as db:
        ended = people.disable(db, call.actor, account, call.seen_version, call.now)
    tell(call)
    return EndedOut(sessions=ended.sessions, tokens=ended.tokens)


@routes.declare("POST", "/accounts/{account}/enable", permission=Permission.ADMINISTER)
def enable_account(call: Calling, response: Response, account: Account) -> schemas.PersonOut:
    """Let it sign in again. What ended when it was disabled stays ended."""
    with call.write() as db:
        people.enable(db, call.actor, account, call.seen_version, call.now)
    return _answer(call, response, account)


@routes.declare("POST", "/accounts/{account}/sign-out", permission=Permission.ADMINISTER)
def sign_out_account(call: Calling, account: Account, body: schemas.SignOutIn) -> EndedOut:
    """Sign somebody out everywhere."""
    with call.write() as db:
        ended = people.sign_out(db, call.actor, account, call.now, with_tokens=body.tokens)
    tell(call)
    return EndedOut(sessions=ended.sessions, tokens=ended.tokens)


@routes.declare(
    "POST", "/accounts/{account}/link", permission=Permission.ADMINISTER, status_code=201, is_creating=True
)
def create_link(call: Calling, account: Account) -> schemas.LinkMade:
    """A one-time link that lets a person in, who has forgotten the password, say. It is good for 15 minutes."""
    with call.write() as db:
        code = people.make_link(db, call.actor, account, call.now)
        return call.kept(db, schemas.LinkMade(sign_in_url=link_of(call, code)))


def tell(call: Call) -> None:
    """Who may open what may have become less: it is decided anew at once."""
    call.get(Notices).publish(ACCESS_TOPIC)


def link_of(call: Call, code: str) -> str:
    return f"{call.site.url}/setup?code={code}" if code else ""


def _answer(call: Call, response: Response, name: str) -> schemas.PersonOut:
    with call.read() as db:
        known = people.get_person(db, call.actor, name)
        response.headers["etag"] = to_tag(known.account.version)
        return schemas.person_out(known)
