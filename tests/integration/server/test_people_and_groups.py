"""People and groups by HTTP: the API and the pages, for each kind of person, with what is wrong and who comes second."""

import json
import re

import pytest

from tholos.accounts import groups
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Session, Token


async def send(asgi, method, path, body=None, **headers):
    return await asgi.with_headers(**headers).send(
        method, path, json.dumps(body).encode() if body is not None else b""
    )


@pytest.fixture
async def house(console):
    console.add_app("ada", "sales")
    return console


def account(console, name):
    with console.database.read() as db:
        return accounts.find_account(db, "org_default", name)


def claim(console, name, *said):
    with console.database.write() as db:
        row = db.get_one(Account, getattr(console.people, name).account_id)
        groups.set_claimed(db, row, said, console.clock.now())


def live_credentials(console, name):
    with console.database.read() as db:
        found = account(console, name).id
        return [
            db.query(kind).filter(kind.account_id == found, kind.revoked_at.is_(None)).count()
            for kind in (Session, Token)
        ]


class TestPeopleApi:
    async def test_the_whole_way_of_an_account(self, house):
        admin = house.by_token("admin")
        body = {"name": "cleo", "role": "publisher", "full_name": "Cleo", "email": "cleo@x.org"}
        made = await send(admin, "POST", "/api/v1/accounts", body)
        assert made.status == 201
        assert "/setup?code=" in made.json["sign_in_url"]
        assert made.json["account"]["email"] == "cleo@x.org"
        read = await admin.get("/api/v1/accounts/cleo")
        assert read.headers["etag"] == '"1"'
        changed = await send(admin, "PATCH", "/api/v1/accounts/cleo", {"role": "viewer"}, if_match='"1"')
        assert (changed.json["role"], changed.json["full_name"], changed.headers["etag"]) == (
            "viewer",
            "Cleo",
            '"2"',
        )
        late = await send(admin, "PATCH", "/api/v1/accounts/cleo", {"full_name": "C"}, if_match='"1"')
        assert (late.status, late.json["error"]["code"]) == (412, "edited_meanwhile")
        assert (await send(admin, "POST", "/api/v1/accounts/cleo/disable")).json == {
            "sessions": 0,
            "tokens": 0,
        }
        assert (await admin.get("/api/v1/accounts?disabled=true")).json["items"][0]["name"] == "cleo"
        assert (await send(admin, "POST", "/api/v1/accounts/cleo/link")).json["error"][
            "code"
        ] == "account_disabled"
        assert not (await send(admin, "POST", "/api/v1/accounts/cleo/enable")).json["is_disabled"]
        link = await send(admin, "POST", "/api/v1/accounts/cleo/link")
        assert (link.status, "/setup?code=" in link.json["sign_in_url"]) == (201, True)

    async def test_a_program_has_no_link(self, house):
        made = await send(
            house.by_token("admin"), "POST", "/api/v1/accounts", {"name": "robot", "kind": "service"}
        )
        assert (made.json["sign_in_url"], made.json["account"]["kind"]) == ("", "service")

    async def test_making_twice_by_one_key_makes_once(self, house):
        admin = house.by_token("admin").with_headers(idempotency_key="k1")
        first = await send(admin, "POST", "/api/v1/accounts", {"name": "cleo"})
        again = await send(admin, "POST", "/api/v1/accounts", {"name": "cleo"})
        assert (first.status, again.status, first.body) == (201, 201, again.body)
        linked = [
            await send(house.by_token("admin"), "POST", "/api/v1/accounts/ada/link", idempotency_key="k2")
            for _ in "ab"
        ]
        assert [one.status for one in linked] == [201, 201]

    async def test_what_each_may_see(self, house):
        await send(house.by_token("admin"), "PATCH", "/api/v1/accounts/vic", {"email": "vic@x.org"})
        whole = (await house.by_token("admin").get("/api/v1/accounts/vic")).json
        slim = (await house.by_token("ada").get("/api/v1/accounts/vic")).json
        own = (await house.by_token("vic").get("/api/v1/accounts/vic")).json
        assert (whole["email"], own["email"], slim["email"]) == ("vic@x.org", "vic@x.org", None)
        assert (slim["seen_at"], slim["created_at"]) == (None, None)
        assert (await house.by_token("vic").get("/api/v1/accounts")).status == 403
        refused = [await house.by_token("vic").get(f"/api/v1/accounts/{name}") for name in ("ada", "nobody")]
        assert [(one.status, one.json["error"]["code"]) for one in refused] == [(403, "role_too_low")] * 2
        assert "vic@x.org" not in (await house.by_token("ada").get("/api/v1/accounts")).text
        assert (await house.by_token("admin").get("/api/v1/accounts/nobody")).status == 404

    async def test_pages_of_the_list(self, house):
        admin = house.by_token("admin")
        first = (await admin.get("/api/v1/accounts?limit=3")).json
        second = (await admin.get(f"/api/v1/accounts?limit=3&cursor={first['next']}")).json
        assert [one["name"] for one in [*first["items"], *second["items"]]] == ["ada", "admin", "bob", "vic"]
        assert (first["total"], second["next"]) == (4, None)
        assert [one["name"] for one in (await admin.get("/api/v1/accounts?role=viewer")).json["items"]] == [
            "vic"
        ]

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=501",
            "limit=x",
            "cursor=x",
            "role=king",
            "kind=group",
            "disabled=perhaps",
            "q=" + "x" * 201,
        ],
    )
    async def test_bad_questions(self, house, query):
        answer = await house.by_token("admin").get(f"/api/v1/accounts?{query}")
        assert answer.status == 400
        assert answer.json["error"]["message"].startswith("Cannot ")

    @pytest.mark.parametrize(
        "body",
        [
            {"role": "king"}, {"role": None, "more": 1}, {"email": "nothing"}, {"email": "a@b\r\nBcc: c@d"}, {"full_name": "x" * 2000},
            {"full_name": 3}, [], "text", None,
        ],
    )  # fmt: skip
    async def test_bad_changes(self, house, body):
        answer = await send(house.by_token("admin"), "PATCH", "/api/v1/accounts/ada", body)
        assert answer.status == 400
        assert account(house, "ada").version == 1

    async def test_the_last_administrator_stays(self, house):
        admin = house.by_token("admin")
        demoted = await send(admin, "PATCH", "/api/v1/accounts/admin", {"role": "viewer"})
        disabled = await send(admin, "POST", "/api/v1/accounts/admin/disable")
        assert (demoted.status, demoted.json["error"]["code"]) == (409, "last_administrator")
        assert (disabled.status, disabled.json["error"]["code"]) == (409, "not_oneself")

    async def test_disabling_ends_what_is_signed_in_at_once(self, house):
        token, browser = house.by_token("ada"), house.by_session("ada")
        ended = await send(house.by_token("admin"), "POST", "/api/v1/accounts/ada/disable")
        assert ended.json == {"sessions": 1, "tokens": 1}
        assert (await token.get("/api/v1/me")).status == 401
        assert (await browser.get("/account")).status == 303

    async def test_signing_somebody_out(self, house):
        token, browser = house.by_token("ada"), house.by_session("ada")
        admin = house.by_token("admin")
        assert (await send(admin, "POST", "/api/v1/accounts/ada/sign-out", {})).json == {
            "sessions": 1,
            "tokens": 0,
        }
        assert (await browser.get("/account")).status == 303
        assert (await token.get("/api/v1/me")).status == 200
        gone = await send(admin, "POST", "/api/v1/accounts/ada/sign-out", {"tokens": True})
        assert gone.json == {"sessions": 0, "tokens": 1}
        assert (await token.get("/api/v1/me")).status == 401

    async def test_handing_over_with_its_preview(self, house):
        admin = house.by_token("admin")
        told = await admin.get("/api/v1/accounts/ada/hand-over?to=bob")
        assert told.json == {"apps": ["sales"], "secrets": [], "webhooks": []}
        assert (await house.by_token("bob").get("/api/v1/accounts/ada/hand-over?to=bob")).status == 403
        assert (await admin.get("/api/v1/accounts/ada/hand-over?to=vic")).json["error"][
            "code"
        ] == "owner_invalid"
        assert (await admin.get("/api/v1/accounts/ada/hand-over")).status == 400
        done = await send(admin, "POST", "/api/v1/accounts/ada/hand-over", {"to": "bob"})
        assert done.json == told.json
        assert (await house.by_token("bob").get("/api/v1/apps/sales")).json["owner"] == "bob"


class TestGroupsApi:
    async def test_the_whole_way_of_a_group(self, house):
        admin = house.by_token("admin")
        made = await send(admin, "POST", "/api/v1/groups", {"name": "trade", "note": "who sells"})
        assert (made.status, made.json["members"], made.json["is_claimed"]) == (201, 0, False)
        added = await send(admin, "PUT", "/api/v1/groups/trade/members/vic")
        assert (added.status, added.json["account"]) == (200, "vic")
        assert (await send(admin, "PUT", "/api/v1/groups/trade/members/vic")).status == 200
        await send(
            house.by_token("ada"), "PUT", "/api/v1/apps/sales/access/grants/group/trade", {"level": "viewer"}
        )
        assert (await admin.get("/api/v1/groups/trade/given")).json["items"] == [
            {"kind": "app", "name": "sales", "level": "viewer"}
        ]
        assert (await house.by_token("vic").get("/api/v1/accounts/vic/apps")).json["items"][0][
            "app"
        ] == "sales"
        renamed = await send(admin, "PATCH", "/api/v1/groups/trade", {"name": "sellers"}, if_match='"1"')
        assert (renamed.json["name"], renamed.headers["etag"]) == ("sellers", '"2"')
        late = await send(admin, "PATCH", "/api/v1/groups/sellers", {"note": "x"}, if_match='"1"')
        assert late.status == 412
        assert (await send(admin, "DELETE", "/api/v1/groups/sellers", if_match='"1"')).status == 412
        members = (await admin.get("/api/v1/groups/sellers/members")).json
        assert [one["account"] for one in members["items"]] == ["vic"]
        removed = await send(admin, "DELETE", "/api/v1/groups/sellers")
        assert removed.json["items"][0]["name"] == "sales"
        assert (await admin.get("/api/v1/groups/sellers")).status == 404
        assert (await house.by_token("vic").get("/api/v1/accounts/vic/apps")).json["items"] == []

    async def test_what_each_may_see(self, house):
        admin = house.by_token("admin")
        house.add_app("bob", "stock")
        for name in ("trade", "other"):
            await send(admin, "POST", "/api/v1/groups", {"name": name})
        await send(admin, "PUT", "/api/v1/groups/trade/members/vic")
        for owner, app in (("ada", "sales"), ("bob", "stock")):
            path = f"/api/v1/apps/{app}/access/grants/group/trade"
            assert (await send(house.by_token(owner), "PUT", path, {"level": "viewer"})).status == 200
        seen = {
            who: [
                one["name"]
                for one in (await house.by_token(who).get("/api/v1/groups/trade/given")).json["items"]
            ]
            for who in ("admin", "ada", "vic")
        }
        assert seen == {"admin": ["sales", "stock"], "ada": ["sales"], "vic": ["sales", "stock"]}
        vic = house.by_token("vic")
        assert (await vic.get("/api/v1/groups/trade")).json["members"] == 1
        for path in ("/api/v1/groups/other", "/api/v1/groups/none", "/api/v1/groups/other/given"):
            assert (await vic.get(path)).json["error"]["code"] == "group_not_found"
        for path in ("/api/v1/groups", "/api/v1/groups/trade/members"):
            assert (await vic.get(path)).status == 403

    async def test_claimed_ones_are_read_only(self, house):
        claim(house, "ada", "/eng/data")
        admin = house.by_token("admin")
        at = "/api/v1/groups/eng::data"
        assert (await admin.get(at)).json["is_claimed"]
        for method, path, body in (
            ("PATCH", at, {"note": "x"}),
            ("DELETE", at, None),
            ("PUT", f"{at}/members/bob", None),
            ("DELETE", f"{at}/members/ada", None),
        ):
            answer = await send(admin, method, path, body)
            assert (answer.status, answer.json["error"]["code"]) == (409, "group_claimed")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "A B"},
            {"name": 1},
            {"name": "x", "more": 1},
            {"name": "x", "note": "y" * 1001},
            [],
        ],
    )
    async def test_bad_groups(self, house, body):
        admin = house.by_token("admin")
        assert (await send(admin, "POST", "/api/v1/groups", body)).status == 400
        assert (await admin.get("/api/v1/groups")).json == {"items": [], "next": None}

    async def test_names_that_are_not_there(self, house):
        admin = house.by_token("admin")
        await send(admin, "POST", "/api/v1/groups", {"name": "trade"})
        for method, path, code in (
            ("PUT", "/api/v1/groups/trade/members/nobody", "account_not_found"),
            ("DELETE", "/api/v1/groups/trade/members/ada", "member_not_found"),
            ("PUT", "/api/v1/groups/none/members/ada", "group_not_found"),
        ):
            answer = await send(admin, method, path)
            assert (answer.status, answer.json["error"]["code"]) == (404, code)
        taken = await send(admin, "POST", "/api/v1/groups", {"name": "trade"})
        assert (taken.status, taken.json["error"]["where"]) == (409, "name")


class TestPages:
    async def test_people_for_each(self, house):
        whole = await house.by_session("admin").get("/people")
        assert whole.status == 200
        for text in ("Make an account", "Last signed in", ">vic<"):
            assert text in whole.text
        slim = await house.by_session("ada").get("/people")
        assert slim.status == 200
        for text in ("Make an account", "Last signed in", "Disabled"):
            assert text not in slim.text
        vic = await house.by_session("vic").get("/people")
        assert (vic.status, vic.headers["location"]) == (303, "/people/vic")

    async def test_searching_keeps_what_was_asked(self, house):
        admin = house.by_session("admin")
        found = await admin.get("/people?q=vi&role=viewer&state=active")
        assert 'value="vi"' in found.text
        assert ">vic<" in found.text
        assert ">ada<" not in found.text
        nobody = await admin.get("/people?q=%3Cscript%3E")
        assert "Nobody is like that" in nobody.text
        assert "<script>" not in nobody.text
        assert "Nobody is like that" in (await admin.get("/people?role=king")).text

    async def test_making_a_person_shows_the_link_once(self, house):
        admin = house.by_session("admin")
        made = await admin.form("/people", {"name": "cleo", "kind": "person", "role": "viewer"})
        assert "/setup?code=" in made.text
        assert "/setup?code=" not in (await admin.get("/people/cleo")).text
        wrong = await admin.form(
            "/people", {"name": "Not A Name", "full_name": "Kept", "email": "kept@x.org"}
        )
        assert wrong.status == 400
        for kept in ("Not A Name", "Kept", "kept@x.org"):
            assert f'value="{kept}"' in wrong.text
        assert 'id="error-name"' in wrong.text
        assert (await admin.form("/people", {"name": "ada"})).status == 409

    async def test_making_a_program_and_its_token(self, house):
        admin = house.by_session("admin")
        made = await admin.form("/people", {"name": "robot", "kind": "service", "role": "publisher"})
        assert (made.status, made.headers["location"]) == (303, "/people/robot#tokens")
        page = await admin.form("/people/robot/tokens", {"label": "nightly", "scope": "publish", "days": "7"})
        secret = re.search(r"tholos_[A-Za-z0-9_-]+", page.text)[0]
        me = await house.nobody.with_headers(authorization=f"Bearer {secret}").get("/api/v1/me")
        assert (me.json["name"], me.json["scope"]) == ("robot", "publish")
        shown = await admin.get("/people/robot")
        assert secret not in shown.text
        token_id = re.search(r"/people/robot/tokens/(tok_[^/]+)/revoke", shown.text)[1]
        await admin.form(f"/people/robot/tokens/{token_id}/revoke", {})
        assert (
            await house.nobody.with_headers(authorization=f"Bearer {secret}").get("/api/v1/me")
        ).status == 401
        for fields, status in (({"scope": "king"}, 400), ({"scope": "full", "days": "x"}, 400), ({}, 400)):
            assert (await admin.form("/people/robot/tokens", fields)).status == status
        of_a_person = await admin.form("/people/ada/tokens", {"scope": "full", "days": "7"})
        assert of_a_person.status == 400

    async def test_one_page_for_each(self, house):
        admin = await house.by_session("admin").get("/people/ada")
        for text in (
            "What ada owns",
            "Disable ada",
            "Hand all of it over",
            "Sign out everywhere",
            ">sales<",
            "owns it",
        ):
            assert text in admin.text
        own = await house.by_session("ada").get("/people/ada")
        for text in ("What you own", "What you can open, and why", "Hand all of it over"):
            assert text in own.text
        for text in ("Disable ada", "Sign out everywhere", 'name="role"'):
            assert text not in own.text
        other = await house.by_session("bob").get("/people/ada")
        assert "What ada can open of what you manage" in other.text
        for text in (">sales<", "What ada owns", "Mail address"):
            assert text not in other.text
        assert (await house.by_session("vic").get("/people/ada")).status == 403
        assert (await house.by_session("admin").get("/people/nobody")).status == 404

    async def test_both_sides_of_who_can_open_what_agree(self, house):
        await send(house.by_token("admin"), "POST", "/api/v1/groups", {"name": "trade"})
        await send(house.by_token("admin"), "PUT", "/api/v1/groups/trade/members/vic")
        await send(
            house.by_token("ada"), "PUT", "/api/v1/apps/sales/access/grants/group/trade", {"level": "viewer"}
        )
        by_app = await house.by_session("ada").get("/apps/sales/access")
        by_person = await house.by_session("admin").get("/people/vic")
        for page in (by_app, by_person):
            assert "in the group trade" in page.text
        of_hers = await house.by_session("ada").get("/people/vic")
        assert "in the group trade" in of_hers.text

    async def test_changing_keeps_what_was_typed(self, house):
        admin = house.by_session("admin")
        fields = {"full_name": "Ada L", "email": "ada@x.org", "role": "viewer", "version": "1"}
        saved = await admin.form("/people/ada", fields)
        assert (saved.status, account(house, "ada").role) == (200, "viewer")
        late = await admin.form("/people/ada", {**fields, "full_name": "Other"})
        assert late.status == 412
        assert account(house, "ada").full_name == "Ada L"
        wrong = await admin.form("/people/ada", {**fields, "email": "nothing", "version": "2"})
        assert (wrong.status, 'value="nothing"' in wrong.text, 'id="error-email"' in wrong.text) == (
            400,
            True,
            True,
        )
        last = await admin.form("/people/admin", {"role": "viewer"})
        assert (last.status, 'id="error-role"' in last.text) == (409, True)

    async def test_disabling_and_enabling(self, house):
        house.by_token("ada")
        admin = house.by_session("admin")
        done = await admin.form("/people/ada/disable", {"version": "1"})
        assert "ada is disabled. 1 token ended." in done.text
        assert live_credentials(house, "ada") == [0, 0]
        assert "Enable ada" in done.text
        assert "disabled" in (await admin.get("/people?state=disabled")).text
        assert (await house.by_session("bob").get("/people/ada")).status == 404
        back = await admin.form("/people/ada/enable", {"version": "2"})
        assert "ada may sign in again." in back.text
        assert (await admin.form("/people/admin/disable", {})).status == 409

    async def test_links_and_signing_out(self, house):
        admin = house.by_session("admin")
        house.by_session("ada")
        link = await admin.form("/people/ada/link", {})
        assert "/setup?code=" in link.text
        out = await admin.form("/people/ada/sign-out", {"tokens": "1"})
        assert "ada is signed out everywhere. 1 session ended." in out.text
        await send(house.by_token("admin"), "POST", "/api/v1/accounts", {"name": "robot", "kind": "service"})
        assert (await admin.form("/people/robot/link", {})).status == 400

    async def test_handing_over_in_two_steps(self, house):
        admin = house.by_session("admin")
        told = await admin.form("/people/ada/hand-over", {"to": "bob"})
        assert "bob owns the app sales from now on." in told.text
        assert "ada owns 1 app." in told.text
        assert (await house.by_token("ada").get("/api/v1/apps/sales")).json["owner"] == "ada"
        done = await admin.form("/people/ada/hand-over", {"to": "bob", "step": "apply"})
        assert "bob owns the app sales from now on." in done.text
        assert (await house.by_token("bob").get("/api/v1/apps/sales")).json["owner"] == "bob"
        for fields, text in (
            ({"to": "vic"}, "is a viewer here"),
            ({"to": "nobody"}, "no such account"),
            ({"to": "bob"}, "Nothing would"),
        ):
            wrong = await admin.form("/people/ada/hand-over", fields)
            assert (wrong.status, text in wrong.text) == (400, True)

    async def test_a_leaver_hands_over_what_is_theirs(self, house):
        ada = house.by_session("ada")
        done = await ada.form("/people/ada/hand-over", {"to": "bob", "step": "apply"})
        assert done.status == 200
        assert (await house.by_session("vic").form("/people/bob/hand-over", {"to": "ada"})).status == 403

    async def test_groups_for_each(self, house):
        admin = house.by_session("admin")
        empty = await admin.get("/groups")
        assert "There are no groups yet" in empty.text
        assert "tholos groups add" in empty.text
        made = await admin.form("/groups", {"name": "trade", "note": "who <sells>"})
        assert made.headers["location"] == "/groups/trade"
        page = await admin.get("/groups/trade")
        for text in ("Nobody is in it yet", "who &lt;sells&gt;", "Remove this group"):
            assert text in page.text
        assert "Make a group" not in (await house.by_session("ada").get("/groups")).text
        assert (await house.by_session("vic").get("/groups")).status == 403
        assert (await house.by_session("vic").get("/groups/trade")).status == 404
        wrong = await admin.form("/groups", {"name": "A B", "note": "kept"})
        assert (wrong.status, 'value="A B"' in wrong.text, ">kept<" in wrong.text) == (400, True, True)
        assert (await admin.form("/groups", {"name": "trade"})).status == 409

    async def test_members_come_and_go(self, house):
        admin = house.by_session("admin")
        await admin.form("/groups", {"name": "trade"})
        added = await admin.form("/groups/trade/add", {"account": "vic"})
        assert "vic is in trade" in added.text
        assert "/people/vic" in added.text
        vic = await house.by_session("vic").get("/groups/trade")
        assert (vic.status, "Members" in vic.text) == (200, False)
        wrong = await admin.form("/groups/trade/add", {"account": "nobody"})
        assert (wrong.status, 'value="nobody"' in wrong.text, 'id="error-account"' in wrong.text) == (
            400,
            True,
            True,
        )
        gone = await admin.form("/groups/trade/remove-member", {"account": "vic"})
        assert "Nobody is in it yet" in gone.text
        assert (await admin.form("/groups/none/add", {"account": "vic"})).status == 404

    async def test_changing_and_removing_a_group(self, house):
        admin = house.by_session("admin")
        await admin.form("/groups", {"name": "trade"})
        saved = await admin.form("/groups/trade", {"new_name": "sellers", "note": "x", "version": "1"})
        assert saved.headers["location"] == "/groups/sellers"
        late = await admin.form("/groups/sellers", {"new_name": "others", "note": "mine", "version": "1"})
        assert (late.status, 'value="others"' in late.text, ">mine<" in late.text) == (412, True, True)
        wrong = await admin.form("/groups/sellers", {"new_name": "A B", "version": "2"})
        assert (wrong.status, 'id="error-new_name"' in wrong.text) == (400, True)
        await send(
            house.by_token("ada"),
            "PUT",
            "/api/v1/apps/sales/access/grants/group/sellers",
            {"level": "viewer"},
        )
        asked = await admin.form("/groups/sellers/remove", {"typed": "seller"})
        assert (asked.status, "What it was given is taken back: sales." in asked.text) == (400, True)
        assert (await admin.form("/groups/sellers/remove", {"typed": "sellers"})).status == 303
        assert (await admin.get("/groups/sellers")).status == 404

    async def test_a_claimed_group_shows_who_says_so(self, house):
        claim(house, "ada", "/eng/data <b>")
        admin = house.by_session("admin")
        listed = await admin.get("/groups")
        assert "the sign-in provider says" in listed.text
        href = re.search(r'href="(/groups/eng[^"]+)"', listed.text)[1]
        page = await admin.get(
            href.replace("%3A", ":").replace("%20", " ").replace("%3C", "<").replace("%3E", ">")
        )
        assert (page.status, "read only here" in page.text, "<b>" in page.text) == (200, True, False)
        for text in ("Add somebody", "Change it", "Remove this group"):
            assert text not in page.text

    async def test_another_page_cannot_post_here(self, house):
        stranger = house.by_session("admin").with_headers(
            origin="https://evil.example", sec_fetch_site="cross-site"
        )
        for path in ("/people", "/people/ada/disable", "/groups", "/people/ada/hand-over"):
            assert (await stranger.form(path, {"name": "x", "to": "bob", "step": "apply"})).status == 403
        assert not account(house, "ada").is_disabled
