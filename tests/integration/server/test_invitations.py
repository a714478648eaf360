"""Invitations by HTTP: made by API and page, and what the link's page says and does for whoever has it."""

import json
import re
from datetime import timedelta

import pytest

from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Scope
from tholos.accounts.pace import Pace
from tholos.apps import service as apps
from tholos.testing.asgi import Asgi

API = "/api/v1/invitations"
PASSWORD = "correct horse"


@pytest.fixture
async def sales(console):
    console.add_app("ada", "sales")
    return console


def stranger(console, cookie=""):
    """A browser on our own pages; nobody is signed in there unless by the cookie."""
    headers = {"accept": "text/html", "origin": "http://localhost:8080"}
    return Asgi(console.application, headers | ({"cookie": cookie} if cookie else {}))


async def invite(console, name="ada", **body):
    """The path that the link leads to."""
    answer = await console.by_token(name).post(API, {"app": "sales"} | body)
    assert answer.status == 201, answer.json
    return answer.json["url"].removeprefix("http://localhost:8080")


def rank(console, name):
    with console.database.read() as db:
        app = apps.find_named(db, "org_default", "sales")
        account = db.query(Account).filter(Account.name == name).one()
        return apps.find_rank(db, app, accounts.actor_for(account)).name.lower()


class TestApi:
    async def test_made_listed_used_and_taken_back(self, sales):
        ada = sales.by_token("ada")
        made = await ada.post(API, {"app": "sales", "email": "Cleo@x.org", "uses": 2, "days": 3})
        assert made.status == 201
        assert made.json["invitation"]["state"] == "open"
        assert made.json["url"].startswith("http://localhost:8080/invitations/")
        path = made.json["url"].removeprefix("http://localhost:8080")
        await stranger(sales).form(path, {"name": "cleo", "password": PASSWORD})
        (listed,) = (await ada.get(API)).json["items"]
        assert (listed["email"], listed["app"], listed["level"]) == ("cleo@x.org", "sales", "viewer")
        assert (listed["uses_left"], [one["account"] for one in listed["uses"]]) == (1, ["cleo"])
        assert "url" not in listed
        one = f"{API}/{listed['id']}"
        assert (await ada.get(one)).json == listed
        assert (await ada.ask("DELETE", one)).status == 204
        again = await ada.ask("DELETE", one)
        assert (again.status, again.json["error"]["code"]) == (409, "invitation_revoked")
        assert (await ada.get(one)).json["state"] == "revoked"

    async def test_somebody_elses_is_not_there(self, sales):
        await invite(sales)
        bob, admin = sales.by_token("bob"), sales.by_token("admin")
        (listed,) = (await admin.get(API)).json["items"]
        assert listed["by"] == "ada"
        assert (await bob.get(API)).json["items"] == []
        for method in ("GET", "DELETE"):
            answer = await bob.ask(method, f"{API}/{listed['id']}")
            assert (answer.status, answer.json["error"]["code"]) == (404, "invitation_not_found")
        assert (await admin.ask("DELETE", f"{API}/{listed['id']}")).status == 204

    @pytest.mark.parametrize(
        ("who", "body", "status", "code"),
        [
            ("vic", {"app": "sales"}, 403, "role_too_low"),
            ("bob", {"app": "sales"}, 404, "app_not_found"),
            ("ada", {}, 403, "invitation_refused"),
            ("ada", {"app": "sales", "role": "publisher"}, 403, "invitation_refused"),
            ("ada", {"app": "sales", "level": "editor"}, 400, "invitation_invalid"),
            ("admin", {"role": "king"}, 400, "invalid"),
            ("admin", {"uses": 0}, 400, "invalid"),
            ("admin", {"days": 1 << 70}, 400, "invalid"),
            ("admin", {"email": "nowhere"}, 400, "profile_invalid"),
            ("admin", {"group": "nobody"}, 400, "invitation_invalid"),
            ("admin", {"more": 1}, 400, "invalid"),
        ],
    )
    async def test_what_is_refused(self, sales, who, body, status, code):
        answer = await sales.by_token(who).post(API, body)
        assert (answer.status, answer.json["error"]["code"]) == (status, code)

    async def test_pages_of_the_list(self, sales):
        for _ in range(3):
            await invite(sales)
        ada = sales.by_token("ada")
        first = (await ada.get(f"{API}?limit=2")).json
        rest = (await ada.get(f"{API}?limit=2&cursor={first['next']}")).json
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
        assert (await ada.get(f"{API}?cursor=nonsense")).status == 400

    async def test_sent_again_it_is_one_invitation(self, sales):
        ada = sales.by_token("ada").with_headers(idempotency_key="k")
        first, second = [await ada.post(API, {"app": "sales"}) for _ in range(2)]
        assert first.json == second.json
        assert len((await ada.get(API)).json["items"]) == 1


class TestLink:
    async def test_who_is_nobody_sees_what_it_gives_makes_an_account_and_lands_in_the_app(self, sales):
        path = await invite(sales, email="cleo@x.org")
        browser = stranger(sales)
        page = await browser.get(path)
        assert page.status == 200
        for said in (
            "ada invites you",
            "an account here, as a viewer",
            "<b>sales</b>",
            "made for cleo@x.org",
        ):
            assert said in page.text
        assert page.headers["cache-control"] == "no-store"
        done = await browser.form(
            path, {"name": "cleo", "full_name": "Cleo", "password": PASSWORD, "account": ""}
        )
        assert (done.status, done.headers["location"]) == (303, "/open/sales")
        cookie = done.headers["set-cookie"].partition(";")[0]
        assert (await stranger(sales, cookie).get("/api/v1/me")).json["full_name"] == "Cleo"
        assert rank(sales, "cleo") == "viewer"
        signed_in = await stranger(sales).form("/sign-in", {"name": "cleo", "password": PASSWORD})
        assert signed_in.status == 303

    async def test_who_is_signed_in_is_told_whom_it_applies_to_and_joins(self, sales):
        path = await invite(sales)
        vic = sales.by_session("vic")
        page = await vic.get(path)
        assert "You are signed in as <b>vic</b>" in page.text
        assert 'name="password"' not in page.text
        assert f'name="next" value="{path}"' in page.text
        done = await vic.form(path, {"account": "vic"})
        assert (done.status, done.headers["location"]) == (303, "/open/sales")
        assert rank(sales, "vic") == "viewer"
        again = await vic.get(path)
        assert "You came by this invitation already" in again.text
        assert 'href="/open/sales"' in again.text
        assert (await vic.form(path, {"account": "vic"})).status == 303

    async def test_signed_in_as_another_than_the_page_said_nothing_happens(self, sales):
        path = await invite(sales)
        for asgi, account in (
            (sales.by_session("bob"), "vic"),
            (sales.by_session("bob"), ""),
            (stranger(sales), "vic"),
        ):
            answer = await asgi.form(path, {"account": account, "name": "cleo", "password": PASSWORD})
            assert answer.status == 409
            assert "Look again what the invitation does" in answer.text
        assert rank(sales, "bob") == rank(sales, "vic") == "nobody"
        assert (await sales.by_session("vic").form(path, {"account": "vic"})).status == 303

    async def test_who_signs_out_comes_back_to_it(self, sales):
        path = await invite(sales)
        answer = await sales.by_session("bob").form("/sign-out", {"next": path})
        assert (answer.status, answer.headers["location"]) == (303, path)
        evil = await sales.by_session("bob").form("/sign-out", {"next": "//evil.example"})
        assert evil.headers["location"] == "/sign-in"

    async def test_what_was_typed_wrong_is_said_at_its_field_and_spends_nothing(self, sales):
        path = await invite(sales)
        browser = stranger(sales)
        for fields, where, status in (
            ({"name": "1", "password": PASSWORD}, "name", 400),
            ({"name": "vic", "password": PASSWORD}, "name", 409),
            ({"name": "cleo", "password": "short"}, "password", 400),
            ({"name": "cleo", "password": PASSWORD, "full_name": "x" * 130}, "full_name", 400),
        ):
            answer = await browser.form(path, fields)
            assert answer.status == status
            assert f'id="error-{where}"' in answer.text
            assert f'value="{fields["name"]}"' in answer.text
            assert PASSWORD not in answer.text
        assert (await browser.form(path, {"name": "cleo", "password": PASSWORD})).status == 303

    async def test_used_by_another(self, sales):
        path = await invite(sales)
        await stranger(sales).form(path, {"name": "cleo", "password": PASSWORD})
        for asgi in (stranger(sales), sales.by_session("vic")):
            answer = await asgi.get(path)
            assert (answer.status, "was used already" in answer.text) == (410, True)
        late = await stranger(sales).form(path, {"name": "dora", "password": PASSWORD})
        assert (late.status, "was used already" in late.text) == (410, True)
        late = await sales.by_session("vic").form(path, {"account": "vic"})
        assert (late.status, rank(sales, "vic")) == (410, "nobody")

    async def test_expired_revoked_withdrawn_and_unknown_each_say_so(self, sales):
        expired = await invite(sales, days=1)
        sales.clock.move(timedelta(days=2))
        revoked, withdrawn = await invite(sales, email="r@x.org"), await invite(sales)
        ada = sales.by_token("ada")
        (one,) = [one for one in (await ada.get(API)).json["items"] if one["email"] == "r@x.org"]
        await ada.ask("DELETE", f"{API}/{one['id']}")
        with sales.database.write() as db:
            db.get_one(Account, sales.people.ada.account_id).is_disabled = True
        browser = stranger(sales)
        for path, status, said in (
            (expired, 410, "This invitation has expired"),
            (revoked, 410, "This invitation was taken back"),
            (withdrawn, 410, "may not give any more what it is to"),
            ("/invitations/nonsense", 404, "This invitation is not known here"),
        ):
            for answer in (
                await browser.get(path),
                await browser.form(path, {"name": "cleo", "password": PASSWORD}),
            ):
                assert (answer.status, said in answer.text) == (status, True), path
        with sales.database.read() as db:
            assert db.query(Account).filter(Account.name == "cleo").count() == 0

    async def test_a_token_for_less_gets_nothing_by_it(self, sales):
        path = await invite(sales)
        with sales.database.write() as db:
            account = accounts.get_account(db, sales.people.vic.account_id)
            _, secret = accounts.create_token(db, account, "t", 1, sales.clock.now(), scope=Scope.PUBLISH)
        narrow = Asgi(sales.application, {"authorization": f"Bearer {secret}"})
        answer = await narrow.form(path, {"account": "vic"})
        assert (answer.status, answer.json["error"]["code"]) == (403, "scope_too_narrow")
        assert rank(sales, "vic") == "nobody"

    async def test_another_sites_form_uses_nothing(self, sales):
        path = await invite(sales)
        evil = stranger(sales).with_headers(origin="https://evil.example")
        assert (await evil.form(path, {"name": "cleo", "password": PASSWORD})).status == 403

    async def test_guessing_ends_soon_and_stops_nobody_else(self, sales):
        sales.application.state.services.add(Pace.of(300, 3))
        path = await invite(sales)
        guesser = stranger(sales).with_headers(x_forwarded_for="198.51.100.9")
        statuses = [(await guesser.get(f"/invitations/guess{n}")).status for n in range(5)]
        assert statuses == [404, 404, 404, 429, 429]
        told = await guesser.form(path, {"name": "cleo", "password": PASSWORD})
        assert (told.status, "retry-after" in told.headers) == (429, True)
        assert (await stranger(sales).get(path)).status == 200


class TestPage:
    async def test_made_there_and_shown_once(self, sales):
        ada = sales.by_session("ada")
        made = await ada.form("/invitations", {"app": "sales", "email": "c@x.org", "uses": "1", "days": "7"})
        link = re.search(r"http://localhost:8080/invitations/[\w-]{43}", made.text)[0]
        assert f'data-copy="{link}"' in made.text
        page = (await ada.get("/invitations")).text
        assert link not in page
        assert "c@x.org" in page
        (one,) = (await ada.get(API)).json["items"]
        gone = await ada.form(f"/invitations/{one['id']}/revoke", {})
        assert (gone.status, gone.headers["location"]) == (303, "/invitations")
        assert (await ada.form(f"/invitations/{one['id']}/revoke", {})).status == 303
        assert "revoked" in (await ada.get("/invitations")).text

    async def test_publishers_are_not_offered_what_they_may_not_give(self, sales):
        ada, admin = sales.by_session("ada"), sales.by_session("admin")
        assert 'name="role"' not in (await ada.get("/invitations")).text
        assert 'name="role"' in (await admin.get("/invitations")).text
        forced = await ada.form("/invitations", {"app": "sales", "role": "administrator"})
        assert forced.status == 403
        assert (await sales.by_session("vic").get("/invitations")).status == 403

    @pytest.mark.parametrize(
        ("fields", "where"),
        [
            ({"app": "none"}, "app"), ({"app": "sales", "uses": "many"}, "uses"),
            ({"app": "sales", "days": "99999999999"}, "days"), ({"app": "sales", "email": "nowhere"}, "email"),
            ({"app": "sales", "uses": "²"}, "uses"), ({"group": "nobody"}, "group"),
            ({"app": "sales", "level": "editor"}, "level"), ({"role": "king"}, "role"),
        ],
    )  # fmt: skip
    async def test_what_is_wrong_stands_at_its_field(self, sales, fields, where):
        answer = await sales.by_session("admin").form("/invitations", {"email": "kept@x.org", **fields})
        assert answer.status == 400
        assert f'id="error-{where}"' in answer.text
        assert f'value="{fields.get("email", "kept@x.org")}"' in answer.text

    async def test_who_came_is_seen_by_who_invited(self, sales):
        path = await invite(sales)
        await stranger(sales).form(path, {"name": "cleo", "password": PASSWORD})
        page = (await sales.by_session("ada").get("/invitations")).text
        assert "cleo" in page
        assert json.dumps(PASSWORD) not in page
