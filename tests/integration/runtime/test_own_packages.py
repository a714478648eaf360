"""Packages that lie in what was published, locked and installed by the real uv; no index is needed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv as uv_package

from tholos.detect.core import detect
from tholos.runtime.environments import Environment, Environments
from tholos.runtime.interpreters import Interpreter, Interpreters
from tholos.runtime.locks import Lock
from tholos.runtime.uv import Index
from tholos.runtime.uv_failures import (
    BadRequirement,
    BuildFailed,
    EnvironmentFailed,
    HashMismatch,
    IndexUnreachable,
    VersionConflict,
)
from tholos.testing.wheels import project, wheel

UV = os.fspath(uv_package.find_uv_bin())
APP = 'def app(environ, start_response):\n    start_response("200 OK", [])\n    return [b""]\n'


@dataclass
class Published:
    """A folder in memory: as detection reads it, and as packages lie in it."""

    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Mapping[str, str | bytes]) -> Published:
        known = {"app.py": APP, **files}
        return cls({path: one.encode() if isinstance(one, str) else one for path, one in known.items()})

    def paths(self) -> list[str]:
        return list(self.files)

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        return self.files[path][:limit]

    def below(self, path: str) -> dict[str, str]:
        start = f"{path}/" if path else ""
        return {
            one[len(start) :]: hashlib.sha256(data).hexdigest()
            for one, data in self.files.items()
            if one == path or one.startswith(start)
        }

    def write(self, path: str, target: Path) -> None:
        target.write_bytes(self.files[path])


def at(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}


@pytest.fixture(scope="module")
def python() -> Interpreter:
    return Interpreters(UV, env=os.environ, home=Path.home()).choose("", "3.11").interpreter


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    for name, version in [("leaf", "1.0"), ("leaf", "2.0"), ("tiny", "9.0")]:
        made = wheel(name, version)
        (folder / made.name).write_bytes(made.data)
    return folder


@dataclass
class Maker:
    """Publishes folders, as far as their packages go."""

    store: Environments
    python: Interpreter

    def lock(self, published: Published, scope: str = "anna") -> Lock:
        needs = detect(published).requirements
        return self.store.lock(needs, self.python, scope, files=published)

    def build(self, published: Published, scope: str = "anna", log=None) -> Environment:
        needs, told = detect(published).requirements, log if log is not None else []
        lock = self.store.lock(needs, self.python, scope, files=published, log=told.append)
        return self.store.build(
            lock, self.python, scope, requirements=needs, files=published, log=told.append
        )


@pytest.fixture
def maker(tmp_path, index, python) -> Maker:
    source = Index(find_links=(str(index),), is_offline=True)
    return Maker(Environments(tmp_path / "runtime", program=UV, env=os.environ, index=source), python)


def says(made: Environment, code: str) -> str:
    return subprocess.run(
        [made.python, "-c", code], capture_output=True, check=True, text=True
    ).stdout.strip()


# Wheels


def test_a_wheel_is_installed_with_what_it_needs_of_the_index(maker):
    tiny = wheel("tiny", "1.0", needs="leaf<2")
    published = Published.of(
        {f"wheels/{tiny.name}": tiny.data, "requirements.txt": f"./wheels/{tiny.name}\n"}
    )
    lock = maker.lock(published)
    assert lock.text.splitlines()[0] == (
        f"tiny @ file:./wheels/{tiny.name} --hash=sha256:{tiny.sha256}  # tiny==1.0"
    )
    made = maker.build(published)
    assert made.packages == ("leaf==1.0", "tiny==1.0")
    assert not made.is_shared
    assert says(made, "import tiny, leaf; print(tiny.VERSION, leaf.VERSION)") == "1.0 1.0"


def test_its_environment_says_nowhere_where_it_lay(maker, tmp_path):
    tiny = wheel("tiny", "1.0")
    published = Published.of({tiny.name: tiny.data, "requirements.txt": f"{tiny.name}\n"})
    made = maker.build(published)
    told = next(Path(made.path).glob("lib/*/site-packages/tiny-1.0.dist-info/direct_url.json"))
    assert json.loads(told.read_text()) == {"url": f"file:./{tiny.name}", "archive_info": {}}
    assert str(tmp_path) not in maker.lock(published).text


def test_the_rest_comes_from_the_cache_of_all_and_the_wheel_does_not(maker):
    tiny = wheel("tiny", "1.0", needs="leaf")
    published = Published.of({tiny.name: tiny.data, "requirements.txt": f"./{tiny.name}\n"})
    maker.build(published)
    shared = maker.store.root / "cache"
    assert [*shared.rglob("leaf/__init__.py")]
    assert not [*shared.rglob("tiny/__init__.py")]
    theirs = maker.build(published, "ben")
    mine = maker.build(published)
    assert theirs.id != mine.id
    assert (theirs.cached, theirs.fetched) == (1, 1)


def test_the_same_again_builds_nothing_and_another_wheel_does(maker):
    first, second = wheel("tiny", "1.0"), wheel("tiny", "1.0", text="VERSION = 'changed'\n")
    files = {"requirements.txt": f"./{first.name}\n", "note.txt": "a"}
    log: list[str] = []
    made = maker.build(Published.of({**files, first.name: first.data}))
    again = maker.build(Published.of({**files, first.name: first.data, "note.txt": "b"}), log=log)
    assert (again.id, log) == (
        made.id,
        ["the lock of these requirements is known", "the environment is there already"],
    )
    other = maker.build(Published.of({**files, first.name: second.data}))
    assert other.id != made.id
    assert says(other, "import tiny; print(tiny.VERSION)") == "changed"


def test_an_environment_that_was_removed_is_made_again_from_what_was_published(maker):
    tiny = wheel("tiny", "1.0")
    published = Published.of({
        tiny.name: tiny.data, **project("own", folder="libs/own"), "requirements.txt": f"./{tiny.name}\n./libs/own\n"
    })  # fmt: skip
    made = maker.build(published)
    maker.store.remove(made.id)
    for wheels in (maker.store.root / "wheels").glob("*/*/*.whl"):
        wheels.unlink()
    again = maker.build(published)
    assert (again.id, again.packages) == (made.id, ("own==0.1", "tiny==1.0"))


def test_a_hash_in_the_line_is_checked(maker):
    tiny = wheel("tiny", "1.0")
    good = f"./{tiny.name} --hash=sha256:{tiny.sha256}\n"
    assert maker.build(Published.of({tiny.name: tiny.data, "requirements.txt": good})).packages == (
        "tiny==1.0",
    )
    bad = f"\n./{tiny.name} --hash=sha256:{'0' * 64}\n"
    with pytest.raises(HashMismatch) as caught:
        maker.build(Published.of({tiny.name: tiny.data, "requirements.txt": bad}))
    assert caught.value.where == "requirements.txt:2"


@pytest.mark.parametrize(
    ("tags", "shown"),
    [("cp38-cp38-win_amd64", "cp38-cp38-win_amd64"), ("cp39-cp39-linux_x86_64", "Python 3.11")],
)
def test_a_wheel_for_another_python_says_which_it_takes(maker, tags, shown):
    tiny = wheel("tiny", "1.0", tags=tags)
    published = Published.of({tiny.name: tiny.data, "requirements.txt": f"leaf\n./{tiny.name}\n"})
    with pytest.raises(BadRequirement) as caught:
        maker.build(published)
    assert (caught.value.where, shown in caught.value.message) == ("requirements.txt:2", True)
    assert "cp311-cp311-" in caught.value.message


def test_a_marker_that_does_not_hold_leaves_a_wheel_out(maker):
    other, mine = wheel("tiny", "1.0", tags="cp38-cp38-win_amd64"), wheel("tiny", "1.0")
    lines = f'./{other.name} ; sys_platform == "win32"\n./{mine.name} ; sys_platform == "linux"\n'
    published = Published.of({other.name: other.data, mine.name: mine.data, "requirements.txt": lines})
    assert maker.build(published).packages == ("tiny==1.0",)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"x" * 5000])
def test_a_damaged_wheel_is_told(maker, data):
    published = Published.of(
        {"tiny-1.0-py3-none-any.whl": data, "requirements.txt": "./tiny-1.0-py3-none-any.whl\n"}
    )
    with pytest.raises(BadRequirement, match="damaged, or no wheel") as caught:
        maker.build(published)
    assert caught.value.where == "requirements.txt:1"


def test_a_wheel_that_asks_for_a_file_of_the_server_is_refused(maker):
    tiny = wheel("tiny", "1.0", needs="evil @ file:///etc/evil-1.0-py3-none-any.whl")
    published = Published.of({tiny.name: tiny.data, "requirements.txt": f"./{tiny.name}\n"})
    with pytest.raises(BadRequirement, match="asks for 'evil @ file:"):
        maker.build(published)


def test_two_of_one_name_exclude_each_other(maker):
    one, two = wheel("tiny", "1.0"), wheel("tiny", "2.0")
    lines = f"./{one.name}\n./{two.name}\n"
    published = Published.of({one.name: one.data, two.name: two.data, "requirements.txt": lines})
    with pytest.raises(BadRequirement, match="it is tiny, and so is"):
        maker.build(published)


def test_what_another_package_needs_is_the_one_among_the_files(maker):
    """The index has a newer one of that name."""
    tiny, user = wheel("tiny", "1.0"), wheel("user", "1.0", needs="tiny")
    lines = f"./{user.name}\ntiny @ file:./{tiny.name}\n"
    published = Published.of({tiny.name: tiny.data, user.name: user.data, "requirements.txt": lines})
    assert maker.build(published).packages == ("tiny==1.0", "user==1.0")


def test_a_folder_of_wheels_is_looked_in(maker):
    tiny, deep = wheel("tiny", "9.5", needs="deep"), wheel("deep", "1.0", needs="leaf")
    files = {f"wheels/{one.name}": one.data for one in (tiny, deep)}
    published = Published.of({**files, "requirements.txt": "--find-links ./wheels\ntiny\n"})
    lock = maker.lock(published)
    assert lock.text.startswith("--find-links ./wheels  # sha256:")
    assert f"tiny==9.5 \\\n    --hash=sha256:{tiny.sha256}" in lock.text
    assert maker.build(published).packages == ("deep==1.0", "leaf==2.0", "tiny==9.5")
    assert not [*(maker.store.root / "cache").rglob("deep/__init__.py")]
    with pytest.raises(IndexUnreachable, match="none-such is not in the cache"):
        maker.build(Published.of({**files, "requirements.txt": "--find-links ./wheels\nnone-such==1\n"}))


# Folders and archives


def test_a_folder_is_built_once_for_its_content(maker):
    files = {"requirements.txt": "./libs/own\n", **project("own", needs="leaf", folder="libs/own")}
    made = maker.build(Published.of(files))
    assert made.packages == ("leaf==2.0", "own==0.1")
    log: list[str] = []
    assert maker.build(Published.of({**files, "other.txt": "x"}), log=log).id == made.id
    assert not [line for line in log if "uilding" in line]
    changed = maker.build(Published.of({**files, "libs/own/own.py": "VALUE = 2\n"}))
    assert changed.id != made.id
    assert says(changed, "import own; print(own.VALUE)") == "2"


def test_an_editable_folder_is_installed_as_it_is_now(maker):
    published = Published.of({"requirements.txt": "-e ./libs/own\n", **project("own", folder="libs/own")})
    assert any("as editable; it is installed as a normal package" in note for note in detect(published).notes)
    made = maker.build(published)
    assert made.path in says(made, "import own; print(own.__file__)")


def test_a_build_that_fails_shows_the_first_cause(maker, tmp_path):
    files = at("libs/own", project("own"))
    files["libs/own/backend.py"] = files["libs/own/backend.py"].replace(
        "module =", "raise RuntimeError('no compiler'); module ="
    )
    log: list[str] = []
    with pytest.raises(BuildFailed, match=r"the package \./libs/own: RuntimeError: no compiler") as caught:
        maker.build(Published.of({"requirements.txt": "leaf\n./libs/own\n", **files}), log=log)
    assert caught.value.where == "requirements.txt:2"
    assert str(tmp_path / "runtime" / "work") not in "\n".join(log)


def test_an_archive_is_built_as_a_folder_is(maker, tmp_path):
    source = tmp_path / "own-0.1"
    source.mkdir()
    for path, text in project("own").items():
        (source / path).write_text(text)
    with zipfile.ZipFile(tmp_path / "own-0.1.zip", "w") as archive:
        for path in source.iterdir():
            archive.write(path, f"own-0.1/{path.name}")
    data = (tmp_path / "own-0.1.zip").read_bytes()
    published = Published.of({"vendor/own-0.1.zip": data, "requirements.txt": "vendor/own-0.1.zip\n"})
    assert maker.build(published).packages == ("own==0.1",)
    assert hashlib.sha256(data).hexdigest() in maker.lock(published).text


# Projects


def test_uv_sources_of_a_project_are_followed(maker):
    text = (
        '[project]\nname = "demo"\nversion = "1"\ndependencies = ["first"]\n'
        '[tool.uv.sources]\nfirst = { path = "libs/first", editable = true }\n'
    )
    first = project("first", needs="second")
    first["pyproject.toml"] += '[tool.uv.sources]\nsecond = { path = "../second" }\n'
    files = {**at("libs/first", first), **at("libs/second", project("second"))}
    made = maker.build(Published.of({"pyproject.toml": text, **files}))
    assert made.packages == ("first==0.1", "second==0.1")


def test_a_workspace_with_its_lock(maker, tmp_path, index, python):
    tiny = wheel("tiny", "1.0")
    text = (
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["first", "tiny"]\n'
        "[tool.uv.sources]\nfirst = { workspace = true }\n"
        f'tiny = {{ path = "wheels/{tiny.name}" }}\n[tool.uv.workspace]\nmembers = ["libs/*"]\n'
    )
    members = {"pyproject.toml": text, **at("libs/first", project("first", needs="leaf"))}
    for path, content in {**members, f"wheels/{tiny.name}": tiny.data}.items():
        (tmp_path / "ws" / path).parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "ws" / path).write_bytes(data)
    call = [
        UV,
        "lock",
        "--python",
        python.path,
        "--offline",
        "--no-config",
        "--find-links",
        index,
        "--no-index",
    ]
    subprocess.run(call, check=True, capture_output=True, cwd=tmp_path / "ws")
    locked = (tmp_path / "ws" / "uv.lock").read_text()
    published = Published.of({**members, f"wheels/{tiny.name}": tiny.data, "uv.lock": locked})
    made = maker.build(published)
    assert made.packages == ("first==0.1", "leaf==2.0", "tiny==1.0")
    gone = Published.of({**members, "uv.lock": locked})
    with pytest.raises(BadRequirement, match="not among the published files") as caught:
        maker.build(gone)
    assert caught.value.where.startswith("uv.lock:")


def test_a_lock_that_was_brought_along_is_made_of_the_same_files(maker):
    """As a downloaded release has it: its lock as requirements."""
    tiny = wheel("tiny", "1.0", needs="leaf<2")
    files = {tiny.name: tiny.data, **project("own", folder="libs/own")}
    lines = f"./{tiny.name}\n./libs/own\n"
    lock = maker.lock(Published.of({**files, "requirements.txt": lines}))
    again = maker.lock(Published.of({**files, "requirements.txt": lock.text}))
    assert [one.line for one in again.own] == [one.line for one in lock.own]
    assert maker.build(Published.of({**files, "requirements.txt": lock.text})).packages == (
        "leaf==1.0", "own==0.1", "tiny==1.0"
    )  # fmt: skip


def test_a_pylock_may_name_no_files(maker):
    text = (
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "evil"\nversion = "1"\n'
        '[packages.directory]\npath = "/srv/evil"\n'
    )
    with pytest.raises(BadRequirement, match="may name no files") as caught:
        maker.lock(Published.of({"pylock.toml": text}))
    assert caught.value.where == "pylock.toml:7"


def test_what_excludes_a_package_among_the_files_is_told(maker, tmp_path):
    tiny, user = wheel("tiny", "1.0"), wheel("user", "1.0", needs="tiny>=2")
    lines = f"./{tiny.name}\n./{user.name}\n"
    published = Published.of({tiny.name: tiny.data, user.name: user.data, "requirements.txt": lines})
    with pytest.raises(VersionConflict, match="tiny>=2") as caught:
        maker.build(published)
    assert str(tmp_path) not in f"{caught.value.message} {caught.value.details}"
    assert caught.value.where.startswith("requirements.txt")


def test_constraints_name_no_package_among_the_files(maker):
    tiny = wheel("tiny", "1.0")
    files = {tiny.name: tiny.data, "limits.txt": f"tiny @ file:./{tiny.name}\n"}
    with pytest.raises(BadRequirement, match="may only say versions"):
        maker.build(Published.of({**files, "requirements.txt": "-c limits.txt\nleaf\n"}))


# What packages would do


def test_what_a_package_leaves_for_every_start_of_python_does_not_run_here(maker, index, tmp_path):
    """A .pth of a wheel is code: it is the app's to run, behind walls, and never whoever builds its environment."""
    ran = tmp_path / "ran"
    trap = {"sly.pth": f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n"}
    sly, tiny = wheel("sly", "1.0", more=trap), wheel("tiny", "1.0")
    (index / sly.name).write_bytes(sly.data)
    published = Published.of({tiny.name: tiny.data, "requirements.txt": f"./{tiny.name}\nsly\n"})
    made = maker.build(published)
    maker.store.compile(made.id)
    assert not ran.exists()
    assert says(made, "import tiny, sly; print(tiny.VERSION, sly.VERSION)") == "1.0 1.0"
    assert ran.exists()


@pytest.mark.parametrize("place", ["scripts/python", "data/bin/python", "data/pyvenv.cfg"])
def test_a_package_that_replaces_the_interpreter_is_refused(maker, index, tmp_path, place):
    ran = tmp_path / "ran"
    trap = {f"usurper-1.0.data/{place}": f"#!/bin/sh\ntouch {ran}\nexec /bin/false\n"}
    usurper, tiny = wheel("usurper", "1.0", more=trap), wheel("tiny", "1.0")
    (index / usurper.name).write_bytes(usurper.data)
    published = Published.of({tiny.name: tiny.data, "requirements.txt": f"./{tiny.name}\nusurper\n"})
    with pytest.raises(EnvironmentFailed, match=r"Cannot build the environment"):
        maker.build(published)
    assert not ran.exists()
