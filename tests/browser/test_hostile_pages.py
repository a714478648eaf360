"""What a page of somebody else's can do with the cookies of who looks at it, in a real browser: nothing."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

SEEN = '''"""Tells what it was asked."""

import json

seen = []


def application(environ, start_response):
    asked = [environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_X_THOLOS_ACCOUNT", "")]
    seen.append(asked)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [f"<title>Seen</title><pre>{json.dumps(seen)}</pre>".encode()]
'''
TRIES = """async (target) => {
  const tries = [];
  for (const [method, mode] of [["POST", "no-cors"], ["POST", "cors"], ["PUT", "cors"], ["DELETE", "cors"]]) {
    tries.push(fetch(target + "/changed", { method, mode, credentials: "include", body: "x" }).catch(() => null));
  }
  tries.push(new Promise((resolve) => {
    const opened = new WebSocket(target.replace("http", "ws") + "/changed");
    opened.onopen = opened.onclose = opened.onerror = resolve;
  }));
  await Promise.all(tries);
}"""
SENDS_FORM = """([action, fields]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""


class Page(http.server.BaseHTTPRequestHandler):
    """A page with a frame of no origin."""

    def do_GET(self):
        body = b"<!doctype html><title>Elsewhere</title><iframe sandbox='allow-scripts' srcdoc='<p>nobody</p>'></iframe>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere():
    """The address of a page of another site."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def target(person, folder):
    """An app of somebody who has it open."""
    made = folder(SEEN, name="target")
    person.publish(made)
    person.page.goto(person.app_url(made.name))
    return made.name


def seen(person, name):
    person.page.goto(person.app_url(name))
    return [tuple(one) for one in json.loads(person.page.locator("pre").inner_text())]


def test_only_its_own_pages_change_anything_at_an_app(person, folder, target, elsewhere):
    """Neither those of another app, nor of another site, nor of no origin; websockets least of all."""
    sibling = folder(name="sibling")
    person.publish(sibling)
    page, url = person.page, person.app_url(target)
    for hostile in (person.app_url(sibling.name), elsewhere, person.url):
        page.goto(hostile)
        page.evaluate(TRIES, url)
    page.goto(elsewhere)
    page.frames[1].evaluate(TRIES, url)
    page.evaluate(SENDS_FORM, [f"{url}/changed", {"a": "b"}])
    page.wait_for_url(f"{url}/changed")
    assert [one for one in seen(person, target) if one[1] == "/changed"] == []
    page.evaluate(TRIES, url)
    changed = {one for one in seen(person, target) if one[1] == "/changed"}
    own = {(method, "/changed", person.name) for method in ("POST", "PUT", "DELETE")}
    assert changed - {("GET", "/changed", person.name)} == own


def test_cookies_that_others_plant_make_nobody_somebody_else(person, folder, target, elsewhere):
    """For all hosts, for a deeper path, or so many that ours fall out; the sign-in of a stranger neither."""
    sibling = folder(name="sibling")
    person.publish(sibling)
    page, url = person.page, person.app_url(target)
    page.goto(person.app_url(sibling.name))
    for name in ("tholos_pass", "tholos_handle", "tholos_session"):
        page.evaluate("(name) => { document.cookie = `${name}=evil; Domain=localhost; Path=/`; }", name)
    page.goto(f"{url}/tossed")
    assert ("GET", "/tossed", person.name) in seen(person, target)
    page.evaluate("() => { document.cookie = 'tholos_pass=evil; path=/deep'; }")
    page.goto(f"{url}/deep")
    assert ("GET", "/deep", person.name) in seen(person, target)
    page.evaluate("() => { for (let i = 0; i < 250; i++) document.cookie = `c${i}=${i}; path=/many`; }")
    page.goto(f"{url}/after")
    assert ("GET", "/after", person.name) in seen(person, target)
    page.goto(elsewhere)
    page.evaluate(SENDS_FORM, [f"{person.url}/sign-in", {"name": "admin", "password": "guessed"}])
    page.wait_for_url(f"{person.url}/sign-in")
    page.goto(f"{person.url}/account")
    assert person.name in page.locator("body").inner_text()
