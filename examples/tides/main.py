"""Tides: a small FastAPI service with a typed answer, its documentation at /docs, and a websocket."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

app = FastAPI(title="Tides")

PERIOD_HOURS = 12.42
RANGE_M = 3.4


class Tide(BaseModel):
    at: datetime
    height_m: float


def height(moment: datetime) -> float:
    hours = moment.timestamp() / 3600
    return round(RANGE_M / 2 * math.sin(2 * math.pi * hours / PERIOD_HOURS), 3)


@app.get("/", response_class=HTMLResponse)
def index() -> str:
    return """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tides</title>
    <h1>Tides</h1><p>Now: <strong id="now">…</strong> m · <a href="/tides">the next day</a> · <a href="/docs">API</a></p>
    <script>
      const socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/live");
      socket.onmessage = (message) => document.getElementById("now").textContent = message.data;
    </script></html>"""


@app.get("/tides")
def tides(hours: int = 24) -> list[Tide]:
    start = datetime.now(UTC)
    moments = [start + timedelta(hours=hour) for hour in range(min(hours, 240))]
    return [Tide(at=moment, height_m=height(moment)) for moment in moments]


@app.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(f"{height(datetime.now(UTC)):.3f}")
            await asyncio.sleep(1)
    except WebSocketDisconnect:
        return
