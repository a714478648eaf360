"""Secrets reach the process and nothing else: no record, no answer, no log, no command line."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tholos.runtime.model import InstanceSpec, ProcessState
from tholos.testing.launcher import wait_for
from tholos.testing.waiting import until

SECRET = "hunter2-never-to-be-seen"
SECRETS = {"DATABASE_URL": f"postgresql://u:{SECRET}@db/x", "KEY": SECRET}
TELLS = "import hashlib, os; print(hashlib.sha256(os.environ['KEY'].encode()).hexdigest()[:8], os.environ['PLAIN'], flush=True)"
STAYS = f"{TELLS}\nimport time; time.sleep(1000)"
ENDS = f"{TELLS}\nraise SystemExit(3)"
PLAIN = {"PATH": "/usr/bin:/bin", "PLAIN": "seen", "KEY": "the secret one comes before this"}


@pytest.fixture
def spec(home):
    def make(instance="one", code=STAYS, **changes):
        return home.spec(instance, code, env=PLAIN, secrets=SECRETS, **changes)

    return make


def leaks(home) -> list[str]:
    """Files below the supervisor's folders that hold a secret."""
    files = [path for path in home.run.rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def lines_of_commands(pids) -> bytes:
    return b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)


async def test_only_the_process_has_them(home, launcher, spec):
    """In every state of an instance its record tells that there are secrets, and not what they are."""
    told = [await launcher.start(spec())]
    until(lambda: "seen" in home.log("one"))
    record = home.record("one")
    assert record["has_secrets"] is True
    assert "secrets" not in record["spec"]
    assert record["spec"]["env"] == PLAIN
    told += await launcher.list()
    assert SECRET.encode() not in lines_of_commands([home.pid, *home.alive()])
    await launcher.start(spec("crashing", ENDS, restarts=1))
    told.append(await wait_for(launcher, "crashing", ProcessState.FAILED))
    assert home.log("crashing").count(" seen") == 2
    await launcher.stop("one")
    told.append(await wait_for(launcher, "one", ProcessState.EXITED))
    assert leaks(home) == []
    assert SECRET not in repr(told)


async def test_what_the_process_gets(home, launcher):
    """They come before a plain variable of the same name."""
    code = "import json, os; print(json.dumps(dict(os.environ)), flush=True)"
    await launcher.start(home.spec("one", code, env=PLAIN, secrets=SECRETS, restarts=0))
    await wait_for(launcher, "one", ProcessState.FAILED)
    environ = json.loads(next(line for line in home.log("one").splitlines() if line.startswith("{")))
    assert (environ["KEY"], environ["PLAIN"]) == (SECRET, "seen")
    assert environ["DATABASE_URL"] == SECRETS["DATABASE_URL"]


async def test_one_that_ends_after_its_supervisor_is_not_started_without_them(home, launcher, spec):
    """It goes on under the next supervisor; once it ends by itself it has EXITED, so that it is asked for anew."""
    first = await launcher.start(spec())
    home.kill_supervisor()
    (attached,) = await launcher.list()
    assert (attached.pid, attached.state) == (first.pid, ProcessState.RUNNING)
    os.kill(attached.pid, signal.SIGKILL)
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    assert "its secrets went with an earlier supervisor" in status.reason
    assert home.alive() == []
    await launcher.forget("one")
    assert (await launcher.start(spec())).state is ProcessState.RUNNING
    assert leaks(home) == []


async def test_one_that_ended_while_there_was_no_supervisor(home, launcher, spec):
    await launcher.start(spec())
    home.kill_supervisor()
    for pid in home.alive():
        os.kill(pid, signal.SIGKILL)
    until(lambda: not home.alive())
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    assert "while the supervisor was away" in status.reason
    assert "secrets" in status.reason


async def test_one_that_waits_for_its_start(home, launcher, spec):
    await launcher.start(spec(code=ENDS, restarts=20))
    async for status in launcher.events():
        if status.state is ProcessState.BACKOFF and status.ends == 5:
            break
    home.kill_supervisor()
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    assert status.reason.startswith("exited with code 3")
    assert "secrets" in status.reason
    assert home.record("one")["status"]["next_start_at"] is None


async def test_without_restarts_nothing_changes(home, launcher, spec):
    """What would not be started again anyway has FAILED as ever: whoever ran it wants to know."""
    status = await launcher.start(spec(restarts=0))
    home.kill_supervisor()
    await launcher.list()
    os.kill(status.pid, signal.SIGKILL)
    assert (await wait_for(launcher, "one", ProcessState.FAILED, ProcessState.EXITED)).state is (
        ProcessState.FAILED
    )


async def test_a_stop_is_a_stop(home, launcher, spec):
    await launcher.start(spec())
    home.kill_supervisor()
    await launcher.stop("one")
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    assert status.reason.endswith("after it was told to stop")


def test_specs_show_none():
    shown = replace(InstanceSpec("a", ["x"], {}, "/", "/log"), secrets=SECRETS)
    assert SECRET not in repr(shown)
