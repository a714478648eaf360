"""Bundles: upload, list, download, remove, deploy; and the tasks that deploying is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import tempfile
from typing import IO, Protocol

from fastapi import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tholos.access.errors import NotShared
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb
from tholos.kit.errors import NotFound
from tholos.kit.notices import Notices, wait
from tholos.kit.threads import in_long_thread, in_pieces, in_thread
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.protocols.connect import contents, git_api, manifests, tasks
from tholos.protocols.connect.bodies import OptionalBody
from tholos.protocols.connect.errors import (
    AppModeDiffers,
    ChecksumWrong,
    IdMalformed,
    ManifestInvalid,
    NothingToDeploy,
    TaskUnknown,
    WireError,
)
from tholos.publishing import api as publishing_api
from tholos.publishing import bundles, forms, uploads
from tholos.publishing.content import SPOOLED_IN_MEMORY, scope_of, spool_body
from tholos.publishing.errors import LockUnknown
from tholos.publishing.models import Bundle
from tholos.publishing.service import NewBundle
from tholos.store import archives
from tholos.store.model import SnapshotId
from tholos.store.store import Store

routes = Routes(prefix="/__api__/v1", tags=["connect"], include_in_schema=False)

UPLOAD_PATH = re.compile(r"/__api__/v1/content/[^/]+/bundles")
"""Takes a body of any size, once it knows who sends it."""
LONGEST_WAIT_S = 30.0
_MOST_METADATA = 64 << 10
_FORM_OVERHEAD = 1 << 20


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@routes.declare("POST", "/content/{guid}/bundles", permission=Permission.APP_EDIT)
async def add_bundle(call: Calling, guid: str, request: Request) -> JsonObject:
    """Keep what is sent; nothing of it runs yet."""
    app = await in_thread(_find_editable, call, guid)
    media_type = request.headers.get("content-type", "")
    with tempfile.TemporaryFile() as spool:
        await spool_body(request, spool, archives.Limits().packed + _FORM_OVERHEAD)
        await in_long_thread(_check_checksum, spool, request.headers.get("x-content-checksum", ""))
        if media_type.startswith("multipart/"):
            new = await in_long_thread(_take_form, call, spool, media_type)
        else:
            new = await in_long_thread(_take, call, spool, {})
    return await in_thread(_keep, call, app.name, new)


@routes.declare("GET", "/content/{guid}/bundles", permission=Permission.APP_VIEW)
def list_bundles(call: Calling, guid: str) -> list[JsonObject]:
    """All of an item's, the newest first."""
    with call.read() as db:
        app = contents.find(call, db, guid)
        active = _active_of(db, app)
        return [bundle_json(one, guid, active) for one in bundles.list_of(db, app)]


@routes.declare("GET", "/content/{guid}/bundles/{bundle_id}", permission=Permission.APP_VIEW)
def get_bundle(call: Calling, guid: str, bundle_id: str) -> JsonObject:
    """One of them."""
    with call.read() as db:
        app = contents.find(call, db, guid)
        bundle = bundles.get(db, app, whole(bundle_id))
        if contents.is_pin(bundle) and not apps.may_open(db, app, call.actor):
            raise NotShared(
                fix="Ask its owner to share it."
            )  # what is asked next is data, which one may not read
        return bundle_json(bundle, guid, _active_of(db, app))


@routes.declare(
    "DELETE", "/content/{guid}/bundles/{bundle_id}", permission=Permission.APP_EDIT, status_code=204
)
def remove_bundle(call: Calling, guid: str, bundle_id: str) -> Response:
    """Let one go that is not active."""
    with call.write() as db:
        app = contents.find_editable(call, db, guid)
        bundles.remove(db, call.actor, app, whole(bundle_id), call.now)
    call.get(Notices).publish(apps.TOPIC)
    return Response(status_code=204)


@routes.declare("GET", "/content/{guid}/bundles/{bundle_id}/download", permission=Permission.APP_EDIT)
async def download_bundle(call: Calling, guid: str, bundle_id: str) -> Response:
    """The files as they were sent, packed anew."""
    snapshot = await in_thread(_begin_download, call, guid, whole(bundle_id))
    pieces = call.get(Store).stream_tar(snapshot, lambda _: [])
    first = await in_long_thread(next, pieces)  # what is wrong with the store is told before anything is sent
    headers = {"content-disposition": f'attachment; filename="bundle-{bundle_id}.tar.gz"'}
    return StreamingResponse(in_pieces(first, pieces), media_type="application/gzip", headers=headers)


@routes.declare("POST", "/content/{guid}/deploy", permission=Permission.APP_EDIT, status_code=202)
async def deploy(call: Calling, guid: str, body: OptionalBody = None) -> JsonObject:
    """Make a bundle live, or with ``activate`` false a draft; without one, what the repository has, else the newest."""
    said = body or {}
    wanted, is_draft = said.get("bundle_id"), said.get("activate") is False
    if not wanted and await in_thread(git_api.find_followed, call, guid) is not None:
        begun = await git_api.begin_fetch(call, guid, "", is_draft=is_draft)
    else:
        begun = await in_thread(_deploy, call, guid, wanted, is_draft)
    return {"task_id": begun.id}


@routes.declare("POST", "/content/{guid}/build", permission=Permission.APP_EDIT, status_code=202)
def build(call: Calling, guid: str, body: OptionalBody = None) -> JsonObject:
    """Make the environment of a bundle ahead; nothing of it runs."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        bundle = _chosen(db, app, (body or {}).get("bundle_id"))
    return {"task_id": publishing_api.build(call, app, bundle).id}


@routes.declare("GET", "/tasks/{task_id}", permission=Permission.SIGNED_IN)
async def get_task(call: Calling, task_id: str, first: str = "", wait: str = "") -> JsonObject:
    """What a task has said so far, from a line on; held back until there is more, or for as long as one wants to wait."""
    known = int(first) if first.isdecimal() and len(first) < 10 else None
    patience = min(float(wait), LONGEST_WAIT_S) if wait.replace(".", "", 1).isdecimal() else 0.0
    return await _follow(call, task_id, known, patience)


@routes.declare("GET", "/content/{guid}/lockfile", permission=Permission.APP_EDIT)
def get_lockfile(call: Calling, guid: str) -> Response:
    """Every package of what is live with its version."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        live = apps.find_live(db, app.id)
        if live is None or live.lock is None:
            raise LockUnknown(fix="Deploy it first: that resolves its packages.")
        made_by = f"tholos; python={live.python}"
        return PlainTextResponse(live.lock or "# no packages\n", headers={"Generated-By": made_by})


def bundle_json(bundle: Bundle, guid: str, active: int | None) -> JsonObject:
    """A bundle as this wire tells it."""
    python = bundle.said.get("python")
    return {
        "id": str(bundle.id),
        "content_guid": guid,
        "created_time": to_text(bundle.created_at),
        "cluster_name": contents.LOCAL,
        "image_name": contents.LOCAL,
        "r_version": None,
        "r_environment_management": None,
        "py_version": python or None,
        "py_environment_management": bool(python) or None,
        "quarto_version": None,
        "active": bundle.id == active,
        "size": bundle.bytes,
        "metadata": dict(bundle.origin),
    }


def whole(text: object, where: str = "bundle_id") -> int:
    """A number that names something. Raises: IdMalformed."""
    said = str(text)
    if not (said.isascii() and said.isdecimal() and len(said) < 18):
        raise IdMalformed(f"The id {said[:100]!r} is no whole number.", where=where)
    return int(said)


def _deploy(call: Call, guid: str, wanted: object, is_draft: bool) -> Operation:
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        bundle = _chosen(db, app, wanted)
        _check_mode(db, app, bundle)
    return publishing_api.deploy(call, app, bundle, is_draft=is_draft)


def _find_editable(call: Call, guid: str) -> App:
    with call.read() as db:
        return contents.find_editable(call, db, guid)


def _active_of(db: ReadDb, app: App) -> int | None:
    live = apps.find_live(db, app.id)
    found = bundles.of_releases(db, [live]).get(live.id) if live else None
    return found.id if found else None


def _check_checksum(spool: IO[bytes], said: str) -> None:
    """Raises: ChecksumWrong."""
    if not said:
        return
    digest = hashlib.md5(usedforsecurity=False)
    while piece := spool.read(SPOOLED_IN_MEMORY):
        digest.update(piece)
    spool.seek(0)
    if base64.b64encode(digest.digest()).decode() != said.strip():
        raise ChecksumWrong


def _take_form(call: Call, spool: IO[bytes], media_type: str) -> NewBundle:
    """An archive with what its sender says of it beside. Raises: BadForm, WireError, and what unpacking does."""
    with uploads.mapped(spool) as body:
        found = {part.name: part for part in forms.parts(body, forms.boundary_of(media_type), most=20)}
        archive, about = found.get("archive"), found.get("metadata")
        if archive is None:
            raise WireError("Cannot take this upload: it has no part named archive.", fix="Send it again.")
        origin = (
            _origin(bytes(body[about.start : min(about.end, about.start + _MOST_METADATA)])) if about else {}
        )
        with uploads.opened(body, archive) as stream:
            return _take(call, stream, origin)


def _origin(data: bytes) -> JsonObject:
    """Raises: WireError."""
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise WireError("Cannot take this upload: its metadata is no JSON object.", fix="Send it again.")
    return {str(key)[:200]: str(value)[:2000] for key, value in said.items() if value is not None}


def _take(call: Call, stream: Readable, origin: JsonObject) -> NewBundle:
    """Raises: ManifestInvalid, BadArchive, TooMuch."""
    store = call.get(Store)
    unpacked = archives.unpack(store, scope_of(call), stream)
    paths = {file.path for file in unpacked.tree.files}
    if manifests.NAME not in paths:
        raise ManifestInvalid("Cannot take this bundle: there is no manifest.json in it.")
    said = manifests.check(store.read(unpacked.snapshot, manifests.NAME, manifests.LIMIT), paths)
    return NewBundle(unpacked.snapshot, len(unpacked.tree.files), unpacked.tree.size, origin, said)


def _keep(call: Call, name: str, new: NewBundle) -> JsonObject:
    with call.write() as db:
        app = apps.get_editable(db, call.actor, name)
        bundle = bundles.add(db, call.actor, app, new, call.now)
        return bundle_json(bundle, contents.guid_of(app), _active_of(db, app))


def _begin_download(call: Call, guid: str, bundle_id: int) -> SnapshotId:
    with call.write() as db:
        app = contents.find_editable(call, db, guid)
        bundle = bundles.get(db, app, bundle_id)
        audit.record(
            db, call.actor, Action.DOWNLOADED, apps.subject_of(app), call.now, after={"bundle": bundle_id}
        )
        return SnapshotId(bundle.snapshot)


def _chosen(db: ReadDb, app: App, wanted: object) -> Bundle:
    """Raises: IdMalformed, BundleNotFound, NothingToDeploy."""
    if wanted is not None and wanted != "":
        return bundles.get(db, app, whole(wanted))
    newest = bundles.find_newest(db, app)
    if newest is None:
        raise NothingToDeploy
    return newest


def _check_mode(db: ReadDb, app: App, bundle: Bundle) -> None:
    """Content stays of one kind: a bundle of another one was most likely meant for other content.

    Raises: AppModeDiffers.
    """
    live = apps.find_live(db, app.id)
    before = bundles.of_releases(db, [live]).get(live.id) if live else None
    was, wanted = (one.said.get("appmode") if one else None for one in (before, bundle))
    if was and wanted and was != wanted:
        raise AppModeDiffers(f"Cannot deploy: the content is {was}, and the bundle {wanted}.")


async def _follow(call: Call, task_id: str, known: int | None, patience: float) -> JsonObject:
    deadline, seen = asyncio.get_running_loop().time() + patience, known
    with call.get(Notices).watch(operations.topic(task_id)) as woken:
        while True:
            operation, lines = await in_thread(_read, call, task_id)
            # Who waits without saying from where waits for what comes, and is told all of it.
            seen = len(lines) if seen is None and patience else seen
            left = deadline - asyncio.get_running_loop().time()
            if operation.has_ended or len(lines) > (seen or 0) or left <= 0:
                return tasks.to_json(operation, lines, known or 0)
            await wait(woken, left)


def _read(call: Call, task_id: str) -> tuple[Operation, list[str]]:
    """Raises: TaskUnknown."""
    with call.read() as db:
        try:
            operation = operations.get_visible(db, call.actor, task_id)
        except NotFound:
            raise TaskUnknown(f"There is no task {task_id[:100]}.") from None
        return operation, tasks.lines_of(operations.list_all_events(db, task_id))
