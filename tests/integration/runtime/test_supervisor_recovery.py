"""The supervisor is killed at every step it takes, and each time a definite state follows without a human.

Each case runs a supervisor that kills itself with SIGKILL right before or right after its n-th call of one function.
The launcher notices, starts an ordinary one, and that one must go on: no process lost, none twice.
"""

import asyncio
import os
import random
import signal
import subprocess
import time

import pytest

from tholos.runtime.launchers import local
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.model import ProcessState
from tholos.testing.launcher import wait_for
from tholos.testing.waiting import until

STAYS = "open('ran', 'a').write('x'); import time; time.sleep(1000)"
CRASHES_ONCE = "open('ran', 'a').write('x'); import sys, time; open('ran').read() == 'x' and sys.exit(3); time.sleep(1000)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); open('ran', 'a').write('x'); time.sleep(1000)"
LEAVES_CHILD = """
import os, time
if os.fork() == 0:
    time.sleep(1000)
open('ran', 'a').write('x')
os._exit(3)
"""


START_STEPS = [
    # Step, and how often the program ran and ended: it never ran unrecorded, and at most the waiting child was lost.
    ("records.Records.write", "before", 1, 0),
    ("os.rename", "before", 1, 0),
    ("os.rename", "after", 1, 1),
    ("records.Records.write", "after", 1, 1),
    ("spawn._hear", "before", 1, 0),
    ("spawn._hear", "after", 1, 0),
    ("wire.Request.answer", "before", 2, 0),
]


@pytest.mark.parametrize(("target", "when", "nth", "ends"), START_STEPS)
async def test_killed_while_starting(home, launcher, dying, target, when, nth, ends):
    """The start is told as done once it is, with one process that ran once."""
    dying(target, when, nth)
    await launcher.start(home.spec("one", STAYS))
    status = await wait_for(launcher, "one", ProcessState.RUNNING)
    until((home.run / "ran").exists)
    assert (status.state, status.ends) == (ProcessState.RUNNING, ends)
    assert home.alive() == [status.pid]
    assert (home.run / "ran").read_text() == "x"


CRASH_STEPS = [
    ("instance.Instance.ended", "before", 1, None),
    ("records.Records.write", "before", 2, None),
    ("records.Records.write", "after", 2, 3),
    ("wire.Listener.publish", "before", 2, 3),
    ("instance.Instance._restart", "before", 1, 3),
    ("records.Records.write", "before", 3, 3),
    ("spawn._hear", "before", 2, 3),
]


@pytest.mark.parametrize(("target", "when", "nth", "exit_code"), CRASH_STEPS)
async def test_killed_around_a_crash(home, launcher, dying, target, when, nth, exit_code):
    """It runs again, once; the exit code is known exactly where it was on disk."""
    dying(target, when, nth)
    await launcher.start(home.spec("one", CRASHES_ONCE))
    until(lambda: _text(home.run / "ran") == "xx" or not home.is_supervised())
    status = await wait_for(launcher, "one", ProcessState.RUNNING)
    until(lambda: _text(home.run / "ran") == "xx")
    status = next(iter(await launcher.list()))
    assert (status.state, status.ends, status.exit_code) == (ProcessState.RUNNING, 1, exit_code)
    assert home.alive() == [status.pid]


def _text(path):
    return path.read_text() if path.exists() else ""


STOP_STEPS = [
    ("records.Records.write", "before", 2, None),
    ("records.Records.write", "after", 2, None),
    ("processes.terminate_group", "after", 1, None),
    ("instance.Instance.ended", "before", 1, None),
    ("records.Records.write", "before", 3, None),
    ("records.Records.write", "after", 3, -15),
    ("wire.Listener.publish", "before", 3, -15),
]


@pytest.mark.parametrize(("target", "when", "nth", "exit_code"), STOP_STEPS)
async def test_killed_while_stopping(home, launcher, dying, target, when, nth, exit_code):
    """What was told to stop is stopped, and nothing of it is left."""
    dying(target, when, nth)
    await launcher.start(home.spec("one", STAYS))
    until((home.run / "ran").exists)
    await launcher.stop("one")
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    # Killed before TERM was sent, the next supervisor sends it to a process whose exit code it cannot see.
    assert status.exit_code == exit_code
    assert home.alive() == []
    assert home.record("one")["status"]["state"] == "exited"


@pytest.mark.parametrize("target", ["processes.terminate_group", "instance.Instance._kill"])
async def test_killed_in_the_grace_of_a_deaf_one(home, launcher, dying, target):
    """KILL comes when it was due, whoever sends it."""
    dying(target, "before", 1)
    await launcher.start(home.spec("one", DEAF, grace_s=0.5))
    until((home.run / "ran").exists)
    began = time.monotonic()
    await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED)
    assert time.monotonic() - began < 5
    assert home.alive() == []


@pytest.mark.parametrize(
    ("when", "nth", "exit_code"), [("before", 2, None), ("after", 2, 3), ("before", 3, 3), ("after", 3, 3)]
)
async def test_killed_while_sweeping(home, launcher, dying, when, nth, exit_code):
    """The child that an ended leader left behind is ended, and a recorded exit code stays."""
    dying("records.Records.write", when, nth)
    await launcher.start(home.spec("one", LEAVES_CHILD, restarts=0))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert (status.exit_code, status.ends) == (exit_code, 1)
    assert home.alive() == []


async def test_states_that_last_stay(home, launcher):
    """Running ones keep their process, waiting ones wait, ended ones stay ended."""
    running = await launcher.start(home.spec("running", STAYS))
    failed = await launcher.start(home.spec("failed", STAYS, cwd="/nowhere"))
    await launcher.start(home.spec("exited", STAYS))
    await launcher.stop("exited")
    exited = await wait_for(launcher, "exited", ProcessState.EXITED)
    await launcher.start(home.spec("waiting", "raise SystemExit(1)", restarts=20))
    async with asyncio.timeout(20):
        async for status in launcher.events():
            if status.instance == "waiting" and status.state is ProcessState.BACKOFF and status.ends == 5:
                waiting = status
                break
    home.kill_supervisor()
    found = {status.instance: status for status in await launcher.list()}
    assert found == {"running": running, "failed": failed, "exited": exited, "waiting": waiting}
    await launcher.stop("waiting")


async def test_end_while_nobody_watches(home, launcher):
    """What ended meanwhile is started again, with a reason that says so; what ends later is noticed at once."""
    first = await launcher.start(home.spec("one", STAYS))
    home.kill_supervisor()
    for pid in home.alive():
        os.kill(pid, signal.SIGKILL)
    until(lambda: not home.alive())
    assert first.pid
    status = await wait_for(launcher, "one", ProcessState.BACKOFF, ProcessState.RUNNING)
    assert status.exit_code is None
    status = await wait_for(launcher, "one", ProcessState.RUNNING)
    assert "while the supervisor was away" in home.log("one")
    home.kill_supervisor()
    attached = next(iter(await launcher.list()))
    assert attached.pid == status.pid
    os.kill(status.pid, signal.SIGKILL)
    status = await wait_for(launcher, "one", ProcessState.BACKOFF)
    assert "unknown exit code" in status.reason


@pytest.fixture
def stranger():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


async def test_used_pid_is_not_mistaken(home, launcher, stranger):
    """A record whose pid now belongs to somebody else is of a process that has ended; that one is left alone."""
    await launcher.start(home.spec("one", STAYS, restarts=0))
    home.kill_supervisor()
    path = home.state / "instances" / "one.json"
    pid = home.record("one")["identity"]["pid"]
    path.write_text(path.read_text().replace(f'"pid":{pid}', f'"pid":{stranger.pid}'))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert stranger.poll() is None
    assert status.exit_code is None
    assert home.alive() == [], "the real one was found by its mark"


async def test_broken_record_is_put_aside(home, launcher):
    """One unreadable file does not take the others along."""
    await launcher.start(home.spec("one", STAYS))
    home.kill_supervisor()
    (home.state / "instances" / "two.json").write_text('{"version": 1')
    assert [status.instance for status in await launcher.list()] == ["one"]
    assert (home.state / "instances" / "two.bad").exists()


async def test_events_begin_again(home, launcher):
    """A stream survives the supervisor: it starts another and tells everything anew."""
    await launcher.start(home.spec("one", STAYS))
    stream = launcher.events()
    async with asyncio.timeout(20):
        first = await anext(stream)
        home.kill_supervisor()
        assert await anext(stream) == first
        await launcher.stop("one")
        while (await anext(stream)).state is not ProcessState.EXITED:
            pass
    await stream.aclose()
    until(home.is_supervised)


@pytest.mark.parametrize("does_wait", [True, False], ids=["that waits", "that connects"])
async def test_close_ends_streams(home, does_wait):
    """A stream ends when its launcher is closed, whether it waits or is about to."""
    launcher = LocalLauncher(home.state, home.run)
    if does_wait:
        await launcher.start(home.spec("one", STAYS))
    statuses = launcher.events()
    if does_wait:
        await anext(statuses)

    async def read():
        return [status async for status in statuses]

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(read())
        await asyncio.sleep(0)
        await launcher.close()
    assert does_wait or task.result() == []
    await local.shutdown(home.state, home.run)


async def test_leaving_ends_nothing(home, launcher):
    """TERM to the supervisor lets instances run; the next one takes them up."""
    status = await launcher.start(home.spec("one", STAYS))
    os.kill(home.pid, signal.SIGTERM)
    until(lambda: not home.is_supervised())
    assert home.alive() == [status.pid]
    assert list(await launcher.list()) == [status]


async def test_killed_at_any_moment(home, launcher):
    """Killed again and again amid starts, crashes and stops: at the end every instance is as it was told to be."""
    for number in range(6):
        name = f"i{number}"
        await launcher.start(
            home.spec(name, "import time; time.sleep(0.05); raise SystemExit(1)", restarts=10**6)
        )
        await launcher.start(home.spec(f"{name}-stays", "import time; time.sleep(1000)"))
        await asyncio.sleep(random.random() * 0.1)  # noqa: S311 - when to kill is no secret
        home.kill_supervisor()
        if number % 2:
            await launcher.stop(name)
    for number in range(0, 6, 2):
        await launcher.stop(f"i{number}")
    for number in range(6):
        await wait_for(launcher, f"i{number}", ProcessState.EXITED)
    staying = [status for status in await launcher.list() if status.instance.endswith("-stays")]
    assert [(status.state, status.ends) for status in staying] == [(ProcessState.RUNNING, 0)] * 6
    assert sorted(home.alive()) == sorted(status.pid for status in staying)
