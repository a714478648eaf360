"""Signing in by the provider: two pages that nobody sees, one that sends a browser there and one that it comes back to.

Whatever goes wrong, the sign-in page says so, and the other ways to sign in are on it.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts import identities, pages
from tholos.accounts.errors import PersonRefused
from tholos.accounts.identities import Sent
from tholos.accounts.models import Account
from tholos.accounts.openid import Person
from tholos.accounts.pace import Pace
from tholos.accounts.provider import Begun, Provider
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import ACCESS_TOPIC, hash_secret
from tholos.kit import ids
from tholos.kit.errors import Forbidden, NotSignedIn, Unavailable
from tholos.kit.http import set_cookie
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread

routes = Routes(include_in_schema=False)

AT_MOST = 5
"""Sign-ins that a browser may have under way; the one that began first gives way."""
_WORD = re.compile(r"[a-z_]{1,40}")


@routes.declare("GET", "/sign-in/openid", permission=Permission.PUBLIC)
async def begin_openid(
    call: Calling, next_path: Annotated[str, Query(alias="next", max_length=2000)] = ""
) -> Response:
    """Send a browser to the provider."""
    if pages.is_signed_in(call):
        return pages.go(next_path)
    try:
        call.get(Pace).create(None, call.address, call.now)
        begun = await call.get(Provider).begin(_return_url(call), call.now)
    except Unavailable as error:
        return _refused(call, error, next_path)
    browser = ids.new_secret()
    await in_thread(_send, call, begun, browser, pages.own_path(next_path))
    response = RedirectResponse(begun.url, 303, headers={"cache-control": "no-store"})
    for name in _surplus(call):
        response.headers.append("set-cookie", _cookie(call, name, "", 0))
    life = int(identities.LIFE.total_seconds())
    response.headers.append("set-cookie", _cookie(call, _name(call, begun.state), browser, life))
    return response


@routes.declare("GET", "/sign-in/openid/return", permission=Permission.PUBLIC)
async def finish_openid(
    call: Calling,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
    iss: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Take a browser back from the provider, once, and only the one that was sent there."""
    next_path = ""
    try:
        sent = await in_thread(_take_back, call, state)
        next_path = sent.next_path
        person = await _ask(call, sent, code, error, iss)
        account = await in_thread(_sign_in, call, person)
        response = await in_thread(pages.sign_in_browser, call, account, next_path)
    except (Unavailable, Forbidden) as problem:
        response = _refused(call, problem, next_path)
    response.headers.append("set-cookie", _cookie(call, _name(call, state), "", 0))
    return response


def _send(call: Call, begun: Begun, browser: str, next_path: str) -> None:
    with call.write(unrecorded="who signs in is recorded") as db:
        sent = Sent(begun.nonce, begun.verifier, next_path, call.now)
        identities.send(db, begun.state, browser, sent)


def _take_back(call: Call, state: str) -> Sent:
    """Raises: SignInLost."""
    browser = call.request.cookies.get(_name(call, state), "")
    with call.write(unrecorded="who signs in is recorded") as db:
        return identities.take_back(db, state, browser, call.now)


async def _ask(call: Call, sent: Sent, code: str, error: str, issuer: str | None) -> Person:
    """Raises: PersonRefused, ProviderOff, ProviderAway, ProviderWrong, CodeRefused."""
    if error or not code:
        word = f" ({error})" if _WORD.fullmatch(error) else ""
        raise PersonRefused(
            f"Cannot sign in: the provider did not let you{word}.", fix="Begin again, or sign in another way."
        )
    return await call.get(Provider).finish(
        code, verifier=sent.verifier, nonce=sent.nonce, began_at=sent.began_at, issuer=issuer,
        redirect_uri=_return_url(call), now=call.now,
    )  # fmt: skip


def _sign_in(call: Call, person: Person) -> Account:
    """Raises: PersonRefused."""
    client = call.get(Provider).client
    try:
        with call.write(unrecorded="the session that follows is") as db:
            account = identities.sign_in(db, person, client, call.now, call.origin)
    except PersonRefused as error:
        with call.write() as db:
            identities.note_refusal(db, person, error, call.now, call.origin)
        raise
    if client.groups_claim:
        call.get(Notices).publish(ACCESS_TOPIC)
    return account


def _refused(call: Call, error: Unavailable | Forbidden, next_path: str) -> Response:
    status = 503 if isinstance(error, Unavailable) else 401 if isinstance(error, NotSignedIn) else 403
    if "retry_after_s" in error.details:
        status = 429
    wrong = {"": f"{error.message} {error.fix}".strip()}
    return pages.sign_in_page(call, {}, wrong, next_path, status)


def _return_url(call: Call) -> str:
    return f"{call.site.url}/sign-in/openid/return"


def _name(call: Call, state: str) -> str:
    """Of the cookie that binds a sign-in to the browser that began it: one for each, so that two tabs work."""
    return f"{call.site.cookies.openid}_{hash_secret(state)[:8]}"


def _surplus(call: Call) -> list[str]:
    there = [name for name in call.request.cookies if name.startswith(f"{call.site.cookies.openid}_")]
    return there[: max(0, len(there) + 1 - AT_MOST)]


def _cookie(call: Call, name: str, value: str, max_age: int) -> str:
    return set_cookie(name, value, secure=call.site.is_secure, max_age=max_age)
