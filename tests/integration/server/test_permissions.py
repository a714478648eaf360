"""Every route of the console declares who may use it; the table is a golden file, and it holds.

To accept a changed table: remove ``permissions.txt`` and run this file; it is written anew, and the run fails once.
"""

import io
import json
import zipfile
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from tholos.accounts.routes import Permission
from tholos.apps import service as apps
from tholos.kit.services import Services
from tholos.protocols.connect import identity
from tholos.server.application import ROUTERS, build
from tholos.store import archives
from tholos.store.model import Scope
from tholos.testing.rows import add_release

GOLDEN = Path(__file__).with_name("permissions.txt")
FRAMEWORK = {("GET", "/api/v1/openapi.json"): "public", ("GET", "/static"): "public"}
"""What the framework serves by itself: the description of this API and the static files."""
UNKNOWN = {
    "{operation_id}": "op_none", "{token_id}": "tok_none", "{number}": "1", "{kind}": "account", "{account}": "vic",
    "{principal}": "vic", "{source_id}": "src_none", "{credential_id}": "gcr_none", "{request_id}": "req_none", "{identity_id}": "idn_none",
    "{tag_id}": "tag_none",
}  # fmt: skip
BODIES = {
    "PATCH /api/v1/apps/{name}": {"title": "Sales"},
    "PUT /api/v1/apps/{name}/access": {"audience": "listed", "grants": []},
    "PATCH /api/v1/apps/{name}/access": {"grants": [{"name": "vic", "level": "viewer"}]},
    "POST /api/v1/apps/{name}/access/preview": {"audience": "everyone"},
    "PUT /api/v1/apps/{name}/access/grants/{kind}/{principal}": {"level": "viewer"},
    "POST /api/v1/apps/{name}/access/requests": {"message": "please"},
    "POST /api/v1/apps/{name}/access/requests/{request_id}/grant": {"level": "viewer"},
    "POST /api/v1/apps/{name}/owner": {"account": "bob"},
    "POST /api/v1/accounts/{account}/hand-over": {"to": "bob"},
    "PUT /api/v1/apps/{name}/limits": {"open_files": 1024},
    "PUT /api/v1/apps/{name}/life": {"idle_timeout_s": 60},
    "PATCH /api/v1/apps/{name}/variables": {"plain": {"REGION": "north"}},
    "POST /api/v1/apps/{name}/rollback": {},
    "PATCH /api/v1/apps/{name}/tags": {"put": []},
    "PUT /api/v1/apps/{name}/path": {"path": "/team/sales/"},
    "PUT /api/v1/apps/{name}/source": {"repository": "https://git.example.org/team/app.git"},
    "PATCH /api/v1/apps/{name}/source": {"polling": False},
    "POST /api/v1/apps/{name}/source/update": {"ref": "main"},
    "PUT /api/v1/apps/{name}/source/credential": {"username": "git", "secret": "x"},
    "PUT /api/v1/apps/{name}/schedule": {"kind": "day"},
    "PATCH /api/v1/apps/{name}/schedule": {"paused": True},
    "PUT /api/v1/git-credentials": {"host": "git.example.org", "username": "git", "secret": "x"},
}
"""Of the calls that take no other fields."""
FORM = {"name": "sales", "who": "vic", "level": "viewer", "account": "bob"}
NEEDS_MORE = {
    "{request_id}", "DELETE /api/v1/apps/{name}/access/grants/{kind}/{principal}", "/api/v1/apps/{name}/source",
    "/apps/{name}/source/", "GET /api/v1/apps/{name}/schedule", "PATCH /api/v1/apps/{name}/schedule",
    "DELETE /api/v1/apps/{name}/schedule", "/apps/{name}/schedule/",
}  # fmt: skip
"""There is no such thing of the app yet."""
HISTORY = "/api/v1/apps/{name}/source/commits"
"""It outlives what the app follows."""


def _declared() -> list[tuple[str, str, str]]:
    """Method, path and permission of every route, read off the routers that the application is built of."""
    return [
        (method, route.path, (route.openapi_extra or {}).get("x-permission", ""))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]


def _rows() -> list[tuple[str, str, str]]:
    return sorted(
        [*_declared(), *((*key, value) for key, value in FRAMEWORK.items())], key=lambda row: (row[1], row[0])
    )


ROUTES = _declared()
FOREIGN = [row for row in ROUTES if "{guid}" in row[1] or row[1].startswith("/__")]
"""Of other wires, which name apps and say errors in their own way."""
OURS = [row for row in ROUTES if row not in FOREIGN]
APP_ROUTES = [row for row in OURS if row[2].startswith("app.")]
CLOSED = [row for row in OURS if row[2] != Permission.PUBLIC]
CONNECT = [row for row in FOREIGN if row[1].startswith("/__api__/") and row[2] != Permission.PUBLIC]
CONNECT_APPS = [row for row in CONNECT if row[2].startswith("app.")]
NO_GUID = "01a1fef3-5dee-6c59-d7a1-c7ad30f07901"


def _at(path: str, name: str = "sales") -> str:
    for key, value in UNKNOWN.items():
        path = path.replace(key, value)
    return path.replace("{name}", name)


def _ids(rows):
    return [f"{method} {path}" for method, path, _ in rows]


def test_the_table_is_the_golden_one():
    text = "".join(f"{method:7}{path:44} {permission}\n" for method, path, permission in _rows())
    if not GOLDEN.exists():
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN} was not there and is written: read it, and run again")
    assert text == GOLDEN.read_text()


def test_every_route_declares_its_permission():
    known = {str(one) for one in Permission}
    assert [row for row in ROUTES if row[2] not in known] == []


def test_nothing_is_served_beside_the_routers():
    """What is added to the application by another way than a router would have no permission."""
    paths = {path for _, path, _ in _rows()}
    for route in build(Services()).routes:
        path = getattr(route, "path", None)
        if path is not None:
            assert path in paths


def test_routes_are_there_once():
    assert len(ROUTES) == len({(method, path) for method, path, _ in ROUTES})


async def _ask(asgi, method, path):
    if method == "GET":
        return await asgi.get(f"{path}?path=app.py" if path.endswith("/compare/file") else path)
    if path.startswith("/api/"):
        return await asgi.send(method, path, _body(method, path))
    return await asgi.form(path, FORM) if method == "POST" else await asgi.ask(method, path)


def _body(method, path):
    for row, body in BODIES.items():
        wanted, _, template = row.partition(" ")
        if wanted == method and _at(template) in {path, path.replace("/none", "/sales")}:
            return json.dumps(body).encode()
    return b'{"snapshot": "' + b"a" * 64 + b'", "hashes": [], "name": "x"}'


@pytest.mark.parametrize("row", CLOSED, ids=_ids(CLOSED))
async def test_nobody_is_told_to_sign_in(console, row):
    console.add_app("ada", "sales")
    method, path, _ = row
    answer = await _ask(console.nobody, method, _at(path))
    assert answer.status == 401
    assert answer.json["error"]["code"] == "not_signed_in"
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("row", APP_ROUTES, ids=_ids(APP_ROUTES))
async def test_to_a_stranger_there_is_no_app(console, row):
    """What is somebody else's answers as what is not there, in every word."""
    console.add_app("ada", "sales")
    method, path, _ = row
    asgi = console.by_token("bob")
    answer = await _ask(asgi, method, _at(path))
    assert answer.status == 404
    assert answer.json["error"]["code"] == "app_not_found"
    missing = (
        await asgi.form(_at(path, "none"), {**FORM, "name": "none"})
        if method == "POST" and not path.startswith("/api/")
        else await _ask(asgi, method, _at(path, "none"))
    )
    assert missing.status == 404
    assert {**answer.json, "request_id": ""} == {
        **missing.json, "request_id": "", "error": {**missing.json["error"], "message": answer.json["error"]["message"]},
    }  # fmt: skip
    assert answer.json["error"]["message"] == missing.json["error"]["message"].replace("none", "sales")


@pytest.mark.parametrize("row", CONNECT, ids=_ids(CONNECT))
async def test_a_key_that_is_none_is_said_in_the_words_of_connect(console, row):
    method, path, _ = row
    answer = await _ask_connect(console.nobody, method, path, NO_GUID)
    assert (answer.status, answer.json["code"]) == (401, 30)
    assert answer.json["error"]


@pytest.mark.parametrize("row", CONNECT_APPS, ids=_ids(CONNECT_APPS))
async def test_to_a_stranger_there_is_no_content(console, row):
    app, _ = console.add_app("ada", "sales")
    method, path, _ = row
    for guid in (identity.guid_of(app.id), NO_GUID):
        answer = await _ask_connect(console.by_token("bob"), method, path, guid)
        assert (answer.status, answer.json["code"]) == (404, 4)


@pytest.mark.parametrize(
    "row",
    rows := [row for row in CONNECT if row[2] in {Permission.PUBLISH, Permission.APP_EDIT}],
    ids=_ids(rows),
)
async def test_a_role_that_is_too_low_is_refused_in_the_words_of_connect(console, row):
    method, path, _ = row
    answer = await _ask_connect(console.by_token("vic"), method, path, NO_GUID)
    assert (answer.status, answer.json["code"]) == (403, 22)


async def _ask_connect(asgi, method, path, guid):
    path = path.replace("{guid}", guid).replace("{bundle_id}", "1").replace("{task_id}", "op_none")
    if method == "GET":
        return await asgi.get(path)
    return await asgi.send(method, path, b"[]" if path.endswith("/environment") else b"{}")


@pytest.fixture
def sales(console):
    """An app whose files and packages are known."""
    ada, now = console.people.ada, console.clock.now()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("app.py", "app = print\n")
    archive.seek(0)
    snapshot = archives.unpack(console.store, Scope(ada.account_id), archive).snapshot
    with console.database.write() as db:
        app = apps.create_app(db, ada, "sales", now)
        release = add_release(db, ada, app, now, snapshot)
        apps.record_environment(db, release.id, "", "env", 0)
        apps.switch(db, release.id, now)


@pytest.mark.parametrize("row", APP_ROUTES, ids=_ids(APP_ROUTES))
@pytest.mark.usefixtures("sales")
async def test_the_owner_and_the_administrator_get_on(console, row):
    method, path, _ = row
    for name in ("ada", "admin"):
        answer = await _ask(console.by_token(name), method, _at(path))
        is_nothing_there = any(part in f"{method} {path}" for part in NEEDS_MORE) and path != HISTORY
        assert answer.status in ({404} if is_nothing_there else {200, 202, 204, 303, 400, 409}), answer.text


@pytest.mark.parametrize(
    "row",
    rows := [
        row for row in CLOSED if row[2] in {Permission.PUBLISH, Permission.ADMINISTER, Permission.APP_EDIT}
    ],
    ids=_ids(rows),
)
async def test_a_role_that_is_too_low_is_refused(console, row):
    console.add_app("ada", "sales")
    method, path, permission = row
    who = ["vic", "ada"] if permission == Permission.ADMINISTER else ["vic"]
    for name in who:
        answer = await _ask(console.by_token(name), method, _at(path))
        assert (answer.status, answer.json["error"]["code"]) == (403, "role_too_low")


@pytest.mark.parametrize(
    "path", ["/api/v1/operations/{id}", "/api/v1/operations/{id}/events", "/operations/{id}"]
)
async def test_operations_of_others_are_not_there(console, path):
    console.add_app("ada", "sales")
    begun = await console.by_token("ada").ask("DELETE", "/api/v1/apps/sales")
    operation_id = begun.json["operation"]["id"]
    for name in ("bob", "vic"):
        answer = await console.by_token(name).get(path.replace("{id}", operation_id))
        assert (answer.status, answer.json["error"]["code"]) == (404, "operation_not_found")
    if not path.endswith("events"):  # that one goes on for as long as the operation does
        assert (await console.by_token("admin").get(path.replace("{id}", operation_id))).status == 200


async def test_every_answer_of_a_page_is_a_page_to_a_browser(console):
    console.add_app("ada", "sales")
    browser = console.by_session("bob")
    answer = await browser.get("/apps/sales")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
