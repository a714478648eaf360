"""How often an account or address may create something, or try a code that turns out wrong.

Wrong passwords are counted in :mod:`tholos.accounts.passwords`, by name and by address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.accounts.service import Actor
from tholos.kit.rates import Buckets, Rate


@dataclass(frozen=True, slots=True)
class Pace:
    creating: Buckets
    guessing: Buckets

    @classmethod
    def of(cls, creates_per_minute: int = 300, wrong_codes: int = 20) -> Pace:
        return cls(
            Buckets(
                Rate(creates_per_minute, timedelta(minutes=1)),
                "Cannot create anything just now: too much was created lately.",
            ),
            Buckets(
                Rate(wrong_codes, timedelta(minutes=15)),
                "Cannot look at this code just now: too many wrong ones were tried lately.",
            ),
        )

    def create(self, actor: Actor | None, address: str, now: datetime) -> None:
        """Count one creating call.

        Raises: TooManyRequests.
        """
        self.creating.take(actor.account_id if actor else f"address:{address}", now)

    def check_guess(self, address: str, now: datetime) -> None:
        """Before a code is looked up.

        Raises: TooManyRequests: this address tried too many wrong ones.
        """
        self.guessing.check(address, now)

    def note_wrong_guess(self, address: str, now: datetime) -> None:
        """A code of this address was none of ours.

        Raises: TooManyRequests.
        """
        self.guessing.take(address, now)
