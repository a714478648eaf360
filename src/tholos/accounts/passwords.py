"""Passwords: hashed and checked outside every transaction, two at a time, and only so many wrong ones in a row.

Checking one is slow on purpose; a transaction that waited for it would keep a connection from everybody else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from tholos.accounts import errors
from tholos.accounts import service as accounts
from tholos.accounts.service import KeptPassword, PasswordHash
from tholos.kit import ids
from tholos.kit.db import Database

PASSWORD_LENGTH = 10
AT_ONCE = 2
WAITING_AT_MOST = 16
"""Threads that may be busy with passwords, those that wait included: the others belong to everybody else."""
WRONG_AT_MOST = 10
WRONG_WITHIN = timedelta(minutes=15)
_COUNTED_AT_MOST = 10_000
# RFC 9106's second recommended option, with less memory: several sign-ins at once must fit a small machine.
_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


def hash_password(password: str) -> PasswordHash:
    """What is kept of a password; slow, so never within a transaction.

    Raises: PasswordTooShort.
    """
    if len(password) < PASSWORD_LENGTH:
        raise errors.PasswordTooShort(where="password")
    return PasswordHash(_HASHER.hash(password))


def is_password(kept: KeptPassword, password: str) -> bool:
    """Whether it is the kept one; where none is kept, finding that out takes as long."""
    try:
        _HASHER.verify(kept.hash or _no_password(), password)
    except VerificationError:
        return False
    return bool(kept.hash)


class Attempts:
    """How many wrong passwords there were lately, by name and by address.

    Kept in this server's memory: a restart forgets them, and a second server counts for itself.
    """

    def __init__(self) -> None:
        self._at: dict[str, list[datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, keys: Sequence[str], now: datetime) -> None:
        """Count one attempt as a wrong one, until it turns out right: many at once must not slip through.

        Raises: TooManyAttempts.
        """
        with self._lock:
            lately = {key: self._lately(key, now) for key in keys}
            full = [times[0] for times in lately.values() if len(times) >= WRONG_AT_MOST]
            if full:
                wait_s = int((max(full) + WRONG_WITHIN - now).total_seconds()) + 1
                raise errors.TooManyAttempts(
                    fix=f"Wait {-(-wait_s // 60)} minutes, or use a one-time link.", retry_after_s=wait_s
                )
            if len(self._at) + len(keys) > _COUNTED_AT_MOST:
                self._forget_some(now)
            for key, times in lately.items():
                self._at[key] = [*times, now]

    def succeed(self, keys: Sequence[str], began: datetime) -> None:
        """The attempt that began then was a right one; the wrong ones before it stay counted."""
        with self._lock:
            for key in keys:
                if began in self._at.get(key, ()):
                    self._at[key].remove(began)

    def _lately(self, key: str, now: datetime) -> list[datetime]:
        return [time for time in self._at.get(key, ()) if now - time < WRONG_WITHIN]

    def _forget_some(self, now: datetime) -> None:
        kept = {key: times for key in self._at if (times := self._lately(key, now))}
        # Still too many: those that were first counted longest ago go.
        self._at = dict(list(kept.items())[-_COUNTED_AT_MOST // 2 :])


class Passwords:
    """Checks and hashes for whoever asks over HTTP."""

    def __init__(self) -> None:
        self._attempts = Attempts()
        self._at_once = threading.BoundedSemaphore(AT_ONCE)
        self._waiting = threading.BoundedSemaphore(WAITING_AT_MOST)

    def check(
        self, database: Database, name: str, password: str, address: str, now: datetime
    ) -> KeptPassword:
        """The kept password of a name, which the given one matched; unknown names take as long as wrong passwords.

        Raises: WrongPassword, TooManyAttempts, TooBusy.
        """
        keys = [f"name:{accounts.as_name(name)}", *([f"address:{address}"] if address else [])]
        with self._turn():
            self._attempts.begin(keys, now)
            with database.read() as db:
                kept = accounts.find_password(db, name)
            with self._at_once:
                is_right = is_password(kept, password)
        if not is_right:
            raise errors.WrongPassword(fix="An administrator, or `tholos up`, can give you a one-time link.")
        self._attempts.succeed(keys, now)
        return kept

    def hash(self, password: str) -> PasswordHash:
        """Raises: PasswordTooShort, TooBusy."""
        with self._turn(), self._at_once:
            return hash_password(password)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._waiting.acquire(blocking=False):
            raise errors.TooBusy
        try:
            yield
        finally:
            self._waiting.release()


@lru_cache(maxsize=1)
def _no_password() -> str:
    return _HASHER.hash(ids.new_secret())
