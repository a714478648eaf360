"""Use cases of sharing an object: grant, take back, ask, decide. Whoever owns the object's kind checks who may, and tells
that access changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.audit.service import Doer
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.sharing import queries, reach
from tholos.sharing.errors import (
    GrantInvalid,
    GrantNotFound,
    PrincipalUnknown,
    RequestDecided,
    RequestNotFound,
)
from tholos.sharing.models import AccessRequest, Audience, Grant, Level, PrincipalKind, RequestState
from tholos.sharing.reach import Person, Share, Sharing

Principal = reach.Principal


@dataclass(frozen=True, slots=True)
class Shared:
    """The object that is shared."""

    kind: str
    id: str
    organization_id: str


def granted_ids(account_id: str, level: Level) -> queries.Ids:
    """A subquery: ids of the objects that an account has this level of, or a higher one."""
    return queries.granted_ids(account_id, level)


def levels_of(db: ReadDb, account_id: str, object_ids: Collection[str]) -> dict[str, Level]:
    """The highest level that an account was granted of each object; none is left out."""
    found: dict[str, Level] = {}
    for object_id, level in queries.levels_of(db, account_id, object_ids):
        found[object_id] = _higher(found.get(object_id), Level(level))
    return found


def all_levels(db: ReadDb, object_ids: Collection[str]) -> dict[tuple[str, str], Level]:
    """The highest level of each object and account that has one."""
    found: dict[tuple[str, str], Level] = {}
    for object_id, account_id, level in queries.all_levels(db, object_ids):
        found[object_id, account_id] = _higher(found.get((object_id, account_id)), Level(level))
    return found


def list_grants(db: ReadDb, object_id: str) -> list[tuple[Grant, Principal]]:
    grants = queries.list_grants(db, object_id)
    names = queries.principal_names(db, [one.principal_id for one in grants])
    return [
        (one, Principal(PrincipalKind(one.principal_kind), one.principal_id, names.get(one.principal_id, "")))
        for one in grants
    ]


def list_given(db: ReadDb, principal_id: str, object_kind: str) -> dict[str, Level]:
    """By object id: what one account or group was given itself, of the objects of a kind."""
    found = queries.list_grants_reaching(db, {principal_id})
    return {one.object_id: Level(one.level) for one in found if one.object_kind == object_kind}


def sharing_of(db: ReadDb, object_id: str, owner_id: str, audience: str) -> Sharing:
    """How an object with this owner and audience is shared."""
    shares = [Share(principal, Level(grant.level)) for grant, principal in list_grants(db, object_id)]
    return Sharing(owner_id, Audience(audience), tuple(shares))


def shares_reaching(db: ReadDb, person: Person) -> dict[str, list[Share]]:
    """By object id: every share that reaches a person, by itself or by a group."""
    grants = queries.list_grants_reaching(db, {person.id, *person.groups})
    names = queries.principal_names(db, {one.principal_id for one in grants})
    found: dict[str, list[Share]] = {}
    for one in grants:
        kind = PrincipalKind(one.principal_kind)
        principal = Principal(kind, one.principal_id, names.get(one.principal_id, ""))
        found.setdefault(one.object_id, []).append(Share(principal, Level(one.level)))
    return found


def list_people(db: ReadDb, organization_id: str, *, name: str | None = None) -> list[Person]:
    """Every account with its groups, in the order of their names; or the one of a name."""
    groups: dict[str, set[str]] = {}
    for group_id, account_id in queries.memberships(db, organization_id):
        groups.setdefault(account_id, set()).add(group_id)
    return [
        Person(
            one.id,
            one.name,
            Role(one.role).includes(Role.PUBLISHER),
            one.is_disabled,
            frozenset(groups.get(one.id, ())),
        )
        for one in queries.list_accounts(db, organization_id, name)
    ]


def list_group_names(db: ReadDb, organization_id: str) -> list[str]:
    return queries.list_group_names(db, organization_id)


def get_principal(db: ReadDb, organization_id: str, kind: str, name: str) -> Principal:
    """Raises: PrincipalUnknown."""
    wanted = name.strip().lower()
    if kind == PrincipalKind.ACCOUNT:
        account = queries.find_account(db, organization_id, wanted)
        if account is not None and not account.is_disabled:
            return Principal(PrincipalKind.ACCOUNT, account.id, account.name)
    elif kind == PrincipalKind.GROUP:
        group = queries.find_group(db, organization_id, name.strip()) or queries.find_group(
            db, organization_id, wanted
        )
        if group is not None:
            return Principal(PrincipalKind.GROUP, group.id, group.name)
    raise PrincipalUnknown(
        f'Cannot share with "{name[:60]}": there is no such {"group" if kind == "group" else "account"}.',
        fix="Who is not here yet can be invited: tholos invite",
        where="name",
    )


def check_level(db: ReadDb, principal: Principal, level: Level) -> None:
    """Raises: GrantInvalid: an editor needs the role of a publisher."""
    is_account = principal.kind == PrincipalKind.ACCOUNT
    if level == Level.EDITOR and is_account and not queries.may_edit_by_role(db, principal.id):
        raise GrantInvalid(
            f"Cannot make {principal.name} an editor: an editor publishes, and {principal.name} is a viewer here.",
            fix="Share it for viewing, or ask an administrator to make them a publisher.",
            where="level",
        )


def grant(
    db: WriteDb, doer: Actor | None, shared: Shared, principal: Principal, level: Level, now: datetime
) -> Level | None:
    """Share, or change the level; returns the level that was there before.

    Raises: GrantInvalid: an editor needs the role of a publisher.
    """
    check_level(db, principal, level)
    found = queries.find_grant(db, shared.id, principal.id)
    if found is not None:
        before = Level(found.level)
        found.level = level
        return before
    db.add(
        Grant(
            id=ids.new_id("grt"),
            organization_id=shared.organization_id,
            object_kind=shared.kind,
            object_id=shared.id,
            principal_kind=principal.kind,
            principal_id=principal.id,
            level=level,
            created_by=doer.account_id if doer else None,
            created_at=now,
        )
    )
    db.flush()
    return None


def get_holder(db: ReadDb, object_id: str, kind: str, name: str) -> Principal:
    """Whom a share is to, a disabled account too: by the very name, and however it is written where that is nobody's.

    Raises: GrantNotFound.
    """
    held = [principal for _, principal in list_grants(db, object_id) if principal.kind == kind]
    return find_named(held, name)


def find_named(principals: Iterable[Principal], name: str) -> Principal:
    """Raises: GrantNotFound."""
    wanted = name.strip()
    alike = [one for one in principals if one.name.lower() == wanted.lower()]
    for one in sorted(alike, key=lambda one: one.name != wanted):
        return one
    raise GrantNotFound(f'It is not shared with "{wanted[:60]}".', where="name")


def revoke(db: WriteDb, object_id: str, principal: Principal) -> Level:
    """Take a share back; returns what it was.

    Raises: GrantNotFound.
    """
    found = queries.find_grant(db, object_id, principal.id)
    if found is None:
        raise GrantNotFound(f"It is not shared with {principal.name}.", where="name")
    db.delete(found)
    db.flush()
    return Level(found.level)


def request_access(db: WriteDb, actor: Actor, shared: Shared, message: str, now: datetime) -> AccessRequest:
    """Ask for a share. Asking twice is asking once: who is to decide is not told again and again."""
    found = queries.find_open_request(db, shared.id, actor.account_id)
    if found is not None:
        return found
    request = AccessRequest(
        id=ids.new_id("req"),
        organization_id=shared.organization_id,
        object_kind=shared.kind,
        object_id=shared.id,
        account_id=actor.account_id,
        message=message,
        state=RequestState.OPEN,
        created_at=now,
    )
    db.add(request)
    db.flush()
    return request


def get_request(db: ReadDb, object_id: str, request_id: str) -> AccessRequest:
    """Raises: RequestNotFound."""
    found = queries.find_request(db, request_id)
    if found is None or found.object_id != object_id:
        raise RequestNotFound(where="request")
    return found


def decide(doer: Doer, request: AccessRequest, state: RequestState, now: datetime) -> None:
    """Raises: RequestDecided."""
    if request.state != RequestState.OPEN:
        raise RequestDecided(f"Cannot decide this request: it was {request.state} already.")
    request.state, request.decided_at, request.decided_by = state, now, doer.account_id or None


def find_open_request(db: ReadDb, object_id: str, account_id: str) -> AccessRequest | None:
    return queries.find_open_request(db, object_id, account_id)


def find_last_refusal(db: ReadDb, object_id: str, account_id: str) -> datetime | None:
    """When somebody's asking was last refused."""
    return queries.last_refusal(db, object_id, account_id)


def list_requests(db: ReadDb, object_id: str) -> Sequence[AccessRequest]:
    return queries.list_requests(db, object_id)


def list_open_requests(db: ReadDb, object_ids: Collection[str]) -> Sequence[AccessRequest]:
    return queries.list_open_requests(db, object_ids)


def remove_of_object(db: WriteDb, object_id: str) -> None:
    for row in queries.list_of_object(db, object_id):
        db.delete(row)
    db.flush()


def _higher(one: Level | None, other: Level) -> Level:
    return other if one is None or other.includes(one) else one
