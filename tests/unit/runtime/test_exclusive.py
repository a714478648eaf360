from __future__ import annotations

import pytest

from tholos.runtime.exclusive import exclusive, write_whole
from tholos.runtime.uv import NEVER, Cancelled


class Always:
    def is_set(self) -> bool:
        return True


def test_a_second_holder_waits_until_it_is_cancelled(tmp_path):
    with (
        exclusive(tmp_path / "x" / "lock", NEVER),
        pytest.raises(Cancelled),
        exclusive(tmp_path / "x" / "lock", Always()),
    ):
        pass
    with exclusive(tmp_path / "x" / "lock", Always()) as descriptor:
        assert descriptor > 0


def test_a_file_is_replaced_whole(tmp_path):
    write_whole(tmp_path / "a" / "b.json", "1")
    write_whole(tmp_path / "a" / "b.json", "2")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").read_text() == "2"
