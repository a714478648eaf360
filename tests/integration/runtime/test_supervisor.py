"""The supervisor with real processes: starts, ends, what they leave behind, and how small it is itself."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tholos.runtime.launchers import local
from tholos.runtime.launchers.errors import LauncherUnavailable, SpecInvalid
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.model import ProcessState
from tholos.testing.launcher import history, wait_for
from tholos.testing.waiting import until
from tholos_supervisor import program, wire

FOREVER = "import time; time.sleep(1000)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(1000)"
BEGET = """
import os, sys, time
def beget(*, leave_session, drop_environment):
    if os.fork() == 0:
        if leave_session:
            os.setsid()
            if os.fork():
                os._exit(0)
        code = "import time; time.sleep(1000)"
        environment = {} if drop_environment else dict(os.environ)
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code, sys.argv[1]], environment)
beget(leave_session=False, drop_environment=True)
beget(leave_session=True, drop_environment=False)
time.sleep(0.3)
print("begotten", flush=True)
"""


@pytest.fixture
def said(home):
    """Waits for a word in a log."""
    return lambda instance, word: until(lambda: word in home.log(instance))


async def test_process_is_as_its_spec_says(home, launcher):
    """Environment, folder, limits, descriptors, session and standard input are exactly those that were asked for."""
    code = (
        "import json, os, resource, sys; print(json.dumps([dict(os.environ), os.getcwd(),"
        " resource.getrlimit(resource.RLIMIT_NOFILE), sorted(map(int, os.listdir('/proc/self/fd')))[:-1],"
        " os.getsid(0) == os.getpid(), sys.stdin.read(), os.readlink('/proc/self/fd/2')]), flush=True)"
    )
    spec = home.spec("one", code, env={"A": "ü", "PATH": "/bin"}, limits={"nofile": 77}, restarts=0)
    await launcher.start(spec)
    await wait_for(launcher, "one", ProcessState.FAILED)
    line = next(line for line in home.log("one").splitlines() if line.startswith("[" + "{"))
    environ, cwd, nofile, fds, leads, stdin, stderr = json.loads(line)
    assert environ.pop("THOLOS_INSTANCE_MARK")
    environ.pop("LC_CTYPE", None)
    assert environ == {"A": "ü", "PATH": "/bin"}
    assert (cwd, nofile, leads, stdin, stderr) == (str(home.run), [77, 77], True, "", spec.log)
    assert fds == [0, 1, 2]


async def test_crash_loop(home, launcher):
    """Ends back off, are told one by one, stand in the log, and end in FAILED."""
    await launcher.start(home.spec("one", "raise SystemExit(1)", restarts=2))
    seen = await history(launcher, "one", ProcessState.FAILED)
    assert [status.ends for status in seen if status.state is ProcessState.BACKOFF] in ([1, 2], [2])
    assert (seen[-1].ends, seen[-1].exit_code) == (3, 1)
    lines = home.log("one").splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["[tholos]"] * 6
    assert lines[0].startswith("[tholos] started, pid ")
    assert "exited with code 1 after 0." in lines[1]
    assert lines[1].endswith("starting again in 0.1 s")
    assert lines[3].endswith("starting again in 0.2 s")
    assert "3 times in a row" in lines[5]


async def test_run_that_lasts_forgives_earlier_ends(home, launcher):
    """After ``stable_s`` the count of a restarted instance is 0 again, and told."""
    code = (
        "import os, time; os.path.exists('seen') and time.sleep(1000); open('seen', 'w'); raise SystemExit(1)"
    )
    await launcher.start(home.spec("one", code, stable_s=0.3))
    await wait_for(launcher, "one", ProcessState.BACKOFF)
    async with asyncio.timeout(20):
        async for status in launcher.events():
            if status.state is ProcessState.RUNNING and status.ends == 0:
                break


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"argv": ["/nowhere/python"]}, "Cannot start /nowhere/python: No such file or directory."),
        (
            {"argv": ["surely-no-such-program"]},
            "Cannot start surely-no-such-program: No such file or directory.",
        ),
        ({"argv": ["/etc/passwd"]}, "Cannot start /etc/passwd: Permission denied."),
        ({"cwd": "/nowhere"}, "Cannot start in /nowhere: No such file or directory."),
        ({"log": "/nowhere/log"}, "Cannot open the log /nowhere/log: No such file or directory."),
        ({"log": "/dev/null"}, "Cannot open the log /dev/null: it is no regular file."),
    ],
)
async def test_what_cannot_start_fails_at_once(home, launcher, changes, reason):
    """The answer already has the reason, and nothing is tried again."""
    status = await launcher.start(home.spec("one", FOREVER, **changes))
    assert (status.state, status.reason) == (ProcessState.FAILED, reason)
    assert home.alive() == []


async def test_script_without_interpreter(home, launcher):
    """A first line that names a missing interpreter is told apart from a missing script."""
    script = home.run / "script"
    script.write_text("#!/nowhere/python\n")
    script.chmod(0o700)
    status = await launcher.start(home.spec("one", FOREVER, argv=[str(script)]))
    assert "interpreter that its first line names is missing" in status.reason


async def test_deaf_instance_is_killed_after_grace(home, launcher, said):
    """TERM, then KILL; the stop itself answers at once."""
    await launcher.start(home.spec("one", DEAF, grace_s=0.3))
    said("one", "deaf")
    began = time.monotonic()
    assert (await launcher.stop("one")).state is ProcessState.STOPPING
    assert time.monotonic() - began < 0.2
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    assert 0.3 <= time.monotonic() - began < 3
    assert status.exit_code == -signal.SIGKILL
    assert "did not stop within 0.3 s, killed" in home.log("one")
    assert home.alive() == []


@pytest.mark.parametrize("end", ["time.sleep(1000)", "raise SystemExit(7)"])
async def test_no_descendant_survives(home, launcher, said, end):
    """Whoever ends the leader: children, and grandchildren that left its session, are gone when it is told."""
    await launcher.start(home.spec("one", BEGET + end, restarts=0))
    said("one", "begotten")
    if end.startswith("time"):
        assert len(home.alive()) == 3
        await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED, ProcessState.FAILED)
    assert home.alive() == []


async def test_socket_file_does_not_outlive_its_process(home, launcher):
    """It is removed before each start and after the end."""
    path = home.run / "app.sock"
    path.touch()
    code = f"import os, time; assert not os.path.exists({str(path)!r}); open({str(path)!r}, 'w').close(); {FOREVER}"
    await launcher.start(home.spec("one", code, socket=str(path), restarts=0))
    until(path.exists)
    assert (await launcher.list())[0].state is ProcessState.RUNNING
    await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED)
    assert not path.exists()


async def test_end_is_durable_before_it_is_told(home, launcher):
    """At the moment of the event the record on disk has the exit code, and no variables any more."""
    await launcher.start(home.spec("one", "raise SystemExit(5)", restarts=0, env={"SECRET": "s3cret"}))
    await wait_for(launcher, "one", ProcessState.FAILED)
    record = home.record("one")
    assert record["status"]["exit_code"] == 5
    assert "s3cret" not in json.dumps(record)
    home.kill_supervisor()
    assert [status.exit_code for status in await launcher.list()] == [5]


async def test_files_are_private(home, launcher):
    """Records, log and socket are for the owner only."""
    await launcher.start(home.spec("one", FOREVER))
    modes = [home.state, home.state / "instances" / "one.json", home.run / "one.log", home.socket]
    assert [path.stat().st_mode & 0o777 for path in modes] == [0o700, 0o600, 0o600, 0o600]


async def test_second_supervisor_refuses(home, launcher, run_program):
    """One folder has one supervisor; one socket has one, too."""
    await launcher.list()
    again = run_program(home.command())
    assert again.returncode == local.ANOTHER_HAS_IT
    assert "another supervisor has" in again.stderr
    other = local.supervisor_command(home.run / "other", home.socket)
    again = run_program(other)
    assert again.returncode == 1
    assert "another folder listens there" in again.stderr


async def test_two_launchers_start_one_supervisor(home):
    """Servers that come up together share one."""
    launchers = [LocalLauncher(home.state, home.run) for _ in range(4)]
    await asyncio.gather(*[launcher.list() for launcher in launchers])
    assert len({home.pid}) == 1
    await launchers[0].start(home.spec("one", FOREVER))
    assert [len(await launcher.list()) for launcher in launchers] == [1] * 4
    for launcher in launchers:
        await launcher.close()


async def test_supervisor_that_cannot_start_says_why(home):
    """The reason comes with the error."""
    home.state.write_text("a file")
    launcher = LocalLauncher(home.state, home.run)
    with pytest.raises(LauncherUnavailable, match="File exists"):
        await launcher.list()
    await launcher.close()


async def test_silent_supervisor_is_an_error_in_time(home):
    """A stopped process does not hold the server."""
    launcher = LocalLauncher(home.state, home.run, timeout_s=0.5)
    await launcher.list()
    os.kill(home.pid, signal.SIGSTOP)
    with pytest.raises(LauncherUnavailable, match=r"no answer within 0\.5 s"):
        await launcher.list()
    os.kill(home.pid, signal.SIGCONT)
    assert list(await launcher.list()) == []
    await launcher.close()


async def test_spec_is_refused_with_its_field(home, launcher):
    """What the supervisor refuses arrives as an error of ours."""
    with pytest.raises(SpecInvalid) as error:
        await launcher.start(home.spec("../up", FOREVER))
    assert error.value.where == "instance"


SERVER = """
import asyncio, sys
from pathlib import Path
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.model import InstanceSpec
async def main():
    launcher = LocalLauncher(Path({state!r}), Path({run!r}))
    spec = InstanceSpec("one", ["sleep", "1000"], {{"PATH": "/usr/bin:/bin"}}, "/", {log!r})
    print((await launcher.start(spec)).pid, flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


@pytest.fixture
def killed_server(home):
    """The pid of an instance whose server was killed, with its whole process group."""
    code = SERVER.format(state=str(home.state), run=str(home.run), log=str(home.run / "one.log"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    ) as process:
        pid = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGKILL)
    return pid


async def test_instances_outlive_their_client(home, killed_server):
    """A server that is killed takes neither supervisor nor instances along."""
    launcher = LocalLauncher(home.state, home.run)
    found = [(status.pid, status.state) for status in await launcher.list()]
    assert found == [(killed_server, ProcessState.RUNNING)]
    await launcher.close()
    await local.shutdown(home.state, home.run)
    assert home.record("one")["status"]["state"] == "exited"


async def test_shutdown_waits_for_the_last_end(home, launcher, said):
    """All are stopped, deaf ones after their grace; the supervisor leaves; nothing is left to do a second time."""
    await launcher.start(home.spec("one", FOREVER))
    await launcher.start(home.spec("two", DEAF, grace_s=0.3))
    await launcher.start(home.spec("three", "raise SystemExit(1)"))
    said("two", "deaf")
    await local.shutdown(home.state, home.run)
    assert home.alive() == []
    until(lambda: not home.is_supervised())
    assert not home.socket.exists()
    states = {home.record(name)["status"]["state"] for name in ("one", "two", "three")}
    assert states <= {"exited", "failed"}


async def test_shutdown_without_a_supervisor_finds_instances(home, launcher):
    """What a killed supervisor left running is stopped as well; an empty folder is fine."""
    await local.shutdown(home.run / "empty", home.run)
    await launcher.start(home.spec("one", FOREVER))
    home.kill_supervisor()
    assert len(home.alive()) == 1
    await local.shutdown(home.state, home.run)
    assert home.alive() == []


async def test_other_protocol_is_replaced(home, monkeypatch):
    """After an upgrade the old supervisor leaves and the new one takes up its instances."""
    old = LocalLauncher(home.state, home.run)
    status = await old.start(home.spec("one", FOREVER))
    await old.close()
    before = home.pid
    launcher = LocalLauncher(home.state, home.run)
    monkeypatch.setattr(local, "PROTOCOL", 99)
    original = launcher._agrees

    async def once(link):
        result = await original(link)
        monkeypatch.setattr(local, "PROTOCOL", wire.PROTOCOL)
        return result

    monkeypatch.setattr(launcher, "_agrees", once)
    assert list(await launcher.list()) == [status]
    assert home.pid != before
    assert len(home.alive()) == 1
    await launcher.close()


async def test_it_is_small(home, launcher):
    """An idle supervisor stays below 14 MB."""
    await launcher.list()
    assert home.is_small_enough(14_000) == ""


def test_usage(home, run_program):
    """A wrong command line is told how it should be, a long socket path why not."""
    command = home.command()[:6]
    done = run_program(command)
    assert (done.returncode, done.stderr) == (2, program.USAGE + "\n")
    done = run_program([*command, "/x", "/" + "y" * 107])
    assert (done.returncode, "more than 107 bytes" in done.stderr) == (1, True)
