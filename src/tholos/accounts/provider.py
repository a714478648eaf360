"""Talks to the OpenID Connect provider that the operator has set: what it is, which keys it has, whom it vouches for.

What it answers is judged in :mod:`tholos.accounts.openid`. Every answer has a few seconds and a megabyte; a provider that
is away is asked again only after a moment, so that nobody waits in line for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote_plus

from tholos import __version__
from tholos.accounts import openid
from tholos.accounts.openid import Json, KeyUnknown, Metadata, OpenIdClient, Person, ProviderWrong
from tholos.kit import ids
from tholos.kit.errors import Unavailable
from tholos.kit.lazily import load_when_used
from tholos.kit.log import get_logger
from tholos.kit.text import storable

if TYPE_CHECKING:
    import httpx
else:
    httpx = load_when_used("httpx")

T = TypeVar("T")

CONNECT_S = 3.0
TOTAL_S = 8.0
"""Seconds that one question takes at most, whatever the provider does."""
MOST_BYTES = 1 << 20
METADATA_LIFE = timedelta(hours=1)
KEYS_LIFE = timedelta(hours=1)
NEW_KEYS_EVERY = timedelta(seconds=10)
"""How often a key that is not known may lead to asking for all of them."""
QUIET = timedelta(seconds=5)
"""For so long a provider that failed is not asked again."""


class ProviderOff(Unavailable):
    """Cannot sign in by a provider: none is set."""

    code = "provider_off"


class ProviderAway(Unavailable):
    """Cannot sign in by the provider: it does not answer."""

    code = "provider_away"


class CodeRefused(Unavailable):
    """Cannot sign in by the provider: it did not accept what it gave itself a moment ago."""

    code = "provider_code_refused"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that a browser is sent to the provider with."""

    url: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(slots=True)
class _Known(Generic[T]):
    """The last good answer to a question, and when it was asked last."""

    value: T | None = None
    good_at: datetime | None = None
    asked_at: datetime | None = None
    error: Unavailable | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, ask: Callable[[], Awaitable[T]], now: datetime, life: timedelta) -> T:
        """What is known, asked anew where it is old; an old answer is better than none.

        Raises: ProviderAway, ProviderWrong.
        """
        async with self.lock:
            # A clock that is set back makes nothing fresh for long, nor quiet.
            is_fresh = self.good_at is not None and abs(now - self.good_at) < life
            is_quiet = (
                self.error is not None and self.asked_at is not None and abs(now - self.asked_at) < QUIET
            )
            if not is_fresh and not is_quiet:
                await self._ask(ask, now)
            if self.value is not None:
                return self.value
            raise self.error or ProviderAway

    async def _ask(self, ask: Callable[[], Awaitable[T]], now: datetime) -> None:
        self.asked_at, self.error = now, None
        try:
            self.value, self.good_at = await ask(), now
        except (ProviderAway, ProviderWrong) as error:
            get_logger().warning("provider_failed", error=error.message)
            self.error = error


class Provider:
    """The provider of this installation; off where there is no client.

    Args:
        client: what the operator has set.
        total_s: seconds that one question takes at most.
    """

    def __init__(self, client: OpenIdClient | None = None, *, total_s: float = TOTAL_S) -> None:
        self._client = client
        self._total_s = total_s
        self._metadata: _Known[Metadata] = _Known()
        self._keys: _Known[tuple[Json, ...]] = _Known()
        self._tls = httpx.create_ssl_context() if client is not None else None

    @property
    def is_on(self) -> bool:
        return self._client is not None

    @property
    def client(self) -> OpenIdClient:
        """Raises: ProviderOff."""
        if self._client is None:
            raise ProviderOff(fix="Sign in with a name and password, or by a one-time link.")
        return self._client

    @property
    def end_session_url(self) -> str:
        """Where the provider's own session ends; empty where that is not known."""
        known = self._metadata.value
        return openid.end_session_url(known, self._client) if known and self._client else ""

    async def begin(self, redirect_uri: str, now: datetime) -> Begun:
        """Raises: ProviderOff, ProviderAway, ProviderWrong."""
        metadata = await self._find_metadata(now)
        state, nonce, verifier = ids.new_secret(), ids.new_secret(), ids.new_secret()
        url = openid.authorization_url(
            metadata, self.client, redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier
        )
        return Begun(url, state, nonce, verifier)

    async def finish(
        self,
        code: str,
        *,
        verifier: str,
        nonce: str,
        began_at: datetime,
        issuer: str | None,
        redirect_uri: str,
        now: datetime,
    ) -> Person:
        """Whom the provider vouches for by a code that a browser brought; ``issuer`` is whom that one named.

        Raises: ProviderOff, ProviderAway, ProviderWrong, CodeRefused.
        """
        metadata = await self._find_metadata(now)
        if issuer != metadata.issuer and (issuer is not None or metadata.tells_issuer):
            raise ProviderWrong("Cannot sign in by the provider: the answer came from another one.")
        answer = await self._exchange(metadata, code, verifier, redirect_uri)
        claims = await self._check(metadata, _need_text(answer, "id_token"), nonce, began_at, now)
        access = answer.get("access_token")
        if metadata.userinfo_endpoint and isinstance(access, str) and openid.lacks(claims, self.client):
            said = await self._call(metadata.userinfo_endpoint, headers={"authorization": f"Bearer {access}"})
            claims = openid.add_userinfo(claims, said)
        return openid.person_of(claims, self.client)

    async def _find_metadata(self, now: datetime) -> Metadata:
        issuer = self.client.issuer

        async def ask() -> Metadata:
            said = await self._call(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            return openid.read_metadata(said, issuer)

        return await self._metadata.get(ask, now, METADATA_LIFE)

    async def _check(
        self, metadata: Metadata, token: str, nonce: str, began_at: datetime, now: datetime
    ) -> dict[str, object]:
        """A key that is not known may be a new one: then they are all asked for once more."""

        async def ask() -> tuple[Json, ...]:
            return openid.read_keys(await self._call(metadata.jwks_uri))

        keys = await self._keys.get(ask, now, KEYS_LIFE)
        try:
            return openid.check_id_token(token, keys, self.client, nonce, began_at, now)
        except KeyUnknown:
            newer = await self._keys.get(ask, now, NEW_KEYS_EVERY)
            return openid.check_id_token(token, newer, self.client, nonce, began_at, now)

    async def _exchange(self, metadata: Metadata, code: str, verifier: str, redirect_uri: str) -> Json:
        """What a code is worth. Of two ways to show our secret the registration may know only the second.

        Raises: ProviderAway, ProviderWrong, CodeRefused.
        """
        client = self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        named = {**form, "client_id": client.client_id}
        if not client.client_secret:
            return await self._call(metadata.token_endpoint, form=named)
        if metadata.takes_secret_as_basic:
            basic = httpx.BasicAuth(
                quote_plus(client.client_id), quote_plus(client.client_secret)
            )  # RFC 6749, 2.3.1
            try:
                return await self._call(metadata.token_endpoint, form=form, auth=basic)
            except CodeRefused as error:
                if error.details.get("word") != "invalid_client" or not metadata.takes_secret_in_body:
                    raise
        return await self._call(
            metadata.token_endpoint, form={**named, "client_secret": client.client_secret}
        )

    async def _call(
        self,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
    ) -> Json:
        """The JSON object that an address answers.

        Raises: ProviderAway, ProviderWrong, CodeRefused.
        """
        sent = {"accept": "application/json", "user-agent": f"tholos/{__version__}", **(headers or {})}
        timeout = httpx.Timeout(self._total_s, connect=min(CONNECT_S, self._total_s))
        try:
            async with (
                asyncio.timeout(self._total_s),
                httpx.AsyncClient(verify=self._tls or True, follow_redirects=False, timeout=timeout) as http,
                http.stream(
                    "GET" if form is None else "POST", url, data=form, headers=sent, auth=auth
                ) as response,
            ):
                return _read(response.status_code, await _body(response), is_exchange=form is not None)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ProviderAway(
                f"Cannot sign in by the provider: it did not answer within {self._total_s:g} s.",
                fix="Try again in a minute, or sign in another way.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError) as error:
            get_logger().warning("provider_unreachable", error=str(error))
            raise ProviderAway(fix="Try again in a minute, or sign in another way.") from error


async def _body(response: httpx.Response) -> bytes:
    """Raises: ProviderWrong: it is endless."""
    read = b""
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > MOST_BYTES:
            raise ProviderWrong("Cannot sign in by the provider: it answers far too much.")
    return read


def _read(status: int, body: bytes, *, is_exchange: bool) -> Json:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if is_exchange and 400 <= status < 500:
        word = said.get("error") if isinstance(said, dict) else None
        raise CodeRefused(
            f"Cannot sign in by the provider: it refused its own code ({storable(str(word or status))[:60]}).",
            fix="Begin again; if that does not help, the provider does not know this server's registration.",
            word=storable(str(word)),
        )
    if status >= 500:
        raise ProviderAway(
            f"Cannot sign in by the provider: it answered {status}.",
            fix="Try again in a minute, or sign in another way.",
        )
    if status != 200 or not isinstance(said, dict):
        raise ProviderWrong(f"Cannot sign in by the provider: it answered {status} and no JSON object.")
    return said


def _need_text(answer: Json, name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise ProviderWrong(f"Cannot sign in by the provider: its answer has no {name}.")
    return value
