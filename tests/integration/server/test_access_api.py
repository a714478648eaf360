"""Sharing by HTTP: the API and the pages, for each kind of person, with what is wrong and who comes second."""

import json
import re

import pytest
from fastapi.routing import APIRoute

from tholos.accounts import service as accounts
from tholos.accounts.models import Token
from tholos.apps import service as apps
from tholos.server.application import ROUTERS

ACCESS = "/api/v1/apps/sales/access"


@pytest.fixture
async def sales(console):
    console.add_app("ada", "sales")
    return console


async def send(asgi, method, path, body=None, **headers):
    return await asgi.with_headers(**headers).send(
        method, path, json.dumps(body).encode() if body is not None else b""
    )


def openers(console):
    with console.database.read() as db:
        app = apps.find_named(db, "org_default", "sales")
        return (app.audience, sorted(grant.level for grant, _ in apps.sharing.list_grants(db, app.id)))


class TestApi:
    async def test_preview_change_and_read_back(self, sales):
        ada = sales.by_token("ada")
        change = {"audience": "signed_in", "grants": [{"name": "bob", "level": "editor"}]}
        told = (await send(ada, "POST", f"{ACCESS}/preview", change)).json
        assert told["changes"] == [
            "admin, bob and vic can open it from now on.", "bob can publish to it and manage it from now on.",
        ]  # fmt: skip
        assert (told["narrows"], told["before"]) == (False, "ada can open it. Nobody else.")
        assert openers(sales) == ("listed", [])
        done = await send(ada, "PATCH", ACCESS, change)
        assert (done.json["words"], done.json["changes"]) == (told["words"], told["changes"])
        read = await ada.get(ACCESS)
        assert read.json | {"changes": done.json["changes"]} == done.json
        assert read.headers["etag"] == done.headers["etag"] == '"2"'
        assert read.json["grants"] == [{"kind": "account", "name": "bob", "level": "editor", "people": 1}]

    async def test_one_grant_at_a_time(self, sales):
        ada = sales.by_token("ada")
        assert (await send(ada, "PUT", f"{ACCESS}/grants/account/bob", {"level": "editor"})).status == 200
        assert openers(sales) == ("listed", ["editor"])
        assert (await ada.ask("DELETE", f"{ACCESS}/grants/account/bob")).status == 200
        again = await ada.ask("DELETE", f"{ACCESS}/grants/account/bob")
        assert (again.status, again.json["error"]["code"]) == (404, "grant_not_found")

    async def test_the_second_is_told_with_412(self, sales):
        ada = sales.by_token("ada")
        seen = (await ada.get(ACCESS)).headers["etag"]
        first = await send(ada, "PUT", f"{ACCESS}/grants/account/bob", {}, if_match=seen)
        second = await send(ada, "PUT", f"{ACCESS}/grants/account/vic", {}, if_match=seen)
        assert (first.status, second.status, second.json["error"]["code"]) == (200, 412, "edited_meanwhile")
        wrong = await send(ada, "PUT", f"{ACCESS}/grants/account/vic", {}, if_match="nonsense")
        assert (wrong.status, wrong.json["error"]["code"]) == (400, "tag_invalid")
        title = await send(ada, "PATCH", "/api/v1/apps/sales", {"title": " Sales "}, if_match=seen)
        assert title.status == 412
        seen = (await ada.get("/api/v1/apps/sales")).headers["etag"]
        title = await send(ada, "PATCH", "/api/v1/apps/sales", {"title": " Sales "}, if_match=seen)
        assert (title.json["title"], title.json["description"], title.headers["etag"]) == ("Sales", "", '"3"')

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", ACCESS, {"audience": "world"}),
            ("PATCH", ACCESS, {"audience": "listed", "more": 1}),
            ("PATCH", ACCESS, {"grants": [{"name": "bob"}]}),
            ("PATCH", ACCESS, {"grants": [{"name": "x" * 101, "level": "viewer"}]}),
            ("PATCH", ACCESS, {"grants": [{"name": "nobody", "level": "viewer"}]}),
            ("PATCH", ACCESS, {"grants": [{"name": "ada", "level": "viewer"}]}),
            ("PATCH", ACCESS, {"grants": [{"name": "vic", "level": "editor"}]}),
            ("PATCH", ACCESS, {"grants": [{"kind": "robot", "name": "vic", "level": "viewer"}]}),
            ("PATCH", ACCESS, {"grants": [{"name": "bob", "level": "viewer"}] * 1001}),
            ("PATCH", ACCESS, {"grants": {}}),
            ("PATCH", ACCESS, []),
            ("PUT", ACCESS, {}),
            ("PUT", f"{ACCESS}/grants/robot/bob", {}),
            ("PUT", f"{ACCESS}/grants/account/{'x' * 101}", {}),
            ("PATCH", "/api/v1/apps/sales", {"keep_releases": 0}),
            ("PATCH", "/api/v1/apps/sales", {"keep_releases": 10**30}),
            ("PATCH", "/api/v1/apps/sales", {"title": "x" * 101}),
            ("POST", "/api/v1/apps/sales/owner", {"account": "vic"}),
            ("POST", "/api/v1/apps/sales/owner", {}),
            ("POST", "/api/v1/accounts/ada/hand-over", {"to": "nobody"}),
        ],
    )
    async def test_what_is_wrong_is_told_and_changes_nothing(self, sales, method, path, body):
        answer = await send(sales.by_token("ada"), method, path, body)
        assert (answer.status, openers(sales)) == (400, ("listed", []))
        assert answer.json["error"]["message"].startswith("Cannot")

    async def test_both_sides_of_who_can_open_what(self, sales):
        ada, admin = sales.by_token("ada"), sales.by_token("admin")
        await send(ada, "PUT", f"{ACCESS}/grants/account/bob", {"level": "editor"})
        people = (await ada.get(f"{ACCESS}/people")).json["items"]
        assert [(one["account"], one["rank"]) for one in people] == [("ada", "owner"), ("bob", "editor")]
        theirs = (await admin.get("/api/v1/accounts/bob/apps")).json["items"]
        assert theirs == [one for one in people if one["account"] == "bob"]
        assert (await sales.by_token("bob").get("/api/v1/accounts/bob/apps")).json["items"] == theirs
        assert (await ada.get("/api/v1/accounts/bob/apps")).status == 403
        assert (await admin.get("/api/v1/accounts/nobody/apps")).status == 404

    async def test_pages_of_a_list(self, sales):
        ada = sales.by_token("ada")
        await send(ada, "PATCH", ACCESS, {"audience": "signed_in"})
        found, cursor = [], ""
        while cursor is not None:
            page = (await ada.get(f"{ACCESS}/people?limit=2&cursor={cursor}")).json
            found += [one["account"] for one in page["items"]]
            cursor = page["next"]
        assert found == ["ada", "admin", "bob", "vic"]
        assert (await ada.get(f"{ACCESS}/people?cursor=nonsense")).status == 400

    async def test_asking_granting_and_refusing(self, sales):
        ada, vic, bob = (sales.by_token(name) for name in ("ada", "vic", "bob"))
        asked = await send(vic, "POST", f"{ACCESS}/requests", {"message": "please"}, idempotency_key="k1")
        assert asked.status == 201
        again = await send(vic, "POST", f"{ACCESS}/requests", {"message": "please"}, idempotency_key="k2")
        assert again.json == asked.json
        other = (await send(bob, "POST", f"{ACCESS}/requests", {})).json
        found = (await ada.get(f"{ACCESS}/requests")).json["items"]
        assert {(one["account"], one["state"]) for one in found} == {("vic", "open"), ("bob", "open")}
        path = f"{ACCESS}/requests/{asked.json['id']}"
        assert (await send(ada, "POST", f"{path}/grant", {})).json["state"] == "granted"
        assert (await send(ada, "POST", f"{path}/grant", {})).status == 409
        assert (await send(ada, "POST", f"{ACCESS}/requests/{other['id']}/refuse")).json["state"] == "refused"
        assert openers(sales) == ("listed", ["viewer"])
        codes = [
            (await send(who, "POST", f"{ACCESS}/requests", {})).json["error"]["code"]
            for who in (ada, vic, bob)
        ]
        assert codes == ["open_already", "open_already", "refused_lately"]

    async def test_handing_over(self, sales):
        ada = sales.by_token("ada")
        done = await send(ada, "POST", "/api/v1/apps/sales/owner", {"account": "bob", "keep": "viewer"})
        assert (done.json["owner"], done.json["grants"][0]["name"]) == ("bob", "ada")
        assert (await ada.get(ACCESS)).status == 403
        back = await send(sales.by_token("bob"), "POST", "/api/v1/accounts/bob/hand-over", {"to": "ada"})
        assert back.json == {"apps": ["sales"], "secrets": [], "webhooks": []}
        assert (await send(ada, "POST", "/api/v1/accounts/bob/hand-over", {"to": "ada"})).status == 403

    async def test_pins(self, sales):
        ada = sales.by_token("ada")
        for method, count in (("PUT", 1), ("PUT", 1), ("DELETE", 0), ("DELETE", 0)):
            assert (await ada.ask(method, "/api/v1/apps/sales/pin")).status == 204
            assert len((await ada.get("/api/v1/apps?show=pinned")).json["items"]) == count


APP_ROUTES = sorted(
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "/apps/{name}" in route.path
    for method in route.methods
)


class TestTokensOfOneApp:
    @pytest.fixture
    async def only_stock(self, sales):
        """A token of ada's for her other app, with every scope; and that app."""
        stock, _ = sales.add_app("ada", "stock")
        with sales.database.write() as db:
            account = accounts.get_account(db, sales.people.ada.account_id)
            token, secret = accounts.create_token(db, account, "ci", 1, sales.clock.now())
            db.get_one(Token, token.id).object_id = stock.id
        return sales.nobody.with_headers(authorization=f"Bearer {secret}")

    @pytest.mark.parametrize(("method", "path"), APP_ROUTES, ids=[" ".join(one) for one in APP_ROUTES])
    async def test_it_never_reaches_another_app(self, sales, only_stock, method, path):
        path = re.sub(r"\{[a-z_]+\}", "1", path.replace("{name}", "sales").replace("{kind}", "account"))
        body = b'{"audience": "everyone", "grants": [], "title": "x", "snapshot": "' + b"a" * 64 + b'"}'
        answer = await only_stock.send(method, path, b"" if method == "GET" else body)
        assert answer.status in {400, 403, 404}, answer.text
        assert answer.status != 400 or method != "GET", answer.text
        with sales.database.read() as db:
            app = apps.find_named(db, "org_default", "sales")
            assert (app.version, app.audience, app.title) == (1, "listed", "")

    async def test_of_its_own_it_shares_nothing_and_hands_over_nothing(self, sales, only_stock):
        assert (await only_stock.get("/api/v1/apps/stock")).status == 200
        assert [one["name"] for one in (await only_stock.get("/api/v1/apps")).json["items"]] == ["stock"]
        for method, path, body in (
            ("PATCH", "/api/v1/apps/stock/access", {"audience": "everyone"}),
            ("POST", "/api/v1/apps/stock/owner", {"account": "bob"}),
            ("DELETE", "/api/v1/apps/stock", None),
            ("POST", "/api/v1/accounts/ada/hand-over", {"to": "bob"}),
            ("POST", "/api/v1/tokens", {}),
        ):
            answer = await send(only_stock, method, path, body)
            assert (answer.status, answer.json["error"]["code"]) == (403, "scope_too_narrow"), path
        assert (await only_stock.get("/api/v1/accounts/ada/apps")).status == 403


class TestPages:
    async def test_what_it_does_is_said_before_it_applies(self, sales):
        ada = sales.by_session("ada")
        shown = await ada.form("/apps/sales/access", {"who": "vic", "level": "viewer", "version": "1"})
        assert shown.status == 200
        assert "This will happen" in shown.text
        assert "vic can open it from now on." in shown.text
        assert openers(sales) == ("listed", [])
        fields = _hidden(shown.text, "preview")
        assert fields == {"who": "vic", "level": "viewer", "version": "1", "step": "apply"}
        done = await ada.form("/apps/sales/access", fields)
        assert (done.status, openers(sales)) == (200, ("listed", ["viewer"]))
        assert "ada and vic can open it. Nobody else." in done.text

    async def test_the_second_sees_both_and_loses_nothing(self, sales):
        ada, admin = sales.by_session("ada"), sales.by_session("admin")
        await admin.form(
            "/apps/sales/access", {"who": "bob", "level": "editor", "version": "1", "step": "apply"}
        )
        late = await ada.form(
            "/apps/sales/access", {"who": "vic", "level": "viewer", "version": "1", "step": "apply"}
        )
        assert late.status == 412
        assert "Somebody else changed it meanwhile" in late.text
        assert "ada and bob can open it. Nobody else." in late.text
        assert "ada, bob and vic can open it. Nobody else." in late.text
        fields = _hidden(late.text, "preview")
        assert fields["version"] == "2"
        await ada.form("/apps/sales/access", fields)
        assert openers(sales) == ("listed", ["editor", "viewer"])

    @pytest.mark.parametrize(
        ("fields", "field", "status"),
        [
            ({"who": "nobody", "level": "viewer"}, "who", 400),
            ({"who": "@nobody", "level": "viewer"}, "who", 400),
            ({"who": "vic", "level": "editor"}, "who", 400),
            ({"who": "<b>", "level": "viewer"}, "who", 400),
            ({"who": "", "level": "viewer"}, "who", 400),
            ({"who": "bob", "level": "king"}, "level", 400),
            ({}, "who", 400),
        ],
    )
    async def test_errors_stand_at_their_field_and_keep_what_was_typed(self, sales, fields, field, status):
        shown = await sales.by_session("ada").form("/apps/sales/access", {**fields, "x": "y"})
        assert shown.status == status
        assert f'id="error-{field}"' in shown.text
        assert "<b>" not in shown.text
        if fields.get("who") == "nobody":
            assert 'value="nobody"' in shown.text

    async def test_the_audience(self, sales):
        ada, bob = sales.by_session("ada"), sales.by_session("bob")
        await ada.form("/apps/sales/access", {"who": "bob", "level": "editor", "step": "apply"})
        refused = await bob.form("/apps/sales/access", {"audience": "everyone"})
        assert refused.status == 403
        assert "only its owner does" in refused.text
        shown = await ada.form("/apps/sales/access", {"audience": "everyone"})
        assert "without signing in" in shown.text
        await ada.form("/apps/sales/access", _hidden(shown.text, "preview"))
        assert openers(sales)[0] == "everyone"
        assert (await ada.form("/apps/sales/access", {"audience": "world"})).status == 400

    async def test_handing_it_over(self, sales):
        ada = sales.by_session("ada")
        shown = await ada.form("/apps/sales/owner", {"account": "bob", "keep": "", "version": "1"})
        assert "bob owns it from now on, instead of ada." in shown.text
        assert (await ada.form("/apps/sales/owner", {"account": "vic"})).status == 400
        done = await ada.form("/apps/sales/owner", _hidden(shown.text, "preview"))
        assert (done.status, done.headers["location"]) == (303, "/")
        assert (await ada.get("/apps/sales/access")).status == 404

    async def test_pins(self, sales):
        ada = sales.by_session("ada")
        assert (await ada.form("/apps/sales/pin", {})).headers["location"] == "/"
        assert 'aria-pressed="true"' in (await ada.get("/")).text
        await ada.form("/apps/sales/unpin", {})
        assert 'aria-pressed="true"' not in (await ada.get("/")).text


class TestAskingForAccess:
    async def test_a_page_that_asks_once_and_says_that_it_is_open(self, sales):
        vic, ada = sales.by_session("vic"), sales.by_session("ada")
        shown = await vic.get(f"/open/sales?t={'a' * 64}")
        assert shown.status == 403
        assert "<h1>sales is not shared with you</h1>" in shown.text
        assert "Ask for access" in shown.text
        asked = await vic.form("/open/sales", {"message": "for <i>Monday</i>"})
        assert asked.status == 200
        assert "You asked for access" in asked.text
        assert "for &lt;i&gt;Monday&lt;/i&gt;" in asked.text
        await vic.form("/open/sales", {"message": "again"})
        again = await vic.get("/open/sales")
        assert (again.status, "Ask for access</button>" in again.text) == (403, False)
        page = (await ada.get("/apps/sales/access")).text
        assert page.count("Let vic open it") == 1
        path = re.search(r'action="(/apps/sales/access/requests/[^"]+)"', page)[1]
        assert (await ada.form(path, {"answer": "granted"})).status == 303
        assert (await ada.form(path, {"answer": "granted"})).status == 409
        assert (await vic.get(f"/open/sales?t={'a' * 64}")).status == 303
        assert (await vic.form("/open/sales", {"message": ""})).headers["location"] == "/open/sales"

    async def test_whoever_was_refused_is_told(self, sales):
        vic, ada = sales.by_session("vic"), sales.by_session("ada")
        await vic.form("/open/sales", {"message": ""})
        path = re.search(
            r'action="(/apps/sales/access/requests/[^"]+)"', (await ada.get("/apps/sales/access")).text
        )
        await ada.form(path[1], {"answer": "refused"})
        again = await vic.form("/open/sales", {"message": "but why"})
        assert again.status == 409
        assert "refused lately" in again.text
        assert "but why" in again.text

    async def test_too_much_is_kept_and_told(self, sales):
        answer = await sales.by_session("vic").form("/open/sales", {"message": "x" * 1001})
        assert (answer.status, "x" * 1001 in answer.text) == (400, True)

    async def test_what_is_not_there_and_drafts_are_not_asked_for(self, sales):
        vic = sales.by_session("vic")
        assert (await vic.get("/open/nothing")).status == 404
        assert (await vic.form("/open/nothing", {})).status == 404
        assert (await vic.get("/open/sales--r1")).status == 403
        assert "Ask for access</button>" not in (await vic.get("/open/sales--r1")).text
        program = await sales.by_token("vic").get("/open/sales")
        assert (program.status, program.json["error"]["code"]) == (403, "not_shared")
        foreign = vic.with_headers(origin="https://evil.example")
        assert (await foreign.form("/open/sales", {})).status == 403


def _hidden(html, label):
    """The fields of the form within the section of that label."""
    section = html.partition(f'aria-labelledby="{label}"')[2].partition("</section>")[0]
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', section))
