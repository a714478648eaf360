"""Webhooks, inbox, preferences and the audit record over HTTP and as pages."""

import csv
import io
import itertools
import json
import re
from dataclasses import replace

import pytest

from tholos.accounts import service as accounts
from tholos.apps import service as apps
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.notifications import outbox
from tholos.notifications.outbox import Setup
from tholos.testing.rows import sign_in

URL = "https://hooks.example.org/T0/secret"


@pytest.fixture
def app(console):
    return console.add_app("ada", "sales")[0]


def record(console, action, app, **options) -> None:
    with console.database.write() as db:
        audit.record(
            db,
            options.pop("doer", audit.ITSELF),
            action,
            apps.subject_of(app),
            console.clock.now(),
            **options,
        )


def tell(console) -> None:
    with console.database.write() as db:
        outbox.plan_next(db, Setup(can_mail=False, url=""), console.clock.now())


async def make(console, who="ada", **body):
    return await console.by_token(who).post("/api/v1/webhooks", {"url": URL, "app": "sales", **body})


# Webhooks


async def test_a_webhooks_life(console, app):
    ada = console.by_token("ada")
    made = await make(console, label="builds", actions=["release.made"])
    assert made.status == 201
    webhook, secret = made.json["webhook"], made.json["secret"]
    assert secret.startswith("whsec_")
    assert (webhook["url"], webhook["app"], webhook["version"]) == ("https://hooks.example.org/…", "sales", 1)
    at = f"/api/v1/webhooks/{webhook['id']}"
    read = await ada.get(at)
    assert read.json == webhook
    assert secret not in read.text
    assert read.headers["etag"] == '"1"'
    changed = await ada.with_headers(if_match='"1"').send("PATCH", at, b'{"label": "all", "actions": []}')
    assert (changed.json["label"], changed.json["actions"], changed.headers["etag"]) == ("all", [], '"2"')
    assert "app.failing" in changed.json["tells"]
    late = await ada.with_headers(if_match='"1"').send("PATCH", at, b'{"label": "late"}')
    assert (late.status, late.json["error"]["code"]) == (412, "edited_meanwhile")
    tested = await ada.post(f"{at}/test")
    assert (tested.status, tested.json["state"], tested.json["action"]) == (202, "queued", "webhook.test")
    log = await ada.get(f"{at}/deliveries?limit=1")
    assert [one["id"] for one in log.json["items"]] == [tested.json["id"]]
    assert log.json["next"] is None
    whole = await ada.get(f"{at}/deliveries/{tested.json['id']}")
    assert whole.json["body"]["type"] == "webhook.test"
    waits = await ada.post(f"{at}/deliveries/{tested.json['id']}/repeat")
    assert (waits.status, waits.json["error"]["code"]) == (409, "delivery_waits")
    with console.database.write() as db:
        outbox.note_delivered(db, tested.json["id"], 200, console.clock.now())
    assert (await ada.post(f"{at}/deliveries/{tested.json['id']}/repeat")).status == 202
    listed = await ada.get("/api/v1/webhooks?app=sales")
    assert [one["id"] for one in listed.json["items"]] == [webhook["id"]]
    assert (await ada.ask("DELETE", at)).status == 204
    assert (await ada.get(at)).status == 404


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"url": "http://169.254.169.254/latest"}, 400, "url"),
        ({"url": "http://[::1]:22/"}, 400, "url"),
        ({"url": "x" * 3000}, 400, "url"),
        ({"url": ""}, 400, "url"),
        ({"form": "xml"}, 400, "form"),
        ({"actions": ["app.exploded"]}, 400, "actions"),
        ({"actions": ["app.made"] * 500}, 400, "actions"),
        ({"label": "x" * 81}, 400, "label"),
        ({"secret": "mine"}, 400, "secret"),
        ({"app": "none"}, 404, "name"),
    ],
)
async def test_what_is_no_webhook_is_refused(console, app, body, status, where):
    answer = await make(console, **body)
    assert (answer.status, answer.json["error"]["where"]) == (status, where)
    assert (await console.by_token("ada").get("/api/v1/webhooks")).json["items"] == []


async def test_webhooks_of_others_are_not_there(console, app):
    webhook = (await make(console)).json["webhook"]["id"]
    bob = console.by_token("bob")
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test")):
        answer = await bob.ask(method, f"/api/v1/webhooks/{webhook}{path}")
        assert (answer.status, answer.json["error"]["code"]) == (404, "webhook_not_found")
    assert (await make(console, "bob")).status == 404
    assert (await make(console, "ada", app="")).json["error"]["code"] == "role_too_low"
    assert (await make(console, "admin", app="")).status == 201
    assert (await console.by_session("bob").get(f"/webhooks/{webhook}")).status == 404


async def test_webhook_pages_make_change_and_remove(console, app):
    ada = console.by_session("ada")
    page = await ada.get("/apps/sales/webhooks")
    assert "tholos webhooks add" in page.text
    wrong = await ada.form("/apps/sales/webhooks", {"url": "http://10.0.0.1/x", "label": "builds"})
    assert wrong.status == 400
    assert 'value="http://10.0.0.1/x"' in wrong.text
    assert 'id="error-url"' in wrong.text
    made = await ada.form("/apps/sales/webhooks", {"url": URL, "label": "builds", "actions": "release.made"})
    assert made.status == 200
    assert re.search(r"whsec_[A-Za-z0-9+/=&#;]+", made.text)
    webhook = re.search(r"/webhooks/(whk_[a-z0-9]+)", made.text)[1]
    assert "whsec_" not in (await ada.get("/apps/sales/webhooks")).text
    page = await ada.get(f"/webhooks/{webhook}")
    assert "T0/secret" not in page.text
    assert re.search(r'value="release.made" checked', page.text)
    fields = {"label": "all", "form": "slack", "version": "1", "is_active": "yes"}
    assert (await ada.form(f"/webhooks/{webhook}", fields)).status == 303
    late = await ada.form(f"/webhooks/{webhook}", {**fields, "label": "late"})
    assert late.status == 409
    assert 'value="late"' in late.text
    fields = {"url": "http://10.0.0.1/x", "actions": "app.failing", "form": "plain", "version": "2"}
    wrong = await ada.form(f"/webhooks/{webhook}", fields)
    assert wrong.status == 400
    assert re.findall(r'value="([a-z_.]+)" checked', wrong.text) == ["app.failing"], "and it is not on"
    assert "somebody else changed it" in late.text
    assert (await ada.form(f"/webhooks/{webhook}/test", {})).status == 303
    assert "webhook.test" in (await ada.get(f"/webhooks/{webhook}")).text
    assert "&#34;text&#34;: &#34;" in (await ada.get(f"/webhooks/{webhook}")).text, "what was sent"
    unsure = await ada.form(f"/webhooks/{webhook}/remove", {"name": "other"})
    assert (unsure.status, "Type &#34;all&#34; to remove it" in unsure.text) == (400, True)
    removed = await ada.form(f"/webhooks/{webhook}/remove", {"name": "all"})
    assert (removed.status, removed.headers["location"]) == (303, "/apps/sales/webhooks")
    assert (await ada.get(f"/webhooks/{webhook}")).status == 404


async def test_webhooks_of_the_installation_have_a_page(console, app):
    admin = console.by_session("admin")
    assert (await admin.form("/admin/webhooks", {"url": URL})).status == 200
    assert "hooks.example.org" in (await admin.get("/admin/webhooks")).text
    assert (await console.by_session("ada").get("/admin/webhooks")).status == 403


# Inbox and preferences


async def test_an_inbox_is_read_and_noted(console, app):
    tell(console)
    record(console, Action.APP_FAILING, app, note="exit code <1>")
    tell(console)
    ada = console.by_token("ada")
    found = (await ada.get("/api/v1/notifications")).json
    assert found["unseen"] == 1
    (notice,) = found["items"]
    assert (notice["text"], notice["detail"], notice["is_seen"]) == ("sales fails", "exit code <1>", False)
    page = await console.by_session("ada").get("/account/notifications")
    assert "exit code &lt;1&gt;" in page.text
    assert "1 new" in page.text
    assert (await ada.post("/api/v1/notifications/seen", {"until": notice["id"]})).status == 204
    assert (await ada.get("/api/v1/notifications")).json["unseen"] == 0
    assert (await console.by_token("bob").get("/api/v1/notifications")).json["items"] == []


async def test_preferences_are_ticked_on_the_page_and_kept(console):
    ada = console.by_session("ada")
    answer = await ada.form(
        "/account/notifications/preferences", {"inbox": "app.failing", "mail": "token.expires"}
    )
    assert answer.status == 200
    items = (await console.by_token("ada").get("/api/v1/notification-preferences")).json["items"]
    told = {(one["action"], one["channel"]) for one in items if not one["is_muted"]}
    assert told == {("app.failing", "inbox"), ("token.expires", "mail")}
    wanted = {"items": [{"action": "app.failing", "channel": "mail", "is_muted": False}]}
    changed = await console.by_token("ada").send(
        "PUT", "/api/v1/notification-preferences", json.dumps(wanted).encode()
    )
    told = {(one["action"], one["channel"]) for one in changed.json["items"] if not one["is_muted"]}
    assert told == {("app.failing", "inbox"), ("app.failing", "mail"), ("token.expires", "mail")}
    wrong = {"items": [{"action": "moon.landed", "channel": "mail", "is_muted": False}]}
    refused = await console.by_token("ada").send(
        "PUT", "/api/v1/notification-preferences", json.dumps(wrong).encode()
    )
    assert (refused.status, refused.json["error"]["code"]) == (400, "preference_invalid")


# Audit


async def test_the_record_is_searched(console, app):
    admin = console.by_token("admin")
    ada = console.people.ada
    record(
        console,
        Action.APP_SHARED,
        app,
        doer=ada,
        before={"audience": "listed"},
        after={"audience": "everyone"},
    )
    record(console, Action.SECRET_SET, app, doer=ada, note="50%_of it")

    async def ids(query) -> list[str]:
        return [one["action"] for one in (await admin.get(f"/api/v1/audit?{query}")).json["items"]]

    assert (await ids("limit=2"))[0] == "secret.set", "the newest first"
    assert await ids("action=app.shared") == ["app.shared"]
    assert set(await ids("action=app")) == {"app.shared", "app.made"}
    assert await ids("action=ap") == []
    assert await ids("actor=ada&action=secret.set") == ["secret.set"]
    assert await ids("name=sales&kind=app&action=secret") == ["secret.set"]
    assert await ids("q=50%25_OF") == ["secret.set"]
    assert await ids("q=5_%25") == []
    assert await ids("since=2026-03-02") == []
    assert await ids("until=2026-03-01") == []
    assert len(await ids("since=2026-03-01T12:00:00Z&until=2026-03-01T13:00:00%2B00:00")) > 3


async def test_the_record_is_paged_without_gaps(console, app):
    for _ in range(7):
        record(console, Action.APP_CHANGED, app)
    admin = console.by_token("admin")
    seen, cursor = [], ""
    while True:
        answer = (await admin.get(f"/api/v1/audit?action=app.changed&limit=3&cursor={cursor}")).json
        seen += [one["id"] for one in answer["items"]]
        record(console, Action.APP_CHANGED, app)  # what is new shifts nothing
        cursor = answer["next"]
        if cursor is None:
            break
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("since=yesterday", "since"), ("until=2026-99-01", "until"), ("cursor=zzz", "cursor"), ("limit=0", "limit"),
        ("limit=501", "limit"), ("q=" + "x" * 300, "q"), ("since=0001-01-01T00:00:00%2B14:00", "since"),
    ],
)  # fmt: skip
async def test_what_cannot_be_searched_by_is_refused(console, query, where):
    answer = await console.by_token("admin").get(f"/api/v1/audit?{query}")
    assert (answer.status, answer.json["error"]["where"]) == (400, where)


async def test_the_record_is_for_administrators(console, app):
    for path in ("/api/v1/audit", "/api/v1/audit/export", "/audit"):
        assert (await console.by_token("ada").get(path)).status == 403


async def test_the_record_is_exported_and_the_export_recorded(console, app):
    with console.database.write() as db:
        for number in range(1201):
            subject = audit.Subject("app", app.id, f"=cmd|{number}")
            audit.record(
                db, audit.ITSELF, Action.APP_CHANGED, subject, console.clock.now(), after={"n": number}
            )
    admin = console.by_token("admin")
    answer = await admin.get("/api/v1/audit/export?format=csv&action=app.changed")
    assert answer.headers["content-type"].startswith("text/csv")
    assert re.fullmatch(r'attachment; filename="audit-2026-03-01.csv"', answer.headers["content-disposition"])
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert [json.loads(row["after"])["n"] for row in rows] == list(range(1201))
    assert rows[0]["subject"] == "'=cmd|0"
    lines = (await admin.get("/api/v1/audit/export")).body.decode().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [one["id"] for one in entries] == sorted(one["id"] for one in entries)
    exports = [one for one in entries if one["action"] == "audit.exported"]
    assert exports[0]["after"] == {"format": "csv", "action": "app.changed"}
    assert (await admin.get("/api/v1/audit/export?format=xml")).status == 400


async def test_the_audit_page_shows_before_and_after(console, app):
    record(
        console, Action.APP_SHARED, app, doer=console.people.ada, before={"audience": "listed", "same": 1},
        after={"audience": "<everyone>", "same": 1},
    )  # fmt: skip
    page = await console.by_session("admin").get("/audit?action=app.shared")
    assert page.status == 200
    shown = re.sub(r"<[^>]+>|\s+", " ", page.text)
    assert re.search(r"audience\s+before:\s+listed\s+after:\s+&lt;everyone&gt;", shown)
    assert " same " not in shown
    assert 'href="/api/v1/audit/export?action=app.shared&amp;format=csv"' in page.text
    wrong = await console.by_session("admin").get("/audit?since=soon&actor=ada")
    assert wrong.status == 400
    assert 'id="error-since"' in wrong.text
    assert 'value="ada"' in wrong.text
    nothing = await console.by_session("admin").get("/audit?actor=nobody")
    assert "Nothing of that kind was done" in nothing.text


async def test_pages_of_the_record_follow_one_another(console, app):
    with console.database.write() as db:
        for _ in range(120):
            audit.record(db, audit.ITSELF, Action.APP_CHANGED, apps.subject_of(app), console.clock.now())
    admin = console.by_session("admin")
    path, seen = "/audit?action=app.changed", []
    while path:
        page = (await admin.get(path)).text
        seen += re.findall(r'id="deed-([0-9]+)"', page)
        found = re.search(r'href="(/audit\?[^"]*cursor=[^"]*)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 120


async def test_an_apps_activity_is_for_its_editors_and_tells_not_where_they_sit(console, app):
    actor, _ = sign_in(console.database, console.people.ada, console.clock.now())
    record(console, Action.SECRET_SET, app, doer=replace(actor, address="10.9.8.7"), after={"name": "KEY"})
    other = console.add_app("bob", "other")[0]
    record(console, Action.SECRET_SET, other)
    found = await console.by_token("ada").get("/api/v1/apps/sales/activity")
    assert {one["subject"] for one in found.json["items"]} == {"sales"}
    assert "10.9.8.7" not in found.text
    assert (await console.by_token("ada").get("/api/v1/apps/sales/activity?action=secret")).json["items"][0][
        "after"
    ]
    page = await console.by_session("ada").get("/apps/sales/activity")
    assert "set a secret" in page.text
    assert "10.9.8.7" not in page.text
    assert (await console.by_token("bob").get("/api/v1/apps/sales/activity")).status == 404
    with console.database.read() as db:
        assert accounts.get_account(db, console.people.vic.account_id)
    assert (await console.by_token("vic").get("/api/v1/apps/sales/activity")).status == 403


ODD = ("%00", "a%00b", "%ED%A0%80", "%F4%8F%BF%BF", "'%22%25_%5C")


async def test_no_text_breaks_the_search(console_on_both):
    admin = console_on_both.by_token("admin")
    for field, text in itertools.product(("actor", "action", "kind", "name", "q", "since", "cursor"), ODD):
        answer = await admin.get(f"/api/v1/audit?{field}={text}")
        assert answer.status in {200, 400}, answer.text
        assert (await admin.get(f"/audit?{field.replace('q', 'text')}={text}")).status in {200, 400}
        assert (await admin.get(f"/api/v1/webhooks?app={text}")).status == (400 if "%00" in text else 404)


async def test_no_text_breaks_a_webhook(console_on_both):
    console_on_both.add_app("ada", "sales")
    ada = console_on_both.by_token("ada")
    texts = ("\0", "a\0b", "\ud800", "\u202e", "x" * 3000)
    for text, name in itertools.product(texts, ("url", "label", "form", "app")):
        body = {"url": URL, "app": "sales", name: f"{URL}{text}" if name == "url" else text}
        answer = await ada.post("/api/v1/webhooks", body)
        assert answer.status in {201, 400, 404}, answer.text
