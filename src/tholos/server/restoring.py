"""An installation out of a backup: every file with the hash it went in with, every row, in a folder that was not there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import text
from sqlalchemy.engine import Connection

from tholos.kit.db import Database, JsonObject
from tholos.kit.errors import Conflict
from tholos.runtime.layout import Layout
from tholos.server import archives, rows, schema
from tholos.server.archives import BackupDamaged


class NotEmpty(Conflict):
    """Cannot restore there: something is there already."""

    code = "not_empty"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored."""

    taken_at: str
    version: str
    rows: int


def restore(source: Path, layout: Layout, database_url: str) -> Restored:
    """Make an installation of a backup; a failed one leaves nothing behind in the folder.

    Args:
        source: a folder or archive that ``backup`` made.
        layout: of the new installation, whose folder is not there or is empty.
        database_url: of an empty database, where it is to be no file of the data folder; else empty.

    Raises: NotEmpty, BackupDamaged, ZstdMissing, SchemaTooNew.
    """
    if layout.data.exists() and (not layout.data.is_dir() or any(layout.data.iterdir())):
        raise NotEmpty(
            f"Cannot restore to {layout.data}: it is not empty.", fix="Name a new folder: --data DIR"
        )
    if not source.exists():
        raise BackupDamaged(
            f"Cannot restore the backup: there is no {source}.", fix="Name a folder or an archive."
        )
    unfinished = layout.data.with_name(f".{layout.data.name}.unfinished-{os.getpid()}")
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        told = archives.unpack(source, unfinished)
        count = _fill(unfinished, told, database_url)
        archives.remove(unfinished / "database")
        if layout.data.exists():
            layout.data.rmdir()
        unfinished.rename(layout.data)
    finally:
        archives.remove(unfinished)
    return Restored(str(told["taken_at"]), str(told["version"]), count)


def _fill(folder: Path, told: JsonObject, database_url: str) -> int:
    columns = cast("Mapping[str, list[str]]", told["columns"])
    database = Database(database_url or f"sqlite:///{Layout(folder).database}")
    try:
        if not rows.is_empty(database):
            raise NotEmpty(
                "Cannot restore to this database: it has tables.",
                fix="Name an empty one in THOLOS_DATABASE_URL.",
            )
        schema.upgrade(database, to=str(told["revision"]))
        with database.writer.connect() as connection, connection.begin():
            lines_of = {name: _lines(folder / "database" / f"{name}.jsonl") for name in columns}
            count = rows.fill(connection, lines_of, columns)
            rows.set_last_numbers(connection, cast("Mapping[str, int]", told["last_numbers"]))
            _end_instances(connection)
    except (KeyError, ValueError) as error:
        raise BackupDamaged(
            f"Cannot restore the backup: its rows do not fit its schema ({error}).", fix="Take another one."
        ) from error
    finally:
        database.close()
    return count


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def _end_instances(connection: Connection) -> None:
    """What ran where the backup was taken does not run here: the server starts what should."""
    connection.execute(
        text(
            "UPDATE instances SET state = 'stopped', reason = 'restored from a backup', operation_id = NULL WHERE state <> 'stopped'"
        )
    )
