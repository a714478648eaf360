"""Addresses of content on the console's host: where they lead, and the versions of files that are read as they lie there."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from starlette.responses import RedirectResponse, Response, StreamingResponse

from tholos.access.errors import NotShared
from tholos.access.inroads import CONFINED, Inroad
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.apps.names import release_name
from tholos.gateway.model import RequestHead
from tholos.instances.serving import ServingTable
from tholos.kit.db import Database
from tholos.kit.pages import Pages
from tholos.kit.threads import in_long_thread, in_pieces, in_thread
from tholos.protocols.connect import contents, identity
from tholos.protocols.connect.errors import IdMalformed
from tholos.publishing import bundles
from tholos.publishing.errors import BundleNotFound
from tholos.store.errors import UnknownFile
from tholos.store.model import SnapshotId
from tholos.store.store import Store

routes = Routes(tags=["connect"], include_in_schema=False)

_CONTENT = re.compile(r"/content/([0-9A-Fa-f-]{36})(?:/(?:_bundle(\d{1,17})(?=[/?]|$))?([^?]*))?(\?.*)?")
_VERSION = re.compile(r"_rev\d")


@dataclass(frozen=True, slots=True)
class ContentInroads:
    """Finds what an address of content leads to: an app, or one of its drafts."""

    database: Database
    serving: ServingTable

    async def __call__(self, head: RequestHead) -> Inroad | None:
        if not head.target.startswith("/content/"):
            return None
        found = _CONTENT.fullmatch(head.target)
        if found is None or _VERSION.match(found[3] or ""):
            return None
        try:
            app_id = identity.id_of("app", found[1])
        except IdMalformed:
            return None
        name = self.serving.find_name(app_id)
        if name and found[2]:
            name = await in_thread(self._find_bundle, app_id, int(found[2]))
        target = "/" + (found[3] or "").lstrip("/") + (found[4] or "")
        return Inroad(name, target) if name else None

    def _find_bundle(self, app_id: str, bundle_id: int) -> str:
        """The host's name of what runs of a bundle; empty where nothing does."""
        with self.database.read() as db:
            app = apps.find_app(db, app_id)
            if app is None:
                return ""
            try:
                made = bundles.find_made(db, bundles.get(db, app, bundle_id))
            except BundleNotFound:
                return ""
            if made is None:
                return ""
            if apps.find_live_id(db, app_id) == made.id:
                return app.name
            return release_name(app.name, made.number) if apps.find_draft(db, app_id, made.number) else ""


@routes.declare("GET", "/content/{guid}/{version:path}", permission=Permission.SIGNED_IN)
async def get_version(call: Calling, guid: str, version: str) -> Response:
    """A file of one bundle, as ``_revID/PATH``."""
    first, _, path = version.partition("/")
    number = first.removeprefix("_rev")
    if not first.startswith("_rev") or not number.isdecimal() or len(number) > 17:
        raise BundleNotFound(f"There is nothing at /content/{guid}/{version[:100]}.")
    wanted = _file_of(unquote(path))
    pieces = await in_long_thread(_open, call, guid, int(number), wanted)
    first_piece = await in_long_thread(next, pieces, b"")
    kind, packing = mimetypes.guess_type(wanted)
    media_type = (kind if packing is None else None) or "application/octet-stream"
    headers = {name.decode(): value.decode() for name, value in CONFINED}
    return StreamingResponse(in_pieces(first_piece, pieces), media_type=media_type, headers=headers)


@routes.declare("GET", "/connect/", permission=Permission.PUBLIC)
@routes.declare("GET", "/connect", permission=Permission.PUBLIC)
def get_dashboard(call: Calling) -> Response:
    """Where links to a dashboard end whose path stands behind ``#``: a script sends them on."""
    page = Frame(title="Looking for that app", account=account_of(call))
    return call.get(Pages).answer("connect_dashboard.html", page)


@routes.declare("GET", "/connect/apps/{guid}", permission=Permission.APP_VIEW)
@routes.declare("GET", "/connect/apps/{guid}/{rest:path}", permission=Permission.APP_VIEW)
def go_to_page(call: Calling, guid: str, rest: str = "") -> Response:
    """The page of ours that shows what that dashboard's does."""
    with call.read() as db:
        app = contents.find(call, db, guid)
        return RedirectResponse(_page_of(app, rest), 303)


def _page_of(app: App, rest: str) -> str:
    first, _, more = rest.partition("/")
    page = f"/apps/{app.name}"
    if first == "draft" and more.isdecimal() and len(more) < 18:
        return f"/content/{identity.guid_of(app.id)}/_bundle{more}/"
    known = {"access": "access", "logs": "logs", "settings": "settings"}
    return f"{page}/{known[first]}" if first in known else page


def _file_of(path: str) -> str:
    """A folder stands for its index."""
    return path if path and not path.endswith("/") else str(PurePosixPath(path) / "index.html")


def _open(call: Call, guid: str, bundle_id: int, path: str) -> Iterator[bytes]:
    with call.read() as db:
        app = contents.find(call, db, guid)
        if not apps.may_open(db, app, call.actor):
            raise NotShared(fix="Ask its owner to share it.")
        snapshot = SnapshotId(bundles.get(db, app, bundle_id).snapshot)
    store = call.get(Store)
    try:
        return store.open(snapshot, path)
    except UnknownFile:
        raise BundleNotFound(f"Bundle {bundle_id} has no file {path[:200]!r}.") from None
