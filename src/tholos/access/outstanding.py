"""What the proxy in front may believe without asking: the passes that are out, and which of them not to believe any more.

Whatever changes access anywhere, those that are out are asked about again, as open exchanges are; who would no longer be let
in, or is by now called otherwise, is led to the door from then on. Passes of an earlier server are not known here: they are of
another generation, which no lane believes, and the door makes a new one of each at its next request.

A proxy judges by the machine's clock whether a pass has ended, and that may be put back. So one server has several generations
too, one after the other: passes of the youngest few are believed, and for longer than these last none is, whatever the clock says.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tholos.access.service import Admission, Stand
from tholos.kit import ids

TURNS_IN_LIFE = 2
"""Generations that begin while a pass is good."""
TURN_AT_LEAST_S = 30.0
IDENTITY_AT_MOST = 2_000
"""Bytes of an identity that a pass holds; one with more goes by the door, which asks the database."""


@dataclass(frozen=True, slots=True)
class Out:
    """Passes of one session for one place."""

    account_id: str
    identity: str
    turn: int
    """That of the youngest."""


class Outstanding:
    """For one event loop.

    Args:
        life_s: seconds that a pass is good for.
    """

    def __init__(self, life_s: float) -> None:
        self.generations: tuple[str, ...] = (_new_generation(),)
        """Passes of these are believed; the last is that of new ones."""
        self.turn_s = max(life_s / TURNS_IN_LIFE, TURN_AT_LEAST_S)
        """How long one lasts: whoever steers the proxy begins the next, by a clock that nobody sets."""
        self.changed = asyncio.Event()
        """Set when there is something new for the proxy; whoever steers it clears it."""
        self.seen = 0
        """How many changes of access it has heeded."""
        self._turn = 0
        self._out: dict[tuple[str, str], Out] = {}
        self._revoked: dict[tuple[str, str], int] = {}
        self._public: set[str] = set()

    def claims(self, admission: Admission) -> dict[str, str]:
        """What a pass tells the proxy besides; nothing where it is not to be believed there."""
        identity = identity_of(admission)
        if len(identity) > IDENTITY_AT_MOST:
            return {}
        return {"e": self.generations[-1], "n": admission.name, "c": identity}

    def note(self, place: str, admission: Admission, *, is_fresh: bool) -> None:
        """A pass goes out; one whose proof is older than the last change of access is for the door alone."""
        key = (place, admission.session_id)
        known = self._out.get(key)
        identity = identity_of(admission)
        self._out[key] = Out(admission.account_id, identity, self._turn)
        if not is_fresh or (known is not None and known.identity != identity):
            self._revoke(key)

    def turn(self) -> None:
        """Begin another generation, and believe the oldest no more. What is forgotten was believed the turn before the last,
        so every proxy knows by now that it is not.
        """
        self._turn += 1
        self.generations = (*self.generations, _new_generation())[-TURNS_IN_LIFE - 1 :]
        oldest = self._turn - TURNS_IN_LIFE - 1
        self._out = {key: out for key, out in self._out.items() if out.turn >= oldest}
        self._revoked = {key: turn for key, turn in self._revoked.items() if turn >= oldest}
        self.changed.set()

    def note_public(self, place: str) -> None:
        """Everyone is let in there, as was found just now."""
        if place not in self._public:
            self._public.add(place)
            self.changed.set()

    def is_public(self, place: str) -> bool:
        return place in self._public

    def revoked_of(self, place: str) -> tuple[str, ...]:
        """Sessions whose passes for a place are not believed."""
        return tuple(sorted(session for at, session in self._revoked if at == place))

    def stands(self) -> set[Stand]:
        """What all of it stands on."""
        sessions = {Stand(place, "session", session) for place, session in self._out}
        return sessions | {Stand(place, "public", "") for place in self._public}

    def accounts(self) -> set[str]:
        return {out.account_id for out in self._out.values()}

    def settle(self, standing: Collection[Stand], groups: Mapping[str, Collection[str]]) -> None:
        """Believe nothing that does not stand, and no pass that tells old groups."""
        self._public = {place for place in self._public if Stand(place, "public", "") in standing}
        for key, out in self._out.items():
            place, session = key
            told = set(json.loads(out.identity)["groups"])
            if Stand(place, "session", session) not in standing or told != {*groups.get(out.account_id, ())}:
                self._revoke(key)
        self.changed.set()

    def _revoke(self, key: tuple[str, str]) -> None:
        self._revoked[key] = self._turn
        self.changed.set()


def _new_generation() -> str:
    return ids.new_secret()[:16]


def identity_of(admission: Admission) -> str:
    """Who it is in the words that apps written for Posit Connect read."""
    return json.dumps({"user": admission.name, "groups": list(admission.groups)})
