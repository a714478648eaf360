"""Operations that switch, done by the worker over real rows; no process runs."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from tholos.audit import queries as deeds
from tholos.instances import service as instances
from tholos.instances.errors import InstanceDied
from tholos.instances.models import InstanceState
from tholos.kit.notices import Notices
from tholos.operations import service as operations
from tholos.operations.tasks import Worker
from tholos.publishing import releases
from tholos.publishing import service as publishing
from tholos.publishing.switching import Switcher
from tholos.publishing.tasks import Publisher
from tholos.runtime.layout import Layout
from tholos.testing.rows import add_live_app, add_release

S = InstanceState


class Stub(Publisher):
    """A publisher whose instances are rows only, and answer when the test says so."""

    async def start(self, work, release, *, anew=False):
        stage = self.starter.stage
        with self.database.write() as db:
            found = instances.find_to_hold(db, release.id, work.operation.id, anew=anew)
            started = found or stage.add_instance(db, release, operation_id=work.operation.id)
            started.state = S.READY
        stage.answers.set()
        await stage.may_go_on.wait()
        if stage.error:
            raise stage.error
        return started.id


class StubKeeper:
    """Notes what it is asked for; retiring never ends, as where a stream stays open."""

    def __init__(self, stage) -> None:
        self.stage, self.ended, self.retiring = stage, [], []

    async def refresh(self, app_id):
        pass

    async def end(self, instance_id):
        self.ended.append(instance_id)

    async def begin_retiring(self, instance_id):
        self.retiring.append(instance_id)

    async def retire(self, instance_id):
        await asyncio.Event().wait()


class Stage:
    """An app whose live release runs, and a worker for what is begun."""

    def __init__(self, database, clock, people, folder) -> None:
        self.database, self.clock, self.people = database, clock, people
        self.layout = Layout(folder)
        self.app, self.live = add_live_app(database, people.ada, "sales", clock.now())
        self.answers, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.error = None
        self.notices = Notices(asyncio.get_running_loop())
        self.keeper = StubKeeper(self)
        with database.write() as db:
            self.first = self.add_instance(db, self.live).id
            instances.set_state(db, self.first, S.READY, "", clock.now())

    def add_instance(self, db, release, *, operation_id=None):
        return instances.create_instance(
            db, self.app, release, self.layout, self.clock.now(), operation_id=operation_id
        )

    def begin(self, action, *arguments):
        with self.database.write() as db:
            begun = action(db, self.people.ada, *arguments, self.clock.now())
        self.notices.publish(operations.QUEUE_TOPIC)
        return begun.id

    def cancel(self, operation_id):
        with self.database.write() as db:
            operations.request_cancel(db, self.people.ada, operation_id, self.clock.now())
        self.notices.publish(operations.QUEUE_TOPIC)

    def states(self):
        """Of the instances that have not ended."""
        with self.database.read() as db:
            return {one.id: one.state for one in instances.list_of_app(db, self.app.id)}

    def deeds(self):
        with self.database.read() as db:
            return {one.action: one for one in deeds.list_after(db, 0, 100)}

    async def ended(self, operation_id):
        async with asyncio.timeout(20):
            while True:
                with self.database.read() as db:
                    found = operations.get_operation(db, operation_id)
                if found.has_ended:
                    return found
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def working(self):
        starter = SimpleNamespace(stage=self, app_url="http://{name}.localhost")
        publisher = Stub(self.database, self.notices, self.clock, self.keeper, starter, None)
        switcher = Switcher(publisher)
        kinds = {
            publishing.RESTART: switcher.restart,
            publishing.ACTIVATE: switcher.activate,
            publishing.ROLL_BACK: switcher.activate,
        }
        worker = Worker(
            self.database, self.notices, self.clock, "here", kinds, dict.fromkeys(kinds, switcher.abandon)
        )
        task = asyncio.ensure_future(worker.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def stage(database, clock, people, tmp_path):
    return Stage(database, clock, people, tmp_path)


async def test_a_restart_ends_though_what_ran_before_has_streams_open(stage):
    stage.may_go_on.set()
    async with stage.working():
        ended = await stage.ended(stage.begin(releases.begin_restart, stage.app))
    assert (ended.state, ended.result["release"]) == ("done", 1)
    assert stage.keeper.retiring == [stage.first]


async def test_a_restart_that_is_cancelled_leaves_what_ran(stage):
    async with stage.working():
        operation_id = stage.begin(releases.begin_restart, stage.app)
        await stage.answers.wait()
        stage.cancel(operation_id)
        ended = await stage.ended(operation_id)
    assert ended.state == "cancelled"
    (other,) = set(stage.states()) - {stage.first}
    assert stage.states() == {stage.first: S.READY, other: S.STOPPING}
    assert (stage.keeper.ended, stage.keeper.retiring) == ([other], [])
    assert "app.restart_failed" not in stage.deeds()


async def test_a_restart_that_fails_is_recorded_with_its_cause(stage):
    stage.error = InstanceDied("Cannot start: it ended.", where="app.py:3")
    stage.may_go_on.set()
    async with stage.working():
        operation_id = stage.begin(releases.begin_restart, stage.app)
        assert (await stage.ended(operation_id)).state == "failed"
    deed = stage.deeds()["app.restart_failed"]
    assert (deed.actor_name, deed.note) == ("ada", "Cannot start: it ended. (app.py:3)")
    assert deed.after == {"release": 1, "operation": operation_id}
    assert stage.states()[stage.first] == S.READY


async def test_an_activation_that_fails_is_recorded_and_leaves_what_was_held(stage):
    """It may have been held for somebody else's sake: a draft's, or that of the release that was live before."""
    with stage.database.write() as db:
        other = add_release(db, stage.people.ada, stage.app, stage.clock.now())
        other.state = "ready"
        held = stage.add_instance(db, other).id
    stage.error = InstanceDied("Cannot start: it ended.")
    stage.may_go_on.set()
    async with stage.working():
        operation_id = stage.begin(releases.begin_activation, "sales", other.number)
        assert (await stage.ended(operation_id)).state == "failed"
    assert stage.deeds()["release.activation_failed"].note == "Cannot start: it ended."
    assert stage.states() == {stage.first: S.READY, held: S.READY}
    assert stage.keeper.ended == []


async def test_an_activation_that_is_cancelled_fails_for_nobody(stage):
    with stage.database.write() as db:
        other = add_release(db, stage.people.ada, stage.app, stage.clock.now())
        other.state = "ready"
    async with stage.working():
        operation_id = stage.begin(releases.begin_activation, "sales", other.number)
        await stage.answers.wait()
        stage.cancel(operation_id)
        assert (await stage.ended(operation_id)).state == "cancelled"
    assert "release.activation_failed" not in stage.deeds()
