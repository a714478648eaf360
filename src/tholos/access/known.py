"""What credentials are good for, remembered until anything about access changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from tholos.access import service as access
from tholos.access.outstanding import Outstanding
from tholos.access.passes import Claims, Passes
from tholos.access.service import Admission
from tholos.accounts import service as accounts
from tholos.kit.clock import Clock
from tholos.kit.db import Database
from tholos.kit.persistence import attempt
from tholos.kit.threads import in_thread

REMEMBERED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request brought for one place: an app, or one of its drafts."""

    place: str
    form: str
    """``pass``, ``handle`` or ``token``; ``public`` where nothing is needed."""
    secret: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a credential was good for when that was looked up."""

    admission: Admission
    expires_at: float
    """Unix seconds: a pass is good until then; other credentials are looked at again then."""
    epoch: int
    """How often access had changed by then."""
    is_old: bool = False
    """A pass that an earlier server made: the proxy in front believes it no more."""


class KnownCredentials:
    """Looks up what credentials are good for, each once until access changes.

    Args:
        outstanding: what a proxy in front may believe without asking; none where there is no proxy.
    """

    def __init__(
        self, database: Database, clock: Clock, passes: Passes, outstanding: Outstanding | None
    ) -> None:
        self.epoch = 0
        """How often access has changed."""
        self._database = database
        self._clock = clock
        self._passes = passes
        self._outstanding = outstanding
        self._known: dict[Credential, Known] = {}
        self._tokens_used: set[str] = set()
        self._token_was_used = asyncio.Event()

    def forget(self) -> None:
        self._known.clear()

    def find(self, credential: Credential, access_version: int) -> Known | None:
        """What is still good; never a handle: each time that is all there is, a new pass is due."""
        known = self._known.get(credential)
        if known is None or known.epoch != self.epoch or known.expires_at < self._now():
            return None
        return known if known.admission.access_version == access_version else None

    def remember(self, credential: Credential, known: Known) -> None:
        if len(self._known) >= REMEMBERED_AT_MOST:
            now = self._now()
            self._known = {
                one: fact
                for one, fact in self._known.items()
                if fact.expires_at >= now and fact.epoch == self.epoch
            }
        if len(self._known) >= REMEMBERED_AT_MOST:
            del self._known[next(iter(self._known))]
        self._known[credential] = known

    async def look_up(self, credential: Credential) -> Known | None:
        """What a credential is good for; looked up again if access changed in the meantime."""
        while True:
            epoch = self.epoch
            known = await in_thread(self._look_up, credential, epoch)
            if epoch != self.epoch:
                continue
            if known is not None and credential.form == "token":
                self._tokens_used.add(credential.secret)
                self._token_was_used.set()
            return known

    def _look_up(self, credential: Credential, epoch: int) -> Known | None:
        now = self._clock.now()
        claims = None
        if credential.form == "pass":
            claims = self._passes.read(credential.secret, credential.place)
            if claims is None:
                return None
        with self._database.read() as db:
            if claims is not None:
                admission = access.admit_session(db, credential.place, claims.session_id, now)
            elif credential.form == "public":
                admission = access.admit_public(db, credential.place)
            elif credential.form == "token":
                admission = access.admit_token(db, credential.place, credential.secret, now)
            else:
                admission = access.admit_handle(db, credential.place, credential.secret, now)
        if admission is None or (claims and admission.access_version != claims.access_version):
            return None
        until = self.good_until(admission, claims.expires_at if claims else None)
        return Known(admission, until, epoch, is_old=claims is not None and self._is_old(claims))

    def _is_old(self, claims: Claims) -> bool:
        """Whether another server than this told the proxy of it; what no proxy was told of is no older for it."""
        out = self._outstanding
        return out is not None and claims.generation not in {"", *out.generations}

    def good_until(self, admission: Admission, said: float | None = None) -> float:
        """Never longer than what it came from."""
        until = said if said is not None else self._now() + self._passes.life_s
        return min(until, admission.expires_at.timestamp()) if admission.expires_at else until

    def is_somebody(self, credentials: list[Credential]) -> bool:
        """Whether one of them stands for an account, which this app does not let in."""
        now = self._clock.now()
        with self._database.read() as db:
            for one in credentials:
                if one.form == "token":
                    actor = accounts.find_actor(db, now, token=one.secret)
                elif one.form == "handle":
                    session_id = access.find_session_of(db, one.place, one.secret)
                    actor = accounts.find_session_actor(db, session_id, now)
                else:
                    claims = self._passes.read(one.secret, one.place)
                    actor = accounts.find_session_actor(db, claims.session_id, now) if claims else None
                if actor is not None:
                    return True
        return False

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def note_uses(self) -> None:
        """Write down which tokens are used, until cancelled."""
        while True:
            await self._token_was_used.wait()
            self._token_was_used.clear()
            used, self._tokens_used = self._tokens_used, set()
            await attempt(partial(in_thread, self._note, used))

    def _note(self, tokens: set[str]) -> None:
        with self._database.write() as db:
            for token in tokens:
                access.note_use(db, token, self._clock.now())
