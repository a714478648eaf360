"""What answers for each app right now: the table that the front door reads at every request.

It is derived from the database and rebuilt when that changes; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tholos.apps.life import Life, Rules
from tholos.apps.models import LIVE
from tholos.apps.names import release_name
from tholos.instances import queries
from tholos.instances.models import SHARED, InstanceState
from tholos.kit.db import Database, ReadDb

ASLEEP = "asleep"
"""State of what sleeps: a request wakes it."""


@dataclass(frozen=True, slots=True)
class Answering:
    """An instance that requests can go to."""

    instance: str
    address: str
    whose: str = SHARED


@dataclass(frozen=True, slots=True)
class Serving:
    """One app, or one of its drafts, as the front door needs it."""

    app_id: str
    name: str
    """Of its host: the app's, or for a draft that and the release's number."""
    owner_id: str
    audience: str
    access_version: int
    draft: int
    """Number of the release where it is a draft; 0 for the app itself."""
    release: int
    """Number of the release that answers, or is to; 0 where there is none."""
    instance: str
    """Id of the instance that requests go to, the newest where there are several; empty where none is ready."""
    address: str
    state: str
    """Of that instance or of what may come to answer, or :data:`ASLEEP`; empty where there is none."""
    reason: str
    since: datetime | None = None
    """Of its state."""
    release_id: str = ""
    ready: tuple[Answering, ...] = ()
    """All that answer, the newest first."""
    rules: Rules = field(default_factory=Rules)

    @property
    def place(self) -> str:
        """What passes and handles for it are good for."""
        return f"{self.app_id}/r{self.draft}" if self.draft else self.app_id


class ServingTable:
    """Read on the event loop; refreshed by the keeper."""

    """
    Args:
        rules: of apps that say nothing of their instances' life.
    """

    def __init__(self, database: Database, rules: Rules | None = None) -> None:
        self._database = database
        self.rules = rules or Rules()
        self._by_name: dict[str, Serving] = {}
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._changed = asyncio.Condition()
        self._told: list[asyncio.Event] = []

    def find(self, name: str) -> Serving | None:
        return self._by_name.get(name)

    def find_name(self, app_id: str) -> str:
        """An app's name by its id; empty where there is none."""
        rows = (self._by_name[name] for name in self._names.get(app_id, ()))
        return next((row.name for row in rows if not row.draft), "")

    def rows(self) -> list[Serving]:
        """All of them, as they are now."""
        return [*self._by_name.values()]

    def tell(self, event: asyncio.Event) -> None:
        """Set an event at each change from here on."""
        self._told.append(event)

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def rules_of(self, app_id: str) -> Rules:
        """What holds for an app's instances; the installation's rules where it is not known."""
        rows = (self._by_name[name] for name in self._names.get(app_id, ()))
        return next((row.rules for row in rows), self.rules)

    def read_all(self) -> list[Serving]:
        """Every app, from the database. Synchronous; give the result to :meth:`replace`."""
        with self._database.read() as db:
            return _serving(db, self.rules)

    def read_of(self, app_id: str) -> list[Serving]:
        """One app and its drafts; nothing where the app is gone."""
        with self._database.read() as db:
            return _serving(db, self.rules, app_id)

    async def replace(self, rows: list[Serving]) -> None:
        self._by_name.clear()
        self._names.clear()
        self._put(rows)
        await self._tell()

    async def put(self, app_id: str, rows: Sequence[Serving]) -> None:
        """Put what one app's rows are now; none where the app is gone."""
        for name in self._names.pop(app_id, set()):
            if name in self._by_name and self._by_name[name].app_id == app_id:
                del self._by_name[name]
        self._put(rows)
        await self._tell()

    def _put(self, rows: Sequence[Serving]) -> None:
        for row in rows:
            self._by_name[row.name] = row
            self._names[row.app_id].add(row.name)

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
        for event in self._told:
            event.set()
        async with self._changed:
            self._changed.notify_all()


def _serving(db: ReadDb, rules: Rules, app_id: str | None = None) -> list[Serving]:
    """The rows of every app and its drafts, or of one app, with one query."""
    rows = queries.list_serving(db, app_id)
    served = []
    for _, of_app in itertools.groupby(rows, lambda row: row.app_id):
        found = [*of_app]
        pointed = {
            name: [*some]
            for name, some in itertools.groupby(found, lambda row: row.pointer)
            if name is not None
        }
        live = pointed.pop(LIVE, [_nothing_live(found[0])])
        held = rules.with_life(Life.of(found[0].life))
        served.append(_row(live, held))
        served += [_row(drafted, held) for drafted in pointed.values()]
    return served


def _nothing_live(row: queries.ServingRow) -> queries.ServingRow:
    return replace(
        row, pointer=None, release=None, release_id=None, instance=None, address=None, state=None, reason=None,
        since=None, asleep_at=None, whose=None,
    )  # fmt: skip


def _row(found: Sequence[queries.ServingRow], rules: Rules) -> Serving:
    """What answers, or else the newest of what may come to answer."""
    answering = [row for row in found if row.state == InstanceState.READY]
    answering.sort(key=lambda row: str(row.at), reverse=True)
    ready = answering[0] if answering else None
    shown = ready or found[0]
    sleeping = ASLEEP if shown.asleep_at and shown.release else ""
    draft = (shown.release or 0) if shown.pointer not in {LIVE, None} else 0
    return Serving(
        app_id=shown.app_id,
        name=release_name(shown.name, draft) if draft else shown.name,
        owner_id=shown.owner_id,
        audience=shown.audience,
        access_version=shown.access_version,
        draft=draft,
        release=shown.release or 0,
        instance=(ready.instance or "") if ready else "",
        address=(ready.address or "") if ready else "",
        state=shown.state or sleeping,
        reason=shown.reason or "",
        since=shown.since or shown.asleep_at,
        release_id=shown.release_id or "",
        ready=tuple(
            Answering(row.instance or "", row.address or "", row.whose or SHARED) for row in answering
        ),
        rules=rules,
    )
