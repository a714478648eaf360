"""The work of rotating the key, step by step; each may be done twice, and cut off anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tholos.kit.db import Database, JsonObject
from tholos.kit.log import get_logger
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.operations.models import Operation
from tholos.operations.tasks import Work
from tholos.variables import resealing
from tholos.variables.resealing import SealedColumn


@dataclass(frozen=True, slots=True)
class KeyRotator:
    """Handles the operation *rotate_key*.

    Args:
        columns: of every domain that seals.
    """

    database: Database
    sealer: Sealer
    columns: Sequence[SealedColumn]

    async def rotate(self, work: Work) -> JsonObject:
        """Everything sealed by a new key, and no other key left.

        Raises: CannotOpen: something cannot be read any more; the older keys stay.
        """
        async with work.step("key") as say:
            number = await in_thread(self._make_key, work)
            say(f"key {number}")
        async with work.step("reseal") as say:
            count = 0
            while some := await in_thread(self._reseal_some):
                count += some
            say(f"{count} sealed anew")
        async with work.step("drop") as say:
            while not await in_thread(self._drop):
                await in_thread(self._reseal_some)
            say("older keys are gone")
        return {"key": number, "resealed": count}

    async def abandon(self, operation: Operation, error: JsonObject | None) -> None:
        """Both keys stay: what either sealed can be read, and rotating again goes on."""
        get_logger().info("key_rotation_abandoned", operation=operation.id, is_cancelled=error is None)

    def _make_key(self, work: Work) -> int:
        before = int(str(work.operation.request["from"]))
        with self.database.write():  # nobody seals meanwhile
            return resealing.make_key(self.sealer, before)

    def _reseal_some(self) -> int:
        with self.database.write() as db:
            return resealing.reseal_some(db, self.sealer, self.columns)

    def _drop(self) -> bool:
        with self.database.write() as db:
            return resealing.drop_keys(db, self.sealer, self.columns)
