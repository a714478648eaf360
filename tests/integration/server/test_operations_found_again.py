"""Operations by HTTP: who stops and reads them with which token, what a change answers, and where past ones are found."""

import json

import pytest

from tholos.accounts import service as accounts
from tholos.accounts import tokens
from tholos.accounts.models import Scope
from tholos.accounts.tokens import NewToken
from tholos.apps import service as apps
from tholos.operations import service as operations
from tholos.operations.service import Subject
from tholos.publishing import releases
from tholos.publishing import service as publishing
from tholos.sharing.models import Audience
from tholos.testing.asgi import Asgi
from tholos.testing.rows import add_release

API = "/api/v1/operations"
ERROR = {"code": "instance_died", "message": "Cannot start: no module named flask.", "where": "app.py:1"}


def by_scope(console, name, scope, object_id=""):
    with console.database.write() as db:
        account = accounts.get_account(db, getattr(console.people, name).account_id)
        new = NewToken("ci", scope=scope, object_id=object_id)
        _, secret = tokens.sign_in(db, account, new, console.clock.now())
    return Asgi(console.application, {"authorization": f"Bearer {secret}"})


def restart(console, owner, app):
    with console.database.write() as db:
        return releases.begin_restart(db, getattr(console.people, owner), app, console.clock.now()).id


@pytest.fixture
def failed(console):
    """The app sales, whose release 2 failed, and the operation of that."""
    app, _ = console.add_app("ada", "sales")
    now = console.clock.now()
    with console.database.write() as db:
        app = apps.get_app(db, app.id)
        release = add_release(db, console.people.ada, app, now)
        request = {"release_id": release.id, "release": 2}
        subject = Subject(app.id, app.name)
        begun = operations.begin(db, console.people.ada, publishing.PUBLISH, subject, (), request, now)
        operations.claim(db, begun.id, "here", now)
        publishing.fail_publish(db, begun, ERROR, now)
        operations.fail(db, begun.id, ERROR, now)
        return begun.id


class TestTokens:
    @pytest.mark.parametrize("is_narrow", [True, False])
    async def test_one_that_publishes_stops_what_it_began_and_follows_it(self, console, is_narrow):
        app, _ = console.add_app("ada", "sales")
        operation_id = restart(console, "ada", app)
        ci = by_scope(console, "ada", Scope.PUBLISH, app.id if is_narrow else "")
        assert (await ci.get(f"{API}/{operation_id}")).json["state"] == "queued"
        assert [one["id"] for one in (await ci.get(API)).json["items"]] == [operation_id]
        assert (await ci.post(f"{API}/{operation_id}/cancel")).status == 202
        with console.database.write() as db:
            assert operations.get_operation(db, operation_id).cancel_requested_at
            operations.claim(db, operation_id, "here", console.clock.now())
            operations.cancelled(db, operation_id, console.clock.now())
        events = await ci.get(f"{API}/{operation_id}/events")
        assert (events.status, "cancelled" in events.text) == (200, True)

    async def test_one_that_reads_stops_nothing(self, console):
        app, _ = console.add_app("ada", "sales")
        operation_id = restart(console, "ada", app)
        refused = await by_scope(console, "ada", Scope.READ).post(f"{API}/{operation_id}/cancel")
        assert (refused.status, refused.json["error"]["code"]) == (403, "scope_too_narrow")

    @pytest.mark.parametrize("owner", ["ada", "admin"])
    async def test_one_for_an_app_finds_no_other_apps_operations(self, console, owner):
        app, _ = console.add_app(owner, "sales")
        other, _ = console.add_app(owner, "blog")
        operation_id = restart(console, owner, other)
        ci = by_scope(console, owner, Scope.PUBLISH, app.id)
        for answer in (
            await ci.post(f"{API}/{operation_id}/cancel"),
            await ci.get(f"{API}/{operation_id}"),
            await ci.get(f"{API}/{operation_id}/events"),
        ):
            assert (answer.status, answer.json["error"]["code"]) == (404, "operation_not_found")
        assert (await ci.get(API)).json["items"] == []


async def test_what_has_switched_is_not_offered_to_be_cancelled(console):
    app, _ = console.add_app("ada", "sales")
    operation_id = restart(console, "ada", app)
    ada, cancel = console.by_session("ada"), f"/operations/{operation_id}/cancel"
    assert cancel in (await ada.get(f"/operations/{operation_id}")).text
    with console.database.write() as db:
        operations.decide(db, operation_id)
    assert cancel not in (await ada.get(f"/operations/{operation_id}")).text
    assert (await console.by_token("ada").post(f"{API}/{operation_id}/cancel")).json["state"] == "queued"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "variables", {"plain": {"A": "1"}}),
        ("PUT", "limits", {"open_files": 64}),
    ],
)
@pytest.mark.parametrize("is_draft", [True, False])
async def test_a_change_says_what_it_makes(console, method, path, body, is_draft):
    app, release = console.add_app("ada", "sales")
    if is_draft:
        with console.database.write() as db:
            apps.remove_pointers(db, app.id)
            apps.get_release(db, release.id).live_at = None
            apps.keep_as_draft(db, release.id, console.clock.now())
    sent = json.dumps(body).encode()
    answer = (await console.by_token("ada").send(method, f"/api/v1/apps/sales/{path}", sent)).json
    assert ("A new draft of sales" in answer["told"], "nothing is live yet" in answer["told"]) == (
        is_draft, is_draft,
    )  # fmt: skip
    operation_id = answer["operation"]["id"]
    with console.database.write() as db:
        operations.claim(db, operation_id, "here", console.clock.now())
        operations.finish(db, operation_id, {"release": 2, "draft": is_draft}, console.clock.now())
    page = (await console.by_session("ada").get(f"/operations/{operation_id}")).text
    assert ("Release 2 is a draft" in page, "Release 2 is live" in page) == (is_draft, not is_draft)


class TestFoundAgain:
    async def test_a_failed_release_leads_to_its_operation_and_says_why(self, console, failed):
        page = (await console.by_session("ada").get("/apps/sales/releases")).text
        row = page.partition('id="release-2"')[2].partition("</tr>")[0]
        assert f'href="/operations/{failed}"' in row
        assert "no module named flask" in row
        assert "/operations/" not in page.partition('id="release-1"')[2].partition("</tr>")[0]

    async def test_who_may_only_open_the_app_is_not_told_why(self, console, failed):
        with console.database.write() as db:
            apps.find_named(db, "org_default", "sales").audience = Audience.SIGNED_IN
        page = (await console.by_session("bob").get("/apps/sales/releases")).text
        assert 'id="release-2"' in page
        assert "no module named flask" not in page.partition('id="release-2"')[2]

    async def test_activity_leads_to_operations(self, console, failed):
        page = (await console.by_session("ada").get("/apps/sales/activity")).text
        assert f'<a href="/operations/{failed}">{failed}</a>' in page

    async def test_a_cancelled_operation_is_found_from_the_record(self, console):
        app, _ = console.add_app("ada", "sales")
        operation_id = restart(console, "ada", app)
        await console.by_token("ada").post(f"{API}/{operation_id}/cancel")
        page = (await console.by_session("admin").get("/audit?action=operation.cancelled")).text
        assert f'href="/operations/{operation_id}"' in page
