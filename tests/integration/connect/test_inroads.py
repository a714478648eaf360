"""Addresses of content on the console's host, as programs and browsers ask for them."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.integration.connect.conftest import guid_in, manifest, pack
from websockets.sync.client import connect

MIRROR = '''"""Tells of a request, and of where it runs; needs no package."""

import json
import os


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": scope["path"] + " " + message["text"]})
        await send({"type": "websocket.close"})
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "body": body.decode(),
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "env": dict(os.environ),
    }
    headers = [(b"content-type", b"application/json"), (b"set-cookie", b"own=1; Path=/")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})
'''
PACKED = gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)


@pytest.fixture(scope="module")
def mirror(clients, tmp_path_factory):
    """The GUID of an app that tells what reached it."""
    made = tmp_path_factory.mktemp("mirror") / "mirror"
    made.mkdir()
    for path, text in {
        "app.py": MIRROR,
        "requirements.txt": "\n",
        ".python-version": "3.11\n",
    }.items():
        (made / path).write_text(text)
    clients.deploys(made, "-E", "GREETING=hello", kind="fastapi")
    return guid_in(made)


@pytest.fixture(scope="module")
def site(clients):
    """GUID and bundle of files that were uploaded and are deployed."""
    guid = clients.ask("POST", "content", {}).json["guid"]
    files = {
        "index.html": "<h1>a site</h1>",
        "data.csv.gz": PACKED,
        "data.csv": "a,b\n1,2\n",
        "more/index.html": "more",
        "with space.txt": "spaced",
        "manifest.json": manifest("static", "index.html", python=None),
    }
    bundle = clients.ask("POST", f"content/{guid}/bundles", pack(files)).json["id"]
    task = clients.ask("POST", f"content/{guid}/deploy", {"bundle_id": bundle}).json["task_id"]
    assert clients.api(f"tasks/{task}?first=100&wait=30")["code"] == 0
    return guid, bundle


def ask(clients, path, method="GET", body=None, **headers):
    sent = {"Authorization": f"Key {clients.key}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return clients.server.ask(method, path, body, headers=sent, token="")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("", "/", ""),
        ("/", "/", ""),
        ("?a=1&b=%20", "/", "a=1&b=%20"),
        ("/deep/er/?q=a%2Fb", "/deep/er/", "q=a%2Fb"),
        ("/_bundle", "/_bundle", ""),
        ("/%C3%A4", "/ä", ""),
    ],
)
def test_what_reaches_the_app(clients, mirror, target, path, query):
    told = json.loads(ask(clients, f"/content/{mirror}{target}").body)
    assert (told["method"], told["path"], told["query"]) == ("GET", path, query)


def test_a_body_is_carried(clients, mirror):
    told = json.loads(ask(clients, f"/content/{mirror}/post", "POST", b"x" * 100_000).body)
    assert (told["method"], told["path"], told["body"]) == ("POST", "/post", "x" * 100_000)


def test_a_websocket_is_carried(clients, mirror):
    url = f"ws://localhost:{clients.server.port}/content/{mirror}/socket"
    with connect(url, additional_headers={"Authorization": f"Key {clients.key}"}) as socket:
        socket.send("hello")
        assert socket.recv() == "/socket hello"


def test_what_the_app_is_told_of_the_request(clients, mirror):
    """Who asks; neither the key nor a cookie of the console, nor anything that a client says in our name."""
    told = json.loads(
        ask(
            clients,
            f"/content/{mirror}/",
            Cookie="tholos_session=secret; own=1",
            RStudio_Connect_Credentials='{"user": "mallory"}',
            Posit_Connect_User_Session_Token="forged",
            X_RSC_Request="http://forged.example/",
        ).body
    )["headers"]
    assert json.loads(told["rstudio-connect-credentials"])["user"] == clients.api("user")["username"]
    assert told.get("cookie", "") == "own=1"
    assert not {"authorization", "posit-connect-user-session-token", "x-rsc-request"} & told.keys()


def test_what_the_app_finds_in_its_environment(clients, mirror):
    env = json.loads(ask(clients, f"/content/{mirror}/").body)["env"]
    found = {
        name: value for name, value in env.items() if name.startswith(("CONNECT_", "POSIT_", "RSTUDIO_"))
    }
    assert found == {
        "CONNECT_SERVER": f"{clients.server.url}/",
        "CONNECT_CONTENT_GUID": mirror,
        "POSIT_PRODUCT": "CONNECT",
        "RSTUDIO_PRODUCT": "CONNECT",
    }
    assert env["GREETING"] == "hello"
    assert env["LANG"].endswith("UTF-8")


def test_an_answer_on_this_host_runs_nothing(clients, mirror):
    headers = {name.lower(): value for name, value in ask(clients, f"/content/{mirror}/").headers.items()}
    assert headers["content-security-policy"] == "sandbox"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_browser_is_sent_to_the_apps_own_host(clients, mirror):
    answer = clients.server.ask(
        "GET", f"/content/{mirror}/page?a=1", headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}, token=""
    )  # fmt: skip
    assert answer.status == 307
    dashboard = ask(clients, f"/connect/apps/{mirror}").headers["location"]
    name = dashboard.removeprefix("/apps/")
    assert answer.headers["location"] == f"http://{name}.localhost:{clients.server.port}/page?a=1"


def test_without_a_key_nobody_is_let_in(clients, mirror):
    answer = clients.server.ask("GET", f"/content/{mirror}/", token="")
    assert answer.status in {401, 403}
    assert "CONNECT_SERVER" not in answer.text


@pytest.mark.parametrize("bundle_id", ["999999", "0", "99999999999999999"])
def test_a_bundle_that_there_is_not(clients, mirror, bundle_id):
    assert ask(clients, f"/content/{mirror}/_bundle{bundle_id}/").status == 404


def test_a_bundle_of_other_content(clients, mirror, site):
    assert ask(clients, f"/content/{site[0]}/_bundle{site[1]}/").status == 200
    assert ask(clients, f"/content/{mirror}/_bundle{site[1]}/").status == 404
    assert ask(clients, f"/content/{mirror}/_rev{site[1]}/index.html").status == 404


def test_a_bundle_that_did_not_come_to_serve(clients):
    guid = clients.ask("POST", "content", {}).json["guid"]
    broken = {"app.py": "app = 1 / 0\n", "requirements.txt": "", "manifest.json": manifest()}
    bundle = clients.ask("POST", f"content/{guid}/bundles", pack(broken)).json["id"]
    begun = clients.ask("POST", f"content/{guid}/deploy", {"bundle_id": bundle, "activate": False}).json
    if "task_id" in begun:
        ended = clients.api(f"tasks/{begun['task_id']}?first=100&wait=30")
        assert (ended["finished"], ended["code"]) == (True, 1)
    assert ask(clients, f"/content/{guid}/_bundle{bundle}/").status == 404
    assert ask(clients, f"/content/{guid}/").status >= 400


@pytest.mark.parametrize(
    ("path", "body", "media_type"),
    [
        ("data.csv.gz", PACKED, "application/octet-stream"),
        ("data.csv", b"a,b\n1,2\n", "text/csv"),
        ("with%20space.txt", b"spaced", "text/plain"),
        ("", b"<h1>a site</h1>", "text/html"),
        ("more/", b"more", "text/html"),
    ],
)
def test_files_of_one_version_are_read_as_they_are(clients, site, path, body, media_type):
    guid, bundle = site
    answer = ask(clients, f"/content/{guid}/_rev{bundle}/{path}", Accept_Encoding="gzip, br")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert answer.body == body
    assert headers["content-type"].partition(";")[0] == media_type
    assert "content-encoding" not in headers
    assert headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("path", ["gone.txt", "../app.py", "more", "%2e%2e/index.html"])
def test_a_file_that_is_not_in_a_version(clients, site, path):
    guid, bundle = site
    assert ask(clients, f"/content/{guid}/_rev{bundle}/{path}").status == 404


@pytest.mark.parametrize(
    ("rest", "ends"),
    [("", ""), ("/access", "/access"), ("/logs", "/logs"), ("/settings", "/settings"), ("/else", "")],
)
def test_links_to_a_dashboard_lead_to_our_pages(clients, site, rest, ends):
    answer = ask(clients, f"/connect/apps/{site[0]}{rest}")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/apps/")
    assert answer.headers["location"].endswith(ends)
