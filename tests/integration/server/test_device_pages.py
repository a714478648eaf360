"""Letting a terminal in, over HTTP: the terminal's calls and the page that decides."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from tholos.accounts import device
from tholos.accounts import service as accounts
from tholos.accounts.pace import Pace
from tholos.accounts.passwords import hash_password


@pytest.fixture
async def begun(console):
    answer = await console.nobody.with_headers(user_agent="tholos/1.0").post(
        "/api/v1/device/code", {"label": "tholos on laptop"}
    )
    assert answer.status == 201
    return answer.json


async def ask(console, begun):
    return await console.nobody.post("/api/v1/device/token", {"device_code": begun["device_code"]})


def error_of(answer):
    return answer.status, answer.json["error"]["code"]


async def test_a_terminal_begins(begun):
    assert begun["verification_uri"] == "http://localhost:8080/device"
    assert begun["verification_uri_complete"] == f"http://localhost:8080/device?code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, device.INTERVAL_S)


async def test_the_page_shows_who_asks_and_lets_it_in(console, begun):
    assert error_of(await ask(console, begun)) == (400, "authorization_pending")
    browser = console.by_session("ada")
    page = await browser.get(f"/device?code={begun['user_code'].lower()}")
    assert page.status == 200
    for shown in (begun["user_code"], "tholos on laptop", "127.0.0.1", "the same as this browser", "refuse"):
        assert shown in page.text
    done = await browser.form("/device", {"code": begun["user_code"], "decision": "approve"})
    assert done.status == 200
    assert "The terminal is in" in done.text
    console.clock.move(3)
    answer = await ask(console, begun)
    assert answer.status == 201
    assert answer.json["account"]["name"] == "ada"
    me = console.nobody.with_headers(authorization=f"Bearer {answer.json['token']}")
    assert (await me.get("/api/v1/me")).json["name"] == "ada"
    console.clock.move(3)
    assert error_of(await ask(console, begun)) == (400, "expired_token")


async def test_an_address_that_is_another_is_said_to_be(console, begun):
    browser = console.by_session("ada").with_headers(x_forwarded_for="10.9.8.7")
    page = await browser.get(f"/device?code={begun['user_code']}")
    assert "another one than this browser" in page.text


async def test_a_refusal_reaches_the_terminal(console, begun):
    browser = console.by_session("ada")
    done = await browser.form("/device", {"code": begun["user_code"], "decision": "refuse"})
    assert "stays out" in done.text
    assert error_of(await ask(console, begun)) == (403, "access_denied")


async def test_who_asks_too_often_is_told(console, begun):
    answers = [error_of(await ask(console, begun)) for _ in range(3)]
    assert answers == [(400, "authorization_pending")] * 2 + [(400, "slow_down")]


async def test_the_page_needs_a_sign_in_and_is_gone_back_to(console, begun):
    browser = console.nobody.with_headers(accept="text/html", origin="http://localhost:8080")
    sent = await browser.get(f"/device?code={begun['user_code']}")
    assert sent.status == 303
    wanted = f"/device?code={begun['user_code']}"
    assert sent.headers["location"] == f"/sign-in?next={quote(wanted, safe='')}"
    with console.database.write() as db:
        accounts.set_password(db, console.people.ada.account_id, hash_password("correct horse battery"))
    signed_in = await browser.form(
        "/sign-in", {"name": "ada", "password": "correct horse battery", "next": wanted}
    )
    assert signed_in.headers["location"] == wanted


async def test_without_a_code_one_is_asked_for(console, begun):
    browser = console.by_session("ada")
    page = await browser.get("/device")
    assert 'name="code"' in page.text
    found = await browser.form("/device", {"code": begun["user_code"]})
    assert "Let this terminal in?" in found.text, "typing it decides nothing"
    assert error_of(await ask(console, begun)) == (400, "authorization_pending")


@pytest.mark.parametrize("decision", ["", "approve", "refuse"])
async def test_a_wrong_code_is_told_at_the_field_and_kept(console, decision):
    answer = await console.by_session("ada").form("/device", {"code": 'AAAA-"><b>', "decision": decision})
    assert answer.status == 404
    assert 'aria-invalid="true"' in answer.text
    assert "AAAA-&#34;&gt;&lt;b&gt;" in answer.text


async def test_codes_cannot_be_guessed(console, begun):
    console.application.state.services.add(Pace.of(wrong_codes=5))
    browser = console.by_session("bob")
    for number in range(5):
        way = number % 2
        answer = (
            await browser.get("/device?code=AAAA-AAAA")
            if way
            else await browser.form("/device", {"code": "AAAA-AAAA", "decision": "approve"})
        )
        assert answer.status == 404
    assert (await browser.get(f"/device?code={begun['user_code']}")).status == 429
    decided = await browser.form("/device", {"code": begun["user_code"], "decision": "approve"})
    assert decided.status == 429, "not even the right one"
    console.clock.move(timedelta(minutes=16))


async def test_another_site_decides_nothing(console, begun):
    browser = console.by_session("ada").with_headers(origin="https://evil.example")
    answer = await browser.form("/device", {"code": begun["user_code"], "decision": "approve"})
    assert answer.status == 403
    assert error_of(await ask(console, begun)) == (400, "authorization_pending")


async def test_a_token_lets_no_terminal_in(console, begun):
    answer = await console.by_token("ada").form(
        "/device", {"code": begun["user_code"], "decision": "approve"}
    )
    assert error_of(answer) == (403, "device_needs_browser")


async def test_beginning_has_its_pace(console):
    console.application.state.services.add(Pace.of(creates_per_minute=2))
    answers = [(await console.nobody.post("/api/v1/device/code", {})).status for _ in range(3)]
    assert answers == [201, 201, 429]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/device/code", {"label": "x" * 81}), ("/api/v1/device/code", {"other": 1}),
        ("/api/v1/device/code", []), ("/api/v1/device/token", {}), ("/api/v1/device/token", {"device_code": 7}),
        ("/api/v1/device/token", {"device_code": "x" * 201}), ("/api/v1/device/token", None),
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_malformed_is_told(console, path, body):
    answer = await console.nobody.post(path, body)
    assert error_of(answer) == (400, "invalid")
