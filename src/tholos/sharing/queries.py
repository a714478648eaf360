"""Every SELECT of grants and requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Select, and_, bindparam, func, or_, select

from tholos.accounts.models import Account, Group, Membership, Role
from tholos.kit.db import ReadDb
from tholos.sharing.models import AccessRequest, Grant, Level, PrincipalKind, RequestState

Ids = Select[str]
"""A subquery of ids."""
_ACCOUNT_ID: BindParameter[str] = bindparam("account_id")
# Nearly every page runs it: built once, since that takes longer than to run it.
_LEVELS_OF = select(Grant.object_id, Grant.level).where(
    Grant.object_id.in_(bindparam("object_ids", expanding=True)),
    or_(
        Grant.principal_id == _ACCOUNT_ID,
        Grant.principal_id.in_(select(Membership.group_id).where(Membership.account_id == _ACCOUNT_ID)),
    ),
)
AT_LEAST = {Level.VIEWER: (Level.VIEWER, Level.EDITOR), Level.EDITOR: (Level.EDITOR,)}


def granted_ids(account_id: str, level: Level) -> Ids:
    """Ids of the objects that an account has this level of, or a higher one, by itself or by a group."""
    groups = select(Membership.group_id).where(Membership.account_id == account_id)
    is_for_it = or_(
        and_(Grant.principal_kind == PrincipalKind.ACCOUNT, Grant.principal_id == account_id),
        and_(Grant.principal_kind == PrincipalKind.GROUP, Grant.principal_id.in_(groups)),
    )
    return select(Grant.object_id).where(Grant.level.in_(AT_LEAST[level]), is_for_it)


def levels_of(db: ReadDb, account_id: str, object_ids: Collection[str]) -> list[tuple[str, str]]:
    """Object and level of each grant that reaches an account."""
    rows = db.execute(_LEVELS_OF, {"account_id": account_id, "object_ids": [*object_ids]})
    return [(object_id, level) for object_id, level in rows]


def all_levels(db: ReadDb, object_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """Object, account and level of every grant, groups resolved to their members."""
    direct = select(Grant.object_id, Grant.principal_id, Grant.level).where(
        Grant.principal_kind == PrincipalKind.ACCOUNT, Grant.object_id.in_(object_ids)
    )
    by_group = (
        select(Grant.object_id, Membership.account_id, Grant.level)
        .join(Membership, Membership.group_id == Grant.principal_id)
        .where(Grant.principal_kind == PrincipalKind.GROUP, Grant.object_id.in_(object_ids))
    )
    rows = db.execute(direct.union_all(by_group))
    return [(object_id, account_id, level) for object_id, account_id, level in rows]


def list_grants(db: ReadDb, object_id: str) -> Sequence[Grant]:
    chosen = select(Grant).where(Grant.object_id == object_id)
    return db.scalars(chosen.order_by(Grant.principal_kind, Grant.created_at, Grant.id)).all()


def find_grant(db: ReadDb, object_id: str, principal_id: str) -> Grant | None:
    return db.scalar(select(Grant).where(Grant.object_id == object_id, Grant.principal_id == principal_id))


def list_grants_reaching(db: ReadDb, principal_ids: Collection[str]) -> Sequence[Grant]:
    return db.scalars(select(Grant).where(Grant.principal_id.in_(principal_ids)).order_by(Grant.id)).all()


def memberships(db: ReadDb, organization_id: str) -> list[tuple[str, str]]:
    """Group and account of every membership."""
    chosen = select(Membership.group_id, Membership.account_id).join(Group, Group.id == Membership.group_id)
    rows = db.execute(chosen.where(Group.organization_id == organization_id))
    return [(group_id, account_id) for group_id, account_id in rows]


def list_accounts(db: ReadDb, organization_id: str, name: str | None) -> Sequence[Account]:
    chosen = select(Account).where(Account.organization_id == organization_id).order_by(Account.name)
    return db.scalars(chosen if name is None else chosen.where(Account.name == name)).all()


def list_group_names(db: ReadDb, organization_id: str) -> list[str]:
    chosen = select(Group.name).where(Group.organization_id == organization_id).order_by(Group.name)
    return [*db.scalars(chosen)]


def last_refusal(db: ReadDb, object_id: str, account_id: str) -> datetime | None:
    chosen = select(func.max(AccessRequest.decided_at)).where(
        AccessRequest.object_id == object_id,
        AccessRequest.account_id == account_id,
        AccessRequest.state == RequestState.REFUSED,
    )
    return db.scalar(chosen)


def find_account(db: ReadDb, organization_id: str, name: str) -> Account | None:
    return db.scalar(select(Account).where(Account.organization_id == organization_id, Account.name == name))


def find_group(db: ReadDb, organization_id: str, name: str) -> Group | None:
    return db.scalar(select(Group).where(Group.organization_id == organization_id, Group.name == name))


def principal_names(db: ReadDb, ids: Collection[str]) -> dict[str, str]:
    accounts = db.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    groups = db.execute(select(Group.id, Group.name).where(Group.id.in_(ids)))
    return {one: name for one, name in [*accounts, *groups]}  # noqa: C416 - rows are not pairs to the type checker


def may_edit_by_role(db: ReadDb, account_id: str) -> bool:
    return Role(db.get_one(Account, account_id).role).includes(Role.PUBLISHER)


def find_request(db: ReadDb, request_id: str) -> AccessRequest | None:
    return db.get(AccessRequest, request_id)


def find_open_request(db: ReadDb, object_id: str, account_id: str) -> AccessRequest | None:
    chosen = select(AccessRequest).where(
        AccessRequest.object_id == object_id, AccessRequest.account_id == account_id
    )
    return db.scalar(chosen.where(AccessRequest.state == RequestState.OPEN))


def list_requests(db: ReadDb, object_id: str) -> Sequence[AccessRequest]:
    chosen = select(AccessRequest).where(AccessRequest.object_id == object_id)
    return db.scalars(
        chosen.order_by(AccessRequest.created_at.desc(), AccessRequest.id.desc()).limit(200)
    ).all()


def list_open_requests(db: ReadDb, object_ids: Collection[str]) -> Sequence[AccessRequest]:
    chosen = select(AccessRequest).where(
        AccessRequest.object_id.in_(object_ids), AccessRequest.state == RequestState.OPEN
    )
    return db.scalars(chosen.order_by(AccessRequest.created_at)).all()


def list_of_object(db: ReadDb, object_id: str) -> Sequence[Grant | AccessRequest]:
    grants = db.scalars(select(Grant).where(Grant.object_id == object_id)).all()
    requests = db.scalars(select(AccessRequest).where(AccessRequest.object_id == object_id)).all()
    return [*grants, *requests]
