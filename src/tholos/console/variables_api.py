"""HTTP of an app's variables. It stands here since a change makes a release, which ``variables`` knows nothing of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Response
from pydantic import BaseModel

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.kit.versions import check_version, to_tag
from tholos.operations import api as operations_api
from tholos.operations import schemas as operation_schemas
from tholos.operations.models import Operation
from tholos.publishing import releases
from tholos.publishing.api import wake
from tholos.variables import schemas
from tholos.variables import service as variables
from tholos.variables.errors import NothingReleased
from tholos.variables.service import Change

routes = Routes(prefix="/api/v1/apps", tags=["variables"])


class VariablesChanged(BaseModel):
    """What came of a change."""

    operation: operation_schemas.OperationOut | None
    """That makes the release live or a draft, or starts the app anew; none where nothing needs to be done."""
    told: str
    """The same in words."""
    items: list[schemas.VariableOut]
    """The variables as they will be."""
    version: int


@dataclass(frozen=True, slots=True)
class Done:
    """A change of an app's variables, and the operation that it needs."""

    app: App
    operation: Operation | None
    told: str


@routes.declare("GET", "/{name}/variables", permission=Permission.APP_EDIT)
def list_variables(call: Calling, response: Response, name: str) -> schemas.VariableList:
    """An app's variables: plain values as they are, of secrets only when they were set and by whom."""
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        found, number = shown(call, db, app)
    response.headers["etag"] = to_tag(app.version)
    return schemas.VariableList(items=found, release=number, version=app.version)


@routes.declare("PATCH", "/{name}/variables", permission=Permission.APP_EDIT)
def change_variables(
    call: Calling, response: Response, name: str, body: schemas.VariablesIn
) -> VariablesChanged:
    """Set, refer and remove several at once.

    Plain values, references and removals make one new release, without a build; a draft, where there is nothing but
    drafts. Another value of a secret makes none:
    the app is started anew, unless ``restart`` is false. With If-Match, only if nobody has changed the app since.
    """
    with call.write() as db:
        done = change(call, db, name, body.change(), call.seen_version, restart=body.restart)
        answer = VariablesChanged(
            operation=operation_of(call, db, done.operation),
            told=done.told,
            items=_as_they_will_be(call, db, done),
            version=done.app.version,
        )
    wake(call)
    response.headers["etag"] = to_tag(answer.version)
    return answer


def change(call: Call, db: WriteDb, name: str, wanted: Change, seen: int | None, *, restart: bool) -> Done:
    """Change an app's variables, and begin what makes that true of what runs.

    Raises: what :func:`tholos.variables.service.change` does; OperationUnderWay, EditedMeanwhile.
    """
    app = apps.get_editable(db, call.actor, name)
    check_version(seen, app.version)
    changed = variables.change(db, call.get(Sealer), call.actor, app, wanted, call.now)
    if changed.settings is not None:
        begun = releases.change_settings(db, call.actor, app, changed.settings, changed.message, call.now)
        return Done(app, begun, told_of(app, begun, "these variables"))
    if not changed.rotated:
        return Done(app, None, "Nothing has changed.")
    named = ", ".join(changed.rotated)
    if not restart:
        return Done(
            app, None, f"{named} has its new value at the next start; what runs now keeps the old one."
        )
    if apps.find_live(db, app.id) is None:
        return Done(app, None, f"{named} has its new value at the next start; nothing is live now.")
    restarted = releases.begin_restart(db, call.actor, app, call.now)
    return Done(app, restarted, f"{name} is started anew with the new value of {named}.")


def told_of(app: App, begun: Operation | None, what: str) -> str:
    """What a change of an app's settings leads to, in words."""
    if begun is None:
        return f"The first release of {app.name} will begin with {what}."
    if begun.request.get("draft"):
        return f"A new draft of {begun.subject_name} with {what} is being started; nothing is live yet."
    return f"A new release of {begun.subject_name} with {what} is being started."


def shown(call: Call, db: ReadDb, app: App) -> tuple[list[schemas.VariableOut], int | None]:
    """An app's variables, and the number of the release that they are of; none where nothing was published yet."""
    found = variables.list_variables(db, call.get(Sealer), variables.find_settings(db, app))
    try:
        number = variables.find_base(db, app).number
    except NothingReleased:
        number = None
    return [schemas.variable_out(one) for one in found], number


def operation_of(
    call: Call, db: ReadDb, operation: Operation | None
) -> operation_schemas.OperationOut | None:
    found: Sequence[Operation] = [operation] if operation else []
    return next(iter(operations_api.shown(db, found, call.site.url)), None)


def _as_they_will_be(call: Call, db: ReadDb, done: Done) -> list[schemas.VariableOut]:
    """Those of the newest release: the one that was just made, or the one that was there."""
    releases = apps.list_releases(db, done.app.id)
    settings = releases[0].settings if done.operation and releases else variables.find_settings(db, done.app)
    found = variables.list_variables(db, call.get(Sealer), settings)
    return [schemas.variable_out(one) for one in found]
