"""HTTP of who may open what: how an app is shared, who can open it and why, asking for access, and handing over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Response

from tholos.access import schemas
from tholos.access.errors import PersonNotFound
from tholos.accounts import service as accounts
from tholos.accounts.errors import RoleTooLow
from tholos.accounts.models import Role, Scope
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import ACCESS_TOPIC
from tholos.apps import requests, visits
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.models import App
from tholos.apps.sharing import Given, Plan, Wish
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.kit.paging import MOST, from_cursor, to_cursor
from tholos.kit.versions import to_tag
from tholos.sharing.models import AccessRequest, PrincipalKind
from tholos.sharing.reach import Person, Way

routes = Routes(prefix="/api/v1", tags=["access"])

Principal = Annotated[str, Path(max_length=100, description="The name of the account or group.")]
RequestId = Annotated[str, Path(max_length=100)]
Cursor = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=MOST)]


@routes.declare("GET", "/apps/{name}/access", permission=Permission.APP_SHARE)
def get_access(call: Calling, response: Response, name: str) -> schemas.AccessOut:
    """How an app is shared, and in words who can open it."""
    with call.read() as db:
        return _tagged(response, app_sharing.look(db, call.actor, name))


@routes.declare("PUT", "/apps/{name}/access", permission=Permission.APP_SHARE)
def set_access(call: Calling, response: Response, name: str, body: schemas.AccessIn) -> schemas.AccessOut:
    """Share it with just these; what is not named is taken back."""
    return _change(call, response, name, schemas.whole(body))


@routes.declare("PATCH", "/apps/{name}/access", permission=Permission.APP_SHARE)
def change_access(
    call: Calling, response: Response, name: str, body: schemas.AccessChange
) -> schemas.AccessOut:
    """Change what is named, and nothing else."""
    return _change(call, response, name, schemas.partly(body))


@routes.declare("POST", "/apps/{name}/access/preview", permission=Permission.APP_SHARE, scope=Scope.READ)
def preview_access(call: Calling, name: str, body: schemas.AccessChange) -> schemas.PreviewOut:
    """What a change would do, in words; nothing is changed."""
    with call.read() as db:
        return schemas.preview_out(app_sharing.plan(db, call.actor, name, schemas.partly(body)))


@routes.declare("PUT", "/apps/{name}/access/grants/{kind}/{principal}", permission=Permission.APP_SHARE)
def put_grant(
    call: Calling,
    response: Response,
    name: str,
    kind: PrincipalKind,
    principal: Principal,
    body: schemas.LevelIn,
) -> schemas.AccessOut:
    """Share it with one account or group."""
    return _change(call, response, name, Wish(given=[Given(kind, principal, body.level)]))


@routes.declare("DELETE", "/apps/{name}/access/grants/{kind}/{principal}", permission=Permission.APP_SHARE)
def remove_grant(
    call: Calling, response: Response, name: str, kind: PrincipalKind, principal: Principal
) -> schemas.AccessOut:
    """Take back what one account or group has."""
    return _change(call, response, name, Wish(given=[Given(kind, principal, None)]))


@routes.declare("GET", "/apps/{name}/access/people", permission=Permission.APP_SHARE)
def list_people(call: Calling, name: str, cursor: Cursor = "", limit: Limit = 100) -> schemas.ReachList:
    """Everybody who can open an app, and why."""
    after = _after(cursor)
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        found = [
            (person, app, ways) for person, ways in app_sharing.people_of(db, app) if person.name > after
        ]
    more = to_cursor(found[limit - 1][0].name) if len(found) > limit else None
    return _reach_list(found[:limit], more)


@routes.declare("GET", "/accounts/{account}/apps", permission=Permission.SIGNED_IN)
def list_apps_of(call: Calling, account: str, cursor: Cursor = "", limit: Limit = 100) -> schemas.ReachList:
    """Every app that an account can open, and why: one's own list, or anybody's for administrators."""
    after = _after(cursor)
    call.actor.needs_all_apps()
    with call.read() as db:
        person = _find_person(call, db, account)
        organization_id = call.actor.organization_id
        reached = app_sharing.apps_of(db, person, organization_id, after=after, limit=limit + 1)
    found = [(person, app, ways) for app, ways in reached]
    more = to_cursor(found[limit - 1][1].name) if len(found) > limit else None
    return _reach_list(found[:limit], more)


@routes.declare(
    "POST", "/apps/{name}/access/requests", permission=Permission.SIGNED_IN, status_code=201, is_creating=True
)
def ask_for_access(call: Calling, name: str, body: schemas.MessageIn) -> schemas.RequestOut:
    """Ask for an app that one may not open. Asked once: while it is open, this answers the same request."""
    with call.write(unrecorded="a request that is open already is answered again") as db:
        request = requests.ask(db, call.actor, name, body.message, call.now)
        return call.kept(db, _requests_out(db, name, [request])[0])


@routes.declare("GET", "/apps/{name}/access/requests", permission=Permission.APP_SHARE)
def list_requests(call: Calling, name: str) -> schemas.RequestList:
    """Who asked for access, the newest first; those of the last while, 200 at most."""
    with call.read() as db:
        _, found = requests.list_of(db, call.actor, name)
        return schemas.RequestList(items=_requests_out(db, name, found))


@routes.declare("POST", "/apps/{name}/access/requests/{request_id}/grant", permission=Permission.APP_SHARE)
def grant_request(
    call: Calling, name: str, request_id: RequestId, body: schemas.LevelIn
) -> schemas.RequestOut:
    """Let in whoever asked."""
    with call.write() as db:
        request = requests.grant(db, call.actor, name, request_id, body.level, call.now)
        shown = _requests_out(db, name, [request])[0]
    tell(call, narrows=False)
    return shown


@routes.declare("POST", "/apps/{name}/access/requests/{request_id}/refuse", permission=Permission.APP_SHARE)
def refuse_request(call: Calling, name: str, request_id: RequestId) -> schemas.RequestOut:
    """Do not let in whoever asked."""
    with call.write() as db:
        request = requests.refuse(db, call.actor, name, request_id, call.now)
        return _requests_out(db, name, [request])[0]


@routes.declare("POST", "/apps/{name}/owner", permission=Permission.APP_OWN)
def hand_over(call: Calling, response: Response, name: str, body: schemas.OwnerIn) -> schemas.AccessOut:
    """Make somebody else the owner of an app."""
    with call.write() as db:
        plan = app_sharing.hand_over(
            db, call.actor, name, body.account, call.seen_version, call.now, keep=body.keep
        )
        shown = _tagged(response, plan)
    tell(call, narrows=True)
    return shown


@routes.declare("PUT", "/apps/{name}/pin", permission=Permission.APP_VIEW, status_code=204)
def pin_app(call: Calling, name: str) -> None:
    """Keep an app at the top of one's own home page."""
    set_pinned(call, name, is_pinned=True)


@routes.declare("DELETE", "/apps/{name}/pin", permission=Permission.APP_VIEW, status_code=204)
def unpin_app(call: Calling, name: str) -> None:
    """Keep an app at the top of one's own home page no longer."""
    set_pinned(call, name, is_pinned=False)


def set_pinned(call: Call, name: str, *, is_pinned: bool) -> None:
    with call.write(unrecorded="one's own home page is nobody else's business") as db:
        visits.set_pinned(db, call.actor, name, is_pinned=is_pinned)


def tell(call: Call, *, narrows: bool) -> None:
    """Who may open what has changed: the door's table is refreshed, and who lost access is out at once."""
    notices = call.get(Notices)
    if narrows:
        notices.publish(ACCESS_TOPIC)
    notices.publish(apps.SHARING_TOPIC)
    notices.publish(apps.TOPIC)


def change(call: Call, name: str, wish: Wish, seen: int | None) -> Plan:
    with call.write() as db:
        plan = app_sharing.change(db, call.actor, name, wish, seen, call.now)
    tell(call, narrows=plan.narrows)
    return plan


def _change(call: Call, response: Response, name: str, wish: Wish) -> schemas.AccessOut:
    return _tagged(response, change(call, name, wish, call.seen_version))


def _tagged(response: Response, plan: Plan) -> schemas.AccessOut:
    response.headers["etag"] = to_tag(plan.app.version)
    return schemas.access_out(plan)


def _find_person(call: Call, db: ReadDb, name: str) -> Person:
    """Raises: RoleTooLow, PersonNotFound."""
    if name != call.actor.name and not call.actor.role.includes(Role.ADMINISTRATOR):
        raise RoleTooLow("Cannot show what somebody else can open: that is for them and for administrators.")
    person = app_sharing.find_person(db, call.actor.organization_id, name)
    if person is None:
        raise PersonNotFound(f'There is no account "{name[:60]}".', where="account")
    return person


def _requests_out(db: ReadDb, app: str, found: Sequence[AccessRequest]) -> list[schemas.RequestOut]:
    names = accounts.account_names(db, [*{one.account_id for one in found}])
    return [schemas.request_out(one, app, names) for one in found]


def _reach_list(found: Sequence[tuple[Person, App, Sequence[Way]]], more: str | None) -> schemas.ReachList:
    return schemas.ReachList(items=[schemas.reach_out(*one) for one in found], next=more)


def _after(cursor: str) -> str:
    """Raises: CursorInvalid."""
    key = from_cursor(cursor, str)
    return str(key[0]) if key else ""
