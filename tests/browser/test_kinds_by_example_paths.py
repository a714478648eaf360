"""The example of every kind, under a path of the console's host: published, opened, clicked, and its pass renewed in between."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tholos.testing import gallery
from tholos.testing.gallery import EXAMPLES, Gallery


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with gallery.opened(tmp_path_factory.mktemp("gallery"), "paths") as room:
        yield room


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_opened_and_clicked(room, tmp_path, name):
    room.use(name, room.publish(name, tmp_path))


ECHO = '''"""Tells what it is told."""

import json
import os


def application(environ, start_response):
    told = {name: value for name, value in environ.items() if name.isupper() and isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({**told, "pid": os.getpid(), "release": os.environ["THOLOS_RELEASE"]}).encode()]
'''


def test_what_an_app_is_told_and_what_not(room, tmp_path):
    """Its prefix as a draft and when it is live, by the same process; never our cookies, nor those of another app."""
    folder = tmp_path / "echo"
    folder.mkdir()
    (folder / "app.py").write_text(ECHO)
    server, page = room.server, room.page
    for words in ([], ["--draft"]):
        (folder / "note.txt").write_text(str(words))
        done = server.cli("publish", str(folder), *words, token=room.token)
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(path):
        page.goto(server.url + path)
        return json.loads(page.locator("pre").inner_text())

    draft = ask("/app/echo--r2/a?b=c")
    assert (draft["release"], draft["SCRIPT_NAME"]) == ("2", "/app/echo--r2")
    assert (draft["PATH_INFO"], draft["QUERY_STRING"]) == ("/a", "b=c")
    live = ask("/app/echo")
    assert (live["release"], live["SCRIPT_NAME"], live["PATH_INFO"]) == ("1", "/app/echo", "/")
    assert not {"HTTP_COOKIE"} & {*live, *draft}
    assert server.cli("activate", "echo", "2", token=room.token).returncode == 0
    now = ask("/app/echo/x")
    assert (now["release"], now["SCRIPT_NAME"], now["pid"]) == ("2", "/app/echo", draft["pid"])
    paths = {
        one["path"] for one in page.context.cookies(f"{server.url}/app/echo/") if "session" not in one["name"]
    }
    assert paths == {"/app/echo/"}


def test_what_leads_where(room):
    """Hosts lead nowhere, a path of one's own to the app, a token into it; a foreign page changes nothing."""
    server = room.server
    assert server.ask("GET", "/", host="echo", token=room.token).status == 421
    assert server.cli("path", "echo", "/team/echo/", token=room.token).returncode == 0
    away = server.ask("GET", "/team/echo/x?y", token="", headers={"Sec-Fetch-Mode": "navigate"})
    assert (away.status, away.headers["location"]) == (307, f"{server.url}/app/echo/x?y")
    for path in ("/team/echo/x", "/app/echo/x"):
        told = json.loads(server.ask("GET", path, token=room.token).body)
        assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/app/echo", "/x")
        assert "HTTP_AUTHORIZATION" not in told
    assert server.ask("GET", "/app/echo/x", token="").status == 401
    cookies = "; ".join(
        f"{one['name']}={one['value']}" for one in room.page.context.cookies(f"{server.url}/app/echo/")
    )
    foreign = {"Cookie": cookies, "Origin": "http://evil.example"}
    assert server.ask("POST", "/app/echo/x", token="", headers=foreign).status == 403
    assert (
        server.ask("POST", "/app/echo/x", token="", headers={**foreign, "Origin": server.url}).status == 200
    )
