"""Every SELECT of people as a list, and of groups and who is in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select

from tholos.accounts.models import Account, AccountKind, Group, Membership, Quota, Role, SignInLink
from tholos.kit.db import ReadDb, in_parts


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Which accounts are asked for; what is empty leaves none out."""

    text: str = ""
    """In the name, the full name or the mail address, in any case."""
    kind: str = ""
    role: str = ""
    is_disabled: bool | None = None
    group_id: str = ""
    with_email: bool = True
    """Whether the text is looked for in mail addresses as well."""
    prefix: str = ""
    """What the name, or a word of the full name, begins with, in any case."""
    roles: Collection[str] = ()
    """One of these."""
    among: frozenset[str] | None = None
    """Only those with these ids; None for anybody."""


def list_accounts(
    db: ReadDb, organization_id: str, wanted: PeopleFilter, after: str, limit: int, skip: int = 0
) -> Sequence[Account]:
    """In the order of their names."""
    chosen = select(Account).where(Account.name > after, *_conditions(organization_id, wanted))
    return db.scalars(chosen.order_by(Account.name).offset(skip).limit(limit)).all()


def count_accounts(db: ReadDb, organization_id: str, wanted: PeopleFilter) -> int:
    chosen = select(func.count()).select_from(Account).where(*_conditions(organization_id, wanted))
    return db.scalar(chosen) or 0


def list_names(db: ReadDb, organization_id: str, roles: Collection[str]) -> list[str]:
    """Of those who may sign in and have one of these roles, in order."""
    chosen = select(Account.name).where(
        Account.organization_id == organization_id, Account.is_disabled.is_(False), Account.role.in_(roles)
    )
    return [*db.scalars(chosen.order_by(Account.name))]


def count_other_administrators(db: ReadDb, account: Account) -> int:
    """People besides this one who may sign in and administer."""
    chosen = select(func.count()).select_from(Account)
    return (
        db.scalar(
            chosen.where(
                Account.organization_id == account.organization_id,
                Account.id != account.id,
                Account.role == Role.ADMINISTRATOR,
                Account.kind == AccountKind.PERSON,
                Account.is_disabled.is_(False),
            )
        )
        or 0
    )


def list_open_links(db: ReadDb, account_id: str) -> Sequence[SignInLink]:
    chosen = select(SignInLink).where(SignInLink.account_id == account_id, SignInLink.spent_at.is_(None))
    return db.scalars(chosen).all()


def list_groups(
    db: ReadDb, organization_id: str, text: str, after: str, limit: int
) -> Sequence[tuple[Group, int]]:
    """Groups in the order of their names, each with the number of its members."""
    chosen = _groups_with_counts(organization_id).where(Group.name > after)
    if text:
        chosen = chosen.where(_contains(Group.name, text))
    return [(group, count) for group, count in db.execute(chosen.order_by(Group.name).limit(limit))]


def list_groups_beginning(
    db: ReadDb, organization_id: str, prefix: str, skip: int, limit: int
) -> tuple[Sequence[Group], int]:
    """So many of the groups whose names begin so, in order, and how many there are."""
    chosen = select(Group).where(Group.organization_id == organization_id, _begins(Group.name, prefix))
    total = db.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    return db.scalars(chosen.order_by(Group.name).offset(skip).limit(limit)).all(), total


def find_group(db: ReadDb, organization_id: str, name: str) -> Group | None:
    return db.scalar(select(Group).where(Group.organization_id == organization_id, Group.name == name))


def find_groups_named(db: ReadDb, organization_id: str, names: Collection[str]) -> Sequence[Group]:
    found: list[Group] = []
    for some in in_parts(names):
        chosen = select(Group).where(Group.organization_id == organization_id, Group.name.in_(some))
        found.extend(db.scalars(chosen))
    return found


def list_groups_of(db: ReadDb, account_id: str) -> Sequence[Group]:
    chosen = select(Group).join(Membership, Membership.group_id == Group.id)
    return db.scalars(chosen.where(Membership.account_id == account_id).order_by(Group.name)).all()


def group_names_of(db: ReadDb, account_ids: Collection[str]) -> dict[str, list[str]]:
    """By account id: the names of the groups that it is in, in order."""
    found: dict[str, list[str]] = {}
    for some in in_parts(account_ids):
        chosen = select(Membership.account_id, Group.name).join(Group, Group.id == Membership.group_id)
        for account_id, name in db.execute(
            chosen.where(Membership.account_id.in_(some)).order_by(Group.name)
        ):
            found.setdefault(account_id, []).append(name)
    return found


def count_groups(db: ReadDb, organization_id: str) -> int:
    """Those that were made here."""
    chosen = select(func.count()).select_from(Group)
    return db.scalar(chosen.where(Group.organization_id == organization_id, Group.is_claimed.is_(False))) or 0


def count_members(db: ReadDb, group_id: str) -> int:
    chosen = select(func.count()).select_from(Membership).where(Membership.group_id == group_id)
    return db.scalar(chosen) or 0


def find_membership(db: ReadDb, group_id: str, account_id: str) -> Membership | None:
    return db.get(Membership, (group_id, account_id))


def _conditions(organization_id: str, wanted: PeopleFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Account.organization_id == organization_id]
    if wanted.text:
        found.append(_matches(wanted))
    if wanted.kind:
        found.append(Account.kind == wanted.kind)
    if wanted.role:
        found.append(Account.role == wanted.role)
    if wanted.is_disabled is not None:
        found.append(Account.is_disabled.is_(wanted.is_disabled))
    if wanted.group_id:
        members = select(Membership.account_id).where(Membership.group_id == wanted.group_id)
        found.append(Account.id.in_(members))
    if wanted.prefix:
        in_words = [
            _begins(Account.full_name, wanted.prefix),
            _contains(Account.full_name, f" {wanted.prefix}"),
        ]
        found.append(or_(_begins(Account.name, wanted.prefix), *in_words))
    if wanted.roles:
        found.append(Account.role.in_(wanted.roles))
    if wanted.among is not None:
        found.append(Account.id.in_(wanted.among))
    return found


def _matches(wanted: PeopleFilter) -> ColumnElement[bool]:
    in_names = [_contains(Account.name, wanted.text), _contains(Account.full_name, wanted.text)]
    return or_(*in_names, *([_contains(Account.email, wanted.text)] if wanted.with_email else []))


def _contains(column: object, text: str) -> ColumnElement[bool]:
    return func.lower(column).contains(text.lower(), autoescape=True)


def _begins(column: object, text: str) -> ColumnElement[bool]:
    return func.lower(column).startswith(text.lower(), autoescape=True)


def _groups_with_counts(organization_id: str) -> Select[Group, int]:
    counted = (
        select(func.count())
        .select_from(Membership)
        .where(Membership.group_id == Group.id)
        .correlate(Group)
        .scalar_subquery()
    )
    return select(Group, counted).where(Group.organization_id == organization_id)


def find_quota(db: ReadDb, holder_id: str) -> Quota | None:
    return db.get(Quota, holder_id)
