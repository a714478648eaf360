"""What is done before a process of a release is asked for: what it needs, and its instance's row. Synchronous."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.instances import quotas
from tholos.instances import service as instances
from tholos.instances.errors import TransitionRefused
from tholos.instances.models import Instance, InstanceState
from tholos.instances.standbys import Standbys
from tholos.instances.starting import Starter
from tholos.kit.clock import Clock
from tholos.kit.db import Database, ReadDb, WriteDb
from tholos.operations import service as operations
from tholos.runtime.model import InstanceSpec
from tholos.variables.service import Revealed

LOST = "ended unseen"
"""Said of an instance whose process is gone, and nobody saw how it ended."""

Prepared = tuple[str, InstanceSpec | None]
"""An instance's id, and what to start for it; nothing where it need not be started."""


@dataclass(frozen=True, slots=True)
class Preparer:
    """Finds an instance of a release that stands, or prepares another one."""

    database: Database
    clock: Clock
    starter: Starter
    launching: set[str]
    """Instances whose start is being asked for right now; what is prepared here comes to them."""
    processes: Collection[str]
    """Instances that the launcher knows."""
    standbys: Standbys = field(default_factory=Standbys)

    def prepare(self, release_id: str, operation_id: str | None, *, anew: bool, beside: int = 0) -> Prepared:
        """Raises: EnvironmentMissing, PythonNotFound, VariableUnavailable, QuotaReached, TransitionRefused: the operation ended."""
        is_asked = operation_id is not None
        with self.database.write() as db:
            release = apps.get_release(db, release_id)
            app = apps.get_app(db, release.app_id)
            live = apps.find_live(db, app.id)
            found = self._standing(db, release_id, operation_id, anew=anew, beside=beside)
            missing, revealed = None, None
            if found is None:
                self._check_quota(db, app, release, takes_over=is_asked)
                missing = self.starter.find_missing(release)
                revealed = self.starter.reveal(db, release)  # what cannot be is told before anything is done
        if found is not None:
            if operation_id is not None:
                self.starter.settle(app, *([live] if live else []), release)
            return found.id, None
        # What takes its time is done before there is a row: nobody else can write while one is made.
        self.starter.make_ready(app, release, live, missing, is_asked=is_asked)
        waiting = "" if is_asked or beside or revealed is None else self._take_standby(app, release, revealed)
        instance_id, spec = "", None
        try:
            with self.database.write() as db:
                if operation_id is not None:
                    _check_goes_on(db, operation_id)
                found = self._standing(db, release_id, operation_id, anew=anew, beside=beside)
                if found is not None:
                    return found.id, None
                self._check_quota(db, app, release, takes_over=is_asked)
                now_revealed = self.starter.reveal(db, release)
                instance = instances.create_instance(
                    db, app, release, self.starter.layout, self.clock.now(), operation_id=operation_id,
                    instance_id=waiting if now_revealed == revealed else "",
                )  # fmt: skip
                instance_id = instance.id
                self.launching.add(instance_id)
            spec = self.starter.spec(app, release, instance, now_revealed)
            return instance_id, spec
        finally:
            self.launching.difference_update(
                {waiting, instance_id} if spec is None else {waiting} - {instance_id}
            )

    def prepare_again(self, instance_id: str) -> InstanceSpec:
        """What was prepared for an instance, once more.

        Raises: InstanceNotFound, EnvironmentMissing, PythonNotFound, VariableUnavailable.
        """
        with self.database.read() as db:
            instance = instances.get_instance(db, instance_id)
            release = apps.get_release(db, instance.release_id)
            app = apps.get_app(db, release.app_id)
            return self.starter.spec(app, release, instance, self.starter.reveal(db, release))

    def _check_quota(self, db: ReadDb, app: App, release: Release, *, takes_over: bool) -> None:
        """Raises: QuotaReached."""
        quotas.check_start(db, app, release, self.starter.memory_mb_of, takes_over=takes_over)

    def _take_standby(self, app: App, release: Release, revealed: Revealed) -> str:
        """The name of the process that waits to be this release's next instance; empty where none does."""

        def spec_of(name: str) -> InstanceSpec:
            layout = self.starter.layout
            made = instances.new_instance(app, release, layout, self.clock.now(), instance_id=name)
            return self.starter.spec(app, release, made, revealed)

        return self.standbys.take(release.id, spec_of, self.launching)

    def _standing(
        self, db: WriteDb, release_id: str, operation_id: str | None, *, anew: bool, beside: int
    ) -> Instance | None:
        """What need not be started: an operation holds it, so that nobody ends it before it serves."""
        while True:
            if operation_id is None:
                is_enough = instances.count_active(db, release_id) > beside
                found = instances.find_active(db, release_id) if is_enough else None
            else:
                found = instances.find_to_hold(db, release_id, operation_id, anew=anew)
            if found is None or not self._is_lost(found):
                return found
            instances.set_state(db, found.id, InstanceState.STOPPED, LOST, self.clock.now())

    def _is_lost(self, instance: Instance) -> bool:
        """Whether it has no process and none is being started; one that was given up needs none."""
        if instance.id in self.launching or instance.id in self.processes:
            return False
        return instance.state != InstanceState.FAILED


def _check_goes_on(db: ReadDb, operation_id: str) -> None:
    """Raises: TransitionRefused: nothing is begun for an operation that has ended: nobody would let go of it."""
    operation = operations.get_operation(db, operation_id)
    if operation.has_ended:
        raise TransitionRefused(f"Cannot start the app: operation {operation_id} is {operation.state}.")
