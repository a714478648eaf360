"""What the keeper starts for an operation, and what it leaves where that ends in the middle; no process runs."""

import asyncio
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tholos.apps import service as apps
from tholos.instances import service as instances
from tholos.instances.errors import TransitionRefused
from tholos.instances.models import InstanceState
from tholos.instances.plan import Start
from tholos.instances.serving import ServingTable
from tholos.instances.tasks import Keeper
from tholos.kit.notices import Notices
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.operations.service import Subject
from tholos.runtime.layout import Layout
from tholos.runtime.model import InstanceSpec
from tholos.testing.launcher import MemoryLauncher
from tholos.testing.rows import add_live_app, add_release, new_release
from tholos.variables import service as variables
from tholos.variables.service import Change

S = InstanceState


class Stage:
    """An app with a live release, and a keeper whose preparing takes until the test says so."""

    def __init__(self, database, clock, people, folder) -> None:
        self.database, self.clock, self.people, self.layout = database, clock, people, Layout(folder)
        self.app, self.live = add_live_app(database, people.ada, "sales", clock.now())
        self.settled = []
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        starter = SimpleNamespace(
            layout=self.layout,
            reveal=lambda *_: (),
            find_missing=lambda _: None,
            memory_mb_of=lambda _: 0,
            make_ready=self.make_ready,
            settle=lambda app, *found: self.settled.append([one.number for one in found]),
            spec=lambda app, release, instance, revealed: InstanceSpec(
                instance.id, ["app"], {}, str(folder), str(folder / "log")
            ),
        )
        self.launcher = MemoryLauncher()
        notices = Notices(asyncio.get_running_loop())
        self.keeper = Keeper(
            database, notices, clock, self.launcher, starter, ServingTable(database), None, 0.2
        )
        self.keeper._heard.set()

    def make_ready(self, app, release, live, missing=None, *, is_asked=False):
        self.settled.append([live.number, release.number])
        self.begun.set()
        assert self.may_go_on.wait(20)

    def begin(self):
        with self.database.write() as db:
            subject = Subject(self.app.id, self.app.name)
            begun = operations.begin(db, self.people.ada, "restart", subject, (), {}, self.clock.now())
            operations.claim(db, begun.id, "here", self.clock.now())
            return begun.id

    def end(self, operation_id):
        with self.database.write() as db:
            instances.let_go(db, operation_id)
            operations.cancelled(db, operation_id, self.clock.now())

    def add_row(self, state=S.STARTING, operation_id=None, release=None):
        with self.database.write() as db:
            made = instances.create_instance(
                db, self.app, release or self.live, self.layout, self.clock.now(), operation_id=operation_id
            )
            made.state = state
            return made.id

    def states(self):
        with self.database.read() as db:
            found = instances.list_of_app(db, self.app.id, ended=True)
            return {one.id: (one.state, one.reason) for one in found}

    def planned(self):
        return self.keeper._plan()


@pytest.fixture
async def stage(database, clock, people, tmp_path):
    return Stage(database, clock, people, tmp_path)


async def test_a_start_that_is_cancelled_leaves_nothing(stage):
    """The thread goes on for a while; what it makes is let go, and the app can be started again."""
    stage.may_go_on.clear()
    operation_id = stage.begin()
    starting = asyncio.create_task(stage.keeper.start(stage.live.id, operation_id))
    await asyncio.to_thread(stage.begun.wait, 20)
    starting.cancel("requested")
    await asyncio.sleep(0)
    stage.may_go_on.set()
    with pytest.raises(asyncio.CancelledError, match="requested"):
        await starting
    stage.end(operation_id)
    assert [state for state, _ in stage.states().values()] == ["stopped"]
    assert stage.keeper._launching == set()
    assert stage.planned() == [Start(stage.app.id, stage.live.id)]


async def test_a_preparation_that_fails_after_its_cancel_is_a_cancel(stage):
    def fail(*given, **_):
        stage.make_ready(*given)
        raise ZeroDivisionError

    stage.keeper.starter.make_ready = fail
    stage.may_go_on.clear()
    starting = asyncio.create_task(stage.keeper.start(stage.live.id, stage.begin()))
    await asyncio.to_thread(stage.begun.wait, 20)
    starting.cancel("requested")
    await asyncio.sleep(0)
    stage.may_go_on.set()
    with pytest.raises(asyncio.CancelledError, match="requested"):
        await starting


async def test_nothing_is_made_for_an_operation_that_has_ended(stage):
    stage.may_go_on.clear()
    operation_id = stage.begin()
    starting = asyncio.create_task(stage.keeper.start(stage.live.id, operation_id))
    await asyncio.to_thread(stage.begun.wait, 20)
    stage.end(operation_id)
    stage.may_go_on.set()
    with pytest.raises(TransitionRefused, match=r"operation op_\w+ is cancelled"):
        await starting
    assert stage.states() == {}


async def test_an_operation_killed_before_its_process_was_asked_for_starts_another(stage):
    """The row is there and held, and no process: the next attempt does not wait for what nobody started."""
    operation_id = stage.begin()
    held = stage.add_row(operation_id=operation_id)
    started = await stage.keeper.start(stage.live.id, operation_id)
    assert started != held
    assert stage.states()[held] == ("stopped", "ended unseen")
    assert started in stage.launcher.specs


async def test_one_with_a_process_or_about_to_have_one_is_held(stage):
    operation_id = stage.begin()
    held = stage.add_row(operation_id=operation_id)
    stage.keeper._launching.add(held)
    assert await stage.keeper.start(stage.live.id, operation_id) == held
    stage.keeper._launching.clear()
    stage.keeper._processes[held] = None
    assert await stage.keeper.start(stage.live.id, operation_id) == held


async def test_one_that_was_given_up_is_not_tried_again(stage):
    given_up = stage.add_row(S.FAILED)
    assert await stage.keeper.start(stage.live.id) == given_up


async def test_what_the_live_release_saved_is_settled_before_another_takes_over(stage):
    with stage.database.write() as db:
        other = add_release(db, stage.people.ada, apps.get_app(db, stage.app.id), stage.clock.now(), "b" * 64)
    warm = stage.add_row(S.READY, release=other)
    stage.keeper._processes[warm] = None
    assert await stage.keeper.start(other.id, stage.begin()) == warm
    assert stage.settled == [[1, 2]]


def change(stage, sealer, **said):
    """As an operation would do it: the release that comes of it, or the live one."""
    with stage.database.write() as db:
        app = apps.get_app(db, stage.app.id)
        changed = variables.change(db, sealer, stage.people.ada, app, Change(**said), stage.clock.now())
        if changed.settings is None:
            return apps.find_live(db, app.id)
        new = replace(new_release(), settings=changed.settings)
        release = apps.create_release(db, stage.people.ada, app, new, stage.clock.now())
        apps.switch(db, release.id, stage.clock.now())
        return release


async def test_a_process_with_a_former_secret_does_not_take_over(stage, tmp_path):
    """What was live before still runs, and has the value that was replaced for a reason."""
    sealer = Sealer(tmp_path / "keys")
    before = change(stage, sealer, secrets={"KEY": "first-value"})
    warm = stage.add_row(S.READY, release=before)
    stage.keeper._processes[warm] = None
    stage.clock.move(1)
    change(stage, sealer, plain={"LIMIT": "5"}, secrets={"KEY": "rotated-value"})
    stage.clock.move(1)
    operation_id = stage.begin()
    started = await stage.keeper.start(before.id, operation_id)
    assert started != warm
    assert await stage.keeper.start(before.id, operation_id) == started


async def test_a_process_takes_over_where_only_other_secrets_changed(stage, tmp_path):
    sealer = Sealer(tmp_path / "keys")
    before = change(stage, sealer, secrets={"KEY": "first-value"})
    stage.clock.move(1)
    warm = stage.add_row(S.READY, release=before)
    stage.keeper._processes[warm] = None
    stage.clock.move(1)
    change(stage, sealer, secrets={"OTHER": "another-value"})
    assert await stage.keeper.start(before.id, stage.begin()) == warm
