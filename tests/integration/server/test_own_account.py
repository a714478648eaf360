"""One's own account by HTTP: who one is, sessions, tokens, and how often one may create."""

import json
import re
from datetime import timedelta

import pytest

from tholos.accounts import service as accounts
from tholos.accounts import tokens
from tholos.accounts.models import Account, AccountKind, Role, Scope
from tholos.accounts.pace import Pace
from tholos.accounts.tokens import NewToken
from tholos.testing.asgi import Asgi

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


async def send(asgi, method, path, body=None, **headers):
    return await asgi.with_headers(**headers).send(
        method, path, json.dumps(body).encode() if body is not None else b""
    )


def by_scope(console, name, scope=Scope.FULL, object_id=""):
    with console.database.write() as db:
        account = accounts.get_account(db, getattr(console.people, name).account_id)
        _, secret = tokens.sign_in(
            db, account, NewToken("t", scope=scope, object_id=object_id), console.clock.now()
        )
    return Asgi(console.application, {"authorization": f"Bearer {secret}"})


class TestMe:
    async def test_read_and_change(self, console):
        ada = console.by_token("ada")
        read = await ada.get("/api/v1/me")
        assert read.json.keys() == {
            "id", "name", "role", "full_name", "email", "kind", "version", "created_at", "scope", "has_password",
        }  # fmt: skip
        assert (read.json["name"], read.json["role"], read.json["kind"]) == ("ada", "publisher", "person")
        done = await send(ada, "PATCH", "/api/v1/me", {"full_name": "Ada L"}, if_match=read.headers["etag"])
        assert (done.status, done.json["full_name"], done.headers["etag"]) == (200, "Ada L", '"2"')
        late = await send(ada, "PATCH", "/api/v1/me", {"full_name": "X"}, if_match=read.headers["etag"])
        assert (late.status, late.json["error"]["code"]) == (412, "edited_meanwhile")
        same = await send(ada, "PATCH", "/api/v1/me", {})
        assert (same.status, same.headers["etag"]) == (200, '"2"')

    @pytest.mark.parametrize(
        ("body", "where"),
        [
            ({"email": "ada"}, "email"), ({"full_name": "x" * 121}, "full_name"), ({"full_name": 3}, "full_name"),
            ({"role": "administrator"}, "role"), ({"email": "x" * 1001}, "email"),
        ],
    )  # fmt: skip
    async def test_what_is_wrong(self, console, body, where):
        answer = await send(console.by_token("ada"), "PATCH", "/api/v1/me", body)
        assert (answer.status, answer.json["error"]["where"]) == (400, where)

    async def test_a_narrow_token_changes_nothing_and_one_to_open_apps_reads_nothing(self, console):
        for scope, read, changed in (
            (Scope.OPEN, 403, 403),
            (Scope.READ, 200, 403),
            (Scope.PUBLISH, 200, 403),
        ):
            asgi = by_scope(console, "ada", scope)
            assert (await asgi.get("/api/v1/me")).status == read
            assert (await send(asgi, "PATCH", "/api/v1/me", {"full_name": "X"})).status == changed
            assert (await asgi.ask("DELETE", "/api/v1/sessions")).status == changed


class TestTokens:
    async def test_with_scope_and_app(self, console):
        console.add_app("ada", "sales")
        ada = console.by_token("ada")
        made = await ada.post(
            "/api/v1/tokens", {"label": "ci", "days": 7, "scope": "publish", "app": "sales"}
        )
        assert (made.status, made.json["scope"], made.json["app"]) == (201, "publish", "sales")
        asgi = Asgi(console.application, {"authorization": f"Bearer {made.json['token']}"})
        found = {one["label"]: one for one in (await ada.get("/api/v1/tokens")).json["items"]}
        own, by = found["ci"], found["test"]
        assert (own["scope"], own["app"], own["current"]) == ("publish", "sales", False)
        assert (by["current"], by["app"]) == (True, "")
        refused = await asgi.post("/api/v1/tokens", {"label": "more", "scope": "open"})
        assert (refused.status, refused.json["error"]["code"]) == (403, "scope_too_narrow")
        assert (await asgi.ask("DELETE", f"/api/v1/tokens/{by['id']}")).status == 403
        assert (await asgi.ask("DELETE", "/api/v1/tokens/current")).status == 204
        assert (await asgi.get("/api/v1/me")).status == 401

    async def test_of_an_app_that_one_may_not_see_there_is_none(self, console):
        console.add_app("ada", "sales")
        for name, app in (("bob", "sales"), ("ada", "none")):
            answer = await console.by_token(name).post("/api/v1/tokens", {"app": app})
            assert (answer.status, answer.json["error"]["code"]) == (404, "app_not_found")

    @pytest.mark.parametrize("body", [{"scope": "king"}, {"days": 1 << 40}, {"days": 0}, {"app": "x" * 101}])
    async def test_what_is_wrong(self, console, body):
        assert (await console.by_token("ada").post("/api/v1/tokens", body)).status == 400

    async def test_signed_in_by_a_link_with_less_than_everything(self, console):
        with console.database.write() as db:
            account = accounts.get_account(db, console.people.ada.account_id)
            code = accounts.create_link(db, account, console.clock.now())
        made = await console.nobody.post("/api/v1/tokens", {"code": code, "scope": "read"})
        assert (made.status, made.json["scope"]) == (201, "read")
        again = await console.nobody.post("/api/v1/tokens", {"code": code})
        assert (again.status, again.json["error"]["code"]) == (401, "link_spent")

    async def test_sent_again_it_is_made_once(self, console):
        ada = console.by_token("ada").with_headers(idempotency_key="k1")
        first, second = [await ada.post("/api/v1/tokens", {"label": "once"}) for _ in range(2)]
        assert first.json == second.json
        labels = [one["label"] for one in (await ada.get("/api/v1/tokens")).json["items"]]
        assert labels.count("once") == 1

    async def test_of_a_programs_account(self, console):
        with console.database.write() as db:
            account, _ = accounts.create_account(
                db, console.people.admin, "robot", Role.PUBLISHER, console.clock.now()
            )
            account.kind = AccountKind.SERVICE
        admin, path = console.by_token("admin"), "/api/v1/accounts/robot/tokens"
        made = await admin.post(path, {"label": "nightly", "scope": "publish"})
        assert (made.status, made.json["account"]["name"], made.json["scope"]) == (201, "robot", "publish")
        (listed,) = (await admin.get(path)).json["items"]
        assert (listed["id"], listed["label"]) == (made.json["id"], "nightly")
        assert "token" not in listed
        assert (await console.by_token("bob").get(path)).status == 403
        robot = Asgi(console.application, {"authorization": f"Bearer {made.json['token']}"})
        assert (await robot.get("/api/v1/me")).json["name"] == "robot"
        assert (await admin.ask("DELETE", f"{path}/{listed['id']}")).status == 204
        assert (await robot.get("/api/v1/me")).status == 401
        gone = await admin.ask("DELETE", f"{path}/{listed['id']}")
        assert (gone.status, gone.json["error"]["code"]) == (404, "token_not_found")
        person = await admin.post("/api/v1/accounts/ada/tokens", {})
        assert (person.status, person.json["error"]["code"]) == (400, "no_service_account")
        nobody = await admin.get("/api/v1/accounts/nobody/tokens")
        assert (nobody.status, nobody.json["error"]["code"]) == (404, "account_not_found")


class TestSessions:
    async def test_listed_and_ended(self, console):
        here, there = console.by_session("ada"), console.by_session("ada")
        items = (await here.get("/api/v1/sessions")).json["items"]
        assert [one["current"] for one in items].count(True) == 1
        other = next(one["id"] for one in items if not one["current"])
        assert (await here.ask("DELETE", f"/api/v1/sessions/{other}")).status == 204
        assert (await there.with_headers(accept="*/*").get("/api/v1/me")).status == 401
        gone = await here.ask("DELETE", f"/api/v1/sessions/{other}")
        assert (gone.status, gone.json["error"]["code"]) == (404, "session_not_found")
        assert (await here.ask("DELETE", "/api/v1/sessions/current")).status == 204
        assert (await here.get("/api/v1/sessions")).status == 401

    async def test_everywhere_with_tokens(self, console):
        browser, token = console.by_session("ada"), console.by_token("ada")
        kept = await browser.ask("DELETE", "/api/v1/sessions")
        assert (kept.status, kept.json) == (200, {"sessions": 1, "tokens": 0})
        assert (await token.get("/api/v1/me")).status == 200
        assert (await token.ask("DELETE", "/api/v1/sessions?tokens=true")).json["tokens"] == 1
        assert (await token.get("/api/v1/me")).status == 401

    async def test_a_browser_is_told_in_words(self, console):
        with console.database.write() as db:
            account = accounts.get_account(db, console.people.ada.account_id)
            code = accounts.create_link(db, account, console.clock.now())
        browser = Asgi(console.application, {"user-agent": FIREFOX, "x-forwarded-for": "203.0.113.7"})
        assert (await browser.form("/setup", {"code": code})).status == 303
        (one,) = (await console.by_token("ada").get("/api/v1/sessions")).json["items"]
        assert (one["label"], one["address"]) == ("Firefox on Linux", "203.0.113.7")


class TestPage:
    async def test_it_shows_who_where_and_by_what(self, console):
        page = (await console.by_session("ada").get("/account")).text
        assert "this one" in page
        assert "Sign out everywhere" in page
        assert "Make a token" in page
        assert 'name="version" value="1"' in page

    async def test_profile(self, console):
        ada = console.by_session("ada")
        done = await ada.form(
            "/account/profile", {"full_name": "Ada <b>", "email": "A@x.org", "version": "1"}
        )
        assert done.status == 200
        assert "Ada &lt;b&gt;" in done.text
        assert "a@x.org" in done.text
        late = await ada.form("/account/profile", {"full_name": "Other", "email": "", "version": "1"})
        assert late.status == 412
        assert 'value="Other"' in late.text
        assert 'name="version" value="2"' in late.text
        wrong = await ada.form("/account/profile", {"full_name": "Other", "email": "nowhere", "version": "2"})
        assert wrong.status == 400
        assert 'value="nowhere"' in wrong.text
        assert 'id="error-email"' in wrong.text
        with console.database.read() as db:
            assert db.get_one(Account, console.people.ada.account_id).full_name == "Ada <b>"

    async def test_a_token_is_shown_once(self, console):
        console.add_app("ada", "sales")
        ada = console.by_session("ada")
        made = await ada.form(
            "/account/tokens", {"label": "ci", "days": "30", "scope": "read", "app": "sales"}
        )
        secret = re.search(r"tholos_[\w-]{40,}", made.text)[0]
        assert f'data-copy="{secret}"' in made.text
        page = (await ada.get("/account")).text
        assert secret not in page
        assert "read what you may read" in page
        assert "of <b>sales</b> only" in page

    @pytest.mark.parametrize(
        ("fields", "where"),
        [
            ({"days": "0"}, "days"), ({"days": "x"}, "days"), ({"days": "30", "scope": "king"}, "scope"),
            ({"days": "30", "app": "none"}, "app"),
        ],
    )  # fmt: skip
    async def test_what_is_wrong_stands_at_its_field(self, console, fields, where):
        answer = await console.by_session("ada").form("/account/tokens", {"label": "kept", **fields})
        assert answer.status == 400
        assert f'id="error-{where}"' in answer.text
        assert 'value="kept"' in answer.text

    async def test_sessions_are_ended_there(self, console):
        here, there = console.by_session("ada"), console.by_session("ada")
        items = (await here.get("/api/v1/sessions")).json["items"]
        other = next(one["id"] for one in items if not one["current"])
        done = await here.form(f"/account/sessions/{other}/end", {})
        assert (done.status, done.headers["location"]) == (303, "/account#sessions")
        assert (await there.get("/account")).headers["location"].startswith("/sign-in")
        everywhere = await here.form("/account/sign-out-everywhere", {"tokens": "yes"})
        assert (everywhere.status, everywhere.headers["location"]) == (303, "/sign-in")
        assert "Max-Age=0" in everywhere.headers["set-cookie"]
        assert (await here.get("/account")).status == 303

    async def test_another_sites_form_does_nothing(self, console):
        evil = console.by_session("ada").with_headers(origin="https://evil.example")
        for path in ("/account/profile", "/account/sign-out-everywhere", "/account/tokens", "/invitations"):
            assert (await evil.form(path, {})).status == 403


class TestPace:
    @pytest.fixture
    def slow(self, console):
        console.application.state.services.add(Pace.of(2, 3))
        return console

    async def test_creating_too_much_is_told(self, slow):
        ada = slow.by_token("ada")
        answers = [await ada.post("/api/v1/tokens", {"label": "x"}) for _ in range(3)]
        assert [one.status for one in answers] == [201, 201, 429]
        assert answers[-1].json["error"]["code"] == "too_many_requests"
        assert answers[-1].headers["retry-after"] == "30"
        assert (await slow.by_token("bob").post("/api/v1/tokens", {"label": "x"})).status == 201
        assert (await ada.get("/api/v1/tokens")).status == 200
        slow.clock.move(timedelta(seconds=30))
        assert (await ada.post("/api/v1/tokens", {"label": "x"})).status == 201

    async def test_what_is_answered_from_before_is_not_counted(self, slow):
        ada = slow.by_token("ada").with_headers(idempotency_key="k")
        for _ in range(5):
            assert (await ada.post("/api/v1/tokens", {"label": "x"})).status == 201

    async def test_who_is_not_signed_in_is_counted_by_address(self, slow):
        statuses = [
            (await slow.nobody.with_headers(x_forwarded_for=at).post("/api/v1/tokens", {"code": "x"})).status
            for at in ("1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2")
        ]
        assert statuses == [401, 401, 429, 401]
