"""What lies in folders is counted as the disk has it, whatever lies in them."""

import os

import pytest

from tholos.runtime import storage


def test_files_of_all_depths_are_counted(tmp_path):
    (tmp_path / "one" / "two").mkdir(parents=True)
    before = storage.used([tmp_path])
    (tmp_path / "one" / "two" / "file").write_bytes(bytes([1]) * (1 << 20))
    os.sync()
    assert 1 << 20 <= storage.used([tmp_path]) - before < 1 << 21


def test_no_link_is_followed_and_what_is_not_there_is_nothing(tmp_path):
    (tmp_path / "out").symlink_to("/usr")
    (tmp_path / "round").symlink_to(tmp_path)
    assert storage.used([tmp_path, tmp_path / "gone", tmp_path / "out"]) < 1 << 20


def test_holes_take_nothing(tmp_path):
    with (tmp_path / "hollow").open("wb") as file:
        file.truncate(1 << 30)
    assert storage.used([tmp_path]) < 1 << 20


def test_folders_deeper_than_any_path_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(30):
        os.mkdir("d" * 200)  # noqa: PTH102 - no path is long enough
        os.chdir("d" * 200)
    with pytest.raises(storage.TooDeep):
        storage.used([tmp_path])
