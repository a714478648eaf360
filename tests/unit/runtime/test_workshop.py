from __future__ import annotations

import errno
import fcntl

import pytest

from tholos.runtime.uv import Index, Watch
from tholos.runtime.uv_failures import DiskFull
from tholos.runtime.workshop import Workshop, clear


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path, program="/nowhere/uv", env={}, index=Index())


def test_each_owner_has_a_cache_of_its_own_that_no_name_leads_out_of(workshop, tmp_path):
    caches = {workshop.cache_of(scope) for scope in ("anna", "ben", "../../etc", "")}
    assert len(caches) == 4
    assert {cache.parent for cache in caches} == {tmp_path / "owners"}


def test_the_folder_of_a_piece_of_work_goes_with_it(workshop):
    with workshop.place(Watch()) as place:
        (place.folder / "x").write_text("")
    assert not place.folder.exists()
    assert place.cache.is_dir()


def test_no_room_is_told_as_a_full_disk(workshop):
    with pytest.raises(DiskFull), workshop.place(Watch()):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), workshop.place(Watch()):
        raise PermissionError(errno.EACCES, "no")


def test_what_an_ended_uv_left_half_unpacked_is_removed_unless_another_works_there(tmp_path):
    left, whole, lock = tmp_path / ".tmpAbC" / "x", tmp_path / "archive-v0" / "y", tmp_path / ".lock"
    for one in (left, whole):
        one.mkdir(parents=True)
    clear(tmp_path)
    assert left.exists()  # no cache of uv
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        clear(tmp_path)
        assert left.exists()
    clear(tmp_path)
    assert not left.parent.exists()
    assert whole.exists()
