"""The work of publishing and deleting, step by step. Each step may be done twice: a server that ended is followed by one
that begins the operation again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tholos.access import service as access
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.apps.names import release_name
from tholos.instances import service as instances
from tholos.instances.errors import InstanceDied
from tholos.instances.starting import Starter
from tholos.instances.tasks import Keeper, one_off_name
from tholos.kit.clock import Clock
from tholos.kit.company import beside
from tholos.kit.db import Database, JsonObject
from tholos.kit.errors import TholosError, Unavailable
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices
from tholos.kit.persistence import attempt
from tholos.kit.threads import in_long_thread, in_thread
from tholos.operations.models import Operation
from tholos.operations.tasks import Work
from tholos.paths import service as paths
from tholos.publishing import bundles, releases
from tholos.publishing import manifest as manifests
from tholos.publishing import service as publishing
from tholos.publishing.errors import PrepareFailed
from tholos.runtime import logs
from tholos.runtime.environments import Environment, Environments
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import Lock
from tholos.runtime.model import InstanceSpec, ProcessStatus
from tholos.runtime.plan import prepare
from tholos.runtime.snapshot_packages import SnapshotPackages
from tholos.store.model import SnapshotId
from tholos.tags import service as tags
from tholos.usage import service as usage
from tholos.variables import service as variables
from tholos.variables.masking import Masker
from tholos.variables.service import Revealed

PREPARE_TIMEOUT_S = 600.0
END_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Publisher:
    """Handles the operations *publish* and *delete*."""

    database: Database
    notices: Notices
    clock: Clock
    keeper: Keeper
    starter: Starter
    environments: Environments
    keep_releases: int = 20
    """How many of an app's releases are kept, where the app does not say."""
    to_compile: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def publish(self, work: Work) -> JsonObject:
        """From a release in preparation to one that serves.

        Raises: TholosError: the first cause, in words.
        """
        await in_thread(self._catch_up, work.operation)
        async with work.step("upload") as say:
            say(str(work.operation.request["upload"]))
        return await self.build(work)

    async def build(self, work: Work) -> JsonObject:
        """All that follows once a release's files are here: its environment, and that it serves.

        Raises: TholosError: the first cause, in words.
        """
        app, release, live = await in_thread(self.read, work.operation)
        async with work.step("environment") as say:
            environment = await self.lay_out(work, app, release, live)
            say(packages_text(environment, release.manifest))
        release = await in_thread(self._get_release, release.id)
        await self.prepare(work, app, release)
        result = await self.bring_live(work, app, release, live)
        self.to_compile.put_nowait(environment.id)
        return result

    async def bring_live(self, work: Work, app: App, release: Release, live: Release | None) -> JsonObject:
        """Start a release that has all it needs, see that it answers, and point at it: the last steps of a publish, and all
        of an activation.
        """
        is_draft = bool(work.operation.request.get("draft"))
        instance_id = await self.start(work, release)
        async with work.step("switch") as say:
            await in_thread(self._switch, work, release)
            await self.keeper.refresh(app.id)
            # What was live may have saved once more meanwhile, and the two may read each other's from now on.
            await attempt(partial(in_long_thread, self._settle, app, live, release))
            say("a draft" if is_draft else "live")
        self.notices.publish(instances.TOPIC)
        await attempt(partial(in_long_thread, self.remove_old, app.id))
        name = release_name(app.name, release.number) if is_draft else app.name
        url = self.starter.app_url.format(name=name) + "/"
        before = live.number if live is not None and not is_draft else None
        return {
            "release": release.number, "url": url, "instance": instance_id, "draft": is_draft, "before": before
        }  # fmt: skip

    async def start(self, work: Work, release: Release, *, anew: bool = False) -> str:
        """Start an instance, and wait for its first answer; returns its id."""
        async with work.step("start") as say:
            instance_id = await self.keeper.start(release.id, work.operation.id, anew=anew)
            say("its process runs")
        async with work.step("health") as say:
            status = await self.keeper.wait_until_ready(instance_id)
            await self.keeper.announce(instance_id)
            say(f"GET / → {status}")
        return instance_id

    async def delete(self, work: Work) -> JsonObject:
        """End an app and remove all of it."""
        app_id = work.operation.subject_id
        async with work.step("stop") as say:
            running = await in_thread(self._point_nowhere, app_id)
            await self.keeper.refresh(app_id)
            self.notices.publish(access.TOPIC)
            for instance_id in running:
                await self.keeper.end(instance_id)
                await self.keeper.wait_until_ended(instance_id, END_TIMEOUT_S)
            say(f"{len(running)} stopped" if running else "nothing ran")
        async with work.step("remove") as say:
            await in_thread(self._remove, app_id)
            await self.keeper.serving.put(app_id, [])
            say("gone, its data too")
        return {"app": work.operation.subject_name}

    async def abandon_publish(self, operation: Operation, error: JsonObject | None) -> None:
        """Leave nothing of a failed or cancelled publish running or half done; what served goes on serving."""
        await self._end_prepare(operation)
        await self.end_all(await in_thread(self._fail, operation, error))

    async def end_all(self, instance_ids: Iterable[str]) -> None:
        """End the instances that an operation let go."""
        for instance_id in instance_ids:
            # The keeper ends it as soon as it can: nobody holds it any more.
            with contextlib.suppress(TholosError):
                await self.keeper.end(instance_id)
        self.notices.publish(instances.TOPIC)

    async def abandon_delete(self, operation: Operation, error: JsonObject | None) -> None:
        """What is gone is gone; deleting again takes the rest."""
        get_logger().info("delete_abandoned", app=operation.subject_name, is_cancelled=error is None)

    async def compile_in_background(self) -> None:
        """Byte-compile environments after their first answer, one at a time, until cancelled."""
        for environment_id in await in_thread(self._not_compiled):
            self.to_compile.put_nowait(environment_id)
        stop = threading.Event()
        try:
            while True:
                environment_id = await self.to_compile.get()
                try:
                    await in_long_thread(self.environments.compile, environment_id, cancel=stop)
                except TholosError as error:
                    get_logger().warning("compile_failed", environment=environment_id, reason=error.message)
        finally:
            stop.set()  # a server that ends does not wait for its threads

    # Steps

    async def lay_out(self, work: Work, app: App, release: Release, live: Release | None) -> Environment:
        """Files and environment, beside each other: neither needs the other. What it told is one line of its step."""
        try:
            environment, _ = await asyncio.gather(
                in_long_thread(self._build, work, release),
                in_long_thread(self.starter.check_out, app, release, live),
            )
        except TholosError:
            work.stop.set()  # the other one has nothing to finish for
            raise
        return environment

    def _build(self, work: Work, release: Release) -> Environment:
        interpreter = self.starter.interpreter_of(release)
        # Whoever publishes, not whoever owns: an editor's source builds stay out of the owner's other apps, and a
        # hand-over changes nothing.
        environment, lock = self.build_for(
            work, release.manifest, interpreter, release.author_id, release.snapshot
        )
        with self.database.write() as db:
            apps.record_environment(db, release.id, lock.text, environment.id, len(environment.packages))
        return environment

    def build_for(
        self, work: Work, manifest: JsonObject, interpreter: Interpreter, scope: str, snapshot: str
    ) -> tuple[Environment, Lock]:
        """The packages that a manifest asks for, those that lie in its snapshot among them, and our own code for its interpreter."""
        requirements = manifests.requirements_of(manifest)
        files = SnapshotPackages(self.starter.store, SnapshotId(snapshot))
        lock = self.environments.lock(
            requirements,
            interpreter,
            scope,
            files=files,
            upgrade=bool(work.operation.request["upgrade"]) and work.operation.attempt == 1,
            log=work.line,
            cancel=work.stop,
        )
        environment = self.environments.build(
            lock,
            interpreter,
            scope,
            requirements=requirements,
            files=files,
            log=work.line,
            cancel=work.stop,
        )
        self.environments.guest(interpreter, log=work.line, cancel=work.stop)
        return environment, lock

    async def prepare(self, work: Work, app: App, release: Release) -> None:
        command = str(release.manifest["prepare"])
        if not command:
            await work.skip("prepare", "nothing to prepare")
            return
        async with work.step("prepare") as say:
            revealed, masker = await in_thread(self._reveal, release)
            spec = self._prepare_spec(one_off_name(work.operation.id), app, release, command, revealed)
            until = logs.Until()
            async with beside(attempt(partial(_copy_log, Path(spec.log), work, until, masker))) as copying:
                status = await self.keeper.run_once(spec, PREPARE_TIMEOUT_S)
                until.end()
                await copying
            if status is None or status.exit_code != 0:
                raise await in_long_thread(_why_prepare_failed, command, spec, status, masker)
            await in_long_thread(self.starter.flush, app, release)
            say(command)

    def _reveal(self, release: Release) -> tuple[Revealed, Masker]:
        """Raises: VariableUnavailable."""
        with self.database.read() as db:
            return self.starter.reveal(db, release), self.starter.masker_of(db, release)

    def _prepare_spec(
        self, name: str, app: App, release: Release, command: str, revealed: Revealed
    ) -> InstanceSpec:
        sources = str(self.starter.layout.sources(app.id, release.number))
        return InstanceSpec(
            instance=name,
            argv=prepare(command),
            env=self.starter.variables_of(app, release, revealed),
            secrets=revealed.secrets,
            cwd=sources,
            log=str(self.starter.layout.log(app.id, release.number, name)),
            log_limit=self.starter.log_limit,
            restarts=0,
            limits=self.starter.limits_of(release),
            sandbox=self.starter.sandbox_of(app, release),
        )

    async def _end_prepare(self, operation: Operation) -> None:
        with contextlib.suppress(Unavailable):  # a launcher that comes back finds it as a stray
            await self.keeper.end_once(one_off_name(operation.id))

    # Transactions

    def read(self, operation: Operation) -> tuple[App, Release, Release | None]:
        with self.database.read() as db:
            release = apps.get_release(db, str(operation.request["release_id"]))
            return apps.get_app(db, release.app_id), release, apps.find_live(db, release.app_id)

    def _catch_up(self, operation: Operation) -> None:
        with self.database.write() as db:
            publishing.catch_up(db, operation)

    def _get_release(self, release_id: str) -> Release:
        with self.database.read() as db:
            return apps.get_release(db, release_id)

    def _switch(self, work: Work, release: Release) -> None:
        """Raises: InstanceDied: it answered, and ended before it went live; what :func:`publishing.go_live` does."""
        with self.database.write() as db:
            if instances.find_ready(db, release.id) is None:
                raise InstanceDied("Cannot go live: the app ended right after its first answer.")
            publishing.go_live(db, work.operation, self.clock.now())

    def _fail(self, operation: Operation, error: JsonObject | None) -> list[str]:
        with self.database.write() as db:
            return publishing.fail_publish(db, operation, error, self.clock.now())

    def _settle(self, app: App, before: Release | None, release: Release) -> None:
        self.starter.settle(app, *([before] if before else []), release)

    def remove_old(self, app_id: str) -> None:
        """Let the releases go that nothing keeps, and then the files of all that are gone: a server may have ended between
        the two.
        """
        found = self.starter.numbers_of(app_id)
        with self.database.write() as db:
            app = apps.find_app(db, app_id)
            if app is None:
                return
            releases.remove_old(db, app, self.keep_releases, self.clock.now())
            there = {release.number for release in apps.list_releases(db, app_id)}
            gone = {number for number in found if number <= app.last_number} - there
        for number in sorted(gone):
            self.starter.clear_release(app_id, number)

    def _point_nowhere(self, app_id: str) -> list[str]:
        with self.database.write() as db:
            apps.remove_pointers(db, app_id)
            if apps.find_app(db, app_id) is not None:
                instances.tell_app(db, app_id, self.clock.now())
            return [instance.id for instance in instances.list_of_app(db, app_id)]

    def _remove(self, app_id: str) -> None:
        with self.database.write() as db:
            access.remove_of_app(db, app_id)
            instances.remove_of_app(db, app_id)
            variables.remove_of_app(db, app_id)
            bundles.remove_of_app(db, app_id)
            tags.remove_of_app(db, app_id)
            paths.remove_of_app(db, app_id)
            usage.remove_of_app(db, app_id)
            if apps.find_app(db, app_id) is not None:
                apps.remove_app(db, app_id)
        self.starter.clear(app_id)

    def _not_compiled(self) -> Iterable[str]:
        with self.database.read() as db:
            live = apps.live_releases(db, apps.list_all(db)).values()
            return [release.environment for release in live if release.environment]


def packages_text(environment: Environment, manifest: JsonObject) -> str:
    """How many packages an environment has, where they are said, and what was fetched, in one line."""
    needs = manifests.requirements_of(manifest)
    count = len(environment.packages)
    if not count:
        return "none needed"
    source = f"{count} {needs.why}" if needs.form == "imports" else f"{count} from {needs.form}"
    return f"{source}, {environment.fetched} fetched" if environment.fetched else f"{source}, all cached"


async def _copy_log(path: Path, work: Work, until: logs.Until, masker: Masker) -> None:
    async with contextlib.aclosing(logs.follow(path, 0, until)) as lines:
        async for line in lines:
            work.line(masker.mask(line.decode(errors="replace").rstrip("\n")))
            if work.is_full:
                return


def _why_prepare_failed(
    command: str, spec: InstanceSpec, status: ProcessStatus | None, masker: Masker
) -> PrepareFailed:
    found = logs.first_traceback(Path(spec.log), 0, spec.cwd)
    tail = "\n".join(logs.read_tail(Path(spec.log), 20).lines)
    ended = status.reason if status else f"did not end within {PREPARE_TIMEOUT_S:g} s"
    cause = f": {masker.mask(found.error)}" if found else ""
    return PrepareFailed(
        f"Cannot prepare the app: `{command}` {ended}{cause}.",
        fix="Mend the command, or forget it with --prepare ''.",
        where=found.where if found else "",
        excerpt=masker.mask(found.text if found else tail),
    )
