"""Use cases of groups: make, change, fill and empty them; and those whose members a sign-in provider says.

What a group was given is not known here: whoever removes one takes that back first (``tholos.console.departures``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts import people_queries as queries
from tholos.accounts import queries as account_queries
from tholos.accounts import service as accounts
from tholos.accounts.errors import (
    AccountNotFound,
    GroupClaimed,
    GroupInvalid,
    GroupNotFound,
    GroupTaken,
    MemberNotFound,
    TooManyGroups,
)
from tholos.accounts.models import Account, Group, Membership, Role
from tholos.accounts.service import Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.paging import Page, from_cursor, to_cursor
from tholos.kit.versions import check_version

NOTE_LENGTH = 1000
MOST_GROUPS = 2000
"""Made here; those that a provider says are not counted."""
MOST_CLAIMED = 500
"""Of one account: what a provider says beyond that is not taken."""
MOST_NAMED = 100
"""Members that the record of a removal names."""
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,39}")
_CLAIMED_LENGTH = 80
_STEP = "::"
"""What stands for the slashes of a provider's paths: a name is part of an address."""


@dataclass(frozen=True, slots=True)
class Known:
    """A group and how many are in it."""

    group: Group
    members: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a sign-in provider's groups came to."""

    joined: tuple[str, ...]
    left: tuple[str, ...]
    refused: tuple[str, ...]
    """Names that are none, or that a group made here has: a provider puts nobody into that."""


def set_claimed(db: WriteDb, account: Account, names: Collection[str], now: datetime) -> Claims:
    """Make an account a member of just those claimed groups that its provider says; groups made here stay as they are.

    Whoever calls it publishes ``ACCESS_TOPIC`` after the commit where somebody left a group.
    """
    wanted, refused = _claimed_names(names)
    known = {one.name: one for one in queries.find_groups_named(db, account.organization_id, wanted)}
    refused += [name for name in wanted if name in known and not known[name].is_claimed]
    present = {one.name: one for one in queries.list_groups_of(db, account.id) if one.is_claimed}
    joined = [name for name in wanted if name not in present and name not in refused]
    left = [name for name in present if name not in wanted]
    for name in joined:
        group = known.get(name) or _add(
            db, audit.ITSELF, account.organization_id, name, "", now, claimed=True
        )
        _join(db, audit.ITSELF, group, account, now)
    for name in left:
        _leave(db, audit.ITSELF, present[name], account, now)
    return Claims(tuple(joined), tuple(left), tuple(refused))


def list_groups(
    db: ReadDb, actor: Actor, *, text: str = "", cursor: str = "", limit: int = 100
) -> Page[Known]:
    """In the order of their names; for those who share and for administrators.

    Raises: RoleTooLow, ScopeTooNarrow, CursorInvalid.
    """
    actor.needs(Role.PUBLISHER)
    actor.needs_all_apps()
    key = from_cursor(cursor, str)
    after = str(key[0]) if key else ""
    found = queries.list_groups(db, actor.organization_id, text.strip(), after, limit + 1)
    more = to_cursor(found[limit - 1][0].name) if len(found) > limit else ""
    return Page([Known(*one) for one in found[:limit]], more)


def list_beginning(
    db: ReadDb, actor: Actor, prefix: str, *, skip: int, limit: int
) -> tuple[Sequence[Group], int]:
    """So many of the groups whose names begin so, in order, and how many there are; for whom :func:`list_groups` is.

    Raises: RoleTooLow, ScopeTooNarrow.
    """
    actor.needs(Role.PUBLISHER)
    actor.needs_all_apps()
    return queries.list_groups_beginning(db, actor.organization_id, prefix, skip, limit)


def name_of(db: ReadDb, group_id: str) -> str:
    """What a group is called by now; what may be told of it is for the caller to ask.

    Raises: GroupNotFound.
    """
    found = account_queries.find_group_by_id(db, group_id)
    if found is None:
        raise GroupNotFound(fix="See those that there are: tholos groups list", where="group")
    return found.name


def get_group(db: ReadDb, actor: Actor, name: str) -> Known:
    """For those who share, for administrators, and for its members.

    Raises: GroupNotFound, ScopeTooNarrow.
    """
    actor.needs_all_apps()
    group = _find(db, actor, name)
    if not actor.role.includes(Role.PUBLISHER) and not is_member(db, group, actor.account_id):
        raise _not_found(name)
    return Known(group, queries.count_members(db, group.id))


def is_member(db: ReadDb, group: Group, account_id: str) -> bool:
    return queries.find_membership(db, group.id, account_id) is not None


def list_of(db: ReadDb, account_id: str) -> Sequence[Group]:
    """The groups that an account is in, by name."""
    return queries.list_groups_of(db, account_id)


def list_members(db: ReadDb, actor: Actor, name: str, *, cursor: str = "", limit: int = 100) -> Page[Account]:
    """In the order of their names; for publishers those who may sign in.

    Raises: RoleTooLow, GroupNotFound, ScopeTooNarrow, CursorInvalid.
    """
    actor.needs(Role.PUBLISHER)
    group = get_group(db, actor, name).group
    is_whole = actor.role.includes(Role.ADMINISTRATOR)
    wanted = queries.PeopleFilter(group_id=group.id, is_disabled=None if is_whole else False)
    key = from_cursor(cursor, str)
    found = queries.list_accounts(db, group.organization_id, wanted, str(key[0]) if key else "", limit + 1)
    return Page(found[:limit], to_cursor(found[limit - 1].name) if len(found) > limit else "")


def make_group(db: WriteDb, actor: Actor, name: str, note: str, now: datetime) -> Group:
    """Raises: RoleTooLow, GroupInvalid, GroupTaken, TooManyGroups."""
    actor.needs(Role.ADMINISTRATOR)
    _check_name(db, actor.organization_id, name)
    if queries.count_groups(db, actor.organization_id) >= MOST_GROUPS:
        raise TooManyGroups(f"Cannot make a further group: there are {MOST_GROUPS}.")
    return _add(db, actor, actor.organization_id, name, _check_note(note), now)


def change_group(
    db: WriteDb,
    actor: Actor,
    name: str,
    *,
    new_name: str | None = None,
    note: str | None = None,
    seen: int | None = None,
    now: datetime,
) -> Group:
    """Give it another name, another note, or both; who is in it and what it was given stay.

    Raises: RoleTooLow, GroupNotFound, GroupClaimed, EditedMeanwhile, GroupInvalid, GroupTaken.
    """
    group = get_changeable(db, actor, name)
    check_version(seen, group.version)
    before = _as_json(group)
    if new_name is not None and new_name != group.name:
        _check_name(db, actor.organization_id, new_name)
        group.name = new_name
    if note is not None:
        group.note = _check_note(note)
    if before != _as_json(group):
        group.version += 1
        audit.record(
            db, actor, Action.GROUP_CHANGED, subject_of(group), now, before=before, after=_as_json(group)
        )
    return group


def remove_group(db: WriteDb, actor: Actor, group: Group, now: datetime) -> None:
    """Remove it and who is in it; a claimed one only when nobody is, or the next sign-in would make it anew.

    Raises: RoleTooLow, GroupClaimed.
    """
    check_removable(db, actor, group)
    members = [one.name for one in list_members(db, actor, group.name, limit=MOST_NAMED).items]
    audit.record(
        db, actor, Action.GROUP_REMOVED, subject_of(group), now,
        before={**_as_json(group), "members": members, "count": queries.count_members(db, group.id)},
    )  # fmt: skip
    db.delete(group)
    db.flush()


def check_removable(db: ReadDb, actor: Actor, group: Group) -> None:
    """Raises: RoleTooLow, GroupClaimed."""
    actor.needs(Role.ADMINISTRATOR)
    if group.is_claimed and queries.count_members(db, group.id):
        raise GroupClaimed(
            f'Cannot remove "{group.name}": the sign-in provider says who is in it, and would make it anew.',
            fix="Remove it there; once nobody is in it any more it can be removed here.",
        )


def add_member(db: WriteDb, actor: Actor, name: str, account_name: str, now: datetime) -> Account:
    """Put an account into a group; one that is in it stays.

    Raises: RoleTooLow, GroupNotFound, GroupClaimed, AccountNotFound.
    """
    group = get_changeable(db, actor, name)
    account = accounts.find_account(db, actor.organization_id, account_name)
    if account is None:
        raise AccountNotFound(f'There is no account "{account_name[:60]}".', where="account")
    if not is_member(db, group, account.id):
        _join(db, actor, group, account, now)
    return account


def remove_member(db: WriteDb, actor: Actor, name: str, account_name: str, now: datetime) -> Account:
    """Take an account out of a group, and with that whatever it had by it.

    Raises: RoleTooLow, GroupNotFound, GroupClaimed, MemberNotFound.
    """
    group = get_changeable(db, actor, name)
    account = accounts.find_account(db, actor.organization_id, account_name)
    if account is None or not is_member(db, group, account.id):
        raise MemberNotFound(f'"{account_name[:60]}" is not in the group {group.name}.', where="account")
    _leave(db, actor, group, account, now)
    return account


def get_changeable(db: ReadDb, actor: Actor, name: str) -> Group:
    """Raises: RoleTooLow, GroupNotFound, GroupClaimed."""
    actor.needs(Role.ADMINISTRATOR)
    group = _find(db, actor, name)
    if group.is_claimed:
        raise GroupClaimed(
            f'Cannot change "{group.name}": the sign-in provider says who is in it and how it is called.',
            fix="Change it there; it is so here from the next sign-in on.",
        )
    return group


def subject_of(group: Group) -> audit.Subject:
    """A group as the record of deeds names it."""
    return audit.Subject("group", group.id, group.name)


def _add(
    db: WriteDb,
    doer: audit.Doer,
    organization_id: str,
    name: str,
    note: str,
    now: datetime,
    *,
    claimed: bool = False,
) -> Group:
    group = Group(
        id=ids.new_id("grp"),
        organization_id=organization_id,
        name=name,
        note=note,
        is_claimed=claimed,
        version=1,
        created_at=now,
    )
    db.add(group)
    db.flush()
    audit.record(db, doer, Action.GROUP_MADE, subject_of(group), now, after=_as_json(group))
    return group


def _join(db: WriteDb, doer: audit.Doer, group: Group, account: Account, now: datetime) -> None:
    db.add(Membership(group_id=group.id, account_id=account.id, created_at=now))
    db.flush()
    audit.record(db, doer, Action.MEMBER_ADDED, subject_of(group), now, after={"account": account.name})


def _leave(db: WriteDb, doer: audit.Doer, group: Group, account: Account, now: datetime) -> None:
    found = queries.find_membership(db, group.id, account.id)
    if found is not None:
        db.delete(found)
        db.flush()
        audit.record(
            db, doer, Action.MEMBER_REMOVED, subject_of(group), now, before={"account": account.name}
        )


def _find(db: ReadDb, actor: Actor, name: str) -> Group:
    """Raises: GroupNotFound."""
    group = queries.find_group(db, actor.organization_id, name)
    if group is None:
        raise _not_found(name)
    return group


def _not_found(name: str) -> GroupNotFound:
    return GroupNotFound(f'There is no group "{name[:80]}".', where="name")


def _check_name(db: ReadDb, organization_id: str, name: str) -> None:
    """Raises: GroupInvalid, GroupTaken."""
    if not _NAME.fullmatch(name):
        raise GroupInvalid(
            f'Cannot take "{name[:60]}" as a group\'s name: it needs a letter first, then letters, digits, ".", "_" '
            'or "-", 40 characters at most, all lower case.',
            where="name",
        )
    if queries.find_group(db, organization_id, name) is not None:
        raise GroupTaken(f'Cannot call a group "{name}": there is one of that name.', where="name")


def _check_note(note: str) -> str:
    """Raises: GroupInvalid."""
    cleaned = note.strip()
    if len(cleaned) > NOTE_LENGTH:
        raise GroupInvalid(f"Cannot take this note: it may have {NOTE_LENGTH} characters.", where="note")
    return cleaned


def _claimed_names(names: Collection[str]) -> tuple[list[str], list[str]]:
    """What a provider says as names of groups here, and what cannot be one. No two become the same."""
    taken: list[str] = []
    refused: list[str] = []
    for said in dict.fromkeys(names):
        name = said.strip().removeprefix("/").replace("/", _STEP)
        is_good = name.isprintable() and 0 < len(name) <= _CLAIMED_LENGTH and name not in {".", ".."}
        if not is_good or _STEP in said or name.startswith("@") or len(taken) >= MOST_CLAIMED:
            refused.append(said[:_CLAIMED_LENGTH])
        elif name not in taken:
            taken.append(name)
    return taken, refused


def _as_json(group: Group) -> JsonObject:
    return {"name": group.name, "note": group.note, "is_claimed": group.is_claimed}
