"""What the store must remember beside the packs: where a chunk lies, who may use it, and which snapshots there are.

A protocol, so that a database can take over from the file of `sqlite_index` when several servers share one store.
Liveness is ownership: a scope owns the chunks it sent lately and those of its snapshots, and what nobody owns is garbage.
Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tholos.store.model import Scope, Sha256, SnapshotId, Tree


class Location(NamedTuple):
    """Where a chunk's bytes are: `offset` counts from the start of the pack."""

    sha256: Sha256
    pack: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class PackUse:
    """A pack with its size in bytes and how many of them are chunks, headers included, that somebody still needs."""

    name: str
    size: int
    live: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a scope keeps; chunks that it shares with others count in full."""

    snapshots: int
    chunks: int
    size: int


@dataclass(frozen=True, slots=True)
class Size:
    """What all packs take on the disk."""

    packs: int
    size: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What an index dropped as garbage, and which snapshots it was told to keep but does not have."""

    snapshots: int
    chunks: int
    size: int
    unknown: tuple[SnapshotId, ...] = ()


class Index(Protocol):
    """Every method is one atomic, durable step, safe from many threads and processes.

    Each raises `StoreUnusable`, `StoreFull` or `StoreDamaged` where the index cannot be used.
    """

    def owned(self, scope: Scope, hashes: Collection[Sha256]) -> dict[Sha256, int]:
        """Those of the chunks that the scope owns, with their sizes."""
        ...

    def locate(self, hashes: Collection[Sha256]) -> dict[Sha256, Location]:
        """Where the chunks are, whoever owns them; unknown ones are left out."""
        ...

    def record(
        self,
        scope: Scope,
        sent: Collection[Sha256],
        pack: PackUse | None,
        found: Iterable[Location],
        *,
        at: float,
    ) -> set[Sha256]:
        """The scope sent these chunks, and some of them now lie in a new pack.

        Returns those that lie nowhere, which are not owned: they were collected since the caller looked, or the pack was.
        """
        ...

    def proven(self, proofs: Collection[bytes]) -> set[bytes]:
        """Those of the proofs (see `trees.proof_of`) that were recorded."""
        ...

    def add_snapshot(self, scope: Scope, tree: Tree, proofs: Collection[bytes], *, at: float) -> set[Sha256]:
        """Keep the tree for the scope. Returns its chunks that the scope does not own; if any, nothing was kept.

        Where another scope has a tree of the same files, cut differently, that tree is shared.
        """
        ...

    def find_tree(self, snapshot: SnapshotId) -> Tree | None: ...

    def has_snapshot(self, scope: Scope, snapshot: SnapshotId) -> bool:
        """Whether the scope made this snapshot."""
        ...

    def snapshots(self, scope: Scope) -> list[SnapshotId]:
        """The scope's snapshots, sorted."""
        ...

    def usage(self, scope: Scope) -> Usage: ...

    def forget(self, keep: Collection[SnapshotId], *, before: float) -> Forgotten:
        """Drop snapshots that are not to be kept, then ownership that no snapshot of the scope needs, then chunks without an owner.

        Only what was last sent or added earlier than `before`.
        """
        ...

    def size(self) -> Size:
        """Of all packs together, what is garbage in them included."""
        ...

    def packs(self) -> list[PackUse]:
        """All packs that have live chunks, sorted by name."""
        ...

    def contents(self, pack: str) -> list[Location]:
        """The live chunks of a pack, by offset."""
        ...

    def adopt(self, pack: PackUse, found: Iterable[Location], *, at: float) -> None:
        """A pack was found that nobody recorded; its chunks, where not known elsewhere, have no owner yet."""
        ...

    def move(self, sources: Collection[str], pack: PackUse, found: Iterable[Location]) -> None:
        """The chunks that lie in the sources now lie in this new pack."""
        ...

    def doom(self) -> set[str]:
        """Mark the packs without live chunks as to be deleted, for good; returns all that were ever marked.

        Marks stay: a writer so slow that its pack was adopted and deleted before it recorded it must learn of it.
        """
        ...

    def pack_names(self) -> set[str]:
        """All recorded packs, the deleted ones too."""
        ...

    def close(self) -> None: ...
