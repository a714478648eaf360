"""HTTP of an app's limits: what its processes may have. A change makes a release, without a build."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import limits as app_limits
from tholos.apps import service as apps
from tholos.apps.limits import Held, Limits
from tholos.apps.models import Release
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.console.variables_api import Done, operation_of, told_of
from tholos.detect.model import Kind
from tholos.kit.db import WriteDb
from tholos.kit.versions import check_version, to_tag
from tholos.operations import schemas as operation_schemas
from tholos.publishing import releases
from tholos.publishing.api import wake
from tholos.runtime import plan
from tholos.variables import service as variables

routes = Routes(prefix="/api/v1/apps", tags=["apps"])
_MOST = 2**31 - 1


class LimitsIn(BaseModel):
    """What each of an app's processes may have; null for as much as the installation says."""

    model_config = ConfigDict(extra="forbid")

    open_files: int | None = Field(None, ge=0, le=_MOST)
    start_timeout_s: int | None = Field(None, ge=0, le=_MOST, description="Seconds for the first answer.")
    memory_mb: int | None = Field(None, ge=0, le=_MOST, description="Of all its processes together.")
    cpu_percent: int | None = Field(None, ge=0, le=_MOST, description="Of them together; 100 is one core.")
    processes: int | None = Field(None, ge=0, le=_MOST, description="Processes and threads that they may be.")
    disk_mb: int | None = Field(
        None, ge=0, le=_MOST, description="Of all that the app stores; measured now and then."
    )
    network: bool | None = Field(None, description="Whether it may use the network.")


class LimitsHeld(BaseModel):
    """What holds, the installation's defaults included; 0 for no limit."""

    open_files: int
    start_timeout_s: int
    memory_mb: int
    cpu_percent: int
    processes: int
    disk_mb: int
    network: bool


class LimitsOut(BaseModel):
    open_files: int | None
    start_timeout_s: int | None
    memory_mb: int | None
    cpu_percent: int | None
    processes: int | None
    disk_mb: int | None
    network: bool | None
    holds: LimitsHeld


class LimitsChanged(BaseModel):
    operation: operation_schemas.OperationOut | None
    """That makes the release with these limits live, or a draft where there is nothing but drafts."""
    told: str
    """The same in words."""
    version: int
    """Of the app."""


@routes.declare("GET", "/{name}/limits", permission=Permission.APP_EDIT)
def get_limits(call: Calling, response: Response, name: str) -> LimitsOut:
    """What each of an app's processes may have; null for as much as the installation says."""
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        found = app_limits.limits_of(variables.find_settings(db, app))
        live = apps.find_live(db, app.id)
    response.headers["etag"] = to_tag(app.version)
    return LimitsOut.model_validate({**found.to_json(), "holds": _held(call, found, live)})


def _held(call: Call, said: Limits, live: Release | None) -> LimitsHeld:
    """What an app's limits come to; how long its first answer may take depends on the kind of the one that is live."""
    usual = call.get(Held)
    first = float(usual.start_timeout_s)
    if live is not None:
        first = plan.start_timeout_s(Kind(str(live.manifest["kind"])), None, first)
    return LimitsHeld.model_validate(asdict(usual.with_limits(said, round(first))))


@routes.declare("PUT", "/{name}/limits", permission=Permission.APP_EDIT)
def set_limits(call: Calling, response: Response, name: str, body: LimitsIn) -> LimitsChanged:
    """Set all limits. With If-Match, only if nobody has changed the app since."""
    with call.write() as db:
        done = change(call, db, name, Limits(**body.model_dump()), call.seen_version)
        answer = LimitsChanged(
            operation=operation_of(call, db, done.operation), told=done.told, version=done.app.version
        )
    wake(call)
    response.headers["etag"] = to_tag(answer.version)
    return answer


def change(call: Call, db: WriteDb, name: str, wanted: Limits, seen: int | None) -> Done:
    """Begin a release with other limits.

    Raises: AppNotFound, NotAnEditor, EditedMeanwhile, LimitInvalid, OperationUnderWay.
    """
    app = apps.get_editable(db, call.actor, name)
    check_version(seen, app.version)
    settings = variables.find_settings(db, app)
    before = app_limits.limits_of(settings)
    after = app_limits.with_limits(settings, wanted)
    if before == wanted:
        return Done(app, None, "Nothing has changed.")
    app.version += 1
    audit.record(
        db, call.actor, Action.APP_CHANGED, apps.subject_of(app), call.now,
        before={**before.to_json()},
        after={**wanted.to_json()},
    )  # fmt: skip
    begun = releases.change_settings(db, call.actor, app, after, "Other limits", call.now)
    return Done(app, begun, told_of(app, begun, "these limits"))
