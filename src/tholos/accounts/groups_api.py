"""HTTP of groups. Removing one is in console/departures_api.py: what it was given is taken back with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from tholos.accounts import groups
from tholos.accounts import people_schemas as schemas
from tholos.accounts.api import Cursor, Limit, tell
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.versions import to_tag

routes = Routes(prefix="/api/v1", tags=["groups"])

Name = Annotated[str, Path(max_length=100, description="The group's name.")]
Member = Annotated[str, Path(max_length=100, description="The account's name.")]


@routes.declare("GET", "/groups", permission=Permission.PUBLISH)
def list_groups(
    call: Calling,
    q: Annotated[str, Query(max_length=200, description="In names.")] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> schemas.GroupList:
    """The groups, by name."""
    with call.read() as db:
        page = groups.list_groups(db, call.actor, text=q, cursor=cursor, limit=limit)
        return schemas.GroupList(
            items=[schemas.known_group_out(one) for one in page.items], next=page.next or None
        )


@routes.declare("POST", "/groups", permission=Permission.ADMINISTER, status_code=201, is_creating=True)
def create_group(call: Calling, body: schemas.GroupIn) -> schemas.GroupOut:
    """Make a group; nobody is in it yet."""
    with call.write() as db:
        group = groups.make_group(db, call.actor, body.name, body.note, call.now)
        return call.kept(db, schemas.group_out(group, 0))


@routes.declare("GET", "/groups/{name}", permission=Permission.SIGNED_IN)
def get_group(call: Calling, response: Response, name: Name) -> schemas.GroupOut:
    """One group: for its members, for who shares, and for administrators."""
    return _answer(call, response, name)


@routes.declare("PATCH", "/groups/{name}", permission=Permission.ADMINISTER)
def change_group(
    call: Calling, response: Response, name: Name, body: schemas.GroupChange
) -> schemas.GroupOut:
    """Give it another name or note; who is in it and what it was given stay."""
    with call.write() as db:
        group = groups.change_group(
            db, call.actor, name, new_name=body.name, note=body.note, seen=call.seen_version, now=call.now
        )
    return _answer(call, response, group.name)


@routes.declare("GET", "/groups/{name}/members", permission=Permission.PUBLISH)
def list_members(call: Calling, name: Name, cursor: Cursor = "", limit: Limit = 100) -> schemas.MemberList:
    """Who is in it, by name."""
    with call.read() as db:
        page = groups.list_members(db, call.actor, name, cursor=cursor, limit=limit)
        return schemas.MemberList(
            items=[schemas.member_out(one) for one in page.items], next=page.next or None
        )


@routes.declare("PUT", "/groups/{name}/members/{account}", permission=Permission.ADMINISTER)
def add_member(call: Calling, name: Name, account: Member) -> schemas.MemberOut:
    """Put an account into a group: it may do from now on what the group may."""
    with call.write() as db:
        return schemas.member_out(groups.add_member(db, call.actor, name, account, call.now))


@routes.declare(
    "DELETE", "/groups/{name}/members/{account}", permission=Permission.ADMINISTER, status_code=204
)
def remove_member(call: Calling, name: Name, account: Member) -> None:
    """Take an account out of a group. What it has open by the group ends within five seconds."""
    with call.write() as db:
        groups.remove_member(db, call.actor, name, account, call.now)
    tell(call)


def _answer(call: Call, response: Response, name: str) -> schemas.GroupOut:
    with call.read() as db:
        known = groups.get_group(db, call.actor, name)
        response.headers["etag"] = to_tag(known.group.version)
        return schemas.known_group_out(known)
