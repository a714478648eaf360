"""What is wrong with a request is said in one shape: a status by kind, a code, and where. Never a 5xx, never a 422."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from tholos.server.application import ROUTERS

DEEP = b"[" * 100_000
BODIES = {
    "nothing": b"",
    "no json": b"{",
    "another type": b"[]",
    "a text": b'"text"',
    "null": b"null",
    "bad utf-8": b'{"a": "\xff\xfe"}',
    "deep": DEEP,
    "a huge number": b'{"days": ' + b"9" * 5000 + b"}",
    "half a character": b'{"\\ud800": 1}',
    "an unknown field": b'{"unheard_of": 1}',
}
PATHS = sorted(
    route.path.replace("{name}", "sales")
    for router in ROUTERS
    for route in router.routes
    if "POST" in route.methods and route.path.startswith("/api/v1")
    if route.body_field is not None or route.path == "/api/v1/snapshots"  # the others take no body, or any
)
HASH = "a" * 64
FIELDS = {
    "/api/v1/tokens": {"code": "x", "name": "ada", "password": "x", "label": "x", "days": 30},
    "/api/v1/accounts": {"name": "cleo", "role": "viewer"},
    "/api/v1/webhooks": {"url": "https://x.example.org/", "app": "sales", "label": "x", "form": "plain", "actions": []},
    "/api/v1/notifications/seen": {"until": "dlv_1"},
    "/api/v1/content/missing": {"hashes": [HASH]},
    "/api/v1/apps/sales/publish": {
        "snapshot": HASH, "message": "x", "upgrade": False,
        "overrides": {"kind": "wsgi", "entrypoint": "a:b", "python": "3.12", "requirements": "r", "prepare": "x", "keep": ["data"]},
        "upload": {"files": 1, "bytes": 1, "sent_bytes": 1, "seconds": 1.0},
    },
    "/api/v1/snapshots": {"files": [{"path": "a", "size": 1, "sha256": HASH, "executable": False, "chunks": [[HASH, 1]]}]},
}  # fmt: skip
HOSTILE = {
    "nothing": None,
    "a number": 7,
    "a negative number": -1,
    "a huge number": 10**400,
    "infinity": float("inf"),
    "a list": [[[]]],
    "an object": {"$ne": 1},
    "NUL": "a\x00b",
    "half a character": "\ud800",
    "a long text": "x" * 100_000,
    "markup": "<script>alert(1)</script>",
    "traversal": "../../etc/passwd",
}


def _with(fields, path, value):
    """The fields with one of them replaced, ``a.b`` being the one within the other."""
    name, _, rest = path.partition(".")
    return {**fields, name: _with(fields[name], rest, value) if rest else value}


def _names(fields, before=""):
    for name, value in fields.items():
        yield f"{before}{name}"
        if isinstance(value, dict):
            yield from _names(value, f"{before}{name}.")


CASES = [(path, name) for path, fields in FIELDS.items() for name in _names(fields)]


def _check(answer):
    assert answer.status < 500, answer.text
    assert answer.status != 422
    if answer.status >= 400:
        error = answer.json["error"]
        assert error["code"]
        assert error["message"]
        assert "Traceback" not in answer.text
        assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.fixture
def admin(console):
    console.add_app("admin", "sales")
    return console.by_token("admin")


@pytest.mark.parametrize("path", PATHS)
async def test_bodies_that_are_no_json(admin, path):
    for name, body in BODIES.items():
        answer = await admin.send("POST", path, body)
        _check(answer)
        if path == "/api/v1/tokens" and name in {"nothing", "null"}:
            continue
        assert answer.status in {400, 409}, (name, answer.text)


@pytest.mark.parametrize(("path", "name"), CASES)
async def test_fields_of_every_kind(admin, path, name):
    for value in HOSTILE.values():
        body = json.dumps(_with(FIELDS[path], name, value)).encode()
        _check(await admin.send("POST", path, body))


@pytest.mark.parametrize(
    "path", ["/api/v1/accounts", "/api/v1/apps/sales/publish", "/api/v1/content/missing"]
)
async def test_a_missing_field_is_named(admin, path):
    answer = await admin.post(path, {})
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid")
    assert answer.json["error"]["where"] in {"name", "snapshot", "hashes"}


async def test_a_field_within_another_is_named(admin):
    body = {"snapshot": HASH, "overrides": {"colour": "red"}}
    answer = await admin.post("/api/v1/apps/sales/publish", body)
    assert (answer.status, answer.json["error"]["where"]) == (400, "overrides.colour")


async def test_what_a_client_says_of_its_upload_is_bounded(admin):
    for name in ("files", "bytes", "sent_bytes", "seconds"):
        answer = await admin.post("/api/v1/apps/sales/publish", {"snapshot": HASH, "upload": {name: 1 << 60}})
        assert (answer.status, answer.json["error"]["where"]) == (400, f"upload.{name}")


async def test_the_same_holds_on_both_databases(console_on_both):
    """PostgreSQL refuses texts that SQLite takes."""
    console_on_both.add_app("admin", "sales")
    admin = console_on_both.by_token("admin")
    for value in HOSTILE.values():
        for path, name in [
            ("/api/v1/tokens", "label"),
            ("/api/v1/tokens", "days"),
            ("/api/v1/accounts", "name"),
        ]:
            fields = _with(
                {"label": "x", "days": 1} if path.endswith("tokens") else FIELDS[path], name, value
            )
            _check(await admin.send("POST", path, json.dumps(fields).encode()))
    for path in QUERIES:
        _check(await admin.get(path))


HUGE = "9" * 30
QUERIES = [
    "/api/v1/apps?q=%00", "/api/v1/apps?q=%ED%A0%80", f"/api/v1/apps?q={'x' * 101}",
    "/api/v1/apps/%00".replace("%00", "\x00"), "/api/v1/apps/" + "x" * 5000,
    "/api/v1/apps/..", "/api/v1/apps/sales/logs?lines=-1", f"/api/v1/apps/sales/logs?lines={HUGE}",
    f"/api/v1/apps/sales/logs?release={HUGE}", "/api/v1/apps/sales/logs?release=0",
    f"/api/v1/apps/sales/logs?offset={HUGE}", f"/api/v1/apps/sales/logs?first={HUGE}",
    "/api/v1/operations?app=%00", "/api/v1/operations?limit=0", f"/api/v1/operations?limit={HUGE}",
    "/api/v1/operations/\x00", f"/api/v1/operations/op_none/events?after={HUGE}",
    "/apps/sales/logs?release=999999999", "/apps/sales/logs?release=x", "/apps/sales/logs?level=loud", "/?q=%00",
    "/setup?code=%00", "/setup?code=%ED%A0%80", "/sign-in?next=%00", "/open/sales?t=x", "/open/\x00", "/nowhere", "/api/v1/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", QUERIES)
async def test_paths_and_queries(admin, path):
    _check(await admin.get(path))


class TestNul:
    """No text holds it and PostgreSQL keeps none: one rule for all that comes in."""

    @pytest.mark.parametrize(
        "path", ["/api/v1/apps?q=a%00", "/api/v1/apps/a\x00b", "/static/\x00", "/nowhere?x=%00"]
    )
    async def test_in_paths_and_queries(self, admin, path):
        answer = await admin.get(path)
        where = "query" if "?" in path else "path"
        assert (answer.status, answer.json["error"]["code"]) == (400, "nul_refused")
        assert answer.json["error"]["where"] == where

    @pytest.mark.parametrize(
        "body",
        [
            b'{"label": "a\\u0000b"}',
            b'{"a\\u0000": 1}',
            b'{"label": "\\\\\\u0000"}',
            '{"a":1}'.encode("utf-16"),
        ],
    )
    async def test_in_bodies(self, admin, body):
        answer = await admin.send("POST", "/api/v1/tokens", body)
        assert (answer.status, answer.json["error"]["code"]) == (400, "nul_refused")
        assert answer.json["error"]["where"] == "body"

    async def test_in_bodies_that_come_in_pieces(self, admin):
        pieces = [b'{"label": "a\\', b"u0", b'000"}']
        answer = await _send_in_pieces(admin, pieces)
        assert (answer.status, answer.json["error"]["code"]) == (400, "nul_refused")

    async def test_in_forms_it_is_told_on_a_page(self, console):
        answer = await console.by_session("ada").form("/account/tokens", {"label": "a\0", "days": "3"})
        assert answer.status == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert "NUL" in answer.text

    async def test_words_about_it_are_none(self, admin):
        """A backslash and the letters u0000 are six characters."""
        answer = await admin.post("/api/v1/tokens", {"label": "\\u0000 and %00", "days": 1})
        assert answer.status == 201
        assert (await admin.get("/api/v1/apps?q=%2500")).status == 200


async def _send_in_pieces(asgi, pieces):
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def cut(scope, _receive, send):
        async def receive():
            return waiting.pop(0)

        await asgi.application(scope, receive, send)

    return await replace(asgi, application=cut).send("POST", "/api/v1/tokens", b"")


async def test_numbers_of_events_have_a_bound(admin, console):
    begun = await admin.ask("DELETE", "/api/v1/apps/sales")
    operation_id = begun.json["operation"]["id"]
    for number in (HUGE, "-1"):
        answer = await admin.get(f"/api/v1/operations/{operation_id}/events?after={number}")
        assert (answer.status, answer.json["error"]["where"]) == (400, "after")
    answer = await admin.with_headers(last_event_id=HUGE).get(f"/api/v1/operations/{operation_id}/events")
    assert answer.status == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "X"])
async def test_methods_that_nothing_has(admin, method):
    answer = await admin.ask(method, "/api/v1/apps")
    assert answer.status == 405
    assert answer.json["error"]["code"] == "invalid"


@pytest.mark.parametrize("body", [b"", b"x" * 100, b"\x00" * 10_000, b"THOLOSPK" * 9])
async def test_packs_that_are_none(admin, body):
    answer = await admin.send("POST", "/api/v1/content/packs", body, "application/vnd.tholos.pack")
    _check(answer)


@pytest.mark.parametrize(
    "kind", ["application/zip", "application/gzip", "application/x-tar", "text/plain", ""]
)
@pytest.mark.parametrize(
    "body", [b"", b"PK\x03\x04" + b"\xff" * 50, b"\x1f\x8b" + b"\xff" * 50, b"\x00" * 2000]
)
async def test_archives_that_are_none(admin, kind, body):
    answer = await admin.send("POST", "/api/v1/snapshots", body, kind)
    _check(answer)


@pytest.mark.parametrize(
    "token",
    ["", "Bearer", "Bearer ", "Bearer x", "Key \xff", "Basic YTpi", "Bearer a b", "Bearer " + "x" * 10_000],
)
async def test_credentials_that_are_none(console, token):
    answer = await console.nobody.with_headers(authorization=token).get("/api/v1/me")
    assert (answer.status, answer.json["error"]["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize("key", ["", "k", "x" * 201, "\xff"])
async def test_idempotency_keys(admin, key):
    _check(
        await admin.with_headers(idempotency_key=key).post("/api/v1/apps/sales/publish", {"snapshot": HASH})
    )


class TestForms:
    @pytest.mark.parametrize("path", ["/sign-in", "/setup"])
    @pytest.mark.parametrize("value", ["", "\x00", "x" * 2000, "<blink>", "ü", "\udcff"])
    async def test_public_ones_answer_a_page(self, console, path, value):
        asgi = console.nobody.with_headers(accept="text/html", origin="http://localhost:8080")
        body = "&".join(f"{name}={_quote(value)}" for name in ("name", "password", "code", "next")).encode()
        answer = await asgi.send("POST", path, body, "application/x-www-form-urlencoded")
        assert answer.status in {400, 401}
        assert answer.headers["content-type"].startswith("text/html")
        assert "<blink>" not in answer.text

    async def test_from_another_site_nothing_is_done_and_that_is_said(self, console):
        """By cookie, from a foreign page: refused, as a page to a browser and as JSON to a program."""
        for accept in ("text/html", "*/*"):
            browser = console.by_session("ada").with_headers(origin="http://evil.example", accept=accept)
            answer = await browser.form("/sign-out", {})
            assert answer.status == 403
            assert "another site" in answer.text
            assert answer.headers["x-request-id"].startswith("req_")

    async def test_a_session_from_our_own_page_works(self, console):
        answer = await console.by_session("ada").form("/account/tokens", {"label": "x", "days": "3"})
        assert answer.status == 200
        assert "tholos_" in answer.text


def _quote(value):
    return quote(value, errors="surrogateescape")


async def test_sign_in_by_code_and_by_password(console):
    """The whole way of the API's sign-in, once well."""
    made = await console.by_token("admin").post("/api/v1/accounts", {"name": "cleo", "role": "publisher"})
    assert made.status == 201
    code = made.json["sign_in_url"].rpartition("=")[2]
    signed_in = await console.nobody.post("/api/v1/tokens", {"code": code})
    assert (signed_in.status, signed_in.json["account"]["name"]) == (201, "cleo")
    again = await console.nobody.post("/api/v1/tokens", {"code": code})
    assert (again.status, again.json["error"]["code"]) == (401, "link_spent")
    token = signed_in.json["token"]
    me = await console.nobody.with_headers(authorization=f"Key {token}").get("/api/v1/me")
    assert me.json["name"] == "cleo"
    gone = await console.nobody.with_headers(authorization=f"Bearer {token}").ask(
        "DELETE", "/api/v1/tokens/current"
    )
    assert gone.status == 204
    assert (
        await console.nobody.with_headers(authorization=f"Bearer {token}").get("/api/v1/me")
    ).status == 401


async def test_an_app_is_opened_by_a_browser_and_not_by_a_token(console):
    console.add_app("ada", "sales")
    answer = await console.by_session("ada").get(f"/open/sales?t={HASH}")
    assert answer.status == 303
    assert answer.headers["location"].startswith("http://sales.localhost:8080/.tholos/callback?code=")
    answer = await console.by_token("ada").get(f"/open/sales?t={HASH}")
    assert (answer.status, answer.json["error"]["code"]) == (403, "needs_session")
