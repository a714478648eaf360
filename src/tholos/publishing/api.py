"""HTTP of publishing: begin a publish or a delete, and ask why an app is as it is."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Header, Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.detect.model import Overrides
from tholos.kit.notices import Notices
from tholos.kit.sealing import Sealer
from tholos.operations import api as operations_api
from tholos.operations import schemas as operation_schemas
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.publishing import bundles, reasons, schemas
from tholos.publishing import service as publishing
from tholos.publishing.content import scope_of
from tholos.publishing.errors import SnapshotNotYours
from tholos.publishing.models import Bundle
from tholos.publishing.service import Decided, Upload, Wish
from tholos.publishing.snapshots import decide_on
from tholos.runtime.interpreters import Interpreters
from tholos.store.model import SnapshotId
from tholos.store.store import Store

routes = Routes(prefix="/api/v1/apps", tags=["publishing"])


UNCHANGED: dict[int | str, dict[str, object]] = {
    200: {"model": schemas.PublishOut, "description": "It is live already; nothing begins."}
}


@routes.declare(
    "POST", "/{name}/publish", permission=Permission.PUBLISH, status_code=202, responses=UNCHANGED
)
def publish_app(
    call: Calling,
    response: Response,
    name: str,
    body: schemas.PublishIn,
    idempotency_key: str | None = Header(None, max_length=200),
) -> schemas.PublishOut:
    """Begin to publish a snapshot as an app's next release; one that is live already is answered as it is."""
    answer = publish(call, name, body, idempotency_key)
    response.status_code = 200 if answer.unchanged else 202
    return answer


@routes.declare("DELETE", "/{name}", permission=Permission.APP_OWN, status_code=202)
def delete_app(call: Calling, name: str) -> schemas.PublishOut:
    """Begin to stop and remove an app with its releases."""
    return schemas.PublishOut(operation=begin_delete(call, name))


@routes.declare("GET", "/{name}/why", permission=Permission.APP_EDIT)
def why_app(call: Calling, name: str) -> schemas.WhyOut:
    """Why an app is as it is, each reason with what to do next."""
    with call.read() as db:
        app, found = reasons.why(db, call.actor, name)
        return schemas.why_out(apps_api.shown(call, db, [app])[0], found)


def publish(call: Call, name: str, body: schemas.PublishIn, key: str | None = None) -> schemas.PublishOut:
    """Begin to publish a snapshot; one that is live already is answered as it is."""
    wish = schemas.wish_of(name, body)
    again = _find_begun(call, key)
    if again is not None:
        return schemas.PublishOut(operation=again)
    decided = _decide(call, wish)
    with call.read() as db:
        app = apps.find_own_or_free(db, call.actor, name)
        unchanged = publishing.find_unchanged(db, app, decided, upgrade=wish.upgrade)
    if unchanged is not None:
        return _show_unchanged(call, name, unchanged)
    with call.write() as db:
        begun = publishing.begin_publish(
            db, call.get(Sealer), call.actor, wish, decided, call.now, idempotency_key=key
        )
        shown = operations_api.shown(db, [begun], call.site.url)[0]
    wake(call)
    return schemas.PublishOut(operation=shown)


def deploy(call: Call, app: App, bundle: Bundle, *, is_draft: bool) -> Operation:
    """Make a release of a bundle, or make the one live, or a draft, that was made of it; after what is under way."""
    with call.read() as db:
        made = bundles.find_made(db, bundle)
    wish = _wish_for(app, bundle, is_draft=is_draft)
    if made is not None:
        with call.write() as db:
            begun = bundles.begin_switch(db, call.actor, app, made, call.now, is_draft=is_draft)
    else:
        decided = decide_on(call.get(Store), wish, app.overrides, call.get(Interpreters))
        with call.write() as db:
            begun = bundles.begin_making(db, call.get(Sealer), call.actor, bundle, wish, decided, call.now)
    wake(call)
    return begun


def build(call: Call, app: App, bundle: Bundle) -> Operation:
    """Build the environment of a bundle ahead, after what is under way."""
    wish = _wish_for(app, bundle, is_draft=False)
    decided = decide_on(call.get(Store), wish, app.overrides, call.get(Interpreters))
    with call.write() as db:
        begun = bundles.begin_build(db, call.actor, app, bundle, decided, call.now)
    wake(call)
    return begun


def _wish_for(app: App, bundle: Bundle, *, is_draft: bool) -> Wish:
    return Wish(
        app.name, bundle.snapshot, _message_of(bundle), Overrides(), False, Upload(), is_draft, is_bound=True
    )


def _message_of(bundle: Bundle) -> str:
    """Where it comes from, as its sender says."""
    branch, commit = (str(bundle.origin.get(f"source_{name}", "")) for name in ("branch", "commit"))
    return " ".join(filter(None, (branch, commit[:12] + ("-dirty" if commit.endswith("-dirty") else ""))))


def begin_delete(call: Call, name: str) -> operation_schemas.OperationOut:
    with call.write() as db:
        begun = publishing.begin_delete(db, call.actor, name, call.now)
        shown = operations_api.shown(db, [begun], call.site.url)[0]
    wake(call)
    return shown


def _decide(call: Call, wish: Wish) -> Decided:
    """Raises: SnapshotNotYours, and what detection finds wrong."""
    store = call.get(Store)
    if not store.has_snapshot(scope_of(call), SnapshotId(wish.snapshot)):
        raise SnapshotNotYours(where="snapshot")
    with call.read() as db:
        app = apps.find_own_or_free(db, call.actor, wish.name)
    return decide_on(store, wish, app.overrides if app else {}, call.get(Interpreters))


def _find_begun(call: Call, key: str | None) -> operation_schemas.OperationOut | None:
    with call.read() as db:
        begun = operations.find_by_key(db, call.actor, key)
        found: Sequence[Operation] = [begun] if begun else []
        return next(iter(operations_api.shown(db, found, call.site.url)), None)


def _show_unchanged(call: Call, name: str, release: Release) -> schemas.PublishOut:
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        shown = apps_api.shown(call, db, [app])[0]
        numbered = apps_api.shown_releases(call, db, app, [release])[0]
    return schemas.PublishOut(unchanged=True, release=numbered, app=shown)


def wake(call: Call) -> None:
    """Tell whoever works on operations that there are some."""
    call.get(Notices).publish(operations.QUEUE_TOPIC)
    call.get(Notices).publish(apps.TOPIC)
