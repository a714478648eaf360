"""Every SELECT of accounts and credentials."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from tholos.accounts.models import (
    Account,
    AccountKind,
    Group,
    Invitation,
    InvitationUse,
    KeptAnswer,
    Membership,
    Organization,
    Role,
    Session,
    SignInLink,
    Token,
)
from tholos.kit.db import ReadDb, in_parts

# Statements that nearly every page runs are built once: that takes longer than to run them.
_SESSION_OF = (
    select(Session)
    .where(Session.secret_hash == bindparam("secret_hash"))
    .options(joinedload(Session.account))
)
_NAMES_OF = select(Account.id, Account.name).where(Account.id.in_(bindparam("account_ids", expanding=True)))


def has_organization(db: ReadDb, organization_id: str) -> bool:
    return db.get(Organization, organization_id) is not None


def find_account(db: ReadDb, organization_id: str, name: str) -> Account | None:
    return db.scalar(select(Account).where(Account.organization_id == organization_id, Account.name == name))


def get_account(db: ReadDb, account_id: str) -> Account:
    return db.get_one(Account, account_id)


def find_administrator(db: ReadDb, organization_id: str) -> Account | None:
    """The first administrator that was made, of those that are people and may sign in."""
    chosen = select(Account).where(
        Account.organization_id == organization_id,
        Account.role == Role.ADMINISTRATOR,
        Account.kind == AccountKind.PERSON,
        Account.is_disabled.is_(False),
    )
    return db.scalar(chosen.order_by(Account.created_at, Account.id).limit(1))


def is_untouched(db: ReadDb, organization_id: str) -> bool:
    """Whether there is one account at most, and neither a session nor a token of anybody."""
    accounts = select(Account.id).where(Account.organization_id == organization_id).limit(2)
    has_credential = any(db.scalar(select(one).limit(1)) is not None for one in (Session.id, Token.id))
    return len(db.scalars(accounts).all()) < 2 and not has_credential


def account_names(db: ReadDb, account_ids: Sequence[str]) -> dict[str, str]:
    rows = db.execute(_NAMES_OF, {"account_ids": account_ids})
    return {account_id: name for account_id, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def find_session(db: ReadDb, secret_hash: str) -> Session | None:
    return db.scalar(_SESSION_OF, {"secret_hash": secret_hash})


def sessions_by_hash(db: ReadDb, hashes: Collection[str]) -> Iterator[Session]:
    for some in in_parts(hashes):
        chosen = select(Session).where(Session.secret_hash.in_(some)).options(joinedload(Session.account))
        yield from db.scalars(chosen)


def sessions_by_id(db: ReadDb, session_ids: Collection[str]) -> Iterator[Session]:
    for some in in_parts(session_ids):
        chosen = select(Session).where(Session.id.in_(some)).options(joinedload(Session.account))
        yield from db.scalars(chosen)


def tokens_by_hash(db: ReadDb, hashes: Collection[str]) -> Iterator[Token]:
    for some in in_parts(hashes):
        chosen = select(Token).where(Token.secret_hash.in_(some)).options(joinedload(Token.account))
        yield from db.scalars(chosen)


def list_open_sessions(db: ReadDb, account_id: str) -> Sequence[Session]:
    chosen = select(Session).where(Session.account_id == account_id, Session.revoked_at.is_(None))
    return db.scalars(chosen).all()


def list_live_sessions(db: ReadDb, account_id: str, now: datetime) -> Sequence[Session]:
    chosen = select(Session).where(
        Session.account_id == account_id, Session.revoked_at.is_(None), Session.expires_at >= now
    )
    return db.scalars(chosen.order_by(Session.created_at.desc(), Session.id)).all()


def find_invitation(db: ReadDb, code_hash: str) -> Invitation | None:
    return db.scalar(select(Invitation).where(Invitation.code_hash == code_hash))


def find_invitation_by_id(db: ReadDb, invitation_id: str) -> Invitation | None:
    return db.get(Invitation, invitation_id)


def list_invitations(
    db: ReadDb, organization_id: str, inviter_id: str | None, before_id: str, limit: int
) -> Sequence[Invitation]:
    """The newest first; of one inviter, or of all."""
    chosen = select(Invitation).where(Invitation.organization_id == organization_id)
    if inviter_id is not None:
        chosen = chosen.where(Invitation.inviter_id == inviter_id)
    if before_id:
        chosen = chosen.where(Invitation.id < before_id)
    return db.scalars(chosen.order_by(Invitation.id.desc()).limit(limit)).all()


def find_invitation_use(db: ReadDb, invitation_id: str, account_id: str) -> InvitationUse | None:
    return db.get(InvitationUse, (invitation_id, account_id))


def list_invitation_uses(db: ReadDb, invitation_ids: Sequence[str]) -> list[tuple[str, str, datetime]]:
    """Invitation, name and moment of every use, in the order of the uses."""
    chosen = (
        select(InvitationUse.invitation_id, Account.name, InvitationUse.at)
        .join(Account, Account.id == InvitationUse.account_id)
        .where(InvitationUse.invitation_id.in_(invitation_ids))
        .order_by(InvitationUse.at, Account.name)
    )
    return [(invitation_id, name, at) for invitation_id, name, at in db.execute(chosen)]


def find_group_named(db: ReadDb, organization_id: str, name: str) -> Group | None:
    return db.scalar(select(Group).where(Group.organization_id == organization_id, Group.name == name))


def find_group_by_id(db: ReadDb, group_id: str) -> Group | None:
    return db.get(Group, group_id)


def group_names(db: ReadDb, group_ids: Sequence[str]) -> dict[str, str]:
    rows = db.execute(select(Group.id, Group.name).where(Group.id.in_(group_ids)))
    return {group_id: name for group_id, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def has_membership(db: ReadDb, group_id: str, account_id: str) -> bool:
    return db.get(Membership, (group_id, account_id)) is not None


def find_session_by_id(db: ReadDb, session_id: str) -> Session | None:
    return db.scalar(select(Session).where(Session.id == session_id).options(joinedload(Session.account)))


def find_token(db: ReadDb, secret_hash: str) -> Token | None:
    chosen = select(Token).where(Token.secret_hash == secret_hash)
    return db.scalar(chosen.options(joinedload(Token.account)))


def find_token_by_id(db: ReadDb, account_id: str, token_id: str) -> Token | None:
    chosen = select(Token).where(Token.id == token_id, Token.account_id == account_id)
    return db.scalar(chosen.options(joinedload(Token.account)))


def list_tokens(db: ReadDb, account_id: str) -> Sequence[Token]:
    chosen = select(Token).where(Token.account_id == account_id, Token.revoked_at.is_(None))
    return db.scalars(chosen.order_by(Token.created_at.desc(), Token.id)).all()


def find_link(db: ReadDb, code_hash: str) -> SignInLink | None:
    chosen = select(SignInLink).where(SignInLink.code_hash == code_hash)
    return db.scalar(chosen.options(joinedload(SignInLink.account)))


def list_expired_links(db: ReadDb, before: datetime) -> Sequence[SignInLink]:
    return db.scalars(select(SignInLink).where(SignInLink.expires_at < before)).all()


def find_answer(db: ReadDb, account_id: str, key: str) -> KeptAnswer | None:
    return db.get(KeptAnswer, (account_id, key))


def list_answers_before(db: ReadDb, moment: datetime) -> Sequence[KeptAnswer]:
    return db.scalars(select(KeptAnswer).where(KeptAnswer.created_at < moment).limit(10_000)).all()
