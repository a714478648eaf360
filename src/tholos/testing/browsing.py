"""A browser as far as sign-in goes: it keeps cookies for each host, and follows redirects when it is told to."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tholos.testing.trial import Trial

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
}


@dataclass(frozen=True, slots=True)
class Got:
    """An answer, each of its cookies included."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def location(self) -> str:
        return dict(self.headers).get("location", "")

    @property
    def cookies(self) -> dict[str, str]:
        """Those that are set, with their attributes."""
        values = [value for name, value in self.headers if name.lower() == "set-cookie"]
        return {value.partition("=")[0]: value.partition("=")[2] for value in values}

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Browser:
    """Keeps cookies for each host as a browser does; follows nothing by itself."""

    trial: Trial
    jar: dict[str, dict[str, str]] = field(default_factory=dict)

    def host(self, name: str) -> str:
        port = self.trial.server.port
        return f"{name}.localhost:{port}" if name else f"localhost:{port}"

    def origin(self, name: str) -> str:
        return f"http://{self.host(name)}"

    def headers(self, name: str, more: dict[str, str]) -> dict[str, str]:
        kept = self.jar.get(self.host(name), {})
        cookies = {"Cookie": "; ".join(f"{one}={value}" for one, value in kept.items())} if kept else {}
        return {"Host": self.host(name), **cookies, **more}

    def ask(self, method: str, name: str, path: str, body: str | None = None, **more: str) -> Got:
        connection = http.client.HTTPConnection("127.0.0.1", self.trial.server.port, timeout=20)
        try:
            connection.request(method, path, body, self.headers(name, more))
            answer = connection.getresponse()
            got = Got(answer.status, [(k.lower(), v) for k, v in answer.getheaders()], answer.read())
        finally:
            connection.close()
        for cookie, value in got.cookies.items():
            jar = self.jar.setdefault(self.host(name), {})
            jar[cookie] = value.partition(";")[0]
            if "Max-Age=0" in value:
                del jar[cookie]
        return got

    def go(self, name: str, path: str) -> Got:
        """Open a page, through as many redirects as a browser would take."""
        for _ in range(8):
            got = self.ask("GET", name, path, **NAVIGATION)
            if got.status != 303:
                return got
            url = urlsplit(got.location)
            if url.netloc:
                name = url.netloc.partition(".localhost")[0] if ".localhost" in url.netloc else ""
                assert url.netloc == self.host(name)
            path = url.path + (f"?{url.query}" if url.query else "")
        msg = "redirected in circles"
        raise AssertionError(msg)

    def post(self, path: str, **form: str) -> Got:
        more = {"Origin": self.origin(""), "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "", path, urlencode(form), **more)

    def upgrade(self, name: str, **more: str) -> int:
        """The status that a websocket's handshake is answered with."""
        with self.tunnel(name, **more) as (status, _):
            return status

    @contextmanager
    def tunnel(self, name: str, **more: str) -> Iterator[tuple[int, socket.socket]]:
        sent = self.headers(name, {**UPGRADE, **more})
        lines = [f"{key}: {value}" for key, value in sent.items()]
        with socket.create_connection(("127.0.0.1", self.trial.server.port), timeout=20) as opened:
            opened.sendall("\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""]).encode())
            yield int(opened.recv(12).split()[1]), opened
