"""OAuth 2.1 over HTTP: a code is good once, for a minute, for whoever asked, and for nobody else."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

BACK = "http://127.0.0.1:4711/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
async def client_id(console):
    body = {"client_name": "Posit CLI", "redirect_uris": ["http://127.0.0.1/callback"]}
    answer = await console.nobody.post("/oauth/register", body)
    assert answer.status == 201
    return answer.json["client_id"]


def asking(client_id, /, **said):
    words = {
        "response_type": "code", "client_id": client_id, "redirect_uri": BACK, "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", "state": "s1",
    }  # fmt: skip
    return {**words, **said}


async def approve(console, client_id, decision="approve"):
    answer = await console.by_session("ada").form(
        "/oauth/authorize", {**asking(client_id), "decision": decision}
    )
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"{BACK}?")
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def fetch(console, client_id, code, /, **said):
    words = {
        "grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    return await console.nobody.form("/oauth/token", {**words, **said})


async def test_what_there_is(console):
    told = (await console.nobody.get("/.well-known/oauth-authorization-server")).json
    assert told["issuer"] == "http://localhost:8080"
    assert told["token_endpoint"] == "http://localhost:8080/oauth/token"
    assert told["code_challenge_methods_supported"] == ["S256"]


async def test_somebody_says_yes(console, client_id):
    page = await console.by_session("ada").get(f"/oauth/authorize?{urlencode(asking(client_id))}")
    assert "Posit CLI" in page.text
    told = await approve(console, client_id)
    assert told["state"] == "s1"
    answer = await fetch(console, client_id, told["code"])
    assert (answer.status, answer.json["token_type"], answer.headers["cache-control"]) == (
        200,
        "Bearer",
        "no-store",
    )
    me = console.nobody.with_headers(authorization=f"Bearer {answer.json['access_token']}")
    assert (await me.get("/api/v1/me")).json["name"] == "ada"
    again = await fetch(console, client_id, told["code"])
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


async def test_somebody_says_no(console, client_id):
    assert await approve(console, client_id, "refuse") == {"error": "access_denied", "state": "s1"}


@pytest.mark.parametrize(
    "said", [{"code_verifier": "w" * 43}, {"redirect_uri": "http://127.0.0.1:4712/callback"}, {"code": "x"}]
)
async def test_whoever_did_not_ask_gets_nothing(console, client_id, said):
    code = (await approve(console, client_id))["code"]
    answer = await fetch(console, client_id, code, **said)
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert (await fetch(console, client_id, code)).status == 200


async def test_after_a_minute_it_is_too_late(console, client_id):
    code = (await approve(console, client_id))["code"]
    console.clock.move(61)
    assert (await fetch(console, client_id, code)).json["error"] == "invalid_grant"


async def test_who_signs_out_everywhere_lets_nobody_in_any_more(console, client_id):
    code = (await approve(console, client_id))["code"]
    assert (await console.by_session("ada").ask("DELETE", "/api/v1/sessions?tokens=true")).status == 200
    assert (await fetch(console, client_id, code)).status == 400


async def test_a_token_lets_no_further_program_in(console, client_id):
    answer = await console.by_token("ada").form(
        "/oauth/authorize", {**asking(client_id), "decision": "approve"}
    )
    assert answer.status == 403


async def test_only_our_own_page_says_yes(console, client_id):
    elsewhere = console.by_session("ada").with_headers(origin="https://example.org")
    answer = await elsewhere.form("/oauth/authorize", {**asking(client_id), "decision": "approve"})
    assert answer.status == 403


@pytest.mark.parametrize(
    "said",
    [{"redirect_uri": "https://example.org/"}, {"client_id": "cli.x"}, {"code_challenge_method": "plain"}],
)
async def test_what_is_asked_badly_goes_nowhere(console, client_id, said):
    answer = await console.by_session("ada").get(f"/oauth/authorize?{urlencode(asking(client_id, **said))}")
    assert answer.status == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"}, "expired_token"),
    ],
)
async def test_errors_are_those_of_oauth(console, client_id, said, error):
    answer = await fetch(console, client_id, "x", **said)
    assert (answer.status, answer.json["error"]) == (400, error)
    assert answer.json["error_description"]
