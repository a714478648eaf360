"""Use cases of leaving, which several domains take part in: hand over all that somebody owns, and remove a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts import groups
from tholos.accounts.models import Group
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.versions import check_version
from tholos.notifications import service as notifications
from tholos.notifications.models import Webhook
from tholos.sharing.models import Level, PrincipalKind
from tholos.sharing.reach import Principal
from tholos.variables import shared as secrets
from tholos.variables.models import Secret


@dataclass(frozen=True, slots=True)
class Owned:
    """All that an account owns."""

    apps: Sequence[App]
    secrets: Sequence[Secret]
    """Those that apps share; an app's own go with it."""
    webhooks: Sequence[Webhook]
    """Those about which the account is told when nothing arrives."""

    @property
    def is_empty(self) -> bool:
        return not (self.apps or self.secrets or self.webhooks)


@dataclass(frozen=True, slots=True)
class Given:
    """All that a group was given."""

    apps: Sequence[tuple[App, Level]]
    secrets: Sequence[tuple[Secret, Level]]


def list_owned(db: ReadDb, account_id: str) -> Owned:
    return Owned(
        apps.list_owned(db, account_id),
        secrets.list_owned(db, account_id),
        notifications.list_owned(db, account_id),
    )


def plan_hand_over(db: ReadDb, actor: Actor, from_name: str, to_name: str) -> Owned:
    """What handing over would move; nothing is written.

    Raises: HandOverRefused, PrincipalUnknown, OwnerInvalid.
    """
    leaver, owner = app_sharing.leaver_and_owner(db, actor, from_name, to_name)
    return Owned((), (), ()) if leaver == owner else list_owned(db, leaver.id)


def hand_over(db: WriteDb, actor: Actor, from_name: str, to_name: str, now: datetime) -> Owned:
    """Give all that an account owns to another: one's own, or anybody's for administrators. It keeps nothing of it.

    Raises: HandOverRefused, PrincipalUnknown, OwnerInvalid.
    """
    moved = plan_hand_over(db, actor, from_name, to_name)
    leaver, owner = app_sharing.leaver_and_owner(db, actor, from_name, to_name)
    told = {
        "secrets": [one.name for one in moved.secrets],
        "webhooks": [notifications.subject_of(one).name for one in moved.webhooks],
    }
    app_sharing.hand_over_all(db, actor, from_name, to_name, now, told)
    if not moved.is_empty:
        secrets.hand_over(db, leaver.id, owner.id)
        notifications.hand_over(db, actor, leaver.id, owner.id, (leaver.name, owner.name), now)
    for secret in moved.secrets:
        audit.record(
            db, actor, Action.SECRET_HANDED_OVER, secrets.subject_of(secret), now,
            before={"owner": leaver.name}, after={"owner": owner.name},
        )  # fmt: skip
    return moved


def given_to(db: ReadDb, group: Group) -> Given:
    """What a group's members have by it."""
    principal = _principal(group)
    return Given(app_sharing.given_to(db, principal), secrets.given_to(db, principal))


def remove_group(db: WriteDb, actor: Actor, name: str, seen: int | None, now: datetime) -> Given:
    """Remove a group, and take back all that it was given first; returns what that was.

    Raises: RoleTooLow, GroupNotFound, GroupClaimed, EditedMeanwhile.
    """
    group = groups.get_group(db, actor, name).group
    groups.check_removable(db, actor, group)
    check_version(seen, group.version)
    given, principal = given_to(db, group), _principal(group)
    app_sharing.take_back_all(db, actor, principal, now)
    secrets.take_back_all(db, actor, principal, now)
    groups.remove_group(db, actor, group, now)
    return given


def _principal(group: Group) -> Principal:
    return Principal(PrincipalKind.GROUP, group.id, group.name)
