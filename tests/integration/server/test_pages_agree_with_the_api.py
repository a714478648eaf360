"""What the API does is done on pages as well, and each page leads to the JSON of what it shows."""

import re

import pytest

from tholos.accounts import service as accounts
from tholos.accounts.models import AccountKind, Identity, Role
from tholos.apps import service as apps
from tholos.apps.details import MOST_RELEASES, MOST_TITLE
from tholos.audit import service as audit
from tholos.audit.models import Action


@pytest.fixture
def app(console):
    return console.add_app("ada", "sales")[0]


def record(console, action, app, doer=audit.ITSELF, **options):
    with console.database.write() as db:
        audit.record(db, doer, action, apps.subject_of(app), console.clock.now(), **options)


def json_of(page):
    """The page's link to JSON."""
    return re.search(r'href="(/api/v1/[^"]*)">This page as JSON', page.text)[1].replace("&amp;", "&")


# Activity


async def test_an_apps_activity_is_searched(console, app):
    record(console, Action.SECRET_SET, app, console.people.ada, after={"name": "KEY"})
    record(console, Action.APP_CHANGED, app, console.people.admin, note="by hand")
    ada = console.by_session("ada")
    path = "/apps/sales/activity"

    async def found(query):
        page = await ada.get(f"{path}?{query}")
        return page.status, re.findall(r"<code>([a-z_.]+)</code>", page.text)

    assert await found("action=secret") == (200, ["secret.set"])
    assert await found("actor=admin&text=hand") == (200, ["app.changed"])
    assert await found("until=2026-01-01") == (200, [])
    asked = await ada.get(f"{path}?actor=admin&text=hand")
    assert 'value="admin"' in asked.text
    assert json_of(asked) == "/api/v1/apps/sales/activity?actor=admin&q=hand"
    wrong = await ada.get(f"{path}?since=soon")
    assert (wrong.status, 'id="error-since"' in wrong.text) == (400, True)
    assert (await console.by_session("bob").get(f"{path}?since=soon")).status == 404


async def test_pages_of_what_was_asked_for_follow_one_another(console, app):
    for _ in range(120):
        record(console, Action.APP_CHANGED, app)
    ada, path, seen = console.by_session("ada"), "/apps/sales/activity?action=app.changed", []
    while path:
        page = (await ada.get(path)).text
        seen += re.findall(r'id="deed-([0-9]+)"', page)
        more = re.search(r'href="(/apps/sales/activity\?[^"]*cursor=[^"]*)"', page)
        path = more[1].replace("&amp;", "&") if more else ""
    assert len(seen) == len(set(seen)) == 120


# People


@pytest.fixture
def robot(console):
    with console.database.write() as db:
        account, _ = accounts.create_account(
            db, console.people.admin, "robot", Role.PUBLISHER, console.clock.now()
        )
        account.kind = AccountKind.SERVICE


async def test_a_programs_token_is_made_for_one_app(console, app, robot):
    admin = console.by_session("admin")
    fields = {"label": "CI", "scope": "publish", "days": "30", "app": " sales "}
    made = await admin.form("/people/robot/tokens", fields)
    assert (made.status, "tholos_" in made.text) == (200, True)
    (token,) = (await admin.get("/api/v1/accounts/robot/tokens")).json["items"]
    assert (token["app"], token["scope"]) == ("sales", "publish")
    wrong = await admin.form("/people/robot/tokens", {**fields, "app": "nowhere"})
    assert (wrong.status, 'id="error-app"' in wrong.text, 'value="nowhere"' in wrong.text) == (
        400,
        True,
        True,
    )


async def test_an_identity_is_forgotten(console):
    with console.database.write() as db:
        db.add(
            Identity(
                id="idn_1", organization_id="org_default", account_id=console.people.ada.account_id,
                issuer="https://login.example.org", subject="u1", email="ada@example.org",
                created_at=console.clock.now(), used_at=console.clock.now(),
            )
        )  # fmt: skip
    admin = console.by_session("admin")
    assert "https://login.example.org" in (await admin.get("/people/ada")).text
    assert "login.example.org" not in (await console.by_session("ada").get("/people/ada")).text
    refused = await console.by_session("ada").form("/people/ada/identities/idn_1/forget", {})
    assert refused.status == 403
    assert (await admin.form("/people/ada/identities/idn_1/forget", {})).status == 200
    assert (await admin.get("/api/v1/accounts/ada/identities")).json["items"] == []
    assert (await admin.form("/people/ada/identities/idn_1/forget", {})).status == 404


async def test_an_asker_is_let_in_as_editor(console, app):
    asked = await console.by_token("bob").post("/api/v1/apps/sales/access/requests", {"message": "please"})
    ada = console.by_session("ada")
    assert "publish and manage it too" in (await ada.get("/apps/sales/access")).text
    path = f"/apps/sales/access/requests/{asked.json['id']}"
    assert (await ada.form(path, {"answer": "editor"})).status == 303
    found = (await ada.get("/api/v1/apps/sales/access")).json
    assert [(one["name"], one["level"]) for one in found["grants"]] == [("bob", "editor")]


# Bounds


async def test_page_and_api_take_the_same(console, app):
    page, api = console.by_session("ada"), console.by_token("ada")
    for title, keep, status in (
        ("x" * MOST_TITLE, MOST_RELEASES, 200),
        ("x" * (MOST_TITLE + 1), 5, 400),
        ("x", MOST_RELEASES + 1, 400),
    ):
        fields = {"title": title, "keep_releases": str(keep)}
        assert (await page.form("/apps/sales/settings/general", fields)).status == status
        body = f'{{"title": "{title}", "keep_releases": {keep}}}'.encode()
        assert (await api.send("PATCH", "/api/v1/apps/sales", body)).status == status


# JSON of what is shown


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/apps/sales", "/api/v1/apps/sales"),
        ("/apps/sales/logs?q=a&level=error", "/api/v1/apps/sales/logs?q=a&level=error&format=json"),
        ("/apps/sales/webhooks", "/api/v1/webhooks?app=sales"),
        ("/admin/webhooks", "/api/v1/webhooks"),
        ("/", "/api/v1/apps"),
        ("/?q=sal&show=mine", "/api/v1/apps?q=sal&show=mine"),
        ("/audit?kind=app&name=sales&text=x", "/api/v1/audit?kind=app&name=sales&q=x"),
        ("/people?q=a&role=viewer&state=active", "/api/v1/accounts?q=a&role=viewer&disabled=false"),
        ("/people", "/api/v1/accounts"),
    ],
)
async def test_a_page_leads_to_its_json(console, app, path, expected):
    admin = console.by_session("admin")
    page = await admin.get(path)
    assert page.status == 200
    assert json_of(page) == expected
    assert (await admin.get(expected)).status == 200
