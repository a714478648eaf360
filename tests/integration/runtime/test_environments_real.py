"""Locks and environments by the real uv; one test reaches PyPI, the others an index made of files."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uv as uv_package

from tholos.detect.model import Evidence, Requirements
from tholos.runtime.environments import Environment, Environments
from tholos.runtime.interpreters import Interpreter, Interpreters
from tholos.runtime.own_wheels import NO_FILES
from tholos.runtime.rebuilding import Rebuilding, Recorded
from tholos.runtime.uv import Cancelled, Index, UvMissing
from tholos.runtime.uv_failures import (
    BadRequirement,
    BuildFailed,
    DiskFull,
    HashMismatch,
    IndexUnreachable,
    PackageNotFound,
    PythonMismatch,
    VersionConflict,
)

UV = os.fspath(uv_package.find_uv_bin())


def wheel(folder: Path, name: str, version: str, *, needs: str = "", python: str = ">=3.8") -> None:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}\n"
    files = {
        f"{name}/__init__.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


BACKEND = """
import os, zipfile
def get_requires_for_build_wheel(config=None): return []
def build_wheel(folder, config=None, metadata=None):
    BODY
    info = "sourced-1.0.dist-info"
    name = "sourced-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        archive.writestr("sourced.py", "")
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: sourced\\nVersion: 1.0\\n")
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "/RECORD", "")
    return name
"""


def source(folder: Path, name: str, body: str = "pass") -> None:
    """A source distribution whose build backend lies within it."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n',
        "backend.py": BACKEND.replace("BODY", body).replace("sourced", name),
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n",
    }
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "leaf", "1.0")
    wheel(folder, "leaf", "2.0")
    wheel(folder, "tree", "1.0", needs="leaf>=2")
    wheel(folder, "modern", "1.0", python=">=3.13")
    source(folder, "sourced")
    source(folder, "unbuildable", "raise RuntimeError('libnosuch is missing')")
    source(folder, "endless", "import time; time.sleep(600)")
    return folder


@pytest.fixture(scope="module")
def python() -> Interpreter:
    return Interpreters(UV, env=os.environ, home=Path.home()).choose("", "3.11").interpreter


@pytest.fixture
def store(tmp_path, wheels) -> Environments:
    return Environments(tmp_path / "runtime", program=UV, env=os.environ, index=index_of(wheels))


def index_of(wheels: Path) -> Index:
    return Index(find_links=(str(wheels),), is_offline=True)


def wish(text: str, form: str = "requirements.txt", **support: str) -> Requirements:
    named = {name.replace("_", "."): content for name, content in support.items()}
    return Requirements(form, text, "", Evidence(form), support=named)


def make(store: Environments, python: Interpreter, text: str, scope: str = "anna") -> Environment:
    return store.build(store.lock(wish(text), python, scope), python, scope)


def test_the_interpreters_of_this_machine_are_found_once_and_work():
    found = Interpreters(UV, env=os.environ, home=Path.home()).find()
    assert len({(each.implementation, each.version, each.is_threaded) for each in found}) == len(found)
    assert all("shims" not in each.path and os.access(each.path, os.X_OK) for each in found)
    assert list(found) == sorted(found, key=lambda each: each.rank, reverse=True)


def test_requirements_become_a_lock_with_hashes_and_an_environment(store, python):
    log: list[str] = []
    lock = store.lock(wish("tree\n"), python, "anna", log=log.append)
    assert "leaf==2.0" in lock.text
    assert lock.text.count("--hash=sha256:") == 2
    made = store.build(lock, python, "anna", log=log.append)
    assert made.packages == ("leaf==2.0", "tree==1.0")
    assert (made.fetched + made.cached, made.is_shared) == (2, True)
    done = subprocess.run(
        [made.python, "-c", "import tree; print(tree.VERSION)"], capture_output=True, check=True
    )
    assert done.stdout == b"1.0\n"
    assert any("Resolved 2 packages" in line for line in log)
    assert any("Installed 2 packages" in line for line in log)


def test_the_same_requirements_need_no_uv_and_the_same_lock_builds_nothing(store, python, tmp_path, wheels):
    first = make(store, python, "tree\n")
    lazy = Environments(tmp_path / "runtime", program="/nowhere/uv", env={}, index=index_of(wheels))
    again = lazy.build(lazy.lock(wish("tree\n"), python, "ben"), python, "ben")
    assert (again.id, again.fetched, again.cached) == (first.id, 0, 0)
    with pytest.raises(UvMissing):
        lazy.lock(wish("tree\n"), python, "ben", upgrade=True)


def test_packages_are_linked_not_copied_and_read_only(store, python):
    made = make(store, python, "leaf==2.0\n")
    module = next(Path(made.path).glob("lib/*/site-packages/leaf/__init__.py"))
    assert module.stat().st_nlink >= 2
    assert stat.S_IMODE(module.stat().st_mode) & 0o222 == 0
    assert stat.S_IMODE(module.parent.stat().st_mode) == 0o555
    other = make(store, python, "tree\n")
    assert other.fetched + other.cached == 2
    twin = next(Path(other.path).glob("lib/*/site-packages/leaf/__init__.py"))
    assert twin.stat().st_ino == module.stat().st_ino


def test_nothing_is_an_environment_too(store, python):
    made = make(store, python, "# nothing yet\n")
    assert made.packages == ()
    subprocess.run([made.python, "-c", ""], check=True)


def test_environments_are_listed_used_and_removed(store, python):
    first, second = make(store, python, "leaf==1.0\n"), make(store, python, "leaf==2.0\n")
    os.utime(store.root / "environments" / f"{second.id}.json", (1, 1))
    store.used(first.id)
    assert [made.id for made in store.list()] == [first.id, second.id]
    store.remove(first.id)
    assert not Path(first.path).exists()
    assert [made.id for made in store.list()] == [second.id]
    assert make(store, python, "leaf==1.0\n").cached == 1


@pytest.mark.parametrize("text", ["tree\n", "sourced\n"])
def test_an_environment_that_is_gone_is_built_again_of_what_its_release_recorded(store, python, text):
    lock = store.lock(wish(text), python, "anna")
    made = store.build(lock, python, "anna")
    store.remove(made.id)
    recorded = Recorded(made.id, lock.text, "anna")
    Rebuilding().build(store, recorded, python, NO_FILES, is_asked=False)
    assert store.get(made.id).packages == made.packages


def test_a_brought_lock_is_taken_as_it_is(store, python, wheels):
    digest = hashlib.sha256((wheels / "leaf-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    text = f"leaf==1.0 --hash=sha256:{digest}\n"
    lock = store.lock(wish(text), python, "anna")
    assert (lock.text, lock.is_shared) == (text, True)
    assert store.build(lock, python, "anna").packages == ("leaf==1.0",)


def test_a_file_that_is_not_the_locked_one_is_refused(store, python):
    text = "leaf==1.0 --hash=sha256:" + "0" * 64 + "\n"
    requirements = wish(text)
    with pytest.raises(HashMismatch) as caught:
        store.build(store.lock(requirements, python, "anna"), python, "anna", requirements=requirements)
    assert caught.value.where == "requirements.txt:1"
    assert store.list() == []


def test_what_has_no_wheel_is_built_for_its_owner_only(store, python):
    lock = store.lock(wish("sourced\n"), python, "anna")
    assert not lock.is_shared
    assert "not shared" in lock.notes[0]
    mine = store.build(lock, python, "anna")
    assert mine.packages == ("sourced==1.0",)
    theirs = make(store, python, "sourced\n", "ben")
    assert (theirs.id != mine.id, theirs.fetched) == (True, 1)
    assert not list((store.root / "cache").rglob("*sourced*"))


def test_a_build_that_fails_names_the_first_error(store, python):
    requirements = wish("leaf\nunbuildable\n")
    with pytest.raises(BuildFailed) as caught:
        store.build(store.lock(requirements, python, "anna"), python, "anna", requirements=requirements)
    assert "RuntimeError: libnosuch is missing" in caught.value.message
    assert caught.value.where == "requirements.txt:2"
    assert store.list() == []
    assert [path for path in (store.root / "environments").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("text", "kind", "message", "where"),
    [
        ("leaf==1.0\ntree\n", VersionConflict, "leaf", "requirements.txt"),
        ("leaf\n\nleaf ?? 3\n", BadRequirement, '"leaf ?? 3"', "requirements.txt:3"),
        ("leaf\n-e git+https://e.org/x\n", BadRequirement, "editable", "requirements.txt:2"),
        ("modern\n", PythonMismatch, "modern", "requirements.txt:1"),
    ],
)
def test_what_cannot_be_locked_is_told_with_its_place(store, python, text, kind, message, where):
    with pytest.raises(kind) as caught:
        store.lock(wish(text), python, "anna")
    assert message in caught.value.message
    assert caught.value.where.startswith(where)
    assert caught.value.fix


def test_an_unknown_package_and_an_unknown_import_are_told_apart(tmp_path, python):
    store = Environments(tmp_path / "runtime", program=UV, env=os.environ)
    with pytest.raises(PackageNotFound, match="tholos-no-such-package is not on the index") as caught:
        store.lock(wish("tholos-no-such-package\n"), python, "anna")
    assert caught.value.where == "requirements.txt:1"
    inferred = Requirements(
        "imports", "tholos-no-such\n", "", imports={"tholos-no-such": Evidence("app.py", 3)}
    )
    with pytest.raises(PackageNotFound, match="nothing on the index provides") as caught:
        store.lock(inferred, python, "anna")
    assert caught.value.where == "app.py:3"


def test_an_index_that_does_not_answer_is_unavailable(tmp_path, python):
    index = Index(url="http://anna:secret@127.0.0.1:9/simple")
    store = Environments(tmp_path / "runtime", program=UV, env=os.environ, index=index)
    log: list[str] = []
    with pytest.raises(IndexUnreachable) as caught:
        store.lock(wish("leaf\n"), python, "anna", log=log.append)
    assert "secret" not in caught.value.message + "".join(log)


def test_offline_without_the_package_says_so(store, python):
    with pytest.raises(IndexUnreachable, match="work offline and nosuch is not in the cache"):
        store.lock(wish("nosuch\n"), python, "anna")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, python, wheels):
    (tmp_path / "runtime").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", tmp_path / "runtime"], check=True)
    try:
        store = Environments(tmp_path / "runtime", program=UV, env=os.environ, index=index_of(wheels))
        (tmp_path / "runtime" / "ballast").write_bytes(b"x" * 120_000)
        with pytest.raises(DiskFull):
            make(store, python, "tree\n")
        assert store.list() == []
    finally:
        subprocess.run(["umount", tmp_path / "runtime"], check=True)


def test_cancel_ends_uv_and_all_it_started_within_a_second(store, python):
    lock = store.lock(wish("endless\n"), python, "anna")
    cancel = threading.Event()
    log: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(store.build, lock, python, "anna", log=log.append, cancel=cancel)
        await_line(log, "Building endless")
        time.sleep(1)
        began = time.monotonic()
        cancel.set()
        with pytest.raises(Cancelled):
            work.result(10)
    assert time.monotonic() - began < 1
    assert processes_below(store.root) == []
    assert store.list() == []


def await_line(log: list[str], text: str) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends and not any(text in line for line in log):
        time.sleep(0.02)


def processes_below(root: Path) -> list[str]:
    """Command lines that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes()
        except OSError:
            continue
        if os.fsencode(root) in line:
            found.append(line.decode())
    return found


def test_of_several_at_once_one_builds_and_the_others_wait(store, python):
    lock = store.lock(wish("tree\n"), python, "anna")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: store.build(lock, python, "anna"), range(4)))
    assert len({each.id for each in made}) == 1
    assert sorted(each.fetched + each.cached for each in made) == [0, 0, 0, 2]


KILLED = """
import os, sys
from pathlib import Path
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import probe
from tholos.runtime.locks import Lock
from tholos.runtime.uv import Index
root, uv, wheels, python, text = sys.argv[1:]
store = Environments(Path(root), program=uv, env=os.environ, index=Index(find_links=(wheels,), is_offline=True))
store.build(Lock(text), probe(python), "anna", log=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.08, 0.12])
def test_a_builder_killed_in_the_middle_leaves_nothing_half_done(store, python, wheels, delay):
    lock = store.lock(wish("tree\n"), python, "anna")
    argv = [sys.executable, "-c", KILLED, store.root, UV, wheels, python.path, lock.text]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=":".join(sys.path))
    ) as process:
        folder = store.root / "environments" / store.id_of(lock, python, "anna")
        ends = time.monotonic() + 20
        while not folder.exists() and process.poll() is None and time.monotonic() < ends:
            time.sleep(0.002)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    made = store.build(lock, python, "anna")
    done = subprocess.run(
        [made.python, "-c", "import tree, leaf; print(leaf.VERSION)"], capture_output=True, check=True
    )
    assert done.stdout == b"2.0\n"


def test_an_environment_is_compiled_once_and_stays_read_only(store, python):
    made = make(store, python, "tree\n")
    assert not made.is_compiled
    store.compile(made.id)
    assert store.get(made.id).is_compiled
    compiled = next(Path(made.path).glob("lib/*/site-packages/tree/__pycache__/*.pyc"))
    assert stat.S_IMODE(compiled.parent.stat().st_mode) == 0o555
    before = compiled.stat().st_mtime_ns
    store.compile(made.id)
    assert compiled.stat().st_mtime_ns == before


def test_a_uv_lock_is_exported_and_kept(store, python, tmp_path, wheels):
    project = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["tree"]\n'
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(project)
    call = [
        UV,
        "lock",
        "--project",
        folder,
        "--python",
        python.path,
        "--offline",
        "--no-config",
        "--find-links",
        wheels,
    ]
    subprocess.run([*call, "--no-index"], check=True, capture_output=True)
    text = (folder / "uv.lock").read_text()
    lock = store.lock(wish(text, "uv.lock", pyproject_toml=project), python, "anna")
    assert lock.text.count("--hash=sha256:") == 2
    assert store.build(lock, python, "anna").packages == ("leaf==2.0", "tree==1.0")


def test_the_guest_is_installed_once_per_interpreter(tmp_path, python):
    store = Environments(tmp_path / "runtime", program=UV, env=os.environ)
    guest = store.guest(python)
    assert (guest.wheels / "waitress").is_dir()
    assert list(guest.bootstrap.parent.glob("__pycache__/main.*.pyc"))
    lazy = Environments(tmp_path / "runtime", program="/nowhere/uv", env={})
    assert lazy.guest(python) == guest


def test_pypi_locks_of_every_form_give_the_same_packages(tmp_path, python):
    store = Environments(tmp_path / "runtime", program=UV, env=os.environ)
    folder = tmp_path / "project"
    folder.mkdir()
    project = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["itsdangerous==2.2.0"]\n'
    (folder / "pyproject.toml").write_text(project)
    for call in (["lock"], ["export", "--format", "pylock.toml", "--no-emit-project", "-o", "pylock.toml"]):
        subprocess.run(
            [UV, *call, "--no-config", "--python", python.path], check=True, capture_output=True, cwd=folder
        )
    wishes = [
        wish("itsdangerous==2.2.0\n"),
        wish((folder / "uv.lock").read_text(), "uv.lock", pyproject_toml=project),
        wish((folder / "pylock.toml").read_text(), "pylock.toml"),
        wish("itsdangerous @ git+https://127.0.0.1:9/x.git\n"),
    ]
    for each in wishes[:3]:
        lock = store.lock(each, python, "anna")
        assert lock.is_shared
        assert store.build(lock, python, "anna").packages == ("itsdangerous==2.2.0",)
    with pytest.raises(IndexUnreachable):
        store.lock(wishes[3], python, "anna")
