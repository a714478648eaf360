"""Content that follows a git repository, in this wire's words."""

from __future__ import annotations

from starlette.responses import Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit.db import JsonObject
from tholos.kit.notices import Notices, wait
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.protocols.connect import contents
from tholos.protocols.connect.bodies import JsonBody, OptionalBody
from tholos.protocols.connect.errors import FetchRefused, NotFollowing
from tholos.protocols.connect.waiting import PATIENCE_S, until_idle
from tholos.publishing import bundles
from tholos.sources import service as sources
from tholos.sources.api import LocalFolders, tell
from tholos.sources.service import Followed, Wish

routes = Routes(prefix="/__api__/v1/content/{guid}", tags=["connect"], include_in_schema=False)


@routes.declare("GET", "/repository", permission=Permission.APP_EDIT)
def get_repository(call: Calling, guid: str) -> JsonObject:
    """What it follows."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        return _shown(_need(sources.find_followed(db, call.actor, app.name)))


@routes.declare("PUT", "/repository", permission=Permission.APP_EDIT)
def set_repository(call: Calling, guid: str, body: JsonBody) -> JsonObject:
    """Let it follow a branch; nothing is fetched before somebody says so, or before the next look."""
    return _set(call, guid, {"branch": "", "directory": "", "polling": True, **body})


@routes.declare("PATCH", "/repository", permission=Permission.APP_EDIT)
def change_repository(call: Calling, guid: str, body: JsonBody) -> JsonObject:
    """Change what is named."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        present = _shown(_need(sources.find_followed(db, call.actor, app.name)))
    return _set(call, guid, {**present, **body})


@routes.declare("DELETE", "/repository", permission=Permission.APP_EDIT, status_code=204)
def remove_repository(call: Calling, guid: str) -> Response:
    """Follow nothing any more; what serves goes on serving."""
    with call.write() as db:
        sources.remove_source(db, call.actor, contents.find_editable(call, db, guid).name, call.now)
    tell(call)
    return Response(status_code=204)


@routes.declare("POST", "/repository/bundle", permission=Permission.APP_EDIT, status_code=202)
async def fetch_bundle(call: Calling, guid: str, body: OptionalBody = None) -> JsonObject:
    """Fetch a branch, tag or commit as a bundle, which a deployment makes live; answered once it is here."""
    begun = await begin_fetch(call, guid, str((body or {}).get("ref") or ""), is_draft=True)
    bundle_id, followed = await _until_fetched(call, begun)
    location = {name: _shown(followed)[name] for name in ("repository", "branch", "directory")}
    return {"bundle_id": str(bundle_id), "task_id": begun.id, "location": location}


async def begin_fetch(call: Call, guid: str, ref: str, *, is_draft: bool) -> Operation:
    """Fetch now, and make a release of it, after what is under way."""

    def find() -> App:
        with call.read() as db:
            return contents.find_editable(call, db, guid)

    def begin(name: str) -> Operation | None:
        with call.write() as db:
            return sources.update(db, call.actor, name, ref, call.now, is_draft=is_draft)

    app = await in_thread(find)
    begun = None
    while begun is None:
        await until_idle(call, app.id)
        begun = await in_thread(begin, app.name)
        tell(call)
    return begun


def find_followed(call: Call, guid: str) -> Followed | None:
    """What an item follows, if anything."""
    with call.read() as db:
        return sources.find_followed(db, call.actor, contents.find_editable(call, db, guid).name)


def _set(call: Call, guid: str, wanted: dict[str, object]) -> JsonObject:
    folder = str(wanted.get("directory") or "")
    wish = Wish(
        str(wanted.get("repository") or ""),
        str(wanted.get("branch") or ""),
        "" if folder == "." else folder,
        wanted.get("polling") is not False,
    )
    with call.write() as db:
        app = contents.find_editable(call, db, guid)
        folders = call.get(LocalFolders).paths
        made = sources.set_source(
            db, call.get(Sealer), call.actor, app.name, wish, {}, folders, call.now, begins=False
        )
        shown = _shown(sources.describe(db, app, made.source))
    tell(call)
    return shown


def _need(followed: Followed | None) -> Followed:
    """Raises: NotFollowing."""
    if followed is None:
        raise NotFollowing
    return followed


def _shown(followed: Followed) -> JsonObject:
    source = followed.source
    error = source.fetch_error or source.commit_error or {}
    return {
        "repository": source.url,
        "branch": source.branch,
        "directory": source.subdirectory or ".",
        "polling": source.is_polled and source.paused_at is None,
        "last_error": str(error.get("message")) if error else None,
        "last_known_commit": source.seen_commit or None,
    }


async def _until_fetched(call: Call, begun: Operation) -> tuple[int, Followed]:
    """Raises: FetchRefused."""

    def find() -> tuple[Operation, int | None, Followed | None]:
        with call.read() as db:
            now = operations.get_operation(db, begun.id)
            app = apps.get_app(db, begun.subject_id)
            release_id = now.request.get("release_id")
            release = apps.get_release(db, str(release_id)) if release_id else apps.find_live(db, app.id)
            found = bundles.of_releases(db, [release]).get(release.id) if release else None
            is_here = release_id is not None or now.has_ended
            return (
                now,
                found.id if found and is_here else None,
                sources.find_followed(db, call.actor, app.name),
            )

    with call.get(Notices).watch(operations.topic(begun.id)) as woken:
        while True:
            operation, bundle_id, followed = await in_thread(find)
            if bundle_id is not None and followed is not None and operation.error is None:
                return bundle_id, followed
            if operation.has_ended:
                raise FetchRefused(
                    str((operation.error or {}).get("message", "The repository was not fetched."))
                )
            await wait(woken, PATIENCE_S)
