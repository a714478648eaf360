"""The console's ASGI application: every domain's routes, and errors in one place."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tholos import __version__
from tholos.access import api as access_api
from tholos.access import pages as access_pages
from tholos.accounts import api as accounts_api
from tholos.accounts import device_pages, groups_api, oauth_pages, openid_pages, own_api, sign_in_api
from tholos.accounts import pages as accounts_pages
from tholos.accounts.device import Pulse
from tholos.accounts.errors import SignInTooOld
from tholos.accounts.news import News
from tholos.accounts.pace import Pace
from tholos.accounts.passwords import Passwords
from tholos.accounts.provider import Provider
from tholos.accounts.routes import Calling, Measuring, Permission, Replayed, Routes, find_actor
from tholos.accounts.service import Actor
from tholos.apps import api as apps_api
from tholos.apps.life import Rules
from tholos.console import access as console_access
from tholos.console import account as account_page
from tholos.console import (
    activity,
    admin,
    articles,
    audit,
    audit_api,
    departures_api,
    git_credentials,
    home,
    invitations_api,
    life_api,
    limits_api,
    live,
    monitoring_api,
    people,
    person,
    quotas_api,
    reference,
    secrets_api,
    tokens_api,
    variables_api,
)
from tholos.console import compare as compare_pages
from tholos.console import groups as group_pages
from tholos.console import invitations as invitation_pages
from tholos.console import logs as console_logs
from tholos.console import pages as console_pages
from tholos.console import publish as publish_pages
from tholos.console import releases as releases_pages
from tholos.console import schedules as schedules_pages
from tholos.console import secrets as secrets_pages
from tholos.console import settings as settings_pages
from tholos.console import sources as sources_pages
from tholos.console import tags as tags_pages
from tholos.console.health import Health
from tholos.console.metrics import Meters
from tholos.instances import api as instances_api
from tholos.instances.metering import Meter
from tholos.instances.standbys import Standbys
from tholos.kit.errors import Invalid, NotFound, NotSignedIn, TholosError, Unavailable
from tholos.kit.http import SAFE_METHODS
from tholos.kit.ids import new_id
from tholos.kit.log import get_logger
from tholos.kit.pages import Pages
from tholos.kit.services import Services
from tholos.kit.text import FORM, brings_nul
from tholos.notifications import api as notifications_api
from tholos.notifications import pages as notifications_pages
from tholos.notifications import service as notifications
from tholos.notifications.models import Means
from tholos.operations import api as operations_api
from tholos.paths import api as paths_api
from tholos.paths.service import Policy as PathPolicy
from tholos.protocols.connect import errors as connect_errors
from tholos.protocols.connect import routers as connect
from tholos.protocols.connect.bootstrap_api import Bootstrap
from tholos.protocols.connect.bundles_api import UPLOAD_PATH
from tholos.publishing import api as publishing_api
from tholos.publishing import comparisons, proposals, releases_api, taking
from tholos.publishing import content as content_api
from tholos.runtime.sandbox import OPEN
from tholos.schedules import api as schedules_api
from tholos.server import openapi, render
from tholos.sources import api as sources_api
from tholos.sources import hooks_api
from tholos.sources.api import LocalFolders
from tholos.tags import api as tags_api
from tholos.usage import api as usage_api
from tholos.usage.service import Policy as UsagePolicy

BODY_LIMIT = 1 << 20
STREAMING_PATHS = frozenset({"/api/v1/content/packs", "/api/v1/snapshots", "/publish/upload"})
"""They know who asks before they read, and have limits of their own."""

routes = Routes(tags=["server"])

ROUTERS = (
    routes,
    accounts_api.routes,
    groups_api.routes,
    own_api.routes,
    tokens_api.routes,
    quotas_api.routes,
    invitations_api.routes,
    apps_api.routes,
    tags_api.routes,
    paths_api.routes,
    usage_api.routes,
    access_api.routes,
    instances_api.routes,
    instances_api.everywhere,
    publishing_api.routes,
    releases_api.routes,
    taking.routes,
    comparisons.routes,
    proposals.routes,
    sources_api.routes,
    hooks_api.routes,
    schedules_api.routes,
    content_api.routes,
    operations_api.routes,
    monitoring_api.routes,
    accounts_pages.routes,
    openid_pages.routes,
    device_pages.routes,
    oauth_pages.routes,
    sign_in_api.routes,
    account_page.routes,
    invitation_pages.routes,
    access_pages.routes,
    console_pages.routes,
    publish_pages.routes,
    releases_pages.routes,
    compare_pages.routes,
    console_access.routes,
    console_logs.routes,
    admin.routes,
    admin.pages,
    reference.routes,
    articles.routes,
    home.routes,
    live.routes,
    notifications_api.routes,
    audit_api.routes,
    departures_api.routes,
    people.routes,
    person.routes,
    group_pages.routes,
    variables_api.routes,
    life_api.routes,
    limits_api.routes,
    secrets_api.routes,
    settings_pages.routes,
    secrets_pages.routes,
    sources_pages.routes,
    schedules_pages.routes,
    git_credentials.routes,
    tags_pages.routes,
    notifications_pages.routes,
    audit.routes,
    activity.routes,
    *connect.ROUTERS,
)


class Broken(TholosError):
    """Tholos made a mistake. It is in the server's log, under this request's id."""

    code = "bug"


@routes.declare("GET", "/healthz", permission=Permission.PUBLIC)
async def healthz() -> dict[str, str]:
    """Whether this server answers; for probes."""
    return {"status": "ok", "version": __version__}


@routes.declare("GET", "/api/v1/server", permission=Permission.PUBLIC)
async def get_server(call: Calling) -> dict[str, str | int]:
    """Which server this is, and which version of the API it speaks."""
    site = call.site
    return {
        "name": "tholos",
        "version": __version__,
        "api": 1,
        "url": site.url,
        "apps_url": site.app_url + "/",
    }


def build(services: Services) -> FastAPI:
    """The application over the parts that the entry point built."""
    app = assemble()
    app.state.services = complete(services)
    return app


def complete(services: Services) -> Services:
    """The parts with those that the entry point leaves to the application."""
    services.add(Passwords())
    services.add_missing(Pace.of())
    services.add_missing(Provider())
    services.add_missing(Pulse())
    services.add_missing(Measuring())
    services.add_missing(Meters())
    services.add_missing(Health())
    services.add_missing(News(notifications.count_unseen))
    services.add_missing(Means())
    services.add_missing(Bootstrap())
    services.add_missing(PathPolicy())
    services.add_missing(OPEN)
    services.add_missing(UsagePolicy())
    services.add_missing(Rules())
    services.add_missing(Meter())
    services.add_missing(Standbys())
    services.add_missing(LocalFolders())
    return services


def assemble() -> FastAPI:
    """The application without its parts: routes, error answers, and the document of the API."""
    app = FastAPI(
        title="Tholos", version=__version__, openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None,
        redirect_slashes=False, generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_exception_handler(TholosError, _on_tholos_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Replayed, _on_replayed)
    app.add_middleware(_Named)
    document = app.openapi
    app.openapi = lambda: openapi.complete(document()) if app.openapi_schema is None else app.openapi_schema  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


class NulRefused(Invalid):
    """Cannot take this request: there is NUL in it, which no text holds."""

    code = "nul_refused"


class _Body:
    """A request's body, as long as nothing is wrong with it; frameworks read it before anybody asks who sent it."""

    def __init__(self, request: Request, receive: Receive) -> None:
        self._receive = receive
        self._content_type = request.headers.get("content-type", "")
        path = request.url.path
        self._is_limited = path not in STREAMING_PATHS and not UPLOAD_PATH.fullmatch(path)
        self._read = bytearray()
        self.refused = self._refuse_at_once(request)
        """Why none of the request is taken."""

    def _refuse_at_once(self, request: Request) -> TholosError | None:
        announced = request.headers.get("content-length", "")
        if self._is_limited and announced.isdecimal() and int(announced[:20]) > BODY_LIMIT:
            return _too_large()
        if "\0" in request.scope["path"]:
            return NulRefused(where="path")
        return NulRefused(where="query") if brings_nul(request.scope["query_string"], FORM) else None

    async def receive(self) -> Message:
        """Raises: BodyTooLarge, NulRefused."""
        message = await self._receive()
        if self._is_limited and message["type"] == "http.request":
            self._read += message.get("body", b"")
            self.refused = self._refuse(is_whole=not message.get("more_body", False))
        if self.refused is not None:
            raise self.refused
        return message

    def _refuse(self, *, is_whole: bool) -> TholosError | None:
        if len(self._read) > BODY_LIMIT:
            return _too_large()
        return NulRefused(where="body") if is_whole and brings_nul(self._read, self._content_type) else None


def _too_large() -> TholosError:
    return content_api.BodyTooLarge(f"Cannot take this body: it has more than {BODY_LIMIT} bytes.")


class _Reply:
    """What is sent for a request, under its id."""

    def __init__(self, request: Request, body: _Body, send: Send) -> None:
        self._request = request
        self._body = body
        self._send = send
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._request.state.id
            if self._request.url.path.startswith("/static/"):
                headers["cache-control"] = "no-cache"  # asked for again each time, and answered 304
        await self._send(message)

    async def send_of_app(self, message: Message) -> None:
        if self.has_begun or self._body.refused is None:  # what is made of half a body is no answer
            await self.send(message)


class _Named:
    """Gives each request an id, bounds its body, and turns what nobody foresaw into one answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.id = new_id("req")
        body = _Body(request, receive)
        reply = _Reply(request, body, send)
        error: TholosError | None = None
        try:
            if body.refused is None:
                await self._app(scope, body.receive, reply.send_of_app)
        except ClientDisconnect:  # in the middle of its body: nobody is there to be answered
            get_logger().info("request_cut_off", request=request.state.id, path=scope["path"])
            return
        except Exception:  # noqa: BLE001 - the edge: nothing beyond it can answer
            error = Broken()
            if body.refused is None:
                get_logger().exception("request_broke", request=request.state.id, path=scope["path"])
        error = body.refused or error
        if error is not None and not reply.has_begun:
            await _answer(request, error)(scope, receive, reply.send)


async def _on_tholos_error(request: Request, error: Exception) -> Response:
    return _answer(request, error if isinstance(error, TholosError) else Broken())


async def _on_invalid(request: Request, error: Exception) -> Response:
    """What a body or parameter lacks, by the field it is about."""
    found = error.errors() if isinstance(error, RequestValidationError | ValidationError) else []
    first = found[0] if found else {"loc": (), "msg": "it is not of the form that is needed"}
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "header", "path"})
    return _answer(request, Invalid(f"Cannot take this request: {first['msg']}.", where=where))


async def _on_replayed(_request: Request, replayed: Exception) -> Response:
    """What the same call was answered before, word for word."""
    if not isinstance(replayed, Replayed):
        raise replayed
    found = replayed.answered
    return Response(found.body, found.status, {"idempotent-replayed": "true"}, "application/json")


async def _on_http_error(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown paths and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        path = request.url.path
        is_wire = "/__api__/" in path
        unknown = (
            connect_errors.path_unknown(path) if is_wire else NotFound(f"There is nothing at {path[:200]}.")
        )
        return _answer(request, unknown)
    response = _answer(request, Invalid(f"Cannot {request.method} {request.url.path[:200]}."))
    response.status_code = status
    if status == 405:
        response.headers["allow"] = ", ".join(_methods_at(request))
    return response


def _methods_at(request: Request) -> list[str]:
    """What a path can be asked for, by all of its routes together."""
    found = (
        route
        for router in ROUTERS
        for route in router.routes
        if route.matches(request.scope)[0] != Match.NONE
    )
    return sorted({method for route in found for method in getattr(route, "methods", None) or ()})


def _answer(request: Request, error: TholosError) -> Response:
    if "/__api__/" in request.url.path:
        return JSONResponse(connect_errors.to_json(error), render.status_of(error), render.headers_of(error))
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if not wants_page:
        shown = render.error_json(error, request.state.id)
        return JSONResponse(shown, render.status_of(error), render.headers_of(error))
    if isinstance(error, NotSignedIn) and request.method in SAFE_METHODS:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/sign-in?" + urlencode({"next": wanted}), 303)
    if isinstance(error, SignInTooOld):
        came_from = urlsplit(request.headers.get("referer", "")).path or "/"
        error.details["page"] = "/sign-in?" + urlencode({"next": came_from})
    services: Services = request.app.state.services
    page = render.error_page(error, request.state.id, "/", _shown_actor(request, services, error))
    response = services.get(Pages).answer("error.html", page, page.status)
    response.headers.update(render.headers_of(error))
    return response


def _shown_actor(request: Request, services: Services, error: TholosError) -> Actor | None:
    """Whom a page of an error greets; nobody where finding out is what went wrong, or may go wrong again."""
    if isinstance(error, Broken | Unavailable):
        return None
    try:
        return find_actor(request, services)
    except (TholosError, SQLAlchemyError):
        return None
