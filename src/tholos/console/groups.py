"""Pages of groups: the list, and one group with who is in it and what that opens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Path, Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts import groups, people, people_schemas
from tholos.accounts.api import tell
from tholos.accounts.models import Role
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.console import departures_api
from tholos.console.departures_api import GivenOut
from tholos.console.people import status, tabs_of, words
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.errors import Conflict, Invalid, NotFound
from tholos.kit.pages import Pages
from tholos.kit.paging import USUAL
from tholos.kit.versions import EditedMeanwhile

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=4000)]
Asked = Annotated[str, Query(max_length=200)]
Name = Annotated[str, Path(max_length=100)]
MEMBERS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows besides how things are."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    cursor: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsPage(Frame):
    tabs: Sequence[tuple[str, str]]
    groups: Sequence[people_schemas.GroupOut]
    next_url: str
    asked: str
    is_administrator: bool
    values: Mapping[str, str]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage(Frame):
    tabs: Sequence[tuple[str, str]]
    group: people_schemas.GroupOut
    members: Sequence[people_schemas.MemberOut] | None
    next_url: str
    given: Sequence[GivenOut]
    is_given_whole: bool
    is_administrator: bool
    accounts: Sequence[str]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@routes.declare("GET", "/groups", permission=Permission.PUBLISH)
def show_groups(call: Calling, q: Asked = "", cursor: Asked = "") -> Response:
    return _list_page(call, q.strip(), Shown(cursor=cursor))


@routes.declare("POST", "/groups", permission=Permission.ADMINISTER)
def make_group(call: Calling, name: Text = "", note: Text = "") -> Response:
    try:
        with call.write() as db:
            group = groups.make_group(db, call.actor, name.strip(), note, call.now)
    except (Invalid, Conflict) as error:
        where = error.where if error.where in {"name", "note"} else ""
        shown = Shown({"name": name, "note": note}, {where: words(error)}, status=status(error))
        return _list_page(call, "", shown)
    return RedirectResponse(_at(group.name), 303)


@routes.declare("GET", "/groups/{name}", permission=Permission.SIGNED_IN)
def show_group(call: Calling, name: Name, cursor: Asked = "") -> Response:
    return _page(call, name, Shown(cursor=cursor))


@routes.declare("POST", "/groups/{name}", permission=Permission.ADMINISTER)
def change_group(
    call: Calling, name: Name, new_name: Text = "", note: Text = "", version: Text = ""
) -> Response:
    typed = {"new_name": new_name, "note": note}
    seen = int(version) if version.isdecimal() and len(version) < 10 else None
    try:
        with call.write() as db:
            wanted = new_name.strip() or None
            group = groups.change_group(
                db, call.actor, name, new_name=wanted, note=note, seen=seen, now=call.now
            )
    except EditedMeanwhile:
        told = (
            "Somebody else changed it meanwhile. What you typed is here still: save it again to keep yours."
        )
        return _page(call, name, Shown(typed, {"group": told}, status=412))
    except (Invalid, Conflict) as error:
        where = {"name": "new_name", "note": "note"}.get(error.where, "group")
        return _page(call, name, Shown(typed, {where: words(error)}, status=status(error)))
    return RedirectResponse(_at(group.name), 303)


@routes.declare("POST", "/groups/{name}/add", permission=Permission.ADMINISTER)
def add_member(call: Calling, name: Name, account: Text = "") -> Response:
    def add(db: WriteDb) -> str:
        added = groups.add_member(db, call.actor, name, account, call.now)
        return f"{added.name} is in {name}, and may do from now on what it may."

    return _change_members(call, name, add, {"account": account})


@routes.declare("POST", "/groups/{name}/remove-member", permission=Permission.ADMINISTER)
def remove_member(call: Calling, name: Name, account: Text = "") -> Response:
    def remove(db: WriteDb) -> str:
        removed = groups.remove_member(db, call.actor, name, account, call.now)
        return f"{removed.name} is not in {name} any more. Adding them again undoes it."

    return _change_members(call, name, remove, {})


@routes.declare("POST", "/groups/{name}/remove", permission=Permission.ADMINISTER)
def remove_group(call: Calling, name: Name, typed: Text = "") -> Response:
    """What ends for good is asked for by its name."""
    if typed.strip() != name:
        wrong = {"typed": f'Type "{name}" to remove it.'}
        return _page(call, name, Shown({"typed": typed}, wrong, status=400))
    try:
        departures_api.remove_group(call, name, None)
    except Conflict as error:
        return _page(call, name, Shown(errors={"group": words(error)}, status=409))
    return RedirectResponse("/groups", 303)


def _change_members(
    call: Call, name: str, change: Callable[[WriteDb], str], typed: Mapping[str, str]
) -> Response:
    with call.read() as db:
        groups.get_group(db, call.actor, name)  # what is wrong from here on is the account
    try:
        with call.write() as db:
            told = change(db)
    except (NotFound, Conflict) as error:
        code = 409 if isinstance(error, Conflict) else 400
        return _page(call, name, Shown(typed, {"account": words(error)}, status=code))
    tell(call)
    return _page(call, name, Shown(notice=told))


def _list_page(call: Call, asked: str, shown: Shown) -> Response:
    with call.read() as db:
        found = groups.list_groups(db, call.actor, text=asked, cursor=shown.cursor, limit=USUAL)
    more = {**({"q": asked} if asked else {}), "cursor": found.next}
    page = GroupsPage(
        title="Groups",
        account=account_of(call),
        json_url="/api/v1/groups",
        tabs=tabs_of(call),
        groups=[people_schemas.known_group_out(one) for one in found.items],
        next_url=f"/groups?{urlencode(more)}" if found.next else "",
        asked=asked,
        is_administrator=call.actor.role.includes(Role.ADMINISTRATOR),
        values={"name": "", "note": "", **shown.values},
        errors=shown.errors,
    )
    return call.get(Pages).answer("groups.html", page, shown.status)


def _page(call: Call, name: str, shown: Shown) -> Response:
    with call.read() as db:
        page = _page_of(call, db, groups.get_group(db, call.actor, name), shown)
    return call.get(Pages).answer("group.html", page, shown.status)


def _page_of(call: Call, db: ReadDb, known: groups.Known, shown: Shown) -> GroupPage:
    group, actor = known.group, call.actor
    is_administrator = actor.role.includes(Role.ADMINISTRATOR)
    members, more = _members(call, db, group.name, shown.cursor)
    may_add = is_administrator and not group.is_claimed
    return GroupPage(
        title=group.name,
        account=account_of(call),
        notice=shown.notice,
        json_url=f"/api/v1/groups/{quote(group.name, safe='')}",
        tabs=tabs_of(call),
        group=people_schemas.known_group_out(known),
        members=members,
        next_url=f"{_at(group.name)}?{urlencode({'cursor': more})}" if more else "",
        given=departures_api.given_out(departures_api.visible_given(db, call, group.name)),
        is_given_whole=is_administrator or groups.is_member(db, group, actor.account_id),
        is_administrator=is_administrator,
        accounts=people.list_names(db, actor.organization_id) if may_add else (),
        values={"new_name": group.name, "note": group.note, "account": "", "typed": "", **shown.values},
        errors=shown.errors,
    )


def _members(
    call: Call, db: ReadDb, name: str, cursor: str
) -> tuple[list[people_schemas.MemberOut] | None, str]:
    """Who is in it, for those who may know."""
    if not call.actor.role.includes(Role.PUBLISHER):
        return None, ""
    found = groups.list_members(db, call.actor, name, cursor=cursor, limit=MEMBERS_SHOWN)
    return [people_schemas.member_out(one) for one in found.items], found.next


def _at(name: str) -> str:
    return f"/groups/{quote(name, safe='')}"
