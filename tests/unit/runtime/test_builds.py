"""What builds are held by, and what is taken of what they leave."""

import json
import os
from pathlib import Path

import pytest

from tholos.runtime import builds
from tholos.runtime.builds import BuildOverLimits, Builds, BuildWallsMissing
from tholos.runtime.sandbox import Bounds, Enclosure, SandboxMissing, Seen
from tholos.runtime.uv import Index
from tholos.runtime.uv_failures import BuildFailed
from tholos.runtime.walls import LAYERS, Mode, Walls

ALL = Walls("/usr/bin/bwrap", dict.fromkeys((layer.name for layer in LAYERS), ""))
SEEN = Seen("/w/own", ("/w", "/opt/python/bin"), ("/w/own", "/cache"))


def held(enclosure, tmp_path):
    return Builds(enclosure).held(["uv", "pip"], SEEN, 7, tmp_path, 60.0)


def test_without_walls_a_command_is_called_as_it_is(tmp_path):
    assert held(Enclosure(), tmp_path) == ["uv", "pip"]
    assert held(Enclosure(ALL, Mode.OFF), tmp_path) == ["uv", "pip"]


def test_behind_walls_its_order_says_all_of_them_and_its_variables_nowhere(tmp_path):
    call = held(Enclosure(ALL, Mode.AUTO, Bounds(100, 1.5, 20, disk_mb=3), ports=(3128,)), tmp_path)
    assert call[-2:] == ["uv", "pip"]
    order = json.loads(call[-3])
    assert (order["written"], order["disk"], order["seconds"]) == (["/w/own", "/cache"], 3 << 20, 60.0)
    sandbox = order["sandbox"]
    assert (sandbox["uid"], sandbox["memory"], sandbox["processes"], sandbox["cpu"]) == (
        7,
        100 << 20,
        20,
        1500,
    )
    assert (sandbox["guarded"], sandbox["ports"]) == (True, [3128])
    assert ["/cache", "write"] in sandbox["mounts"]
    assert ["/w", "read"] in sandbox["mounts"]


def test_walls_that_are_required_are_missed_in_the_words_of_a_build(tmp_path):
    with pytest.raises(SandboxMissing, match="Cannot build the environment"):
        held(Enclosure(Walls(), Mode.REQUIRED), tmp_path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (builds.MEMORY, "100 MB of memory"),
        (builds.PROCESSES, "20 processes"),
        (builds.DISK, "3 MB on the disk"),
        (builds.TIME, "more time"),
    ],
)
def test_each_limit_is_told_with_what_to_do(code, words):
    told = Builds(Enclosure(ALL, Mode.AUTO, Bounds(100, 0, 20, disk_mb=3))).told(code)
    assert isinstance(told, BuildOverLimits)
    assert words in told.message
    assert told.fix


def test_other_ends_are_uvs_own():
    behind = Builds(Enclosure(ALL, Mode.AUTO))
    assert [behind.told(code) for code in (0, 1, 2, 137)] == [None] * 4
    assert isinstance(behind.told(builds.WALLS), BuildWallsMissing)
    assert Builds().told(builds.MEMORY) is None


def test_the_operators_index_and_proxies_are_reached_where_they_are_on_this_machine():
    index = Index(
        "http://user:word@127.0.0.1:8081/simple", ("https://pypi.example.org/simple",), ("/srv/wheels",)
    )
    found = builds.local_ports(index, {"HTTPS_PROXY": "http://localhost:3128", "http_proxy": "http://[::1"})
    assert list(found) == [8081, 443, 3128]


def test_what_uv_reads_is_shown_as_far_as_it_is_there(tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "uv").write_text("")
    index = Index(tmp_path.as_uri(), (), (str(tmp_path / "wheels"), "https://example.org/links"))
    env = {"SSL_CERT_FILE": str(tmp_path / "nowhere")}
    found = builds.read_for(index, env, str(tmp_path / "uv"), "/usr/bin/python3")
    assert set(found) == {str(tmp_path), str(tmp_path / "wheels"), str(tmp_path / "uv")}


def test_files_and_links_within_are_settled(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "tool").write_text("")
    (tmp_path / "lib" / "tool").chmod(0o6755)
    (tmp_path / "lib64").symlink_to("lib")
    (tmp_path / "python").symlink_to("/usr/bin/python3")
    builds.settle(tmp_path, builds.links_in(tmp_path))
    assert (tmp_path / "lib" / "tool").stat().st_mode & 0o7777 == 0o755


def test_a_link_that_leads_out_and_what_is_no_file_are_refused(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path.parent)
    with pytest.raises(BuildFailed, match=r"'out' is a link that leads out"):
        builds.settle(tmp_path, [])
    (tmp_path / "out").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BuildFailed, match=r"'pipe' is no file"):
        builds.settle(tmp_path, [])


def test_what_nobody_may_write_and_what_lies_deep_is_removed(tmp_path):
    top = Path.cwd()
    deep = tmp_path / "deep"
    deep.mkdir()
    try:
        os.chdir(deep)
        for _ in range(1200):
            Path("d").mkdir(0o700)
            os.chdir("d")
    finally:
        os.chdir(top)
    (tmp_path / "deep" / "kept").mkdir(0o500)
    builds.remove(deep)
    assert [*tmp_path.iterdir()] == []
    builds.remove(deep)
