"""In by the organization's provider, as a person with a browser: from a terminal's code to the terminal let in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tholos.testing import openid_provider
from tholos.testing.installation import Installation
from tholos.testing.openid_provider import Registered

PEOPLE = {"ada.l": {"email": "ada@example.org", "email_verified": True, "name": "Ada Lovelace"}}


@pytest.fixture(scope="module")
def organization(tmp_path_factory):
    """A server whose people sign in by a real provider; to a browser the two are different sites."""
    port = openid_provider.free_port()
    installation = Installation(
        tmp_path_factory.mktemp("site"),
        {
            "THOLOS_OPENID__ISSUER": f"http://127.0.0.1:{port}",
            "THOLOS_OPENID__CLIENT_ID": "tholos",
            "THOLOS_OPENID__CLIENT_SECRET": Registered([]).client_secret,
            "THOLOS_OPENID__NAME": "the university",
        },
    )
    installation.start()
    try:
        registered = Registered([f"{installation.url}/sign-in/openid/return"])
        with openid_provider.running(PEOPLE, registered, port=port):
            yield installation
    finally:
        installation.clean()


def sign_in_there(page):
    """What the provider's own pages ask for."""
    page.get_by_role("link", name="Sign in with the university").click()
    page.locator("input[name=login]").fill("ada.l")
    page.locator("input[name=password]").fill("anything")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_terminal_is_let_in_by_who_signs_in_at_the_provider(organization, browser):
    code = organization.api("POST", "/api/v1/device/code", {"label": "tholos on laptop"}, token="")
    context = browser.new_context()
    page = context.new_page()
    page.goto(str(code["verification_uri_complete"]))
    expect(page.locator("h1")).to_have_text("Sign in")
    sign_in_there(page)
    expect(page.locator("h1")).to_have_text("Let this terminal in?")
    expect(page.locator("main")).to_contain_text(str(code["user_code"]))
    page.get_by_role("button", name="Let it in").click()
    expect(page.locator("h1")).to_have_text("The terminal is in")
    made = organization.api("POST", "/api/v1/device/token", {"device_code": code["device_code"]}, token="")
    assert made["account"]["name"] == "ada"
    page.goto(f"{organization.url}/account")
    expect(page.locator("main")).to_contain_text("tholos on laptop")
    context.close()


def test_signing_out_says_that_the_other_session_goes_on(organization, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{organization.url}/sign-in")
    sign_in_there(page)
    expect(page.locator("h1")).to_have_text("Apps")
    page.locator("[data-menu] summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status").first).to_contain_text("You may still be signed in at the university")
    expect(page.get_by_role("link", name="sign out there")).to_have_attribute(
        "href", re.compile("/session/end")
    )
    context.close()
