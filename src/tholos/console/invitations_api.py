"""HTTP of invitations: make one, see who came by them, take one back. They are used on a page, by people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from tholos.accounts import invitations
from tholos.accounts.invitations import Offer
from tholos.accounts.models import Scope
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import invitation_schemas as schemas
from tholos.apps import inviting
from tholos.kit.db import WriteDb
from tholos.kit.paging import MOST, from_cursor, to_cursor
from tholos.sharing.models import Level

routes = Routes(prefix="/api/v1", tags=["invitations"])

InvitationId = Annotated[str, Path(max_length=100)]


@routes.declare(
    "POST", "/invitations", permission=Permission.PUBLISH, scope=Scope.FULL, status_code=201, is_creating=True
)
def create_invitation(call: Calling, body: schemas.InvitationIn) -> schemas.InvitationMade:
    """A link that lets somebody in. Publishers invite viewers to apps that they may share, administrators anybody."""
    offer = Offer(body.role, body.email, body.group, body.uses, body.days)
    with call.write() as db:
        return call.kept(db, make(call, db, offer, body.app, body.level))


@routes.declare("GET", "/invitations", permission=Permission.PUBLISH)
def list_invitations(
    call: Calling,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> schemas.InvitationList:
    """One's own invitations and who came by them, the newest first; everybody's for administrators."""
    seen = from_cursor(cursor, str)
    with call.read() as db:
        before_id = str(seen[0]) if seen else ""
        found = [*invitations.list_of(db, call.actor, before_id=before_id, limit=limit + 1)]
        items = inviting.listed(db, found[:limit])
    more = to_cursor(found[limit - 1].id) if len(found) > limit else None
    return schemas.InvitationList(items=[schemas.invitation_out(one, call.now) for one in items], next=more)


@routes.declare("GET", "/invitations/{invitation_id}", permission=Permission.PUBLISH)
def get_invitation(call: Calling, invitation_id: InvitationId) -> schemas.InvitationOut:
    """One invitation and who came by it."""
    with call.read() as db:
        found = invitations.get_managed(db, call.actor, invitation_id)
        return schemas.invitation_out(inviting.listed(db, [found])[0], call.now)


@routes.declare(
    "DELETE", "/invitations/{invitation_id}", permission=Permission.PUBLISH, scope=Scope.FULL, status_code=204
)
def revoke_invitation(call: Calling, invitation_id: InvitationId) -> None:
    """Nobody comes by it any more; who came stays."""
    with call.write() as db:
        invitations.revoke(db, call.actor, invitation_id, call.now)


def make(call: Call, db: WriteDb, offer: Offer, app: str, level: Level) -> schemas.InvitationMade:
    invitation, code = inviting.invite(db, call.actor, offer, app, level, call.now)
    listed = inviting.listed(db, [invitation])[0]
    url = f"{call.site.url}/invitations/{code}"
    return schemas.InvitationMade(url=url, invitation=schemas.invitation_out(listed, call.now))
