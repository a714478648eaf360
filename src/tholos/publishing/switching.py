"""The work of making another release live, of changing what runs with one, and of starting an app anew. Nothing is built."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.apps.errors import NotReady
from tholos.apps.models import App, Release, ReleaseState
from tholos.instances import service as instances
from tholos.kit.db import JsonObject
from tholos.kit.threads import in_long_thread, in_thread
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.tasks import Work
from tholos.publishing import releases
from tholos.publishing.tasks import Publisher


@dataclass(frozen=True, slots=True)
class Switcher:
    """Handles the operations *activate*, *rollback*, *change* and *restart*. Each step may be done twice."""

    publisher: Publisher

    async def activate(self, work: Work) -> JsonObject:
        """Make a release live that is ready; one that still has an instance takes over at once.

        Raises: TholosError: the first cause, in words.
        """
        app, release, live = await in_thread(self.publisher.read, work.operation)
        if release.state == ReleaseState.FAILED:  # while this waited for its turn
            raise NotReady(
                f"Cannot make release {release.number} of {app.name} live: it failed.",
                fix=f"`tholos why {app.name}` says more; publish it again once it is mended.",
            )
        return await self.publisher.bring_live(work, app, release, live)

    async def change(self, work: Work) -> JsonObject:
        """Make a release live that has the files and packages of another one.

        Raises: TholosError: the first cause, in words.
        """
        app, release, live = await in_thread(self.publisher.read, work.operation)
        async with work.step("environment") as say:
            say(await self._lay_out(work, app, release, live))
        release = (await in_thread(self.publisher.read, work.operation))[1]
        await self.publisher.prepare(work, app, release)
        return await self.publisher.bring_live(work, app, release, live)

    async def restart(self, work: Work) -> JsonObject:
        """Put a new instance in the place of all others of an app, which finish what they have; nobody waits for that.

        Raises: TholosError: the first cause, in words.
        """
        work.operation, release = await in_thread(self._find_restarted, work.operation)
        instance_id = await self.publisher.start(work, release, anew=True)
        async with work.step("switch") as say:
            await in_thread(self._take_over, work.operation)
            await self.publisher.keeper.refresh(release.app_id)
            say("live")
        async with work.step("stop") as say:
            others = await in_thread(self._others, release.app_id, instance_id)
            for one in others:
                await self.publisher.keeper.begin_retiring(one)
            say("what ran before finishes what it has" if others else "nothing else ran")
        self.publisher.notices.publish(instances.TOPIC)
        url = self.publisher.starter.app_url.format(name=work.operation.subject_name) + "/"
        return {"release": release.number, "url": url}

    async def abandon(self, operation: Operation, error: JsonObject | None) -> None:
        """What served goes on serving; what was started for the operation is nobody's, and is ended."""
        await self.publisher.end_all(await in_thread(self._abandon, operation, error))

    async def _lay_out(self, work: Work, app: App, release: Release, live: Release | None) -> str:
        if release.environment is None:  # what it is based on failed before it had one
            environment = await self.publisher.lay_out(work, app, release, live)
            return f"{len(environment.packages)} packages"
        await in_long_thread(self.publisher.starter.check_out, app, release, live)
        return f"as in release {release.based_on}"

    def _find_restarted(self, operation: Operation) -> tuple[Operation, Release]:
        with self.publisher.database.write() as db:
            release = releases.find_restarted(db, operation)
            return operations.get_operation(db, operation.id), release

    def _take_over(self, operation: Operation) -> None:
        with self.publisher.database.write() as db:
            releases.take_over(db, operation)

    def _abandon(self, operation: Operation, error: JsonObject | None) -> list[str]:
        with self.publisher.database.write() as db:
            return releases.abandon_switch(db, operation, error, self.publisher.clock.now())

    def _others(self, app_id: str, instance_id: str) -> list[str]:
        with self.publisher.database.read() as db:
            return [one.id for one in instances.list_of_app(db, app_id) if one.id != instance_id]
