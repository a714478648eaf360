"""Browsers without a page: they keep cookies for each host, follow what they are told to, and show every byte of an answer."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tholos.testing.trial import Trial

ECHO = """
import asyncio
import json


async def until_gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def app(scope, receive, send):
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope.get("headers", [])]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": json.dumps(headers)})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    gone = asyncio.create_task(until_gone(receive))
    while scope["path"] == "/stream" and not gone.done():
        await send({"type": "http.response.body", "body": b".", "more_body": True})
        await asyncio.sleep(0.05)
    gone.cancel()
    await send({"type": "http.response.body", "body": json.dumps(headers).encode()})
"""
"""An app that tells the headers that it gets; ``/stream`` never ends, and a websocket stays open."""

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
EVENTS = {"Accept": "text/event-stream"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
}
PASSWORD = "correct horse battery"  # noqa: S105 - of people in tests
TIMEOUT_S = 20.0


@dataclass(frozen=True)
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


@dataclass
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

    def ask(self, method: str, name: str, path: str, body: str | bytes | None = None, **more: str) -> Got:
        connection = http.client.HTTPConnection("127.0.0.1", self.trial.server.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, self.headers(name, more))
            answer = connection.getresponse()
            got = Got(answer.status, [(k.lower(), v) for k, v in answer.getheaders()], answer.read())
        finally:
            connection.close()
        self.keep(name, got)
        return got

    def keep(self, name: str, got: Got) -> None:
        """Take the cookies of an answer."""
        for cookie, value in got.cookies.items():
            jar = self.jar.setdefault(self.host(name), {})
            jar[cookie] = value.partition(";")[0]
            if "Max-Age=0" in value:
                del jar[cookie]

    def go(self, name: str, path: str) -> Got:
        """Open a page, through as many redirects as a browser would take.

        Raises: AssertionError: they lead in circles, or to another place.
        """
        for _ in range(8):
            got = self.ask("GET", name, path, **NAVIGATION)
            if got.status != 303:
                return got
            url = urlsplit(got.location)
            if url.netloc:
                name = url.netloc.partition(".localhost")[0] if ".localhost" in url.netloc else ""
                assert url.netloc == self.host(name)
            path = url.path + (f"?{url.query}" if url.query else "")
        raise AssertionError("redirected in circles")

    def post(self, path: str, **form: str) -> Got:
        more = {"Origin": self.origin(""), "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "", path, urlencode(form), **more)

    def token(self) -> str:
        """A new API token of who is signed in."""
        more = {"Origin": self.origin(""), "Content-Type": "application/json"}
        got = self.ask("POST", "", "/api/v1/tokens", "{}", **more)
        assert got.status == 201, got.body
        return str(got.json()["token"])

    def upgrade(self, name: str, **more: str) -> int:
        """The status that a websocket's handshake is answered with."""
        with self.tunnel(name, **more) as (status, _):
            return status

    @contextmanager
    def tunnel(self, name: str, **more: str) -> Iterator[tuple[int, socket.socket]]:
        """A websocket's handshake, and the connection that it was made on."""
        with self.sent("GET", name, "/ws", **{**UPGRADE, **more}) as opened:
            yield int(opened.recv(12).split()[1]), opened

    @contextmanager
    def stream(self, name: str, path: str = "/stream") -> Iterator[socket.socket]:
        """An open stream of an app, the first line of its head read."""
        with self.sent("GET", name, path, **EVENTS) as opened:
            assert opened.recv(12) == b"HTTP/1.1 200"
            yield opened

    @contextmanager
    def sent(self, method: str, name: str, path: str, **more: str) -> Iterator[socket.socket]:
        """A connection on which a request's head was sent."""
        lines = [f"{key}: {value}" for key, value in self.headers(name, more).items()]
        address = ("127.0.0.1", self.trial.server.port)
        with socket.create_connection(address, timeout=TIMEOUT_S) as opened:
            opened.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())
            yield opened


class Watched:
    """Reads a connection until it ends, and knows when that was."""

    def __init__(self, opened: socket.socket) -> None:
        self.ended_at = 0.0
        self._opened = opened
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while data := self._opened.recv(65536):
                if data.startswith(b"\x88"):
                    break
        except OSError:
            pass
        self.ended_at = time.monotonic()

    def ended_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def ends_within(stream: http.client.HTTPResponse, seconds: float) -> bool:
    """Whether a stream that is read as it comes ends in time."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if not stream.read(1):
                return True
    except (OSError, http.client.HTTPException):
        return True
    return False


def newcomer(trial: Trial, name: str, role: str = "publisher") -> Browser:
    """The browser of a new person, signed in by a new account's link, with a password that is set on the way."""
    made = trial.server.api("POST", "/api/v1/accounts", {"name": name, "role": role})
    browser = Browser(trial)
    code = str(made["sign_in_url"]).partition("code=")[2]
    assert browser.post("/setup", code=code, password=PASSWORD).status == 303
    return browser


def again(browser: Browser, name: str) -> Browser:
    """A second browser of the same person."""
    other = Browser(browser.trial)
    assert other.post("/sign-in", name=name, password=PASSWORD).status == 303
    return other


# Websockets (RFC 6455), as far as tests speak them


def frame(text: bytes) -> bytes:
    """A short text as a client sends it."""
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
