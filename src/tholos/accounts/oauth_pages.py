"""OAuth 2.1 by its own wire: what there is (RFC 8414), who asks (RFC 7591), a person's word, and the token (RFC 6749, 8628)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Body, Query
from starlette.responses import JSONResponse, RedirectResponse, Response

from tholos.accounts import device, oauth
from tholos.accounts.device import Pulse
from tholos.accounts.errors import DeviceExpired
from tholos.accounts.oauth import Asked, GrantRefused, GrantUnknown, OAuthInvalid
from tholos.accounts.pace import Pace
from tholos.accounts.pages import Frame, Text, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import TOKEN_LIFE_DAYS
from tholos.kit.errors import TholosError
from tholos.kit.pages import Pages

routes = Routes(include_in_schema=False)

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
Asking = Annotated[str, Query(max_length=2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPage(Frame):
    client: str
    fields: dict[str, str]
    """What the form sends back as it came."""
    days: int


@routes.declare("GET", "/.well-known/oauth-authorization-server", permission=Permission.PUBLIC)
def describe(call: Calling) -> Response:
    """Where to ask for what."""
    url = call.site.url
    return JSONResponse({
        "issuer": url,
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "registration_endpoint": f"{url}/oauth/register",
        "device_authorization_endpoint": f"{url}/oauth/device",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", DEVICE_GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": [],
    })  # fmt: skip


@routes.declare("POST", "/oauth/register", permission=Permission.PUBLIC)
def register(call: Calling, body: Annotated[dict[str, object], Body()]) -> Response:
    """The id of a client; nothing is kept of it."""

    def answer() -> Response:
        call.get(Pace).create(None, call.address, call.now)
        redirects = body.get("redirect_uris")
        checked = oauth.check_redirects(redirects if isinstance(redirects, list) else [])
        told = {
            "client_id": oauth.id_of(str(body.get("client_name") or "")),
            "redirect_uris": checked,
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", DEVICE_GRANT],
            "response_types": ["code"],
        }
        return JSONResponse(told, 201)

    return _told(answer)


@routes.declare("GET", "/oauth/authorize", permission=Permission.SIGNED_IN)
def show_consent(
    call: Calling,
    client_id: Asking = "",
    redirect_uri: Asking = "",
    response_type: Asking = "",
    code_challenge: Asking = "",
    code_challenge_method: Asking = "",
    state: Asking = "",
) -> Response:
    """Asks whether the program may act as whoever is signed in."""
    asked = oauth.read(client_id, redirect_uri, response_type, code_challenge, code_challenge_method, state)
    fields = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_challenge": code_challenge,
        "state": state,
    }
    page = ConsentPage(
        title="Let this program in?", account=account_of(call), client=asked.client, fields=fields, days=TOKEN_LIFE_DAYS
    )  # fmt: skip
    return call.get(Pages).answer("oauth.html", page)


@routes.declare("POST", "/oauth/authorize", permission=Permission.SIGNED_IN)
def decide(
    call: Calling,
    client_id: Text = "",
    redirect_uri: Text = "",
    code_challenge: Text = "",
    state: Text = "",
    decision: Text = "",
) -> Response:
    """Send the browser back to the program, with a code or without."""
    asked = oauth.read(client_id, redirect_uri, "code", code_challenge, "S256", state)
    if decision != "approve":
        return RedirectResponse(asked.answer_url(error="access_denied"), 303)
    with call.write() as db:
        code = device.grant(db, call.actor, asked.client, asked.proof, call.address, call.now)
    return RedirectResponse(asked.answer_url(code=code), 303)


@routes.declare("POST", "/oauth/device", permission=Permission.PUBLIC)
def begin_device(call: Calling, client_id: Text = "") -> Response:
    """A code for a terminal without a browser."""

    def answer() -> Response:
        name = oauth.name_of(client_id)
        call.get(Pace).create(None, call.address, call.now)
        with call.write(unrecorded="the decision is recorded") as db:
            begun = device.begin(db, name, call.origin, call.now)
        return JSONResponse({
            "device_code": begun.secret,
            "user_code": begun.code,
            "verification_uri": f"{call.site.url}/device",
            "verification_uri_complete": f"{call.site.url}/device?code={begun.code}",
            "expires_in": int((begun.expires_at - call.now).total_seconds()),
            "interval": device.INTERVAL_S,
        })  # fmt: skip

    return _told(answer)


@routes.declare("POST", "/oauth/token", permission=Permission.PUBLIC)
def make_token(
    call: Calling,
    grant_type: Text = "",
    client_id: Text = "",
    code: Text = "",
    redirect_uri: Text = "",
    code_verifier: Text = "",
    device_code: Text = "",
) -> Response:
    """The token, once somebody has let the program in."""

    def answer() -> Response:
        if grant_type == "authorization_code":
            asked = oauth.redeemed(client_id, redirect_uri, code_verifier)
            return _redeem_code(call, code, asked)
        if grant_type == DEVICE_GRANT:
            oauth.name_of(client_id)
            call.get(Pulse).take(device_code, call.now)
            return _redeem(call, device_code)
        raise GrantUnknown(where="grant_type")

    return _told(answer)


def _redeem_code(call: Call, code: str, asked: Asked) -> Response:
    """Raises: GrantRefused."""
    try:
        return _redeem(call, device.bound(code, asked.proof))
    except DeviceExpired:
        raise GrantRefused(where="code") from None


def _redeem(call: Call, secret: str) -> Response:
    with call.read() as db:  # most of the questions end here, and nobody waits to write for them
        device.check(db, secret, call.now)
    with call.write() as db:
        _, token, made = device.redeem(db, secret, call.now)
    left = int((token.expires_at - call.now).total_seconds())
    body = {"access_token": made, "token_type": "Bearer", "expires_in": left}
    return JSONResponse(body, headers={"cache-control": "no-store"})


def _told(answer: Callable[[], Response]) -> Response:
    """An answer, or why there is none, in the words of RFC 6749, 5.2."""
    try:
        return answer()
    except TholosError as error:
        code = error.code if error.code in _CODES else OAuthInvalid.code
        return JSONResponse({"error": code, "error_description": error.message}, 400)


_CODES = frozenset({
    "invalid_request", "invalid_client", "invalid_grant", "unsupported_grant_type", "authorization_pending", "slow_down",
    "access_denied", "expired_token",
})  # fmt: skip
