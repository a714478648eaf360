"""The front door: from a request's head to where it goes. The only place that decides who opens an app.

What a credential is good for is looked up once and remembered until anything about access changes anywhere; from then
on it is looked up again at its next request. What open exchanges stand on is asked about at once, and the carrier ends
those of whoever is no longer let in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from tholos.access import service as access
from tholos.access import transactions
from tholos.access.addresses import Address, Addresses
from tholos.access.errors import ConsoleAway, CookiesNeeded, NotShared
from tholos.access.heads import cookies_of, header, is_navigation, is_of_browser, may_last, own_token
from tholos.access.inroads import CONFINED, FindInroad, Inroad, nowhere
from tholos.access.known import Credential, Known, KnownCredentials
from tholos.access.lanes import is_fit
from tholos.access.outstanding import Outstanding, identity_of
from tholos.access.passes import Passes
from tholos.access.service import Admission, Stand
from tholos.access.transactions import Transactions
from tholos.access.uses import Use, Uses, settle
from tholos.accounts import people
from tholos.accounts.routes import Site
from tholos.accounts.service import SESSION_LIFE
from tholos.apps.names import release_name
from tholos.gateway.hygiene import CALLBACK, IDENTITY_HEADERS, IDENTITY_PREFIXES
from tholos.gateway.model import Answer, Carry, Decision, Header, RequestHead
from tholos.instances import met
from tholos.instances import service as instances
from tholos.instances.errors import AppNotServing
from tholos.instances.models import VISITORS, InstanceState
from tholos.instances.serving import ASLEEP, Answering, Serving, ServingTable
from tholos.kit.clock import Clock, to_text
from tholos.kit.db import Database
from tholos.kit.errors import Forbidden, NotSignedIn, TholosError
from tholos.kit.http import SAFE_METHODS, bearer_token, is_own_request, set_cookie
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread
from tholos.sharing.models import Audience

RECHECKED_WITHIN_S = 3.0
"""Who is no longer let in is out within five seconds: when that cannot be found out in time, everybody is."""
PROBES = frozenset({"/health/live", "/health/ready"})
"""Of the console, under whatever host."""
_ATTEMPTS = 40
_CONNECT_PAUSE_S = 0.05
AFFINITY_S = 86_400
"""So long a browser comes back to the same of several instances."""
NOTICED_S = 15.0
"""Within this time somebody begins to start an app whose instance is gone, or cannot."""

RenderError = Callable[[RequestHead, TholosError], Answer]


class Routing(Protocol):
    """What an app's instances are asked for by those who were let in."""

    async def wake(self, row: Serving) -> None:
        """Let run again what sleeps; returns once that has begun."""

    def choose(self, row: Serving, preferred: str = "") -> Answering:
        """One of several that answer; the preferred one if it does."""

    async def find_own(self, row: Serving, whose: str) -> Answering | None:
        """Where everybody has their own: somebody's. None where the table tells when one has come.

        Raises: InstancesTaken.
        """


class Exchanges(Protocol):
    """What the carrier has under way."""

    def recheck(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whom a request is let in as."""

    credential: Credential
    known: Known
    use: Use
    renewed: list[Header]


class Door:
    """Decides for the carrier.

    Args:
        console_address: where the console's own server listens.
        hold_s: how long a request waits for an app that is starting.
        max_body: bytes that the body of a request for an app may have; 0 bounds none.
        routing: what wakes apps and chooses among several instances of one; without it neither is done.
        find_inroad: which addresses on the console's hosts lead to an app.
        outstanding: what a proxy in front may believe without asking; none where there is no proxy.
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
        max_body: int = 0,
        routing: Routing | None = None,
        find_inroad: FindInroad = nowhere,
        outstanding: Outstanding | None = None,
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
        self._max_body = max_body
        self._routing = routing
        self._find_inroad = find_inroad
        self._outstanding = outstanding
        self.known = KnownCredentials(database, clock, passes, outstanding)
        self._cookies = site.cookies
        self._uses = Uses()
        self._transactions = Transactions(self._cookies.transaction)
        self._removed_cookies = frozenset(
            name.encode()
            for name in (
                *(self._cookies.handle, self._cookies.app_pass),
                *(self._cookies.session, self._cookies.instance),
            )
        )
        self._provider_transactions = Transactions(self._cookies.openid)
        self._addresses = Addresses(site.app_url, console_hosts)

    async def __call__(self, head: RequestHead, attempt: int) -> Decision:
        try:
            return await self._decide(head, attempt)
        except TholosError as error:
            return self._render_error(head, error)

    async def watch(self, notices: Notices, exchanges: Exchanges) -> None:
        """Decide anew whenever access changes, and note which tokens are used, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.known.note_uses())
            with notices.watch(access.TOPIC) as changed:
                if self._outstanding is not None and self._outstanding.stands():
                    await self._recheck(exchanges)  # what an earlier server left open
                while True:
                    await changed.wait()
                    changed.clear()
                    self.known.epoch += 1
                    seen = notices.count(access.TOPIC)
                    await self._recheck(exchanges)
                    if self._outstanding is not None:
                        self._outstanding.seen = seen

    async def _recheck(self, exchanges: Exchanges) -> None:
        """End what does not stand any more; without proof nothing does."""
        uses = self._uses.list_open()
        out = self._outstanding
        stands = {use.stand for use in uses} | (out.stands() if out else set())
        standing: set[Stand] = set()
        groups: dict[str, list[str]] = {}
        try:
            async with asyncio.timeout(RECHECKED_WITHIN_S):
                standing, groups = await in_thread(
                    self._still_standing, stands, out.accounts() if out else ()
                )
        except Exception:  # noqa: BLE001 - whatever it is, nobody stays because of it, and the next change is seen
            get_logger().exception("access_recheck_failed", exchanges=len(uses))
            self.known.forget()
        settle(uses, standing)
        if out is not None:
            out.settle(standing, groups)
        exchanges.recheck()

    def _still_standing(
        self, stands: set[Stand], account_ids: Collection[str]
    ) -> tuple[set[Stand], dict[str, list[str]]]:
        with self._database.read() as db:
            groups = people.group_names_of(db, account_ids) if account_ids else {}
            return access.still_standing(db, stands, self._clock.now()), groups

    async def _decide(self, head: RequestHead, attempt: int) -> Decision:
        address = self._addresses.find(head)
        if address is not None:
            return await self._to_address(head, address, attempt)
        if head.host not in self._console_hosts:
            return await self._to_nowhere(head, attempt)
        inroad = await self._find_inroad(head)
        if inroad is not None:
            return await self._go_in(head, inroad, attempt)
        return await self._to_console(head, attempt)

    async def _to_address(self, head: RequestHead, address: Address, attempt: int) -> Decision:
        if not address.target:
            _, mark, query = head.target.partition("?")
            location = f"{address.cookie_path}{mark}{query}".encode()
            return Answer(307, [(b"location", location), *_TEXT], b"It ends with a slash.\n")
        row = self._serving.find(address.name)
        cookies = cookies_of(head)
        if address.target.partition("?")[0] == CALLBACK:
            return await self._callback(head, address, row, cookies)
        admitted = await self._admit_anyhow(head, row, cookies, address) if row else None
        if row is None or admitted is None:
            return await self._turn_away(head, address, row, cookies)
        serving = await self._to_app(address.name, row, attempt, admitted)
        carry = self._carry(head, serving, admitted, address)
        if is_fit(serving):
            self._tell(head, serving.place, admitted, carry.label)
        return carry

    def _tell(self, head: RequestHead, place: str, admitted: Admitted, instance: str) -> None:
        """Let the proxy in front know what it may carry by itself from now on."""
        out, known, credential = self._outstanding, admitted.known, admitted.credential
        if out is None:
            return
        if may_last(head):
            out.note_stream(place, known.admission.session_id, instance)
        if credential.form == "token" and known.epoch == self.known.epoch:
            out.note_token(place, credential.secret, known.admission, known.expires_at)
            if may_last(head):
                out.note_token_stream(place, credential.secret, instance)

    async def _to_nowhere(self, head: RequestHead, attempt: int) -> Decision:
        if head.target.partition("?")[0] in PROBES:  # by an address, as what watches machines asks
            return await self._to_console(head, attempt)
        return Answer(421, _TEXT, f"Nothing is served under the host {head.host}.\n".encode())

    async def _go_in(self, head: RequestHead, inroad: Inroad, attempt: int) -> Decision:
        """By a token or as nobody in particular: a cookie of the console's host is no credential for an app, and no browser
        takes one from an app there.
        """
        if is_of_browser(head) and not own_token(head):
            url = self._site.app_url.format(name=inroad.name) + inroad.target
            return Answer(307, [(b"location", url.encode()), *_TEXT], b"It has an address of its own.\n")
        row = self._serving.find(inroad.name)
        address = self._addresses.of(inroad.name, inroad.target)
        admitted = await self._admit_anyhow(head, row, {}, address) if row else None
        if row is None or admitted is None:
            return await self._turn_away(head, address, row, {})
        serving = await self._to_app(inroad.name, row, attempt, admitted)
        carry = self._carry(head, serving, admitted, address)
        return replace(carry, answer_headers=[*carry.answer_headers, *CONFINED])

    async def _to_app(self, name: str, row: Serving, attempt: int, admitted: Admitted) -> Serving:
        """The row of an app with an address, once somebody is let in.

        Raises: AppNotServing, NotShared: another app has the name by now.
        """
        row = self._serving.find(name) or row  # as it is by now
        serving = await self._await_address(name, row, attempt, admitted)
        if serving.place != admitted.credential.place:
            raise NotShared
        if serving.rules.personal and self._routing is not None:
            return await self._to_own(serving, self._routing, admitted.known.admission)
        return serving

    async def _to_own(self, row: Serving, routing: Routing, admission: Admission) -> Serving:
        """The row with the one instance that is this account's own, or that of all visitors who have none.

        Raises: AppNotServing, InstancesTaken.
        """
        until = asyncio.get_running_loop().time() + self._hold_s
        while (own := await routing.find_own(row, admission.account_id or VISITORS)) is None:
            left_s = until - asyncio.get_running_loop().time()
            if left_s <= 0:
                waiting = replace(row, state=InstanceState.STARTING, address="")
                raise await self._not_serving(waiting, admission.account_id)
            row = await self._serving.wait_for_change(row, left_s) or row
        return replace(row, instance=own.instance, address=own.address, ready=(own,))

    # Who it is

    async def _admit_anyhow(
        self, head: RequestHead, row: Serving, cookies: dict[str, str], address: Address
    ) -> Admitted | None:
        """By a credential, or as nobody in particular where everyone is let in.

        Raises: Forbidden.
        """
        is_public = row.audience == Audience.EVERYONE and not row.draft
        try:
            admitted = await self._admit(head, row, cookies, address)
        except Forbidden:
            if not is_public:
                raise
            admitted = None
        if admitted is not None or not is_public:
            return admitted
        # The table may lag behind: what it calls public is asked about like any other credential, so that nothing is let in
        # between a change and its recheck.
        credential = Credential(row.place, "public", "")
        known = self.known.find(credential, row.access_version) or await self.known.look_up(credential)
        if known is None:
            return None
        self.known.remember(credential, known)
        if self._outstanding is not None:
            self._outstanding.note_public(row.place)
        return Admitted(credential, known, self._uses.begin(_stand_of(credential, known)), [])

    async def _admit(
        self, head: RequestHead, row: Serving, cookies: dict[str, str], address: Address
    ) -> Admitted | None:
        """By the first credential that lets the request in.

        Raises: Forbidden: only a cookie would, and the request came from elsewhere.
        """
        refusal = None
        for credential in self._credentials(head, row.place, cookies):
            known = self.known.find(credential, row.access_version) or await self.known.look_up(credential)
            if known is None:
                continue
            is_handle = credential.form == "handle"
            if not is_handle:
                self.known.remember(credential, known)
            if credential.form != "token" and (refusal := self._find_refusal(head)) is not None:
                continue
            due = known if is_handle else await self._due(known, row.place, cookies)
            renewed = [self._new_pass(row.place, due, address)] if due else []
            return Admitted(credential, known, self._uses.begin(_stand_of(credential, known)), renewed)
        if refusal is not None:
            raise refusal
        return None

    async def _due(self, known: Known, place: str, cookies: dict[str, str]) -> Known | None:
        """What a new pass is made of in the place of one that is old; None where none is due, or nothing renews it."""
        handle = cookies.get(self._cookies.handle, "")
        if not known.is_old or not handle:
            return None
        return await self.known.look_up(Credential(place, "handle", handle))

    def _credentials(self, head: RequestHead, place: str, cookies: dict[str, str]) -> list[Credential]:
        """In the order in which they are tried: a pass costs no look at the database, and a bad token always would."""
        offered = (
            ("pass", cookies.get(self._cookies.app_pass, "")),
            ("token", own_token(head)),
            ("handle", cookies.get(self._cookies.handle, "")),
        )
        return [Credential(place, form, secret) for form, secret in offered if secret]

    # Where it goes

    async def _to_console(self, head: RequestHead, attempt: int) -> Carry:
        """Raises: ConsoleAway."""
        if attempt >= _ATTEMPTS:
            raise ConsoleAway
        if attempt:
            await asyncio.sleep(_CONNECT_PAUSE_S)
        return Carry(
            self._console_address,
            "console",
            remove_headers=IDENTITY_HEADERS,
            remove_prefixes=IDENTITY_PREFIXES,
            set_headers=self._forwarded(head),
            still_allowed=self._use_of_console(head),
        )

    def _use_of_console(self, head: RequestHead) -> Use | None:
        """What a page or stream of the console stands on. Who it is, the console itself finds out; what changes something
        is short, and may be the very sign-out that is rechecked for.
        """
        if head.method not in SAFE_METHODS:
            return None
        if bearer_token(header(head, b"authorization")):
            token = own_token(head)
            return self._uses.begin(Stand("", "token", token)) if token else None
        session = cookies_of(head).get(self._cookies.session, "")
        return self._uses.begin(Stand("", "cookie", session)) if session else None

    async def _await_address(
        self, name: str, row: Serving, attempt: int, admitted: Admitted | None = None
    ) -> Serving:
        """The row of an app with an address to try, held back while it starts.

        Raises: AppNotServing.
        """
        if row.address and attempt == 0:
            return row
        if row.state == ASLEEP and self._routing is not None:
            await self._routing.wake(row)
            row = self._serving.find(name) or row
        if row.address and attempt < _ATTEMPTS:
            # It ended a moment ago and nobody has noticed, or it is being replaced: either shows in the table soon.
            await asyncio.sleep(_CONNECT_PAUSE_S)
            row = self._serving.find(name) or row
        if row.release and not row.state:
            row = await self._serving.wait_for_change(row, NOTICED_S) or row
        if not row.address and row.state in {"starting", "failing"}:
            row = await self._serving.wait_for_address(name, self._hold_s) or row
        if not row.address or attempt >= _ATTEMPTS:
            raise await self._not_serving(row, admitted.known.admission.account_id if admitted else "")
        return row

    async def _not_serving(self, row: Serving, account_id: str) -> AppNotServing:
        """What somebody is told who waited in vain, or had better not wait."""
        app = row.name.removesuffix(release_name("", row.draft)) if row.draft else row.name
        is_starting = row.state == "starting"
        took_s = await in_thread(self._last_start, row.app_id) if is_starting else None
        more = met.command(row.reason, app)
        owner = (
            f"Its owner gives it more with: {more}"
            if more
            else f"Its owner learns why with: tholos why {app}"
        )
        fix = "Try again in a moment." if is_starting else owner
        error = AppNotServing(_why_not(row, took_s), fix=fix, app=row.name, state=row.state)
        if row.since:
            error.details["since"] = to_text(row.since)
        if took_s is not None:
            error.details["usual_s"] = round(took_s, 3)
        if account_id:
            page = f"{self._site.url}/apps/{app}"
            error.details["page"] = f"{page}/logs" if account_id == row.owner_id else page
        return error

    def _last_start(self, app_id: str) -> float | None:
        with self._database.read() as db:
            return instances.find_start_seconds(db, app_id)

    def _carry(self, head: RequestHead, row: Serving, admitted: Admitted, address: Address) -> Carry:
        ours = (self._transactions, self._provider_transactions)
        transactions_here = frozenset().union(*(one.names_in(head.headers) for one in ours))
        chosen, told = self._choose(head, row, address)
        return Carry(
            chosen.address,
            chosen.instance,
            target=address.target if address.target != head.target else "",
            remove_cookies=self._removed_cookies | transactions_here,
            # Our own tokens never reach an app, not even one that was not needed; an app's own ones do.
            remove_headers=IDENTITY_HEADERS | {b"authorization"} if own_token(head) else IDENTITY_HEADERS,
            remove_prefixes=IDENTITY_PREFIXES,
            set_headers=[*self._forwarded(head), *address.headers, *_identity(admitted.known.admission)],
            answer_headers=[*admitted.renewed, *told],
            still_allowed=admitted.use,
            max_body=self._max_body,
            details=_details(row, admitted.known.admission),
        )

    def _choose(self, head: RequestHead, row: Serving, address: Address) -> tuple[Answering, list[Header]]:
        """An app's instance for a request; of several a browser keeps the one that it came to first, which may hold its state
        (the cookie is no credential: whoever sends another one comes to another instance of the same app).
        """
        is_one = row.rules.max_instances == 1 or row.rules.personal
        if is_one or self._routing is None or not row.ready:
            return Answering(row.instance, row.address), []
        name = self._cookies.instance
        usual = cookies_of(head).get(name, "")
        chosen = self._routing.choose(row, usual)
        return chosen, [] if chosen.instance == usual else [
            self._cookie(address, name, chosen.instance, AFFINITY_S)
        ]

    def _forwarded(self, head: RequestHead) -> list[Header]:
        return [
            (b"x-forwarded-for", head.peer.encode() or b"127.0.0.1"),
            (b"x-forwarded-proto", b"https" if self._site.is_secure else b"http"),
            (b"x-forwarded-host", head.host.encode()),
        ]

    def _find_refusal(self, head: RequestHead) -> Forbidden | None:
        """A cookie acts only for our own pages; every websocket upgrade says where it comes from."""
        if head.method in SAFE_METHODS and not head.upgrade:
            return None
        own = f"{'https' if self._site.is_secure else 'http'}://{head.host}"
        origin = header(head, b"origin")
        if head.upgrade and origin is None:
            return Forbidden("Cannot open this connection: it does not say which page it comes from.")
        if not is_own_request(origin, header(head, b"sec-fetch-site"), own):
            return Forbidden("Cannot do that: the request came from another site.")
        return None

    # The way in

    async def _turn_away(
        self, head: RequestHead, address: Address, row: Serving | None, cookies: dict[str, str]
    ) -> Answer:
        """Raises: NotSignedIn, NotShared."""
        if not is_navigation(head):
            credentials = self._credentials(head, row.place if row else "", cookies)
            is_somebody = await in_thread(self.known.is_somebody, credentials)
            if is_somebody:
                # The same where there is no such app: what is not shared with somebody is not told apart from that.
                raise NotShared(fix="Ask its owner to share it.")
            raise NotSignedIn(
                "Cannot open this app: nobody is signed in.",
                fix="Send an API token: Authorization: Bearer TOKEN",
            )
        digest, cookie, value = self._transactions.begin(head.target)
        old = [one for one in (self._cookies.app_pass, self._cookies.handle) if one in cookies]
        headers = [
            (b"location", f"{self._site.url}/open/{address.name}?t={digest}".encode()),
            self._cookie(address, cookie, value, transactions.LIFE_S),
            *(self._cookie(address, one, "", 0) for one in (*old, *self._transactions.surplus(cookies))),
        ]
        return Answer(303, [*headers, *_TEXT], b"Sign in.\n")

    async def _callback(
        self, head: RequestHead, address: Address, row: Serving | None, cookies: dict[str, str]
    ) -> Answer:
        """Take the hand-over: a good code and the cookie it is bound to make a handle and a pass.

        Raises: CookiesNeeded: going round once more would end here again.
        """
        query = parse_qs(urlsplit(head.target).query)
        cookie, secret, path = self._transactions.find(cookies, query.get("t", [""])[0])
        epoch = self.known.epoch
        redeemed = None
        if row is not None and secret:
            redeemed = await in_thread(self._redeem, row.place, query.get("code", [""])[0], secret)
        if row is None or redeemed is None:
            if not secret and (row is None or await self._admit(head, row, cookies, address) is None):
                raise CookiesNeeded(fix="Allow cookies for this address, then open the app again.")
            # Come back to by the browser's history, say; whoever is not in yet begins anew.
            return Answer(
                303,
                [(b"location", address.cookie_path.encode()), *_TEXT],
                b"That code is not good; once more.\n",
            )
        handle, admission = redeemed
        headers = [
            (b"location", address.keep_inside(path).encode()),
            self._cookie(address, self._cookies.handle, handle, int(SESSION_LIFE.total_seconds())),
            self._new_pass(row.place, Known(admission, 0, epoch), address),
            self._cookie(address, cookie, "", 0),
            (b"referrer-policy", b"no-referrer"),
        ]
        return Answer(303, [*headers, *_TEXT], b"Signed in.\n")

    def _redeem(self, place: str, code: str, transaction: str) -> tuple[str, Admission] | None:
        with self._database.write() as db:
            return access.redeem(db, place, code, transaction, self._clock.now())

    def _new_pass(self, place: str, known: Known, address: Address) -> Header:
        admission = known.admission
        out = self._outstanding
        if out is not None:
            out.note(place, admission, is_fresh=known.epoch == self.known.epoch)
        told = out.claims(place, admission) if out else {}
        token = self._passes.issue(
            place, admission.account_id, admission.session_id, admission.access_version, told
        )
        until = self.known.good_until(admission)
        fresh = replace(known, expires_at=until, is_old=False)
        self.known.remember(Credential(place, "pass", token), fresh)
        return self._cookie(address, self._cookies.app_pass, token, self._passes.life_s)

    def _cookie(self, address: Address, name: str, value: str, max_age: int) -> Header:
        path, secure = address.cookie_path, self._site.is_secure
        return b"set-cookie", set_cookie(name, value, secure=secure, max_age=max_age, path=path).encode()


_TEXT: list[Header] = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]


def _stand_of(credential: Credential, known: Known) -> Stand:
    """A pass or handle stands for as long as its session does, however short its own life is."""
    if credential.form == "public":
        return Stand(credential.place, "public", "")
    if credential.form == "token":
        return Stand(credential.place, "token", credential.secret)
    return Stand(credential.place, "session", known.admission.session_id)


def _identity(admission: Admission) -> list[Header]:
    """Who it is, in our words and in those that apps written for Posit Connect read; nothing for nobody in particular."""
    if not admission.name:
        return []
    return [
        (b"x-tholos-account", admission.name.encode()),
        (b"rstudio-connect-credentials", identity_of(admission).encode()),
    ]


def _details(row: Serving, admission: Admission) -> dict[str, str]:
    """What is told of an exchange once it is over; ids where it counts as a visit of the app."""
    told = {"app": row.name, "release": str(row.release), "account": admission.name}
    return told if row.draft else {**told, "app_id": row.app_id, "account_id": admission.account_id}


def _why_not(row: Serving, took_s: float | None = None) -> str:
    if not row.release:
        return f"{row.name} has no release that serves yet."
    if row.state == "starting":
        known = "" if took_s is None else f" Its last start took {took_s:.1f} s."
        return f"{row.name} is starting.{known}"
    return f"{row.name} does not run: {row.reason or 'it has no instance'}"
