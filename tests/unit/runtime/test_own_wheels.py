"""What packages among the files are made of, and what is refused before anything is built."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tholos.detect.model import Evidence
from tholos.detect.own_packages import Named
from tholos.runtime import own_wheels
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import OwnPackage
from tholos.runtime.own_wheels import Making
from tholos.runtime.uv import Index, Watch
from tholos.runtime.uv_failures import BadRequirement, HashMismatch, Origin
from tholos.runtime.workshop import Place, Workshop
from tholos.testing.wheels import wheel

PYTHON = Interpreter("cpython", "3.11.7", "/opt/python3.11", "linux-x86_64-glibc")
TINY = wheel("tiny", "1.0")


class Memory:
    """Files in memory."""

    def __init__(self, files):
        self.files = files

    def below(self, path):
        start = f"{path}/" if path else ""
        return {
            one[len(start) :]: hashlib.sha256(data).hexdigest()
            for one, data in self.files.items()
            if one == path or one.startswith(start)
        }

    def write(self, path, target):
        Path(target).write_bytes(self.files[path])


@pytest.fixture
def making(tmp_path):
    for name in ("work", "guards"):
        (tmp_path / name).mkdir()
    shop = Workshop(tmp_path, program="/nowhere/uv", env={}, index=Index())
    origin = Origin("requirements.txt", own={f"w/{TINY.name}": Evidence("requirements.txt", 3)})
    files = Memory({f"w/{TINY.name}": TINY.data, "w/note.txt": b"", "w/in/x-1.0.zip": b""})
    return Making(shop, Place(tmp_path / "work", tmp_path / "cache", Watch()), "anna", PYTHON, files, origin)


def test_a_digest_is_that_of_a_file_or_of_all_below_a_folder(making):
    files = making.files
    digests = own_wheels.digests(files, [f"w/{TINY.name}", "w", "gone"])
    assert (digests[f"w/{TINY.name}"], digests["gone"]) == (TINY.sha256, "")
    files.files["w/note.txt"] = b"changed"
    changed = own_wheels.digests(files, [f"w/{TINY.name}", "w"])
    assert (changed["w"] != digests["w"], changed[f"w/{TINY.name}"]) == (True, TINY.sha256)


def test_a_folder_of_wheels_is_what_packages_lie_in_it(making):
    files, before = making.files, own_wheels.links_of(["w"], making.files)
    files.files["w/note.txt"] = b"changed"
    assert own_wheels.links_of(["w"], files) == before
    files.files["w/other-1.0-py3-none-any.whl"] = b""
    assert own_wheels.links_of(["w"], files) != before
    options = own_wheels.lay_links(before, files, making.place.folder)
    laid = sorted(path.name for path in Path(options[1]).iterdir())
    assert laid == ["other-1.0-py3-none-any.whl", TINY.name]


def test_a_wheel_is_laid_once_for_its_owner(making, tmp_path):
    named = Named(f"w/{TINY.name}", extras="[a]")
    made = own_wheels.make_all({1: named, 2: Named(named.path, extras="[b]")}, making)
    assert [(one.package.name, one.package.version, one.extras) for one in made] == [("tiny", "1.0", "[a,b]")]
    assert made[0].wheel.read_bytes() == TINY.data
    making.files.write = None  # it is not asked again
    assert own_wheels.wheel_of(made[0].package, making) == made[0].wheel


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_hashes_of_a_line_are_compared(making, algorithm):
    good = f"{algorithm}:{hashlib.new(algorithm, TINY.data).hexdigest()}"
    bad = f"{algorithm}:{hashlib.new(algorithm, b'other').hexdigest()}"
    path = f"w/{TINY.name}"
    assert own_wheels.make_all({1: Named(path, hashes=(bad, good))}, making)
    with pytest.raises(HashMismatch) as caught:
        own_wheels.make_all({1: Named(path, hashes=(bad,))}, making)
    assert caught.value.where == "requirements.txt:3"


def test_what_was_locked_is_not_taken_for_something_else(making):
    """Whoever names somebody's hash must have published what it is of."""
    other = OwnPackage(f"w/{TINY.name}", "0" * 64, "tiny", "1.0", is_folder=False)
    with pytest.raises(HashMismatch):
        own_wheels.wheel_of(other, making)


@pytest.mark.parametrize(
    ("marker", "count"), [("python_version < '3.11'", 0), ("python_full_version >= '3.11.7'", 1)]
)
def test_markers_are_those_of_the_interpreter(making, marker, count):
    assert len(own_wheels.make_all({1: Named(f"w/{TINY.name}", marker=marker)}, making)) == count


@pytest.mark.parametrize(
    "named", [Named(f"w/{TINY.name}", marker="no marker"), Named("gone.whl"), Named("w")]
)
def test_what_cannot_be_is_told(making, named):
    with pytest.raises(BadRequirement) as caught:
        own_wheels.make_all({1: named}, making)
    assert caught.value.fix
