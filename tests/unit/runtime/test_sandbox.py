import pytest

from tholos.runtime.model import Mount, MountAccess
from tholos.runtime.sandbox import Bounds, Enclosure, SandboxMissing, Seen, of_interpreter, plan
from tholos.runtime.walls import LAYERS, Mode, Walls

ALL = Walls("/usr/bin/bwrap", dict.fromkeys([layer.name for layer in LAYERS], ""))
SEEN = Seen("/d/data", ("/usr/lib/python3", "/d/env", "/d/src", "/d/data"), ("/d/data", "/d/run/one/"))
BOUNDS = Bounds(memory_mb=256, cpu=1.5, processes=50)


def without(*names):
    return Walls("/usr/bin/bwrap", {**ALL.missing, **dict.fromkeys(names, "not here")})


def test_everything_that_the_machine_has():
    sandbox = plan(ALL, Mode.AUTO, SEEN, BOUNDS, 7)
    assert (sandbox.uid, sandbox.bubblewrap, sandbox.seccomp, sandbox.landlock) == (
        7,
        "/usr/bin/bwrap",
        True,
        True,
    )
    assert (sandbox.memory, sandbox.cpu, sandbox.processes) == (256 << 20, 1500, 50)
    assert sandbox.mounts == (
        Mount("/d/env", MountAccess.READ),
        Mount("/d/src", MountAccess.READ),
        Mount("/d/data", MountAccess.WRITE),
        Mount("/d/run/one", MountAccess.WRITE),
    )


def test_without_bubblewrap_landlock_and_no_user():
    sandbox = plan(without("bubblewrap", "network"), Mode.AUTO, SEEN, Bounds(network=False), 7)
    assert (sandbox.uid, sandbox.bubblewrap, sandbox.landlock, sandbox.network) == (0, "", True, True)


def test_without_groups_there_are_no_limits():
    sandbox = plan(without("cgroups"), Mode.AUTO, SEEN, BOUNDS, 7)
    assert (sandbox.cgroups, sandbox.memory, sandbox.cpu, sandbox.processes) == (False, 0, 0, 0)


@pytest.mark.parametrize(("walls", "mode"), [(ALL, Mode.OFF), (Walls(), Mode.AUTO)])
def test_no_sandbox(walls, mode):
    assert plan(walls, mode, SEEN, BOUNDS, 7) is None


def test_what_is_required_and_missing_starts_nothing():
    Enclosure(without("landlock"), Mode.REQUIRED).check()
    Enclosure(without("seccomp"), Mode.AUTO).check()
    for names in (["seccomp"], ["cgroups"], ["bubblewrap", "landlock"]):
        with pytest.raises(SandboxMissing) as refused:
            Enclosure(without(*names), Mode.REQUIRED).check()
        assert names[0] in refused.value.message


def test_an_interpreter_shows_its_own_folders_only(tmp_path):
    for name in ("bin", "lib", "secret"):
        (tmp_path / name).mkdir()
    assert of_interpreter(f"{tmp_path}/bin/python3.12") == [f"{tmp_path}/bin", f"{tmp_path}/lib"]
    assert of_interpreter("/usr/bin/python3") == []
    assert of_interpreter("/usr/local/bin/python3") == []
