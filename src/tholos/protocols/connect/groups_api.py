"""Groups, and who is in them."""

from __future__ import annotations

from fastapi import Response

from tholos.accounts import groups, people
from tholos.accounts.api import tell
from tholos.accounts.models import Group
from tholos.accounts.people import PeopleFilter
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.console import departures_api
from tholos.kit.db import JsonObject, ReadDb
from tholos.protocols.connect import identity
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.paging import MOST, Asking
from tholos.protocols.connect.server_api import user_json
from tholos.protocols.connect.users_api import name_of, text_of

routes = Routes(prefix="/__api__/v1/groups", tags=["connect"], include_in_schema=False)


@routes.declare("GET", "", permission=Permission.PUBLISH)
def list_groups(call: Calling, page: Asking, prefix: str = "") -> JsonObject:
    """The groups, by name."""
    with call.read() as db:
        found, total = groups.list_beginning(
            db, call.actor, prefix, skip=page.skip, limit=min(page.size, MOST)
        )
        return page.told([_to_json(one) for one in found], total)


@routes.declare("POST", "", permission=Permission.ADMINISTER)
def create_group(call: Calling, body: JsonBody) -> JsonObject:
    """Make a group; nobody is in it yet."""
    with call.write() as db:
        return _to_json(groups.make_group(db, call.actor, text_of(body, "name"), "", call.now))


@routes.declare("GET", "/{group_guid}", permission=Permission.SIGNED_IN)
def get_group(call: Calling, group_guid: str) -> JsonObject:
    """One group: for its members, for who shares, and for administrators."""
    with call.read() as db:
        return _to_json(groups.get_group(db, call.actor, _name_of(db, group_guid)).group)


@routes.declare("DELETE", "/{group_guid}", permission=Permission.ADMINISTER, status_code=204)
def remove_group(call: Calling, group_guid: str) -> Response:
    """Remove a group; what it was given is taken back with it."""
    with call.read() as db:
        name = _name_of(db, group_guid)
    departures_api.remove_group(call, name, None)
    return Response(status_code=204)


@routes.declare("GET", "/{group_guid}/members", permission=Permission.PUBLISH)
def list_members(call: Calling, group_guid: str, page: Asking) -> JsonObject:
    """Who is in a group, by name."""
    with call.read() as db:
        group = groups.get_group(db, call.actor, _name_of(db, group_guid)).group
        wanted, size = PeopleFilter(group_id=group.id), min(page.size, MOST)
        found = people.list_people(db, call.actor, wanted, skip=page.skip, limit=size)
        shown = [user_json(one.account, is_whole=one.is_whole) for one in found.page.items]
        return page.told(shown, found.total)


@routes.declare("POST", "/{group_guid}/members", permission=Permission.ADMINISTER, status_code=204)
def add_member(call: Calling, group_guid: str, body: JsonBody) -> Response:
    """Put an account into a group; one that is in it stays."""
    with call.write(unrecorded="who is in it already stays") as db:
        account = name_of(db, text_of(body, "user_guid"))
        groups.add_member(db, call.actor, _name_of(db, group_guid), account, call.now)
    return _told(call)


@routes.declare(
    "DELETE", "/{group_guid}/members/{user_guid}", permission=Permission.ADMINISTER, status_code=204
)
def remove_member(call: Calling, group_guid: str, user_guid: str) -> Response:
    """Take an account out of a group."""
    with call.write() as db:
        account = name_of(db, user_guid)
        groups.remove_member(db, call.actor, _name_of(db, group_guid), account, call.now)
    return _told(call)


def _told(call: Call) -> Response:
    tell(call)
    return Response(status_code=204)


def _name_of(db: ReadDb, group_guid: str) -> str:
    """Raises: IdMalformed, GroupNotFound."""
    return groups.name_of(db, identity.id_of("grp", group_guid))


def _to_json(group: Group) -> JsonObject:
    return {"guid": identity.guid_of(group.id), "name": group.name, "owner_guid": None}
