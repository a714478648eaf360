import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.kit.errors import Invalid
from tholos.store import archives
from tholos.store.archives import Limits
from tholos.store.errors import BadArchive, TooMuch
from tholos.store.model import Scope
from tholos.testing.store import memory_store

A = Scope("a")
SQUEEZE = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


class Stream:
    """What arrives over a connection: forwards only, in pieces of any size."""

    def __init__(self, data: bytes):
        self._inner = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._inner.read(min(size, 1000))


def tar_of(*members: tuple[str, object], format_=tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as tar:
        for name, what in members:
            entry = tarfile.TarInfo(name)
            data = b""
            if isinstance(what, bytes):
                data, entry.size = what, len(what)
            elif isinstance(what, tuple):
                entry.type, entry.linkname = what
            else:
                entry.type = what if isinstance(what, bytes) else tarfile.DIRTYPE
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def zip_of(*members: tuple[str, bytes], mode: int = 0o100644, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, data)
    return out.getvalue()


def link(target: str) -> tuple[bytes, str]:
    return tarfile.SYMTYPE, target


def unpack(data: bytes, *, strip: bool = True, **limits: int) -> dict[str, bytes]:
    store = memory_store()
    done = archives.unpack(store, A, Stream(data), strip=strip, limits=Limits(**limits))
    assert store.snapshots(A) == [done.snapshot]
    return {file.path: b"".join(store.open(done.snapshot, file.path)) for file in done.tree.files}


def refuse(data: bytes, reason: str, **limits: int) -> Invalid:
    store = memory_store()
    with pytest.raises((BadArchive, TooMuch), match=reason) as caught:
        archives.unpack(store, A, Stream(data), limits=Limits(**limits))
    caught.value.message.encode()
    assert store.snapshots(A) == []
    return caught.value


@pytest.mark.parametrize("squeeze", SQUEEZE.values(), ids=SQUEEZE)
@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unpacks_tars(squeeze, format_):
    files = {"app.py": b"print()", "a/" + "b" * 90 + "/" + "c" * 60: bytes(3000), "empty": b""}
    assert unpack(squeeze(tar_of(*files.items(), format_=format_))) == files


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_unpacks_zips(method):
    files = {"app.py": b"print()", "a/b/c": bytes(3000), "é": b"x"}
    assert unpack(zip_of(*files.items(), method=method)) == files


def test_keeps_the_executable_bit():
    store = memory_store()
    tree = archives.unpack(store, A, Stream(zip_of(("run.sh", b"#!"), mode=0o100755))).tree
    assert tree.files[0].executable


def test_a_single_top_folder_is_left_out():
    data = tar_of(("app-1.0", None), ("app-1.0/app.py", b"x"), ("app-1.0/d/e", b"y"))
    assert unpack(data) == {"app.py": b"x", "d/e": b"y"}
    assert unpack(data, strip=False) == {"app-1.0/app.py": b"x", "app-1.0/d/e": b"y"}
    assert unpack(tar_of(("a/x", b"x"), ("b", None))) == {"a/x": b"x"}
    assert unpack(tar_of(("app.py", b"x"))) == {"app.py": b"x"}


def test_small_differences_of_spelling_do_not_matter():
    data = tar_of((".", None), ("./", None), ("./app.py", b"x"), ("./e\u0301", b"y"))
    assert unpack(data) == {"app.py": b"x", "é": b"y"}
    assert unpack(zip_of(("app/x.py", b"x"), ("__MACOSX/app/._x.py", b"junk"))) == {"x.py": b"x"}


def test_the_root_as_a_member_is_nothing():
    """``tar.add(folder, arcname="")`` writes it, as ``/``."""
    assert unpack(tar_of(("", None), ("/", None), ("app.py", b"1"))) == {"app.py": b"1"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../x", r"component '\.\.'"),
        ("a/../../x", r"component '\.\.'"),
        ("/etc/passwd", "absolute"),
        ("//x", "absolute"),
        ("C:/x", "drive letter"),
        ("c:x", "drive letter"),
        ("a\\..\\x", "backslash"),
        ("a//b", "empty"),
        ("a\nb", "control"),
        ("x" * 300, "255"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name, reason):
    assert refuse(tar_of((name, b"x")), reason).where
    refuse(zip_of((name, b"x")), reason)


@pytest.mark.parametrize(
    "kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.GNUTYPE_SPARSE, b"Z"]
)
def test_devices_and_their_like_are_refused(kind):
    refuse(tar_of(("dev", (kind, ""))), "'dev': it is (a|of)")


def test_devices_in_zips_are_refused():
    refuse(zip_of(("dev", b""), mode=0o020644), "device")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("l", link("/etc/passwd"))], "out of the archive, to '/etc/passwd'"),
        ([("l", link("../x"))], "out of the archive"),
        ([("d/l", link("../../x"))], "out of the archive"),
        ([("l", link("nothing"))], "points to nothing"),
        ([("l", link("l"))], "in circles"),
        ([("a", link("b")), ("b", link("a"))], "in circles"),
        ([("d/l", link("."))], "in circles"),
        ([("d/l", link("../d"))], "in circles"),
        ([("a/l", link("../b")), ("b/m", link("../a"))], "in circles"),
        ([("l", (tarfile.LNKTYPE, "../../etc/passwd"))], "out of the archive"),
        ([("l", (tarfile.LNKTYPE, "nothing"))], "points to nothing"),
        ([("l", link("d")), ("d/x", b"x"), ("l/y", b"y")], "both a file and a folder"),
    ],
)
def test_links_that_lead_elsewhere_are_refused(members, reason):
    refuse(tar_of(*members), reason)


def test_links_inside_become_what_they_point_to():
    data = tar_of(
        ("d/x", b"x"),
        ("d/in", link("x")),
        ("l", link("d/in")),
        ("e", link("d")),
        ("h", (tarfile.LNKTYPE, "d/x")),
        ("f/g", link("../e/x")),
    )
    assert unpack(data) == dict.fromkeys(["d/x", "d/in", "l", "e/x", "e/in", "h", "f/g"], b"x")


def test_links_in_zips_become_what_they_point_to():
    out = io.BytesIO(zip_of(("d/x", b"x")))
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("l")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, b"d/x")
    assert unpack(out.getvalue()) == {"d/x": b"x", "l": b"x"}


def test_links_cannot_multiply_without_end():
    """Each folder links twice to the one before it: 2**30 files out of 60 entries."""
    members = [("d0/x", b"x")]
    for number in range(1, 30):
        members += [(f"d{number}/{side}", link(f"../d{number - 1}")) for side in "ab"]
    refuse(tar_of(*members), "more than", entries=1000)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("x", b"1"), ("x", b"2")], "'x': it occurs twice"),
        ([("x", b"1"), ("./x", b"2")], "occurs twice"),
        ([("x", b"1"), ("x/y", b"2")], "both a file and a folder"),
        ([("x/y", b"2"), ("x", b"1")], "both a file and a folder"),
        ([("x", b"1"), ("x", None)], "both a file and a folder"),
    ],
)
def test_contradictions_are_refused(members, reason):
    refuse(tar_of(*members), reason)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_one_name_twice_is_refused():
    refuse(zip_of(("x", b"1"), ("x", b"2")), "occurs twice")


def test_limits():
    refuse(tar_of(*((str(number), b"") for number in range(11))), "more than 10 entries", entries=10)
    assert refuse(tar_of(("a", bytes(60)), ("b", bytes(60))), "more than 100 bytes", size=100).where == "b"
    refuse(tar_of(("a", bytes(60)), ("l", link("a"))), "more than 100 bytes", size=100)
    refuse(zip_of(("a", bytes(101))), "more than 100 bytes", size=100)
    refuse(tar_of(("a", b"x")), "larger than 1000 bytes", packed=1000)


@pytest.mark.parametrize("name", ["gz", "bz2", "xz"])
def test_bombs_are_noticed_while_they_go_off(name):
    refuse(SQUEEZE[name](tar_of(("zeros", bytes(20 * 1024 * 1024)))), "like a bomb")


def test_zip_bombs_are_noticed():
    refuse(zip_of(("zeros", bytes(20 * 1024 * 1024))), "like a bomb")


def test_a_huge_header_is_not_read_into_memory():
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**33 - 1
    refuse(header.tobuf() + bytes(4096), "a header of 8589934591 bytes")


def test_a_zip_that_is_encrypted_is_refused():
    data = bytearray(zip_of(("x", b"secret")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refuse(bytes(data), "encrypted")


def test_names_that_are_not_utf8_are_refused():
    data = bytearray(zip_of(("é", b"x")))
    refuse(bytes(data).replace("é".encode(), b"\xff\xfe"), "utf-8")
    header = tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    bad = tarfile.TarInfo("\udcff").tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    assert len(header) == len(bad)
    refuse(bad + bytes(1024), "UTF-8")


def test_an_unmarked_zip_name_may_be_utf8_all_the_same():
    data = zip_of(("é", b"x"))
    unmarked = data.replace(struct.pack("<H", 0x800), b"\0\0")
    assert unpack(unmarked) == {"é": b"x"}


@pytest.mark.parametrize(
    "data", [b"", b"x", b"hello " * 200, b"PK\x03\x04", b"PK\x05\x06" + bytes(18), bytes(1024)]
)
def test_what_is_no_archive_is_refused(data):
    refuse(data, "Cannot unpack")


@pytest.mark.parametrize("squeeze", SQUEEZE.values(), ids=SQUEEZE)
def test_a_cut_off_tar_is_refused(squeeze):
    data = squeeze(tar_of(("a", b"x" * 600), ("b", b"y" * 600)))
    for end in (10, 511, 512, 1000, 1024 + 512, 3072, len(data) // 2, len(data) - 9):
        if end < len(data) and (squeeze is not bytes or end < 3073):
            refuse(data[:end], "Cannot unpack")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_is_anything_but_invalid(data):
    members = [("d/a", b"hello" * 200), ("l", link("d/a")), ("é" * 60, b"y")]
    packed = data.draw(
        st.sampled_from(
            [
                tar_of(*members),
                gzip.compress(tar_of(*members), mtime=0),
                zip_of(("a", b"hello" * 99), ("b/é", b"x")),
            ]
        )
    )
    damaged = bytearray(packed)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        archives.unpack(memory_store(), A, Stream(bytes(damaged)))
    except Invalid as error:
        error.message.encode()


NAMES = st.from_regex(r"[a-cé]{1,3}(/[d-f]{1,40}){0,3}", fullmatch=True)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=2000), min_size=1, max_size=5))
def test_tar_to_store_to_tar(files):
    try:
        first = memory_store()
        snapshot = archives.unpack(first, A, Stream(tar_of(*files.items())), strip=False).snapshot
    except BadArchive:
        return
    out = io.BytesIO()
    first.export_tar(snapshot, out)
    assert archives.unpack(memory_store(), A, Stream(out.getvalue()), strip=False).snapshot == snapshot
