"""Answers that are kept under an idempotency key, so that a call that is sent again is answered again and done once.

The answer is written in the transaction of what it tells of: either both are there, or neither.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.accounts import queries
from tholos.accounts.errors import KeyReused
from tholos.accounts.models import KeptAnswer
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import Sealer

LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A call with an idempotency key."""

    account_id: str
    key: str
    fingerprint: str
    """Of its method, path and body."""


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: str


def fingerprint(method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def find(db: ReadDb, sealer: Sealer, call: Keyed) -> Answered | None:
    """What the same call was answered before.

    Raises: KeyReused: its key was used for another call.
    """
    found = queries.find_answer(db, call.account_id, call.key)
    if found is None:
        return None
    if sealer.open(found.fingerprint, about_fingerprint(found)) != call.fingerprint:
        raise KeyReused(
            "Cannot do that: its Idempotency-Key was used for another call.",
            fix="Use a key once only; a random one for each call is best.",
            where="idempotency-key",
        )
    return Answered(found.status, sealer.open(found.body, about_body(found)))


def keep(db: WriteDb, sealer: Sealer, call: Keyed, answer: Answered, now: datetime) -> None:
    """Raises: KeyReused: the same call is being done by somebody else right now, or was a moment ago."""
    if queries.find_answer(db, call.account_id, call.key) is not None:
        raise KeyReused(
            "Cannot do that: a call with this Idempotency-Key was done a moment ago.", fix="Send it again."
        )
    kept = KeptAnswer(account_id=call.account_id, key=call.key, status=answer.status, created_at=now)
    # The hash too: a body may hold a secret that is short enough to be guessed by it.
    kept.fingerprint = sealer.seal(call.fingerprint, about_fingerprint(kept))
    kept.body = sealer.seal(answer.body, about_body(kept))
    db.add(kept)
    db.flush()


def remove_expired(db: WriteDb, now: datetime) -> None:
    for answer in queries.list_answers_before(db, now - LIFE):
        db.delete(answer)


def about_body(kept: KeptAnswer) -> str:
    """What an answer's body is sealed with."""
    return f"answer {kept.account_id} {kept.key}"


def about_fingerprint(kept: KeptAnswer) -> str:
    """What a call's fingerprint is sealed with."""
    return f"call {kept.account_id} {kept.key}"
