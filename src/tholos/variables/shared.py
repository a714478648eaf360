"""Use cases of shared secrets: made once, referred to by the variables of several apps, and shared by grants.

Whoever a secret is shared with for viewing may refer to it, and never reads it; editors may change its value as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.kit.versions import check_version
from tholos.sharing import service as sharing
from tholos.sharing.models import Grant, Level
from tholos.sharing.reach import Principal
from tholos.sharing.service import Shared
from tholos.variables import former, queries
from tholos.variables import service as variables
from tholos.variables.errors import (
    SecretInUse,
    SecretNameTaken,
    SecretNotYours,
    TooManySecrets,
    ValueInvalid,
)
from tholos.variables.models import Secret
from tholos.variables.names import check_secret_name, check_value

OBJECT_KIND = "secret"
MOST_SECRETS = 1000
"""Of one account."""


class Rank(IntEnum):
    """What an actor is to a secret; each may do what those before it may."""

    USER = 1
    """Refer to it."""
    EDITOR = 2
    """Change its value."""
    OWNER = 3
    """Share and remove it."""


@dataclass(frozen=True, slots=True)
class Known:
    """A shared secret as somebody may know it: all but its value."""

    secret: Secret
    rank: Rank
    uses: Sequence[App]
    """The apps whose live release or drafts refer to it."""


def get_secret(db: ReadDb, actor: Actor, name: str) -> Known:
    """Raises: SecretNotFound."""
    actor.needs_all_apps()
    return _known(db, actor, [queries.get_visible(db, actor, name)])[0]


def list_secrets(db: ReadDb, actor: Actor) -> list[Known]:
    """Those that an actor may refer to, by name."""
    actor.needs_all_apps()
    return _known(db, actor, queries.list_visible(db, actor))


def find_names(db: ReadDb, actor: Actor, text: str, limit: int) -> Sequence[str]:
    """Names of those that an actor may refer to, with a text in them."""
    actor.needs_all_apps()
    return queries.find_visible_names(db, actor, text, limit)


def create_secret(
    db: WriteDb, sealer: Sealer, actor: Actor, name: str, value: str, note: str, now: datetime
) -> Known:
    """Raises: SecretNameInvalid, SecretNameTaken, ValueInvalid, TooManySecrets."""
    actor.needs_all_apps()
    check_secret_name(name)
    _check(value)
    if queries.find_shared(db, actor.organization_id, name) is not None:
        raise SecretNameTaken(
            f'Cannot make a secret "{name}": there is one of that name.',
            fix="Choose another name, or change the value of that one, if it is yours.",
            where="name",
        )
    if queries.count_owned(db, actor.account_id) >= MOST_SECRETS:
        raise TooManySecrets(fix="Remove some that no app uses.")
    secret = variables.add_secret(db, sealer, actor, None, name, value, now, note)
    audit.record(db, actor, Action.SECRET_SET, subject_of(secret), now, after={"name": name})
    return Known(secret, Rank.OWNER, ())


def change_secret(
    db: WriteDb, sealer: Sealer, actor: Actor, name: str, value: str | None, note: str | None, seen: int | None, now: datetime,
) -> Known:  # fmt: skip
    """Give it another value, another note, or both. What runs has the old value until it starts anew.

    Raises: SecretNotFound, SecretNotYours, EditedMeanwhile, ValueInvalid.
    """
    known = _with_rank(db, actor, name, Rank.EDITOR)
    secret = known.secret
    check_version(seen, secret.version)
    if value is not None:
        variables.replace_value(db, sealer, actor, secret, _check(value), now)
    if note is not None and note != secret.note:
        secret.note = note
        secret.version += value is None
    if value is not None or note is not None:
        changed = [word for word, given in (("value", value), ("note", note)) if given is not None]
        audit.record(db, actor, Action.SECRET_SET, subject_of(secret), now, after={"changed": changed})
    return known


def remove_secret(db: WriteDb, actor: Actor, name: str, now: datetime, *, force: bool) -> Sequence[App]:
    """Remove it; returns the apps that refer to it and will not start again.

    Raises: SecretNotFound, SecretNotYours, SecretInUse.
    """
    known = _with_rank(db, actor, name, Rank.OWNER)
    named = [app.name for app in known.uses]
    if known.uses and not force:
        raise SecretInUse(
            f"Cannot remove {name}: {_listed(named)} {'uses' if len(named) == 1 else 'use'} it, and would not start again.",
            fix="Remove the variable there first, or insist: tholos secrets remove NAME --force",
            apps=named,
        )
    audit.record(db, actor, Action.SECRET_REMOVED, subject_of(known.secret), now, before={"uses": named})
    sharing.remove_of_object(db, known.secret.id)
    former.keep(db, known.secret, now)
    db.delete(known.secret)
    db.flush()
    return known.uses


def list_access(db: ReadDb, actor: Actor, name: str) -> list[tuple[Grant, Principal]]:
    """Whom it is shared with.

    Raises: SecretNotFound, SecretNotYours.
    """
    return sharing.list_grants(db, _with_rank(db, actor, name, Rank.OWNER).secret.id)


def share_secret(
    db: WriteDb, actor: Actor, name: str, kind: str, principal_name: str, level: Level, now: datetime
) -> None:
    """Share it with an account or group, or change its level.

    Raises: SecretNotFound, SecretNotYours, PrincipalUnknown, GrantInvalid.
    """
    secret = _with_rank(db, actor, name, Rank.OWNER).secret
    principal = sharing.get_principal(db, actor.organization_id, kind, principal_name)
    shared = Shared(OBJECT_KIND, secret.id, secret.organization_id)
    before = sharing.grant(db, actor, shared, principal, level, now)
    audit.record(
        db, actor, Action.SECRET_SHARED, subject_of(secret), now,
        before={"level": before} if before else None, after={"with": principal.name, "level": level},
    )  # fmt: skip


def unshare_secret(
    db: WriteDb, actor: Actor, name: str, kind: str, principal_name: str, now: datetime
) -> None:
    """Take a share back: nobody can refer to it by that any more, and apps that do already go on.

    Raises: SecretNotFound, SecretNotYours, GrantNotFound.
    """
    secret = _with_rank(db, actor, name, Rank.OWNER).secret
    principal = sharing.get_holder(db, secret.id, kind, principal_name)
    before = sharing.revoke(db, secret.id, principal)
    audit.record(
        db, actor, Action.SECRET_SHARED, subject_of(secret), now,
        before={"with": principal.name, "level": before}, note=f"no longer with {principal.name}",
    )  # fmt: skip


def hand_over(db: WriteDb, from_id: str, to_id: str) -> int:
    """Give all shared secrets of one account to another; returns how many. Whoever asks records it."""
    owned = queries.list_owned(db, from_id)
    for secret in owned:
        secret.owner_id = to_id
    db.flush()
    return len(owned)


def list_owned(db: ReadDb, account_id: str) -> Sequence[Secret]:
    """The shared secrets of one account, by name."""
    return queries.list_owned(db, account_id)


def given_to(db: ReadDb, principal: Principal) -> list[tuple[Secret, Level]]:
    """The secrets that were shared with just this account or group, by name."""
    levels = sharing.list_given(db, principal.id, OBJECT_KIND)
    found = queries.list_secrets(db, levels)
    return [(one, levels[one.id]) for one in sorted(found, key=lambda one: one.name)]


def take_back_all(db: WriteDb, actor: Actor, principal: Principal, now: datetime) -> list[Secret]:
    """Take back whatever an account or group was given of any secret; who may do that, the caller has asked."""
    found = [secret for secret, _ in given_to(db, principal)]
    for secret in found:
        before = sharing.revoke(db, secret.id, principal)
        audit.record(
            db, actor, Action.SECRET_SHARED, subject_of(secret), now,
            before={"with": principal.name, "level": before}, note=f"no longer with {principal.name}",
        )  # fmt: skip
    return found


def subject_of(secret: Secret) -> audit.Subject:
    """A secret as the record of deeds names it."""
    return audit.Subject("secret", secret.id, secret.name)


def _with_rank(db: ReadDb, actor: Actor, name: str, needed: Rank) -> Known:
    """Raises: SecretNotFound, SecretNotYours."""
    known = get_secret(db, actor, name)
    if known.rank < needed:
        who = "its owner does" if needed == Rank.OWNER else "its owner and editors do"
        raise SecretNotYours(f"Cannot do that with {name}: only {who}.", fix="Ask its owner.", where="name")
    return known


def _known(db: ReadDb, actor: Actor, secrets: Sequence[Secret]) -> list[Known]:
    levels = sharing.levels_of(db, actor.account_id, [one.id for one in secrets])
    return [
        Known(one, _rank(one, actor, levels.get(one.id)), apps.list_naming(db, one.organization_id, one.id))
        for one in secrets
    ]


def _rank(secret: Secret, actor: Actor, granted: Level | None) -> Rank:
    if secret.owner_id == actor.account_id or actor.role.includes(Role.ADMINISTRATOR):
        return Rank.OWNER
    return Rank.EDITOR if granted == Level.EDITOR else Rank.USER


def _check(value: str) -> str:
    """Raises: ValueInvalid."""
    if not value:
        raise ValueInvalid("Cannot set this secret: its value is empty.", where="value")
    return check_value(value, "value")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
