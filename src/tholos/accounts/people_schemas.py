"""JSON shapes of people and groups."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts import groups, people
from tholos.accounts.models import Account, AccountKind, Group
from tholos.accounts.schemas import AccountIn, AccountOut
from tholos.kit.clock import to_text


class PersonIn(AccountIn):
    """A person's account, or with the kind ``service`` a program's."""

    kind: str = Field(AccountKind.PERSON, max_length=40)
    full_name: str = Field("", max_length=1000)
    email: str = Field("", max_length=1000)


class PersonChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    full_name: str | None = Field(None, max_length=1000)
    email: str | None = Field(None, max_length=1000, description="Where mail goes; empty for none.")
    role: str | None = Field(None, max_length=40)


class PersonOut(AccountOut):
    """An account. What is private is null to who neither is it nor administers."""

    kind: str
    full_name: str
    groups: list[str]
    version: int = Field(description="Also the ETag: send it as If-Match to change what you saw.")
    email: str | None
    is_disabled: bool
    created_at: str | None
    seen_at: str | None = Field(description="When a browser or terminal last signed in as it.")


class PersonList(BaseModel):
    items: list[PersonOut]
    next: str | None = None
    total: int = Field(description="On all pages together.")


class PersonMade(BaseModel):
    account: PersonOut
    sign_in_url: str = Field(description="Lets its person in, once; empty for a program, which has tokens.")


class LinkMade(BaseModel):
    sign_in_url: str = Field(description="Lets its person in, once.")


class SignOutIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: bool = Field(False, description="Revoke every token as well.")


class GroupIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    note: str = Field("", max_length=4000)


class GroupChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200)
    note: str | None = Field(None, max_length=4000)


class GroupOut(BaseModel):
    id: str
    name: str
    note: str
    is_claimed: bool = Field(
        description="Whether the sign-in provider says who is in it: it is read only here."
    )
    members: int
    version: int = Field(description="Also the ETag: send it as If-Match to change what you saw.")
    created_at: str


class GroupList(BaseModel):
    items: list[GroupOut]
    next: str | None = None


class MemberOut(BaseModel):
    account: str
    full_name: str
    role: str
    is_disabled: bool


class MemberList(BaseModel):
    items: list[MemberOut]
    next: str | None = None


def person_out(known: people.Known) -> PersonOut:
    account = known.account
    return PersonOut(
        id=account.id,
        name=account.name,
        role=account.role,
        kind=account.kind,
        full_name=account.full_name,
        groups=[*known.groups],
        version=account.version,
        email=(account.email or "") if known.is_whole else None,
        is_disabled=account.is_disabled,
        created_at=to_text(account.created_at) if known.is_whole else None,
        seen_at=to_text(account.seen_at) if known.is_whole else None,
    )


def group_out(group: Group, members: int) -> GroupOut:
    return GroupOut(
        id=group.id,
        name=group.name,
        note=group.note,
        is_claimed=group.is_claimed,
        members=members,
        version=group.version,
        created_at=to_text(group.created_at) or "",
    )


def known_group_out(known: groups.Known) -> GroupOut:
    return group_out(known.group, known.members)


def member_out(account: Account) -> MemberOut:
    return MemberOut(
        account=account.name,
        full_name=account.full_name,
        role=account.role,
        is_disabled=account.is_disabled,
    )
