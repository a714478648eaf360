"""HTTP for hosts of repositories: they tell of pushes, and the app's newest commit is fetched at once."""

from __future__ import annotations

from fastapi import Request, Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.sources import asking, pushes, schemas
from tholos.sources import service as sources
from tholos.sources.api import tell

routes = Routes(tags=["git"])


@routes.declare(
    "POST",
    schemas.HOOK_PATH + "{source_id}",
    permission=Permission.PUBLIC,
    status_code=202,
    include_in_schema=False,
)
async def take_push(call: Calling, request: Request, response: Response, source_id: str) -> schemas.TakenOut:
    """A message of a repository's host, in the form of GitHub, GitLab, Gitea, Forgejo or Bitbucket, or a plain one."""
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    taken = await in_thread(_take, call, source_id, headers, body)
    response.status_code = 200 if taken.is_known else 202
    return schemas.TakenOut(text=taken.text, operation=taken.operation_id or None)


def _take(call: Call, source_id: str, headers: dict[str, str], body: bytes) -> asking.Heard:
    """Raises: SourceNotFound, HookRefused, HookUnreadable, FollowerGone."""
    with call.read() as db:
        sources.check_signature(db, call.get(Sealer), source_id, headers, body)
    push = pushes.read(headers, body)
    with call.write(unrecorded="what a push leads to is recorded with its release") as db:
        heard = asking.hear(db, source_id, push, call.now)
    tell(call)
    return heard
