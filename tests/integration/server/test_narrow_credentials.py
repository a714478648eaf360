"""What a token for one app, one that only publishes, or one that will end, does not reach; and what outlives nobody."""

import json

import pytest

from tholos.accounts import service as accounts
from tholos.accounts import sessions, tokens
from tholos.accounts.models import AccountKind, Role, Scope
from tholos.accounts.passwords import hash_password
from tholos.accounts.tokens import NewToken
from tholos.audit.models import AuditEntry
from tholos.testing.asgi import Asgi


def by_scope(console, name, scope=Scope.FULL, object_id=""):
    with console.database.write() as db:
        account = accounts.get_account(db, getattr(console.people, name).account_id)
        _, secret = tokens.sign_in(
            db, account, NewToken("t", scope=scope, object_id=object_id), console.clock.now()
        )
    return Asgi(console.application, {"authorization": f"Bearer {secret}"})


async def send(asgi, method, path, body=None):
    return await asgi.send(method, path, json.dumps(body).encode() if body is not None else b"")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/audit", "/api/v1/audit/export", "/audit", "/admin", "/api/v1/installation",
        "/api/v1/accounts/bob/tokens", "/api/v1/accounts/bob/identities", "/api/v1/tokens",
        "/api/v1/sessions", "/api/v1/notifications",
    ],
)  # fmt: skip
async def test_a_token_for_one_app_reads_nothing_of_the_installation(console, path):
    app, _ = console.add_app("admin", "blog")
    narrow = by_scope(console, "admin", Scope.READ, app.id)
    answer = await narrow.get(path)
    assert answer.status == 403, answer.text[:300]
    assert (await by_scope(console, "admin", Scope.READ).get(path)).status == 200


async def test_a_token_for_one_app_refers_to_no_shared_secret_but_keeps_what_its_app_has(console):
    ada = console.by_token("ada")
    await send(ada, "POST", "/api/v1/secrets", {"name": "warehouse", "value": "correct-horse"})
    app, _ = console.add_app("ada", "blog")
    narrow = by_scope(console, "ada", Scope.PUBLISH, app.id)
    refused = await send(narrow, "PATCH", "/api/v1/apps/blog/variables", {"refer": {"KEY": "warehouse"}})
    assert (refused.status, refused.json["error"]["code"]) == (403, "scope_too_narrow")
    assert (await ada.get("/api/v1/apps/blog/variables")).json["items"] == []
    done = await send(ada, "PATCH", "/api/v1/apps/blog/variables", {"refer": {"KEY": "warehouse"}})
    assert done.status in {200, 202}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v1/secrets/warehouse/access/account/bob", {"level": "editor"}),
        ("DELETE", "/api/v1/secrets/warehouse/access/account/bob", None),
        ("DELETE", "/api/v1/secrets/warehouse?force=true", None),
    ],
)
async def test_a_token_that_publishes_decides_nothing_of_who_has_a_secret(console, method, path, body):
    await send(
        console.by_token("ada"), "POST", "/api/v1/secrets", {"name": "warehouse", "value": "correct-horse"}
    )
    answer = await send(by_scope(console, "ada", Scope.PUBLISH), method, path, body)
    assert (answer.status, answer.json["error"]["code"]) == (403, "scope_too_narrow")


async def test_a_share_of_a_secret_is_taken_back_from_who_was_disabled(console):
    ada = console.by_token("ada")
    await send(ada, "POST", "/api/v1/secrets", {"name": "warehouse", "value": "correct-horse"})
    await send(ada, "PUT", "/api/v1/secrets/warehouse/access/account/bob", {"level": "viewer"})
    await send(console.by_token("admin"), "POST", "/api/v1/accounts/bob/disable")
    done = await send(ada, "DELETE", "/api/v1/secrets/warehouse/access/account/bob")
    assert (done.status, done.json["items"]) == (200, [])


class TestPasswords:
    async def test_no_token_sets_a_first_password(self, console):
        """It would not end with the token."""
        ada = console.by_token("ada")
        for answer in (
            await send(ada, "POST", "/api/v1/me/password", {"password": "correct horse battery"}),
            await ada.form("/account/password", {"current": "", "password": "correct horse battery"}),
        ):
            assert answer.status == 403, answer.text[:300]
        with console.database.read() as db:
            assert not accounts.has_password(db, console.people.ada)

    async def test_a_program_has_none(self, console):
        with console.database.write() as db:
            robot, _ = accounts.create_account(
                db, console.people.admin, "robot", Role.PUBLISHER, console.clock.now()
            )
            robot.kind = AccountKind.SERVICE
            _, secret = tokens.sign_in(db, robot, NewToken("t"), console.clock.now())
        robot = Asgi(console.application, {"authorization": f"Bearer {secret}"})
        answer = await send(robot, "POST", "/api/v1/me/password", {"password": "another horse battery"})
        assert (answer.status, answer.json["error"]["code"]) == (403, "password_not_for_programs")

    def test_one_that_a_program_has_from_elsewhere_signs_nobody_in(self, console):
        with console.database.write() as db:
            now = console.clock.now()
            robot, _ = accounts.create_account(db, console.people.admin, "robot", Role.PUBLISHER, now)
            robot.kind, robot.password_hash = AccountKind.SERVICE, hash_password("correct horse battery")
            assert accounts.find_password(db, "robot").account_id == ""

    async def test_one_that_is_set_by_a_link_is_on_record_and_ends_other_sessions(self, console):
        thief = console.by_session("ada")
        assert (await thief.get("/account")).status == 200
        with console.database.write() as db:
            account = accounts.get_account(db, console.people.ada.account_id)
            code = accounts.create_link(db, account, console.clock.now())
        ours = console.nobody.with_headers(origin="http://localhost:8080", accept="text/html")
        done = await ours.form("/setup", {"code": code, "password": "correct horse battery"})
        assert done.status == 303
        assert (await thief.get("/api/v1/me")).status == 401
        with console.database.read() as db:
            told = [
                one.action
                for one in db.query(AuditEntry).order_by(AuditEntry.id)
                if one.subject_id == account.id
            ]
        assert "account.password_changed" in told

    async def test_signing_out_everywhere_spends_links(self, console):
        with console.database.write() as db:
            account = accounts.get_account(db, console.people.ada.account_id)
            code = accounts.create_link(db, account, console.clock.now())
            sessions.end_all(db, console.people.ada, console.clock.now(), with_tokens=False)
        ours = console.nobody.with_headers(origin="http://localhost:8080", accept="text/html")
        assert (await ours.form("/setup", {"code": code})).status == 401


def test_a_way_back_in_leads_to_a_person_who_may_sign_in(console):
    """The first administrator may have left, or be a program."""
    with console.database.write() as db:
        now = console.clock.now()
        first = accounts.get_account(db, console.people.admin.account_id)
        robot, _ = accounts.create_account(db, console.people.admin, "robot", Role.ADMINISTRATOR, now)
        robot.kind = AccountKind.SERVICE
        second, _ = accounts.create_account(db, console.people.admin, "zoe", Role.ADMINISTRATOR, now)
        first.is_disabled = True
        second_id = second.id
    with console.database.write() as db:
        assert accounts.ensure_administrator(db, "admin", now).id == second_id
