"""Ways in and out: the link, the password, the way to an app and back, tokens."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tholos.testing.waiting import until

PASSWORD = "a few plain words"


def test_the_link_signs_in_once(newcomer, browsing):
    """It asks for a click, sets a password if one is typed, and is then spent."""
    person = newcomer()
    page = person.sign_in(PASSWORD)
    expect(page.locator("[data-menu] summary")).to_have_accessible_name(f"Account: {person.name}")
    other = browsing().new_page()
    other.goto(person.link)
    expect(other.locator("h1")).to_have_text("This link was used already")
    other.get_by_role("link", name="Sign in with a password").click()
    other.get_by_label("Name").fill(person.name)
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.locator("h1")).to_have_text("Apps")


def test_a_wrong_password_keeps_the_name(newcomer, browsing):
    """And says neither which of the two was wrong nor whether there is such an account."""
    person = newcomer()
    person.sign_in(PASSWORD)
    page = browsing().new_page()
    told = []
    for name, password in ((person.name, "something else"), ("nobody-of-that-name", PASSWORD)):
        page.goto(f"{person.url}/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        told.append(page.get_by_role("alert").inner_text())
        assert page.get_by_label("Name").input_value() == name
        assert page.get_by_label("Password").input_value() == ""
    assert told[0] == told[1] != ""


def test_a_short_password_is_told_at_its_field(newcomer):
    """And spends nothing: the same link signs in with a longer one."""
    person = newcomer()
    person.page.goto(person.link)
    person.page.get_by_label("New password").fill("short")
    person.page.get_by_role("button", name=re.compile("^Sign in as")).click()
    expect(person.page.locator("#error-password")).to_contain_text("10")
    person.sign_in(PASSWORD)


def test_a_link_that_is_not_known(newcomer):
    person = newcomer()
    person.page.goto(f"{person.url}/setup?code=AAAAA-AAAAA-AAAAA-AAAAA")
    expect(person.page.locator("h1")).to_have_text("This link is not known here")


def test_pages_are_for_those_who_signed_in(newcomer):
    """Each leads to the sign-in, and from there to where one wanted to go."""
    person = newcomer()
    person.sign_in(PASSWORD)
    person.page.context.clear_cookies()
    for path in ("/", "/publish", "/account", "/apps/nothing", "/operations/op_nothing"):
        person.page.goto(person.url + path)
        assert person.page.url.startswith(f"{person.url}/sign-in"), path
    person.page.goto(f"{person.url}/account")
    person.page.get_by_label("Name").fill(person.name)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Sign in").click()
    expect(person.page).to_have_url(f"{person.url}/account")


def test_a_deep_link_of_an_app(newcomer, folder):
    """Somebody signed out who opens one signs in and lands on it, question and all."""
    person = newcomer()
    person.sign_in(PASSWORD)
    made = folder()
    person.publish(made)
    person.page.context.clear_cookies()
    wanted = f"{person.app_url(made.name)}/reports/2026?by=month&all=1"
    person.page.goto(wanted)
    assert person.page.url.startswith(f"{person.url}/sign-in")
    person.page.get_by_label("Name").fill(person.name)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Sign in").click()
    expect(person.page.locator("h1")).to_have_text("/reports/2026?by=month&all=1")
    assert person.page.url == wanted


def test_signing_out_ends_the_way_into_apps_too(person, folder):
    """The app's own cookie dies with the session, for what was open already as for what is asked next."""
    made = folder()
    person.publish(made)
    app = person.page.context.new_page()
    app.goto(person.app_url(made.name))
    expect(app.locator("h1")).to_have_text("/?")
    kept = person.page.context.cookies(person.app_url(made.name))
    person.page.locator("[data-menu] summary").click()
    person.page.locator("[data-menu]").get_by_role("button", name="Sign out").click()
    expect(person.page.locator("h1")).to_have_text("Sign in")
    app.reload()
    expect(app.locator("h1")).to_have_text("Sign in")
    person.page.context.add_cookies(kept)
    app.goto(person.app_url(made.name))
    expect(app.locator("h1")).to_have_text("Sign in")
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in kept)
    answer = person.server.ask("GET", "/", host=made.name, token="", headers={"Cookie": cookie})
    assert answer.status == 401


def test_tokens(person, folder):
    """One is shown once, opens what its owner may open, and is refused as soon as it is revoked."""
    page = person.page
    made = folder()
    person.publish(made)
    page.goto(f"{person.url}/account")
    page.get_by_label("Label").fill("nightly")
    page.get_by_label("Ends after").select_option("7")
    page.get_by_role("button", name="Make the token").click()
    token = page.locator(".cause.new code").inner_text()
    assert person.server.ask("GET", "/api/v1/me", token=token).status == 200
    assert "/x?" in person.server.ask("GET", "/x", host=made.name, token=token).text
    row = page.locator("tr", has_text="nightly")

    def last_used() -> str:
        page.goto(f"{person.url}/account")
        return row.locator("td[data-label='Last used']").inner_text()

    until(lambda: last_used() == "just now")  # noted once whoever asked has been answered
    assert token not in page.content()
    row.get_by_role("button", name="Revoke").click()
    expect(page.locator("tr", has_text="nightly")).to_have_count(0)
    assert person.server.ask("GET", "/api/v1/me", token=token).status == 401
    assert person.server.ask("GET", "/", host=made.name, token=token).status == 401


def test_a_password_is_changed_by_who_knows_it(newcomer):
    person = newcomer()
    page = person.sign_in(PASSWORD)
    page.goto(f"{person.url}/account")
    for present in ("not this one", PASSWORD):
        page.get_by_label("Present password").fill(present)
        page.get_by_label("New password").fill("another few words")
        page.get_by_role("button", name="Change it").click()
        if present != PASSWORD:
            expect(page.locator("#error-current")).to_be_visible()
    expect(page.get_by_text("Your password is set, and your other browsers are signed out.")).to_be_visible()
