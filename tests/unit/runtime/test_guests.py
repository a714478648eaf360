from __future__ import annotations

from tholos.runtime import guests, locks
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.uv_failures import Origin

PYTHON = Interpreter("cpython", "3.11.7", "/opt/python3.11", "linux-x86_64-glibc")


def test_another_guest_or_interpreter_is_another_copy(tmp_path):
    (tmp_path / "main.py").write_text("1")
    first = guests.key(tmp_path, PYTHON)
    assert guests.key(tmp_path, PYTHON) == first
    assert (
        guests.key(tmp_path, Interpreter("cpython", "3.12.1", "/opt/python3.12", "linux-x86_64-glibc"))
        != first
    )
    (tmp_path / "main.py").write_text("2")
    assert guests.key(tmp_path, PYTHON) != first


def test_the_servers_that_are_shipped_are_locked_by_hash():
    wish = locks.read(guests.REQUIREMENTS.read_text("utf-8"), Origin())
    assert wish.is_locked
    assert not wish.vcs


def test_the_guest_package_is_found_beside_ours():
    assert (guests.source_folder() / "bootstrap.py").is_file()
