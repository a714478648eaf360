"""HTTP of what watches an installation: probes of its health, for everybody and without a word about anything else, and
figures for those who may see them.
"""

from __future__ import annotations

from typing import Literal

from fastapi import Response
from pydantic import BaseModel
from starlette.responses import PlainTextResponse

from tholos.accounts.routes import Calling, Permission, Routes
from tholos.console import metrics
from tholos.console.health import Health
from tholos.console.metrics import Meters
from tholos.kit.metrics import MEDIA_TYPE, render

routes = Routes(tags=["monitoring"])

Word = Literal["ok", "failing"]


class AliveOut(BaseModel):
    status: Word


class ReadyOut(BaseModel):
    status: Word
    parts: dict[str, Word]
    """Database, migrations, store and supervisor."""


@routes.declare("GET", "/health/live", permission=Permission.PUBLIC)
async def get_live(response: Response) -> AliveOut:
    """Whether the server answers at all; one that does not is to be started again."""
    response.headers["cache-control"] = "no-store"
    return AliveOut(status="ok")


@routes.declare(
    "GET",
    "/health/ready",
    permission=Permission.PUBLIC,
    responses={503: {"model": ReadyOut, "description": "Some part is failing; the server's log says why."}},
)
async def get_ready(call: Calling, response: Response) -> ReadyOut:
    """Whether every part that new work needs is well; 503 where one is not. Apps that run may serve all the same."""
    found = await call.get(Health).examine()
    is_ready = all(found.values())
    response.status_code = 200 if is_ready else 503
    response.headers["cache-control"] = "no-store"
    return ReadyOut(
        status="ok" if is_ready else "failing",
        parts={name: "ok" if is_well else "failing" for name, is_well in found.items()},
    )


@routes.declare(
    "GET",
    "/metrics",
    permission=Permission.MEASURE,
    response_class=PlainTextResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {}}, "description": "Figures in the text format of Prometheus."}
    },
)
def get_metrics(call: Calling) -> PlainTextResponse:
    """Figures for monitoring, in the text format of Prometheus."""
    with call.read() as db:
        text = render(metrics.collect(db, call.get(Meters)))
    return PlainTextResponse(text, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})
