"""An OpenID Connect provider in this process that lies as a test tells it to, and is slow, or away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CODE = "the code"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """One for each name; making one takes a moment."""
    del name
    return rsa.generate_private_key(65537, 2048)


@dataclass
class LyingProvider:
    """What it says; a test changes that.

    Attributes:
        nonce: what the sign-in under way was begun with; see :meth:`take`.
        is_asked_again: whether it was to ask people even if they are signed in there.
        metadata: said besides, or instead.
        claims: of the ID token, besides or instead; None leaves one out.
        userinfo: what it says besides.
        signs_with: the name of the key that it signs with, and of the one that it publishes under ``key_name``.
        publishes: the name of the key that it publishes.
        answers: whole answers instead, by path: status and body.
        delay_s: how long each answer takes.
        asked: the paths that it was asked for.
        forms: what was sent to its token endpoint.
    """

    issuer: str = ""
    nonce: str = ""
    is_asked_again: bool = False
    metadata: dict[str, object] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)
    userinfo: dict[str, object] = field(default_factory=dict)
    signs_with: str = "one"
    publishes: str = "one"
    key_name: str = "one"
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    delay_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def take(self, url: str) -> str:
        """Take a browser that Tholos sent here; answers the query that it brings back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.nonce = query["nonce"]
        self.is_asked_again = query.get("prompt") == "login" and "max_age" in query
        return f"code={CODE.replace(' ', '+')}&state={query['state']}"

    def answer(self, path: str) -> tuple[int, bytes]:
        if path in self.answers:
            return self.answers[path]
        all_it_says: dict[str, dict[str, object]] = {
            "/.well-known/openid-configuration": self._metadata(),
            "/keys": self._keys(),
            "/token": {"id_token": self._id_token(), "access_token": "access", "token_type": "Bearer"},
            "/userinfo": {"sub": "u1", **self.userinfo},
        }
        says = all_it_says.get(path)
        return (404, b"{}") if says is None else (200, json.dumps(says).encode())

    def _metadata(self) -> dict[str, object]:
        endpoints = {
            "authorization": "authorize",
            "token": "token",
            "userinfo": "userinfo",
            "end_session": "end",
        }
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            **{f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in endpoints.items()},
            **self.metadata,
        }

    def _keys(self) -> dict[str, object]:
        published = jwt.algorithms.RSAAlgorithm.to_jwk(key(self.publishes).public_key(), as_dict=True)
        return {"keys": [{**published, "kid": self.key_name, "use": "sig"}]}

    def _id_token(self) -> str:
        now = int(time.time())
        said: dict[str, object] = {
            "iss": self.issuer, "sub": "u1", "aud": "tholos", "iat": now, "exp": now + 300, "nonce": self.nonce,
            **({"auth_time": now} if self.is_asked_again else {}),
            **self.claims,
        }  # fmt: skip
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(kept, key(self.signs_with), algorithm="RS256", headers={"kid": self.key_name})


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: tests read ``asked``."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        form = parse_qs(self.rfile.read(size).decode())
        self.server.provider.forms.append({name: values[0] for name, values in form.items()})
        self._serve()

    def _serve(self) -> None:
        provider = self.server.provider
        provider.asked.append(self.path)
        if provider.delay_s:
            self.server.ended.wait(provider.delay_s)
        status, body = provider.answer(self.path)
        with suppress(ConnectionError):  # who asked may have gone
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


class _Listener(ThreadingHTTPServer):
    def __init__(self, provider: LyingProvider) -> None:
        self.provider = provider
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def running() -> Iterator[LyingProvider]:
    """One that listens, and tells the truth so far."""
    provider = LyingProvider()
    listener = _Listener(provider)
    provider.issuer = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        listener.ended.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
