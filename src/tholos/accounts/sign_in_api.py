"""HTTP of letting a terminal in (RFC 8628, in our shape of errors), and of identities at a provider."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from tholos.accounts import device, identities, schemas
from tholos.accounts import sign_in_schemas as shapes
from tholos.accounts.device import Pulse
from tholos.accounts.pace import Pace
from tholos.accounts.routes import Calling, Permission, Routes

routes = Routes(prefix="/api/v1", tags=["sign-in"])

AccountName = Annotated[str, Path(max_length=100)]
IdentityId = Annotated[str, Path(max_length=100)]


@routes.declare("POST", "/device/code", permission=Permission.PUBLIC, status_code=201)
def begin_device_sign_in(call: Calling, body: shapes.DeviceCodeIn) -> shapes.DeviceCodeOut:
    """A terminal begins to sign in; somebody lets it in at the page that is answered."""
    call.get(Pace).create(None, call.address, call.now)
    with call.write(unrecorded="the decision is recorded") as db:
        begun = device.begin(db, body.label, call.origin, call.now)
    return shapes.DeviceCodeOut(
        device_code=begun.secret,
        user_code=begun.code,
        verification_uri=f"{call.site.url}/device",
        verification_uri_complete=f"{call.site.url}/device?code={begun.code}",
        expires_in=int((begun.expires_at - call.now).total_seconds()),
        interval=device.INTERVAL_S,
    )


@routes.declare("POST", "/device/token", permission=Permission.PUBLIC, status_code=201)
def finish_device_sign_in(call: Calling, body: shapes.DeviceTokenIn) -> schemas.TokenMade:
    """The token of a terminal that was let in, once.

    Until then `authorization_pending`, and `slow_down` to who asks too often; `access_denied` and `expired_token` end it.
    """
    call.get(Pulse).take(body.device_code, call.now)
    with call.read() as db:  # most of the questions end here, and nobody waits to write for them
        device.check(db, body.device_code, call.now)
    with call.write() as db:
        account, token, secret = device.redeem(db, body.device_code, call.now)
        return schemas.token_made(token, secret, account, "")


@routes.declare("GET", "/accounts/{account}/identities", permission=Permission.ADMINISTER)
def list_identities(call: Calling, account: AccountName) -> shapes.IdentityList:
    """Whom the sign-in provider knows an account as."""
    with call.read() as db:
        found = identities.list_identities(db, call.actor, account)
        return shapes.IdentityList(items=[shapes.identity_out(one) for one in found])


@routes.declare(
    "DELETE",
    "/accounts/{account}/identities/{identity_id}",
    permission=Permission.ADMINISTER,
    status_code=204,
)
def unlink_identity(call: Calling, account: AccountName, identity_id: IdentityId) -> None:
    """Forget one: the next sign-in with the account's confirmed mail address links it anew. Sessions go on."""
    with call.write() as db:
        identities.unlink(db, call.actor, account, identity_id, call.now)
