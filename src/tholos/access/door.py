"""The front door: from a request's head to where it goes. The only place that decides who opens an app.

What a credential is good for is looked up once and remembered until anything about access changes anywhere; then every
remembered answer is decided anew, and the carrier ends the open streams of those who are no longer let in.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from tholos.access import service as access
from tholos.access.passes import LIFE_S, Passes
from tholos.access.service import Admission
from tholos.accounts.routes import Site
from tholos.accounts.service import SESSION_LIFE, hash_secret
from tholos.gateway.model import Answer, Carry, Decision, Header, RequestHead
from tholos.instances.errors import AppNotServing
from tholos.instances.serving import Serving, ServingTable
from tholos.kit import ids
from tholos.kit.clock import Clock
from tholos.kit.db import Database
from tholos.kit.errors import Forbidden, NotSignedIn, TholosError
from tholos.kit.http import SAFE_METHODS, bearer_token, is_own_request, read_cookies, set_cookie
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread

CALLBACK = "/.tholos/callback"
IDENTITY_PREFIXES = (b"x-tholos-", b"x-forwarded-", b"rstudio-connect-", b"posit-connect-", b"x-rsc-")
"""Headers that only we may set, of every protocol; a client's are removed on every path."""
IDENTITY_HEADERS = frozenset({b"x-script-name", b"forwarded", b"x-real-ip"})
REMEMBERED_AT_MOST = 10_000
TRANSACTION_LIFE_S = 600
KEPT_PATH_AT_MOST = 2_000
_ATTEMPTS = 40
_CONNECT_PAUSE_S = 0.05
NOTICED_S = 5.0
"""Within this time somebody begins to start an app whose instance is gone, or cannot."""

RenderError = Callable[[RequestHead, TholosError], Answer]


class Exchanges(Protocol):
    """What the carrier has under way."""

    def recheck(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request brought for one app."""

    app_id: str
    form: str
    """``pass``, ``handle`` or ``token``."""
    secret: str


@dataclass(frozen=True, slots=True)
class Known:
    admission: Admission
    expires_at: float
    """Unix seconds: a pass is good until then; other credentials are looked at again then."""


class Door:
    """Decides for the carrier.

    Args:
        console_address: where the console's own server listens.
        hold_s: how long a request waits for an app that is starting.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        site: Site,
        serving: ServingTable,
        passes: Passes,
        render_error: RenderError,
        *,
        console_address: str,
        console_hosts: frozenset[str],
        hold_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._site = site
        self._serving = serving
        self._passes = passes
        self._render_error = render_error
        self._console_address = console_address
        self._console_hosts = console_hosts
        self._hold_s = hold_s
        self._known: dict[Credential, Known] = {}
        self._epoch = 0
        self._cookies = site.cookies
        self._removed_cookies = frozenset(
            name.encode()
            for name in (self._cookies.handle, self._cookies.app_pass, self._cookies.transaction)
        )
        before, _, after = site.app_url.partition("//")[2].partition("{name}")
        self._app_host = re.compile(f"{re.escape(before)}([a-z][a-z0-9-]{{1,39}}){re.escape(after)}")

    async def __call__(self, head: RequestHead, attempt: int) -> Decision:
        try:
            return await self._decide(head, attempt)
        except TholosError as error:
            return self._render_error(head, error)

    async def watch(self, notices: Notices, exchanges: Exchanges) -> None:
        """Decide anew whenever access changes, until cancelled."""
        with notices.watch(access.TOPIC) as changed:
            while True:
                await changed.wait()
                changed.clear()
                self._epoch += 1
                before = dict(self._known)
                held = await in_thread(self._decide_anew, before)
                self._known = {
                    **held,
                    **{one: fact for one, fact in self._known.items() if one not in before},
                }
                exchanges.recheck()

    async def _decide(self, head: RequestHead, attempt: int) -> Decision:
        if head.host in self._console_hosts:
            return self._to_console(head)
        match = self._app_host.fullmatch(head.host)
        if match is None:
            return Answer(421, _TEXT, f"Nothing is served under the host {head.host}.\n".encode())
        name = match[1]
        row = self._serving.find(name)
        if head.target.partition("?")[0] == CALLBACK:
            return await self._callback(head, row)
        cookies = _cookies_of(head)
        credential, known, renewed = await self._admit(head, row, cookies)
        if row is None or credential is None or known is None:
            return self._turn_away(head, name, cookies)
        if credential.form != "token":
            self._check_origin(head)
        serving = await self._await_address(name, row, attempt)
        return self._carry(head, serving, credential, known.admission, renewed)

    # Who it is

    async def _admit(
        self, head: RequestHead, row: Serving | None, cookies: dict[str, str]
    ) -> tuple[Credential | None, Known | None, list[Header]]:
        """The first credential that lets the request in, and the headers that renew it."""
        if row is None:
            return None, None, []
        for credential in self._credentials(head, row.app_id, cookies):
            known = self._remembered(credential, row.access_version)
            if known is not None:
                return credential, known, []
            known = await self._look_up_now(credential)
            if known is not None:
                self._remember(credential, known)
                renewed = [self._new_pass(row.app_id, known.admission)] if credential.form == "handle" else []
                return credential, known, renewed
        return None, None, []

    def _credentials(self, head: RequestHead, app_id: str, cookies: dict[str, str]) -> list[Credential]:
        token = bearer_token(_header(head, b"authorization"))
        offered = (
            ("token", token),
            ("pass", cookies.get(self._cookies.app_pass, "")),
            ("handle", cookies.get(self._cookies.handle, "")),
        )
        return [Credential(app_id, form, secret) for form, secret in offered if secret]

    def _remembered(self, credential: Credential, access_version: int) -> Known | None:
        known = self._known.get(credential)
        if (
            known is None
            or known.expires_at < time.time()
            or known.admission.access_version != access_version
        ):
            return None
        # A handle is not remembered for deciding: each time it is all there is, a new pass is due.
        return None if credential.form == "handle" else known

    def _remember(self, credential: Credential, known: Known) -> None:
        if len(self._known) >= REMEMBERED_AT_MOST:
            now = time.time()
            self._known = {one: fact for one, fact in self._known.items() if fact.expires_at >= now}
        if len(self._known) >= REMEMBERED_AT_MOST:
            del self._known[next(iter(self._known))]
        self._known[credential] = known

    async def _look_up_now(self, credential: Credential) -> Known | None:
        """What a credential is good for; looked up again if access changed in the meantime."""
        while True:
            epoch = self._epoch
            known = await in_thread(self._look_up, credential)
            if epoch == self._epoch:
                return known

    def _look_up(self, credential: Credential) -> Known | None:
        now = self._clock.now()
        expires_at = time.time() + LIFE_S
        with self._database.read() as db:
            if credential.form == "token":
                admission = access.admit_token(db, credential.app_id, credential.secret, now)
            elif credential.form == "handle":
                admission = access.admit_handle(db, credential.app_id, credential.secret, now)
            else:
                claims = self._passes.read(credential.secret, credential.app_id)
                if claims is None:
                    return None
                admission = access.admit_session(db, credential.app_id, claims.session_id, now)
                if admission is None or admission.access_version != claims.access_version:
                    return None
                expires_at = claims.expires_at
        if admission and credential.form == "token":
            with self._database.write() as db:
                access.note_use(db, credential.secret, now)
        return Known(admission, expires_at) if admission else None

    def _decide_anew(self, known: dict[Credential, Known]) -> dict[Credential, Known]:
        """Those of the remembered that still hold; an expired pass stays for as long as its stream's session does."""
        now = self._clock.now()
        held = {}
        with self._database.read() as db:
            for credential, fact in known.items():
                if credential.form == "token":
                    admission = access.admit_token(db, credential.app_id, credential.secret, now)
                else:
                    admission = access.admit_session(db, credential.app_id, fact.admission.session_id, now)
                if admission is not None:
                    held[credential] = Known(admission, fact.expires_at)
        return held

    # Where it goes

    def _to_console(self, head: RequestHead) -> Carry:
        return Carry(
            self._console_address,
            "console",
            remove_headers=IDENTITY_HEADERS,
            remove_prefixes=IDENTITY_PREFIXES,
            set_headers=self._forwarded(head),
        )

    async def _await_address(self, name: str, row: Serving, attempt: int) -> Serving:
        """The row of an app with an address to try, held back while it starts.

        Raises: AppNotServing.
        """
        if row.address and attempt == 0:
            return row
        if row.address and attempt < _ATTEMPTS:
            # It ended a moment ago and nobody has noticed, or it is being replaced: either shows in the table soon.
            await asyncio.sleep(_CONNECT_PAUSE_S)
            row = self._serving.find(name) or row
        if row.release and not row.state:
            row = await self._serving.wait_for_change(row, NOTICED_S) or row
        if not row.address and row.state in {"starting", "failing"}:
            row = await self._serving.wait_for_address(name, self._hold_s) or row
        if not row.address or attempt >= _ATTEMPTS:
            raise AppNotServing(
                _why_not(row), fix=f"Its owner learns why with: tholos why {name}", app=name, state=row.state
            )
        return row

    def _carry(
        self,
        head: RequestHead,
        row: Serving,
        credential: Credential,
        admission: Admission,
        renewed: list[Header],
    ) -> Carry:
        is_token = credential.form == "token"
        return Carry(
            row.address,
            row.instance,
            remove_cookies=self._removed_cookies,
            remove_headers=IDENTITY_HEADERS | {b"authorization"} if is_token else IDENTITY_HEADERS,
            remove_prefixes=IDENTITY_PREFIXES,
            set_headers=[*self._forwarded(head), (b"x-tholos-account", admission.name.encode())],
            answer_headers=renewed,
            # Not remembered any more is not refused: what was forgotten for want of room is looked up.
            still_allowed=lambda: credential in self._known or self._look_up(credential) is not None,
            details={"app": row.name, "release": str(row.release), "account": admission.name},
        )

    def _forwarded(self, head: RequestHead) -> list[Header]:
        return [
            (b"x-forwarded-for", head.peer.encode() or b"127.0.0.1"),
            (b"x-forwarded-proto", b"https" if self._site.is_secure else b"http"),
            (b"x-forwarded-host", head.host.encode()),
        ]

    def _check_origin(self, head: RequestHead) -> None:
        """A cookie acts only for our own pages; every websocket upgrade says where it comes from.

        Raises: Forbidden.
        """
        if head.method in SAFE_METHODS and not head.upgrade:
            return
        own = f"{'https' if self._site.is_secure else 'http'}://{head.host}"
        origin = _header(head, b"origin")
        if head.upgrade and origin is None:
            raise Forbidden("Cannot open this connection: it does not say which page it comes from.")
        if not is_own_request(origin, _header(head, b"sec-fetch-site"), own):
            raise Forbidden("Cannot do that: the request came from another site.")

    # The way in

    def _turn_away(self, head: RequestHead, name: str, cookies: dict[str, str]) -> Answer:
        if not _is_navigation(head):
            raise NotSignedIn(
                "Cannot open this app: nobody is signed in.",
                fix="Send an API token: Authorization: Bearer TOKEN",
            )
        transaction = ids.new_secret()
        kept = base64.urlsafe_b64encode(_kept_path(head.target).encode()).decode()
        location = f"{self._site.url}/open/{name}?t={hash_secret(transaction)}"
        headers = [
            (b"location", location.encode()),
            self._cookie(self._cookies.transaction, f"{transaction}.{kept}", TRANSACTION_LIFE_S),
            *(
                self._cookie(old, "", 0)
                for old in (self._cookies.app_pass, self._cookies.handle)
                if old in cookies
            ),
        ]
        return Answer(303, [*headers, *_TEXT], b"Sign in.\n")

    async def _callback(self, head: RequestHead, row: Serving | None) -> Answer:
        """Take the hand-over: a good code and the cookie it is bound to make a handle and a pass."""
        code = parse_qs(urlsplit(head.target).query).get("code", [""])[0]
        transaction, _, kept = _cookies_of(head).get(self._cookies.transaction, "").partition(".")
        redeemed = (
            await in_thread(self._redeem, row.app_id, code, transaction) if row and transaction else None
        )
        forget = self._cookie(self._cookies.transaction, "", 0)
        if row is None or redeemed is None:
            return Answer(303, [(b"location", b"/"), forget, *_TEXT], b"That code is not good; once more.\n")
        handle, admission = redeemed
        headers = [
            (b"location", _read_kept(kept).encode()),
            self._cookie(self._cookies.handle, handle, int(SESSION_LIFE.total_seconds())),
            self._new_pass(row.app_id, admission),
            forget,
            (b"referrer-policy", b"no-referrer"),
        ]
        return Answer(303, [*headers, *_TEXT], b"Signed in.\n")

    def _redeem(self, app_id: str, code: str, transaction: str) -> tuple[str, Admission] | None:
        with self._database.write() as db:
            return access.redeem(db, app_id, code, transaction, self._clock.now())

    def _new_pass(self, app_id: str, admission: Admission) -> Header:
        token = self._passes.issue(
            app_id, admission.account_id, admission.session_id, admission.access_version
        )
        self._remember(Credential(app_id, "pass", token), Known(admission, time.time() + LIFE_S))
        return self._cookie(self._cookies.app_pass, token, LIFE_S)

    def _cookie(self, name: str, value: str, max_age: int) -> Header:
        return b"set-cookie", set_cookie(name, value, secure=self._site.is_secure, max_age=max_age).encode()


_TEXT: list[Header] = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]


def _header(head: RequestHead, name: bytes) -> str | None:
    for key, value in head.headers:
        if key == name:
            return value.decode("latin-1")
    return None


def _cookies_of(head: RequestHead) -> dict[str, str]:
    return read_cookies(
        ";".join(value.decode("latin-1") for name, value in head.headers if name == b"cookie")
    )


def _is_navigation(head: RequestHead) -> bool:
    """A person's browser going to a page, which a redirect can take to the sign-in."""
    if head.method not in {"GET", "HEAD"} or head.upgrade:
        return False
    mode = _header(head, b"sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in (_header(head, b"accept") or "")


def _kept_path(target: str) -> str:
    return target if len(target) <= KEPT_PATH_AT_MOST else "/"


def _read_kept(kept: str) -> str:
    """The path to return to, if it is one on this host and nothing else: two slashes of either kind begin a host."""
    try:
        path = base64.urlsafe_b64decode(kept.encode()).decode("ascii")
    except (binascii.Error, ValueError):
        return "/"
    is_path = (
        path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and " " not in path
    )
    return path if is_path and "\\" not in path else "/"


def _why_not(row: Serving) -> str:
    if not row.release:
        return f"{row.name} has no release that serves yet."
    if row.state == "starting":
        return f"{row.name} is starting and takes longer than usual."
    return f"{row.name} does not run: {row.reason or 'it has no instance'}"
