"""With https: cookies that an app plants for its siblings and for the console, in a real browser, both ways.

The installation has a domain as real ones have; a browser takes no cookie for all of ``localhost``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import uuid

import pytest

from tholos.testing import chromium
from tholos.testing.authority import Authority
from tholos.testing.installation import Installation
from tholos.testing.trial import Trial

ADDRESS = "127.0.0.2"
"""There TLS is ended, as a proxy of one's own would; the installation listens at the usual one, by the same port."""
NAMES = ("tholos_session", "tholos_handle", "tholos_pass", "tholos_txn_01234567")
PLANTS = '''"""Answers what it was sent, and plants cookies for the whole domain."""

import json

NAMES = ("tholos_session", "tholos_handle", "tholos_pass", "tholos_txn_01234567")


def application(environ, start_response):
    heard = {"cookie": environ.get("HTTP_COOKIE", ""), "account": environ.get("HTTP_X_THOLOS_ACCOUNT", "")}
    planted = [
        ("Set-Cookie", f"{prefix}{name}=evil; Path={path}; Secure; Domain=example.test")
        for name in NAMES for prefix in ("", "__Host-", "__Secure-", "__hOsT-") for path in ("/", "/account")
    ]
    ours = [("Set-Cookie", "theme=dark; Domain=example.test; Secure")]
    head = [("Content-Type", "text/html; charset=utf-8"), *ours]
    start_response("200 OK", head + (planted if environ["PATH_INFO"] == "/plant" else []))
    return [f"<title>Heard</title><pre>{json.dumps(heard)}</pre>".encode()]
'''
TOSSES = """(names) => {
  for (const name of names) {
    for (const prefix of ["", "__Host-", "__Secure-", "__HOST-"]) {
      for (const path of ["/", "/account", "/.tholos"]) {
        document.cookie = `${prefix}${name}=evil; Domain=example.test; Path=${path}; Secure`;
      }
    }
  }
}"""
OVERFLOWS = """() => {
  for (let i = 0; i < 200; i++) document.cookie = `c${i}=x; Path=/; Domain=example.test; Secure`;
}"""


async def ending_tls(context, port, is_over, is_up):
    """Pass on what comes by TLS to the same port of the usual address, until it is over."""

    async def copy(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def pass_on(reader, writer):
        with contextlib.suppress(ConnectionError):
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copy(reader, other_writer), copy(other_reader, writer))

    async with await asyncio.start_server(pass_on, ADDRESS, port, ssl=context):
        is_up.set()
        await asyncio.to_thread(is_over.wait)


@pytest.fixture(scope="module")
def installation(tmp_path_factory, unused_tcp_port_factory):
    """Behind TLS, with the hostile app and another one, which everybody may open who is signed in."""
    port = unused_tcp_port_factory()
    settings = {
        "THOLOS_PUBLIC_URL": f"https://tholos.example.test:{port}",
        "THOLOS_APPS_DOMAIN": "example.test",
    }
    made = Installation(tmp_path_factory.mktemp("site"), settings, _port=port)
    context = Authority.make(tmp_path_factory.mktemp("authority")).context_for(ADDRESS)
    is_over, is_up = threading.Event(), threading.Event()
    ending = threading.Thread(target=lambda: asyncio.run(ending_tls(context, port, is_over, is_up)))
    ending.start()
    try:
        assert is_up.wait(chromium.PATIENCE_S)
        made.start()
        for name in ("hostile", "target"):
            Trial(made).publish(name, {"app.py": PLANTS})
            made.api("PATCH", f"/api/v1/apps/{name}/access", {"audience": "signed_in"})
        yield made
        made.clean()
    finally:
        is_over.set()
        ending.join()


@pytest.fixture(scope="module", params=["door", "gateway"])
def site(request, installation):
    mode = "on" if request.param == "gateway" else "off"
    installation.settings = {**installation.settings, "THOLOS_GATEWAY__MODE": mode}
    installation.restart()
    return installation


@pytest.fixture
def name():
    return f"ada-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def browser():
    with chromium.running(f"--host-resolver-rules=MAP *.example.test {ADDRESS}") as made:
        yield made


def heard(page, site, app, path="/"):
    page.goto(f"https://{app}.example.test:{site.port}{path}")
    return json.loads(page.locator("pre").inner_text())


def test_what_an_app_plants_for_its_siblings_changes_nothing_for_them(site, browser, name):
    """Sign-in goes on, nobody is somebody else, our cookies reach no app, and the app's own do."""
    link = str(site.api("POST", "/api/v1/accounts", {"name": name, "role": "viewer"})["sign_in_url"])
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    chromium.sign_in(page, link, "correct horse battery")
    assert heard(page, site, "target")["account"] == name
    for plant in (lambda: heard(page, site, "hostile", "/plant"), lambda: page.evaluate(TOSSES, NAMES)):
        plant()
        for app in ("target", "hostile"):
            said = heard(page, site, app)
            assert said["account"] == name
            assert "__Host-tholos" not in said["cookie"]
        assert "__Host-" not in page.evaluate("() => document.cookie")
        page.goto(f"{site.url}/account")
        assert name in page.locator("body").inner_text()
        ours = {one["name"]: one for one in context.cookies() if one["name"].startswith("__Host-")}
        assert {"__Host-tholos_session", "__Host-tholos_pass", "__Host-tholos_handle"} <= ours.keys()
        assert all(one["httpOnly"] and one["secure"] and one["value"] != "evil" for one in ours.values())
    heard(page, site, "hostile")
    page.evaluate(OVERFLOWS)  # a browser keeps so many of one domain, and lets go of others
    page.goto(f"https://target.example.test:{site.port}/deep")
    if page.get_by_label("Password").is_visible():
        sign_in_again(page, name)
    assert json.loads(page.locator("pre").inner_text())["account"] == name
    context.close()


def sign_in_again(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/deep")


def test_who_comes_with_planted_cookies_signs_in_as_anybody(site, browser, name):
    made = site.api("POST", "/api/v1/accounts", {"name": name, "role": "viewer"})
    fresh = browser.new_context(ignore_https_errors=True)
    fresh.add_cookies([
        {"name": one, "value": "evil", "domain": ".example.test", "path": "/", "secure": True} for one in NAMES
    ])  # fmt: skip
    page = fresh.new_page()
    chromium.sign_in(page, str(made["sign_in_url"]))
    assert heard(page, site, "target", "/deep")["account"] == name
    fresh.close()
