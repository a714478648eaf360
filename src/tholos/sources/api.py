"""HTTP of what apps follow, their commits, and credentials for hosts of repositories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.kit.paging import MOST, USUAL
from tholos.kit.sealing import Sealer
from tholos.kit.versions import to_tag
from tholos.operations import api as operations_api
from tholos.operations.models import Operation
from tholos.operations.schemas import OperationOut
from tholos.publishing.api import wake
from tholos.sources import commits, credentials, schemas
from tholos.sources import service as sources

routes = Routes(prefix="/api/v1", tags=["git"])


@dataclass(frozen=True, slots=True)
class LocalFolders:
    """The folders of this machine below which repositories may be followed, as its operator listed them."""

    paths: tuple[str, ...] = ()


@routes.declare("GET", "/apps/{name}/source", permission=Permission.APP_EDIT)
def get_source(call: Calling, response: Response, name: str) -> schemas.SourceOut:
    """What an app follows, all but secrets."""
    with call.read() as db:
        found = sources.get_followed(db, call.actor, name)
    response.headers["etag"] = to_tag(found.source.version)
    return schemas.source_out(found, call.site.url)


@routes.declare("PUT", "/apps/{name}/source", permission=Permission.PUBLISH, status_code=202)
def set_source(call: Calling, name: str, body: schemas.SourceIn) -> schemas.SourceMade:
    """Let an app follow a branch of a repository, and begin to publish where it stands. A new app is made."""
    with call.write() as db:
        made = sources.set_source(
            db,
            call.get(Sealer),
            call.actor,
            name,
            body.wish(),
            body.said(),
            call.get(LocalFolders).paths,
            call.now,
        )
        followed = sources.describe(db, apps.get_app(db, made.source.app_id), made.source)
        answer = schemas.SourceMade(
            source=schemas.source_out(followed, call.site.url),
            secret=made.secret or None,
            operation=_shown(call, db, made.operation),
        )
    tell(call)
    return answer


@routes.declare("PATCH", "/apps/{name}/source", permission=Permission.APP_EDIT)
def change_source(
    call: Calling, response: Response, name: str, body: schemas.SourceChange
) -> schemas.SourceOut:
    """Change what is given. With If-Match, only if nobody has changed it since."""
    with call.write() as db:
        found, _ = sources.change_source(db, call.actor, name, body.wish(), call.seen_version, call.now)
    tell(call)
    response.headers["etag"] = to_tag(found.source.version)
    return schemas.source_out(found, call.site.url)


@routes.declare("DELETE", "/apps/{name}/source", permission=Permission.APP_EDIT, status_code=204)
def remove_source(call: Calling, name: str) -> None:
    """Let an app follow nothing. What serves goes on serving."""
    with call.write() as db:
        sources.remove_source(db, call.actor, name, call.now)
    tell(call)


@routes.declare(
    "POST", "/apps/{name}/source/update", permission=Permission.APP_EDIT, status_code=202, is_creating=True
)
def update_source(call: Calling, name: str, body: schemas.UpdateIn) -> schemas.UpdateOut:
    """Fetch now, and make a release of it even if there is nothing new."""
    with call.write() as db:
        begun = sources.update(db, call.actor, name, body.ref, call.now)
        answer = call.kept(db, schemas.UpdateOut(operation=_shown(call, db, begun)), 202)
    tell(call)
    return answer


@routes.declare("POST", "/apps/{name}/source/secret", permission=Permission.APP_EDIT)
def renew_source_secret(call: Calling, name: str) -> schemas.SourceMade:
    """A new secret for pushes, in this answer only. The former is good for nothing from now on."""
    with call.write() as db:
        found, secret = sources.renew_secret(db, call.get(Sealer), call.actor, name, call.now)
    return schemas.SourceMade(source=schemas.source_out(found, call.site.url), secret=secret, operation=None)


@routes.declare("GET", "/apps/{name}/source/commits", permission=Permission.APP_EDIT)
def list_source_commits(
    call: Calling,
    name: str,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
) -> schemas.CommitList:
    """The commits that were tried, with the release each became or why it failed, the newest first."""
    with call.read() as db:
        page = commits.list_commits(db, call.actor, name, cursor, limit)
        return schemas.CommitList(
            items=[schemas.commit_out(one) for one in page.items], next=page.next or None
        )


@routes.declare("PUT", "/apps/{name}/source/credential", permission=Permission.APP_EDIT)
def set_source_credential(call: Calling, name: str, body: schemas.LoginIn) -> schemas.CredentialOut:
    """Keep what the host of an app's repository is shown for that app. Nobody reads it back."""
    login = body.login()
    with call.write() as db:
        kept = credentials.set_for_app(
            db, call.get(Sealer), call.actor, name, login.username, login.value, call.now
        )
    tell(call)
    return schemas.credential_out(kept)


@routes.declare("DELETE", "/apps/{name}/source/credential", permission=Permission.APP_EDIT, status_code=204)
def remove_source_credential(call: Calling, name: str) -> None:
    """Forget what an app has of its own; the credential of the host is used from now on."""
    with call.write() as db:
        credentials.remove_of_app(db, call.actor, name, call.now)
    tell(call)


@routes.declare("GET", "/git-credentials", permission=Permission.ADMINISTER)
def list_git_credentials(call: Calling) -> schemas.CredentialList:
    """What hosts of repositories are shown for all apps, all but the secrets."""
    with call.read() as db:
        found = credentials.list_of_hosts(db, call.actor)
        return schemas.CredentialList(items=[schemas.credential_out(one) for one in found])


@routes.declare("PUT", "/git-credentials", permission=Permission.ADMINISTER)
def set_git_credential(call: Calling, body: schemas.HostCredentialIn) -> schemas.CredentialOut:
    """Keep what a host is shown for every app that has no credential of its own. It takes the place of the former."""
    login = body.login()
    with call.write() as db:
        kept = credentials.set_for_host(
            db, call.get(Sealer), call.actor, body.host, login.username, login.value, call.now
        )
    tell(call)
    return schemas.credential_out(kept)


@routes.declare(
    "DELETE", "/git-credentials/{credential_id}", permission=Permission.ADMINISTER, status_code=204
)
def remove_git_credential(call: Calling, credential_id: str) -> None:
    """Show a host nothing any more."""
    with call.write() as db:
        credentials.remove_of_host(db, call.actor, credential_id, call.now)
    tell(call)


def tell(call: Call) -> None:
    """Tell whoever looks for commits, and whoever works on operations."""
    call.get(Notices).publish(sources.TOPIC)
    wake(call)


def _shown(call: Call, db: ReadDb, operation: Operation | None) -> OperationOut | None:
    return operations_api.shown(db, [operation], call.site.url)[0] if operation else None
