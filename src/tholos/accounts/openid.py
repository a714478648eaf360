"""What OpenID Connect says and asks: addresses to go to, and whether what came back is to be believed. Pure.

The authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636). Who talks to the provider is
:mod:`tholos.accounts.provider`; whose account a person gets is :mod:`tholos.accounts.identities`.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlencode, urlsplit

import jwt

from tholos.accounts.models import Role
from tholos.kit.errors import Unavailable
from tholos.kit.lazily import load_when_used

if TYPE_CHECKING:
    import httpx
else:
    httpx = load_when_used("httpx")

Json: TypeAlias = Mapping[str, object]

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures by a key that only the provider has; none of those that whoever knows our secret could make."""
LEEWAY_S = 60
"""Seconds by which two clocks may differ."""
TEXT_AT_MOST = 255
GROUPS_AT_MOST = 1000
_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)
"""What reading leads to that was given values of other kinds, texts that cannot be sent, or far too much."""


class ProviderWrong(Unavailable):
    """Cannot sign in by the provider: what it answered cannot be believed."""

    code = "provider_wrong"


class KeyUnknown(ProviderWrong):
    """Cannot sign in by the provider: it signed with a key that it does not publish."""

    code = "provider_key_unknown"


@dataclass(frozen=True, slots=True)
class OpenIdClient:
    """What an operator set."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    name: str = "your organization"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = ""
    default_role: Role = Role.VIEWER
    may_create: bool = True
    allowed_domains: frozenset[str] = frozenset()
    administrators_group: str = ""
    asks_again: bool = False
    """Whether the provider is to ask people even if they are signed in there."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    takes_secret_as_basic: bool = True
    """What is taken where a provider does not say."""
    takes_secret_in_body: bool = False
    tells_issuer: bool = False
    """Whether its answers by the browser name it (RFC 9207)."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider vouches for."""

    issuer: str
    subject: str
    email: str = ""
    is_email_verified: bool = False
    name: str = ""
    username: str = ""
    groups: tuple[str, ...] = ()

    @property
    def verified_email(self) -> str:
        return self.email if self.is_email_verified else ""


def read_metadata(said: Json, issuer: str) -> Metadata:
    """Raises: ProviderWrong: it is somebody else's, or lacks something."""
    if said.get("issuer") != issuer:
        raise ProviderWrong(
            f"Cannot sign in by the provider: it calls itself {str(said.get('issuer'))[:200]!r}, not {issuer!r}.",
            fix="An operator sets openid.issuer to what the provider calls itself, to the letter.",
        )
    methods = said.get("token_endpoint_auth_methods_supported")
    known = methods if isinstance(methods, list) else ["client_secret_basic"]
    return Metadata(
        issuer,
        _endpoint(said, "authorization_endpoint", issuer),
        _endpoint(said, "token_endpoint", issuer),
        _endpoint(said, "jwks_uri", issuer),
        _endpoint(said, "userinfo_endpoint", issuer, is_needed=False),
        _endpoint(said, "end_session_endpoint", issuer, is_needed=False),
        takes_secret_as_basic="client_secret_basic" in known or "client_secret_post" not in known,
        takes_secret_in_body="client_secret_post" in known,
        tells_issuer=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(said: Json, name: str, issuer: str, *, is_needed: bool = True) -> str:
    url = said.get(name)
    if url is None and not is_needed:
        return ""
    scheme = _scheme(url) if isinstance(url, str) and url.isprintable() else ""
    # A provider that is reached by TLS leads nobody out of it.
    if scheme not in {"http", "https"} or (scheme == "http" and issuer.startswith("https:")):
        raise ProviderWrong(f"Cannot sign in by the provider: its {name} is no address that can be used.")
    return str(url)


def _scheme(url: str) -> str:
    """Of an address with a host and, if any, a port that there can be; else empty."""
    try:
        parts = urlsplit(url)
        has_place = bool(httpx.URL(url).host) and parts.port != 0
    except (httpx.InvalidURL, ValueError):
        return ""
    return parts.scheme if has_place else ""


def challenge_of(verifier: str) -> str:
    """What is shown beforehand of a secret that is shown later (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_url(
    metadata: Metadata, client: OpenIdClient, *, redirect_uri: str, state: str, nonce: str, verifier: str
) -> str:
    """Where a browser is sent to sign in."""
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(client.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    if client.asks_again:
        # The first is what asks, and a page that opens the provider may leave it out; the second has the token say when.
        query |= {"prompt": "login", "max_age": str(LEEWAY_S)}
    joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"


def end_session_url(metadata: Metadata, client: OpenIdClient) -> str:
    """Where a browser can end the provider's own session; empty where the provider has no such place."""
    if not metadata.end_session_endpoint:
        return ""
    joint = "&" if urlsplit(metadata.end_session_endpoint).query else "?"
    return f"{metadata.end_session_endpoint}{joint}{urlencode({'client_id': client.client_id})}"


def read_keys(said: Json) -> tuple[Json, ...]:
    """The keys that a provider signs with.

    Raises: ProviderWrong.
    """
    keys = said.get("keys")
    if not isinstance(keys, list):
        raise ProviderWrong("Cannot sign in by the provider: what it answered for its keys are none.")
    return tuple(one for one in keys if isinstance(one, dict) and one.get("use", "sig") == "sig")


def check_id_token(
    token: str, keys: Sequence[Json], client: OpenIdClient, nonce: str, began_at: datetime, now: datetime
) -> dict[str, object]:
    """What an ID token says, once it is known to be meant for us, now, and for the sign-in that began with this nonce
    at that time (OpenID Connect Core 1.0, 3.1.3.7).

    Raises: KeyUnknown, ProviderWrong.
    """
    key, algorithm = _key_of(token, keys)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=client.client_id,
            issuer=client.issuer,
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                # Checked below, by the installation's own clock.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "enforce_minimum_key_length": True,
            },
        )
    except (jwt.PyJWTError, *_UNREADABLE) as error:
        raise _wrong(f"its token does not hold ({_words(error)})") from error
    _check_party(claims, client)
    _check_times(claims, now)
    if claims.get("nonce") != nonce:
        raise _wrong("its token belongs to another sign-in")
    if client.asks_again:
        _check_asked_again(claims, began_at, now)
    return claims


def _key_of(token: str, keys: Sequence[Json]) -> tuple[jwt.PyJWK, str]:
    """The key that a token names, and how it was signed.

    Raises: KeyUnknown, ProviderWrong.
    """
    try:
        head = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, *_UNREADABLE) as error:
        raise _wrong("what it sent is no token") from error
    algorithm, name = head.get("alg"), head.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _wrong(f"its token is signed by {str(algorithm)[:20]!r}, which is not taken")
    fitting = [one for one in keys if _fits(one, algorithm, name)]
    if not fitting or (name is None and len(fitting) > 1):
        raise KeyUnknown(fix="Try again in a minute; if that does not help, tell whoever runs this server.")
    try:
        return jwt.PyJWK(dict(fitting[0]), algorithm=algorithm), algorithm
    except (jwt.PyJWTError, KeyError, *_UNREADABLE) as error:
        raise _wrong("one of its keys cannot be read") from error


_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def _fits(key: Json, algorithm: str, name: object) -> bool:
    is_named = name is None or key.get("kid") == name
    return is_named and key.get("kty") == _KINDS[algorithm[:2]] and key.get("alg", algorithm) == algorithm


def _check_party(claims: Json, client: OpenIdClient) -> None:
    """Whom a token was made for. Who it was made for besides us makes no difference only where it says that it is ours.

    Raises: ProviderWrong.
    """
    audience, party = claims.get("aud"), claims.get("azp")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if (party is not None or is_shared) and party != client.client_id:
        raise _wrong("its token was made for another application")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= TEXT_AT_MOST or not subject.isprintable():
        raise _wrong("its token names nobody")


def _check_times(claims: Json, now: datetime) -> None:
    """Raises: ProviderWrong."""
    moment = now.timestamp()
    ends, begins = _seconds(claims, "exp"), max(_seconds(claims, "iat"), _seconds(claims, "nbf", 0.0))
    if ends + LEEWAY_S <= moment:
        raise _wrong(
            "its token has ended", fix="Try again; if that does not help, one of the clocks is wrong."
        )
    if begins - LEEWAY_S > moment:
        raise _wrong("its token begins only later", fix="One of the clocks, here or there, is wrong.")


def _check_asked_again(claims: Json, began_at: datetime, now: datetime) -> None:
    """Whether the person signed in there for this very sign-in, and not once before (OpenID Connect Core 1.0, 2, auth_time).

    Raises: ProviderWrong.
    """
    if "auth_time" not in claims:
        raise _wrong(
            "its token does not say when you signed in there",
            fix="An operator lets apps have hosts of their own (apps.addresses), or uses a provider that tells auth_time.",
        )
    signed_in = _seconds(claims, "auth_time")
    if signed_in + LEEWAY_S < began_at.timestamp() or signed_in - LEEWAY_S > now.timestamp():
        raise _wrong("it did not ask you to sign in again", fix="Sign out at the provider, then try again.")


def _seconds(claims: Json, name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(f"its token's {name} is no time")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise _wrong(f"its token's {name} is no time")
    return seconds


def lacks(claims: Json, client: OpenIdClient) -> bool:
    """Whether the provider is to be asked for more than its token said."""
    wanted = {"email"} & {*client.scopes} | ({client.groups_claim} - {""})
    return any(name not in claims for name in wanted) or (
        "email" in claims and "email_verified" not in claims
    )


def add_userinfo(claims: Json, said: Json) -> dict[str, object]:
    """What a token said and what the provider said besides; the token's own word stands.

    Raises: ProviderWrong: it is about somebody else (OpenID Connect Core 1.0, 5.3.2).
    """
    if said.get("sub") != claims.get("sub"):
        raise _wrong("what it said besides is about somebody else")
    if "email" in claims and "email" in said and claims["email"] != said["email"]:
        raise _wrong("it gave two mail addresses")
    return {**said, **claims}


def person_of(claims: Json, client: OpenIdClient) -> Person:
    """Whom checked claims are about."""
    email = _text(claims, "email").lower()
    said = claims.get("email_verified")
    is_verified = said is True or said == "true"  # one large provider writes it as a text
    return Person(
        client.issuer,
        str(claims["sub"]),
        email,
        is_email_verified=is_verified and "@" in email,
        name=_text(claims, "name"),
        username=_text(claims, "preferred_username"),
        groups=_groups(claims, client.groups_claim),
    )


def _text(claims: Json, name: str) -> str:
    value = claims.get(name)
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if text.isprintable() and len(text) <= TEXT_AT_MOST else ""


def _groups(claims: Json, name: str) -> tuple[str, ...]:
    """None where the claim is not there: whoever has lost the last one is in none."""
    value = claims.get(name) if name else None
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(one for one in listed[:GROUPS_AT_MOST] if isinstance(one, str) and one and one.isprintable())


def _wrong(
    reason: str, fix: str = "Try again; if that does not help, tell whoever runs this server."
) -> ProviderWrong:
    return ProviderWrong(f"Cannot sign in by the provider: {reason}.", fix=fix)


def _words(error: Exception) -> str:
    return str(error)[:120].rstrip(".").lower() or type(error).__name__
