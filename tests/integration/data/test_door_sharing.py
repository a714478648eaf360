"""The door and sharing: public apps, drafts, tokens of one app, and what a change of sharing ends at once."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from tholos.access import service as access
from tholos.access.door import Door
from tholos.access.passes import Passes
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Group, Membership, Token
from tholos.accounts.routes import Site
from tholos.accounts.service import hash_secret
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.errors import AppNotFound, DraftNotFound
from tholos.apps.sharing import Given, Wish
from tholos.gateway.carrier import Carrier
from tholos.gateway.model import Answer, Carry, RequestHead
from tholos.instances.serving import ServingTable
from tholos.kit.notices import Notices
from tholos.server.render import status_of
from tholos.sharing.models import Audience, Level, PrincipalKind
from tholos.testing.rows import add_live_app, add_people, add_release, sign_in

SITE = Site("http://localhost:8080", "http://{name}.localhost:8080", is_secure=False)
NAVIGATION = {"sec-fetch-mode": "navigate"}
DRAFT = "sales--r2"


class Rechecks:
    def __init__(self):
        self.done = asyncio.Event()

    def recheck(self):
        self.done.set()


class Front:
    """A door with ada's app, its draft, and another app of hers behind it."""

    def __init__(self, database, clock, people, folder):
        self.database, self.clock, self.people, self.folder = database, clock, people, folder
        self.app, _ = add_live_app(database, people.ada, "sales", clock.now())
        add_live_app(database, people.ada, "stock", clock.now())
        with database.write() as db:
            draft = add_release(db, people.ada, apps.get_app(db, self.app.id), clock.now())
            apps.keep_as_draft(db, draft.id, clock.now())
        self.serving = ServingTable(database)
        self.notices = Notices(asyncio.get_running_loop())
        self.door = Door(
            database, clock, SITE, self.serving, Passes(folder / "keys"), self._render,
            console_address=f"unix:{folder}/console", console_hosts=frozenset({"localhost:8080"}), hold_s=1,
        )  # fmt: skip

    def _render(self, head, error):
        return Answer(status_of(error), (), error.code.encode())

    async def refresh(self):
        rows = [replace(row, address=f"unix:{self.folder}/app") for row in self.serving.read_all()]
        await self.serving.replace(rows)

    def share(self, *given, audience=None):
        with self.database.write() as db:
            return app_sharing.change(
                db, self.people.ada, "sales", Wish(audience, given), None, self.clock.now()
            )

    async def share_and_tell(self, exchanges, *given, audience=None):
        exchanges.done.clear()
        self.share(*given, audience=audience)
        await self.tell(exchanges)

    async def tell(self, exchanges):
        exchanges.done.clear()
        self.notices.publish(access.TOPIC)
        await asyncio.wait_for(exchanges.done.wait(), 5)
        await self.refresh()

    def token(self, name="ada", only=""):
        with self.database.write() as db:
            account = accounts.get_account(db, getattr(self.people, name).account_id)
            token, secret = accounts.create_token(db, account, "", 1, self.clock.now())
            if only:
                app = apps.find_named(db, "org_default", only)
                db.get_one(Token, token.id).object_id = app.id
        return secret

    async def ask(self, name="sales", method="GET", path="/", upgrade="", **headers):
        pairs = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
        head = RequestHead(method, path, f"{name}.localhost:8080", pairs, "10.0.0.1", upgrade)
        return await self.door(head, 0)

    async def cookies(self, who="ada", name="sales"):
        """Those of a browser that was handed over to an app or draft."""
        actor, _ = sign_in(self.database, getattr(self.people, who), self.clock.now())
        turned = await self.ask(name, **NAVIGATION)
        kept, digest = _cookies(turned), dict(turned.headers)[b"location"].decode().partition("?t=")[2]
        with self.database.write() as db:
            code = access.hand_over(db, actor, name, digest, self.clock.now())
        back = await self.ask(name, path=f"/.tholos/callback?code={code}&t={digest}", cookie=_header(kept))
        return {key: value for key, value in _cookies(back).items() if value}

    @contextlib.asynccontextmanager
    async def watching(self, exchanges=None):
        exchanges = exchanges or Rechecks()
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


def _identity(carry):
    assert isinstance(carry, Carry), carry
    return [value.decode() for name, value in carry.set_headers if name == b"x-tholos-account"]


def viewer(name):
    return Given(PrincipalKind.ACCOUNT, name, Level.VIEWER)


def editor(name):
    return Given(PrincipalKind.ACCOUNT, name, Level.EDITOR)


@pytest.fixture
async def front(sqlite_database, clock, tmp_path):
    front = Front(sqlite_database, clock, add_people(sqlite_database, clock.now()), tmp_path)
    await front.refresh()
    return front


@pytest.fixture
async def public(front):
    front.share(audience=Audience.EVERYONE)
    await front.refresh()
    return front


class TestPublic:
    async def test_nobody_is_let_in_without_an_identity(self, public):
        for method in ("GET", "POST"):
            carry = await public.ask(method=method)
            assert _identity(carry) == []
            assert carry.remove_prefixes

    async def test_with_a_good_pass_the_app_knows_who(self, public):
        cookies = await self._cookies_of(public, "bob")
        assert _identity(await public.ask(cookie=_header(cookies))) == ["bob"]
        assert _identity(await public.ask(authorization=f"Bearer {public.token('vic')}")) == ["vic"]

    async def _cookies_of(self, public, who):
        """Where everyone is let in nobody is sent to sign in, so the hand-over begins at the console."""
        public.share(audience=Audience.SIGNED_IN)
        await public.refresh()
        cookies = await public.cookies(who)
        public.share(audience=Audience.EVERYONE)
        await public.refresh()
        return {"tholos_handle": cookies["tholos_handle"]}

    async def test_what_is_no_good_is_nobody(self, public):
        for headers in (
            {"authorization": "Bearer tholos_garbage"}, {"cookie": "tholos_pass=garbage"},
            {"cookie": "tholos_handle=garbage"}, {"authorization": f"Bearer {public.token('ada', only='stock')}"},
        ):  # fmt: skip
            carry = await public.ask(**headers)
            assert _identity(carry) == []
            assert b"authorization" in carry.remove_headers or "cookie" in headers

    async def test_another_site_acts_as_nobody_never_as_who_is_signed_in(self, public):
        cookies = await self._cookies_of(public, "ada")
        for headers in ({"method": "POST"}, {"upgrade": "websocket"}):
            own = await public.ask(origin="http://sales.localhost:8080", cookie=_header(cookies), **headers)
            foreign = await public.ask(origin="https://evil.example", cookie=_header(cookies), **headers)
            assert (_identity(own), _identity(foreign)) == (["ada"], [])

    async def test_its_drafts_are_not_public(self, public):
        assert (await public.ask(DRAFT)).status == 401
        assert (await public.ask(DRAFT, **NAVIGATION)).status == 303

    async def test_closing_it_ends_open_streams_of_nobody_and_nobody_elses(self, public):
        token = public.token()
        async with public.watching() as exchanges:
            nobody = await public.ask()
            owner = await public.ask(authorization=f"Bearer {token}")
            stranger = await public.ask(authorization=f"Bearer {public.token('vic')}")
            await public.share_and_tell(exchanges, audience=Audience.LISTED)
            assert (nobody.still_allowed(), owner.still_allowed(), stranger.still_allowed()) == (
                False, True, False,
            )  # fmt: skip
            assert (await public.ask()).status == 401

    async def test_between_a_change_and_its_notice_the_table_is_not_believed(self, public):
        """The table says public until it is refreshed; what it says is asked about, and nobody slips in for good."""
        async with public.watching() as exchanges:
            assert isinstance(await public.ask(), Carry)
            public.share(audience=Audience.LISTED)
            exchanges.done.clear()
            public.notices.publish(access.TOPIC)
            await asyncio.wait_for(exchanges.done.wait(), 5)
            assert public.serving.find("sales").audience == "everyone"
            assert (await public.ask()).status == 401

    async def test_a_stream_of_nobody_ends_within_five_seconds(self, public, tmp_path):
        async def stream(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nbegun\n")
            with contextlib.suppress(OSError):
                await reader.read()
            writer.close()

        async def follow(**headers):
            reader, writer = await asyncio.open_connection(*address)
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"GET / HTTP/1.1\r\nhost: sales.localhost:8080\r\n{lines}\r\n".encode())
            await reader.readuntil(b"begun")
            return reader, writer

        upstream = await asyncio.start_unix_server(stream, tmp_path / "app")
        carrier = Carrier(public.door)
        address = await carrier.listen_tcp()
        try:
            async with public.watching(carrier):
                gone, one = await follow()
                kept, two = await follow(authorization=f"Bearer {public.token()}")
                public.share(audience=Audience.LISTED)
                public.notices.publish(access.TOPIC)
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


class TestDrafts:
    async def test_editors_are_let_in_and_viewers_are_not(self, front):
        front.share(editor("bob"), viewer("vic"))
        await front.refresh()
        for name, who in (("sales", ["bob", "vic", "ada"]), (DRAFT, ["bob", "ada"])):
            for one in who:
                assert _identity(await front.ask(name, authorization=f"Bearer {front.token(one)}")) == [one]
        assert (await front.ask(DRAFT, authorization=f"Bearer {front.token('vic')}")).status == 403
        assert (await front.ask(DRAFT, authorization=f"Bearer {front.token('admin')}")).status == 403

    async def test_a_pass_of_the_app_is_none_of_the_draft_nor_the_other_way_round(self, front):
        of_app, of_draft = await front.cookies(), await front.cookies(name=DRAFT)
        for name, cookies, status in (
            ("sales", of_app, None), (DRAFT, of_draft, None), ("sales", of_draft, 401), (DRAFT, of_app, 401),
            ("stock", of_app, 401), ("stock", of_draft, 401),
        ):  # fmt: skip
            for cookie in ("tholos_pass", "tholos_handle"):
                answer = await front.ask(name, cookie=f"{cookie}={cookies[cookie]}")
                assert isinstance(answer, Carry) if status is None else answer.status == status

    async def test_who_is_no_editor_any_more_is_out(self, front):
        front.share(editor("bob"))
        await front.refresh()
        async with front.watching() as exchanges:
            token = front.token("bob")
            draft, app = [await front.ask(name, authorization=f"Bearer {token}") for name in (DRAFT, "sales")]
            await front.share_and_tell(exchanges, viewer("bob"))
            assert (draft.still_allowed(), app.still_allowed()) == (False, True)
            assert (await front.ask(DRAFT, authorization=f"Bearer {token}")).status == 403
            assert isinstance(await front.ask(authorization=f"Bearer {token}"), Carry)

    async def test_what_is_no_draft_sends_no_browser_in_circles(self, front):
        ada, _ = sign_in(front.database, front.people.ada, front.clock.now())
        for name, error in (
            ("sales--r1", DraftNotFound),
            ("sales--r9", DraftNotFound),
            ("no--r1", AppNotFound),
        ):
            with pytest.raises(error), front.database.write() as db:
                access.hand_over(db, ada, name, hash_secret("x"), front.clock.now())


def _take_back(front, db):
    app_sharing.change(
        db, front.people.ada, "sales", Wish(given=[Given(PrincipalKind.GROUP, "lab", None)]), None, front.clock.now()
    )  # fmt: skip


def _remove_from_group(front, db):
    db.delete(db.get_one(Membership, ("grp_lab", front.people.vic.account_id)))


def _disable(front, db):
    db.get_one(Account, front.people.vic.account_id).is_disabled = True


class TestEnds:
    @pytest.mark.parametrize("cause", [_take_back, _remove_from_group, _disable])
    async def test_who_may_no_longer_is_out_at_the_next_request_and_streams_end(self, front, cause):
        with front.database.write() as db:
            now = front.clock.now()
            db.add(Group(id="grp_lab", organization_id="org_default", name="lab", note="", created_at=now))
            db.flush()
            db.add(Membership(group_id="grp_lab", account_id=front.people.vic.account_id, created_at=now))
        front.share(Given(PrincipalKind.GROUP, "lab", Level.VIEWER), viewer("bob"))
        await front.refresh()
        async with front.watching() as exchanges:
            cookies, token = await front.cookies("vic"), front.token("vic")
            credentials = [{"cookie": _header(cookies)}, {"authorization": f"Bearer {token}"}]
            gone = [await front.ask(**one) for one in credentials]
            kept = await front.ask(authorization=f"Bearer {front.token('bob')}")
            assert [_identity(one) for one in gone] == [["vic"], ["vic"]]
            with front.database.write() as db:
                cause(front, db)
            await front.tell(exchanges)
            assert [one.still_allowed() for one in gone] == [False, False]
            assert kept.still_allowed()
            assert {(await front.ask(**one)).status for one in credentials} <= {401, 403}

    async def test_handing_it_over_ends_what_the_former_owner_has_open(self, front):
        async with front.watching() as exchanges:
            carry = await front.ask(authorization=f"Bearer {front.token()}")
            with front.database.write() as db:
                app_sharing.hand_over(db, front.people.ada, "sales", "bob", None, front.clock.now())
            await front.tell(exchanges)
            assert not carry.still_allowed()
            assert _identity(await front.ask(authorization=f"Bearer {front.token('bob')}")) == ["bob"]

    async def test_old_passes_are_decided_anew_even_without_a_notice(self, front):
        """An access version that was raised is enough: the pass names the old one."""
        cookies = await front.cookies("ada")
        front.share(viewer("bob"))
        front.share(Given(PrincipalKind.ACCOUNT, "bob", None))
        await front.refresh()
        assert (await front.ask(cookie=f"tholos_pass={cookies['tholos_pass']}")).status == 403
        assert isinstance(await front.ask(cookie=_header(cookies)), Carry)


class TestTokensOfOneApp:
    async def test_it_opens_that_app_and_no_other(self, front):
        token = {"authorization": f"Bearer {front.token(only='sales')}"}
        assert _identity(await front.ask("sales", **token)) == ["ada"]
        assert _identity(await front.ask(DRAFT, **token)) == ["ada"]
        assert (await front.ask("stock", **token)).status == 403
