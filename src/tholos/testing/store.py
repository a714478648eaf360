"""Stand-ins of the store's two seams, in memory, and the contracts that they share with the real ones.

A test file makes a subclass of a contract, without a `Test` name of its own here, and provides its fixture.
"""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO

import pytest

from tholos.store import trees
from tholos.store.backends.protocol import Backend, Blob, check_name
from tholos.store.chunking import hash_of
from tholos.store.errors import UnknownBlob
from tholos.store.index import Forgotten, Index, Location, PackUse, Size, Usage
from tholos.store.model import Chunk, File, Scope, Sha256, SnapshotId, Tree
from tholos.store.packs import HEADER_SIZE
from tholos.store.store import Store


class MemoryBackend:
    """A `Backend` whose objects are gone with it; `objects` may be looked at and damaged."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, float] = {}

    def put(self, name: str, parts: Iterable[bytes]) -> int:
        data = b"".join(parts)
        self.written[check_name(name)] = time.time()
        self.objects[name] = data
        return len(data)

    def open(self, name: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        data = self._find(name)
        return io.BytesIO(data[offset : None if length is None else offset + length])

    def blobs(self, prefix: str = "") -> Iterator[Blob]:
        for name, data in list(self.objects.items()):
            if name.startswith(prefix):
                yield Blob(name, len(data), self.written[name])

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def exists(self, name: str) -> bool:
        return name in self.objects

    def size(self, name: str) -> int:
        return len(self._find(name))

    def _find(self, name: str) -> bytes:
        if name not in self.objects:
            raise UnknownBlob(f"Cannot read {name}: the store has no such object.", where=name)
        return self.objects[name]


class MemoryIndex:
    """An `Index` of plain dictionaries behind one lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._packs: dict[str, PackUse] = {}
        self._doomed: set[str] = set()
        self._chunks: dict[Sha256, tuple[Location, float]] = {}
        self._owners: dict[tuple[Scope, Sha256], float] = {}
        self._trees: dict[SnapshotId, bytes] = {}
        self._snapshots: dict[tuple[Scope, SnapshotId], float] = {}
        self._proofs: set[bytes] = set()

    def owned(self, scope: Scope, hashes: Collection[Sha256]) -> dict[Sha256, int]:
        with self._lock:
            return {
                each: at.size for each, at in self.locate(hashes).items() if (scope, each) in self._owners
            }

    def locate(self, hashes: Collection[Sha256]) -> dict[Sha256, Location]:
        with self._lock:
            return {each: self._chunks[each][0] for each in hashes if each in self._chunks}

    def record(
        self,
        scope: Scope,
        sent: Collection[Sha256],
        pack: PackUse | None,
        found: Iterable[Location],
        *,
        at: float,
    ) -> set[Sha256]:
        with self._lock:
            if pack:
                self.adopt(pack, found, at=at)
            known = self.locate(sent).keys()
            self._owners.update({(scope, each): at for each in known})
            return set(sent) - known

    def proven(self, proofs: Collection[bytes]) -> set[bytes]:
        return self._proofs.intersection(proofs)

    def add_snapshot(self, scope: Scope, tree: Tree, proofs: Collection[bytes], *, at: float) -> set[Sha256]:
        with self._lock:
            hashes = _chunks_of(tree)
            missing = hashes - self.owned(scope, hashes).keys()
            if missing:
                return missing
            kept = trees.unpack(self._trees.setdefault(tree.id, trees.pack(tree)))
            self._owners.update({(scope, each): at for each in _chunks_of(kept)})
            self._snapshots[scope, tree.id] = at
            self._proofs.update(proofs)
            return set()

    def find_tree(self, snapshot: SnapshotId) -> Tree | None:
        packed = self._trees.get(snapshot)
        return trees.unpack(packed) if packed else None

    def has_snapshot(self, scope: Scope, snapshot: SnapshotId) -> bool:
        with self._lock:
            return (scope, snapshot) in self._snapshots

    def snapshots(self, scope: Scope) -> list[SnapshotId]:
        with self._lock:
            return sorted(each for owner, each in self._snapshots if owner == scope)

    def usage(self, scope: Scope) -> Usage:
        with self._lock:
            sizes = [self._chunks[each][0].size for owner, each in self._owners if owner == scope]
            return Usage(len(self.snapshots(scope)), len(sizes), sum(sizes))

    def forget(self, keep: Collection[SnapshotId], *, before: float) -> Forgotten:
        with self._lock:
            unknown = tuple(sorted(set(keep) - self._trees.keys()))
            dropped = [key for key, at in self._snapshots.items() if key[1] not in set(keep) and at < before]
            for key in dropped:
                del self._snapshots[key]
            needed = {(scope, each) for scope, id_ in self._snapshots for each in self._named_by(id_)}
            for owner in [key for key, at in self._owners.items() if key not in needed and at < before]:
                del self._owners[owner]
            owned = {each for _, each in self._owners}
            dead = [each for each, (_, at) in self._chunks.items() if each not in owned and at < before]
            size = sum(self._chunks.pop(each)[0].size for each in dead)
            kept = {id_ for _, id_ in self._snapshots}
            self._trees = {id_: packed for id_, packed in self._trees.items() if id_ in kept}
            return Forgotten(len(dropped), len(dead), size, unknown)

    def size(self) -> Size:
        with self._lock:
            return Size(len(self._packs), sum(pack.size for pack in self._packs.values()))

    def packs(self) -> list[PackUse]:
        with self._lock:
            live: dict[str, int] = {}
            for location, _ in self._chunks.values():
                live[location.pack] = live.get(location.pack, 0) + HEADER_SIZE + location.size
            return [PackUse(name, self._packs[name].size, live[name]) for name in sorted(live)]

    def contents(self, pack: str) -> list[Location]:
        with self._lock:
            found = [location for location, _ in self._chunks.values() if location.pack == pack]
            return sorted(found, key=lambda location: location.offset)

    def adopt(self, pack: PackUse, found: Iterable[Location], *, at: float) -> None:
        with self._lock:
            self._packs.setdefault(pack.name, pack)
            if pack.name not in self._doomed:
                for location in found:
                    self._chunks.setdefault(location.sha256, (location, at))

    def move(self, sources: Collection[str], pack: PackUse, found: Iterable[Location]) -> None:
        with self._lock:
            self._packs.setdefault(pack.name, pack)
            for location in found:
                old = self._chunks.get(location.sha256)
                if old and old[0].pack in sources:
                    self._chunks[location.sha256] = (location, old[1])

    def doom(self) -> set[str]:
        with self._lock:
            self._doomed |= self._packs.keys() - {location.pack for location, _ in self._chunks.values()}
            return set(self._doomed)

    def pack_names(self) -> set[str]:
        with self._lock:
            return set(self._packs)

    def close(self) -> None:
        """There is nothing to close."""

    def _named_by(self, snapshot: SnapshotId) -> set[Sha256]:
        return _chunks_of(trees.unpack(self._trees[snapshot]))


def memory_store() -> Store:
    """A store that works like the real one and forgets everything."""
    return Store(MemoryBackend(), MemoryIndex())


def file_of(path: str, *parts: bytes, executable: bool = False) -> File:
    """A file whose chunks are these parts."""
    whole = b"".join(parts)
    chunks = tuple(Chunk(hash_of(part), len(part)) for part in parts if part)
    return File(path, len(whole), Sha256(hashlib.sha256(whole).hexdigest()), executable, chunks)


def _chunks_of(tree: Tree) -> set[Sha256]:
    return {chunk.sha256 for file in tree.files for chunk in file.chunks}


class BackendContract:
    """What every `Backend` does; a subclass has a fixture `backend`."""

    def test_gives_back_what_was_put(self, backend: Backend) -> None:
        assert backend.put("packs/ab/one", [b"hello ", b"", b"world"]) == 11
        with backend.open("packs/ab/one") as source:
            assert source.read() == b"hello world"
        assert backend.exists("packs/ab/one")
        assert backend.size("packs/ab/one") == 11

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, None, b"0123456789"),
            (3, None, b"3456789"),
            (3, 4, b"3456"),
            (8, 9, b"89"),
            (20, 3, b""),
            (2, 0, b""),
        ],
    )
    def test_opens_a_range(self, backend: Backend, offset: int, length: int | None, expected: bytes) -> None:
        backend.put("digits", [b"0123456789"])
        with backend.open("digits", offset, length) as source:
            assert source.read() == expected

    def test_a_failing_source_leaves_nothing(self, backend: Backend) -> None:
        def parts() -> Iterator[bytes]:
            yield b"begun"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            backend.put("packs/half", parts())
        assert not backend.exists("packs/half")
        assert list(backend.blobs()) == []

    def test_lists_by_prefix(self, backend: Backend) -> None:
        for name in ("packs/aa/1", "packs/ab/2", "other/3"):
            backend.put(name, [name.encode()])
        assert {blob.name: blob.size for blob in backend.blobs("packs/")} == {
            "packs/aa/1": 10,
            "packs/ab/2": 10,
        }
        assert len(list(backend.blobs())) == 3
        assert list(backend.blobs("nothing/")) == []
        assert all(abs(blob.modified - time.time()) < 60 for blob in backend.blobs())

    def test_deletes_and_does_not_mind_what_is_gone(self, backend: Backend) -> None:
        backend.put("packs/1", [b"x"])
        backend.delete("packs/1")
        backend.delete("packs/1")
        assert not backend.exists("packs/1")
        with pytest.raises(UnknownBlob):
            backend.open("packs/1")
        with pytest.raises(UnknownBlob):
            backend.size("packs/1")

    def test_putting_again_replaces(self, backend: Backend) -> None:
        backend.put("packs/1", [b"first"])
        backend.put("packs/1", [b"second"])
        with backend.open("packs/1") as source:
            assert source.read() == b"second"

    @pytest.mark.parametrize("name", ["", "../x", "/x", "a//b", "a/../b", "A", ".unfinished/x", "a/."])
    def test_a_name_outside_is_a_bug(self, backend: Backend, name: str) -> None:
        with pytest.raises(ValueError, match="not the name"):
            backend.put(name, [b"x"])


_A, _B = Scope("a"), Scope("b")
_DATA = {hash_of(data): data for data in (b"one", b"three", b"seven")}
_ONE, _THREE, _SEVEN = _DATA
_NOWHERE = Sha256("0" * 64)
_PACK = PackUse("packs/1", 36 * 3 + 13)
_PLACES = [
    Location(_ONE, "packs/1", 36, 3),
    Location(_THREE, "packs/1", 75, 5),
    Location(_SEVEN, "packs/1", 116, 5),
]
_TREE = Tree.of([file_of("1", b"one"), file_of("3", b"three")])


class IndexContract:
    """What every `Index` does; a subclass has a fixture `index`."""

    def test_a_scope_owns_what_it_sent(self, index: Index) -> None:
        assert index.record(_A, [_ONE, _THREE], _PACK, _PLACES, at=1) == set()
        assert index.owned(_A, _DATA) == {_ONE: 3, _THREE: 5}
        assert index.owned(_B, _DATA) == {}
        assert index.locate(_DATA) == {each.sha256: each for each in _PLACES}
        assert index.usage(_A) == Usage(0, 2, 8)

    def test_what_lies_nowhere_is_not_owned(self, index: Index) -> None:
        assert index.record(_A, [_ONE, _NOWHERE], _PACK, _PLACES[:1], at=1) == {_NOWHERE}
        assert index.owned(_A, [_NOWHERE, _ONE]) == {_ONE: 3}

    def test_the_first_place_of_a_chunk_stays(self, index: Index) -> None:
        index.record(_A, [_ONE], _PACK, _PLACES[:1], at=1)
        index.record(_B, [_ONE], PackUse("packs/2", 39), [Location(_ONE, "packs/2", 36, 3)], at=1)
        assert index.locate([_ONE])[_ONE].pack == "packs/1"
        assert index.doom() == {"packs/2"}

    def test_a_snapshot_needs_chunks_of_its_scope(self, index: Index) -> None:
        index.record(_A, _DATA, _PACK, _PLACES, at=1)
        assert index.add_snapshot(_B, _TREE, [], at=1) == {_ONE, _THREE}
        assert index.find_tree(_TREE.id) is None
        assert index.add_snapshot(_A, _TREE, [b"proof"], at=1) == set()
        assert index.find_tree(_TREE.id) == _TREE
        assert (index.snapshots(_A), index.snapshots(_B)) == ([_TREE.id], [])
        assert index.has_snapshot(_A, _TREE.id)
        assert not index.has_snapshot(_B, _TREE.id)
        assert index.proven([b"proof", b"other"]) == {b"proof"}

    def test_forgets_what_no_kept_snapshot_needs(self, index: Index) -> None:
        index.record(_A, _DATA, _PACK, _PLACES, at=1)
        index.add_snapshot(_A, _TREE, [], at=1)
        forgotten = index.forget([_TREE.id, SnapshotId("f" * 64)], before=2)
        assert forgotten == Forgotten(0, 1, 5, (SnapshotId("f" * 64),))
        assert index.packs() == [PackUse("packs/1", _PACK.size, 80)]
        assert index.contents("packs/1") == _PLACES[:2]
        assert index.forget([], before=2) == Forgotten(1, 2, 8)
        assert index.find_tree(_TREE.id) is None
        assert index.packs() == []
        assert index.doom() == {"packs/1"}

    def test_what_is_young_stays(self, index: Index) -> None:
        index.record(_A, _DATA, _PACK, _PLACES, at=1)
        index.add_snapshot(_A, _TREE, [], at=5)
        assert index.forget([], before=5) == Forgotten(0, 1, 5)
        index.record(_A, [_ONE], None, [], at=9)
        assert index.forget([], before=9) == Forgotten(1, 1, 5)
        assert index.owned(_A, _DATA) == {_ONE: 3}

    def test_one_tree_is_shared_though_cut_differently(self, index: Index) -> None:
        whole, halves = Tree.of([file_of("f", b"one", b"three")]), Tree.of([file_of("f", b"onethree")])
        both = hash_of(b"onethree")
        index.record(_A, _DATA, _PACK, _PLACES, at=1)
        index.record(_B, [both], PackUse("packs/2", 44), [Location(both, "packs/2", 36, 8)], at=1)
        assert index.add_snapshot(_A, whole, [], at=1) == index.add_snapshot(_B, halves, [], at=1) == set()
        index.forget([whole.id], before=2)
        assert index.find_tree(whole.id) == whole
        assert index.owned(_B, [_ONE, _THREE, both]) == {_ONE: 3, _THREE: 5}

    def test_moving_changes_only_what_lies_in_the_sources(self, index: Index) -> None:
        index.record(_A, _DATA, _PACK, _PLACES[:2], at=1)
        index.record(_A, [_SEVEN], PackUse("packs/2", 41), [Location(_SEVEN, "packs/2", 36, 5)], at=1)
        new = [Location(_ONE, "packs/3", 36, 3), Location(_SEVEN, "packs/3", 75, 5)]
        index.move(["packs/1"], PackUse("packs/3", 80), new)
        assert {each: at.pack for each, at in index.locate(_DATA).items()} == {
            _ONE: "packs/3",
            _THREE: "packs/1",
            _SEVEN: "packs/2",
        }

    def test_a_pack_that_was_deleted_before_it_was_recorded_does_not_count(self, index: Index) -> None:
        index.adopt(_PACK, _PLACES, at=1)
        index.forget([], before=2)
        assert index.doom() == {"packs/1"}
        assert index.record(_A, _DATA, _PACK, _PLACES, at=3) == set(_DATA)
        assert index.pack_names() == {"packs/1"}
        assert index.owned(_A, _DATA) == {}
