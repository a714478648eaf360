"""Processes that wait for the word to go on, under a real supervisor."""

import os
import signal
from dataclasses import replace

import pytest

from tholos.runtime.launchers.errors import SpecChanged
from tholos.runtime.model import ProcessState
from tholos.testing.launcher import wait_for
from tholos.testing.waiting import until

WAITS = "import os, time; os.write(0, b'w'); print('told', os.read(0, 1), flush=True); time.sleep(1000)"


async def prepared(launcher, spec):
    """Its pid, once it waits."""
    await launcher.start(replace(spec, waits=True))
    async for status in launcher.events():
        if status.instance == spec.instance and status.is_warm:
            return status.pid
    return None


async def test_it_goes_on_as_what_it_waits_to_be(home, launcher):
    """Being told twice is being told once, and it is the same process."""
    spec = home.spec("one", WAITS, secrets={"KEY": "s3"})
    pid = await prepared(launcher, spec)
    assert "told" not in home.log("one")
    with pytest.raises(SpecChanged):
        await launcher.start(replace(spec, secrets={"KEY": "s4"}))
    for _ in range(2):
        status = await launcher.start(spec)
        assert (status.pid, status.is_warm, status.state) == (pid, False, ProcessState.RUNNING)
    until(lambda: "told b'g'" in home.log("one"))
    assert home.record("one")["spec"]["waits"] is False


async def test_one_that_was_told_is_started_again_as_any_other(home, launcher):
    spec = home.spec("one", "import os, time; time.sleep(1000)")
    await launcher.start(replace(spec, waits=True))
    status = await launcher.start(spec)
    os.kill(status.pid, signal.SIGKILL)
    until(lambda: (home.record("one")["status"]["pid"] or status.pid) != status.pid)


async def test_one_that_ends_while_it_waits_has_failed(home, launcher):
    """It is not told to go on any more."""
    spec = home.spec("one", WAITS)
    os.kill(await prepared(launcher, spec), signal.SIGKILL)
    await wait_for(launcher, "one", ProcessState.FAILED)
    with pytest.raises(SpecChanged):
        await launcher.start(spec)
    await launcher.forget("one")


async def test_one_that_waits_is_ended(home, launcher):
    pid = await prepared(launcher, home.spec("one", WAITS))
    await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED)
    assert pid not in home.alive()


async def test_one_that_waits_ends_with_its_supervisor(home, launcher):
    """The way to it is gone; the next supervisor neither starts it again nor lets it go on."""
    spec = home.spec("one", WAITS.replace("time.sleep(1000)", "time.sleep(0)"))
    await prepared(launcher, spec)
    home.kill_supervisor()
    until(lambda: not home.alive())
    await wait_for(launcher, "one", ProcessState.FAILED)
    with pytest.raises(SpecChanged):
        await launcher.start(spec)
