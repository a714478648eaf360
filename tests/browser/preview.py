"""Every page template with made-up objects, for looking at and for test_look.py.

    python tests/browser/preview.py 8099      then open http://127.0.0.1:8099/preview

The real handlers are not involved: what a template is given here is what its top comment asks for, and nothing more
(`StrictUndefined`), so a template that reads an undeclared attribute fails. Event streams are played from lists.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace as Thing

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tholos"
FOLDERS = ["server", "accounts", "apps", "operations"]
SERVER = "http://localhost:8080"


def environment() -> Environment:
    """The templates of all rooms under their bare names."""
    loader = FileSystemLoader([SOURCE / folder / "templates" for folder in FOLDERS])
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def before(**spans: float) -> datetime:
    return datetime.now(UTC) - timedelta(**spans)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# Objects, with the attribute names of the HTTP API.

ADA = Thing(id="acc_01hada", name="ada", role="publisher")
BOB = Thing(id="acc_01hbob", name="bob", role="viewer")


def a_release(number: int = 3, **changes: object) -> Thing:
    release = {
        "id": f"rel_01h{number}",
        "number": number,
        "state": "ready",
        "created_at": stamp(before(hours=2 * (4 - number))),
        "author": "ada",
        "message": "faster totals",
        "kind": "wsgi",
        "framework": "Flask",
        "entrypoint": "app:app",
        "python": "3.12.1",
        "packages": 12,
        "files": 18,
        "bytes": 48_213,
        "snapshot": "sn_4f1c",
        "live": number == 3,
    }
    return Thing(**(release | changes))


def an_app(name: str = "sales-api", word: str = "serving", **changes: object) -> Thing:
    state = {"word": word, "since": before(hours=5), "reason": "", "at": before(minutes=2)}
    if "reason" in changes:
        state["reason"] = changes.pop("reason")
    app = {
        "id": f"app_01h{name}",
        "name": name,
        "kind": "wsgi",
        "framework": "Flask",
        "url": f"http://{name}.localhost:8080/",
        "page": f"{SERVER}/apps/{name}",
        "owner": "ada",
        "rank": "owner",
        "state": Thing(**state),
        "live": a_release(),
        "created_at": before(days=40),
    }
    return Thing(**(app | changes))


def a_step(name: str, state: str, seconds: float | None = None, text: str = "") -> Thing:
    return Thing(name=name, state=state, seconds=seconds, text=text)


DONE_STEPS = [
    a_step("upload", "done", 0.1, "18 files, of them 1 sent (2.1 kB)"),
    a_step("environment", "done", 0.2, "12 packages from requirements.txt, all cached"),
    a_step("prepare", "skipped"),
    a_step("start", "done", 0.6, "1 instance"),
    a_step("health", "done", 0.1, "GET / → 200"),
    a_step("switch", "done", 0.0, "release 3 is live, release 2 drains"),
]
RUNNING_STEPS = [
    *DONE_STEPS[:1],
    a_step("environment", "running", 4.2, "fetching pandas 2.2.3, 12.7 MB"),
    *(a_step(name, "waiting") for name in ("prepare", "start", "health", "switch")),
]
FAILED_STEPS = [
    *DONE_STEPS[:4],
    a_step("health", "failed", 0.4, "GET / → 500"),
    a_step("switch", "waiting"),
]
CAUSE = Thing(
    code="unhealthy",
    message="Cannot switch to release 4: GET / answered 500.",
    where="app.py:31",
    fix="Add the key, or read it with row.get(“total”), and publish again.",
    excerpt="  29 | def totals(rows):\n  30 |     for row in rows:\n> 31 |         yield row['total'] * (1 + row['tax'])\nKeyError: 'total'",
)


def an_operation(state: str = "running", **changes: object) -> Thing:
    steps = {"done": DONE_STEPS, "failed": FAILED_STEPS}.get(state, RUNNING_STEPS)
    operation = {
        "id": f"op_01h{state}",
        "kind": "publish",
        "app": "sales-api",
        "state": state,
        "created_at": before(minutes=3),
        "started_at": before(seconds=5),
        "ended_at": None,
        "url": f"{SERVER}/operations/op_01h{state}",
        "steps": steps,
        "error": CAUSE if state == "failed" else None,
        "result": Thing(release=3, url="http://sales-api.localhost:8080/") if state == "done" else None,
        "account": "ada",
    }
    return Thing(**(operation | changes))


def an_event(n: int, kind: str, text: str = "", step: str = "", **data: object) -> Thing:
    return Thing(n=n, at=stamp(before()), kind=kind, step=step, text=text, data=Thing(**data))


FINDINGS = [
    an_event(1, "finding", label="Flask", value="app:app", why="in app.py:4", where="app.py:4"),
    an_event(
        2, "finding", label="Python", value="3.12.1", why="requires-python >=3.11, newest installed", where=""
    ),
    an_event(3, "finding", label="packages", value="12", why="from requirements.txt", where=""),
]
BUILD_LINES = [
    "Resolved 12 packages in 84 ms",
    "\x1b[32m + \x1b[0mflask\x1b[2m==3.1.0\x1b[0m",
    "\x1b[32m + \x1b[0mpandas\x1b[2m==2.2.3\x1b[0m",
    "\x1b[33mwarning:\x1b[0m the file has no hashes; what is installed is recorded with the release",
]
EVENTS = [*FINDINGS, *(an_event(4 + i, "line", text) for i, text in enumerate(BUILD_LINES))]

ANSI_LINES = [
    " * Serving Flask app 'app'",
    "\x1b[31m\x1b[1mWARNING: This is a development server.\x1b[0m Use another one for visitors.",
    '127.0.0.1 "\x1b[36mGET /totals HTTP/1.1\x1b[0m" 304 -',
    '127.0.0.1 "\x1b[1;32mPOST /rows HTTP/1.1\x1b[0m" 201 \x1b[2Kdone\x1b[39m.',
    "<script>alert('a log line is text & nothing else')</script>",
]
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/app/app.py", line 24, in index',
    "    return render(totals(rows))",
    '  File "/app/app.py", line 31, in totals',
    "    yield row['total'] * (1 + row['tax'])",
    "KeyError: 'total'",
]


def log_texts(count: int) -> list[str]:
    """A log that looks like one: requests, colours, now and then a long line, a warning or a traceback."""
    texts = [*ANSI_LINES]
    while len(texts) < count:
        n = len(texts)
        texts.append(
            f'2026-11-20 12:{n // 60 % 60:02}:{n % 60:02} INFO  ada "GET /totals?page={n} HTTP/1.1" 200 {n * 37 % 9000}'
        )
        if n % 40 == 39:
            texts.append(
                f"2026-11-20 12:00:{n % 60:02} WARNING slow query: "
                + "select a, b, c from rows where total > 0 " * 5
            )
        if n % 90 == 60:
            texts.extend(TRACEBACK)
    return texts[:count]


def log_lines(count: int, begin: int = 1) -> list[Thing]:
    return [Thing(n=n, text=text, level="", at="") for n, text in enumerate(log_texts(count), begin)]


# Pages: name → template and the model that its top comment asks for.


@dataclass(frozen=True)
class Shown:
    template: str
    model: Callable[[], Thing]
    address: str = ""
    """A path of the real server that leads here, so that no link of a preview is dead."""


def a_page(title: str, account: Thing | None = ADA, **more: object) -> Thing:
    frame = {"server_version": "0.1.0", "now": datetime.now(UTC), "json_url": ""}
    return Thing(title=title, account=account, **(frame | more))


def home(apps: list[Thing], **changes: object) -> Thing:
    more = {"apps": apps, "total": len(apps), "query": "", "operations": {}, "server_url": SERVER}
    return a_page("Apps", **(more | changes))


def some_apps() -> list[Thing]:
    return [
        an_app(),
        an_app("map", kind="streamlit", framework="Streamlit", live=a_release(12, created_at=before(days=3))),
        an_app(
            "forecast",
            "failing",
            framework="FastAPI",
            kind="asgi",
            reason="It exited with code 1, ten times in a row.",
        ),
        an_app(
            "wind-farm-explorer-with-a-long-name-here",
            "asleep",
            owner="grace",
            live=a_release(7, created_at=before(days=30)),
        ),
        an_app(
            "handbook",
            kind="static",
            framework="",
            owner="bob",
            live=a_release(41, created_at=before(minutes=12)),
        ),
        an_app(
            "turbine", "starting", framework="Django", live=a_release(2, created_at=before(days=1, hours=4))
        ),
        an_app("intake", "draft", live=None, framework=""),
        an_app("archive", "stopped", owner="grace", live=a_release(5, created_at=before(days=200))),
    ]


def some_operations() -> dict[str, Thing]:
    return {"sales-api": an_operation("failed"), "intake": an_operation("running", app="intake")}


INSTANCES = [
    Thing(
        id="in_1",
        release=3,
        state="ready",
        since=before(hours=5),
        reason="",
        pid=41822,
        restarts=0,
        address="unix:/run/a",
    ),
    Thing(
        id="in_2",
        release=2,
        state="draining",
        since=before(seconds=40),
        reason="2 requests to finish",
        pid=40107,
        restarts=1,
        address="unix:/run/b",
    ),
]
NO_SETTINGS = Thing(entrypoint="", python="", requirements="", prepare="", keep=())
SETTINGS = Thing(
    entrypoint="app:app",
    python="3.12",
    requirements="requirements.txt",
    prepare="",
    keep=("data", "uploads/images"),
)


def overview(app: Thing, **changes: object) -> Thing:
    more = {
        "app": app,
        "reasons": [],
        "instances": [],
        "settings": NO_SETTINGS,
        "operation": None,
        "may_change": True,
    }
    return a_page(app.name, **(more | changes))


VARIABLES = [
    Thing(name="DATABASE_URL", kind="shared", value=None, secret="warehouse", since=ago(days=3), by="ada", missing=False),
    Thing(name="DB_PASSWORD", kind="secret", value=None, secret="", since=ago(days=3), by="ada", missing=False),
    Thing(name="GREETING", kind="plain", value="Good morning,\nall of you", secret="", since=ago(hours=2), by="bob", missing=False),
    Thing(name="LIMIT", kind="plain", value="", secret="", since=ago(minutes=4), by="ada", missing=False),
    Thing(name="TOKEN", kind="secret", value=None, secret="", since=None, by="", missing=True),
]


def settings(app: Thing, **changes: object) -> Thing:
    more = {
        "app": app,
        "operation": None,
        "release": 7,
        "variables": VARIABLES,
        "secrets": [("", "none"), ("warehouse", "warehouse")],
        "values": {"title": "", "description": "", "keep_releases": "", "open_files": "", "start_timeout_s": ""},
        "errors": {},
        "version": 12,
        "is_changing": False,
        "may_delete": True,
        "keeps": ["data", "uploads/images"],
    }
    return a_page(f"{app.name}: settings", **(more | changes))


def a_secret(name: str = "warehouse", **changes: object) -> Thing:
    more = {
        "name": name,
        "note": "the reporting database",
        "owner": "ada",
        "rank": "owner",
        "version": 3,
        "changed_at": ago(days=3),
        "changed_by": "ada",
        "uses": ["forecast", "sales-api"],
    }
    return Thing(**(more | changes))


def a_secret_page(secret: Thing, **changes: object) -> Thing:
    grants = [
        Thing(kind="account", name="bob", level="viewer", since=ago(days=2)),
        Thing(kind="group", name="analysts", level="editor", since=ago(days=1)),
    ]
    values = {"note": secret.note, "who": "", "level": "", "typed": ""}
    more = {"secret": secret, "grants": grants, "values": values, "errors": {}}
    return a_page(secret.name, **(more | changes))


def secrets(found: list[Thing], **changes: object) -> Thing:
    more = {"secrets": found, "values": {"name": "", "note": ""}, "errors": {}, "key": 2}
    return a_page("Shared secrets", **(more | changes))


def failing() -> Thing:
    reasons = [
        Thing(
            text="The instance exited with code 1 after 0.2 s, ten times in a row; it is not tried again.",
            at=before(minutes=3),
            where="",
            next="tholos logs forecast",
        ),
        Thing(text="KeyError: 'total'", at=before(minutes=3), where="app.py:31", next=""),
        Thing(text="It began with release 3; release 2 answered.", at=before(hours=2), where="", next=""),
    ]
    app = an_app(
        "forecast",
        "failing",
        framework="FastAPI",
        kind="asgi",
        reason="It exited with code 1, ten times in a row.",
    )
    failed = Thing(
        id="in_3",
        release=3,
        state="failed",
        since=before(minutes=3),
        reason="exited with code 1 after 0.2 s",
        pid=None,
        restarts=10,
        address="",
    )
    return overview(
        app, reasons=reasons, instances=[failed], operation=an_operation("failed", app="forecast")
    )


def releases(items: list[Thing]) -> Thing:
    return a_page("sales-api", app=an_app(), releases=items, operation=None)


def some_releases() -> list[Thing]:
    return [
        a_release(
            4, state="failed", message="columns by month, and the totals of the last quarter beside them"
        ),
        a_release(3),
        a_release(2, message="", author="grace"),
        a_release(1, message="first try", packages=9, bytes=1_204_800),
    ]


def an_asked(**changes: object) -> Thing:
    asked = {"q": "", "level": "", "since": "", "release": None, "instance": "", "is_narrowed": False}
    return Thing(**(asked | changes))


def logs(lines: list[Thing], **changes: object) -> Thing:
    more = {
        "app": an_app("forecast", "failing"),
        "lines": lines,
        "stream_url": "",
        "download_url": "/api/v1/apps/forecast/logs?lines=1000000",
        "asked": an_asked(),
        "wrong": None,
        "earlier_url": "",
        "latest_url": "",
        "releases": [3, 2, 1],
        "instances": [],
        "traceback": None,
        "traceback_url": "",
        "is_traceback_shown": False,
    }
    return a_page("forecast: log", **(more | changes))


def operation(state: str, **changes: object) -> Thing:
    more = {
        "operation": an_operation(state),
        "events": EVENTS,
        "last": EVENTS[-1].n,
        "keeps": a_release(2),
        "may_cancel": True,
    }
    return a_page("Publishing sales-api", **(more | changes))


TOKENS = [
    Thing(
        id="tok_1",
        label="ada on workshop",
        created_at=before(days=3),
        expires_at=before(days=-87),
        last_used_at=before(minutes=4),
    ),
    Thing(
        id="tok_2",
        label="nightly publish",
        created_at=before(days=20),
        expires_at=before(hours=-30),
        last_used_at=None,
    ),
]


def account(**changes: object) -> Thing:
    more = {"has_password": True, "tokens": TOKENS, "new_token": None, "values": {}, "errors": {}}
    return a_page("Account", **(more | changes))


def sign_in(**changes: object) -> Thing:
    return a_page("Sign in", None, **({"values": {}, "errors": {}, "next": "/apps/map"} | changes))


def setup(title: str, state: str, **changes: object) -> Thing:
    more = {"state": state, "code": "", "name": "ada", "expires_at": before(minutes=-12), "errors": {}}
    return a_page(title, None, **(more | changes))


def problem(title: str, status: int, message: str, fix: str = "", **changes: object) -> Thing:
    more = {
        "status": status,
        "message": message,
        "fix": fix,
        "request_id": "req_01h8x2m4",
        "step": "",
        "elapsed_s": 0.0,
        "refresh_s": 0,
        "home_url": SERVER,
    }
    return a_page(title, **(more | changes))


def starting(**changes: object) -> Thing:
    more = {"step": "installing 12 packages", "elapsed_s": 4.2, "refresh_s": 1, "request_id": ""} | changes
    return problem(
        "sales-api is starting",
        503,
        "It was asleep. This is its first visit since then, and it opens here by itself as soon as it answers.",
        **more,
    )


NOT_SHARED = (
    "This app is not shared with you",
    403,
    "You are signed in as bob, and sales-api belongs to ada.",
    "Ask ada to share it with you; then open this address again.",
)
NEW_TOKEN = Thing(token="thl_7Yq2mV0c9bQp4sXzR1tKfWn8aLd5eHg3", id="tok_3", expires_at=before(days=-90))

PAGES: dict[str, Shown] = {
    "sign-in": Shown("sign_in.html", sign_in, "/sign-in"),
    "sign-in-refused": Shown(
        "sign_in.html",
        lambda: sign_in(
            values={"name": "ada"},
            errors={
                "": "Cannot sign in: this name and password do not belong together.",
                "password": "Type the password again.",
            },
        ),
    ),
    "setup": Shown("setup.html", lambda: setup("Sign in as ada", "open", code="K7QF-2M9P-XW3T"), "/setup"),
    "setup-used": Shown("setup.html", lambda: setup("This link was used already", "used")),
    "setup-expired": Shown(
        "setup.html", lambda: setup("This link has expired", "expired", expires_at=before(hours=3))
    ),
    "setup-unknown": Shown(
        "setup.html", lambda: setup("This link is not known here", "unknown", name="", expires_at=None)
    ),
    "account": Shown("account.html", account, "/account"),
    "account-new-token": Shown(
        "account.html",
        lambda: account(
            new_token=NEW_TOKEN,
            has_password=False,
            tokens=[],
            notice="The token is made",
            values={"label": "nightly"},
            errors={"password": "Cannot set the password: 6 characters are too few. Use at least 10."},
        ),
    ),
    "home": Shown("home.html", lambda: home(some_apps(), operations=some_operations()), "/"),
    "home-empty": Shown("home.html", lambda: home([])),
    "home-empty-viewer": Shown("home.html", lambda: home([], account=BOB)),
    "home-search": Shown("home.html", lambda: home(some_apps()[:2], query="sa", total=8)),
    "home-no-match": Shown("home.html", lambda: home([], query="zebra", total=8)),
    "app": Shown(
        "app_overview.html",
        lambda: overview(an_app(), instances=INSTANCES, settings=SETTINGS),
        "/apps/{name}",
    ),
    "app-failing": Shown("app_overview.html", failing),
    "app-draft": Shown(
        "app_overview.html",
        lambda: overview(
            an_app("intake", "draft", live=None, framework="", kind=""), operation=an_operation("running")
        ),
    ),
    "settings": Shown("app_settings.html", lambda: settings(an_app()), "/apps/{name}/settings"),
    "settings-empty": Shown("app_settings.html", lambda: settings(an_app(), variables=[], secrets=[])),
    "settings-wrong": Shown(
        "app_settings.html",
        lambda: settings(
            an_app(),
            values={**settings(an_app()).values, "name": "sales", "variable": "2ND", "open_files": "many"},
            errors={
                "name": "Cannot delete sales-api: “sales” is not its name.",
                "variable": "Cannot name a variable so.",
                "open_files": "Cannot take this: it is no whole number.",
                "variables": "Somebody else changed it meanwhile.",
            },
        ),
    ),
    "secrets": Shown("secrets.html", lambda: secrets([a_secret(), a_secret("mail", uses=[], note="")]), "/secrets"),
    "secrets-empty": Shown("secrets.html", lambda: secrets([], key=None)),
    "secret": Shown("secret.html", lambda: a_secret_page(a_secret())),
    "secret-unused": Shown("secret.html", lambda: a_secret_page(a_secret(uses=[]), grants=[])),
    "secret-of-another": Shown("secret.html", lambda: a_secret_page(a_secret(rank="user"), grants=[])),
    "releases": Shown("app_releases.html", lambda: releases(some_releases()), "/apps/{name}/releases"),
    "releases-empty": Shown("app_releases.html", lambda: releases([])),
    "logs": Shown("app_logs.html", lambda: logs(log_lines(200)), "/apps/{name}/logs"),
    "logs-live": Shown(
        "app_logs.html",
        lambda: logs(log_lines(20), stream_url="/api/v1/apps/forecast/logs?follow=1&after=20&count=300"),
    ),
    "logs-100000": Shown(
        "app_logs.html",
        lambda: logs(log_lines(200), stream_url="/api/v1/apps/forecast/logs?follow=1&after=200&count=100000"),
    ),
    "logs-empty": Shown("app_logs.html", lambda: logs([], asked=an_asked(release=3))),
    "operation-done": Shown("operation.html", lambda: operation("done"), "/operations/{id}"),
    "operation-failed": Shown("operation.html", lambda: operation("failed", keeps=a_release(3))),
    "operation-running": Shown("operation.html", lambda: operation("running", last=999)),
    "publish": Shown("publish.html", lambda: a_page("Publish", server_url=SERVER), "/publish"),
    "not-found": Shown(
        "error.html",
        lambda: problem(
            "There is nothing here",
            404,
            "No page has the address /apps/slaes-api.",
            "Look at the spelling, or search for the app by its name above.",
        ),
    ),
    "not-shared": Shown("error.html", lambda: problem(*NOT_SHARED, account=BOB)),
    "broken": Shown(
        "error.html",
        lambda: problem(
            "Something broke here",
            500,
            "It is not your doing. What happened is recorded in the server's log.",
            "Try again; if it breaks again, give the id below to whoever runs this server.",
        ),
    ),
    "starting": Shown("error.html", starting),
    "standalone-starting": Shown("error_standalone.html", starting),
    "standalone-not-shared": Shown("error_standalone.html", lambda: problem(*NOT_SHARED)),
}

# Streams.

LIVE_TAIL = [
    {
        "kind": "step",
        "step": "environment",
        "text": "12 packages, of them 1 fetched",
        "data": {"state": "done", "seconds": 0.9},
    },
    {"kind": "step", "step": "prepare", "text": "", "data": {"state": "skipped"}},
    {
        "kind": "finding",
        "text": "",
        "data": {"label": "keep", "value": "data", "why": "written to in app.py:40"},
    },
    {"kind": "step", "step": "start", "text": "1 instance", "data": {"state": "running", "seconds": 0}},
    *({"kind": "line", "text": text, "data": {}} for text in ANSI_LINES),
    {"kind": "step", "step": "start", "text": "1 instance", "data": {"state": "done", "seconds": 0.4}},
    {"kind": "step", "step": "health", "text": "GET / → 200", "data": {"state": "done", "seconds": 0.1}},
    {
        "kind": "step",
        "step": "switch",
        "text": "release 3 is live",
        "data": {"state": "done", "seconds": 0.0},
    },
    {"kind": "result", "text": "", "data": {"state": "done", "release": 3}},
]


class LivePublish:
    """One publish that runs while its stream is read; the page tells its state by then."""

    def __init__(self) -> None:
        self.done = False

    def page(self) -> Thing:
        if self.done:
            return operation("done")
        return operation("running", operation=an_operation("running", id="op_live"))

    async def stream(self) -> AsyncIterator[str]:
        for n, event in enumerate(LIVE_TAIL, EVENTS[-1].n + 1):
            await asyncio.sleep(0.05)
            self.done = event["kind"] == "result"
            body = {"n": n, "at": stamp(before()), "step": "", **event}
            yield f"event: {event['kind']}\nid: {n}\ndata: {json.dumps(body)}\n\n"


async def log_stream(after: int, count: int) -> AsyncIterator[str]:
    texts = log_texts(count)
    for begin in range(0, count, 1000):
        numbered = enumerate(texts[begin : begin + 1000], after + begin + 1)
        yield "".join(f"id: {n}\ndata: {text}\n\n" for n, text in numbered)
        await asyncio.sleep(0)
    await asyncio.Event().wait()


# The server.

POLICY = "default-src 'self'"


def standalone_policy(body: str) -> str:
    style = re.search(r"<style>(.*?)</style>", body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() if style else ""
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"


class Preview:
    """The pages and their streams as handlers."""

    def __init__(self) -> None:
        self.templates = environment()
        self.live = LivePublish()

    def answer(self, shown: Shown) -> HTMLResponse:
        body = self.templates.get_template(shown.template).render(page=shown.model())
        policy = standalone_policy(body) if "standalone" in shown.template else POLICY
        return HTMLResponse(body, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})

    def page(self, request: Request) -> Response:
        name = request.path_params["page"]
        return self.answer(PAGES[name]) if name in PAGES else PlainTextResponse("no such preview", 404)

    def live_page(self, request: Request) -> Response:
        self.live.done = self.live.done and "restart" not in request.query_params
        return self.answer(Shown("operation.html", self.live.page))

    def index(self, request: Request) -> Response:
        names = [*PAGES, "operation-live?restart"]
        links = "".join(f'<li><a href="/preview/{name}">{name}</a>' for name in names)
        return HTMLResponse(f"<!doctype html><title>Preview</title><ul>{links}</ul>")

    def events(self, request: Request) -> Response:
        return StreamingResponse(self.live.stream(), media_type="text/event-stream")

    def silence(self, request: Request) -> Response:
        return StreamingResponse(log_stream(0, 0), media_type="text/event-stream")

    def log(self, request: Request) -> Response:
        if "follow" not in request.query_params:
            return PlainTextResponse("\n".join(log_texts(200)))
        after, count = int(request.query_params["after"]), int(request.query_params["count"])
        return StreamingResponse(log_stream(after, count), media_type="text/event-stream")

    def posted(self, request: Request) -> Response:
        return RedirectResponse("/preview", 303)

    def real(self) -> Iterator[Route]:
        for shown in PAGES.values():
            if shown.address:
                yield Route(shown.address, lambda request, shown=shown: self.answer(shown))


def create_app() -> Starlette:
    handlers = Preview()
    return Starlette(
        routes=[
            Route("/preview", handlers.index),
            Route("/preview/operation-live", handlers.live_page),
            Route("/preview/{page}", handlers.page),
            Route("/api/v1/operations/op_live/events", handlers.events),
            Route("/api/v1/operations/{id}/events", handlers.silence),
            Route("/api/v1/apps/{name}/logs", handlers.log),
            *handlers.real(),
            Mount("/static", StaticFiles(directory=SOURCE / "server" / "static")),
            Route("/{path:path}", handlers.posted, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
