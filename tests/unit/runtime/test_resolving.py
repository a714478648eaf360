from __future__ import annotations

from tholos.runtime import locks, resolving
from tholos.runtime.locks import Lock
from tholos.runtime.uv_failures import Origin


def test_a_lock_is_written_under_the_name_by_which_uv_knows_its_form(tmp_path):
    assert resolving.lock_file(tmp_path, Lock("a==1")) == "requirements.txt"
    assert resolving.lock_file(tmp_path, Lock("x = 1", locks.PYLOCK)) == "pylock.toml"
    assert (tmp_path / "pylock.toml").read_text() == "x = 1"


def test_what_comes_from_version_control_is_noted():
    wish = locks.read("a @ git+https://example.org/a.git\nb\n", Origin())
    notes = resolving.notes_of(wish)
    assert notes[1:] == (
        "a @ git+https://example.org/a.git comes from version control, at the commit in the lock",
    )
