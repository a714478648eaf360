"""Asking an ASGI application in this process: no socket, the test's own event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
HOST = "localhost:8080"
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)
    """What it sets, by name; empty values for those that it removes."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Asgi:
    """Asks one application; ``headers`` go with every request."""

    application: Application
    headers: Mapping[str, str]

    def with_headers(self, **headers: str) -> Asgi:
        """The same with further headers; an underscore in a name stands for ``-``."""
        return Asgi(
            self.application,
            {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def post(self, path: str, content: object = None) -> Answer:
        """Send a value as JSON."""
        return await self.send("POST", path, json.dumps(content).encode())

    async def send(
        self, method: str, path: str, body: bytes, content_type: str = "application/json"
    ) -> Answer:
        return await self.with_headers(content_type=content_type).ask(method, path, body)

    async def form(self, path: str, fields: Mapping[str, str | list[str]]) -> Answer:
        body = urlencode(fields, doseq=True).encode()
        return await self.send("POST", path, body, "application/x-www-form-urlencoded")

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        received: list[MutableMapping[str, Any]] = []
        waiting: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()  # the client stays until it has the whole answer
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            received.append(message)

        async with asyncio.timeout(TIMEOUT_S):
            await self.application(self._scope(method, path, body), receive, send)
        return _answer(received)

    def _scope(self, method: str, path: str, body: bytes) -> MutableMapping[str, Any]:
        target, _, query = path.partition("?")
        headers = {"host": HOST, **self.headers}
        if body:
            headers["content-length"] = str(len(body))
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": target,
            "raw_path": quote(target, errors="surrogatepass").encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 8080),
            "state": {},
        }


def _answer(messages: Sequence[MutableMapping[str, Any]]) -> Answer:
    start = next(one for one in messages if one["type"] == "http.response.start")
    body = b"".join(one.get("body", b"") for one in messages if one["type"] == "http.response.body")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    set_cookies = [
        value.decode("latin-1") for name, value in start["headers"] if name.lower() == b"set-cookie"
    ]
    cookies = dict(one.partition(";")[0].partition("=")[::2] for one in set_cookies)
    return Answer(start["status"], headers, body, cookies)
