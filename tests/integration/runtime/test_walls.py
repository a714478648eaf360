"""Instances behind walls: they begin, end and are ended as others are, and the walls hold. On what this machine has."""

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tholos.runtime.model import Mount, MountAccess, ProcessState, Sandbox
from tholos.testing.launcher import wait_for
from tholos.testing.waiting import until

WAIT = "while :; do sleep 0.05; done"


def groups_left(home):
    """Control groups of this supervisor."""
    return [
        path
        for path in Path("/sys/fs/cgroup").rglob("one")
        if path.parent.name.startswith("tholos-") and str(path) in home.record("one").get("groups", [])
    ]


@pytest.mark.parametrize(
    ("ends", "code"), [("exit 7", 7), ("kill -9 $$", -9), ("exit 0", 0), ("exit 255", 255)]
)
async def test_its_end_is_its_own(launcher, script, ends, code):
    await launcher.start(script(ends))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert status.exit_code == code


async def test_told_to_stop_it_says_goodbye(home, launcher, script):
    await launcher.start(script(f"trap 'echo bye; exit 3' TERM; echo up; {WAIT}"))
    until(lambda: "up" in home.log("one"))
    await launcher.stop("one")
    status = await wait_for(launcher, "one", ProcessState.EXITED)
    assert (status.exit_code, "bye" in home.log("one")) == (3, True)
    assert groups_left(home) == []


async def test_who_hears_nothing_and_hides_is_ended_with_all_it_began(home, launcher, script):
    hide = f"trap '' TERM; setsid env -i /bin/sh -c '{WAIT}' {home.word} & echo up; {WAIT}"
    await launcher.start(script(hide, grace_s=0.2))
    until(lambda: "up" in home.log("one"))
    groups = [Path(one) for one in home.record("one")["groups"]]
    assert all(one.exists() for one in groups)
    await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED)
    until(lambda: home.alive() == [])
    until(lambda: not any(one.exists() for one in groups))


async def test_what_it_puts_beside_its_socket_goes_with_it(home, launcher, script, sandbox):
    beside = home.run / "beside"
    within = replace(sandbox, mounts=(*sandbox.mounts, Mount(str(beside), MountAccess.WRITE)))
    text = f"cd {beside} && mkdir -p a/b && touch a/b/c && ln -s / up && ln -s {home.run}/own/kept down"
    (home.run / "own" / "kept").write_text("kept")
    await launcher.start(script(text, within=within, socket=str(beside / "app.sock")))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert status.exit_code == 0, home.log("one")
    assert not beside.exists()
    assert (home.run / "own" / "kept").read_text() == "kept"


async def test_a_folder_that_was_made_for_one_that_was_never_recorded_goes(home, launcher):
    """The supervisor was killed in between."""
    (home.run / "never").mkdir()
    (home.run / "others").mkdir()
    (home.run / "others" / "file").write_text("")
    assert await launcher.list() == []
    assert not (home.run / "never").exists()
    assert (home.run / "others" / "file").exists()


async def test_a_supervisor_that_dies_takes_it_up_again(home, launcher, script):
    await launcher.start(script(f"trap 'exit 3' TERM; echo up; {WAIT}"))
    until(lambda: "up" in home.log("one"))
    before = (await launcher.list())[0].pid
    home.kill_supervisor()
    assert [(one.state, one.pid) for one in await launcher.list()] == [(ProcessState.RUNNING, before)]
    await launcher.stop("one")
    await wait_for(launcher, "one", ProcessState.EXITED)
    until(lambda: home.alive() == [])


async def test_secrets_are_in_no_list_of_processes(home, launcher, script):
    await launcher.start(
        script(f"echo $KEY $OPEN; {WAIT}", secrets={"KEY": "hidden-1"}, env={"OPEN": "plain-1"})
    )
    until(lambda: "hidden-1 plain-1" in home.log("one"))
    shown = [(Path("/proc") / str(pid) / "cmdline").read_bytes() for pid in home.alive()]
    assert shown
    assert not any(b"hidden-1" in one or b"plain-1" in one for one in shown)


async def test_who_may_use_no_network_has_none(home, launcher, script, sandbox, found):
    if not found.has("network"):
        pytest.skip(found.missing["network"])
    await launcher.start(script("grep -c : /proc/net/dev", within=replace(sandbox, network=False)))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert (status.exit_code, "\n1\n" in home.log("one")) == (0, True)


async def test_it_sees_what_it_is_shown(home, launcher, script):
    (home.run / "secret").write_text("of the server")
    code = (
        f"ls /; id -un; echo x > file && echo written; cat {home.run}/secret; ls {home.run}; touch /x; exit 5"
    )
    await launcher.start(script(code))
    await wait_for(launcher, "one", ProcessState.FAILED)
    log = home.log("one")
    assert "of the server" not in log
    assert ("written" in log, "\nown\n" in log, (home.run / "own" / "file").read_text()) == (
        True,
        True,
        "x\n",
    )
    assert "/x: Read-only file system" in log.replace("'", "")


async def test_landlock_alone_keeps_files_apart(home, launcher, script, found):
    if not found.has("landlock"):
        pytest.skip(found.missing["landlock"])
    (home.run / "secret").write_text("of the server")
    os.chown(home.run / "own", os.getuid(), os.getgid())  # root without its rights is one user among others
    mounts = (Mount(str(home.run / "own"), MountAccess.WRITE),)
    within = Sandbox(landlock=True, seccomp=found.has("seccomp"), mounts=mounts)
    await launcher.start(
        script(f"cat {home.run}/secret; echo x > {home.run}/own/file; ls /root; exit 4", within=within)
    )
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert (status.exit_code, "of the server" in home.log("one")) == (4, False)
    assert home.log("one").count("Permission denied") == 2
    assert (home.run / "own" / "file").read_text() == "x\n"


REAL_PYTHON = str(Path(sys.executable).resolve())
ASKS = """
import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    client.sendall(b'{"id": 1, "op": "list"}\\n')
    print("it answers" if client.recv(1) else "it is silent")
"""


async def test_without_bubblewrap_nobody_behind_walls_gets_orders_taken(home, launcher, script, found):
    """Landlock keeps nobody from a socket that lies in a folder, and what runs there is of the supervisor's user."""
    if not found.has("landlock"):
        pytest.skip(found.missing["landlock"])
    mounts = (Mount(sys.base_prefix, MountAccess.READ), Mount(str(home.run / "own"), MountAccess.WRITE))
    within = Sandbox(landlock=True, seccomp=found.has("seccomp"), mounts=mounts)
    words = shlex.join([REAL_PYTHON, "-I", "-S", "-c", ASKS, str(home.socket)])
    await launcher.start(script(f"{words}; exit 4", within=within))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert status.exit_code == 4
    assert "it answers" not in home.log("one")
    ends = ("it is silent", "ConnectionResetError", "BrokenPipeError")
    assert any(one in home.log("one") for one in ends)
    assert [one.instance for one in await launcher.list()] == ["one"]


async def test_a_wall_that_is_missing_starts_nothing(launcher, script, sandbox):
    for within in (
        replace(sandbox, bubblewrap="/nowhere/bwrap"),
        replace(sandbox, mounts=(Mount("/nowhere/x", MountAccess.READ),)),
    ):
        status = await launcher.start(script("exit 0", within=within))
        status = await wait_for(launcher, "one", ProcessState.FAILED)
        assert "sandbox cannot be had" in status.reason or status.exit_code == 1
        await launcher.forget("one")


async def test_more_memory_than_its_own_ends_it(home, launcher, script, sandbox, found):
    if not found.has("cgroups"):
        pytest.skip(found.missing["cgroups"])
    hog = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo $?"
    await launcher.start(script(hog, within=replace(sandbox, memory=32 << 20)))
    status = await wait_for(launcher, "one", ProcessState.FAILED)
    assert "it used more than its 32 MB of memory" in status.reason
