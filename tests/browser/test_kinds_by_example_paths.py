"""The example of every kind, under a path of the console's host: published, opened, clicked, and its pass renewed in between."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tholos.testing import chromium, gallery
from tholos.testing.gallery import EXAMPLES, Gallery

NUMBER = itertools.count(1)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, workshop: Path) -> Iterator[Gallery]:
    with gallery.opened(tmp_path_factory.mktemp("gallery"), "paths", workshop) as room:
        yield room


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_opened_and_clicked(room, tmp_path, name):
    room.use(name, room.publish(name, tmp_path))


ECHO = '''"""Tells what it is told."""

import json
import os
import uuid

STARTED = uuid.uuid4().hex


def application(environ, start_response):
    told = {name: value for name, value in environ.items() if name.isupper() and isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({**told, "started": STARTED, "release": os.environ["THOLOS_RELEASE"]}).encode()]
'''


@pytest.fixture
def echo(room, tmp_path):
    """An app of a new name, published."""
    folder = tmp_path / f"echo-{next(NUMBER)}"
    folder.mkdir()
    (folder / "app.py").write_text(ECHO)
    publish(room, folder)
    return folder


def publish(room, folder, *words):
    done = room.server.cli("publish", str(folder), *words, token=room.token)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_an_app_is_told_and_what_not(room, echo):
    """Its prefix as a draft and when it is live, by the same process; never our cookies, nor those of another app."""
    (echo / "note.txt").write_text("the second")
    publish(room, echo, "--draft")
    server, page, name = room.server, room.page, echo.name

    def ask(path):
        page.goto(server.url + path)
        return json.loads(page.locator("pre").inner_text())

    draft = ask(f"/app/{name}--r2/a?b=c")
    assert (draft["release"], draft["SCRIPT_NAME"]) == ("2", f"/app/{name}--r2")
    assert (draft["PATH_INFO"], draft["QUERY_STRING"]) == ("/a", "b=c")
    live = ask(f"/app/{name}")
    assert (live["release"], live["SCRIPT_NAME"], live["PATH_INFO"]) == ("1", f"/app/{name}", "/")
    assert not {"HTTP_COOKIE"} & {*live, *draft}
    assert server.cli("activate", name, "2", token=room.token).returncode == 0
    now = ask(f"/app/{name}/x")
    assert (now["release"], now["SCRIPT_NAME"], now["started"]) == (
        "2",
        f"/app/{name}",
        draft["started"],
    )
    paths = {
        one["path"]
        for one in page.context.cookies(f"{server.url}/app/{name}/")
        if "session" not in one["name"]
    }
    assert paths == {f"/app/{name}/"}


def test_what_leads_where(room, echo):
    """Hosts lead nowhere, a path of one's own to the app, a token into it; a foreign page changes nothing."""
    server, name = room.server, echo.name
    room.page.goto(f"{server.url}/app/{name}/")
    assert server.ask("GET", "/", host=name, token=room.token).status == 421
    assert server.cli("path", name, "/team/echo/", token=room.token).returncode == 0
    away = server.ask("GET", "/team/echo/x?y", token="", headers={"Sec-Fetch-Mode": "navigate"})
    assert (away.status, away.headers["location"]) == (307, f"{server.url}/app/{name}/x?y")
    for path in ("/team/echo/x", f"/app/{name}/x"):
        told = json.loads(server.ask("GET", path, token=room.token).body)
        assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == (f"/app/{name}", "/x")
        assert "HTTP_AUTHORIZATION" not in told
    assert server.ask("GET", f"/app/{name}/x", token="").status == 401
    cookies = "; ".join(
        f"{one['name']}={one['value']}" for one in room.page.context.cookies(f"{server.url}/app/{name}/")
    )
    foreign = {"Cookie": cookies, "Origin": "http://evil.example"}
    assert server.ask("POST", f"/app/{name}/x", token="", headers=foreign).status == 403
    assert (
        server.ask("POST", f"/app/{name}/x", token="", headers={**foreign, "Origin": server.url}).status
        == 200
    )


TRIES = """async () => {
  const ask = async (method, path, body) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const answer = await fetch(path, { method, headers, credentials: "include", body });
    return answer.status;
  };
  return {
    console: await ask("GET", "/"),
    another: await ask("GET", "/app/%(other)s/"),
    tokens: await ask("GET", "/account"),
    token: await ask("POST", "/api/v1/tokens", "{}"),
    access: await ask("PATCH", "/api/v1/apps/%(other)s/access", '{"audience": "everyone"}'),
    variables: await ask("PATCH", "/api/v1/apps/%(other)s/variables", '{"variables": {"A": "b"}}'),
    device: await ask("POST", "/device", "{}"),
    cookies: document.cookie,
  };
}"""


def test_what_a_page_of_an_app_may_do_to_its_visitor(room, echo, tmp_path):
    """What the documentation says: see what the visitor sees, and nothing that outlasts the visit without the password."""
    hostile = tmp_path / f"hostile-{next(NUMBER)}"
    hostile.mkdir()
    (hostile / "index.html").write_text("<!doctype html><title>Hostile</title><h1>Hostile</h1>")
    publish(room, hostile)
    server = room.server
    link = str(server.api("POST", "/api/v1/accounts/ada/link", {})["sign_in_url"])
    context = room.page.context.browser.new_context()
    try:
        page = context.new_page()
        chromium.sign_in(page, link)
        for name in (echo.name, hostile.name):
            page.goto(f"{server.url}/app/{name}/")
        with sqlite3.connect(server.data / "tholos.db", timeout=20) as database:
            database.execute("update sessions set created_at = datetime(created_at, '-1 hour')")
        got = page.evaluate(TRIES % {"other": echo.name})
    finally:
        context.close()
    assert (got["console"], got["another"], got["tokens"]) == (200, 200, 200), "one origin, as is said"
    refused = {name: got[name] for name in ("token", "access", "variables", "device")}
    assert set(refused.values()) == {403}, refused
    assert "tholos_" not in got["cookies"]
    assert server.api("GET", f"/api/v1/apps/{echo.name}/access", token=room.token)["audience"] == "listed"
