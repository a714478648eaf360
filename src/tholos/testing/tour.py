"""A way through the showroom: every page there is, each where it has something to show, and who sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from starlette.routing import Route

from tholos.accounts import oauth
from tholos.server.application import ROUTERS
from tholos.testing.showroom import Showroom

VISITORS = ("admin", "ada", "vic")
"""An administrator, the publisher who owns most of what there is, and a viewer."""
NOBODY = ""
VIEWERS = ("vic",)
PUBLISHERS = ("admin", "ada")
DOCS = Path(__file__).parents[3] / "docs"
NOT_PAGES = frozenset({
    "/health/live", "/health/ready", "/healthz", "/metrics", "/sign-in/openid", "/sign-in/openid/return", "/.well-known/oauth-authorization-server", "/connect",
    "/connect/apps/{guid}", "/connect/apps/{guid}/{rest:path}", "/content/{guid}/{version:path}",
})  # fmt: skip
"""They answer programs, or send browsers on."""
ASKING = urlencode({
    "response_type": "code", "client_id": oauth.id_of("Posit CLI"), "redirect_uri": "http://127.0.0.1:4711/callback",
    "code_challenge": "x" * 43, "code_challenge_method": "S256", "state": "s",
})  # fmt: skip
"""What a program sends a browser with."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One page as somebody visits it.

    Attributes:
        name: for messages and pictures.
        route: as it is declared.
        path: that is asked for.
        seen_by: who looks at it; the empty name is somebody signed out.
        refused: who is told that it is not for them.
        status: of the answer; pages of errors are pages too.
    """

    name: str
    route: str
    path: str
    seen_by: Sequence[str] = VISITORS
    status: int = 200
    refused: Sequence[str] = ()


def page_routes() -> set[str]:
    """What a browser can be led to: everything that is asked with GET and is no call of the API."""
    found = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    return {path for path in found if not path.startswith(("/api/", "/__"))} - NOT_PAGES


def stops(room: Showroom) -> list[Stop]:
    return [
        *_entrances(room),
        *_of_people(),
        *_of_everybody(room),
        *_of_an_app(),
        *_of_other_apps(),
        *_of_publishers(room),
    ]


def _entrances(room: Showroom) -> Iterator[Stop]:
    yield Stop("sign-in", "/sign-in", "/sign-in", (NOBODY,))
    yield Stop("setup", "/setup", "/setup?code=AAAAA-AAAAA-AAAAA-AAAAA", (NOBODY,))

    yield Stop("setup-open", "/setup", f"/setup?code={room.rows.link}", (NOBODY,))
    of_code = "/invitations/{code}"
    yield Stop("invitation", of_code, f"/invitations/{room.rows.invitation}", (NOBODY, "vic"))
    yield Stop("invitation-unknown", of_code, "/invitations/AAAAA-AAAAA-AAAAA-AAAAA", (NOBODY,), 404)
    yield Stop("device", "/device", "/device", ("ada", "vic"))
    yield Stop("device-decide", "/device", f"/device?code={room.rows.device_code}", ("ada",))
    yield Stop("oauth", "/oauth/authorize", f"/oauth/authorize?{ASKING}", ("ada",))
    yield Stop("oauth-refused", "/oauth/authorize", "/oauth/authorize?client_id=x", ("ada",), 400)
    yield Stop("connect", "/connect/", "/connect/", (NOBODY, "ada"))
    yield Stop("device-unknown", "/device", "/device?code=AAAA-AAAA", ("ada",), 404)


def _of_people() -> Iterator[Stop]:
    yield Stop("people", "/people", "/people", PUBLISHERS)
    yield Stop("people-none", "/people", "/people?q=zebra", ("admin",))
    yield Stop("person", "/people/{account}", "/people/bob", PUBLISHERS)
    yield Stop("oneself", "/people/{account}", "/people/vic", ("vic",))
    yield Stop("groups", "/groups", "/groups", PUBLISHERS, refused=VIEWERS)
    yield Stop("group", "/groups/{name}", "/groups/analysts", PUBLISHERS)
    yield Stop("group-of-mine", "/groups/{name}", "/groups/analysts", ("eve",))
    yield Stop("invitations", "/invitations", "/invitations", PUBLISHERS, refused=VIEWERS)
    yield Stop("invitations-empty", "/invitations", "/invitations", ("eve",))


def _of_everybody(room: Showroom) -> Iterator[Stop]:
    yield Stop("home", "/", "/")
    yield Stop("home-empty", "/", "/", ("eve",))
    yield Stop("home-search", "/", "/?q=sa")
    yield Stop("home-by-tag", "/", f"/?tag={room.rows.tags[0]}")
    yield Stop("home-by-tag-none", "/", f"/?tag={room.rows.tags[0]}&q=zebra", ("ada",))
    yield Stop("home-no-match", "/", "/?q=zebra")
    yield Stop("account", "/account", "/account")
    yield Stop("account-empty", "/account", "/account", ("eve",))
    yield Stop("notifications", "/account/notifications", "/account/notifications")
    yield Stop("notifications-empty", "/account/notifications", "/account/notifications", ("eve",))
    yield Stop("help", "/help", "/help")
    for article in sorted(one for one in DOCS.rglob("*.md") if one.stem != "index"):
        path = f"/help/{article.relative_to(DOCS).with_suffix('').as_posix()}"
        yield Stop(f"article-{article.stem}", "/help/{path:path}", path, ("ada",))
    yield Stop("help-api", "/help/api", "/help/api", ("ada",))
    yield Stop("publish", "/publish", "/publish")
    yield Stop("not-found", "/", "/no/such/page", status=404)
    yield Stop("not-shared", "/open/{name}", "/open/map", ("vic",), 403)
    yield Stop("asked-for", "/open/{name}", "/open/sales", ("eve",), 403)
    for state, operation_id in room.rows.operations.items():
        yield Stop(
            f"operation-{state}", "/operations/{operation_id}", f"/operations/{operation_id}", ("admin",)
        )


def _of_an_app() -> Iterator[Stop]:
    """The tabs of one that has everything."""
    app = "/apps/sales"
    yield Stop("app", "/apps/{name}", app)
    yield Stop("releases", "/apps/{name}/releases", f"{app}/releases")
    yield Stop("source", "/apps/{name}/source", f"{app}/source", PUBLISHERS, refused=VIEWERS)
    yield Stop("logs", "/apps/{name}/logs", f"{app}/logs", PUBLISHERS, refused=VIEWERS)
    yield Stop("compare", "/apps/{name}/compare", f"{app}/compare?a=1&b=3", PUBLISHERS, refused=VIEWERS)
    yield Stop(
        "compare-file",
        "/apps/{name}/compare",
        f"{app}/compare?a=1&b=3&file=app.py",
        PUBLISHERS,
        refused=VIEWERS,
    )
    yield Stop("activity", "/apps/{name}/activity", f"{app}/activity", PUBLISHERS, refused=VIEWERS)
    yield Stop("access", "/apps/{name}/access", f"{app}/access", PUBLISHERS, refused=VIEWERS)
    yield Stop("settings", "/apps/{name}/settings", f"{app}/settings", PUBLISHERS, refused=VIEWERS)
    yield Stop("schedule", "/apps/{name}/schedule", f"{app}/schedule", PUBLISHERS, refused=VIEWERS)
    yield Stop("app-webhooks", "/apps/{name}/webhooks", f"{app}/webhooks", PUBLISHERS, refused=VIEWERS)


def _of_other_apps() -> Iterator[Stop]:
    """Others differ in their states, and in what they lack."""
    yield Stop("app-failing", "/apps/{name}", "/apps/turbine")
    yield Stop("app-starting", "/apps/{name}", "/apps/map", ("ada",))
    yield Stop("app-stopped", "/apps/{name}", "/apps/forecast", ("bob",))
    yield Stop("source-failing", "/apps/{name}/source", "/apps/notebook/source", ("ada",))
    yield Stop("source-none", "/apps/{name}/source", "/apps/map/source", ("ada",))
    yield Stop("schedule-stopped", "/apps/{name}/schedule", "/apps/notebook/schedule", ("ada",))
    yield Stop("schedule-none", "/apps/{name}/schedule", "/apps/map/schedule", ("ada",))
    yield Stop("schedule-static", "/apps/{name}/schedule", "/apps/forecast/schedule", ("bob",))
    yield Stop("logs-failing", "/apps/{name}/logs", "/apps/turbine/logs", ("bob",))
    yield Stop("logs-none", "/apps/{name}/logs", "/apps/sales/logs?q=zebra", ("ada",))
    yield Stop("logs-wrong", "/apps/{name}/logs", "/apps/sales/logs?since=yesterday", ("ada",), 400)
    yield Stop("compare-one", "/apps/{name}/compare", "/apps/map/compare", ("ada",), 404)
    yield Stop("settings-empty", "/apps/{name}/settings", "/apps/map/settings", ("ada",))
    yield Stop("access-empty", "/apps/{name}/access", "/apps/map/access", ("ada",))
    yield Stop("app-webhooks-empty", "/apps/{name}/webhooks", "/apps/map/webhooks", ("ada",))


def _of_publishers(room: Showroom) -> Iterator[Stop]:
    of_app, of_all = room.rows.webhooks
    check = f"/publish/check?snapshot={room.rows.snapshot}&name=sales&env=1&left=3"
    yield Stop("publish-check", "/publish/check", check, ("ada",))
    yield Stop("publish-check-wrong", "/publish/check", f"{check}&name=no+name", ("ada",), 400)
    yield Stop("secrets", "/secrets", "/secrets", PUBLISHERS, refused=VIEWERS)
    yield Stop("secrets-empty", "/secrets", "/secrets", ("eve",))
    yield Stop("secret", "/secrets/{name}", "/secrets/warehouse", ("ada",))
    yield Stop("secret-of-another", "/secrets/{name}", "/secrets/warehouse", ("bob",))
    yield Stop("webhook", "/webhooks/{webhook_id}", f"/webhooks/{of_app}", PUBLISHERS, refused=VIEWERS)
    yield Stop("webhook-of-all", "/webhooks/{webhook_id}", f"/webhooks/{of_all}", ("admin",))
    tag = f"/admin/tags/{room.rows.tags[0]}"
    yield Stop("tags", "/admin/tags", "/admin/tags", ("admin",), refused=("ada", "vic"))
    yield Stop("tag", "/admin/tags/{tag_id}", tag, ("admin",), refused=("ada", "vic"))
    yield Stop("tag-gone", "/admin/tags/{tag_id}", "/admin/tags/tag_none", ("admin",), 404)
    yield Stop("webhooks", "/admin/webhooks", "/admin/webhooks", ("admin",), refused=("ada", "vic"))
    yield Stop(
        "git-credentials",
        "/admin/git-credentials",
        "/admin/git-credentials",
        ("admin",),
        refused=("ada", "vic"),
    )
    yield Stop("admin", "/admin", "/admin", ("admin",), refused=("ada", "vic"))
    yield Stop("audit", "/audit", "/audit", ("admin",), refused=("ada", "vic"))
    yield Stop("audit-none", "/audit", "/audit?action=webhook.made&doer=nobody", ("admin",))
