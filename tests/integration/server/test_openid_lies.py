"""A provider that lies, is slow, or is away: nobody gets in by it, the page says why, and a password still works."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tholos.accounts import service as accounts
from tholos.accounts.models import Identity
from tholos.accounts.openid import OpenIdClient
from tholos.accounts.passwords import hash_password
from tholos.accounts.provider import Provider
from tholos.testing import lying_provider
from tholos.testing.clock import TestClock

PASSWORD = "correct horse battery"


@pytest.fixture
def clock():
    """A token's times are those of the provider's own clock."""
    return TestClock(datetime.now(UTC))


@pytest.fixture
def provider():
    with lying_provider.running() as one:
        yield one


@pytest.fixture
def site(console, provider):
    """The console, with that provider as its own."""
    client = OpenIdClient(provider.issuer, "tholos", "a secret", name="the university")
    console.application.state.services.add(Provider(client, total_s=20))
    return console


class Browser:
    """Goes to the provider and back."""

    def __init__(self, site, provider):
        self.site, self.provider = site, provider
        self.jar = {}

    @property
    def asgi(self):
        cookie = "; ".join(f"{name}={value}" for name, value in self.jar.items() if value)
        return self.site.nobody.with_headers(cookie=cookie, accept="text/html")

    async def begin(self, next_path=""):
        answer = await self.asgi.get(f"/sign-in/openid{f'?next={next_path}' if next_path else ''}")
        self.jar |= answer.cookies
        return answer

    async def come_back(self, query):
        answer = await self.asgi.get(f"/sign-in/openid/return?{query}")
        self.jar |= answer.cookies
        return answer

    async def sign_in(self):
        began = await self.begin()
        assert began.status == 303, began.text
        return await self.come_back(self.provider.take(began.headers["location"]))


@pytest.fixture
def browser(site, provider):
    return Browser(site, provider)


def is_signed_in(answer):
    return answer.status == 303 and bool(answer.cookies.get("tholos_session"))


def no_one_is_known(site):
    with site.database.read() as db:
        return db.query(Identity).count() == 0


async def test_the_truth_is_believed(browser, provider):
    provider.claims |= {"email": "ada@example.org", "email_verified": True}
    answer = await browser.sign_in()
    assert is_signed_in(answer), answer.text
    assert provider.forms[0]["grant_type"] == "authorization_code"
    assert len(provider.forms[0]["code_verifier"]) >= 43
    assert "/userinfo" not in provider.asked, "the token said everything"


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "another"}, {"nonce": None}, {"iss": "http://127.0.0.1:1"}, {"aud": "other"}, {"azp": "other"},
        {"exp": int(time.time()) - 3600}, {"iat": int(time.time()) + 3600}, {"sub": None},
    ],
    ids=["nonce", "no-nonce", "issuer", "audience", "party", "ended", "not-yet", "nobody"],
)  # fmt: skip
async def test_a_wrong_token_lets_nobody_in(site, browser, provider, changed):
    provider.claims |= changed
    answer = await browser.sign_in()
    assert answer.status == 503
    assert "Cannot sign in by the provider" in answer.text
    assert 'name="password"' in answer.text, "the other way is still there"
    assert "tholos_session" not in answer.cookies
    assert no_one_is_known(site)


async def test_a_signature_by_another_key_lets_nobody_in(site, browser, provider):
    provider.signs_with = "another"
    assert (await browser.sign_in()).status == 503
    assert no_one_is_known(site)


async def test_new_keys_are_asked_for_once_they_are_used(browser, provider, clock):
    assert is_signed_in(await browser.sign_in())
    provider.publishes = provider.signs_with = provider.key_name = "two"
    clock.move(11)
    browser.jar.clear()
    assert is_signed_in(await browser.sign_in())
    assert provider.asked.count("/keys") == 2


async def test_keys_that_are_not_known_do_not_lead_to_asking_again_and_again(browser, provider):
    assert is_signed_in(await browser.sign_in())
    provider.key_name, provider.answers["/keys"] = "two", (200, b'{"keys": []}')
    for _ in range(3):
        browser.jar.clear()
        assert (await browser.sign_in()).status == 503
    assert provider.asked.count("/keys") == 1


async def test_another_issuer_is_none(browser, provider):
    provider.metadata["issuer"] = "http://127.0.0.1:1"
    answer = await browser.begin()
    assert answer.status == 503
    assert "calls itself" in answer.text


async def test_an_answer_in_anothers_name_is_none(site, browser, provider):
    began = await browser.begin()
    query = provider.take(began.headers["location"])
    answer = await browser.come_back(f"{query}&iss=http%3A%2F%2F127.0.0.1%3A1")
    assert answer.status == 503
    assert provider.forms == [], "the code went nowhere"


async def test_a_provider_that_names_itself_always_does(browser, provider):
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert (await browser.sign_in()).status == 503


async def test_what_it_says_besides_about_somebody_else_is_not_taken(site, browser, provider):
    provider.userinfo = {"sub": "u2", "email": "admin@example.org", "email_verified": True}
    assert (await browser.sign_in()).status == 503
    assert no_one_is_known(site)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/token", (200, b"[]")), ("/token", (200, b"not json")), ("/token", (200, b"{}")),
        ("/token", (200, b'{"id_token": 7}')), ("/token", (200, b'{"id_token": "\\ud800.a.b"}')),
        ("/token", (400, b'{"error": "\\ud800\\u0000"}')), ("/token", (200, b'{"id_token": "bnVsbA.a.b"}')),
        ("/token", (302, b"")), ("/token", (500, b"oops")),
        ("/token", (400, b'{"error": "invalid_grant"}')), ("/token", (401, b"")), ("/keys", (200, b'{"keys": 1}')),
        ("/keys", (404, b"")), ("/token", (200, b"{" * 100_000)), ("/token", (200, b" " * (2 << 20))),
    ],
    ids=lambda one: str(one)[:40],
)  # fmt: skip
async def test_whatever_it_answers_the_page_says_so(site, browser, provider, path, answer):
    provider.answers[path] = answer
    page = await browser.sign_in()
    assert page.status == 503
    assert "Cannot sign in by the provider" in page.text
    assert no_one_is_known(site)


async def test_a_slow_provider_is_not_waited_for(site, provider):
    provider.delay_s = 60
    site.application.state.services.add(Provider(OpenIdClient(provider.issuer, "tholos"), total_s=0.3))
    began = time.monotonic()
    answers = await asyncio.gather(
        *(site.nobody.with_headers(accept="text/html").get("/sign-in/openid") for _ in range(4))
    )
    assert time.monotonic() - began < 15
    assert {answer.status for answer in answers} == {503}
    assert "did not answer within" in answers[0].text
    assert len(provider.asked) == 1, "who waited in line was told at once"


async def test_a_provider_that_is_away_is_told_and_asked_again_after_a_moment(site, provider, clock):
    client = OpenIdClient("http://127.0.0.1:9", "tholos", name="the university")
    site.application.state.services.add(Provider(client, total_s=0.5))
    answer = await site.nobody.with_headers(accept="text/html").get("/sign-in/openid?next=/device")
    assert answer.status == 503
    assert "does not answer" in answer.text
    assert '<input type="hidden" name="next" value="/device">' in answer.text


async def test_what_is_known_of_it_outlasts_a_failure(browser, provider, clock):
    assert is_signed_in(await browser.sign_in())
    provider.answers["/.well-known/openid-configuration"] = (500, b"")
    clock.move(timedelta(hours=2))
    browser.jar.clear()
    assert (await browser.begin()).status == 303


async def test_a_password_works_while_the_provider_is_away(site, provider):
    with site.database.write() as db:
        accounts.set_password(db, site.people.ada.account_id, hash_password(PASSWORD))
    provider.answers["/.well-known/openid-configuration"] = (500, b"")
    page = await site.nobody.get("/sign-in")
    assert "Sign in with the university" in page.text
    own = site.nobody.with_headers(origin="http://localhost:8080")
    assert is_signed_in(await own.form("/sign-in", {"name": "ada", "password": PASSWORD}))


async def test_only_the_browser_that_began_comes_back(site, browser, provider):
    began = await browser.begin()
    query = provider.take(began.headers["location"])
    stranger = Browser(site, provider)
    await stranger.begin()
    answer = await stranger.come_back(query)
    assert answer.status == 401
    assert "this browser began" in answer.text
    assert provider.forms == []
    assert is_signed_in(await browser.come_back(query)), "a stranger's try takes nothing away"


async def test_a_sign_in_comes_back_once_and_in_time(browser, provider, clock):
    began = await browser.begin()
    query = provider.take(began.headers["location"])
    kept = dict(browser.jar)
    assert is_signed_in(await browser.come_back(query))
    browser.jar = kept
    assert (await browser.come_back(query)).status == 401
    browser.jar = {}
    query = provider.take((await browser.begin()).headers["location"])
    clock.move(timedelta(minutes=11))
    assert (await browser.come_back(query)).status == 401


async def test_two_tabs_do_not_disturb_each_other_and_many_give_way(browser, provider):
    first = provider.take((await browser.begin("/apps/a")).headers["location"])
    nonce = provider.nonce
    await browser.begin("/apps/b")
    provider.nonce = nonce
    assert (await browser.come_back(first)).headers["location"] == "/apps/a"
    browser.jar = {}
    for _ in range(8):
        await browser.begin()
    assert len([value for value in browser.jar.values() if value]) == 5


async def test_the_way_there_keeps_its_secrets(browser, provider):
    answer = await browser.begin()
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["redirect_uri"] == ["http://localhost:8080/sign-in/openid/return"]
    assert query["code_challenge_method"] == ["S256"]
    assert "a secret" not in answer.headers["location"]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nset-cookie:x"]
)
async def test_nobody_is_led_away(browser, provider, target):
    answer = await browser.begin(quote(target, safe=""))
    back = await browser.come_back(provider.take(answer.headers["location"]))
    assert back.headers["location"] == "/"


@pytest.mark.parametrize("query", ["", "state=x", "code=x&state=x", "error=access_denied&state=x"])
async def test_a_return_that_nobody_began_is_told(site, query):
    answer = await site.nobody.with_headers(accept="text/html").get(f"/sign-in/openid/return?{query}")
    assert answer.status == 401
    assert "Begin again" in answer.text


async def test_a_no_of_the_provider_is_told_in_its_word_and_no_other(browser, provider):
    for word, shown in (("access_denied", True), ("<b>", False)):
        began = await browser.begin()
        state = parse_qs(urlsplit(began.headers["location"]).query)["state"][0]
        answer = await browser.come_back(f"error={word}&state={state}&error_description=call+0900")
        assert answer.status == 403
        assert ("access_denied" in answer.text) is shown
        assert "0900" not in answer.text


async def test_who_signs_out_is_told_that_the_other_session_goes_on(browser, provider):
    await browser.sign_in()
    out = await browser.asgi.with_headers(origin="http://localhost:8080").form("/sign-out", {})
    assert out.headers["location"] == "/sign-in?out=true"
    page = (await browser.site.nobody.get("/sign-in?out=true")).text
    assert "You may still be signed in at the university" in page
    assert f'href="{provider.issuer}/end?client_id=tholos"' in page


async def test_without_a_provider_there_is_no_other_way(console):
    page = await console.nobody.get("/sign-in?out=true")
    assert "openid" not in page.text
    assert "still be signed in" not in page.text
    answer = await console.nobody.with_headers(accept="text/html").get("/sign-in/openid")
    assert answer.status == 503
    assert "none is set" in answer.text


async def test_no_secret_of_a_sign_in_is_kept_as_it_is(site, browser, provider):
    await browser.begin()
    with site.database.read() as db:
        kept = json.dumps(
            [
                list(map(str, row))
                for row in db.connection().exec_driver_sql(
                    "select state_hash, browser_hash from provider_sign_ins"
                )
            ]
        )
    for value in browser.jar.values():
        assert value not in kept


# Where apps share the console's origin


@pytest.fixture
def asking_again(site, provider):
    """Where a page of an app could open the provider, which may remember the person: it has to ask."""
    client = OpenIdClient(provider.issuer, "tholos", "a secret", asks_again=True)
    site.application.state.services.add(Provider(client, total_s=20))
    return site


async def test_who_was_asked_again_is_let_in(asking_again, browser, provider):
    assert is_signed_in(await browser.sign_in())
    assert provider.is_asked_again


@pytest.mark.parametrize(
    "says",
    [None, int(time.time()) - 3600, int(time.time()) + 3600, "now", True],
    ids=["nothing", "before", "later", "a-word", "yes"],
)
async def test_who_was_not_asked_again_is_not(asking_again, browser, provider, says):
    """By a provider that remembers people all the same, or was opened by a page that left the question out."""
    provider.claims["auth_time"] = says
    answer = await browser.sign_in()
    assert answer.status == 503
    assert "tholos_session" not in answer.cookies
    assert no_one_is_known(asking_again)


async def test_to_be_asked_counts_from_when_this_sign_in_began(asking_again, browser, provider, clock):
    began = await browser.begin()
    query = provider.take(began.headers["location"])
    provider.claims |= {"auth_time": int(time.time()), "exp": int(time.time()) + 3600}
    clock.move(300)
    assert is_signed_in(await browser.come_back(query)), "whoever takes their time is in"
