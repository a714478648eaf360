"""What is done now and then so that nothing grows for ever: content that nothing names, codes and links that have expired."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from tholos.access import service as access
from tholos.accounts import answers, device, identities
from tholos.accounts import service as accounts
from tholos.apps import service as apps
from tholos.kit.clock import Clock
from tholos.kit.db import Database
from tholos.kit.locks import held
from tholos.kit.log import get_logger
from tholos.kit.persistence import attempt
from tholos.kit.threads import in_long_thread
from tholos.publishing import bundles
from tholos.store.model import SnapshotId
from tholos.store.store import Store
from tholos.usage import service as usage
from tholos.variables import service as variables

FIRST_AFTER_S = 600.0
EVERY_S = 6 * 3600.0
GRACE = timedelta(hours=24)
"""Content younger than this is never collected: an upload may be about to name it."""


@dataclass(frozen=True, slots=True)
class Housekeeper:
    database: Database
    clock: Clock
    store: Store
    usage_policy: usage.Policy = field(default_factory=usage.Policy)
    lock: Path | None = None
    """Held while content is removed."""

    async def run(self) -> None:
        """Keep house until cancelled."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            await attempt(partial(in_long_thread, self.clean))
            await asyncio.sleep(EVERY_S)

    def clean(self) -> None:
        """Once, now. Doing it twice is doing it once.

        Raises: Locked: a backup is being taken, which copies what might be removed.
        """
        now = self.clock.now()
        with held(self.lock) if self.lock else nullcontext():
            with self.database.read() as db:
                kept = [SnapshotId(name) for name in (*apps.kept_snapshots(db), *bundles.kept_snapshots(db))]
            report = self.store.collect(kept, now, GRACE)
        with self.database.write() as db:
            accounts.remove_expired(db, now - GRACE)
            answers.remove_expired(db, now)
            identities.remove_expired(db, now)
            device.remove_expired(db, now)
            access.remove_expired(db, now - GRACE)
            variables.remove_unnamed(db)
            usage.remove_old(db, self.usage_policy, now)
        get_logger().info("house_kept", content=str(report))
