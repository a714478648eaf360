"""Use cases of letting a terminal in from a browser (RFC 8628): it asks for a code, somebody approves, it gets a token.

The terminal keeps a secret; the code that people see only says which terminal is meant, and only somebody who is signed in
can look it up.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tholos.accounts import errors, queries
from tholos.accounts import service as accounts
from tholos.accounts import sign_in_queries as sign_ins
from tholos.accounts.models import (
    DEFAULT_ORGANIZATION,
    DEVICE_TRANSITIONS,
    Account,
    DeviceSignIn,
    DeviceState,
    Token,
)
from tholos.accounts.service import TOKEN_LIFE_DAYS, Actor, Origin, hash_secret
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.rates import Buckets, Rate, TooManyRequests

LIFE = timedelta(minutes=10)
CODE_LIFE = timedelta(seconds=60)
INTERVAL_S = 3
"""Seconds that a terminal waits between two questions."""
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no words come out, and nothing that is misread (RFC 8628, 6.1)."""
_LENGTH = 8
_AGAIN = "Begin again with: tholos login URL"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a terminal gets: a secret for itself and a code to show."""

    secret: str = field(repr=False)
    code: str
    expires_at: datetime


class Pulse:
    """How often terminals ask whether they were let in; kept in this server's memory."""

    def __init__(self) -> None:
        # Two at once: a question that took long is followed by one that comes early.
        self._asked = Buckets(Rate(2, timedelta(seconds=2 * INTERVAL_S)))

    def take(self, secret: str, now: datetime) -> None:
        """Raises: SlowDown."""
        try:
            self._asked.take(hash_secret(secret), now)
        except TooManyRequests as error:
            raise errors.SlowDown(fix=f"Ask every {INTERVAL_S} s, and 5 s less often after this.") from error


def begin(db: WriteDb, label: str, origin: Origin, now: datetime) -> Begun:
    """A terminal wants to be let in."""
    secret, code = ids.new_secret(), _new_code(db)
    device = DeviceSignIn(
        id=ids.new_id("dev"),
        organization_id=DEFAULT_ORGANIZATION,
        device_hash=hash_secret(secret),
        user_code_hash=hash_secret(code),
        label=_shown(label) or _shown(origin.label) or "a terminal",
        address=origin.address,
        state=DeviceState.WAITING,
        created_at=now,
        expires_at=now + LIFE,
    )
    db.add(device)
    return Begun(secret, code, device.expires_at)


def find_waiting(db: ReadDb, typed: str, now: datetime) -> DeviceSignIn:
    """The terminal that shows a code and waits for somebody's decision.

    Raises: DeviceCodeUnknown.
    """
    found = sign_ins.find_device_by_code(db, hash_secret(read_code(typed)))
    if found is None or found.expires_at <= now or found.state != DeviceState.WAITING:
        raise errors.DeviceCodeUnknown(
            "No terminal waits for this code: it was mistyped, decided already, or shown more than ten minutes ago.",
            fix=_AGAIN,
            where="code",
        )
    return found


def decide(db: WriteDb, actor: Actor, typed: str, now: datetime, *, is_approved: bool) -> DeviceSignIn:
    """Let a terminal in as oneself, or refuse it for good.

    Raises: DeviceNeedsBrowser, DeviceCodeUnknown.
    """
    if not actor.credential.startswith("ses_"):
        raise errors.DeviceNeedsBrowser
    device = find_waiting(db, typed, now)
    _move(device, DeviceState.APPROVED if is_approved else DeviceState.REFUSED)
    device.account_id = actor.account_id
    audit.record(
        db, actor, Action.DEVICE_APPROVED if is_approved else Action.DEVICE_REFUSED,
        audit.Subject("device", device.id, device.label), now, after={"address": device.address},
    )  # fmt: skip
    return device


def grant(db: WriteDb, actor: Actor, label: str, proof: str, address: str, now: datetime) -> str:
    """Let a program in that sent the browser here: a code for it, good for a minute and only with its proof (RFC 7636).

    Raises: DeviceNeedsBrowser.
    """
    if not actor.credential.startswith("ses_"):
        raise errors.DeviceNeedsBrowser
    code = ids.new_secret()
    device = DeviceSignIn(
        id=ids.new_id("dev"),
        organization_id=actor.organization_id,
        account_id=actor.account_id,
        device_hash=hash_secret(bound(code, proof)),
        user_code_hash=hash_secret(ids.new_secret()),  # nobody types one
        label=_shown(label),
        address=address,
        state=DeviceState.APPROVED,
        created_at=now,
        expires_at=now + CODE_LIFE,
    )
    db.add(device)
    audit.record(
        db, actor, Action.DEVICE_APPROVED, audit.Subject("device", device.id, device.label), now,
        after={"address": address},
    )  # fmt: skip
    return code


def bound(code: str, proof: str) -> str:
    """The secret that a code is with its proof."""
    return f"{code} {proof}"


def withdraw_all(db: WriteDb, account_id: str) -> None:
    """Give no token to terminals that somebody let in and that have not fetched theirs yet."""
    for device in sign_ins.list_approved_devices(db, account_id):
        _move(device, DeviceState.REFUSED)


def check(db: ReadDb, secret: str, now: datetime) -> DeviceSignIn:
    """A terminal that was let in and has no token yet.

    Raises: AuthorizationPending, DeviceRefused, DeviceExpired.
    """
    device = sign_ins.find_device_by_secret(db, hash_secret(secret))
    if device is None or device.expires_at <= now or device.state == DeviceState.SPENT:
        raise errors.DeviceExpired(fix=_AGAIN)
    if device.state == DeviceState.REFUSED:
        raise errors.DeviceRefused(fix=_AGAIN)
    if device.state == DeviceState.WAITING:
        raise errors.AuthorizationPending
    return device


def redeem(db: WriteDb, secret: str, now: datetime) -> tuple[Account, Token, str]:
    """The account that let a terminal in, and a token for it; once only.

    Raises: AuthorizationPending, DeviceRefused, DeviceExpired.
    """
    device = check(db, secret, now)
    account = queries.get_account(db, device.account_id or "")
    if account.is_disabled:
        raise errors.DeviceRefused(f"Cannot sign in: the account {account.name} is disabled.")
    _move(device, DeviceState.SPENT)
    token, token_secret = accounts.create_token(db, account, device.label, TOKEN_LIFE_DAYS, now)
    return account, token, token_secret


def remove_expired(db: WriteDb, now: datetime) -> None:
    sign_ins.remove_devices_before(db, now)


def read_code(typed: str) -> str:
    """A code as it was shown, whatever was typed between its letters and in whatever case."""
    letters = re.sub(r"[^A-Z]", "", typed.upper())
    return f"{letters[:4]}-{letters[4:]}"


def _shown(text: str) -> str:
    """What a stranger says of himself, without anything that could make it read as something else."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:80]


def _new_code(db: ReadDb) -> str:
    """One that no other terminal shows."""
    while True:
        code = read_code("".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)))
        if sign_ins.find_device_by_code(db, hash_secret(code)) is None:
            return code


def _move(device: DeviceSignIn, state: DeviceState) -> None:
    present = DeviceState(device.state)
    if state not in DEVICE_TRANSITIONS[present]:
        msg = f"a device that is {present} cannot become {state}"
        raise ValueError(msg)
    device.state = state
