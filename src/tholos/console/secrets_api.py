"""HTTP of shared secrets and of the key that all is sealed with. Values come in by bodies only, and never go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel

from tholos.accounts import service as accounts
from tholos.accounts.models import Scope
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.kit.versions import to_tag
from tholos.operations import api as operations_api
from tholos.operations import schemas as operation_schemas
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.publishing import releases
from tholos.publishing.api import wake
from tholos.sharing.models import PrincipalKind
from tholos.variables import resealing, schemas, shared
from tholos.variables.shared import Known

routes = Routes(prefix="/api/v1", tags=["secrets"])


class NotRestarted(BaseModel):
    app: str
    reason: str


class SecretChanged(BaseModel):
    secret: schemas.SecretOut
    operations: list[operation_schemas.OperationOut]
    """Each starts an app anew."""
    not_restarted: list[NotRestarted]
    """Apps that keep the old value until they start anew."""
    told: str
    """The same in words."""


class SecretRemoved(BaseModel):
    broken: list[str]
    """Apps that referred to it: they do not start any more."""


class KeyRotation(BaseModel):
    operation: operation_schemas.OperationOut


@dataclass(frozen=True, slots=True)
class Restarts:
    """What became of the apps that use a secret."""

    begun: Sequence[Operation] = ()
    left: Sequence[tuple[App, str]] = ()
    """Apps that were not started anew, and why."""
    is_wanted: bool = True
    uses: Sequence[App] = field(default_factory=tuple)

    @property
    def told(self) -> str:
        if not self.uses:
            return "No app uses it."
        parts = []
        if self.begun:
            parts.append(f"Started anew: {', '.join(one.subject_name for one in self.begun)}.")
        if self.left:
            parts.append("Until they start anew, these keep the old value: ")
            parts[-1] += ", ".join(f"{app.name} ({why})" for app, why in self.left) + "."
        return " ".join(parts)


@routes.declare("GET", "/secrets", permission=Permission.PUBLISH)
def list_secrets(call: Calling) -> schemas.SecretList:
    """The shared secrets that one may refer to, without their values."""
    with call.read() as db:
        return schemas.SecretList(items=shown(db, shared.list_secrets(db, call.actor)))


@routes.declare("POST", "/secrets", permission=Permission.PUBLISH, status_code=201, is_creating=True)
def create_secret(call: Calling, body: schemas.SecretIn) -> schemas.SecretOut:
    """A secret that the variables of several apps can refer to."""
    with call.write() as db:
        made = shared.create_secret(
            db, call.get(Sealer), call.actor, body.name, body.value, body.note, call.now
        )
        return call.kept(db, shown(db, [made])[0])


@routes.declare("GET", "/secrets/{name}", permission=Permission.PUBLISH)
def get_secret(call: Calling, response: Response, name: str) -> schemas.SecretOut:
    """A shared secret without its value, and the apps that use it."""
    with call.read() as db:
        found = shown(db, [shared.get_secret(db, call.actor, name)])[0]
    response.headers["etag"] = to_tag(found.version)
    return found


@routes.declare("PATCH", "/secrets/{name}", permission=Permission.PUBLISH)
def change_secret(call: Calling, response: Response, name: str, body: schemas.SecretChange) -> SecretChanged:
    """Another value, another note, or both. Apps that use it are started anew, unless ``restart`` is false."""
    with call.write() as db:
        known, restarts = change(call, db, name, body, call.seen_version)
        answer = SecretChanged(
            secret=shown(db, [known])[0],
            operations=operations_api.shown(db, restarts.begun, call.site.url),
            not_restarted=[NotRestarted(app=app.name, reason=why) for app, why in restarts.left],
            told=restarts.told,
        )
    wake(call)
    response.headers["etag"] = to_tag(answer.secret.version)
    return answer


@routes.declare("DELETE", "/secrets/{name}", permission=Permission.PUBLISH, scope=Scope.FULL)
def remove_secret(
    call: Calling,
    name: str,
    *,
    force: Annotated[bool, Query(description="Remove it even where apps use it.")] = False,
) -> SecretRemoved:
    """Remove a shared secret, with `force` even where apps use it."""
    with call.write() as db:
        broken = shared.remove_secret(db, call.actor, name, call.now, force=force)
        return SecretRemoved(broken=[app.name for app in broken])


@routes.declare("GET", "/secrets/{name}/access", permission=Permission.PUBLISH)
def list_secret_access(call: Calling, name: str) -> schemas.GrantList:
    """Whom a secret is shared with."""
    with call.read() as db:
        return schemas.GrantList(items=schemas.grants_out(shared.list_access(db, call.actor, name)))


@routes.declare(
    "PUT", "/secrets/{name}/access/{kind}/{principal}", permission=Permission.PUBLISH, scope=Scope.FULL
)
def share_secret(
    call: Calling, name: str, kind: PrincipalKind, principal: str, body: schemas.GrantIn
) -> schemas.GrantList:
    """Share a secret with an account or group, or change the level."""
    with call.write() as db:
        shared.share_secret(db, call.actor, name, kind, principal, body.level, call.now)
        return schemas.GrantList(items=schemas.grants_out(shared.list_access(db, call.actor, name)))


@routes.declare(
    "DELETE", "/secrets/{name}/access/{kind}/{principal}", permission=Permission.PUBLISH, scope=Scope.FULL
)
def unshare_secret(call: Calling, name: str, kind: PrincipalKind, principal: str) -> schemas.GrantList:
    """Take a share back. Apps that refer to the secret already go on."""
    with call.write() as db:
        shared.unshare_secret(db, call.actor, name, kind, principal, call.now)
        return schemas.GrantList(items=schemas.grants_out(shared.list_access(db, call.actor, name)))


@routes.declare("POST", "/sealing-key/rotate", permission=Permission.ADMINISTER, status_code=202)
def rotate_key(call: Calling) -> KeyRotation:
    """Seal everything by a new key, and drop the one before."""
    with call.write() as db:
        begun = resealing.begin(db, call.get(Sealer), call.actor, call.now)
        answer = KeyRotation(operation=operations_api.shown(db, [begun], call.site.url)[0])
    wake(call)
    return answer


def change(
    call: Call, db: WriteDb, name: str, body: schemas.SecretChange, seen: int | None
) -> tuple[Known, Restarts]:
    known = shared.change_secret(
        db, call.get(Sealer), call.actor, name, body.value, body.note, seen, call.now
    )
    if body.value is None:
        return known, Restarts()
    return known, restart(call, db, known.uses, is_wanted=body.restart)


def restart(call: Call, db: WriteDb, uses: Sequence[App], *, is_wanted: bool) -> Restarts:
    """Start the apps anew that use a secret, those that one may."""
    begun, left = [], []
    for app in uses:
        why = _why_not(call, db, app, is_wanted=is_wanted)
        if why:
            left.append((app, why))
        else:
            begun.append(releases.begin_restart(db, call.actor, app, call.now))
    return Restarts(begun, left, is_wanted, uses)


def _why_not(call: Call, db: ReadDb, app: App, *, is_wanted: bool) -> str:
    if not is_wanted:
        return "as you wished"
    if not apps.may_edit(db, app, call.actor):
        return "it is for its editors to restart"
    under_way = operations.find_under_way(db, app.id)
    if under_way is not None:
        return f"another {under_way.kind} of it is under way"
    return "" if apps.find_live(db, app.id) else "nothing of it is live"


def shown(db: ReadDb, known: Sequence[Known]) -> list[schemas.SecretOut]:
    names = accounts.account_names(db, [*{one.secret.owner_id for one in known}])
    return [schemas.secret_out(one, names) for one in known]
