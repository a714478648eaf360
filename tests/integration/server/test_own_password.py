"""Setting one's own password by the API: paced and checked as on the page."""

import pytest

from tholos.accounts import passwords
from tholos.accounts import service as accounts
from tholos.accounts.passwords import WRONG_AT_MOST

PATH = "/api/v1/me/password"
FIRST, SECOND = "correct horse", "battery staple"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(passwords, "is_password", lambda kept, password: kept.hash == f"hash of {password}")
    monkeypatch.setattr(
        passwords._HASHER.__class__, "hash", lambda self, password, **_: f"hash of {password}"
    )


async def signs_in(console, password):
    answer = await console.nobody.post("/api/v1/tokens", {"name": "ada", "password": password})
    return answer.status == 201


async def test_it_is_set_and_then_changed_by_who_knows_it(console):
    ada, first, browser = console.by_token("ada"), console.by_session("ada"), console.by_session("ada")
    assert (await ada.get("/api/v1/me")).json["has_password"] is False
    by_token = await ada.post(PATH, {"password": FIRST})
    assert (by_token.status, by_token.json["error"]["code"]) == (403, "password_needs_browser")
    assert (await first.post(PATH, {"password": FIRST})).status == 204
    assert (await ada.get("/api/v1/me")).json["has_password"] is True
    assert (await browser.get("/account")).status == 303, "other browsers are signed out"
    assert await signs_in(console, FIRST)
    refused = await ada.post(PATH, {"current": "wrong", "password": SECOND})
    assert (refused.status, refused.json["error"]["code"]) == (400, "present_password_wrong")
    assert refused.json["error"]["where"] == "current"
    assert (await ada.post(PATH, {"current": FIRST, "password": SECOND})).status == 204
    assert await signs_in(console, SECOND)
    assert not await signs_in(console, FIRST)


@pytest.mark.parametrize(
    "body", [{}, {"password": "short"}, {"password": "x" * 1001}, {"password": FIRST, "name": "bob"}]
)
async def test_what_is_wrong(console, body):
    assert (await console.by_token("ada").post(PATH, body)).status == 400


async def test_wrong_ones_are_counted(console):
    with console.database.write() as db:
        accounts.set_password(db, console.people.ada.account_id, passwords.hash_password(FIRST))
    ada = console.by_token("ada")
    for _ in range(WRONG_AT_MOST):
        assert (await ada.post(PATH, {"current": "wrong", "password": SECOND})).status == 400
    answer = await ada.post(PATH, {"current": FIRST, "password": SECOND})
    assert answer.json["error"]["code"] == "too_many_attempts"
    assert "retry-after" in answer.headers
