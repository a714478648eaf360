"""As many instances as are used: none while nobody uses an app, another one while all have as much as they take on.

It decides by what is known of their use (:class:`tholos.instances.activity.Activity`) and leaves the doing to the keeper. It
looks when something changed or when the next idle time is over, and never in between.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from tholos.accounts.quotas import QuotaReached
from tholos.apps import service as apps
from tholos.apps.life import Rules
from tholos.instances import quotas
from tholos.instances import service as instances
from tholos.instances.activity import Activity
from tholos.instances.errors import InstancesTaken
from tholos.instances.models import ACTIVE, SHARED, Instance, InstanceState
from tholos.instances.quotas import MemoryOf
from tholos.instances.serving import Answering, Serving, ServingTable
from tholos.kit.clock import Clock
from tholos.kit.db import Database, ReadDb
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import attempt, go_on
from tholos.kit.threads import in_thread

SPARE_IDLE_S = 300.0
"""After so long without a request an instance beyond the least ends, where the app never sleeps."""
OWN_IDLE_S = 3600.0
"""And so long one that is somebody's own."""
_GROWS_WITHIN_S = 1.0
"""Where somebody has to be asked how instances are used, so often is looked whether there are too few of them."""
_LOOKS = 8
"""In one idle time, where somebody has to be asked how instances are used: an app sleeps by an eighth of it later at most."""
_SHORTEST_WAIT_S = 0.25
_LONGEST_WAIT_S = 3600.0
"""Nothing is missed by a longer one; it is looked again all the same."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nobody used a release for long enough: nothing of it need run."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Nobody used an instance beyond the least, or one that is somebody's own, for long enough."""

    instance: Answering


def judge(row: Serving, idle_s: Mapping[str, float]) -> tuple[Sleep | LetGo | None, float]:
    """What is due for a release, and the seconds until something may be. Pure.

    Args:
        row: what answers for it, with its rules.
        idle_s: by instance, the seconds that nothing was under way.
    """
    rules = row.rules
    if not row.ready:
        return None, math.inf
    sleeps_in_s = math.inf
    if rules.may_sleep:
        sleeps_in_s = rules.idle_timeout_s - min(idle_s.values())
        if sleeps_in_s <= 0:
            return Sleep(), rules.idle_timeout_s
    spares = [one for one in row.ready if one.whose == SHARED]
    may_go = [
        *(one for one in row.ready if one.whose != SHARED),
        *(spares if len(spares) > max(rules.min_instances, 1) else ()),
    ]
    if not may_go:
        return None, sleeps_in_s
    left_s, instance = min(
        ((_may_idle_s(one, rules) - idle_s[one.instance], one) for one in may_go), key=lambda due: due[0]
    )
    if left_s <= 0:
        return LetGo(instance), _may_idle_s(instance, rules)
    return None, min(left_s, sleeps_in_s)


def may_grow(row: Serving) -> bool:
    """Whether there may be more of the instances that everybody comes to."""
    return bool(row.ready) and not row.rules.personal and len(row.ready) < row.rules.max_instances


def _look_again_s(row: Serving) -> float:
    """Where nobody tells how a release is used, in how many seconds to ask again; infinite where nothing depends on it."""
    if not row.ready:
        return math.inf
    if may_grow(row):
        return _GROWS_WITHIN_S
    rules = row.rules
    if rules.may_sleep:
        return max(rules.idle_timeout_s / _LOOKS, _SHORTEST_WAIT_S)
    has_more = rules.personal or len(row.ready) > max(rules.min_instances, 1)
    return max((rules.idle_timeout_s or SPARE_IDLE_S) / _LOOKS, _SHORTEST_WAIT_S) if has_more else math.inf


def _may_idle_s(one: Answering, rules: Rules) -> float:
    return rules.idle_timeout_s or (SPARE_IDLE_S if one.whose == SHARED else OWN_IDLE_S)


class Keeping(Protocol):
    """What the keeper does for it."""

    def bring_up(self, app_id: str, release_id: str, beside: int = 0) -> Awaitable[None]: ...

    def refresh(self, app_id: str) -> Awaitable[None]: ...


@dataclass(slots=True)
class Scaler:
    """Lets releases sleep, wakes them, and starts and ends further instances of those that may have several."""

    database: Database
    notices: Notices
    clock: Clock
    keeper: Keeping
    serving: ServingTable
    activity: Activity
    memory_mb_of: MemoryOf
    look: Callable[[], None] | None = None
    """Has the activity be as of now, where nobody tells it; blocking."""
    _met: dict[str, float] = field(default_factory=dict)
    """When each instance was first seen, or last found to be needed: that counts as use."""
    _waking: dict[str, asyncio.Event] = field(default_factory=dict)
    """By release: what is being woken, or gets another instance."""
    _runs: asyncio.Event = field(default_factory=asyncio.Event)
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    async def run(self) -> None:
        """Go on until cancelled."""
        async with self._group:
            self._runs.set()
            self._group.create_task(go_on(self._look_when_told))

    async def _look_when_told(self) -> None:
        with self.notices.watch(apps.TOPIC, apps.SHARING_TOPIC, instances.TOPIC) as told:
            while True:
                await wait(told, await self._look())

    async def _look(self) -> float:
        """Let go what nobody used for long enough; returns the seconds until the next one may be due."""
        rows = self.serving.rows()
        self._meet(rows)
        if self.look is not None and any(_look_again_s(row) < math.inf for row in rows):
            await in_thread(self.look)
        due_s = _LONGEST_WAIT_S
        for row in rows:
            verdict, left_s = judge(row, {one.instance: self._idle_s(one.instance) for one in row.ready})
            if self.look is not None:
                left_s = min(left_s, _look_again_s(row))
                if may_grow(row):
                    self._grow(row)
            due_s = min(due_s, left_s)
            if isinstance(verdict, LetGo):
                await self._let_go(row, verdict.instance)
            elif verdict is not None:
                await self._fall_asleep(row)
        return due_s

    def _meet(self, rows: list[Serving]) -> None:
        now = asyncio.get_running_loop().time()
        present = {one.instance for row in rows for one in row.ready}
        for gone in self._met.keys() - present:
            if not self.activity.under_way(gone):
                del self._met[gone]
                self.activity.forget(gone)
        for one in present - self._met.keys():
            self._met[one] = now

    def _idle_s(self, instance_id: str) -> float:
        known = self.activity.idle_s(instance_id)
        met = asyncio.get_running_loop().time() - self._met[instance_id]
        return met if known is None else min(known, met)

    # Sleeping

    async def _fall_asleep(self, row: Serving) -> None:
        if await in_thread(self._note_asleep, row):
            get_logger().info("app_fell_asleep", app=row.name, release=row.release)
            # Who asks from here on wakes it, and the keeper ends what is not wanted any more.
            await self._told_anew(row)
            return
        now = asyncio.get_running_loop().time()
        self._met.update({one.instance: now for one in row.ready})  # somebody has plans with it

    async def _let_go(self, row: Serving, one: Answering) -> None:
        if await in_thread(self._note_spare, row, one):
            get_logger().info("instance_let_go", app=row.name, instance=one.instance)
            await self._told_anew(row)
            return
        self._met[one.instance] = asyncio.get_running_loop().time()

    def _note_spare(self, row: Serving, one: Answering) -> bool:
        with self.database.write() as db:
            least = row.rules.min_instances
            return instances.let_go_spare(db, one.instance, one.whose, least, self.clock.now())

    async def _told_anew(self, row: Serving) -> None:
        await self.keeper.refresh(row.app_id)
        self.notices.publish(instances.TOPIC)

    def _note_asleep(self, row: Serving) -> bool:
        with self.database.write() as db:
            return instances.fall_asleep(db, row.app_id, row.release_id, self.clock.now())

    async def wake(self, row: Serving) -> None:
        """Let what sleeps run again, and return once that has begun; whoever asks meanwhile waits for the same."""
        await self._runs.wait()
        begun = self._waking.get(row.release_id)
        if begun is None:
            begun = self._waking[row.release_id] = asyncio.Event()
            self._group.create_task(attempt(partial(self._wake, row, begun)))
        await begun.wait()

    async def _wake(self, row: Serving, begun: asyncio.Event) -> None:
        try:
            if await in_thread(self._note_awake, row):
                get_logger().info("app_woke", app=row.name, release=row.release)
                self._group.create_task(attempt(partial(self.keeper.bring_up, row.app_id, row.release_id)))
            await self.keeper.refresh(row.app_id)
        finally:
            del self._waking[row.release_id]
            begun.set()

    def _note_awake(self, row: Serving) -> bool:
        with self.database.write() as db:
            return instances.wake_up(db, row.app_id, row.release_id, self.clock.now())

    # One for everybody

    async def find_own(self, row: Serving, whose: str) -> Answering | None:
        """The instance that is somebody's own: one that waited for whoever comes becomes it, and is followed by another. None
        where one is to come: that changes the table.

        Raises: InstancesTaken.
        """
        found = next((one for one in row.ready if one.whose == whose), None)
        if found is not None:
            return found
        claimed = await in_thread(self._claim, row, whose)
        if claimed is None:
            self.notices.publish(instances.TOPIC)  # what was refused the last time may start by now
            return None
        get_logger().info("instance_claimed", app=row.name, instance=claimed.id, whose=whose)
        await self._told_anew(row)
        return Answering(claimed.id, claimed.address, whose)

    def _claim(self, row: Serving, whose: str) -> Instance | None:
        with self.database.write() as db:
            may_come = partial(self._check_comes, db, row.release_id)
            return instances.claim(db, row.release_id, whose, row.rules.max_instances, may_come)

    def _check_comes(self, db: ReadDb, release_id: str) -> None:
        """Raises: InstancesTaken: the owner's quota keeps the next one from starting."""
        release = apps.get_release(db, release_id)
        app = apps.get_app(db, release.app_id)
        try:
            quotas.check_start(db, app, release, self.memory_mb_of, takes_over=False)
        except QuotaReached as error:
            raise InstancesTaken(
                "Cannot open it: all instances that may run are somebody's already, and its owner's apps may not take more.",
                fix="Try again later; an administrator lets the owner have more.",
            ) from error

    # Several

    def choose(self, row: Serving, preferred: str = "") -> Answering:
        """Where a request goes: to the instance that its browser is used to, else to the one with the least under way. Where
        all have as much as they take on, another one is started.
        """
        least = self._grow(row)
        ready = row.ready[: row.rules.max_instances]
        return next((one for one in ready if one.instance == preferred), least)

    def _grow(self, row: Serving) -> Answering:
        """The one with the least under way; where that is as much as it takes on, another one is started."""
        used = self.activity
        ready = row.ready[: row.rules.max_instances]
        least = min(ready, key=lambda one: (used.under_way(one.instance), used.begun(one.instance)))
        if used.under_way(least.instance) >= row.rules.connections:
            self._add(row)
        return least

    def _add(self, row: Serving) -> None:
        if may_grow(row) and self._runs.is_set() and row.release_id not in self._waking:
            begun = self._waking[row.release_id] = asyncio.Event()
            self._group.create_task(attempt(partial(self._bring_up_another, row, begun)))

    async def _bring_up_another(self, row: Serving, begun: asyncio.Event) -> None:
        try:
            if await in_thread(self._count_ready, row) == len(row.ready):  # else one is starting, or fails
                await self.keeper.bring_up(row.app_id, row.release_id, len(row.ready))
        finally:
            del self._waking[row.release_id]
            begun.set()

    def _count_ready(self, row: Serving) -> int:
        """As many as stand for a release if all of them answer; -1 if one does not."""
        with self.database.read() as db:
            found = [one for one in instances.list_of_app(db, row.app_id) if one.release_id == row.release_id]
        standing = [one for one in found if one.state in ACTIVE]
        return len(standing) if all(one.state == InstanceState.READY for one in standing) else -1
