"""Jobs: the processes and builds of content, with what they print, and their end."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response
from starlette.responses import PlainTextResponse, StreamingResponse

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.instances import reading
from tholos.instances import service as instances
from tholos.instances.errors import InstanceLeaves, InstanceNotFound
from tholos.instances.reading import Log, Which
from tholos.instances.tasks import Keeper
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb
from tholos.kit.errors import NotFound
from tholos.kit.notices import Notices
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_long_thread, in_thread
from tholos.operations import api as operations_api
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.protocols.connect import contents, jobs, tasks
from tholos.protocols.connect.errors import JobEnded, JobUnknown
from tholos.protocols.connect.jobs import Made
from tholos.publishing import bundles
from tholos.runtime.logsearch import Query

routes = Routes(prefix="/__api__/v1/content/{guid}/jobs", tags=["connect"], include_in_schema=False)

MOST_BUILDS = 100
MOST_LINES = 10_000


@routes.declare("GET", "", permission=Permission.APP_EDIT)
def list_jobs(call: Calling, guid: str) -> list[JsonObject]:
    """All of content's that are known, the newest first."""
    with call.read() as db:
        return _list(call, db, contents.find_editable(call, db, guid))


@routes.declare("GET", "/{key}", permission=Permission.APP_EDIT)
def get_job(call: Calling, guid: str, key: str) -> JsonObject:
    """One of them."""
    with call.read() as db:
        return _get(call, db, contents.find_editable(call, db, guid), key)


@routes.declare("DELETE", "/{key}", permission=Permission.APP_EDIT, status_code=204)
async def stop_job(call: Calling, guid: str, key: str) -> Response:
    """End a process, or cancel a build. A process of what is live is followed by another."""
    if key.startswith("op_"):
        await in_thread(_cancel, call, guid, key)
    else:
        await in_thread(_stop, call, guid, key)
        await call.get(Keeper).end(key)
        call.get(Notices).publish(instances.TOPIC)
    return Response(status_code=204)


@routes.declare("GET", "/{key}/log", permission=Permission.APP_EDIT)
async def read_log(call: Calling, guid: str, key: str) -> JsonObject:
    """What a job printed: its last lines."""
    if key.startswith("op_"):
        return {"entries": await in_thread(_lines_of_work, call, guid, key)}
    return {"entries": await in_long_thread(_lines_of_instance, call, guid, key)}


@routes.declare("GET", "/{key}/download", permission=Permission.APP_EDIT)
async def download_log(call: Calling, guid: str, key: str) -> Response:
    """All that a job printed and that is still here, as a file."""
    headers = {"content-disposition": f'attachment; filename="job-{key}.log"'}
    if key.startswith("op_"):
        lines = await in_thread(_lines_of_work, call, guid, key)
        return PlainTextResponse("".join(f"{line['data']}\n" for line in lines), headers=headers)
    log = await in_thread(_find_log, call, guid, key)
    whole = reading.whole([log] if log else [])
    return StreamingResponse(whole, media_type="text/plain; charset=utf-8", headers=headers)


def _list(call: Call, db: ReadDb, app: App) -> list[JsonObject]:
    made = _made_of(db, app)
    newest = operations.list_newest(db, call.actor, app.id, limit=MOST_BUILDS)
    found = [
        *(jobs.of_operation(app, one, _made_by(one, made)) for one in newest if one.kind in jobs.TAGS_OF_WORK),
        *(jobs.of_instance(app, one, made[one.release_id]) for one in instances.list_of_app(db, app.id, ended=True)),
    ]  # fmt: skip
    return sorted(found, key=lambda job: str(job["queued_time"]), reverse=True)


def _get(call: Call, db: ReadDb, app: App, key: str) -> JsonObject:
    """Raises: JobUnknown."""
    if key.startswith("op_"):
        operation = _operation(call, db, app, key)
        return jobs.of_operation(app, operation, _made_by(operation, _made_of(db, app)))
    instance = instances.find_instance(db, key)
    if instance is None or instance.app_id != app.id:
        raise _unknown(key)
    return jobs.of_instance(app, instance, _made_of(db, app)[instance.release_id])


def _operation(call: Call, db: ReadDb, app: App, key: str) -> Operation:
    """Raises: JobUnknown."""
    try:
        operation = operations.get_visible(db, call.actor, key)
    except NotFound:
        raise _unknown(key) from None
    if operation.subject_id != app.id or operation.kind not in jobs.TAGS_OF_WORK:
        raise _unknown(key)
    return operation


def _unknown(key: str) -> JobUnknown:
    return JobUnknown(f"There is no job {key[:60]}.", where="key")


def _made_of(db: ReadDb, app: App) -> dict[str, Made]:
    """By release id: what its processes and builds are about."""
    found = apps.list_releases(db, app.id)
    sent = bundles.of_releases(db, found)
    return {
        one.id: Made(sent[one.id].id if one.id in sent else None, contents.mode_of(one, sent.get(one.id)))
        for one in found
    }


def _made_by(operation: Operation, made: dict[str, Made]) -> Made:
    """What an operation is about; a build without a release names its bundle itself."""
    bundle_id = operation.request.get("bundle")
    of_release = made.get(str(operation.request.get("release_id")))
    return of_release or Made(bundle_id if isinstance(bundle_id, int) else None, "unknown")


def _cancel(call: Call, guid: str, key: str) -> None:
    """Raises: JobUnknown, JobEnded."""
    with call.read() as db:
        operation = _operation(call, db, contents.find_editable(call, db, guid), key)
        if operation.has_ended or operation.is_decided:
            raise JobEnded(f"Cannot stop this job: it is {operation.state}.")
    operations_api.cancel(call, key)


def _stop(call: Call, guid: str, key: str) -> None:
    """Raises: JobUnknown, JobEnded."""
    with call.write() as db:
        app = contents.find_editable(call, db, guid)
        try:
            instances.stop(db, call.actor, app, key, call.now)
        except InstanceNotFound:
            raise _unknown(key) from None
        except InstanceLeaves as error:
            raise JobEnded(error.message) from None


def _lines_of_work(call: Call, guid: str, key: str) -> list[JsonObject]:
    with call.read() as db:
        _operation(call, db, contents.find_editable(call, db, guid), key)
        events = operations.list_all_events(db, key)
    told = ((line, to_text(event.at)) for event in events for line in tasks.lines_of([event]))
    return [jobs.line(*one) for one in told]


def _lines_of_instance(call: Call, guid: str, key: str) -> Sequence[JsonObject]:
    found = reading.read_log(_find_log(call, guid, key), MOST_LINES, Query())
    return [jobs.line(entry.text, reading.time_text(entry.at)) for entry in found.entries]


def _find_log(call: Call, guid: str, key: str) -> Log | None:
    """Raises: JobUnknown."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        try:
            return reading.find_log(db, call.get(Sealer), call.actor, Which(app.name, instance=key))
        except InstanceNotFound:
            raise _unknown(key) from None
