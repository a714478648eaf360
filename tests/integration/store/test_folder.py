import os
import pwd
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tholos.store import folder
from tholos.store.chunking import hash_of
from tholos.store.errors import BadFolder, BadPath, FileChanged, TooMuch
from tholos.store.folder import Ignored, Limits


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        put(root, name, text.encode())


def put(root: Path, path: str, data: bytes = b"x") -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def names(root: Path) -> list[str]:
    return [file.path for file in folder.scan(root).tree.files]


def test_scans_a_folder(source):
    put(source, "app.py", b"print()")
    put(source, "data/empty", b"")
    put(source, "run.sh").chmod(0o755)
    tree = folder.scan(source).tree
    assert [(file.path, file.size, file.executable) for file in tree.files] == [
        ("app.py", 7, False),
        ("data/empty", 0, False),
        ("run.sh", 1, True),
    ]
    assert tree.files[0].sha256 == hash_of(b"print()")


def test_chunks_can_be_read_again_until_the_file_changes(source):
    path = put(source, "big", os.urandom(3_000_000))
    scan = folder.scan(source)
    hashes = [chunk.sha256 for chunk in scan.tree.files[0].chunks]
    assert b"".join(data for _, data in scan.read_chunks(hashes)) == path.read_bytes()
    path.write_bytes(bytes(3_000_000))
    with pytest.raises(FileChanged, match="big"):
        list(scan.read_chunks(hashes))


def test_what_nobody_publishes_is_ignored_and_listed(source):
    for path in (
        ".git/config",
        "a/__pycache__/x.pyc",
        "venv/pyvenv.cfg",
        "env2/bin/python",
        "a/b.pyc",
        ".env",
        "keep.py",
    ):
        put(source, path)
    scan = folder.scan(source)
    assert [file.path for file in scan.tree.files] == ["keep.py"]
    assert {each.path for each in scan.ignored} == {
        ".git/",
        "a/__pycache__/",
        "venv/",
        "env2/",
        "a/b.pyc",
        ".env",
    }
    assert "secrets" in scan.notes[0]


def test_an_ignore_file_adds_and_takes_back(source):
    put(source, ".tholosignore", b"*.csv\n!keep.csv\n!.env\n")
    for path in ("a.csv", "d/keep.csv", ".env"):
        put(source, path)
    scan = folder.scan(source)
    assert [file.path for file in scan.tree.files] == [".env", ".tholosignore", "d/keep.csv"]
    assert scan.ignored == (Ignored("a.csv", ".tholosignore line 1: *.csv"),)


def test_links_inside_are_sent_as_content(source):
    put(source, "d/x", b"content")
    (source / "l").symlink_to("d/x")
    (source / "e").symlink_to(source / "d")
    assert names(source) == ["d/x", "e/x", "l"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/etc/hostname", "out of the folder"),
        ("..", "out of the folder"),
        ("nothing", "nothing"),
        ("l", "circles"),
        (".", "lies in"),
    ],
)
def test_other_links_are_refused_by_name(source, target, reason):
    (source / "l").symlink_to(target)
    with pytest.raises(BadFolder, match=f"link 'l'.*{reason}"):
        folder.scan(source)


def test_links_in_circles_over_two_folders_are_refused(source):
    put(source, "a/x")
    put(source, "b/x")
    (source / "a/l").symlink_to("../b")
    (source / "b/m").symlink_to("../a")
    with pytest.raises(BadFolder, match="lies in"):
        folder.scan(source)


def test_a_link_to_what_is_not_sent_is_not_sent(source, tmp_path):
    put(source, ".env", b"SECRET=1")
    (source / "settings").symlink_to(".env")
    put(tmp_path, "elsewhere/pyvenv.cfg")
    (source / "venv").symlink_to(tmp_path / "elsewhere")
    scan = folder.scan(source)
    assert scan.tree.files == ()
    assert {each.path for each in scan.ignored} == {".env", "settings", "venv/"}


def test_pipes_and_sockets_are_noted(source):
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
    scan = folder.scan(source)
    assert scan.tree.files == ()
    assert len(scan.notes) == 2


@contextmanager
def as_somebody_else():
    """Root may read everything: it looks as a user without rights."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_unreadable_file_is_named():
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        source = Path(name)
        source.chmod(0o755)
        put(source, "x").chmod(0)
        with as_somebody_else(), pytest.raises(BadFolder, match="Cannot read x"):
            folder.scan(source)


def test_a_name_that_is_not_utf8_is_refused(source):
    (Path(os.fsdecode(os.fsencode(source) + b"/\xff"))).write_bytes(b"x")
    with pytest.raises(BadPath, match="UTF-8"):
        folder.scan(source)


def test_decomposed_names_are_composed_and_may_not_meet(source):
    put(source, "e\u0301")
    assert names(source) == ["é"]
    put(source, "é")
    with pytest.raises(BadPath, match="same name"):
        folder.scan(source)


def test_names_that_differ_in_case_only_are_noted(source):
    write(source, readme="1", README="2")
    assert "differ in case only" in folder.scan(source).notes[0]


def test_limits_name_the_largest(source):
    put(source, "data/huge", bytes(900))
    put(source, "app.py", bytes(200))
    with pytest.raises(TooMuch, match=r"more than 1000 bytes.*data/ \(900 bytes\), ") as caught:
        folder.scan(source, limits=Limits(size=1000))
    assert ".tholosignore" in caught.value.fix
    with pytest.raises(TooMuch, match="more than 1 files"):
        folder.scan(source, limits=Limits(files=1))


def test_a_folder_that_is_not_there_is_refused(source):
    with pytest.raises(BadFolder, match="not a folder"):
        folder.scan(source / "missing")


@pytest.fixture
def reads(monkeypatch):
    seen = []
    real = folder._read_once
    monkeypatch.setattr(
        folder, "_read_once", lambda found, cache: seen.append(found.path) or real(found, cache)
    )
    return seen


def old_enough(monkeypatch):
    real = folder.time.time_ns
    monkeypatch.setattr(folder.time, "time_ns", lambda: real() + 10_000_000_000)


def test_an_untouched_folder_is_not_read_again(source, tmp_path, reads, monkeypatch):
    old_enough(monkeypatch)
    write(source, a="1", b="2")
    first = folder.scan(source, cache=tmp_path / "c/cache.json")
    assert sorted(reads) == ["a", "b"]
    again = folder.scan(source, cache=tmp_path / "c/cache.json")
    assert sorted(reads) == ["a", "b"]
    assert again.tree == first.tree
    put(source, "a", b"3")
    changed = folder.scan(source, cache=tmp_path / "c/cache.json")
    assert reads[2:] == ["a"]
    assert changed.tree.files[0].sha256 == hash_of(b"3")


def test_a_file_as_young_as_its_hash_is_read_again(source, tmp_path, reads):
    put(source, "a")
    os.utime(source / "a", (9_000_000_000, 9_000_000_000))
    for _ in range(2):
        folder.scan(source, cache=tmp_path / "cache.json")
    assert reads == ["a", "a"]


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{", b'{"version":1,"root":"x"}', b'{"version":1,"files":{"a":[1]}}']
)
def test_a_damaged_cache_costs_time_only(source, tmp_path, damage):
    put(source, "a")
    put(tmp_path, "cache.json", damage)
    assert len(folder.scan(source, cache=tmp_path / "cache.json").tree.files) == 1


def test_a_file_that_always_changes_is_an_error(source, monkeypatch):
    path = put(source, "log", b"1")
    real = folder.measure

    def measure(*args, **options):
        file = real(*args, **options)
        path.write_bytes(path.read_bytes() + b"1")
        return file

    monkeypatch.setattr(folder, "measure", measure)
    with pytest.raises(FileChanged, match="log"):
        folder.scan(source)


def test_scanning_imports_little():
    code = "import sys, tholos.store.folder, tholos.store.packs; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"sqlite3", "asyncio", "tarfile", "zipfile", "click", "concurrent.futures"} & set(loaded)
