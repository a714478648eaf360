"""The index in one SQLite file: many readers, one writer at a time, every commit flushed to the disk.

A connection is used by one thread at a time and kept for the next; writers of one process queue on a lock instead of
polling the file's.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tholos.store import trees
from tholos.store.errors import StoreDamaged, StoreFull, StoreUnusable
from tholos.store.index import Forgotten, Location, PackUse, Size, Usage
from tholos.store.model import Scope, Sha256, SnapshotId, Tree
from tholos.store.packs import HEADER_SIZE

_VERSION = 1
_WAIT = 30.0
_BATCH = 500
_PROOF_LIFE = 30 * 24 * 3600.0
_SCHEMA = """
CREATE TABLE scopes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE packs (name TEXT PRIMARY KEY, size INTEGER NOT NULL, doomed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE chunks (
  hash BLOB PRIMARY KEY, pack TEXT NOT NULL, position INTEGER NOT NULL, size INTEGER NOT NULL, added REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX chunks_by_pack ON chunks (pack, position);
CREATE TABLE owners (
  hash BLOB NOT NULL, scope INTEGER NOT NULL, added REAL NOT NULL, PRIMARY KEY (hash, scope)
) WITHOUT ROWID;
CREATE INDEX owners_by_scope ON owners (scope);
CREATE TABLE trees (id TEXT PRIMARY KEY, body BLOB NOT NULL, hashes BLOB NOT NULL);
CREATE TABLE snapshots (
  scope INTEGER NOT NULL, id TEXT NOT NULL, added REAL NOT NULL, PRIMARY KEY (scope, id)
) WITHOUT ROWID;
CREATE INDEX snapshots_by_id ON snapshots (id);
CREATE TABLE proofs (proof BLOB PRIMARY KEY, added REAL NOT NULL) WITHOUT ROWID;
"""


class SqliteIndex:
    """An `Index` in a SQLite file, which is made if it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._pool = threading.Lock()
        self._writing = threading.Lock()
        with self._connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
        with self._transaction() as db:
            self._make_tables(db)

    def close(self) -> None:
        with self._pool:
            while self._idle:
                self._idle.pop().close()

    def owned(self, scope: Scope, hashes: Collection[Sha256]) -> dict[Sha256, int]:
        found: dict[Sha256, int] = {}
        with self._connection() as db:
            for some in _batches(hashes):
                rows = db.execute(
                    "SELECT hash, size FROM chunks JOIN owners USING (hash) JOIN scopes ON scopes.id = scope"  # noqa: S608  # only question marks
                    f" WHERE scopes.name = ? AND hash IN ({_marks(some)})",
                    [scope, *some],
                )
                found.update((Sha256(name.hex()), size) for name, size in rows)
        return found

    def locate(self, hashes: Collection[Sha256]) -> dict[Sha256, Location]:
        found: dict[Sha256, Location] = {}
        with self._connection() as db:
            for some in _batches(hashes):
                rows = db.execute(
                    f"SELECT hash, pack, position, size FROM chunks WHERE hash IN ({_marks(some)})",  # noqa: S608  # as above
                    some,
                )
                for location in map(_location, rows):
                    found[location.sha256] = location
        return found

    def record(
        self,
        scope: Scope,
        sent: Collection[Sha256],
        pack: PackUse | None,
        found: Iterable[Location],
        *,
        at: float,
    ) -> set[Sha256]:
        with self._transaction() as db:
            if pack:
                _insert_pack(db, pack, found, at)
            known = _known(db, sent)
            _insert_owners(db, _scope_id(db, scope), known, at)
        return set(sent) - known

    def proven(self, proofs: Collection[bytes]) -> set[bytes]:
        with self._connection() as db:
            return {
                proof
                for proof in proofs
                if db.execute("SELECT 1 FROM proofs WHERE proof = ?", (proof,)).fetchone()
            }

    def add_snapshot(self, scope: Scope, tree: Tree, proofs: Collection[bytes], *, at: float) -> set[Sha256]:
        hashes = {chunk.sha256 for file in tree.files for chunk in file.chunks}
        body = trees.pack(tree)
        with self._transaction() as db:
            scope_id = _scope_id(db, scope)
            missing = hashes - _owned(db, scope_id, hashes)
            if missing:
                return missing
            kept = b"".join(map(bytes.fromhex, sorted(hashes)))
            db.execute("INSERT OR IGNORE INTO trees VALUES (?, ?, ?)", (tree.id, body, kept))
            # The tree that is there may be cut otherwise; the same content is owned in that form too.
            (kept,) = db.execute("SELECT hashes FROM trees WHERE id = ?", (tree.id,)).fetchone()
            _insert_owners(db, scope_id, _split(kept), at)
            db.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (scope_id, tree.id, at))
            db.executemany("INSERT OR REPLACE INTO proofs VALUES (?, ?)", [(proof, at) for proof in proofs])
        return set()

    def find_tree(self, snapshot: SnapshotId) -> Tree | None:
        with self._connection() as db:
            row = db.execute("SELECT body FROM trees WHERE id = ?", (snapshot,)).fetchone()
        return trees.unpack(row[0]) if row else None

    def has_snapshot(self, scope: Scope, snapshot: SnapshotId) -> bool:
        with self._connection() as db:
            row = db.execute(
                "SELECT 1 FROM snapshots JOIN scopes ON scopes.id = scope WHERE name = ? AND snapshots.id = ?",
                (scope, snapshot),
            ).fetchone()
            return row is not None

    def snapshots(self, scope: Scope) -> list[SnapshotId]:
        with self._connection() as db:
            rows = db.execute(
                "SELECT snapshots.id FROM snapshots JOIN scopes ON scopes.id = scope WHERE name = ? ORDER BY 1",
                (scope,),
            )
            return [SnapshotId(row[0]) for row in rows]

    def usage(self, scope: Scope) -> Usage:
        with self._connection() as db:
            chunks, size = db.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM owners JOIN chunks USING (hash)"
                " WHERE scope = (SELECT id FROM scopes WHERE name = ?)",
                (scope,),
            ).fetchone()
        return Usage(len(self.snapshots(scope)), chunks, size)

    def forget(self, keep: Collection[SnapshotId], *, before: float) -> Forgotten:
        wanted = frozenset(keep)
        with self._connection() as db:
            scopes = [row[0] for row in db.execute("SELECT id FROM scopes ORDER BY id")]
            known = {row[0] for row in db.execute("SELECT id FROM trees")}
        snapshots = sum(self._forget_scope(scope, wanted, before) for scope in scopes)
        chunks, size = self._forget_unowned(before)
        return Forgotten(snapshots, chunks, size, tuple(sorted(wanted - known)))

    def size(self) -> Size:
        with self._connection() as db:
            return Size(*db.execute("SELECT count(*), coalesce(sum(size), 0) FROM packs").fetchone())

    def packs(self) -> list[PackUse]:
        with self._connection() as db:
            rows = db.execute(
                "SELECT name, packs.size, sum(chunks.size + ?) FROM packs JOIN chunks ON pack = name"
                " GROUP BY name ORDER BY 1",
                (HEADER_SIZE,),
            )
            return [PackUse(*row) for row in rows]

    def contents(self, pack: str) -> list[Location]:
        with self._connection() as db:
            rows = db.execute(
                "SELECT hash, pack, position, size FROM chunks WHERE pack = ? ORDER BY position", (pack,)
            )
            return list(map(_location, rows))

    def adopt(self, pack: PackUse, found: Iterable[Location], *, at: float) -> None:
        with self._transaction() as db:
            _insert_pack(db, pack, found, at)

    def move(self, sources: Collection[str], pack: PackUse, found: Iterable[Location]) -> None:
        with self._transaction() as db:
            _insert_pack(db, pack, (), 0)
            db.executemany(
                f"UPDATE chunks SET pack = ?, position = ? WHERE hash = ? AND pack IN ({_marks(sources)})",  # noqa: S608  # only question marks
                [(pack.name, each.offset, bytes.fromhex(each.sha256), *sources) for each in found],
            )

    def doom(self) -> set[str]:
        with self._transaction() as db:
            db.execute("UPDATE packs SET doomed = 1 WHERE name NOT IN (SELECT pack FROM chunks)")
            return {row[0] for row in db.execute("SELECT name FROM packs WHERE doomed = 1")}

    def pack_names(self) -> set[str]:
        with self._connection() as db:
            return {row[0] for row in db.execute("SELECT name FROM packs")}

    def _forget_scope(self, scope: int, keep: frozenset[SnapshotId], before: float) -> int:
        """Drop a scope's snapshots and what it owns for none; marking what it needs is long and blocks no writer."""
        with self._connection() as db:
            db.execute("CREATE TEMP TABLE IF NOT EXISTS needed (hash BLOB PRIMARY KEY) WITHOUT ROWID")
            db.execute("DELETE FROM temp.needed")
            marked = _kept(db, scope, keep, before)
            _mark(db, marked)
            with self._writing, _begun(db):
                kept = _kept(db, scope, keep, before)
                _mark(db, kept - marked)
                dropped = _drop_snapshots(db, scope, kept)
                db.execute(
                    "DELETE FROM owners WHERE scope = ? AND added < ? AND hash NOT IN (SELECT hash FROM temp.needed)",
                    (scope, before),
                )
        return dropped

    def _forget_unowned(self, before: float) -> tuple[int, int]:
        with self._transaction() as db:
            db.execute("DELETE FROM trees WHERE id NOT IN (SELECT id FROM snapshots)")
            db.execute("DELETE FROM proofs WHERE added < ?", (before - _PROOF_LIFE,))
            garbage = "FROM chunks WHERE added < ? AND hash NOT IN (SELECT hash FROM owners)"
            chunks, size = db.execute(
                f"SELECT count(*), coalesce(sum(size), 0) {garbage}", (before,)
            ).fetchone()
            db.execute(f"DELETE {garbage}", (before,))
        return chunks, size

    def _make_tables(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == _VERSION:
            return
        if version:
            raise StoreUnusable(
                f"Cannot use the index {self._path}: it has the form {version}, this program knows {_VERSION}.",
                fix="Use the version of this program that wrote it, or a newer one.",
            )
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, self._connection() as db, _begun(db):
            yield db

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        db = None
        try:
            db = self._take() or self._connect()
            yield db
        except sqlite3.Error as error:
            raise self._explain(error) from error
        finally:
            if db is not None:
                with self._pool:
                    self._idle.append(db)

    def _take(self) -> sqlite3.Connection | None:
        with self._pool:
            return self._idle.pop() if self._idle else None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA temp_store = MEMORY")
        return db

    def _explain(self, error: sqlite3.Error) -> StoreFull | StoreDamaged | StoreUnusable:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(
                f"Cannot store this: the disk of {self._path} is full.",
                fix="Free some space on it, then try again.",
            )
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return StoreDamaged(
                f"Cannot use the index {self._path}: {error}.", fix="Restore it from a backup."
            )
        return StoreUnusable(
            f"Cannot use the index {self._path}: {error}.",
            fix="Try again; if it stays, check that the disk works and that this account may write to the file.",
        )


@contextmanager
def _begun(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            # A failed statement may have rolled back by itself, and the first error is the one to report.
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")


def _scope_id(db: sqlite3.Connection, scope: Scope) -> int:
    db.execute("INSERT OR IGNORE INTO scopes (name) VALUES (?)", (scope,))
    (number,) = db.execute("SELECT id FROM scopes WHERE name = ?", (scope,)).fetchone()
    return int(number)


def _insert_pack(db: sqlite3.Connection, pack: PackUse, found: Iterable[Location], at: float) -> None:
    db.execute("INSERT OR IGNORE INTO packs (name, size) VALUES (?, ?)", (pack.name, pack.size))
    if db.execute("SELECT doomed FROM packs WHERE name = ?", (pack.name,)).fetchone() != (0,):
        return
    db.executemany(
        "INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?)",
        [(bytes.fromhex(each.sha256), pack.name, each.offset, each.size, at) for each in found],
    )


def _insert_owners(db: sqlite3.Connection, scope: int, hashes: Iterable[Sha256], at: float) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO owners VALUES (?, ?, ?)",
        [(bytes.fromhex(name), scope, at) for name in hashes],
    )


def _known(db: sqlite3.Connection, hashes: Collection[Sha256]) -> set[Sha256]:
    known: set[Sha256] = set()
    for some in _batches(hashes):
        rows = db.execute(f"SELECT hash FROM chunks WHERE hash IN ({_marks(some)})", some)  # noqa: S608  # as above
        known.update(Sha256(row[0].hex()) for row in rows)
    return known


def _owned(db: sqlite3.Connection, scope: int, hashes: Collection[Sha256]) -> set[Sha256]:
    owned: set[Sha256] = set()
    for some in _batches(hashes):
        rows = db.execute(
            f"SELECT hash FROM chunks JOIN owners USING (hash) WHERE scope = ? AND hash IN ({_marks(some)})",  # noqa: S608  # only question marks
            [scope, *some],
        )
        owned.update(Sha256(row[0].hex()) for row in rows)
    return owned


def _kept(db: sqlite3.Connection, scope: int, keep: frozenset[SnapshotId], before: float) -> set[SnapshotId]:
    rows = db.execute("SELECT id, added FROM snapshots WHERE scope = ?", (scope,))
    return {snapshot for snapshot, added in rows if snapshot in keep or added >= before}


def _mark(db: sqlite3.Connection, snapshots: Iterable[SnapshotId]) -> None:
    for snapshot in snapshots:
        (hashes,) = db.execute("SELECT hashes FROM trees WHERE id = ?", (snapshot,)).fetchone()
        names = [(hashes[start : start + 32],) for start in range(0, len(hashes), 32)]
        db.executemany("INSERT OR IGNORE INTO temp.needed VALUES (?)", names)


def _drop_snapshots(db: sqlite3.Connection, scope: int, kept: set[SnapshotId]) -> int:
    rows = db.execute("SELECT id FROM snapshots WHERE scope = ?", (scope,)).fetchall()
    dropped = [(scope, row[0]) for row in rows if row[0] not in kept]
    db.executemany("DELETE FROM snapshots WHERE scope = ? AND id = ?", dropped)
    return len(dropped)


def _location(row: tuple[bytes, str, int, int]) -> Location:
    return Location(Sha256(row[0].hex()), *row[1:])


def _split(hashes: bytes) -> list[Sha256]:
    return [Sha256(hashes[start : start + 32].hex()) for start in range(0, len(hashes), 32)]


def _batches(hashes: Collection[Sha256]) -> Iterator[list[bytes]]:
    names = [bytes.fromhex(name) for name in hashes]
    for start in range(0, len(names), _BATCH):
        yield names[start : start + _BATCH]


def _marks(values: Sequence[bytes] | Collection[str]) -> str:
    return ",".join("?" * len(values))
