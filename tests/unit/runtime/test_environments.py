from __future__ import annotations

import stat

import pytest

from tholos.runtime import environments
from tholos.runtime.environments import Environments, EnvironmentUnknown
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import Lock

PYTHON = Interpreter("cpython", "3.11.7", "/opt/python3.11", "linux-x86_64-glibc")


@pytest.fixture
def store(tmp_path) -> Environments:
    return Environments(tmp_path, program="/nowhere/uv", env={})


def test_the_id_depends_on_interpreter_and_lock_and_on_the_owner_only_if_not_shared(store):
    shared, own = Lock("flask==3"), Lock("flask==3", is_wheels=False)
    other = Interpreter("cpython", "3.12.1", "/opt/python3.12", "linux-x86_64-glibc")
    assert store.id_of(shared, PYTHON, "anna") == store.id_of(shared, PYTHON, "ben")
    assert store.id_of(own, PYTHON, "anna") != store.id_of(own, PYTHON, "ben")
    ids = {
        store.id_of(shared, PYTHON, ""),
        store.id_of(shared, other, ""),
        store.id_of(Lock("flask==2"), PYTHON, ""),
    }
    assert len(ids) == 3


def test_what_was_never_built_is_unknown(store):
    assert store.list() == []
    assert store.find("0" * 32) is None
    store.remove("0" * 32)
    store.used("0" * 32)
    with pytest.raises(EnvironmentUnknown):
        store.compile("0" * 32)


def test_a_folder_without_its_marker_is_no_environment(store, tmp_path):
    (tmp_path / "environments" / "half" / "bin").mkdir(parents=True)
    (tmp_path / "environments" / "broken.json").write_text("{")
    assert store.list() == []


def test_freezing_takes_write_permission_and_thawing_gives_the_folders_back(tmp_path):
    tree = tmp_path / "env"
    (tree / "lib").mkdir(parents=True)
    (tree / "lib" / "a.py").write_text("a = 1\n")
    (tree / "link").symlink_to("/usr/bin/env")
    assert environments.freeze(tree) >= 6
    assert stat.S_IMODE((tree / "lib" / "a.py").stat().st_mode) & 0o222 == 0
    assert stat.S_IMODE((tree / "lib").stat().st_mode) == 0o555
    environments.thaw(tree)
    assert stat.S_IMODE((tree / "lib").stat().st_mode) == 0o755
    environments.discard(tree)
    assert not tree.exists()


def test_the_root_may_be_a_link(tmp_path):
    """What is recorded of an environment names where it is, not the link that led there."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "disk")
    assert Environments(tmp_path / "root", program="/nowhere/uv", env={}).root == tmp_path / "disk"
