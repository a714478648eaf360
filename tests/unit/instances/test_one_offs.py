"""Processes that an operation runs beside instances: to their end, once, and never longer than they may."""

import asyncio

import pytest

from tholos.instances import service as instances
from tholos.instances.one_offs import OneOffs, name_of
from tholos.kit.notices import Notices
from tholos.runtime.model import InstanceSpec, ProcessState
from tholos.testing.launcher import MemoryLauncher
from tholos.testing.waiting import until_async

NAME = name_of("op_1")
PATIENCE_S = 30


class Stage:
    """What the keeper does for them: it hears of every change and tells of it."""

    def __init__(self) -> None:
        self.launcher = MemoryLauncher()
        self.notices = Notices(asyncio.get_running_loop())
        self.processes = {}
        self.heard = asyncio.Event()
        self.heard.set()
        self.names = set()
        self.one_offs = OneOffs(self.launcher, self.notices, self.heard, self.processes, self.names)

    async def hear(self):
        async for status in self.launcher.events():
            self.processes[status.instance] = status
            self.notices.publish(instances.topic(status.instance))

    async def run(self, seconds=PATIENCE_S):
        return await self.one_offs.run(InstanceSpec(NAME, ["prepare"], {}, "/", "/log", restarts=0), seconds)

    def state(self):
        status = self.processes.get(NAME)
        return status and status.state

    def runs(self):
        return self.state() == ProcessState.RUNNING


@pytest.fixture
async def stage():
    made = Stage()
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(made.hear())
        yield made
        await made.launcher.close()
        await hearing


async def begun(stage, group, seconds=PATIENCE_S):
    running = group.create_task(stage.run(seconds))
    await until_async(stage.runs)
    return running


async def test_its_end_is_told_and_it_is_forgotten(stage):
    async with asyncio.TaskGroup() as group:
        running = await begun(stage, group)
        assert stage.names == {NAME}, "whoever hears of its end leaves it to who waits"
        stage.launcher.end(NAME, 3)
    status = running.result()
    assert (status.state, status.exit_code) == (ProcessState.FAILED, 3)
    assert await stage.launcher.list() == []
    assert (stage.processes, stage.names) == ({}, set())


async def test_one_that_was_told_to_stop_by_a_server_that_ended_is_run_again(stage):
    async with asyncio.TaskGroup() as group:
        running = await begun(stage, group)
        first = stage.processes[NAME].pid
        await stage.launcher.stop(NAME)
        await until_async(
            lambda: (status := stage.processes.get(NAME)) is not None and status.pid not in {None, first}
        )
        stage.launcher.end(NAME, 0)
    assert running.result().exit_code == 0


async def test_one_that_takes_too_long_is_ended(stage):
    assert await stage.run(0.01) is None
    await until_async(lambda: stage.state() == ProcessState.EXITED)
    assert stage.names == set()
    await stage.one_offs.end(NAME)
    assert (await stage.launcher.list(), stage.processes) == ([], {})


async def test_nothing_is_begun_or_ended_before_it_is_known_what_runs(stage):
    stage.heard.clear()
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(stage.one_offs.end(NAME))
        running = group.create_task(stage.run())
        await asyncio.sleep(0)
        assert await stage.launcher.list() == []
        stage.heard.set()
        await until_async(stage.runs)
        stage.launcher.end(NAME, 0)
    assert ending.done()
    assert running.done()


async def test_a_stray_that_nobody_knows_is_no_failure(stage):
    stage.processes["ins_x"] = None
    await stage.one_offs.end_stray("ins_x")
    assert stage.processes == {}
