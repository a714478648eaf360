"""What administrators look after: health with fixes, what runs, what is under way, storage, and every setting with its source."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pydantic import BaseModel
from starlette.responses import Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.console.about import About
from tholos.instances import service as instances
from tholos.kit.clock import to_text
from tholos.kit.db import ReadDb
from tholos.kit.pages import Pages
from tholos.operations import api as operations_api
from tholos.operations import schemas as operation_schemas
from tholos.operations import service as operations
from tholos.runtime.doctor import Verdict

routes = Routes(prefix="/api/v1/installation", tags=["installation"])
pages = Routes(include_in_schema=False)


class CheckOut(BaseModel):
    name: str
    verdict: str
    """``ok``, ``note`` or ``missing``."""
    text: str
    fix: str


class SettingOut(BaseModel):
    name: str
    value: str
    source: str
    text: str


class StoredOut(BaseModel):
    name: str
    place: str
    bytes: int | None


class RunningOut(BaseModel):
    id: str
    app: str
    release: int
    state: str
    reason: str
    pid: int | None
    restarts: int
    since: str


class InstallationOut(BaseModel):
    """How the installation is, and what it runs with."""

    version: str
    checks: list[CheckOut]
    instances: list[RunningOut]
    operations: list[operation_schemas.OperationOut]
    """Those that are queued or under way."""
    storage: list[StoredOut]
    settings: list[SettingOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPage(Frame):
    found: InstallationOut
    worst: str
    """Of the checks: ``ok``, ``note`` or ``missing``."""


@routes.declare("GET", "", permission=Permission.ADMINISTER)
def get_installation(call: Calling) -> InstallationOut:
    """Health with fixes, instances, the queue, storage, and settings with the source of each value."""
    with call.read() as db:
        return _found(call, db)


@pages.declare("GET", "/admin", permission=Permission.ADMINISTER)
def show_installation(call: Calling) -> Response:
    with call.read() as db:
        found = _found(call, db)
        verdicts = {one.verdict for one in found.checks}
        page = AdminPage(
            title="Administration",
            account=account_of(call),
            json_url="/api/v1/installation",
            found=found,
            worst=next((str(one) for one in reversed(Verdict) if one in verdicts), str(Verdict.OK)),
        )
    return call.get(Pages).answer("admin.html", page)


def _found(call: Call, db: ReadDb) -> InstallationOut:
    about = call.get(About)
    return InstallationOut(
        version=about.version,
        checks=[CheckOut(**asdict(one)) for one in about.examine()],
        instances=_running(db),
        operations=operations_api.shown(db, operations.list_under_way(db), call.site.url),
        storage=[StoredOut(**asdict(one)) for one in about.storage()],
        settings=[SettingOut(**asdict(one)) for one in about.settings],
    )


def _running(db: ReadDb) -> list[RunningOut]:
    found = instances.list_standing(db)
    names = {app.id: app.name for app in apps.list_with_ids(db, [one.app_id for one in found])}
    numbers = apps.release_numbers(db, [one.release_id for one in found])
    return [
        RunningOut(
            id=one.id,
            app=names.get(one.app_id, ""),
            release=numbers.get(one.release_id, 0),
            state=one.state,
            reason=one.reason,
            pid=one.pid,
            restarts=one.restarts,
            since=to_text(one.since) or "",
        )
        for one in found
    ]
