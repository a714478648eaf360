"""Signing in by a real provider, from the button to the page that one wanted."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tholos.accounts import groups
from tholos.accounts import service as accounts
from tholos.accounts.models import DEFAULT_ORGANIZATION, Role
from tholos.accounts.openid import OpenIdClient
from tholos.accounts.provider import Provider
from tholos.audit.models import Action, AuditEntry
from tholos.testing import openid_provider
from tholos.testing.clock import TestClock
from tholos.testing.openid_provider import Registered

HOME = "http://localhost:8080/"
REGISTERED = Registered([f"{HOME}sign-in/openid/return"])
ADA = {
    "email": "Ada@Example.org",
    "email_verified": True,
    "name": "Ada Lovelace",
    "groups": ["staff", "/lab/wind"],
}
PEOPLE = {
    "ada.l": ADA,
    "bob": {"email": "bob@example.org", "email_verified": False, "preferred_username": "Bob B."},
    "root": {"email": "root@example.org", "email_verified": True, "groups": ["admins"]},
}


@pytest.fixture
def clock():
    """A token's times are those of the provider's own clock."""
    return TestClock(datetime.now(UTC))


@pytest.fixture(scope="module")
def started():
    with openid_provider.running(PEOPLE, REGISTERED) as one:
        yield one


@pytest.fixture
def provider(started):
    started.set_people(PEOPLE)
    return started


class Site:
    """The console with a provider, and browsers that go there and back."""

    def __init__(self, console, provider) -> None:
        self.console, self.provider = console, provider

    def configure(self, **changed) -> None:
        options = {
            "client_secret": REGISTERED.client_secret,
            "name": "the university",
            "groups_claim": "groups",
            "scopes": ("openid", "profile", "email", "groups"),
        }
        client = OpenIdClient(self.provider.issuer, REGISTERED.client_id, **{**options, **changed})
        self.console.application.state.services.add(Provider(client, total_s=30))

    async def sign_in(self, name, *, next_path="", **options):
        """What the browser is answered that comes back."""
        asgi = self.console.nobody.with_headers(accept="text/html")
        began = await asgi.get(f"/sign-in/openid{next_path and f'?next={next_path}'}")
        assert began.status == 303, began.text
        cookie = "; ".join(f"{key}={value}" for key, value in began.cookies.items())
        back = openid_provider.sign_in(began.headers["location"], name, to=HOME, **options)
        return await asgi.with_headers(cookie=cookie).get(back.removeprefix(HOME[:-1]))

    def account(self, name):
        with self.console.database.read() as db:
            return accounts.find_account(db, DEFAULT_ORGANIZATION, name)

    def change(self, name, **values):
        with self.console.database.write() as db:
            account = accounts.find_account(db, DEFAULT_ORGANIZATION, name)
            for key, value in values.items():
                setattr(account, key, value)

    def groups_of(self, name):
        account = self.account(name)
        with self.console.database.read() as db:
            return {group.name for group in groups.list_of(db, account.id)}

    def deeds(self, action):
        with self.console.database.read() as db:
            return db.query(AuditEntry).filter_by(action=action).all()


@pytest.fixture
def site(console, provider):
    one = Site(console, provider)
    one.configure()
    return one


async def who_is(site, answer):
    assert answer.status == 303, answer.text
    asgi = site.console.nobody.with_headers(cookie=f"tholos_session={answer.cookies['tholos_session']}")
    return (await asgi.get("/api/v1/me")).json


async def test_from_the_button_to_the_page_that_one_wanted(site):
    page = await site.console.nobody.get("/sign-in?next=/device")
    assert 'href="/sign-in/openid?next=%2Fdevice"' in page.text
    answer = await site.sign_in("ada.l", next_path="/device")
    assert answer.headers["location"] == "/device"
    me = await who_is(site, answer)
    assert (me["name"], me["role"], me["email"], me["full_name"]) == (
        "ada-2",
        "viewer",
        "ada@example.org",
        "Ada Lovelace",
    )
    assert site.groups_of("ada-2") == {"staff", "lab::wind"}
    again = await who_is(site, await site.sign_in("ada.l"))
    assert again["id"] == me["id"]


async def test_the_account_with_a_confirmed_address_is_linked_once(site):
    site.change("ada", email="ada@example.org")
    me = await who_is(site, await site.sign_in("ada.l"))
    assert (me["name"], me["role"]) == ("ada", "publisher")
    assert [deed.subject_name for deed in site.deeds(Action.IDENTITY_LINKED)] == ["ada"]
    site.provider.set_people({**PEOPLE, "ada.l": {**ADA, "email": "countess@example.org"}})
    assert (await who_is(site, await site.sign_in("ada.l")))["name"] == "ada", (
        "the subject counts, not the address"
    )


async def test_an_address_that_the_person_typed_here_leads_nowhere(site):
    me = site.console.by_token("ada")
    changed = await me.send("PATCH", "/api/v1/me", b'{"email": "root@example.org"}')
    assert changed.status == 200
    assert (await who_is(site, await site.sign_in("root")))["name"] == "root"


async def test_an_address_that_the_provider_does_not_vouch_for_leads_nowhere(site):
    site.change("bob", email="bob@example.org")
    me = await who_is(site, await site.sign_in("bob"))
    assert me["name"] == "bob-b"
    assert me["email"] == "", "nobody vouched for it"


async def test_a_changed_subject_is_refused_until_somebody_unlinks_it(site):
    site.change("ada", email="ada@example.org")
    await site.sign_in("ada.l")
    site.provider.set_people({"ada.l": {**ADA, "sub": "another"}})
    answer = await site.sign_in("ada.l")
    assert answer.status == 403
    assert "belongs to another identity" in answer.text
    assert "tholos_session" not in answer.cookies
    (deed,) = site.deeds(Action.SIGN_IN_REFUSED)
    assert deed.after == {"why": "identity_changed"}
    admin = site.console.by_token("admin")
    (known,) = (await admin.get("/api/v1/accounts/ada/identities")).json["items"]
    assert (known["subject"], known["email"]) == ("ada.l", "ada@example.org")
    assert (await admin.ask("DELETE", f"/api/v1/accounts/ada/identities/{known['id']}")).status == 204
    assert (await admin.ask("DELETE", f"/api/v1/accounts/ada/identities/{known['id']}")).status == 404
    assert (await who_is(site, await site.sign_in("ada.l")))["name"] == "ada"


async def test_groups_follow_at_each_sign_in(site):
    await site.sign_in("ada.l")
    site.provider.set_people({"ada.l": {**ADA, "groups": ["staff", "new"]}})
    await site.sign_in("ada.l")
    assert site.groups_of("ada-2") == {"staff", "new"}
    site.provider.set_people({"ada.l": {key: value for key, value in ADA.items() if key != "groups"}})
    await site.sign_in("ada.l")
    assert site.groups_of("ada-2") == set(), "who has lost the last one is in none"


async def test_groups_are_left_alone_where_they_are_not_asked_for(site):
    site.configure(groups_claim="")
    await site.sign_in("ada.l")
    assert site.groups_of("ada-2") == set()


async def test_a_group_makes_administrators_and_unmakes_them(site):
    site.configure(administrators_group="admins", default_role=Role.PUBLISHER)
    assert (await who_is(site, await site.sign_in("root")))["role"] == "administrator"
    site.provider.set_people({"root": {**PEOPLE["root"], "groups": []}})
    assert (await who_is(site, await site.sign_in("root")))["role"] == "publisher"


async def test_the_last_administrator_stays_one(site):
    site.configure(administrators_group="admins")
    site.change("admin", email="ada@example.org")
    assert (await who_is(site, await site.sign_in("ada.l")))["role"] == "administrator"


async def test_a_disabled_account_is_refused(site):
    await site.sign_in("ada.l")
    site.change("ada-2", is_disabled=True)
    answer = await site.sign_in("ada.l")
    assert answer.status == 403
    assert "is disabled" in answer.text
    assert [deed.subject_name for deed in site.deeds(Action.SIGN_IN_REFUSED)] == ["ada-2"]


async def test_who_has_no_account_may_get_none(site):
    site.configure(may_create=False)
    answer = await site.sign_in("ada.l")
    assert answer.status == 403
    assert "you have no account here" in answer.text
    assert site.account("ada-2") is None


async def test_only_some_domains_get_in(site):
    site.configure(allowed_domains=frozenset({"example.org"}))
    assert (await site.sign_in("ada.l")).status == 303
    answer = await site.sign_in("bob")
    assert answer.status == 403
    assert "at example.org" in answer.text


async def test_a_person_who_goes_away_is_told_how_to_go_on(site):
    answer = await site.sign_in("ada.l", is_agreed=False)
    assert answer.status == 403
    assert "access_denied" in answer.text
    assert "Begin again" in answer.text


async def test_a_state_cannot_be_used_by_another_browser(site):
    asgi = site.console.nobody.with_headers(accept="text/html")
    began = await asgi.get("/sign-in/openid")
    back = openid_provider.sign_in(began.headers["location"], "root", to=HOME)
    assert parse_qs(urlsplit(back).query)["iss"] == [site.provider.issuer]
    assert (await asgi.get(back.removeprefix(HOME[:-1]))).status == 401


@pytest.mark.parametrize("auth_method", ["client_secret_post", "none"])
async def test_other_ways_to_be_known_there(console, auth_method):
    """The provider offers several ways, and refuses all but one to this client."""
    registered = Registered(REGISTERED.redirect_uris, auth_method=auth_method)
    with openid_provider.running(PEOPLE, registered, by_userinfo=False) as provider:
        site = Site(console, provider)
        site.configure(client_secret="" if auth_method == "none" else registered.client_secret)
        assert (await who_is(site, await site.sign_in("ada.l")))["name"] == "ada-2"


async def test_a_wrong_secret_of_ours_is_told(site):
    site.configure(client_secret="another one")
    answer = await site.sign_in("ada.l")
    assert answer.status == 503
    assert "registration" in answer.text


async def test_a_provider_that_stops_and_comes_back_with_new_keys(site, clock):
    """Nobody who is in is thrown out, a password still works, and nothing needs a restart here."""
    answer = await site.sign_in("ada.l")
    site.provider.stop()
    try:
        assert (await who_is(site, answer))["name"] == "ada-2"
        clock.move(timedelta(hours=2))
        away = await site.console.nobody.with_headers(accept="text/html").get("/sign-in/openid")
        assert away.status == 303, "what is known of it still holds; its own page says that it is away"
        site.configure()
        away = await site.console.nobody.with_headers(accept="text/html").get("/sign-in/openid")
        assert away.status == 503
        assert 'name="password"' in away.text
    finally:
        site.provider.start()
    clock.move(timedelta(seconds=6) - timedelta(hours=2))
    assert (await who_is(site, await site.sign_in("ada.l")))["name"] == "ada-2"


async def test_a_real_provider_says_when_somebody_signed_in_who_is_to_be_asked_again(site):
    site.configure(asks_again=True)
    assert (await site.sign_in("ada.l")).status == 303
