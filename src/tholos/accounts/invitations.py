"""Use cases of invitations: make a link, look at it, use it, take it back. The link itself counts, whoever it was for.

What it shares besides an account and a group is named by kind, id and level only; whoever owns that kind checks who may
share it, when the link is made and again when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.accounts import errors, profile, queries
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Group, Invitation, InvitationUse, Membership, Role
from tholos.accounts.service import Actor, Origin, PasswordHash
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb

USES_AT_MOST = 1000
DAYS_AT_MOST = 90


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation gives."""

    role: Role = Role.VIEWER
    """Of an account that is made by it; who has one keeps the role."""
    email: str = ""
    """Whom it is meant for, as a note."""
    group: str = ""
    uses: int = 1
    days: int = 7
    object_kind: str = ""
    object_id: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to have the account that an invitation makes."""

    name: str
    full_name: str
    password: PasswordHash


@dataclass(frozen=True, slots=True)
class Use:
    """Somebody came by it."""

    name: str
    at: datetime


def create(db: WriteDb, actor: Actor, offer: Offer, now: datetime) -> tuple[Invitation, str]:
    """A new invitation and its code, which is shown once and not kept.

    Raises: InvitationRefused, InvitationInvalid, ProfileInvalid, ScopeTooNarrow.
    """
    actor.needs_all_apps()
    check_may_invite(actor, offer.role, in_group=bool(offer.group))
    _check_numbers(offer)
    group = _find_group(db, actor, offer.group)
    code = ids.new_secret()
    invitation = Invitation(
        id=ids.new_id("inv"),
        organization_id=actor.organization_id,
        inviter_id=actor.account_id,
        code_hash=accounts.hash_secret(code),
        role=offer.role,
        email=profile.check_email(offer.email),
        group_id=group.id if group else None,
        object_kind=offer.object_kind,
        object_id=offer.object_id,
        level=offer.level,
        uses_left=offer.uses,
        created_at=now,
        expires_at=now + timedelta(days=offer.days),
    )
    db.add(invitation)
    db.flush()
    after: JsonObject = {
        "role": str(offer.role), "group": offer.group, "object": offer.object_id, "level": offer.level,
        "uses": offer.uses, "days": offer.days,
    }  # fmt: skip
    audit.record(db, actor, Action.INVITATION_MADE, subject_of(invitation), now, after=after)
    return invitation, code


def check_may_invite(actor: Actor, role: Role, *, in_group: bool) -> None:
    """Administrators give any role and group; publishers make viewers, of what they may share.

    Raises: InvitationRefused.
    """
    if actor.role.includes(Role.ADMINISTRATOR):
        return
    if not actor.role.includes(Role.PUBLISHER):
        raise errors.InvitationRefused(
            "Cannot invite anybody: publishers and administrators do.", fix="Ask one of them."
        )
    if role != Role.VIEWER:
        raise errors.InvitationRefused(
            f"Cannot invite a {role}: publishers invite viewers.", fix="Ask an administrator.", where="role"
        )
    if in_group:
        raise errors.InvitationRefused(
            "Cannot invite into a group: administrators do.", fix="Ask an administrator.", where="group"
        )


def find(db: ReadDb, code: str) -> Invitation:
    """Raises: InvitationNotFound."""
    found = queries.find_invitation(db, accounts.hash_secret(code.strip()))
    if found is None:
        raise errors.InvitationNotFound(
            "There is no such invitation.", fix="Look whether the whole link was copied, or ask for another."
        )
    return found


def check_open(invitation: Invitation, now: datetime) -> None:
    """Raises: InvitationRevoked, InvitationExpired, InvitationSpent."""
    fix = "Ask whoever invited you for another."
    if invitation.revoked_at is not None:
        raise errors.InvitationRevoked(fix=fix)
    if invitation.expires_at < now:
        raise errors.InvitationExpired(fix=fix)
    if invitation.uses_left < 1:
        raise errors.InvitationSpent(fix=fix)


def find_inviter(db: ReadDb, invitation: Invitation) -> Actor:
    """Who made it, as long as that account may still give what it is to.

    Raises: InvitationWithdrawn.
    """
    account = queries.get_account(db, invitation.inviter_id)
    inviter = accounts.actor_for(account)
    try:
        check_may_invite(inviter, Role(invitation.role), in_group=invitation.group_id is not None)
    except errors.InvitationRefused as error:
        raise errors.InvitationWithdrawn from error
    if account.is_disabled:
        raise errors.InvitationWithdrawn
    return inviter


def group_of(db: ReadDb, invitation: Invitation) -> Group | None:
    """The group that it lets into; none that the sign-in provider fills."""
    group = queries.find_group_by_id(db, invitation.group_id) if invitation.group_id else None
    return group if group is not None and not group.is_claimed else None


def has_used(db: ReadDb, invitation: Invitation, account_id: str) -> bool:
    return queries.find_invitation_use(db, invitation.id, account_id) is not None


def make_account(
    db: WriteDb, invitation: Invitation, newcomer: Newcomer, now: datetime, origin: Origin
) -> Account:
    """The account of somebody who came by it and had none; :func:`join` follows.

    Raises: AccountInvalid, AccountTaken, ProfileInvalid.
    """
    wanted = accounts.as_name(newcomer.name)
    accounts.check_new_name(db, invitation.organization_id, wanted)
    role = Role(invitation.role)
    account = accounts.add_account(db, invitation.organization_id, wanted, role, now)
    account.full_name = profile.check_full_name(newcomer.full_name)
    account.password_hash = newcomer.password
    doer = accounts.actor_for(account, origin=origin)
    after: JsonObject = {"role": account.role, "invitation": invitation.id}
    audit.record(db, doer, Action.ACCOUNT_MADE, accounts.subject_of(account), now, after=after)
    return account


def join(db: WriteDb, invitation: Invitation, doer: Actor, now: datetime) -> None:
    """Spend one use of it; an account spends one once, however often it comes.

    Raises: InvitationRevoked, InvitationExpired, InvitationSpent.
    """
    if has_used(db, invitation, doer.account_id):
        return
    check_open(invitation, now)
    invitation.uses_left -= 1
    db.add(InvitationUse(invitation_id=invitation.id, account_id=doer.account_id, at=now))
    subject = subject_of(invitation)
    audit.record(db, doer, Action.INVITATION_USED, subject, now, after={"account": doer.name})
    group = group_of(db, invitation)
    if group is not None and not queries.has_membership(db, group.id, doer.account_id):
        db.add(Membership(group_id=group.id, account_id=doer.account_id, created_at=now))
        named = audit.Subject("group", group.id, group.name)
        audit.record(db, doer, Action.MEMBER_ADDED, named, now, after={"account": doer.name})
    db.flush()


def list_of(db: ReadDb, actor: Actor, *, before_id: str = "", limit: int = 100) -> Sequence[Invitation]:
    """One's own, the newest first; everybody's for administrators.

    Raises: ScopeTooNarrow.
    """
    actor.needs_all_apps()
    inviter_id = None if actor.role.includes(Role.ADMINISTRATOR) else actor.account_id
    return queries.list_invitations(db, actor.organization_id, inviter_id, before_id, limit)


def uses_of(db: ReadDb, invitations: Sequence[Invitation]) -> dict[str, list[Use]]:
    """By invitation: who came by it, and when."""
    found: dict[str, list[Use]] = {one.id: [] for one in invitations}
    for invitation_id, name, at in queries.list_invitation_uses(db, list(found)):
        found[invitation_id].append(Use(name, at))
    return found


def group_names(db: ReadDb, invitations: Sequence[Invitation]) -> dict[str, str]:
    return queries.group_names(db, [one.group_id for one in invitations if one.group_id])


def get_managed(db: ReadDb, actor: Actor, invitation_id: str) -> Invitation:
    """Raises: InvitationNotFound: also where it is somebody else's."""
    actor.needs_all_apps()
    found = queries.find_invitation_by_id(db, invitation_id)
    is_admin = actor.role.includes(Role.ADMINISTRATOR)
    if found is None or found.organization_id != actor.organization_id:
        raise errors.InvitationNotFound
    if found.inviter_id != actor.account_id and not is_admin:
        raise errors.InvitationNotFound
    return found


def revoke(db: WriteDb, actor: Actor, invitation_id: str, now: datetime) -> Invitation:
    """Nobody comes by it any more; who came stays.

    Raises: InvitationNotFound, InvitationRevoked, ScopeTooNarrow.
    """
    invitation = get_managed(db, actor, invitation_id)
    if invitation.revoked_at is not None:
        raise errors.InvitationRevoked("Cannot revoke this invitation: it was taken back already.")
    invitation.revoked_at = now
    audit.record(db, actor, Action.INVITATION_REVOKED, subject_of(invitation), now)
    return invitation


def subject_of(invitation: Invitation) -> audit.Subject:
    """An invitation as the record of deeds names it."""
    return audit.Subject("invitation", invitation.id, invitation.email or "")


def _check_numbers(offer: Offer) -> None:
    """Raises: InvitationInvalid."""
    if not 1 <= offer.uses <= USES_AT_MOST:
        raise errors.InvitationInvalid(
            f"Cannot make an invitation for {offer.uses} people: it may be for 1 to {USES_AT_MOST}.",
            where="uses",
        )
    if not 1 <= offer.days <= DAYS_AT_MOST:
        raise errors.InvitationInvalid(
            f"Cannot make an invitation of {offer.days} days: it lives 1 to {DAYS_AT_MOST} days.",
            where="days",
        )


def _find_group(db: ReadDb, actor: Actor, name: str) -> Group | None:
    """Raises: InvitationInvalid."""
    wanted = name.strip().removeprefix("@")
    if not wanted:
        return None
    group = queries.find_group_named(db, actor.organization_id, wanted)
    if group is None:
        raise errors.InvitationInvalid(
            f'There is no group "{wanted[:60]}".',
            fix="See those that there are: tholos groups list",
            where="group",
        )
    if group.is_claimed:
        raise errors.InvitationInvalid(
            f"Cannot invite into {group.name}: the sign-in provider says who is in it.",
            fix="Choose a group that people are put into here.",
            where="group",
        )
    return group
