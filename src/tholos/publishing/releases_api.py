"""HTTP of releases that are there: make another one live, go back, start anew, pin, and discard a draft."""

from __future__ import annotations

from fastapi import Header, Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import keeping
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.apps.api import ReleaseNumber
from tholos.apps.models import Release
from tholos.instances import service as instances
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.operations import api as operations_api
from tholos.operations.models import Operation
from tholos.publishing import releases, schemas
from tholos.publishing.api import UNCHANGED, wake

routes = Routes(prefix="/api/v1/apps", tags=["releases"])

KEY = Header(None, max_length=200, description="A random text: sent again with it, the call is done once.")


@routes.declare(
    "POST", "/{name}/releases/{number}/activate", permission=Permission.APP_EDIT, status_code=202,
    responses=UNCHANGED,
)  # fmt: skip
def activate_release(
    call: Calling, response: Response, name: str, number: ReleaseNumber, idempotency_key: str | None = KEY
) -> schemas.PublishOut:
    """Make a release live, a draft or an earlier one, without a build."""
    return _answered(response, activate(call, name, number, idempotency_key))


@routes.declare(
    "POST", "/{name}/rollback", permission=Permission.APP_EDIT, status_code=202, responses=UNCHANGED
)
def roll_back_app(
    call: Calling, response: Response, name: str, body: schemas.RollbackIn, idempotency_key: str | None = KEY
) -> schemas.PublishOut:
    """Make an earlier release live: its code, packages, variables and limits. Data stays, secrets are what they are now."""
    return _answered(response, roll_back(call, name, body.release, idempotency_key))


@routes.declare("POST", "/{name}/restart", permission=Permission.APP_EDIT, status_code=202, is_creating=True)
def restart_app(call: Calling, name: str) -> schemas.PublishOut:
    """Put new instances in the place of all that run, without a moment in between."""
    return restart(call, name)


@routes.declare("DELETE", "/{name}/releases/{number}/draft", permission=Permission.APP_EDIT)
def discard_draft(call: Calling, name: str, number: ReleaseNumber) -> app_schemas.ReleaseOut:
    """Let a draft end. Its release stays, and can be made live."""
    return end_draft(call, name, number)


@routes.declare("PUT", "/{name}/releases/{number}/pin", permission=Permission.APP_EDIT)
def pin_release(call: Calling, name: str, number: ReleaseNumber) -> app_schemas.ReleaseOut:
    """Keep a release however many newer ones there are."""
    return set_pinned(call, name, number, is_pinned=True)


@routes.declare("DELETE", "/{name}/releases/{number}/pin", permission=Permission.APP_EDIT)
def unpin_release(call: Calling, name: str, number: ReleaseNumber) -> app_schemas.ReleaseOut:
    """Let a release go in its turn."""
    return set_pinned(call, name, number, is_pinned=False)


def activate(call: Call, name: str, number: int, key: str | None = None) -> schemas.PublishOut:
    """Begin to make a release live; one that is live already is answered as it is."""
    with call.write() as db:
        begun = releases.begin_activation(db, call.actor, name, number, call.now, idempotency_key=key)
        shown = _shown(call, db, name, begun)
    wake(call)
    return shown


def roll_back(call: Call, name: str, number: int | None, key: str | None = None) -> schemas.PublishOut:
    """Begin to make an earlier release live; one that is live already is answered as it is."""
    with call.write() as db:
        begun = releases.begin_rollback(db, call.actor, name, number, call.now, idempotency_key=key)
        shown = _shown(call, db, name, begun)
    wake(call)
    return shown


def restart(call: Call, name: str) -> schemas.PublishOut:
    with call.write() as db:
        begun = releases.begin_restart(db, call.actor, apps.get_editable(db, call.actor, name), call.now)
        answer = schemas.PublishOut(operation=operations_api.shown(db, [begun], call.site.url)[0])
        shown = call.kept(db, answer, 202)
    wake(call)
    return shown


def end_draft(call: Call, name: str, number: int) -> app_schemas.ReleaseOut:
    with call.write() as db:
        release = keeping.discard_draft(db, call.actor, name, number, call.now)
        app = apps.get_visible(db, call.actor, name)
        shown = apps_api.shown_releases(call, db, app, [release])[0]
    for topic in (instances.TOPIC, apps.SHARING_TOPIC, apps.TOPIC):
        call.get(Notices).publish(topic)
    return shown


def set_pinned(call: Call, name: str, number: int, *, is_pinned: bool) -> app_schemas.ReleaseOut:
    with call.write() as db:
        release = keeping.set_pinned(db, call.actor, name, number, call.now, is_pinned=is_pinned)
        app = apps.get_visible(db, call.actor, name)
        return apps_api.shown_releases(call, db, app, [release])[0]


def _shown(call: Call, db: ReadDb, name: str, begun: Operation | Release) -> schemas.PublishOut:
    if isinstance(begun, Operation):
        return schemas.PublishOut(operation=operations_api.shown(db, [begun], call.site.url)[0])
    app = apps.get_visible(db, call.actor, name)
    release = apps_api.shown_releases(call, db, app, [begun])[0]
    return schemas.PublishOut(unchanged=True, release=release, app=apps_api.shown(call, db, [app])[0])


def _answered(response: Response, answer: schemas.PublishOut) -> schemas.PublishOut:
    response.status_code = 200 if answer.unchanged else 202
    return answer
