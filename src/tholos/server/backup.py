"""A backup of a whole installation while it runs: the database as of one moment, then all content that it names.

Content never changes and is not collected meanwhile, so what is copied after the database has all that it needs. Keys are
copied before and after it: whichever key sealed a row is among them. What apps keep is copied file by file, as it is read.
Environments, mirrors of repositories, logs and sockets are left out: they are made anew, or of use to nobody else.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from tholos import __version__
from tholos.kit.clock import to_text
from tholos.kit.db import Database
from tholos.kit.errors import Forbidden, NotFound
from tholos.kit.locks import Locked, held
from tholos.runtime.layout import Layout
from tholos.server import rows
from tholos.server.archives import Packing, packing
from tholos.server.rows import Moment

PATIENCE_S = 600.0
"""How long a collection of content, or another backup, is waited for."""


class NoInstallation(NotFound):
    """Cannot take a backup: there is no installation."""

    code = "no_installation"


class NotItsUser(Forbidden):
    """Cannot take a backup: the installation is another user's."""

    code = "not_its_user"


@dataclass(slots=True)
class Taken:
    """What a backup has."""

    rows: int = 0
    packs: int = 0
    apps: int = 0
    bytes: int = 0


def take(layout: Layout, database_url: str, target: Path) -> Taken:
    """Take a backup.

    Args:
        layout: of the installation.
        database_url: of its database, where that is no file of its data folder; else empty.
        target: a folder or archive that is made.

    Raises: NoInstallation, NotItsUser, BackupExists, ZstdMissing, Locked.
    """
    if not layout.keys.is_dir():
        raise NoInstallation(
            f"Cannot take a backup: there is no installation in {layout.data}.",
            fix="Name its folder: --data DIR",
        )
    if (owner := layout.keys.stat().st_uid) != os.getuid():
        # What SQLite makes beside its file would be ours, and the server could not write there any more.
        raise NotItsUser(
            f"Cannot take a backup: the installation in {layout.data} belongs to user {owner}.",
            fix=f"Take it as that user: sudo -u '#{owner}' tholos backup …",
        )
    taken = Taken()
    database = Database(database_url or f"sqlite:///{layout.database}")
    try:
        with _alone(layout.content_lock), packing(target) as pack:
            _pack_all(layout, database, pack, taken)
            taken.bytes = sum(one.size for one in pack.files.values())
    finally:
        database.close()
    return taken


def _pack_all(layout: Layout, database: Database, pack: Packing, taken: Taken) -> None:
    _pack_keys(layout, pack)
    with rows.moment(database) as now:
        taken_at = datetime.now(UTC)
        columns = {}
        for table in now.tables:
            taken.rows += pack.add_lines(f"database/{table.name}.jsonl", now.lines(table))
            columns[table.name] = [one.name for one in table.columns]
        last, prepared = now.last_numbers(), _list_prepared(now)
        apps = _list_apps(now)
    _pack_keys(layout, pack)
    taken.packs = _pack_content(layout, pack)
    for app_id in apps:
        taken.apps += 1
        _pack_tree(pack, layout.data, layout.app_data(app_id), leave=layout.data)
    for app_id, number in prepared:
        _pack_tree(pack, layout.data, layout.sources(app_id, number), leave=layout.data)
    pack.add("sources/git/known_hosts", layout.repositories / "git" / "known_hosts")
    pack.finish({
        "version": __version__, "taken_at": to_text(taken_at), "revision": now.revision, "columns": columns,
        "last_numbers": last, "data": str(layout.data),
    })  # fmt: skip


def _pack_keys(layout: Layout, pack: Packing) -> None:
    for path in sorted(layout.keys.iterdir()):
        name = f"keys/{path.name}"
        if path.is_file() and name not in pack.files and not path.name.startswith("."):
            pack.add(name, path)


def _list_apps(now: Moment) -> list[str]:
    (table,) = (one for one in now.tables if one.name == "apps")
    return [str(one) for one in now.connection.scalars(select(table.columns["id"]))]


def _list_prepared(now: Moment) -> list[tuple[str, int]]:
    """Releases whose folder has more than what was published: a command has prepared it."""
    (table,) = (one for one in now.tables if one.name == "releases")
    chosen = select(table.columns["app_id"], table.columns["number"], table.columns["manifest"])
    return [
        (str(app), int(number)) for app, number, said in now.connection.execute(chosen) if said.get("prepare")
    ]


def _pack_content(layout: Layout, pack: Packing) -> int:
    """The index as of now, and the packs that it names; how many."""
    with tempfile.TemporaryDirectory(dir=layout.data, prefix=".backup-") as folder:
        copy = Path(folder) / "index.db"
        with (
            closing(sqlite3.connect(layout.store / "index.db")) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            names = [name for (name,) in target.execute("SELECT name FROM packs ORDER BY name")]
        copy.chmod(0o600)
        pack.add("store/index.db", copy)
    for name in names:
        pack.add(f"store/{name}", layout.store / name)
    return len(names)


def _pack_tree(pack: Packing, root: Path, folder: Path, *, leave: Path) -> None:
    """A folder's files and links, but those that lead to what is kept of an app: they are made anew where that then is."""
    for path in _walk(folder):
        name = path.relative_to(root).as_posix()
        try:
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                pack.add(name, path)
            elif stat.S_ISLNK(mode) and leave not in path.readlink().parents:
                pack.add_link(name, path)
        except FileNotFoundError:
            continue  # its app has removed it just now


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*names, *links]):
            yield Path(parent, name)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Raises: Locked: somebody has had it for too long."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            with held(lock):
                yield
                return
        except Locked:
            if time.monotonic() > until:
                raise Locked(
                    "Cannot take a backup: another one is being taken.", fix="Wait for it to end."
                ) from None
        time.sleep(0.5)
