"""What the keeper records of instances that do not do what they should; no process runs."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from tholos.accounts.quotas import QuotaReached
from tholos.apps import service as apps
from tholos.instances import service as instances
from tholos.instances import tasks
from tholos.instances.errors import InstanceDied, StopTimedOut
from tholos.instances.models import InstanceState
from tholos.instances.plan import Start
from tholos.instances.serving import ServingTable
from tholos.instances.tasks import Keeper
from tholos.kit.notices import Notices
from tholos.runtime.layout import Layout
from tholos.runtime.model import InstanceSpec, ProcessState
from tholos.testing.launcher import MemoryLauncher
from tholos.testing.rows import add_live_app, add_release
from tholos.variables.masking import NOTHING


class Kept:
    def __init__(self, database, clock, people, folder) -> None:
        self.database, self.clock = database, clock
        self.app, release = add_live_app(database, people.ada, "sales", clock.now())
        with database.write() as db:
            self.instance = instances.create_instance(db, self.app, release, Layout(folder), clock.now())
        starter = SimpleNamespace(sources_of=lambda _: folder, masker_of=lambda *_: NOTHING)
        self.launcher = MemoryLauncher()
        self.notices = Notices(asyncio.get_running_loop())
        self.keeper = Keeper(
            database, self.notices, clock, self.launcher, starter, ServingTable(database), None, 0.2
        )

    async def run(self) -> None:
        folder = str(Path(self.instance.log).parent)
        spec = InstanceSpec(self.instance.id, ["app"], {}, folder, self.instance.log)
        self.keeper._processes[self.instance.id] = await self.launcher.start(spec)

    def set(self, state, reason="") -> None:
        with self.database.write() as db:
            instances.set_state(db, self.instance.id, state, reason, self.clock.now())
        self.notices.publish(instances.topic(self.instance.id))

    def told(self):
        with self.database.read() as db:
            found = apps.get_app(db, self.app.id)
            return found.state, found.state_reason


@pytest.fixture
async def kept(database, clock, people, tmp_path):
    return Kept(database, clock, people, tmp_path)


async def test_a_deaf_app_is_told_of_until_it_hears_again(kept, monkeypatch, tmp_path):
    hears = True

    async def accepts(*_):
        return hears

    monkeypatch.setattr(tasks, "accepts", accepts)
    await kept.run()
    kept.set(InstanceState.READY)

    async def probe():
        await kept.keeper._probe(kept.app.id, kept.instance.id, tmp_path / "x")
        return kept.told()

    assert await probe() == ("serving", "")
    hears = False
    assert await probe() == ("failing", "It does not accept connections.")
    hears = True
    assert await probe() == ("serving", "")
    hears = False
    kept.set(InstanceState.DRAINING)
    assert await probe() == ("serving", "")


async def test_a_draft_that_is_deaf_or_does_not_start_is_not_the_app(kept, people, monkeypatch, tmp_path):
    async def accepts(*_):
        return False

    async def start(_):
        raise InstanceDied("Cannot start the app: it has no environment.")

    monkeypatch.setattr(tasks, "accepts", accepts)
    monkeypatch.setattr(Keeper, "_start_live", lambda _, _app, release_id, _beside: start(release_id))
    await kept.run()
    kept.set(InstanceState.READY)
    live = kept.instance.release_id
    with kept.database.write() as db:
        app = apps.get_app(db, kept.app.id)
        draft = add_release(db, people.ada, app, kept.clock.now(), "b" * 64)
        apps.keep_as_draft(db, draft.id, kept.clock.now())
        deaf = instances.create_instance(db, app, draft, Layout(tmp_path), kept.clock.now())
        deaf.state = InstanceState.READY
        instances.tell_app(db, app.id, kept.clock.now())
    kept.keeper._processes[deaf.id] = await kept.launcher.start(
        InstanceSpec(deaf.id, ["app"], {}, str(tmp_path), deaf.log)
    )
    await kept.keeper._probe(kept.app.id, deaf.id, tmp_path / "x")
    await kept.keeper._apply(Start(kept.app.id, draft.id))
    assert kept.told() == ("serving", "")
    await kept.keeper._apply(Start(kept.app.id, live))
    assert kept.told() == ("failing", "Cannot start the app: it has no environment.")


async def test_an_app_is_not_failing_because_no_further_one_may_start(kept, monkeypatch):
    """In an app where everybody has their own the next one is the first that is nobody's."""

    async def start(*_):
        raise QuotaReached("Cannot start sales: 1 instances of its owner's apps run, and 1 may.")

    monkeypatch.setattr(Keeper, "_start_live", start)
    kept.set(InstanceState.READY)
    with kept.database.write() as db:
        instances.get_instance(db, kept.instance.id).audience = "ada"
        instances.tell_app(db, kept.app.id, kept.clock.now())
    refused = Start(kept.app.id, kept.instance.release_id)
    await kept.keeper._apply(refused)
    assert kept.told() == ("serving", "")
    kept.set(InstanceState.FAILED)
    await kept.keeper._apply(refused)
    assert kept.told()[0] == "failing"


async def test_one_that_does_not_end_is_told_in_words(kept):
    with pytest.raises(StopTimedOut, match=r"did not end within 0\.01 s"):
        await kept.keeper.wait_until_ended(kept.instance.id, 0.01)
    kept.set(InstanceState.STOPPED)
    await kept.keeper.wait_until_ended(kept.instance.id, 5)


async def test_one_that_dies_while_it_is_awaited_is_told_as_it_is(kept):
    Path(kept.instance.address.removeprefix("unix:")).parent.mkdir(parents=True, exist_ok=True)
    asyncio.get_running_loop().call_later(0.05, kept.set, InstanceState.FAILING, "exited with code 1")
    with pytest.raises(InstanceDied, match="exited with code 1"):
        await kept.keeper.wait_until_ready(kept.instance.id)


async def test_one_that_is_ended_before_its_start_was_heard_of_is_ended(kept):
    """Whoever started it has not been answered yet."""
    kept.keeper._heard.set()
    folder = str(Path(kept.instance.log).parent)
    await kept.launcher.start(InstanceSpec(kept.instance.id, ["app"], {}, folder, kept.instance.log))
    await kept.keeper.end(kept.instance.id)
    (status,) = await kept.launcher.list()
    assert status.state == ProcessState.EXITED


async def test_one_that_lost_its_secrets_makes_room_for_another(kept):
    """The supervisor was replaced and the process ends: its row has ended too, and the plan is to start another one."""
    kept.launcher = kept.keeper.launcher
    folder = str(Path(kept.instance.log).parent)
    spec = InstanceSpec(kept.instance.id, ["app"], {}, folder, kept.instance.log, secrets={"KEY": "x"})
    await kept.launcher.start(spec)
    kept.set(InstanceState.READY)
    kept.launcher.replace_engine()
    await kept.keeper._heed(kept.launcher.end(kept.instance.id, 1))
    with kept.database.read() as db:
        assert instances.get_instance(db, kept.instance.id).state == InstanceState.STOPPED
    assert await kept.launcher.list() == []
    (action,) = await asyncio.to_thread(kept.keeper._plan)
    assert action == Start(kept.app.id, kept.instance.release_id)


async def test_one_whose_start_is_done_while_the_plan_is_made_is_not_lost(kept, monkeypatch):
    """Its process comes to be known, and its start to be done, between two of the looks that the plan takes."""
    real = tasks.operations.list_under_way
    loop = asyncio.get_running_loop()

    def list_under_way(db):
        asyncio.run_coroutine_threadsafe(kept.run(), loop).result(20)
        kept.keeper._launching.discard(kept.instance.id)
        return real(db)

    monkeypatch.setattr(tasks.operations, "list_under_way", list_under_way)
    kept.keeper._launching.add(kept.instance.id)
    assert await asyncio.to_thread(kept.keeper._plan) == []


async def test_one_that_comes_while_the_plan_is_made_is_no_stray(kept, monkeypatch):
    """It has a row that is younger than what the plan reads."""
    await kept.run()
    kept.set(InstanceState.READY)
    real = Keeper._wanted

    def wanted(keeper, db):
        found = real(keeper, db)
        keeper._processes["ins_younger"] = keeper._processes[kept.instance.id]
        return found

    monkeypatch.setattr(Keeper, "_wanted", wanted)
    assert await asyncio.to_thread(kept.keeper._plan) == []


class TestRetiring:
    @pytest.fixture
    def drained(self, kept):
        """Whether there are still streams, and what happens while they are waited for."""
        waiting = asyncio.Event()

        async def wait(instance_id, seconds):
            waiting.set()
            return True

        kept.keeper.drained = wait
        kept.keeper._heard.set()
        return waiting

    def state(self, kept):
        with kept.database.read() as db:
            return instances.find_instance(db, kept.instance.id).state

    @pytest.mark.parametrize("state", [InstanceState.STOPPED, InstanceState.STOPPING, InstanceState.FAILED])
    async def test_one_that_has_left_already_is_no_failure(self, kept, drained, state):
        kept.set(state)
        await kept.keeper.retire(kept.instance.id)
        assert self.state(kept) == InstanceState.STOPPED

    async def test_one_that_ends_by_itself_between_the_look_and_the_move(self, kept, drained, monkeypatch):
        real = kept.keeper._get

        def get(instance_id):
            found = real(instance_id)
            if found.state == InstanceState.STARTING:
                kept.set(InstanceState.STOPPED)
            return found

        monkeypatch.setattr(Keeper, "_get", lambda _, instance_id: get(instance_id))
        await kept.keeper.retire(kept.instance.id)
        assert self.state(kept) == InstanceState.STOPPED

    async def test_nobody_waits_for_its_streams(self, kept, drained):
        async with kept.keeper._group:
            await kept.keeper.begin_retiring(kept.instance.id)
            assert not drained.is_set()
            assert self.state(kept) == InstanceState.DRAINING, "no operation holds it from here on"
        assert drained.is_set()
        assert self.state(kept) == InstanceState.STOPPED
