"""How a route is declared, with its permission, and what its handler gets.

Every route of the console says who may use it; the whole table is a golden file. A permission on one app
(``app.view``, ``app.edit``) names what the use case then asks of that app's row.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Request
from pydantic import BaseModel

from tholos.accounts import agents, answers, confirming, errors
from tholos.accounts import service as accounts
from tholos.accounts.answers import Answered, Keyed
from tholos.accounts.models import Role, Scope
from tholos.accounts.news import News
from tholos.accounts.pace import Pace
from tholos.accounts.service import Actor, Origin
from tholos.audit import service as audit
from tholos.kit.clock import Clock
from tholos.kit.db import Database, ReadDb, WriteDb
from tholos.kit.errors import NotSignedIn
from tholos.kit.http import SAFE_METHODS, CookieNames, bearer_token, is_own_request
from tholos.kit.lazily import leave_out
from tholos.kit.sealing import Sealer
from tholos.kit.services import Services
from tholos.kit.versions import from_tag

leave_out("pydantic.v1")  # FastAPI asks of every annotation whether it is of that

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


class Permission(StrEnum):
    """Who may use a route."""

    PUBLIC = "public"
    MEASURE = "measure"
    """Administrators, and a program with the token that is set for it."""
    SIGNED_IN = "signed_in"
    PUBLISH = "publish"
    ADMINISTER = "administer"
    APP_VIEW = "app.view"
    APP_EDIT = "app.edit"
    APP_SHARE = "app.share"
    APP_OWN = "app.own"


_ROLES = {
    Permission.MEASURE: Role.ADMINISTRATOR,
    Permission.SIGNED_IN: Role.VIEWER,
    Permission.APP_VIEW: Role.VIEWER,
    Permission.PUBLISH: Role.PUBLISHER,
    Permission.APP_EDIT: Role.PUBLISHER,
    Permission.APP_SHARE: Role.PUBLISHER,
    Permission.APP_OWN: Role.PUBLISHER,
    Permission.ADMINISTER: Role.ADMINISTRATOR,
}
_CHANGING_SCOPES = {
    Permission.PUBLISH: Scope.PUBLISH,
    Permission.APP_VIEW: Scope.PUBLISH,
    Permission.APP_EDIT: Scope.PUBLISH,
}
"""What a token needs for what changes something; everything else needs all that its account may."""
_BEYOND_ONE_APP = frozenset({
    Permission.ADMINISTER, Permission.SIGNED_IN, Permission.APP_SHARE, Permission.APP_OWN,
})  # fmt: skip
"""What a token for one app never changes: people, tokens, the installation, who may open the app and whose it is."""
_OF_ALL = frozenset({Permission.ADMINISTER, Permission.MEASURE})
"""What it does not even read."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where this installation is reached."""

    url: str
    """The console's origin, such as ``http://localhost:8080``; no slash at the end."""
    app_url: str
    """An app's address with ``{name}`` in it, such as ``http://{name}.localhost:8080``; no slash at the end."""
    is_secure: bool

    @property
    def cookies(self) -> CookieNames:
        return CookieNames.of(secure=self.is_secure, has_paths=self.is_one_origin)

    @property
    def is_one_origin(self) -> bool:
        """Whether apps are under paths of the console's host: then a page of theirs may do what its visitor may."""
        return self.app_url.startswith(f"{self.url}/")


@dataclass(frozen=True, slots=True)
class Measuring:
    """The token by which a program reads the metrics without an account; empty where there is none."""

    token: str = ""

    def is_known(self, request: Request) -> bool:
        sent = bearer_token(request.headers.get("authorization"))
        return bool(self.token) and hmac.compare_digest(sent.encode(), self.token.encode())


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the console: who asks, and the parts to answer with."""

    request: Request
    services: Services
    known_actor: Actor | None
    unseen: int = 0
    """News that whoever asks for a page has not seen."""

    @property
    def actor(self) -> Actor:
        """Raises: NotSignedIn."""
        if self.known_actor is None:
            raise NotSignedIn("Cannot do that: nobody is signed in.", fix="Sign in, or send a token.")
        return self.known_actor

    def find_present_actor(self, db: ReadDb) -> Actor:
        """Who asks, as they are by now: what goes on for long is not for those who may less than when it began.

        Raises: NotSignedIn, RoleTooLow.
        """
        found = accounts.find_anew(db, self.actor, self.now)
        if found is None:
            raise NotSignedIn("Cannot go on: you are signed out.", fix="Sign in again.")
        permission = getattr(self.request.state, "permission", Permission.SIGNED_IN)
        found.needs(_ROLES.get(permission, Role.VIEWER))
        return found

    @property
    def now(self) -> datetime:
        return self.get(Clock).now()  # type: ignore[type-abstract]  # the seam is the key

    @property
    def site(self) -> Site:
        return self.get(Site)

    @property
    def address(self) -> str:
        """Where the client is, as the door saw it: that header is set there, whatever a client sends."""
        client = self.request.client
        return self.request.headers.get("x-forwarded-for", "") or (client.host if client else "")

    def kept(self, db: WriteDb, answer: Model, status: int = 201) -> Model:
        """The answer, kept under the call's idempotency key if it has one: the same call gets it again, undone."""
        keyed: Keyed | None = getattr(self.request.state, "keyed", None)
        if keyed is not None:
            answers.keep(db, self.get(Sealer), keyed, Answered(status, answer.model_dump_json()), self.now)
        return answer

    @property
    def origin(self) -> Origin:
        """Where the request comes from, for whoever signs in by it."""
        agent = self.request.headers.get("user-agent", "")
        return Origin(agents.words(agent), self.address, getattr(self.request.state, "id", ""))

    @contextmanager
    def read(self) -> Iterator[ReadDb]:
        with self.get(Database).read() as db:
            yield db

    @property
    def seen_version(self) -> int | None:
        """The version that an If-Match header names.

        Raises: TagInvalid.
        """
        return from_tag(self.request.headers.get("if-match"))

    @contextmanager
    def write(self, *, unrecorded: str = "") -> Iterator[WriteDb]:
        """One transaction, committed when the block ends: this is the edge.

        Args:
            unrecorded: why what changes in it is no deed that the record needs; without a reason, a change that was not
                recorded is a mistake of ours, and is not committed.
        """
        with self.get(Database).write() as db:
            yield db
            if not unrecorded and db.has_changes and not db.info.get(audit.RECORDED):
                msg = f"{self.request.method} {self.request.url.path} changed something and did not record it"
                raise RuntimeError(msg)

    def get(self, wanted: type[T]) -> T:
        return self.services.get(wanted)


def _call_of(request: Request, background: BackgroundTasks) -> Call:
    services: Services = request.app.state.services
    actor = find_actor(request, services)
    call = Call(request, services, actor, _count_news(request, services, actor))
    if call.known_actor is not None and call.known_actor.is_use_news:
        background.add_task(_note_use, call, call.known_actor)  # nobody waits for it
    return call


def _count_news(request: Request, services: Services, actor: Actor | None) -> int:
    if actor is None or request.url.path.startswith("/api/"):
        return 0
    with services.get(Database).read() as db:
        return services.get(News).unseen(db, actor)


def _note_use(call: Call, actor: Actor) -> None:
    with call.write(unrecorded="a token's last use stands at the token") as db:
        accounts.touch_token(db, actor.credential, actor.account_id, call.now)


def find_actor(request: Request, services: Services) -> Actor | None:
    """Whom the request's token or session stands for; the first of them that is there decides.

    Raises: ForeignOrigin: a cookie came with a request that changes something and is not our own pages'.
    """
    site = services.get(Site)
    now = services.get(Clock).now()  # type: ignore[type-abstract]  # the seam is the key
    token = bearer_token(request.headers.get("authorization"))
    session = "" if token else request.cookies.get(site.cookies.session, "")
    if not token and not session:
        return None
    if session and request.method not in SAFE_METHODS:
        own = f"{'https' if site.is_secure else 'http'}://{request.headers.get('host', '')}"
        if not is_own_request(request.headers.get("origin"), request.headers.get("sec-fetch-site"), own):
            raise errors.ForeignOrigin
    with services.get(Database).read() as db:
        actor = accounts.find_actor(db, now, token=token, session=session)
    if actor is None:
        return None
    client = request.client.host if request.client else ""
    address = request.headers.get("x-forwarded-for", "") or client
    return replace(actor, address=address, request_id=getattr(request.state, "id", ""))


Calling = Annotated[Call, Depends(_call_of)]


def _require(permission: Permission, scope: Scope | None = None) -> Callable[[Call], None]:
    def check(call: Calling) -> None:
        call.request.state.permission = permission
        if permission is Permission.MEASURE and call.get(Measuring).is_known(call.request):
            return
        if permission is not Permission.PUBLIC:
            call.actor.needs(_ROLES[permission])
            is_reading = call.request.method in SAFE_METHODS
            needed = Scope.READ if is_reading else scope or _CHANGING_SCOPES.get(permission, Scope.FULL)
            call.actor.needs_scope(needed)
            is_beyond = permission in _BEYOND_ONE_APP and not is_reading
            if scope is None and (is_beyond or permission in _OF_ALL):
                call.actor.needs_all_apps()
        if call.site.is_one_origin and call.known_actor is not None and scope is not Scope.READ:
            _check_sign_in(call, call.known_actor, permission)

    return check


def _check_sign_in(call: Call, actor: Actor, permission: Permission) -> None:
    """Raises: SignInTooOld."""
    route = str(getattr(call.request.scope.get("route"), "path", call.request.url.path))
    is_for_administrators = permission is Permission.ADMINISTER
    if confirming.is_grave(call.request.method, route, is_for_administrators=is_for_administrators):
        confirming.check(actor, call.now)


class Replayed(Exception):
    """Not an error: this very call was answered before, and that is the answer."""

    def __init__(self, answered: Answered) -> None:
        self.answered = answered
        super().__init__("answered before")


async def _fingerprint_of(request: Request) -> str:
    return answers.fingerprint(request.method, str(request.url.path), await request.body())


def _replay(
    call: Calling,
    fingerprint: Annotated[str, Depends(_fingerprint_of)],
    idempotency_key: Annotated[
        str | None,
        Header(max_length=200, description="A random text: sent again with it, the call is done once."),
    ] = None,
) -> None:
    """Raises: Replayed, KeyReused."""
    if not idempotency_key or call.known_actor is None:
        return
    keyed = Keyed(call.actor.account_id, idempotency_key, fingerprint)
    with call.read() as db:
        found = answers.find(db, call.get(Sealer), keyed)
    if found is not None:
        raise Replayed(found)
    call.request.state.keyed = keyed


def _pace(call: Calling) -> None:
    """Raises: TooManyRequests."""
    call.get(Pace).create(call.known_actor, call.address, call.now)


class Routes(APIRouter):
    """A router whose every route declares its permission."""

    def declare(
        self,
        method: str,
        path: str,
        *,
        permission: Permission,
        scope: Scope | None = None,
        is_creating: bool = False,
        **options: Any,
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Add a handler for a method and path, for those whom the permission names.

        Args:
            method: of HTTP.
            path: within the router's prefix.
            permission: who may use it.
            scope: what a token needs, where that is less than what changes of this kind need.
            is_creating: takes an idempotency key; the handler answers by ``call.kept`` within its transaction.
            options: FastAPI's own.
        """
        told = {"x-permission": permission.value, **options.pop("openapi_extra", {})}
        checks = [Depends(_require(permission, scope))]
        if is_creating:
            checks += [Depends(_replay), Depends(_pace)]

        def add(handler: Callable[..., T]) -> Callable[..., T]:
            self.add_api_route(
                path,
                handler,
                methods=[method],
                dependencies=checks,
                openapi_extra=told,
                **options,
            )
            return handler

        return add
