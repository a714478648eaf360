"""An app's Access tab: who can open it, changing that in two steps (what it will do, then do it), requests, the owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Form
from starlette.responses import RedirectResponse, Response

from tholos.access import api as access_api
from tholos.access import schemas
from tholos.accounts.pages import account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import requests
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.errors import NotAnEditor, OwnerInvalid
from tholos.apps.models import App
from tholos.apps.sharing import Given, Plan, Wish
from tholos.console.pages import AppPage, last_operations
from tholos.kit.db import ReadDb
from tholos.kit.errors import TholosError
from tholos.kit.pages import Pages
from tholos.kit.versions import EditedMeanwhile
from tholos.sharing import service as sharing
from tholos.sharing.errors import GrantInvalid, GrantNotFound, PrincipalUnknown, RequestDecided
from tholos.sharing.models import Audience, Level, PrincipalKind, RequestState

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
PEOPLE_SHOWN = 200
_TAKE_BACK = "none"
_AT_FIELD = (PrincipalUnknown, GrantInvalid, GrantNotFound, OwnerInvalid, NotAnEditor)
_GRANTS = {"granted": Level.VIEWER, "editor": Level.EDITOR}
"""The answers that let somebody in, and as what."""
_OWNER_FIELDS = {"account": "account", "level": "keep"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was chosen, to show again and to send once more with what was previewed."""

    version: str = ""
    audience: str = ""
    who: str = ""
    """An account's name, or a group's after ``@``."""
    level: str = ""
    account: str = ""
    """Who is to own it."""
    keep: str = ""
    step: str = ""
    """``apply``, or a preview."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change will do, before it applies."""

    action: str
    """Where the form that applies it is sent."""
    before: str
    words: str
    changes: Sequence[str]
    fields: Mapping[str, str]
    is_conflict: bool
    """Whether somebody else changed it since this was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPage(AppPage):
    shared: schemas.AccessOut
    people: Sequence[schemas.ReachOut]
    people_total: int
    requests: Sequence[schemas.RequestOut]
    preview: Preview | None
    typed: Typed
    errors: Mapping[str, str]
    accounts: Sequence[str]
    groups: Sequence[str]
    may_own: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows besides how things are."""

    preview: Preview | None = None
    typed: Typed = field(default_factory=Typed)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    status: int = 200


@routes.declare("GET", "/apps/{name}/access", permission=Permission.APP_SHARE)
def show_access(call: Calling, name: str) -> Response:
    return _page(call, name, Shown())


@routes.declare("POST", "/apps/{name}/access", permission=Permission.APP_SHARE)
def change_access(
    call: Calling,
    name: str,
    version: Text = "",
    audience: Text = "",
    who: Text = "",
    level: Text = "",
    step: Text = "",
) -> Response:
    """Without ``step=apply`` only what it will do is shown."""
    typed = Typed(version=version, audience=audience, who=who, level=level, step=step)
    with call.read() as db:
        apps.get_editable(
            db, call.actor, name
        )  # to a stranger nothing is wrong with the form: there is no app
    errors = _wrong(typed)
    if errors:
        return _page(call, name, Shown(typed=typed, errors=errors, status=400))
    try:
        return _change(call, name, typed)
    except _AT_FIELD as error:
        where = "audience" if error.where == "audience" else "who"
        return _refused(call, name, typed, where, error)


@routes.declare("POST", "/apps/{name}/owner", permission=Permission.APP_OWN)
def change_owner(
    call: Calling, name: str, version: Text = "", account: Text = "", keep: Text = "", step: Text = ""
) -> Response:
    typed = Typed(version=version, account=account, keep=keep, step=step)
    with call.read() as db:
        apps.get_owned(db, call.actor, name)
    try:
        return _change_owner(call, name, typed)
    except _AT_FIELD as error:
        return _refused(call, name, typed, _OWNER_FIELDS.get(error.where, "account"), error)


@routes.declare("POST", "/apps/{name}/access/requests/{request_id}", permission=Permission.APP_SHARE)
def decide_request(call: Calling, name: str, request_id: str, answer: Text = "") -> Response:
    try:
        with call.write() as db:
            if answer in _GRANTS:
                requests.grant(db, call.actor, name, request_id, _GRANTS[answer], call.now)
            else:
                requests.refuse(db, call.actor, name, request_id, call.now)
    except RequestDecided as error:
        return _page(
            call, name, Shown(errors={"requests": f"{error.message} {error.fix}".strip()}, status=409)
        )
    access_api.tell(call, narrows=False)
    return RedirectResponse(f"/apps/{name}/access#requests", 303)


@routes.declare("POST", "/apps/{name}/pin", permission=Permission.APP_VIEW)
def pin_app(call: Calling, name: str) -> Response:
    access_api.set_pinned(call, name, is_pinned=True)
    return RedirectResponse("/", 303)


@routes.declare("POST", "/apps/{name}/unpin", permission=Permission.APP_VIEW)
def unpin_app(call: Calling, name: str) -> Response:
    access_api.set_pinned(call, name, is_pinned=False)
    return RedirectResponse("/", 303)


def _wrong(typed: Typed) -> dict[str, str]:
    """What cannot be meant, by its field."""
    if typed.audience:
        return {} if typed.audience in set(Audience) else {"audience": "Choose one of these."}
    if not typed.who.strip().lstrip("@"):
        return {"who": "Say whom: a person's name, or a group's after @."}
    return {} if typed.level in {*Level, _TAKE_BACK} else {"level": "Choose one of these."}


def _wish(db: ReadDb, call: Call, typed: Typed) -> Wish:
    if typed.audience:
        return Wish(audience=Audience(typed.audience))
    level = None if typed.level == _TAKE_BACK else Level(typed.level)
    who = typed.who.strip()
    if who.startswith("@"):
        return Wish(given=[Given(PrincipalKind.GROUP, who[1:], level)])
    names = {one.lower() for one in sharing.list_group_names(db, call.actor.organization_id)}
    is_account = app_sharing.find_person(db, call.actor.organization_id, who.lower()) is not None
    is_group = not is_account and who.lower() in names
    return Wish(given=[Given(PrincipalKind.GROUP if is_group else PrincipalKind.ACCOUNT, who, level)])


def _change(call: Call, name: str, typed: Typed) -> Response:
    with call.read() as db:
        wish = _wish(db, call, typed)
        plan = app_sharing.plan(db, call.actor, name, wish)
    fields = {"audience": typed.audience} if typed.audience else {"who": typed.who, "level": typed.level}
    action = f"/apps/{name}/access"
    if typed.step != "apply":
        return _previewed(call, plan, typed, action, fields)
    try:
        done = access_api.change(call, name, wish, _seen(typed))
    except EditedMeanwhile:
        return _previewed(call, plan, typed, action, fields, is_conflict=True)
    return _page(call, name, Shown(notice=" ".join(done.changes)))


def _change_owner(call: Call, name: str, typed: Typed) -> Response:
    keep = Level(typed.keep) if typed.keep in set(Level) else None
    with call.read() as db:
        plan = app_sharing.plan_hand_over(db, call.actor, name, typed.account, keep)
    fields, action = {"account": typed.account, "keep": typed.keep}, f"/apps/{name}/owner"
    if typed.step != "apply":
        return _previewed(call, plan, typed, action, fields)
    try:
        with call.write() as db:
            done = app_sharing.hand_over(
                db, call.actor, name, typed.account, _seen(typed), call.now, keep=keep
            )
    except EditedMeanwhile:
        return _previewed(call, plan, typed, action, fields, is_conflict=True)
    access_api.tell(call, narrows=True)
    return _after_hand_over(call, name, " ".join(done.changes))


def _after_hand_over(call: Call, name: str, notice: str) -> Response:
    """Whoever kept nothing of it has no page of it to go back to."""
    with call.read() as db:
        is_theirs = app_sharing.may_manage(db, call.actor, name)
    return _page(call, name, Shown(notice=notice)) if is_theirs else RedirectResponse("/", 303)


def _previewed(
    call: Call, plan: Plan, typed: Typed, action: str, fields: Mapping[str, str], *, is_conflict: bool = False
) -> Response:
    """What a change will do; sent again, it says which version that was said of."""
    preview = Preview(
        action,
        plan.words_before,
        plan.words,
        plan.changes,
        {**fields, "version": str(plan.app.version), "step": "apply"},
        is_conflict,
    )
    status = 412 if is_conflict else 200
    return _page(call, plan.app.name, Shown(preview=preview, typed=typed, status=status))


def _refused(call: Call, name: str, typed: Typed, where: str, error: TholosError) -> Response:
    errors = {where: f"{error.message} {error.fix}".strip()}
    status = 403 if isinstance(error, NotAnEditor) else 400
    return _page(call, name, Shown(typed=typed, errors=errors, status=status))


def _seen(typed: Typed) -> int | None:
    """A form that says no version was made by hand: it changes what is there."""
    return int(typed.version) if typed.version.isdecimal() and len(typed.version) < 18 else None


def _page(call: Call, name: str, shown: Shown) -> Response:
    with call.read() as db:
        looked = app_sharing.look(db, call.actor, name)
        page = _page_of(call, db, looked, looked.app, shown)
    return call.get(Pages).answer("app_access.html", page, shown.status)


def _page_of(call: Call, db: ReadDb, looked: Plan, app: App, shown: Shown) -> AccessPage:
    reached = app_sharing.people_of(db, app)
    names = {one.id: one.name for one in looked.people}
    asked = [one for one in requests.list_of(db, call.actor, app.name)[1] if one.state == RequestState.OPEN]
    return AccessPage(
        title=f"{app.name}: access",
        account=account_of(call),
        notice=shown.notice,
        json_url=f"/api/v1/apps/{app.name}/access",
        app=apps_api.shown(call, db, [app])[0],
        operation=last_operations(call, db, [app]).get(app.name),
        shared=schemas.access_out(looked),
        people=[schemas.reach_out(person, app, ways) for person, ways in reached[:PEOPLE_SHOWN]],
        people_total=len(reached),
        requests=[schemas.request_out(one, app.name, names) for one in asked],
        preview=shown.preview,
        typed=shown.typed,
        errors=shown.errors,
        accounts=[one.name for one in looked.people if not one.is_disabled and one.id != app.owner_id],
        groups=sharing.list_group_names(db, app.organization_id),
        may_own=apps.may_own(app, call.actor),
    )
