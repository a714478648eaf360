"""The door over a real database: who is let in, what a change of access ends, and what is not even looked at."""

import asyncio
import contextlib
import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tholos.access import door as doors
from tholos.access import service as access
from tholos.access import transactions
from tholos.access.door import Door
from tholos.access.errors import ConsoleAway
from tholos.access.passes import LIFE_S, Passes
from tholos.accounts import service as accounts
from tholos.accounts.models import Token
from tholos.accounts.routes import Site
from tholos.apps import service as apps
from tholos.gateway.carrier import Carrier
from tholos.gateway.model import Answer, Carry, RequestHead
from tholos.instances import service as instances
from tholos.instances.errors import AppNotServing
from tholos.instances.serving import Serving, ServingTable
from tholos.kit.clock import to_text
from tholos.kit.notices import Notices
from tholos.runtime.layout import Layout
from tholos.server.render import status_of
from tholos.testing.rows import add_live_app, add_people, sign_in

CONSOLE = "localhost:8080"
SITE = Site(f"http://{CONSOLE}", "http://{name}.localhost:8080", is_secure=False)
NAVIGATION = {"sec-fetch-mode": "navigate"}


class Exchanges:
    """What the carrier has under way, as decisions."""

    def __init__(self):
        self.carries = []
        self.rechecked = asyncio.Event()

    def recheck(self):
        self.rechecked.set()


class Front:
    """A door, an app of ada's behind it, and ways to ask."""

    def __init__(self, database, clock, people, folder):
        self.database, self.clock, self.people = database, clock, people
        self.app, _ = add_live_app(database, people.ada, "sales", clock.now())
        self.serving = ServingTable(database)
        self.row = Serving(
            self.app.id,
            "sales",
            self.app.owner_id,
            self.app.audience,
            self.app.access_version,
            0,
            1,
            "ins_1",
            f"unix:{folder}/app",
            "ready",
            "",
        )
        self.refused = []
        self.notices = Notices(asyncio.get_running_loop())
        self.door = Door(
            database, clock, SITE, self.serving, Passes(folder / "keys"), self._render,
            console_address=f"unix:{folder}/console", console_hosts=frozenset({CONSOLE}), hold_s=1,
        )  # fmt: skip
        self.selects = 0
        event.listen(database.reader, "before_cursor_execute", self._count)

    def _count(self, *_):
        self.selects += 1

    def _render(self, head, error):
        self.refused.append(error)
        return Answer(status_of(error), (), error.code.encode())

    def token(self, name="ada", days=1):
        with self.database.write() as db:
            account = accounts.get_account(db, getattr(self.people, name).account_id)
            return accounts.create_token(db, account, "", days, self.clock.now())[1]

    async def ask(
        self, path="/", *, host="sales.localhost:8080", method="GET", attempt=0, upgrade="", **headers
    ):
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return await self.door(RequestHead(method, path, host, pairs, "10.0.0.1", upgrade), attempt)

    async def sign_in(self, name="ada"):
        """The cookies of a browser that was handed over to the app, by name; and its session."""
        actor, _ = sign_in(self.database, getattr(self.people, name), self.clock.now())
        turned = await self.ask("/here?x=1", **NAVIGATION)
        cookies, digest = _cookies(turned), _location(turned).partition("?t=")[2]
        with self.database.write() as db:
            code = access.hand_over(db, actor, "sales", digest, self.clock.now())
        back = await self.ask(f"/.tholos/callback?code={code}&t={digest}", cookie=_header(cookies))
        assert _location(back) == "/here?x=1", back
        return {name: value for name, value in _cookies(back).items() if value}, actor

    def end(self, actor):
        with self.database.write() as db:
            accounts.end_session(db, actor.credential, self.clock.now())
        self.notices.publish(access.TOPIC)

    @contextlib.asynccontextmanager
    async def watching(self, exchanges=None):
        exchanges = exchanges or Exchanges()
        task = asyncio.create_task(self.door.watch(self.notices, exchanges))
        await asyncio.sleep(0)
        try:
            yield exchanges
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _cookies(answer):
    headers = answer.headers if isinstance(answer, Answer) else answer.answer_headers
    pairs = (value.decode().partition(";")[0] for name, value in headers if name == b"set-cookie")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _header(cookies):
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _location(answer):
    return dict(answer.headers)[b"location"].decode()


@pytest.fixture
async def front(sqlite_database, clock, people, tmp_path):
    front = Front(sqlite_database, clock, people, tmp_path)
    await front.serving.replace([front.row])
    return front


@pytest.fixture
def people(sqlite_database, clock):
    return add_people(sqlite_database, clock.now())


class TestWhoIsLetIn:
    async def test_a_pass_a_handle_and_a_token_are(self, front):
        cookies, _ = await front.sign_in()
        for name in ("tholos_pass", "tholos_handle"):
            assert isinstance(await front.ask(cookie=f"{name}={cookies[name]}"), Carry)
        assert isinstance(await front.ask(authorization=f"Bearer {front.token()}"), Carry)

    async def test_a_good_token_that_may_not_open_it_is_told_so(self, front):
        bob = f"Bearer {front.token('bob')}"
        answers = [
            await front.ask(authorization=bob),
            await front.ask(authorization=bob, host="nothing.localhost:8080"),
            await front.ask(authorization="Bearer tholos_garbage"),
        ]
        assert [(one.status, one.body) for one in answers] == [
            (403, b"not_shared"), (403, b"not_shared"), (401, b"not_signed_in"),
        ]  # fmt: skip

    async def test_a_handle_whose_session_is_good_but_not_let_in(self, front):
        cookies, _ = await front.sign_in()
        with front.database.write() as db:
            db.get_one(type(front.app), front.app.id).owner_id = front.people.bob.account_id
        async with front.watching() as exchanges:
            front.notices.publish(access.TOPIC)
            await exchanges.rechecked.wait()
            assert (await front.ask(cookie=_header(cookies))).status == 403
            assert (await front.ask(cookie=_header(cookies), **NAVIGATION)).status == 303

    async def test_an_apps_own_bearer_costs_no_look_and_stays(self, front):
        cookies, _ = await front.sign_in()
        front.selects = 0
        carry = await front.ask(cookie=_header(cookies), authorization="Bearer sk-of-the-app")
        assert front.selects == 0
        assert b"authorization" not in carry.remove_headers
        assert (await front.ask(authorization="Bearer sk-of-the-app")).status == 401
        assert front.selects == 0

    async def test_with_a_good_pass_a_bad_token_costs_nothing_and_goes(self, front):
        cookies, _ = await front.sign_in()
        front.selects = 0
        carry = await front.ask(cookie=_header(cookies), authorization="Bearer tholos_bad")
        assert front.selects == 0
        assert b"authorization" in carry.remove_headers

    async def test_where_a_cookie_may_not_act_a_token_does(self, front):
        cookies, _ = await front.sign_in()
        foreign = {"method": "POST", "origin": "http://evil.example", "cookie": _header(cookies)}
        assert (await front.ask(**foreign)).status == 403
        assert (await front.ask(upgrade="websocket", cookie=_header(cookies))).status == 403
        assert isinstance(await front.ask(authorization=f"Key {front.token()}", **foreign), Carry)

    async def test_nothing_is_remembered_beyond_its_own_end(self, front, clock):
        token = front.token(days=1)
        clock.move(timedelta(days=1, seconds=-LIFE_S / 2))
        assert isinstance(await front.ask(authorization=f"Bearer {token}"), Carry)
        clock.move(LIFE_S / 2 + 1)
        assert (await front.ask(authorization=f"Bearer {token}")).status == 401

    async def test_the_last_use_of_a_token_is_noted_beside_its_request(self, front, clock):
        async with front.watching():
            await front.ask(authorization=f"Bearer {front.token()}")
            for _ in range(200):
                await asyncio.sleep(0.01)
                with front.database.read() as db:
                    if db.query(Token).one().last_used_at == clock.now():
                        return
        pytest.fail("it was not noted")

    async def test_the_row_is_the_one_of_after_the_look(self, front, monkeypatch):
        look_up = front.door.known._look_up

        def slowly(credential, epoch):
            found = look_up(credential, epoch)
            asyncio.run_coroutine_threadsafe(front.serving.put(front.app.id, [moved]), loop).result()
            return found

        loop = asyncio.get_running_loop()
        moved = Serving(
            **{
                **{name: getattr(front.row, name) for name in front.row.__dataclass_fields__},
                "address": "unix:/next",
            }
        )
        monkeypatch.setattr(front.door.known, "_look_up", slowly)
        carry = await front.ask(authorization=f"Bearer {front.token()}")
        assert carry.address == "unix:/next"


class TestChanges:
    async def test_only_open_exchanges_are_asked_about(self, front):
        cookies, _ = await front.sign_in()
        for _ in range(20):
            await front.ask(authorization=f"Bearer {front.token()}")  # over at once
        kept = await front.ask(cookie=_header(cookies))
        _, other = await front.sign_in()
        front.selects = 0
        async with front.watching() as exchanges:
            front.end(other)
            await asyncio.wait_for(exchanges.rechecked.wait(), 5)
        assert front.selects <= 5  # begin, sessions, operations, apps, grants
        assert kept.still_allowed()
        front.selects = 0
        assert isinstance(await front.ask(cookie=_header(cookies)), Carry)
        assert front.selects > 0  # what was remembered before the change is looked up again

    async def test_the_revoked_is_out_and_asking_costs_no_look(self, front):
        cookies, ada = await front.sign_in()
        others, _ = await front.sign_in()
        gone, kept = await front.ask(cookie=_header(cookies)), await front.ask(cookie=_header(others))
        by_token = await front.ask(authorization=f"Bearer {front.token()}")
        async with front.watching() as exchanges:
            front.end(ada)
            await asyncio.wait_for(exchanges.rechecked.wait(), 5)
        front.selects = 0
        assert (gone.still_allowed(), kept.still_allowed(), by_token.still_allowed()) == (False, True, True)
        assert front.selects == 0
        assert (await front.ask(cookie=_header(cookies))).status == 401

    async def test_without_a_database_nobody_stays_and_the_next_change_is_seen(self, front, monkeypatch):
        cookies, _ = await front.sign_in()
        carry = await front.ask(cookie=_header(cookies))
        read = front.database.read

        def fail():
            raise OperationalError("SELECT", {}, Exception("gone"))

        async with front.watching() as exchanges:
            monkeypatch.setattr(front.database, "read", fail)
            front.notices.publish(access.TOPIC)
            await asyncio.wait_for(exchanges.rechecked.wait(), 5)
            assert not carry.still_allowed()
            monkeypatch.setattr(front.database, "read", read)
            carry = await front.ask(cookie=_header(cookies))
            exchanges.rechecked.clear()
            front.notices.publish(access.TOPIC)
            await asyncio.wait_for(exchanges.rechecked.wait(), 5)
            assert carry.still_allowed()

    async def test_many_open_ones_take_a_few_statements(self, front):
        """Five thousand took seven seconds when each was asked about by itself."""
        actors = [sign_in(front.database, front.people.ada, front.clock.now()) for _ in range(20)]
        tokens = [front.token() for _ in range(20)]
        carries = [await front.ask(host=CONSOLE, cookie=f"tholos_session={secret}") for _, secret in actors]
        carries += [await front.ask(authorization=f"Bearer {token}") for token in tokens]
        front.selects = 0
        async with front.watching() as exchanges:
            front.notices.publish(access.TOPIC)
            await asyncio.wait_for(exchanges.rechecked.wait(), 5)
        assert all(carry.still_allowed() for carry in carries)
        assert front.selects <= 6  # begin, sessions, tokens, operations, apps, grants


class TestConsole:
    async def test_who_it_is_costs_the_door_no_look(self, front):
        front.selects = 0
        carry = await front.ask(host=CONSOLE, cookie="tholos_session=x", authorization="Bearer tholos_x")
        assert (carry.label, front.selects) == ("console", 0)

    async def test_pages_of_the_revoked_end_and_nobody_elses(self, front):
        ada, secret = sign_in(front.database, front.people.ada, front.clock.now())
        _, other = sign_in(front.database, front.people.bob, front.clock.now())
        gone = await front.ask(host=CONSOLE, cookie=f"tholos_session={secret}")
        signing_out = await front.ask(host=CONSOLE, cookie=f"tholos_session={secret}", method="POST")
        kept = await front.ask(host=CONSOLE, cookie=f"tholos_session={other}")
        garbage = await front.ask(host=CONSOLE, cookie="tholos_session=garbage")
        async with front.watching() as exchanges:
            front.end(ada)
            await asyncio.wait_for(exchanges.rechecked.wait(), 5)
        assert not gone.still_allowed()
        assert kept.still_allowed()
        assert garbage.still_allowed()
        assert signing_out.still_allowed is None

    async def test_its_streams_end_soon_after_a_revocation(self, front, tmp_path):
        async def stream(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nbegun\n")
            with contextlib.suppress(OSError):
                await reader.read()
            writer.close()

        async def follow(secret):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(
                f"GET /logs HTTP/1.1\r\nhost: {CONSOLE}\r\ncookie: tholos_session={secret}\r\n\r\n".encode()
            )
            await reader.readuntil(b"begun")
            return reader, writer

        ada, secret = sign_in(front.database, front.people.ada, front.clock.now())
        _, other = sign_in(front.database, front.people.bob, front.clock.now())
        upstream = await asyncio.start_unix_server(stream, tmp_path / "console")
        carrier = Carrier(front.door)
        address = await carrier.listen_tcp()
        try:
            async with front.watching(carrier):
                (gone, one), (kept, two) = await follow(secret), await follow(other)
                front.end(ada)
                async with asyncio.timeout(20):
                    with contextlib.suppress(OSError):
                        await gone.read()
                await asyncio.sleep(0.1)
                assert not kept.at_eof()
                one.close()
                two.close()
        finally:
            await carrier.close()
            upstream.close()

    async def test_one_that_does_not_listen_is_not_asked_a_thousand_times(self, front, monkeypatch):
        monkeypatch.setattr(doors, "_CONNECT_PAUSE_S", 0.01)
        began = asyncio.get_running_loop().time()
        assert isinstance(await front.ask(host=CONSOLE, attempt=39), Carry)
        assert asyncio.get_running_loop().time() - began >= 0.01
        assert (await front.ask(host=CONSOLE, attempt=40)).status == 503
        assert isinstance(front.refused[-1], ConsoleAway)


class TestSigningIn:
    async def test_two_tabs_come_back_each_to_its_own_place(self, front):
        actor, _ = sign_in(front.database, front.people.ada, front.clock.now())
        jar, digests = {}, []
        for path in ("/one", "/two"):
            turned = await front.ask(path, cookie=_header(jar), **NAVIGATION)
            jar |= _cookies(turned)
            digests.append(_location(turned).partition("?t=")[2])
        bad = await front.ask(f"/.tholos/callback?code=bad&t={digests[0]}", cookie=_header(jar))
        assert _cookies(bad) == {}  # nothing is forgotten for a bad code
        for path, digest in zip(("/one", "/two"), digests, strict=True):
            with front.database.write() as db:
                code = access.hand_over(db, actor, "sales", digest, front.clock.now())
            back = await front.ask(f"/.tholos/callback?code={code}&t={digest}", cookie=_header(jar))
            assert _location(back) == path
            jar |= _cookies(back)
        carry = await front.ask(cookie=_header(jar) + "; mine=1")
        removed = {name.decode() for name in carry.remove_cookies}
        assert removed >= {name for name in jar if name.startswith("tholos_")}

    async def test_a_browser_without_cookies_is_told_once(self, front):
        turned = await front.ask("/", **NAVIGATION)
        digest = _location(turned).partition("?t=")[2]
        answer = await front.ask(f"/.tholos/callback?code=x&t={digest}", **NAVIGATION)
        assert (answer.status, answer.body) == (400, b"cookies_needed")
        assert (await front.ask("/.tholos/callback", **NAVIGATION)).status == 400

    async def test_who_is_in_goes_on_when_the_callback_is_seen_again(self, front):
        cookies, _ = await front.sign_in()
        answer = await front.ask(
            f"/.tholos/callback?code=x&t={'a' * 64}", cookie=_header(cookies), **NAVIGATION
        )
        assert (answer.status, _location(answer)) == (303, "/")

    async def test_a_handful_is_kept(self, front):
        jar = {}
        for _ in range(transactions.AT_MOST + 4):
            for name, value in _cookies(await front.ask("/", cookie=_header(jar), **NAVIGATION)).items():
                jar.pop(name, None)
                if value:
                    jar[name] = value
        assert len(jar) == transactions.AT_MOST
        assert all(re.fullmatch(r"tholos_txn_[0-9a-f]{8}", name) for name in jar)


class TestStarting:
    """Whoever comes while an app starts is told since when, how long that took before, and where more of it is."""

    async def _refusal(self, front, account, state="starting"):
        row = replace(front.row, instance="", address="", state=state, since=front.clock.now())
        await front.serving.replace([row])
        front.door._hold_s = 0.01
        with pytest.raises(AppNotServing) as caught:
            await front.door._await_address("sales", row, 0, admitted_as(account) if account else None)
        return caught.value

    async def test_the_owner_is_led_to_the_log_and_others_to_the_state(self, front):
        for who, page in (("ada", f"{SITE.url}/apps/sales/logs"), ("bob", f"{SITE.url}/apps/sales")):
            refused = await self._refusal(front, getattr(front.people, who).account_id)
            assert refused.details["page"] == page
            assert refused.details["since"] == to_text(front.clock.now())
        assert "page" not in (await self._refusal(front, "")).details

    async def test_the_last_start_is_the_estimate(self, front, tmp_path):
        assert "usual_s" not in (await self._refusal(front, "")).details
        now = front.clock.now()
        with front.database.write() as db:
            release = apps.find_live(db, front.app.id)
            for age, took in ((60, 9.0), (30, 2.31)):
                made = instances.create_instance(db, front.app, release, Layout(tmp_path), now)
                made.created_at = now - timedelta(seconds=age)
                made.ready_at = made.created_at + timedelta(seconds=took)
            instances.create_instance(db, front.app, release, Layout(tmp_path), now)
        refused = await self._refusal(front, "")
        assert refused.message == "sales is starting. Its last start took 2.3 s."
        assert refused.details["usual_s"] == 2.31
        assert "usual_s" not in (await self._refusal(front, "", state="failed")).details

    async def test_a_draft_leads_to_its_app(self, front):
        row = replace(front.row, name="sales--r3", draft=3, address="", state="failed")
        refused = await front.door._not_serving(row, "acc_x")
        assert refused.details["page"] == f"{SITE.url}/apps/sales"
        assert refused.fix.endswith("tholos why sales")


def admitted_as(account_id):
    return SimpleNamespace(known=SimpleNamespace(admission=SimpleNamespace(account_id=account_id)))
