"""What a browser sent becomes a snapshot; what nobody publishes stays out, what is hostile is refused by its name."""

import io
import tarfile
import zipfile

import pytest

from tholos.publishing.forms import Part
from tholos.publishing.uploads import Form, NothingSent, SeveralSent, bring_in, left_out
from tholos.store import ignoring
from tholos.store.archives import Limits
from tholos.store.errors import BadArchive, BadPath, TooMuch
from tholos.store.model import Scope
from tholos.testing.store import memory_store

SCOPE = Scope("ada")


def _form(*sent, **fields):
    """A form of files, each a field, a name and bytes."""
    body, found = b"", []
    for field, name, data in [*sent, *((name, None, text.encode()) for name, text in fields.items())]:
        found.append(Part(field, name, len(body), len(body) + len(data)))
        body += data
    return Form.of(body, found)


def _folder(files):
    return _form(*(("files", path, data) for path, data in files.items()))


def _zip(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def _paths(uploaded):
    return [file.path for file in uploaded.tree.files]


@pytest.fixture
def store():
    return memory_store()


def test_a_folder_without_its_own_name(store):
    files = {"my app/app.py": b"x", "my app/data/a.txt": b"", "my app/grün.txt": b"y"}
    found = bring_in(store, SCOPE, _folder(files))
    assert (found.title, _paths(found)) == ("my app", ["app.py", "data/a.txt", "grün.txt"])
    assert store.has_snapshot(SCOPE, found.snapshot)
    assert store.read(found.snapshot, "grün.txt", 9) == b"y"


def test_single_files_have_no_folder(store):
    found = bring_in(store, SCOPE, _folder({"app.py": b"x", "b.py": b""}))
    assert (found.title, _paths(found)) == ("", ["app.py", "b.py"])


@pytest.mark.parametrize("field", ["archive", "files"])
def test_an_archive_is_unpacked(store, field):
    data = _zip({"sales-1.0/app.py": "x", "sales-1.0/.git/config": "", "sales-1.0/.env": "KEY=1"})
    found = bring_in(store, SCOPE, _form((field, "Sales-1.0.ZIP", data)))
    assert (found.title, _paths(found), found.has_secrets) == ("sales-1.0", ["app.py"], True)
    assert found.left_out == {"version control": 1, "it may hold secrets": 1}


def test_both_ways_leave_out_the_same(store):
    files = {
        ".git/HEAD": b"", "a/node_modules/x.js": b"", "venv/pyvenv.cfg": b"", "venv/lib/x.py": b"", "e/bin/python": b"",
        "a.pyc": b"", "keep.pyc": b"", "notes.txt": b"", ".env": b"", "b/app.py": b"", ".tholosignore": b"notes.txt\n!keep.pyc\n",
    }  # fmt: skip
    folder = bring_in(store, SCOPE, _folder({f"top/{path}": data for path, data in files.items()}))
    packed = bring_in(store, SCOPE, _form(("archive", "top.zip", _zip(files))))
    assert _paths(folder) == _paths(packed) == [".tholosignore", "b/app.py", "keep.pyc"]
    assert folder.snapshot == packed.snapshot
    assert folder.left_out == packed.left_out
    assert folder.has_secrets


def test_the_reason_of_the_outermost_folder_is_told():
    assert left_out(["node_modules/.git/x", "a/b.pyc"], ignoring.parse("")) == {
        "node_modules/.git/x": "installed packages",
        "a/b.pyc": "compiled code",
    }


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("../x", "component '..'"),
        ("a/../../x", "component '..'"),
        ("/etc/passwd", "absolute"),
        ("a//b", "empty component"),
        ("a\\b", "backslash"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a/" + "x" * 300, "longer than 255"),
        ("a/" * 600 + "x", "longer than 1024"),
        ("a\udcffb", "not valid UTF-8"),
    ],
)
def test_names_that_are_refused(store, path, told):
    with pytest.raises(BadPath, match=told):
        bring_in(store, SCOPE, _folder({"top/app.py": b"", path: b""}))
    assert store.snapshots(SCOPE) == []


def test_a_file_that_is_sent_twice(store):
    with pytest.raises(BadPath, match="sent twice"):
        bring_in(store, SCOPE, _form(("files", "t/a", b"1"), ("files", "t/b", b""), ("files", "t/a", b"2")))


def test_a_file_that_is_a_folder_too(store):
    with pytest.raises(Exception, match="both a file and a folder"):
        bring_in(store, SCOPE, _folder({"t/a": b"", "t/a/b": b""}))


def _tar_with(entry) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(entry)
    return out.getvalue()


def _link(target):
    entry = tarfile.TarInfo("link")
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


@pytest.mark.parametrize(
    "data",
    [
        b"no archive",
        _zip({"../x": "1"}),
        _zip({"/x": "1"}),
        _tar_with(_link("/etc/passwd")),
        _tar_with(_link("../../x")),
        _zip({"a": "1"})[:-10],
    ],
)
def test_hostile_archives(store, data):
    with pytest.raises(BadArchive, match="Cannot unpack"):
        bring_in(store, SCOPE, _form(("archive", "x.zip", data)))
    assert store.snapshots(SCOPE) == []


def test_bombs(store):
    with pytest.raises((TooMuch, BadArchive)):
        bring_in(store, SCOPE, _form(("archive", "x.zip", _zip({"zeros": b"\0" * 50_000_000}))))
    small = Limits(entries=2, size=10)
    with pytest.raises(TooMuch, match="more than 2 files"):
        bring_in(store, SCOPE, _folder({"a": b"", "b": b"", "c": b""}), limits=small)
    with pytest.raises(TooMuch, match="more than 10 bytes"):
        bring_in(store, SCOPE, _folder({"a": b"x" * 11, "b": b""}), limits=small)


@pytest.mark.parametrize("form", [_form(), _form(("files", "", b"")), _form(("other", "a.py", b"x"))])
def test_nothing_was_chosen(store, form):
    with pytest.raises(NothingSent):
        bring_in(store, SCOPE, form)


def test_nothing_is_left(store):
    with pytest.raises(NothingSent, match="nothing is left"):
        bring_in(store, SCOPE, _folder({"a/.git/HEAD": b"", "a/.env": b""}))


def test_one_thing_at_a_time(store):
    for sent in (
        [("files", "a.py", b""), ("files", "b.py", b""), ("archive", "x.zip", b"")],
        [("archive", "x.zip", b"")] * 2,
    ):
        with pytest.raises(SeveralSent):
            bring_in(store, SCOPE, _form(*sent))


def test_fields_are_bounded():
    form = _form(name="x" * 9_000, message="grün")
    assert (len(form.fields["name"]), form.fields["message"]) == (4_000, "grün")
