"""Use cases of inviting somebody to an app: what an invitation is to, said in full, and what using it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tholos.accounts import invitations
from tholos.accounts import service as accounts
from tholos.accounts.errors import InvitationInvalid, InvitationRefused, InvitationWithdrawn
from tholos.accounts.invitations import Newcomer, Offer, Use
from tholos.accounts.models import Account, Invitation, Role
from tholos.accounts.service import Actor, Origin
from tholos.apps import queries
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.models import App
from tholos.apps.sharing import KIND
from tholos.kit.db import ReadDb, WriteDb
from tholos.sharing.models import Level


@dataclass(frozen=True, slots=True)
class Promise:
    """What an invitation that is open gives, and by whom."""

    invitation: Invitation
    inviter: Actor
    role: Role
    group: str
    app: App | None
    level: Level | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An invitation as its maker sees it."""

    invitation: Invitation
    inviter: str
    app: str
    """Name of the app that it is to; empty where to none, or to one that is gone."""
    group: str
    uses: Sequence[Use]


def invite(
    db: WriteDb, actor: Actor, offer: Offer, app_name: str, level: Level, now: datetime
) -> tuple[Invitation, str]:
    """A new invitation, to an app if one is named, and its code, which is shown once and not kept.

    Raises: InvitationRefused, InvitationInvalid, ProfileInvalid, ScopeTooNarrow, AppNotFound, NotAnEditor.
    """
    actor.needs_all_apps()
    invitations.check_may_invite(actor, offer.role, in_group=bool(offer.group))
    if not app_name:
        _check_needs_no_app(actor)
        return invitations.create(db, actor, offer, now)
    app = apps.get_editable(db, actor, app_name)
    _check_level(actor, app, offer.role, level)
    whole = replace(offer, object_kind=KIND, object_id=app.id, level=level)
    return invitations.create(db, actor, whole, now)


def look(db: ReadDb, invitation: Invitation, now: datetime) -> Promise:
    """What an invitation gives now.

    Raises: InvitationRevoked, InvitationExpired, InvitationSpent, InvitationWithdrawn.
    """
    invitations.check_open(invitation, now)
    inviter = invitations.find_inviter(db, invitation)
    role = Role(invitation.role)
    app, level = None, None
    if invitation.object_kind == KIND:
        app, level = _find_given(db, inviter, invitation, role)
    elif not inviter.role.includes(Role.ADMINISTRATOR):
        raise InvitationWithdrawn
    group = invitations.group_of(db, invitation)
    return Promise(invitation, inviter, role, group.name if group else "", app, level)


def find_landing(db: ReadDb, invitation: Invitation) -> str:
    """Name of the app that whoever used it goes to; empty where there is none."""
    app = queries.find_app(db, invitation.object_id) if invitation.object_kind == KIND else None
    return app.name if app else ""


def join(db: WriteDb, code: str, actor: Actor, now: datetime) -> Invitation:
    """Give somebody who has an account what an invitation is to. Who used it already gets nothing twice.

    Raises: InvitationNotFound, InvitationRevoked, InvitationExpired, InvitationSpent, InvitationWithdrawn.
    """
    invitation = invitations.find(db, code)
    if not invitations.has_used(db, invitation, actor.account_id):
        promise = look(db, invitation, now)
        invitations.join(db, invitation, actor, now)
        _give(db, promise, actor, now)
    return invitation


def enter(
    db: WriteDb, code: str, newcomer: Newcomer, now: datetime, origin: Origin
) -> tuple[Invitation, Account]:
    """Make the account of somebody who has none, and give it what an invitation is to.

    Raises: InvitationNotFound, InvitationRevoked, InvitationExpired, InvitationSpent, InvitationWithdrawn,
        AccountInvalid, AccountTaken, ProfileInvalid.
    """
    invitation = invitations.find(db, code)
    promise = look(db, invitation, now)
    account = invitations.make_account(db, invitation, newcomer, now, origin)
    actor = accounts.actor_for(account, origin=origin)
    invitations.join(db, invitation, actor, now)
    _give(db, promise, actor, now)
    return invitation, account


def listed(db: ReadDb, found: Sequence[Invitation]) -> list[Listed]:
    """Invitations with the names of what they are to and who came by them."""
    names = accounts.account_names(db, list({one.inviter_id for one in found}))
    groups = invitations.group_names(db, found)
    uses = invitations.uses_of(db, found)
    app_names = queries.names_of(db, [one.object_id for one in found if one.object_kind == KIND])
    return [
        Listed(
            one,
            names.get(one.inviter_id, ""),
            app_names.get(one.object_id, ""),
            groups.get(one.group_id or "", ""),
            uses[one.id],
        )
        for one in found
    ]


def _check_needs_no_app(actor: Actor) -> None:
    """Raises: InvitationRefused."""
    if not actor.role.includes(Role.ADMINISTRATOR):
        raise InvitationRefused(
            "Cannot invite to nothing in particular: publishers invite to an app of theirs.",
            fix="Name the app: tholos invite --to NAME",
            where="app",
        )


def _check_level(actor: Actor, app: App, role: Role, level: Level) -> None:
    """Raises: InvitationInvalid, InvitationRefused."""
    if level != Level.EDITOR:
        return
    if not role.includes(Role.PUBLISHER):
        raise InvitationInvalid(
            "Cannot invite an editor who is a viewer here: an editor publishes.",
            fix="Invite them as a publisher, which administrators do, or to view.",
            where="level",
        )
    if not apps.may_own(app, actor):
        raise InvitationRefused(
            f'Cannot invite editors of "{app.name}": only its owner does.',
            fix="Ask its owner.",
            where="level",
        )


def _find_given(db: ReadDb, inviter: Actor, invitation: Invitation, role: Role) -> tuple[App, Level]:
    """Raises: InvitationWithdrawn."""
    app, level = queries.find_app(db, invitation.object_id), Level(invitation.level)
    if app is None:
        raise InvitationWithdrawn("Cannot use this invitation: the app that it is to is gone.")
    if not apps.may_edit(db, app, inviter):
        raise InvitationWithdrawn
    try:
        _check_level(inviter, app, role, level)
    except (InvitationInvalid, InvitationRefused) as error:
        raise InvitationWithdrawn from error
    return app, level


def _give(db: WriteDb, promise: Promise, actor: Actor, now: datetime) -> None:
    if promise.app is None or promise.level is None:
        return
    # Who is a viewer here and stays one may open it: an editor needs the role of a publisher.
    level = promise.level if actor.role.includes(Role.PUBLISHER) else Level.VIEWER
    app_sharing.give(db, promise.inviter, promise.app, actor.account_id, level, now)
