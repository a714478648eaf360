"""Where the supervisor is found and how it is started."""

from pathlib import Path

import pytest

import tholos_supervisor
from tholos.runtime.launchers import local
from tholos.runtime.launchers.errors import LauncherUnavailable, SocketPathTooLong
from tholos.runtime.launchers.local import LocalLauncher
from tholos_supervisor import program, wire


def test_both_sides_speak_one_protocol():
    """The constants that cannot be imported across are the same."""
    assert local.PROTOCOL == wire.PROTOCOL
    assert local.LONGEST_SOCKET_PATH == program.LONGEST_SOCKET_PATH


def test_command_runs_the_supervisor_alone():
    """It starts without site-packages, the environment's wishes and the current folder."""
    command = local.supervisor_command(Path("/data/supervisor"), Path("/run/t/supervisor.sock"))
    assert command[1:5] == ("-I", "-S", "-X", "utf8")
    assert Path(command[5]) == Path(tholos_supervisor.__file__).with_name("__main__.py")
    assert command[6:] == ("--detach", "/data/supervisor", "/run/t/supervisor.sock")


def test_long_runtime_folder_is_an_error_of_its_own():
    """107 bytes fit, 108 do not, and the message says which folder."""
    name = "/supervisor.sock"
    fits = Path("/" + "x" * (107 - len(name) - 1))
    assert len(str(local.socket_in(fits))) == 107
    with pytest.raises(SocketPathTooLong, match="107 bytes") as error:
        LocalLauncher(Path("/data"), Path(f"{fits}x"))
    assert error.value.fix


async def test_closed_launcher_refuses():
    """After close nothing is started any more."""
    launcher = LocalLauncher(Path("/nowhere/state"), Path("/nowhere/run"))
    await launcher.close()
    with pytest.raises(LauncherUnavailable):
        await launcher.list()
    assert [status async for status in launcher.events()] == []
