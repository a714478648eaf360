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
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tholos.access.service import Admission, Stand
from tholos.accounts.service import hash_secret
from tholos.gateway.fleet import EVERYONE, Bearer, Stream, Unfit, is_of_token, stream_name
from tholos.kit import ids

TURNS_IN_LIFE = 2
"""Generations that begin while a pass is good."""
TURN_AT_LEAST_S = 30.0
IDENTITY_AT_MOST = 2_000
"""Bytes of an identity that a pass holds; one with more goes by the door, which asks the database."""
STREAMS_AT_MOST = 500
"""Sessions with a way for streams of their own, each of which costs the proxy some 50 KB; those of others go by the door."""
TOKENS_AT_MOST = 200
"""API tokens, by place, that are known to the proxy; those of others are looked at by the door."""

Key = tuple[str, str]
"""A place, and a session or token that opened it."""


@dataclass(frozen=True, slots=True)
class Out:
    """Passes of one session for one place."""

    account_id: str
    identity: str
    turn: int
    """That of the youngest."""


@dataclass(frozen=True, slots=True)
class Learned:
    """An API token that was good for a place."""

    bearer: Bearer
    groups: frozenset[str]
    turn: int
    """In which it was."""


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
        self._out: dict[Key, Out] = {}
        self._revoked: dict[Key, int] = {}
        self._public: set[str] = set()
        self._tokens: dict[Key, Learned] = {}
        self._streaming: set[str] = set()
        self._streams: dict[Key, int] = {}
        """With the turn in which each was given or adopted."""
        self._instances: dict[Key, str] = {}
        """Where the last stream of each went, as far as the door carried it."""

    def claims(self, place: str, admission: Admission) -> dict[str, str]:
        """What a pass tells the proxy besides; nothing where it is not to be believed there."""
        identity = identity_of(admission)
        if len(identity) > IDENTITY_AT_MOST:
            return {}
        return {
            "e": self.generations[-1],
            "n": admission.name,
            "c": identity,
            "k": stream_name(place, admission.session_id),
        }

    def note(self, place: str, admission: Admission, *, is_fresh: bool) -> None:
        """A pass goes out; one whose proof is older than the last change of access is for the door alone."""
        key = (place, admission.session_id)
        known = self._out.get(key)
        identity = identity_of(admission)
        self._out[key] = Out(admission.account_id, identity, self._turn)
        if not is_fresh or (known is not None and known.identity != identity):
            self._revoke(key)
        if place in self._streaming:
            self._give_way(key)

    def turn(self) -> None:
        """Begin another generation, and believe the oldest no more. What is forgotten was believed the turn before the last,
        so every proxy knows by now that it is not.
        """
        self._turn += 1
        self.generations = (*self.generations, _new_generation())[-TURNS_IN_LIFE - 1 :]
        oldest = self._oldest
        self._out = {key: out for key, out in self._out.items() if out.turn >= oldest}
        self._revoked = {key: turn for key, turn in self._revoked.items() if turn >= oldest}
        self._tokens = {key: known for key, known in self._tokens.items() if known.turn >= oldest}
        self.changed.set()

    @property
    def _oldest(self) -> int:
        """The turn of what may still be believed somewhere."""
        return self._turn - TURNS_IN_LIFE - 1

    def note_stream(self, place: str, session: str, instance: str) -> None:
        """A websocket or event stream of a session goes to an instance: the next one may go there by itself."""
        self.note_streams(place)
        key = (place, session)
        if key in self._streams and self._instances.get(key) != instance:
            self._instances[key] = instance
            self.changed.set()

    def instance_of(self, place: str, session: str) -> str:
        return self._instances.get((place, session), "")

    def note_streams(self, place: str) -> None:
        """An app there has websockets or event streams: who comes with a good pass has a way for them from now on, and so has
        everyone where everyone is let in.
        """
        if place not in self._streaming:
            self._streaming.add(place)
            everyone = [(place, EVERYONE)] if place in self._public else []
            for key in (*self._out, *everyone):
                if key[0] == place:
                    self._give_way(key)

    def note_token(self, place: str, token: str, admission: Admission, until: float) -> None:
        """It was found good just now, and is so until then (Unix seconds)."""
        key, identity = (place, token), identity_of(admission)
        known = self._tokens.get(key)
        if (known is not None and known.bearer.until >= int(until)) or len(identity) > IDENTITY_AT_MOST:
            return
        try:
            bearer = Bearer(hash_secret(token), int(until), admission.account_id, admission.name, identity)
        except Unfit:
            return
        if known is None and len(self._tokens) >= TOKENS_AT_MOST:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key] = Learned(bearer, frozenset(admission.groups), self._turn)
        self.changed.set()

    def note_token_stream(self, place: str, token: str, instance: str) -> None:
        """A websocket or event stream of a token goes to an instance."""
        if (place, token) in self._tokens:
            session = hash_secret(token)
            self._give_way((place, session))
            self.note_stream(place, session, instance)

    def bearers_of(self, place: str) -> tuple[Bearer, ...]:
        return tuple(sorted(known.bearer for (at, _), known in self._tokens.items() if at == place))

    def note_public(self, place: str) -> None:
        """Everyone is let in there, as was found just now."""
        if place not in self._public:
            self._public.add(place)
            self.changed.set()
            if place in self._streaming:
                self._give_way((place, EVERYONE))

    def is_public(self, place: str) -> bool:
        return place in self._public

    def revoked_of(self, place: str) -> tuple[str, ...]:
        """Sessions whose passes for a place are not believed."""
        return tuple(sorted(session for at, session in self._revoked if at == place))

    def streams_of(self, place: str) -> tuple[str, ...]:
        """Sessions whose streams there have a way of their own; also such whose pass has ended while one goes on."""
        return tuple(sorted(session for at, session in self._streams if at == place))

    def has_streams(self, key: Key) -> bool:
        return key in self._streams

    def adopt(self, streams: Iterable[Stream]) -> None:
        """Those of an earlier server, which stand until that is asked."""
        for one in streams:
            key = (one.place, one.session)
            self._streams[key] = self._turn
            self._instances[key] = one.instance

    def list_ended(self) -> list[Key]:
        """Those with whose passes nothing can begin any more; something may go on."""
        by_token = {(place, known.bearer.hash) for (place, _), known in self._tokens.items()}
        return [
            key
            for key, turn in self._streams.items()
            if turn < self._oldest
            and key not in self._out
            and key not in by_token
            and not (key[1] == EVERYONE and key[0] in self._public)
        ]

    def end(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._streams.pop(key, None)
            self._instances.pop(key, None)

    def stands(self) -> set[Stand]:
        """What all of it stands on."""
        sessions = {_stand_of(key) for key in (*self._out, *self._streams)}
        tokens = {Stand(place, "token", token) for place, token in self._tokens}
        return sessions | tokens | {Stand(place, "public", "") for place in self._public}

    def accounts(self) -> set[str]:
        bearers = {known.bearer.account for known in self._tokens.values()}
        return bearers | {out.account_id for out in self._out.values()}

    def settle(self, standing: Collection[Stand], groups: Mapping[str, Collection[str]]) -> None:
        """Believe nothing that does not stand, and nothing that tells old groups."""
        self._public = {place for place in self._public if Stand(place, "public", "") in standing}
        self._tokens = {
            key: known
            for key, known in self._tokens.items()
            if Stand(key[0], "token", key[1]) in standing
            and known.groups == {*groups.get(known.bearer.account, ())}
        }
        self._streams = {key: turn for key, turn in self._streams.items() if _stand_of(key) in standing}
        self._instances = {key: one for key, one in self._instances.items() if key in self._streams}
        for key, out in self._out.items():
            place, session = key
            told = set(json.loads(out.identity)["groups"])
            if Stand(place, "session", session) not in standing or told != {*groups.get(out.account_id, ())}:
                self._revoke(key)
        self.changed.set()

    def _give_way(self, key: Key) -> None:
        if key not in self._streams and len(self._streams) < STREAMS_AT_MOST:
            self._streams[key] = self._turn
            self.changed.set()
        elif key not in self._streams and self.list_ended():
            self.changed.set()  # there is room at the next look

    def _revoke(self, key: Key) -> None:
        self._revoked[key] = self._turn
        self.changed.set()


def _stand_of(key: Key) -> Stand:
    place, session = key
    if session == EVERYONE:
        return Stand(place, "public", "")
    return Stand(place, "hash" if is_of_token(session) else "session", session)


def _new_generation() -> str:
    return ids.new_secret()[:16]


def identity_of(admission: Admission) -> str:
    """Who it is in the words that apps written for Posit Connect read."""
    return json.dumps({"user": admission.name, "groups": list(admission.groups)})
