"""The first key: whoever has the server's bootstrap key gets one of the first administrator."""

from __future__ import annotations

from dataclasses import dataclass

import jwt

from tholos.accounts import first_key
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.kit.db import JsonObject
from tholos.kit.errors import NotFound
from tholos.protocols.connect.errors import BootstrapRefused

routes = Routes(prefix="/__api__/v1/experimental", tags=["connect"], include_in_schema=False)

_SCHEME = "connect-bootstrap"
_CLAIMS = ["exp", "iat", "iss", "aud", "scope"]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What bootstrap tokens are signed with; empty where nobody gets a key by them."""

    key: bytes = b""


@routes.declare("POST", "/bootstrap", permission=Permission.PUBLIC)
def bootstrap(call: Calling) -> JsonObject:
    """The first API key, once, while nobody has signed in."""
    key = call.get(Bootstrap).key
    if not key:
        raise NotFound("There is no bootstrapping here.", fix="Set THOLOS_CONNECT__BOOTSTRAP_KEY_FILE.")
    _check(call.request.headers.get("authorization", ""), key)
    with call.write() as db:
        return {"api_key": first_key.make(db, call.now)}


def _check(authorization: str, key: bytes) -> None:
    """Raises: BootstrapRefused."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != _SCHEME:
        raise BootstrapRefused
    try:
        claims = jwt.decode(
            token.strip(), key, algorithms=["HS256"], audience="rsconnect", issuer="rsconnect-python",
            options={"require": _CLAIMS},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        raise BootstrapRefused from None
    if claims["scope"] != "bootstrap":
        raise BootstrapRefused
