"""What a call of this wire waits for, as its clients expect an answer once it is so."""

from __future__ import annotations

import asyncio

from tholos.accounts.routes import Call
from tholos.kit.notices import Notices, wait
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.operations.errors import OperationUnderWay

PATIENCE_S = 120.0


async def until_idle(call: Call, app_id: str) -> None:
    """Until nothing is under way for an app.

    Raises: OperationUnderWay: something is, for too long.
    """

    def find() -> str:
        with call.read() as db:
            found = operations.find_under_way(db, app_id)
            return found.id if found else ""

    with call.get(Notices).watch(operations.QUEUE_TOPIC, "apps") as woken:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while operation_id := await in_thread(find):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise OperationUnderWay(
                    "Cannot do that just now: a deployment is under way.",
                    fix="Wait for it and try again.",
                    operation=operation_id,
                )
            await wait(woken, min(left, 5.0))
