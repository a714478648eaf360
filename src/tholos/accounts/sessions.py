"""Use cases of browser sessions: see where one is signed in, end one of them, sign out everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts import device, people_queries, queries, tokens
from tholos.accounts import service as accounts
from tholos.accounts.errors import SessionNotFound
from tholos.accounts.models import Account, Session
from tholos.accounts.service import Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb

CURRENT = "current"
"""What the API calls the session that asks."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How much a sign-out everywhere ended."""

    sessions: int
    tokens: int


def list_of(db: ReadDb, account_id: str, now: datetime) -> Sequence[Session]:
    """Where an account is signed in, the newest first."""
    return queries.list_live_sessions(db, account_id, now)


def end(db: WriteDb, actor: Actor, session_id: str, now: datetime) -> None:
    """End one of one's own.

    Raises: SessionNotFound.
    """
    wanted = actor.credential if session_id == CURRENT else session_id
    found = queries.find_session_by_id(db, wanted)
    if found is None or found.account_id != actor.account_id or found.revoked_at is not None:
        raise SessionNotFound(where="session")
    accounts.end_session(db, found.id, now, actor)


def end_all(db: WriteDb, actor: Actor, now: datetime, *, with_tokens: bool) -> Ended:
    """Sign out everywhere, here too."""
    return end_all_of(db, actor, accounts.get_account(db, actor.account_id), now, with_tokens=with_tokens)


def end_all_of(db: WriteDb, doer: audit.Doer, account: Account, now: datetime, *, with_tokens: bool) -> Ended:
    """End whatever an account is signed in by, and what would sign it in: links, and terminals that were let in.

    Who may do that to another account, the caller has asked.
    """
    for link in people_queries.list_open_links(db, account.id):
        link.spent_at = now
    device.withdraw_all(db, account.id)
    open_sessions = queries.list_open_sessions(db, account.id)
    for session in open_sessions:
        session.revoked_at = now
    open_tokens = queries.list_tokens(db, account.id) if with_tokens else []
    for token in open_tokens:
        tokens.end(db, doer, token, now)
    ended = Ended(len(open_sessions), len(open_tokens))
    audit.record(
        db, doer, Action.SIGNED_OUT_EVERYWHERE, accounts.subject_of(account), now,
        after={"sessions": ended.sessions, "tokens": ended.tokens},
    )  # fmt: skip
    return ended
