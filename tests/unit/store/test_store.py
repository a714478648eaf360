import hashlib
import io
import itertools
import tarfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.store import packs
from tholos.store.chunking import hash_of
from tholos.store.errors import (
    BadHash,
    BadPack,
    BadTree,
    MissingChunks,
    StoreDamaged,
    TooMuch,
    UnknownFile,
    UnknownSnapshot,
)
from tholos.store.model import Chunk, Scope, SnapshotId, Tree
from tholos.store.store import Receipt, Store
from tholos.testing.store import MemoryBackend, MemoryIndex, file_of, memory_store

A, B = Scope("a"), Scope("b")
LATER = datetime.now(UTC) + timedelta(days=2)
DAY = timedelta(days=1)


def pack(*datas: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(packs.encode((hash_of(data), data) for data in datas)))


def add(store: Store, scope: Scope, files: dict[str, tuple[bytes, ...]]) -> SnapshotId:
    for parts in files.values():
        store.add_pack(scope, pack(*filter(None, parts)))
    return store.add_snapshot(scope, Tree.of(file_of(path, *parts) for path, parts in files.items()))


def content(store: Store, snapshot: SnapshotId) -> dict[str, bytes]:
    return {file.path: b"".join(store.open(snapshot, file.path)) for file in store.tree(snapshot).files}


def test_gives_back_what_was_sent(store):
    snapshot = add(store, A, {"app.py": (b"print()",), "data/x": (b"one", b"two"), "empty": ()})
    assert content(store, snapshot) == {"app.py": b"print()", "data/x": b"onetwo", "empty": b""}
    assert store.snapshots(A) == [snapshot]
    assert store.read(snapshot, "data/x", 6) == b"onetwo"


def test_what_was_sent_is_not_missing(store):
    hashes = [hash_of(b"one"), hash_of(b"two")]
    assert store.missing(A, hashes) == hashes
    assert store.add_pack(A, pack(b"one")) == Receipt(1, 3)
    assert store.missing(A, [*hashes, *hashes]) == hashes[1:]


def test_another_scope_learns_nothing_and_writes_nothing_twice():
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    first = store.add_pack(A, pack(b"secret"))
    assert store.missing(B, [hash_of(b"secret")]) == [hash_of(b"secret")]
    with pytest.raises(MissingChunks):
        store.add_snapshot(B, Tree.of([file_of("x", b"secret")]))
    before = dict(backend.objects)
    assert store.add_pack(B, pack(b"secret")) == first
    assert backend.objects == before
    assert store.missing(B, [hash_of(b"secret")]) == []
    assert store.usage(A) == store.usage(B)


@pytest.mark.parametrize("name", ["", "x", "A" * 64, "0" * 63, "0" * 64 + "\n", 7])
def test_names_that_are_no_hashes_are_refused(store, name):
    with pytest.raises(BadHash):
        store.missing(A, [name])


def test_ten_thousand_may_be_asked_for_at_once(store):
    names = [f"{number:064x}" for number in range(10_001)]
    assert len(store.missing(A, names[1:])) == 10_000
    with pytest.raises(TooMuch):
        store.missing(A, names)


def test_a_bad_pack_changes_nothing(store):
    body = pack(b"good", b"bad").getvalue()[:-1]
    with pytest.raises(BadPack):
        store.add_pack(A, io.BytesIO(body))
    assert store.missing(A, [hash_of(b"good")]) == [hash_of(b"good")]


def test_a_snapshot_names_what_is_missing(store):
    store.add_pack(A, pack(b"one"))
    with pytest.raises(MissingChunks) as caught:
        store.add_snapshot(A, Tree.of([file_of("x", b"one", b"two")]))
    assert caught.value.hashes == (hash_of(b"two"),)
    assert caught.value.details == {"missing": [hash_of(b"two")]}
    assert store.snapshots(A) == []


def test_the_hash_of_a_file_is_verified_against_its_chunks(store):
    store.add_pack(A, pack(b"one", b"two"))
    honest = file_of("x", b"one", b"two")
    with pytest.raises(BadTree, match="hash is not that"):
        store.add_snapshot(A, Tree.of([replace(honest, chunks=honest.chunks[::-1])]))


def test_a_chunk_of_another_size_is_refused(store):
    store.add_pack(A, pack(b"one"))
    with pytest.raises(BadTree, match="another size"):
        store.add_snapshot(
            A, Tree.of([replace(file_of("x", b"one"), size=9, chunks=(Chunk(hash_of(b"one"), 9),))])
        )


def test_what_is_not_there_is_named(store):
    snapshot = add(store, A, {"x": (b"x",)})
    with pytest.raises(UnknownSnapshot):
        store.tree(SnapshotId("0" * 64))
    with pytest.raises(UnknownFile, match="'y'"):
        store.open(snapshot, "y")
    with pytest.raises(TooMuch, match="limit is 0"):
        store.read(snapshot, "x", 0)


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_damage_is_noticed_never_given_out(data):
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    files = {"x": (b"first chunk", b"second"), "y": (b"third",)}
    snapshot = add(store, A, files)
    name = list(backend.objects)[data.draw(st.integers(0, 1))]
    damaged = bytearray(backend.objects[name])
    if data.draw(st.booleans()):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1
    else:
        del damaged[data.draw(st.integers(0, len(damaged) - 1)) :]
    backend.objects[name] = bytes(damaged)
    for path, parts in files.items():
        given_out = []
        with suppress(StoreDamaged):
            given_out.extend(store.open(snapshot, path))
        assert given_out == list(parts)[: len(given_out)]


def test_a_missing_pack_is_damage():
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    snapshot = add(store, A, {"x": (b"x",)})
    backend.objects.clear()
    with pytest.raises(StoreDamaged, match="missing"):
        store.read(snapshot, "x", 9)


def test_the_same_files_make_the_same_tar(store):
    snapshot = add(store, A, {"b/" + "long" * 60: (b"one", b"two"), "a": (b"a",), "é": ()})
    out, again = io.BytesIO(), io.BytesIO()
    store.export_tar(snapshot, out)
    store.export_tar(snapshot, again)
    assert out.getvalue() == again.getvalue()
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        found = {each.name: tar.extractfile(each).read() for each in tar}
    assert found == content(store, snapshot)


def test_garbage_is_collected_after_its_grace():
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    kept = add(store, A, {"x": (b"kept",)})
    dropped = add(store, A, {"x": (b"dropped",)})
    young = store.collect([kept], datetime.now(UTC), DAY)
    assert (young.snapshots, young.deleted) == (0, 0)
    report = store.collect([kept, SnapshotId("f" * 64)], LATER, DAY)
    assert (report.snapshots, report.chunks, report.deleted, report.unknown) == (1, 1, 1, ("f" * 64,))
    assert report.freed == 36 + len(b"dropped")
    assert content(store, kept) == {"x": b"kept"}
    assert store.missing(A, [hash_of(b"dropped")]) == [hash_of(b"dropped")]
    with pytest.raises(UnknownSnapshot):
        store.tree(dropped)


def test_mostly_dead_packs_are_packed_again():
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    store.add_pack(A, pack(b"live one", bytes(500)))
    store.add_pack(A, pack(b"live two", bytes(501)))
    tree = Tree.of([file_of("x", b"live one", b"live two")])
    snapshot = store.add_snapshot(A, tree)
    report = store.collect([snapshot], LATER, DAY)
    assert (report.repacked, report.deleted, len(backend.objects)) == (2, 2, 1)
    assert content(store, snapshot) == {"x": b"live onelive two"}
    assert store.collect([snapshot], LATER, DAY).deleted == 0


def test_a_pack_of_a_killed_writer_is_adopted_then_collected():
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    backend.put("packs/00/orphan", packs.encode([(hash_of(b"orphan"), b"orphan")]))
    assert store.collect([], datetime.now(UTC), DAY).adopted == 0
    assert store.collect([], LATER, DAY).adopted == 1
    assert store.missing(A, [hash_of(b"orphan")]) == [hash_of(b"orphan")]
    assert store.collect([], LATER, DAY).deleted == 1
    assert backend.objects == {}


def test_an_unreadable_stranger_is_reported_and_left_alone():
    backend = MemoryBackend()
    store = Store(backend, MemoryIndex())
    backend.put("packs/00/noise", [b"noise"])
    report = store.collect([], LATER, DAY)
    assert "packs/00/noise" in report.damaged[0]
    assert backend.exists("packs/00/noise")


def test_places_are_found_again_from_the_packs():
    backend = MemoryBackend()
    add(Store(backend, MemoryIndex()), A, {"x": (b"one", b"two")})
    store = Store(backend, MemoryIndex())
    assert store.rebuild() == 1
    assert store.rebuild() == 0
    before = dict(backend.objects)
    assert content(store, add(store, A, {"x": (b"one", b"two")})) == {"x": b"onetwo"}
    assert backend.objects == before


class CollectingBackend(MemoryBackend):
    """Runs a collection at every step of a writer, the worst moment of all."""

    def __init__(self) -> None:
        super().__init__()
        self.collect = lambda: None

    def put(self, name, parts):
        size = super().put(name, parts)
        self.collect()
        return size


def test_a_collection_between_writing_and_recording_loses_nothing():
    backend = CollectingBackend()
    store = Store(backend, MemoryIndex())
    runs = itertools.count()

    def collect():
        if next(runs) < 2:
            store.collect([], LATER + DAY, DAY)  # adopts the unrecorded pack
            store.collect([], LATER + DAY, DAY)  # and deletes it

    backend.collect = collect
    snapshot = add(store, A, {"x": (b"one", b"two")})
    assert content(store, snapshot) == {"x": b"onetwo"}


class ForgetfulIndex(MemoryIndex):
    """Collects all that nobody owns just before recording, as if the collector won the race."""

    def record(self, scope, sent, pack, found, *, at):
        self.forget([], before=at + 9)
        return super().record(scope, sent, pack, found, at=at)


def test_a_chunk_collected_after_it_was_found_is_written_again():
    backend, index = MemoryBackend(), MemoryIndex()
    Store(backend, index).add_pack(B, pack(b"one"))
    index.__class__ = ForgetfulIndex
    store = Store(backend, index)
    store.add_pack(A, pack(b"one"))
    assert store.missing(A, [hash_of(b"one")]) == []
    assert len(backend.objects) == 2


FILES = st.dictionaries(
    st.from_regex(r"[a-c]{1,2}(/[d-f]{1,2}){0,2}", fullmatch=True),
    st.lists(st.binary(min_size=1, max_size=20), max_size=3).map(tuple),
    max_size=6,
)


@given(FILES, FILES)
@settings(max_examples=30, deadline=None)
def test_collecting_loses_nothing_that_is_kept(first, second):
    store = memory_store()
    try:
        kept, _ = add(store, A, first), add(store, B, second)
    except BadTree:
        return
    store.collect([kept], LATER, DAY)
    assert content(store, kept) == {path: b"".join(parts) for path, parts in first.items()}


def test_a_tar_can_end_with_what_describes_it(store):
    """The last members know the MD5 of the files before them."""
    snapshot = add(store, A, {"a": (b"1", b"2"), "m": (b"old",), "z": (b"",)})
    seen = []

    def last(checksums):
        seen.append(dict(checksums))
        return [("m", b"new")]

    data = b"".join(store.stream_tar(snapshot, last, without={"m"}))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        members = {one.name: archive.extractfile(one).read() for one in archive}
    assert list(members.items()) == [("a", b"12"), ("z", b""), ("m", b"new")]
    assert seen == [{"a": md5(b"12"), "z": md5(b"")}]
    assert store.checksums(snapshot) == {**seen[0], "m": md5(b"old")}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
