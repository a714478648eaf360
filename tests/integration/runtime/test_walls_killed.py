"""Killed between the control groups and the program: nobody ends up outside its groups, and no folder is left behind.

The supervisor dies, or the child that it forked, or the child ends the supervisor and goes on by itself.
"""

from pathlib import Path

import pytest

from tholos.runtime.model import ProcessState
from tholos.testing.launcher import wait_for
from tholos.testing.waiting import until, until_async
from tholos_supervisor.cgroups import CONTROLLERS

STAYS = "echo up; while :; do sleep 0.05; done"
OF_SUPERVISOR = [
    ("cgroups.make", "before"),
    ("cgroups.base", "after"),
    ("cgroups.make", "after"),
    ("os.fork", "before"),
    ("processes.identify", "before"),
    ("processes.identify", "after"),
    ("spawn._hear", "before"),
    ("spawn._hear", "after"),
]
OF_CHILD = [
    ("enclosing.enter_groups", "before"),
    ("cgroups.join", "before"),
    ("cgroups.join", "after"),
    ("enclosing.enter_groups", "after"),
    ("spawn._lower_limits", "after"),
    ("enclosing.execute", "before"),
    ("native.own_mounts", "after"),
    ("bubblewrap.arguments", "after"),
    ("enclosing._become_user", "before"),
    ("enclosing._become_user", "after"),
    ("os.execve", "before"),
]


@pytest.fixture(autouse=True)
def _needed(found):
    for layer in ("cgroups", "uid"):
        if not found.has(layer):
            pytest.skip(f"{layer}: {found.missing[layer]}")


def groups_of(home):
    """Folders of control groups of this supervisor, by the house that its record names."""
    return {Path(group).parent for group in home.record("one")["groups"]}


def is_inside(pid, groups):
    """Whether a process is in its groups, of every controller that limits."""
    house = Path(groups[0]).parent.name
    lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    places = {one: path for _, names, path in lines for one in names.split(",")}
    limiting = [one for one in CONTROLLERS if one in places] or [""]
    return all(places[one].endswith(f"/{house}/one") for one in limiting)


async def assert_it_stands_within(home, launcher, *, ends=0):
    """All of it in its groups; and nothing of it when it has been stopped."""
    await until_async(lambda: "up" in home.log("one"))
    status = await wait_for(launcher, "one", ProcessState.RUNNING)
    assert status.ends >= ends
    alive = home.alive()
    groups = home.record("one")["groups"]
    assert alive
    assert groups
    assert [pid for pid in alive if not is_inside(pid, groups)] == []
    houses = groups_of(home)
    assert {one.name for house in houses for one in house.iterdir() if one.is_dir()} == {"one"}
    await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED)
    until(lambda: home.alive() == [])
    until(lambda: not any(Path(one).exists() for one in groups))


@pytest.mark.parametrize(("target", "when"), OF_SUPERVISOR)
async def test_a_supervisor_that_is_killed(home, launcher, dying, script, target, when):
    dying(target, when, 1)
    await launcher.start(script(STAYS, restarts=3))
    await assert_it_stands_within(home, launcher)


@pytest.mark.parametrize(("target", "when"), OF_CHILD)
async def test_a_child_that_is_killed(home, launcher, dying, script, target, when):
    """It is an end like another: it is begun again."""
    dying(target, when, 1, "once(os.getpid())", is_child=True)
    await launcher.start(script(STAYS, restarts=3))
    await assert_it_stands_within(home, launcher, ends=1)


@pytest.mark.parametrize(("target", "when"), OF_CHILD[:-2])  # then it is somebody who may end no supervisor
async def test_a_child_whose_supervisor_is_killed(home, launcher, dying, script, target, when):
    """It goes on, and the next supervisor takes it up: on record, and in its groups."""
    dying(target, when, 1, "os.getppid()")
    await launcher.start(script(STAYS, restarts=3))
    await assert_it_stands_within(home, launcher)
