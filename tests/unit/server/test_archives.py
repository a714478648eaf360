"""A backup's files: in with their hashes, out as they were, and nothing else."""

import io
import json
import os
import stat
import tarfile

import pytest

from tholos.server import archives
from tholos.server.archives import BackupDamaged, BackupExists, packing, unpack

NAMES = ["backup", "backup.tar", "backup.tar.gz", "backup.tar.zst"]


def _pack(tmp_path, target):
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"one\n" * 100_000)
    (source / "a").chmod(0o750)
    os.utime(source / "a", (1000, 1000))
    (source / "link").symlink_to("a")
    with packing(target) as pack:
        pack.add("data/a", source / "a")
        pack.add("data/gone", source / "gone")
        pack.add_link("data/link", source / "link")
        assert pack.add_lines("rows", iter([b"1", b"2"])) == 2
        pack.finish({"version": "1"})


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_in_comes_out(tmp_path, name):
    target, out = tmp_path / name, tmp_path / "out"
    _pack(tmp_path, target)
    assert stat.S_IMODE(target.stat().st_mode) == (0o700 if target.is_dir() else 0o600)
    out.mkdir()
    assert unpack(target, out) == {"format": 1, "version": "1"}
    assert (out / "data" / "a").read_bytes() == b"one\n" * 100_000
    status = (out / "data" / "a").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (0o750, 1000)
    assert (out / "data" / "link").readlink().name == "a"
    assert (out / "rows").read_bytes() == b"1\n2\n"
    assert sorted(path.name for path in out.iterdir()) == ["data", "rows"]


@pytest.mark.parametrize("name", NAMES)
def test_a_backup_that_fails_leaves_nothing(tmp_path, name):
    def fail():
        with packing(tmp_path / name) as pack:
            pack.add_lines("rows", iter([b"1"]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "backup.tar").write_text("mine")
    with pytest.raises(BackupExists), packing(tmp_path / "backup.tar"):
        pass
    assert (tmp_path / "backup.tar").read_text() == "mine"


def _refused(tmp_path, source, match):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(BackupDamaged, match=match):
        unpack(source, out)


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz", "backup.tar.zst"])
def test_an_archive_that_was_cut_off_is_refused(tmp_path, name):
    _pack(tmp_path, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    _refused(tmp_path, tmp_path / name, "Cannot restore the backup")


def test_a_folder_in_which_a_byte_was_changed_is_refused(tmp_path):
    _pack(tmp_path, tmp_path / "backup")
    with (tmp_path / "backup" / "data" / "a").open("r+b") as file:
        file.write(b"X")
    _refused(tmp_path, tmp_path / "backup", "data/a was changed")


def test_a_folder_with_a_file_less_or_more_is_refused(tmp_path):
    _pack(tmp_path, tmp_path / "backup")
    (tmp_path / "backup" / "rows").unlink()
    _refused(tmp_path, tmp_path / "backup", "rows is missing")
    (tmp_path / "backup" / "rows").write_bytes(b"1\n2\n")
    (tmp_path / "backup" / "more").write_bytes(b"")
    (tmp_path / "out").rename(tmp_path / "before")
    _refused(tmp_path, tmp_path / "backup", "more is not in its list")


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x"])
def test_what_would_land_elsewhere_is_refused(tmp_path, name):
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    _refused(tmp_path, tmp_path / "bad.tar", "no name of a file")


def test_a_link_in_an_archive_is_no_file(tmp_path):
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        member = tarfile.TarInfo("x")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    _refused(tmp_path, tmp_path / "bad.tar", "x is no file")


@pytest.mark.parametrize(
    "listed", [b"", b"[]", b"{}", b'{"files": {"a": 1}}', b'{"files": {"a": {"other": 1}}}']
)
def test_a_list_that_is_none_is_refused(tmp_path, listed):
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / archives.LIST).write_bytes(listed)
    _refused(tmp_path, tmp_path / "backup", "no list")


def test_another_form_is_refused(tmp_path):
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / archives.LIST).write_text(json.dumps({"format": 99, "files": {}}))
    _refused(tmp_path, tmp_path / "backup", "it has the form 99")
