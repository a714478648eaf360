"""The tide of the next hours, for programs at /tides and for people on a page; /docs tells what can be asked."""

from __future__ import annotations

import math

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

PAGE = """<!doctype html>
<html lang="en">
<title>Tides</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 36rem; margin: 2rem auto; padding: 0 1rem }</style>
<h1>Tides</h1>
<label>Hours <input type="number" value="3" min="1" max="12"></label>
<button>Ask</button> <a href="docs">What can be asked</a>
<p role="status"></p>
<script>
  document.querySelector("button").addEventListener("click", async () => {
    const hours = document.querySelector("input").value
    const tides = await (await fetch(`tides?hours=${hours}`)).json()
    document.querySelector("p").textContent = tides.map((one) => `${one.hour} h: ${one.metres} m`).join(", ")
  })
</script>
"""

app = FastAPI(title="Tides")


@app.get("/", response_class=HTMLResponse, include_in_schema=False)
def index() -> str:
    return PAGE


@app.get("/tides")
def tides(hours: int = 3) -> list[dict[str, float]]:
    """The height of the water in each of the next hours."""
    return [
        {"hour": hour, "metres": round(2 + 1.5 * math.sin(hour * math.tau / 12.4), 1)}
        for hour in range(1, hours + 1)
    ]
