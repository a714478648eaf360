"""Makes what watches an installation of its parts: its meters and its health."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from tholos.access.access_log import AccessLog
from tholos.access.lane_use import LaneUse
from tholos.access.visits import Visits
from tholos.console.health import Health
from tholos.console.metrics import Meters
from tholos.gateway.carrier import Carrier
from tholos.gateway.shared import OnDone, all_of
from tholos.kit.db import Database
from tholos.kit.metrics import Labels
from tholos.kit.services import Services
from tholos.kit.threads import in_thread
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.layout import Layout
from tholos.server import schema
from tholos.server.about import storage
from tholos.settings import Settings
from tholos.store.store import Store


def told(settings: Settings, services: Services, visits: Visits) -> OnDone:
    """Who is told of every request that is over."""
    counted = all_of(visits, services.get(Meters).requests)
    if not settings.log.access:
        return counted
    return all_of(counted, AccessLog(with_accounts=settings.usage.with_accounts))


def add(
    services: Services,
    settings: Settings,
    layout: Layout,
    carrier: Carrier,
    launcher: LocalLauncher,
    use: LaneUse,
) -> None:
    """Let the meters and the health ask these parts."""
    store = services.get(Store)
    services.add(_measuring(services.get(Meters), settings, layout, carrier, use, store))
    services.add(_health(services.get(Database), layout, store, launcher))


def _measuring(
    meters: Meters, settings: Settings, layout: Layout, carrier: Carrier, use: LaneUse, store: Store
) -> Meters:
    def past_the_door() -> dict[Labels, float]:
        use.look()
        return use.answered

    def stored(name: str) -> int | None:
        return next((one.bytes for one in storage(settings, layout) if one.name == name), None)

    return replace(
        meters,
        past_the_door=past_the_door,
        open_exchanges=lambda: carrier.open_exchanges,
        open_connections=lambda: carrier.open_connections,
        store=store.size,
        database_bytes=partial(stored, "Database"),
        free_bytes=partial(stored, "Free on its disk"),
    )


def _health(database: Database, layout: Layout, store: Store, launcher: LocalLauncher) -> Health:

    async def ask_supervisor() -> None:
        await launcher.list()

    return Health({
        "database": partial(in_thread, _ask_database, database),
        "migrations": partial(in_thread, schema.check, database),
        "store": partial(in_thread, _look_at_store, layout, store),
        "supervisor": ask_supervisor,
    })  # fmt: skip


def _ask_database(database: Database) -> None:
    with database.read() as db:
        db.connection()


def _look_at_store(layout: Layout, store: Store) -> None:
    """Raises: StoreUnusable, PermissionError: nothing can be written there."""
    store.size()
    if not os.access(layout.store, os.W_OK | os.X_OK):
        msg = f"{layout.store} cannot be written to"
        raise PermissionError(msg)
