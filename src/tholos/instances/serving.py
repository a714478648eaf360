"""What answers for each app right now: the table that the front door reads at every request.

It is derived from the database and rebuilt when that changes; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tholos.instances import queries
from tholos.instances.models import InstanceState
from tholos.kit.db import Database, ReadDb


@dataclass(frozen=True, slots=True)
class Serving:
    """One app, as the front door needs it."""

    app_id: str
    name: str
    owner_id: str
    access_version: int
    release: int
    """Number of the live release; 0 where there is none."""
    instance: str
    """Id of the instance that requests go to; empty where none is ready."""
    address: str
    state: str
    reason: str


class ServingTable:
    """Read on the event loop; refreshed by the keeper."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_name: dict[str, Serving] = {}
        self._names: dict[str, str] = {}
        self._changed = asyncio.Condition()

    def find(self, name: str) -> Serving | None:
        return self._by_name.get(name)

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def read_all(self) -> list[Serving]:
        """Every app, from the database. Synchronous; give the result to :meth:`replace`."""
        with self._database.read() as db:
            return _serving(db)

    def read_one(self, app_id: str) -> Serving | None:
        with self._database.read() as db:
            return next(iter(_serving(db, app_id)), None)

    async def replace(self, rows: list[Serving]) -> None:
        self._by_name = {row.name: row for row in rows}
        self._names = {row.app_id: row.name for row in rows}
        await self._tell()

    async def put(self, app_id: str, row: Serving | None) -> None:
        """Put what one app's row is now; None where the app is gone."""
        name = self._names.pop(app_id, "")
        if name in self._by_name and self._by_name[name].app_id == app_id:
            del self._by_name[name]
        if row is not None:
            self._by_name[row.name] = row
            self._names[app_id] = row.name
        await self._tell()

    async def wait_for_address(self, name: str, seconds: float, *, other_than: str = "") -> Serving | None:
        """An app's row once it has an address (another than the one that did not answer), or as it is after a time."""

        def can_go_on() -> bool:
            row = self._by_name.get(name)
            return row is None or row.state == InstanceState.FAILED or row.address not in {"", other_than}

        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(can_go_on)
        except TimeoutError:
            pass  # the row as it is tells why
        return self._by_name.get(name)

    async def wait_for_change(self, row: Serving, seconds: float) -> Serving | None:
        """An app's row once it is another one, or as it is after a time; None where the app is gone."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._by_name.get(row.name) != row)
        except TimeoutError:
            pass  # it is as it was
        return self._by_name.get(row.name)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _serving(db: ReadDb, app_id: str | None = None) -> list[Serving]:
    """The rows of every app, or of one, with one query."""
    rows = queries.list_serving(db, app_id)
    return [_row([*found]) for _, found in itertools.groupby(rows, lambda row: row.app_id)]


def _row(found: Sequence[queries.ServingRow]) -> Serving:
    """What answers, or else the newest of what may come to answer."""
    answering = [row for row in found if row.state == InstanceState.READY]
    ready = max(answering, key=lambda row: str(row.at), default=None)
    shown = ready or found[0]
    return Serving(
        app_id=shown.app_id,
        name=shown.name,
        owner_id=shown.owner_id,
        access_version=shown.access_version,
        release=shown.release or 0,
        instance=(ready.instance or "") if ready else "",
        address=(ready.address or "") if ready else "",
        state=shown.state or "",
        reason=shown.reason or "",
    )
