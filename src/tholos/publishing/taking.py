"""HTTP of taking a release along: its files with a manifest that publishes them unchanged elsewhere, and its lock."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Path
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.threads import in_long_thread, in_pieces
from tholos.publishing import sides
from tholos.publishing.connect_manifest import Source
from tholos.store.model import SnapshotId
from tholos.store.store import Store

routes = Routes(prefix="/api/v1/apps", tags=["releases"])

Number = Annotated[int, Path(ge=1, lt=1 << 31)]
ARCHIVE_TYPE = "application/gzip"


@routes.declare(
    "GET", "/{name}/releases/{number}/download", permission=Permission.APP_EDIT, response_class=StreamingResponse,
    responses={200: {"description": "A tar.gz of the sources.", "content": {ARCHIVE_TYPE: {}}}},
)  # fmt: skip
async def download_release(call: Calling, name: str, number: Number) -> Response:
    """The release as an archive that publishes unchanged elsewhere: sources, manifest and lock."""
    snapshot, source = await in_long_thread(_begin_download, call, name, number)
    pieces = call.get(Store).stream_tar(snapshot, source.members, without=source.replaced)
    first = await in_long_thread(next, pieces)  # what is wrong with the store is told before anything is sent
    headers = {"content-disposition": f'attachment; filename="{name}-r{number}.tar.gz"'}
    return StreamingResponse(in_pieces(first, pieces), media_type=ARCHIVE_TYPE, headers=headers)


@routes.declare(
    "GET", "/{name}/releases/{number}/manifest", permission=Permission.APP_EDIT, response_class=Response,
    responses={200: {"description": "Connect's manifest with our key.", "content": {"application/json": {}}}},
)  # fmt: skip
async def get_manifest(call: Calling, name: str, number: Number) -> Response:
    """The release's manifest, as it stands in its download."""
    return Response(await in_long_thread(_read_manifest, call, name, number), media_type="application/json")


@routes.declare(
    "GET", "/{name}/releases/{number}/lock", permission=Permission.APP_EDIT, response_class=PlainTextResponse
)
def get_lock(call: Calling, name: str, number: Number) -> Response:
    """Every package of the release with its version and hash, in the form that pip and uv read."""
    return PlainTextResponse(sides.get_lock(call, name, number))


def _begin_download(call: Call, name: str, number: int) -> tuple[SnapshotId, Source]:
    snapshot, source = _read(call, name, number)
    with call.write() as db:
        app = apps.get_editable(db, call.actor, name)
        audit.record(
            db, call.actor, Action.DOWNLOADED, apps.subject_of(app), call.now, after={"release": number}
        )
    return snapshot, source


def _read(call: Call, name: str, number: int) -> tuple[SnapshotId, Source]:
    with call.read() as db:
        found = sides.find(call, db, name, number)
        return found.snapshot, sides.source_of(call, found)


def _read_manifest(call: Call, name: str, number: int) -> str:
    snapshot, source = _read(call, name, number)
    checksums = call.get(Store).checksums(snapshot)
    kept = {path: checksum for path, checksum in checksums.items() if path not in source.replaced}
    return json.dumps(source.document(kept), ensure_ascii=False)
