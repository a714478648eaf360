import pytest

from tholos_supervisor.sandbox import Mount, Sandbox, Wrong, sandbox_from, sandbox_to_json


def test_what_is_written_is_read_again():
    sandbox = Sandbox(
        uid=5,
        home="/h",
        bubblewrap="/usr/bin/bwrap",
        cgroups=True,
        memory=1 << 28,
        mounts=(Mount("/a", "read"),),
    )
    assert sandbox_from(sandbox_to_json(sandbox)) == sandbox
    assert sandbox_from(None) is None
    assert sandbox_from({}) == Sandbox()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "sandbox"),
        ({"other": 1}, "sandbox.other"),
        ({"uid": -1}, "sandbox.uid"),
        ({"uid": True}, "sandbox.uid"),
        ({"seccomp": 1}, "sandbox.seccomp"),
        ({"bubblewrap": "bwrap"}, "sandbox.bubblewrap"),
        ({"mounts": [["/a/../b", "read"]]}, "sandbox.mounts"),
        ({"mounts": [["/a", "all"]]}, "sandbox.mounts"),
        ({"mounts": [["a", "read"]]}, "sandbox.mounts"),
        ({"mounts": [["/\ud800", "read"]]}, "sandbox.mounts"),
        ({"mounts": {}}, "sandbox.mounts"),
        ({"network": False}, "sandbox.network"),
        ({"memory": 1}, "sandbox.cgroups"),
    ],
)
def test_what_makes_no_sense_is_refused(value, field):
    with pytest.raises(Wrong) as refused:
        sandbox_from(value)
    assert refused.value.field == field
