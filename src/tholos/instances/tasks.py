"""The keeper: makes what runs what should run, and records what is seen. One per server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from tholos.accounts.quotas import QuotaReached
from tholos.apps import service as apps
from tholos.apps.life import Life
from tholos.apps.models import PREVIOUS, AppState
from tholos.instances import service as instances
from tholos.instances.causes import Causes
from tholos.instances.errors import InstanceDied, StopTimedOut, TransitionRefused
from tholos.instances.models import ENDED, LEAVING, Instance, InstanceState
from tholos.instances.plan import Action, GoOn, Lost, Retire, Start, Stray, Wanted, plan
from tholos.instances.preparing import LOST, Prepared, Preparer
from tholos.instances.serving import ServingTable
from tholos.instances.standbys import Standbys
from tholos.instances.starting import Starter
from tholos.kit.clock import Clock
from tholos.kit.company import first_of
from tholos.kit.db import Database, ReadDb
from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.persistence import attempt, go_on
from tholos.kit.threads import begin_long, in_long_thread, in_thread
from tholos.operations import service as operations
from tholos.runtime.launchers.errors import InstanceUnknown, SpecChanged
from tholos.runtime.model import InstanceSpec, Launcher, ProcessState, ProcessStatus
from tholos.runtime.probe import READY_BELOW, accepts, first_status

PROBE_EVERY_S = 15.0
PROBE_TIMEOUT_S = 5.0
ANSWERED = 200
"""Told of an instance that is ready already: it is not asked again."""
GIVEN_UP_FROM = frozenset({InstanceState.STARTING, InstanceState.READY, InstanceState.FAILING})
_OVER = frozenset({ProcessState.EXITED, ProcessState.FAILED})


def one_off_name(operation_id: str) -> str:
    """The name of the process that an operation may run beside instances."""
    return "once_" + operation_id.removeprefix("op_")


Drained = Callable[[str, float], Awaitable[bool]]
"""Waits until nothing is under way at an instance, at most so many seconds; the carrier knows."""
Announce = Callable[[str, str], Awaitable[None]]
"""Tells whoever carries requests of an instance and its address before any are sent there."""


async def _to_nobody(instance: str, address: str) -> None:
    """Where whoever carries them needs to know nothing before."""


@dataclass(slots=True)
class Keeper:
    """Starts, watches, probes and ends the instances of this node."""

    database: Database
    notices: Notices
    clock: Clock
    launcher: Launcher
    starter: Starter
    serving: ServingTable
    drained: Drained
    start_timeout_s: float
    tell: Announce = _to_nobody
    standbys: Standbys = field(default_factory=Standbys)
    """What waits to become an instance; made and let go by others."""
    fallback_s: float = 0.0
    """How long the release that was live before keeps its instance, so that a roll-back finds it running."""
    _launching: set[str] = field(default_factory=set)
    _retiring: set[str] = field(default_factory=set)
    _probing: set[str] = field(default_factory=set)
    _one_offs: set[str] = field(default_factory=set)
    _processes: dict[str, ProcessStatus] = field(default_factory=dict)
    _beginning: set[str] = field(default_factory=set)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once what runs is known: before that nothing is started or ended."""
    _refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    @property
    def causes(self) -> Causes:
        return Causes(self.database, self.starter, self.start_timeout_s)

    @property
    def _preparer(self) -> Preparer:
        return Preparer(
            self.database, self.clock, self.starter, self._launching, self._processes, self.standbys
        )

    async def run(self) -> None:
        """Keep until cancelled."""
        async with self._group:
            self._group.create_task(go_on(self._follow))
            self._group.create_task(self._reconcile())
            self._group.create_task(go_on(self._probe_regularly))
            self._group.create_task(go_on(self._follow_sharing))

    async def start(
        self, release_id: str, operation_id: str | None = None, *, anew: bool = False, beside: int = 0
    ) -> str:
        """Start an instance of a release, unless it has one and none is to be started anew; returns its id. For no operation
        it is started unless the release has more than those that it may stand ``beside``.

        Raises: LauncherUnavailable, EnvironmentMissing, InstanceDied.
        """
        await self._heard.wait()
        preparing = begin_long(self._preparer.prepare, release_id, operation_id, anew=anew, beside=beside)
        try:
            instance_id, spec = await asyncio.shield(preparing)
        except asyncio.CancelledError:
            await self._drop(preparing)
            raise
        if spec is None:
            return instance_id
        status = await self._launch(spec)
        if status is None:
            return await self.start(release_id, operation_id, anew=anew, beside=beside)
        get_logger().info("instance_started", instance=instance_id, release=release_id, pid=status.pid)
        return instance_id

    async def _launch(self, spec: InstanceSpec) -> ProcessStatus | None:
        """None where what waited to become it has ended, or would become something else; then it has ended too."""
        try:
            status = await self.launcher.start(spec)
            self._processes[spec.instance] = status
        except SpecChanged:
            await self._gone(spec.instance, "")
            return None
        finally:
            self._launching.discard(spec.instance)
        await in_thread(self._observe, status)
        return status

    async def _go_on(self, instance_id: str) -> None:
        """Let a process that waits become its instance, as the server that took it was about to."""
        try:
            spec = await in_thread(self._preparer.prepare_again, instance_id)
        except TholosError as error:
            await self.give_up(instance_id, error.message)
        else:
            await self._launch(spec)
            self.notices.publish(instances.TOPIC)

    async def _drop(self, preparing: asyncio.Future[Prepared]) -> None:
        """Let go what a thread prepares for somebody who does not wait for it any more: cancelling does not end it."""
        await asyncio.wait([preparing])
        if preparing.exception() is None:
            instance_id, spec = preparing.result()
            if spec is not None:
                self._launching.discard(instance_id)
                await self._gone(instance_id, "")

    async def wait_until_ready(self, instance_id: str) -> int:
        """The status of its first answer; :data:`ANSWERED` for one that has answered before.

        Raises: InstanceDied, StartTimedOut, AnswersWithError.
        """
        instance = await in_thread(self._get, instance_id)
        if instance.state == InstanceState.READY:
            return ANSWERED
        status = await first_of(self._death(instance_id), self._first_status(instance))
        if isinstance(status, Instance):
            raise await in_thread(self.causes.died, status)
        if status is None:
            raise await in_thread(self.causes.silent, instance)
        if status >= READY_BELOW:
            raise await in_thread(self.causes.error_answer, instance, status)
        await self.set_state(instance_id, InstanceState.READY, "")
        return status

    async def announce(self, instance_id: str) -> None:
        """That it is about to be live: what can be done before is not left for that moment."""
        instance = await in_thread(self._get, instance_id)
        await self.tell(instance.id, instance.address)

    async def set_state(self, instance_id: str, state: InstanceState, reason: str) -> None:
        instance = await in_thread(self._set_state, instance_id, state, reason)
        if instance.operation_id is None:  # one that is held is not live before its operation says so
            await self.refresh(instance.app_id)

    async def refresh(self, app_id: str) -> None:
        """Bring what is told of an app, and where its requests go, in line with its instances."""
        async with self._refreshing:  # what was read first is put first
            await self.serving.put(app_id, await in_thread(self.serving.read_of, app_id))
        await in_thread(self._tell_app, app_id)
        self.notices.publish(apps.TOPIC)

    async def _follow_sharing(self) -> None:
        """Tell the door of audiences, access versions and rules of life that changed."""
        with self.notices.watch(apps.SHARING_TOPIC) as changed:
            while True:
                await changed.wait()
                changed.clear()
                async with self._refreshing:
                    await self.serving.replace(await in_thread(self.serving.read_all))
                self.notices.publish(instances.TOPIC)

    async def begin_retiring(self, instance_id: str) -> None:
        """Let an instance get nothing new from here on, and nobody hold it; what it has is not waited for."""
        await self._leave(instance_id)
        self._group.create_task(attempt(partial(self.retire, instance_id)))

    async def _leave(self, instance_id: str) -> None:
        instance = await in_thread(self._get, instance_id)
        if instance.state not in {*LEAVING, *ENDED, InstanceState.FAILED}:
            with contextlib.suppress(TransitionRefused):  # it ended by itself meanwhile
                await self.set_state(instance_id, InstanceState.DRAINING, "")

    async def retire(self, instance_id: str) -> None:
        """Let an instance finish what it has, then stop it. Returns once it was told to stop, or has ended by itself."""
        if instance_id in self._retiring:
            return
        self._retiring.add(instance_id)
        try:
            await self._leave(instance_id)
            instance = await in_thread(self._get, instance_id)
            await self.drained(instance_id, self.serving.rules_of(instance.app_id).drain_timeout_s)
            await self.end(instance_id)
        finally:
            self._retiring.discard(instance_id)

    async def end(self, instance_id: str) -> None:
        """Stop an instance now; its end is seen later."""
        await self._heard.wait()
        instance = await in_thread(self._get, instance_id)
        if instance.state == InstanceState.STOPPED:
            return
        # Somebody else may end it too: whoever is first does it, and the other finds it done.
        with contextlib.suppress(TransitionRefused):
            await self.set_state(instance_id, InstanceState.STOPPING, "")
        with contextlib.suppress(InstanceUnknown):
            # Asked of the launcher and not of what was heard: whoever starts it may not have been answered yet.
            status = await self.launcher.stop(instance_id)
            if status.state != ProcessState.FAILED:
                await self._heed(status)
                return
            await self.launcher.forget(instance_id)
        self._processes.pop(instance_id, None)
        await self._gone(instance_id, "")

    async def wait_until_ended(self, instance_id: str, seconds: float) -> None:
        """Raises: StopTimedOut."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended(instance_id)
        except TimeoutError:
            raise StopTimedOut(
                f"Cannot stop the app: its process did not end within {seconds:g} s.",
                fix="Try again; `tholos doctor` says whether the supervisor answers.",
            ) from None

    async def _ended(self, instance_id: str) -> None:
        with self.notices.watch(instances.topic(instance_id)) as changed:
            while (await in_thread(self._get, instance_id)).state != InstanceState.STOPPED:
                await changed.wait()
                changed.clear()

    async def run_once(self, spec: InstanceSpec, seconds: float) -> ProcessStatus | None:
        """Run a process that is no app's instance to its end; None where it had to be ended.

        Doing it again waits on. Its name is that of its operation (:func:`one_off_name`), whose end it does not outlive.

        Raises: LauncherUnavailable.
        """
        await self._heard.wait()
        name = spec.instance
        self._one_offs.add(name)
        try:
            async with asyncio.timeout(seconds):
                status = await self._run_to_end(spec)
                if status is None:  # it was told to stop, by a server that then ended
                    status = await self._run_to_end(spec)
        except TimeoutError:
            await self.end_once(name)
            return None
        finally:
            self._one_offs.discard(name)
        return status

    async def _run_to_end(self, spec: InstanceSpec) -> ProcessStatus | None:
        """How it ended; None where it was stopped."""
        name = spec.instance
        with self.notices.watch(instances.topic(name)) as changed:
            self._processes[name] = await self.launcher.start(spec)
            while self._state_of(name) not in _OVER:
                await changed.wait()
                changed.clear()
        status = self._processes.pop(name)
        await self.launcher.forget(name)
        return status if status.state == ProcessState.FAILED else None

    async def end_once(self, name: str) -> None:
        """End a process that ``run_once`` may have left behind."""
        await self._heard.wait()
        if self._state_of(name) is not None:
            await self._end_stray(name)

    async def _end_stray(self, name: str) -> None:
        """End a process that has no row; one that has ended is forgotten."""
        try:
            status = await self.launcher.stop(name)
        except InstanceUnknown:
            self._processes.pop(name, None)
            return
        if status.state in _OVER:
            self._processes.pop(name, None)
            await self.launcher.forget(name)

    async def start_standby(self, spec: InstanceSpec) -> ProcessStatus:
        """Start a process that waits to become an instance. It stands among ``standbys``, or it is a stray.

        Raises: LauncherUnavailable.
        """
        await self._heard.wait()
        status = await self.launcher.start(spec)
        return self._processes.setdefault(spec.instance, status)

    def status_of(self, name: str) -> ProcessStatus | None:
        """What is known of a process."""
        return self._processes.get(name)

    def _state_of(self, instance_id: str) -> ProcessState | None:
        status = self._processes.get(instance_id)
        return status.state if status else None

    # What is seen

    async def _follow(self) -> None:
        async for status in self.launcher.events():
            await self._heed(status)
            self.notices.publish(instances.TOPIC)

    async def _heed(self, status: ProcessStatus) -> None:
        self._processes[status.instance] = status
        if status.state != ProcessState.RUNNING:
            self.standbys.lose(status.instance)
        changed = await in_thread(self._observe, status)
        if status.state == ProcessState.EXITED and status.instance not in self._one_offs:
            self._processes.pop(status.instance, None)
            await self.launcher.forget(status.instance)
        if changed is not None:
            if status.state in {ProcessState.BACKOFF, ProcessState.FAILED}:
                self._group.create_task(attempt(partial(self._explain, changed)))
            get_logger().info(
                "instance_seen", instance=status.instance, state=changed.state, reason=changed.reason
            )
            await self.refresh(changed.app_id)
        self.notices.publish(instances.topic(status.instance))

    def _observe(self, status: ProcessStatus) -> Instance | None:
        with self.database.write() as db:
            return instances.observe(db, status, self.clock.now())

    async def _explain(self, ended: Instance) -> None:
        """Add the first cause to the reason of an end, once it was read off the log: that takes its time."""
        reason = await in_long_thread(self.causes.reason, ended)
        await in_thread(self._set_reason, ended, reason)
        await self.refresh(ended.app_id)

    def _set_reason(self, ended: Instance, reason: str) -> None:
        with self.database.write() as db:
            instance = instances.find_instance(db, ended.id)
            if instance is not None and (instance.state, instance.since) == (ended.state, ended.since):
                instance.reason = reason

    async def _await_restarted(self, instance_id: str) -> None:
        """Probe an instance that nobody else awaits: one started again after a crash, or found by a new server."""
        if instance_id in self._probing:
            return
        self._probing.add(instance_id)
        try:
            instance = await in_thread(self._find, instance_id)
            if (
                instance is not None
                and instance.state == InstanceState.STARTING
                and not instance.operation_id
            ):
                await self.wait_until_ready(instance_id)
        except (InstanceDied, TransitionRefused):
            pass  # its end was recorded as it was seen; if it runs again, it is probed again
        except TholosError as error:
            await self.give_up(instance_id, error.message)
        finally:
            self._probing.discard(instance_id)

    async def give_up(self, instance_id: str, reason: str) -> None:
        """End an instance that is of no use; it is not started again by itself."""
        instance = await in_thread(self._find, instance_id)
        if instance is not None and instance.state in GIVEN_UP_FROM:
            await self.set_state(instance_id, InstanceState.FAILED, reason)
            await self.launcher.stop(instance_id)

    async def _probe_regularly(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            for row in self.serving.rows():
                for one in row.ready:
                    await self._probe(row.app_id, one.instance, Path(one.address.removeprefix("unix:")))

    async def _probe(self, app_id: str, instance_id: str, socket: Path) -> None:
        if await accepts(socket, PROBE_TIMEOUT_S):
            await in_thread(self._tell_app, app_id, probed=True)
        elif self._state_of(instance_id) == ProcessState.RUNNING:
            get_logger().warning("instance_deaf", instance=instance_id, app=app_id)
            await in_thread(self._tell_deaf, app_id, instance_id)
        self.notices.publish(apps.TOPIC)

    def _tell_deaf(self, app_id: str, instance_id: str) -> None:
        with self.database.write() as db:
            instance = instances.find_instance(db, instance_id)
            if instance is None or instance.state != InstanceState.READY:
                return
            if apps.find_live_id(db, app_id) == instance.release_id:
                apps.set_state(
                    db, app_id, AppState.FAILING, "It does not accept connections.", self.clock.now()
                )

    # What should be

    async def _reconcile(self) -> None:
        await go_on(self._heard_all)
        self._heard.set()
        await go_on(self._reconcile_when_told)

    async def _reconcile_when_told(self) -> None:
        with self.notices.watch(instances.TOPIC) as told:
            while True:
                for action in await in_thread(self._plan):
                    self._group.create_task(attempt(partial(self._apply, action)))
                for instance_id in await in_thread(self._unanswered):
                    self._group.create_task(attempt(partial(self._await_restarted, instance_id)))
                await wait(told, PROBE_EVERY_S)

    def _unanswered(self) -> list[str]:
        """Instances that run, have not answered yet, and are nobody's to await: each is probed, whoever missed what."""
        with self.database.read() as db:
            rows = instances.list_seen(db)
        starting = [row.id for row in rows if row.state == InstanceState.STARTING and not row.is_held]
        return [one for one in starting if self._runs(one)]

    def _runs(self, instance_id: str) -> bool:
        status = self._processes.get(instance_id)
        return status is not None and status.state == ProcessState.RUNNING and not status.waits

    async def _heard_all(self) -> None:
        """What runs is known before anything is decided about it, and what was given up gets another chance."""
        await in_thread(self._retry_failed)
        for status in await self.launcher.list():
            await self._heed(status)

    def _retry_failed(self) -> None:
        with self.database.write() as db:
            instances.retry_failed(db, self.clock.now())

    def _plan(self) -> list[Action]:
        known = set(self._processes)
        # What waits becomes an instance by way of the second: at every moment it is in one of them, or has a row.
        waiting = self.standbys.names | self._launching
        with self.database.read() as db:
            wanted, kept = self._wanted(db)
            # In this order: whatever has a row by now is in the first, or has come from there into the second.
            launching = set(self._launching)
            statuses = dict(self._processes)
            processes = {one: status.state for one, status in statuses.items()}
            # What came meanwhile may have a row that is younger than what is read here.
            launching |= processes.keys() - known
            one_offs = {one_off_name(one.id) for one in operations.list_under_way(db)} | waiting
            unaware = {one for one, status in statuses.items() if status.waits}
            return plan(wanted, instances.list_seen(db), processes, launching, one_offs, kept, unaware)

    def _wanted(self, db: ReadDb) -> tuple[list[Wanted], list[str]]:
        """What should run, and what may for as long as a roll-back to it should find it running."""
        fresh = self.clock.now() - timedelta(seconds=self.fallback_s)
        wanted, kept = [], []
        for pointer, life in apps.list_pointers(db):
            if pointer.name == PREVIOUS:
                if pointer.changed_at > fresh:
                    kept.append(pointer.release_id)
            elif pointer.asleep_at is None:
                rules = self.serving.rules.with_life(Life.of(life))
                least = max(rules.min_instances, 1)
                of_release = (pointer.app_id, pointer.release_id, least, rules.max_instances)
                wanted.append(Wanted(*of_release, rules.personal))
        return wanted, kept

    async def _apply(self, action: Action) -> None:
        try:
            match action:
                case Start(app_id=app_id, release_id=release_id, beside=beside):
                    await self._start_live(app_id, release_id, beside)
                case Retire(instance=instance_id):
                    await self.retire(instance_id)
                case Lost(instance=instance_id):
                    await self._gone(instance_id, LOST)
                case GoOn(instance=instance_id):
                    await self._go_on(instance_id)
                case Stray(instance=instance_id):
                    await self._end_stray(instance_id)
        except TholosError as error:
            get_logger().warning("action_failed", action=str(action), code=error.code, reason=error.message)
            if isinstance(action, Start):
                await in_thread(self._tell_failing, action, error)

    async def bring_up(self, app_id: str, release_id: str, beside: int = 0) -> None:
        """Start an instance of a release that should run, and see that it answers; one at a time."""
        await self._apply(Start(app_id, release_id, beside))

    async def _start_live(self, app_id: str, release_id: str, beside: int) -> None:
        if release_id in self._beginning:
            return
        self._beginning.add(release_id)
        try:
            instance_id = await self.start(release_id, beside=beside)
            await self.refresh(app_id)
        finally:
            self._beginning.discard(release_id)
        await self._await_restarted(instance_id)

    def _tell_failing(self, start: Start, error: TholosError) -> None:
        with self.database.write() as db:
            if apps.find_live_id(db, start.app_id) != start.release_id:  # a draft that fails is not the app
                return
            # One more than there are already, anybody's own too, may be refused without harm to the others.
            is_more = start.beside or instances.find_ready(db, start.release_id) is not None
            if not (is_more and isinstance(error, QuotaReached)):
                apps.set_state(db, start.app_id, AppState.FAILING, error.message, self.clock.now())

    async def _gone(self, instance_id: str, reason: str) -> None:
        with contextlib.suppress(TholosError):  # somebody else saw its end first
            await self.set_state(instance_id, InstanceState.STOPPED, reason)
        self.notices.publish(instances.topic(instance_id))
        self.notices.publish(instances.TOPIC)

    # Why not

    async def _first_status(self, instance: Instance) -> int | None:
        socket = Path(instance.address.removeprefix("unix:"))
        try:
            seconds = await in_thread(self.causes.timeout_of, instance)
            return await first_status(socket, "localhost", seconds)
        except TimeoutError:
            return None

    async def _death(self, instance_id: str) -> Instance:
        """The instance, once it has ended by itself or was stopped."""
        with self.notices.watch(instances.topic(instance_id)) as changed:
            while True:
                instance = await in_thread(self._get, instance_id)
                if instance.state not in {InstanceState.STARTING, InstanceState.READY}:
                    return instance
                await changed.wait()
                changed.clear()

    # Small transactions

    def _get(self, instance_id: str) -> Instance:
        with self.database.read() as db:
            return instances.get_instance(db, instance_id)

    def _find(self, instance_id: str) -> Instance | None:
        with self.database.read() as db:
            return instances.find_instance(db, instance_id)

    def _set_state(self, instance_id: str, state: InstanceState, reason: str) -> Instance:
        with self.database.write() as db:
            return instances.set_state(db, instance_id, state, reason, self.clock.now())

    def _tell_app(self, app_id: str, *, probed: bool = False) -> None:
        with self.database.write() as db:
            if apps.find_app(db, app_id) is not None:
                instances.tell_app(db, app_id, self.clock.now(), probed=probed)
