"""Home, an app with its tabs, and an operation. Each handler builds one page model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.models import App
from tholos.instances import api as instances_api
from tholos.instances import schemas as instance_schemas
from tholos.instances import service as instances
from tholos.kit.db import JsonObject, ReadDb
from tholos.kit.pages import Pages
from tholos.operations import api as operations_api
from tholos.operations import schemas as operation_schemas
from tholos.operations import service as operations
from tholos.operations.models import Operation, OperationState
from tholos.paths import schemas as path_schemas
from tholos.paths import service as paths
from tholos.publishing import reasons
from tholos.publishing import service as publishing
from tholos.publishing.reasons import Reason
from tholos.schedules import api as schedules_api
from tholos.schedules import schemas as schedule_schemas
from tholos.schedules import service as schedules
from tholos.sharing.models import Audience
from tholos.sources import schemas as source_schemas
from tholos.sources import service as sources
from tholos.tags import api as tags_api
from tholos.tags import schemas as tag_schemas
from tholos.usage import api as usage_api
from tholos.usage import schemas as usage_schemas
from tholos.usage.days import Chart
from tholos.usage.service import Asked

routes = Routes(include_in_schema=False)

_TEXTS = ("entrypoint", "python", "requirements", "prepare")
_TOLD_ON_CARDS = frozenset({OperationState.QUEUED, OperationState.RUNNING, OperationState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPage(Frame):
    app: app_schemas.AppOut
    operation: operation_schemas.OperationOut | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the publisher said and the next release takes."""

    entrypoint: str
    python: str
    requirements: str
    prepare: str
    keep: Sequence[str]

    @classmethod
    def of(cls, overrides: JsonObject) -> Remembered:
        entrypoint, python, requirements, prepare = (str(overrides.get(name) or "") for name in _TEXTS)
        keep = overrides.get("keep")
        paths = [str(path) for path in keep] if isinstance(keep, list) else []
        return cls(entrypoint, python, requirements, prepare, paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewPage(AppPage):
    reasons: Sequence[Reason]
    instances: Sequence[instance_schemas.InstanceOut]
    standbys: Sequence[instance_schemas.StandbyOut]
    settings: Remembered
    tags: Sequence[tag_schemas.TagPut]
    usage: usage_schemas.UsageOut | None
    """None for those who do not edit it."""
    chart: Chart | None
    source: source_schemas.SourceOut | None
    """The repository that it follows; for those who edit it."""
    schedule: schedule_schemas.ScheduleOut | None
    """When it is started again by itself; for those who edit it."""
    path_url: str
    """The address at the console's host that leads to it too; empty where there is none."""
    is_one_origin: bool
    """Whether it shares the console's host."""
    may_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPage(Frame):
    operation: operation_schemas.OperationOut
    events: Sequence[operation_schemas.EventOut]
    last: int
    keeps: app_schemas.ReleaseOut | None
    may_cancel: bool
    is_private: bool
    """Whether who looks is the only one who can open the app."""


@routes.declare("GET", "/apps/{name}", permission=Permission.APP_VIEW)
def show_app(call: Calling, name: str) -> Response:
    return _overview(call, name)


@routes.declare("GET", "/operations/{operation_id}", permission=Permission.SIGNED_IN)
def show_operation(call: Calling, operation_id: str) -> Response:
    with call.read() as db:
        operation = operations.get_visible(db, call.actor, operation_id)
        events = [
            operation_schemas.event_out(one) for one in operations.list_events(db, operation_id, 0, 20_000)
        ]
        app = apps.find_app(db, operation.subject_id)
        page = OperationPage(
            title=f"{_verb(operation)} {operation.subject_name}",
            account=account_of(call),
            json_url=f"/api/v1/operations/{operation_id}",
            operation=operations_api.shown(db, [operation], call.site.url)[0],
            events=events,
            last=events[-1].n if events else 0,
            keeps=_live_release(call, db, app) if app else None,
            is_private=app is not None and _is_private(call, db, app),
            may_cancel=not (operation.has_ended or operation.is_decided),
        )
    return call.get(Pages).answer("operation.html", page)


@routes.declare("POST", "/operations/{operation_id}/cancel", permission=Permission.SIGNED_IN)
def cancel_operation(call: Calling, operation_id: str) -> Response:
    operations_api.cancel(call, operation_id)
    return RedirectResponse(f"/operations/{operation_id}", 303)


def _verb(operation: Operation) -> str:
    """What from git is a publish like any other."""
    kind = publishing.PUBLISH if operation.kind == publishing.FOLLOW else operation.kind
    return kind.capitalize()


def _overview(call: Call, name: str) -> Response:
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        may_change = apps.may_edit(db, app, call.actor)
        used = usage_api.usage_out(call, db, name, Asked()) if may_change else None
        found = instances.list_of_app(db, app.id) if may_change else []
        followed = sources.find_followed(db, call.actor, name) if may_change else None
        planned = schedules.find_planned(db, call.actor, name, call.now) if may_change else None
        page = OverviewPage(
            title=name,
            account=account_of(call),
            json_url=f"/api/v1/apps/{name}",
            app=apps_api.shown(call, db, [app])[0],
            operation=last_operations(call, db, [app]).get(name),
            reasons=reasons.reasons_of(db, call.actor, app) if may_change else [],
            instances=instances_api.shown(call, db, found),
            standbys=instances_api.waiting(call, db, app.name),
            settings=Remembered.of(app.overrides),
            usage=used,
            source=source_schemas.source_out(followed, call.site.url) if followed else None,
            schedule=schedules_api.shown(call, db, planned) if planned else None,
            chart=usage_api.chart_of(used) if used else None,
            path_url=path_schemas.path_out(name, paths.find_path(db, app.id), call.site.url).url,
            is_one_origin=call.site.is_one_origin,
            tags=[tag_schemas.tag_put(one) for one in tags_api.of_app(db, app)],
            may_change=may_change,
        )
    return call.get(Pages).answer("app_overview.html", page)


def last_operations(
    call: Call, db: ReadDb, found: Sequence[App]
) -> dict[str, operation_schemas.OperationOut]:
    """What is under way, or failed as the last thing that happened, for each app by its name."""
    last = operations.list_last(db, [app.id for app in found], call.actor)
    telling = [one for one in last if one.state in _TOLD_ON_CARDS]
    return {one.app: one for one in operations_api.shown(db, telling, call.site.url)}


def _is_private(call: Call, db: ReadDb, app: App) -> bool:
    shared = app_sharing.sharing_of(db, app)
    is_own = shared.owner_id == call.actor.account_id
    return is_own and shared.audience == Audience.LISTED and not shared.shares


def _live_release(call: Call, db: ReadDb, app: App) -> app_schemas.ReleaseOut | None:
    live = apps.find_live(db, app.id)
    return apps_api.shown_releases(call, db, app, [live])[0] if live else None
