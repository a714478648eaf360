"""Looks for new commits, each branch at a moment of its own, and begins what had to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from tholos.apps import service as apps
from tholos.kit.clock import Clock
from tholos.kit.db import Database
from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import attempt, go_on
from tholos.kit.sealing import CannotOpen, Sealer
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.sources import asking, credentials, pacing, queries, remotes
from tholos.sources import service as sources
from tholos.sources.git import Secret
from tholos.sources.heads import Heads
from tholos.sources.mirrors import Mirrors, key_of
from tholos.sources.remotes import Remote

AT_ONCE = 8
"""Repositories that are asked at the same time at most."""
LONGEST_WAIT_S = 600.0
SWEEP_S = 24 * 3600.0


@dataclass(slots=True)
class Looked:
    """One branch that is asked about, for all the apps that follow it."""

    remote: Remote
    secret: Secret
    branch: str
    seen: dict[str, str]
    """By source, the commit that it was told of last."""
    failed: dict[str, str]
    """By source, of what the last look failed as it stands in its row; empty where it did not."""
    due_s: float = 0.0


@dataclass(slots=True)
class Poller:
    """Looks at branches for new commits, each at its own moment of the interval; and begins what had to wait. One per server."""

    database: Database
    notices: Notices
    clock: Clock
    sealer: Sealer
    heads: Heads
    mirrors: Mirrors
    interval_s: float
    _plan: dict[str, Looked] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    """What is being asked."""
    _limit: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, AT_ONCE))
    _swept_s: float = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(go_on(self._begin_waiting_when_told))
                await go_on(partial(self._look_when_due, group))
        finally:
            await self.heads.close()

    async def _begin_waiting_when_told(self) -> None:
        with self.notices.watch(apps.TOPIC, sources.TOPIC) as woken:
            while True:
                if await in_thread(self._begin_waiting):
                    self.notices.publish(operations.QUEUE_TOPIC)
                await wait(woken, LONGEST_WAIT_S)

    async def _look_when_due(self, group: asyncio.TaskGroup) -> None:
        with self.notices.watch(sources.TOPIC) as changed:
            await in_thread(self._read_plan)
            while True:
                now_s = self.clock.now().timestamp()
                if now_s - self._swept_s >= SWEEP_S:
                    self._swept_s = now_s
                    await attempt(partial(in_thread, self._sweep))
                for key, one in self._due(now_s):
                    self._busy.add(key)
                    group.create_task(attempt(partial(self._look, key, one)), name=key)
                if await wait(changed, self._seconds_left()):
                    await in_thread(self._read_plan)

    async def _look(self, key: str, one: Looked) -> None:
        """Ask about one branch; one that does not answer holds up few of the others."""
        try:
            async with self._limit:
                head = await self.heads.find_branch(one.remote, one.secret, one.branch)
        except TholosError as error:
            await in_thread(self._note_not_found, one, error)
            return
        finally:
            self._busy.discard(key)
        told = [source for source, seen in one.seen.items() if seen != head.commit or one.failed[source]]
        if told:
            await in_thread(self._note_head, one, told, head.commit)

    def _due(self, now_s: float) -> list[tuple[str, Looked]]:
        found = [
            (key, one) for key, one in self._plan.items() if one.due_s <= now_s and key not in self._busy
        ]
        for key, one in self._plan.items():
            # A clock that was set back must not keep a repository waiting for longer than an interval.
            if one.due_s <= now_s or one.due_s > now_s + self.interval_s:
                one.due_s = pacing.next_look(key, now_s, self.interval_s)
        return found

    def _seconds_left(self) -> float:
        now_s = self.clock.now().timestamp()
        soonest = min((one.due_s for one in self._plan.values()), default=now_s + LONGEST_WAIT_S)
        return min(max(soonest - now_s, 0.01), LONGEST_WAIT_S)

    # Transactions

    def _read_plan(self) -> None:
        """What is to be looked at; several apps of one branch are one look."""
        plan: dict[str, Looked] = {}
        now_s = self.clock.now().timestamp()
        with self.database.read() as db:
            for source in queries.list_polled(db):
                remote = remotes.read_kept(source.url)
                try:
                    secret = credentials.find_secret(db, self.sealer, source)
                except CannotOpen as error:
                    get_logger().warning("source_not_polled", source=source.id, reason=error.message)
                    continue
                key = f"{key_of(remote, secret)} {source.branch}"
                if key not in plan:
                    known = self._plan.get(key)
                    due_s = known.due_s if known else pacing.next_look(key, now_s, self.interval_s)
                    plan[key] = Looked(remote, secret, source.branch, {}, {}, due_s)
                plan[key].seen[source.id] = source.seen_commit
                plan[key].failed[source.id] = str((source.fetch_error or {}).get("message", ""))
        self._plan = plan

    def _note_head(self, one: Looked, told: Sequence[str], commit: str) -> None:
        begun = 0
        for source_id in told:
            with self.database.write() as db:
                begun += asking.note_head(db, source_id, commit, self.clock.now()) is not None
                source = queries.find_source(db, source_id)
            one.seen[source_id] = commit
            one.failed[source_id] = str(((source.fetch_error if source else None) or {}).get("message", ""))
        if begun:
            self.notices.publish(operations.QUEUE_TOPIC)
            self.notices.publish(apps.TOPIC)

    def _note_not_found(self, one: Looked, error: TholosError) -> None:
        """Written down once, not at every look that fails alike."""
        for source_id, before in one.failed.items():
            if before != error.message:
                with self.database.write() as db:
                    asking.note_not_found(db, source_id, error.to_json())
                one.failed[source_id] = error.message

    def _begin_waiting(self) -> bool:
        with self.database.read() as db:
            if not asking.has_waiting(db):
                return False
        with self.database.write() as db:
            return bool(asking.begin_waiting(db, self.clock.now()))

    def _sweep(self) -> None:
        """Remove the mirrors that nobody needs any more."""
        wanted: list[tuple[Remote, Secret]] = []
        with self.database.read() as db:
            for source in queries.list_all(db):
                remote = remotes.read_kept(source.url)
                found = queries.find_usable(db, source, remote.origin) if remote.origin else None
                wanted.append((remote, Secret(found.id if found else "")))
        self.mirrors.keep_only(wanted)
