"""The repository that an app follows: the form that lets one follow it, and the tab of the app that shows and changes that. What a
form cannot save it shows again as it was typed, but for a credential's secret, which no page ever shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import service as apps
from tholos.console.forms import Shown, advice_of, status_of, words_of
from tholos.console.pages import AppPage, last_operations
from tholos.console.publish import GitForm, fit_name, show_start
from tholos.kit.db import WriteDb
from tholos.kit.errors import Conflict, Invalid, TholosError
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.operations.models import Operation
from tholos.sources import commits, credentials, remotes, schemas
from tholos.sources import service as sources
from tholos.sources.api import LocalFolders, tell
from tholos.sources.credentials import MOST_SECRET
from tholos.sources.service import Login, Wish

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=2000)]
Secret = Annotated[str, Form(max_length=MOST_SECRET)]
USUAL_USERNAME = "git"
_FIELDS = {"name": "app", "credential": "secret"}
"""What fields are called here that errors call otherwise: the publish page has another field for a name."""
"""The end of an advice that says what to type in a terminal: here are fields and buttons."""


class NameUnclear(Conflict):
    """Cannot choose a name: there is an app of the one that fits."""

    code = "name_unclear"
    usual_fix = "Leave it to publish to that app, or choose another one."


@dataclass(frozen=True, slots=True)
class ShownSource(Shown):
    secret: str = ""
    """A new one, which is shown this once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePage(AppPage):
    source: schemas.SourceOut | None
    word: str
    """Its state."""
    advice: str
    """What can be done about its error."""
    failed_by: str
    """Id of the operation that it comes from; empty where that is none."""
    commits: Sequence[schemas.CommitOut]
    secret: str
    values: Mapping[str, str]
    errors: Mapping[str, str]


@routes.declare("POST", "/publish/git", permission=Permission.PUBLISH)
def follow_repository(
    call: Calling,
    repository: Text = "",
    branch: Text = "",
    subdirectory: Text = "",
    app: Text = "",
    polling: Text = "",
    draft: Text = "",
    username: Text = "",
    secret: Secret = "",
) -> Response:
    """Let an app follow a branch, and publish where it stands."""
    name, folders = app.strip(), call.get(LocalFolders).paths
    typed = {
        "repository": repository, "branch": branch, "subdirectory": subdirectory, "app": name,
        "polling": polling, "draft": draft, "username": username,
    }  # fmt: skip
    login = _login(username, secret) if username.strip() or secret.strip() else None
    wish = Wish(repository, branch, subdirectory, bool(polling), bool(draft), login=login)
    try:
        with call.write() as db:
            if not name:
                remotes.parse(repository, folders)
                name = name_of(repository, subdirectory)
                _check_free(db, call, name)
            made = sources.set_source(db, call.get(Sealer), call.actor, name, wish, {}, folders, call.now)
    except (Invalid, Conflict) as error:
        place = _place(error)
        if place == "app":
            typed["app"] = name
        return show_start(call, status=status_of(error), git=GitForm(typed, {place: words_of(error)}))
    tell(call)
    return _led_to(name, made.operation)


@routes.declare("GET", "/apps/{name}/source", permission=Permission.APP_EDIT)
def show_source(call: Calling, name: str) -> Response:
    return _page(call, name, ShownSource())


@routes.declare("POST", "/apps/{name}/source/update", permission=Permission.APP_EDIT)
def update_source(call: Calling, name: str, ref: Text = "") -> Response:
    """Fetch now; of another branch, a tag or a commit where one is named."""

    def update(db: WriteDb) -> Operation | None:
        return sources.update(db, call.actor, name, ref, call.now)

    return _change(call, name, update, {"ref": ref}, "It is fetched after what is under way.")


@routes.declare("POST", "/apps/{name}/source/change", permission=Permission.APP_EDIT)
def change_source(
    call: Calling,
    name: str,
    branch: Text = "",
    subdirectory: Text = "",
    polling: Text = "",
    draft: Text = "",
    version: Text = "",
) -> Response:
    seen = int(version) if version.isdecimal() and len(version) < 10 else None
    wish = Wish(
        branch=branch, subdirectory=subdirectory, is_polled=bool(polling), is_draft=bool(draft)
    )  # fmt: skip

    def change(db: WriteDb) -> Operation | None:
        return sources.change_source(db, call.actor, name, wish, seen, call.now)[1]

    typed = {"branch": branch, "subdirectory": subdirectory, "polling": polling, "draft": draft}
    return _change(call, name, change, typed, "It is saved.")


@routes.declare("POST", "/apps/{name}/source/pause", permission=Permission.APP_EDIT)
def pause_source(call: Calling, name: str) -> Response:
    def pause(db: WriteDb) -> Operation | None:
        return sources.change_source(db, call.actor, name, Wish(is_paused=True), None, call.now)[1]

    return _change(call, name, pause, {}, "It is paused: nothing is published by itself.")


@routes.declare("POST", "/apps/{name}/source/resume", permission=Permission.APP_EDIT)
def resume_source(call: Calling, name: str) -> Response:
    """From now on by the right of whoever asks."""

    def resume(db: WriteDb) -> Operation | None:
        return sources.change_source(db, call.actor, name, Wish(is_paused=False), None, call.now)[1]

    return _change(call, name, resume, {}, "It goes on after what is under way.")


@routes.declare("POST", "/apps/{name}/source/secret", permission=Permission.APP_EDIT)
def renew_secret(call: Calling, name: str) -> Response:
    with call.write() as db:
        _, secret = sources.renew_secret(db, call.get(Sealer), call.actor, name, call.now)
    return _page(call, name, ShownSource(secret=secret))


@routes.declare("POST", "/apps/{name}/source/credential", permission=Permission.APP_EDIT)
def set_credential(call: Calling, name: str, username: Text = "", secret: Secret = "") -> Response:
    login = _login(username, secret)

    def keep(db: WriteDb) -> None:
        credentials.set_for_app(
            db, call.get(Sealer), call.actor, name, login.username, login.value, call.now
        )  # fmt: skip

    return _change(call, name, keep, {"username": username}, "The credential is kept.")


@routes.declare("POST", "/apps/{name}/source/credential/remove", permission=Permission.APP_EDIT)
def remove_credential(call: Calling, name: str) -> Response:
    def forget(db: WriteDb) -> None:
        credentials.remove_of_app(db, call.actor, name, call.now)

    return _change(call, name, forget, {}, "The credential is forgotten.")


@routes.declare("POST", "/apps/{name}/source/remove", permission=Permission.APP_EDIT)
def remove_source(
    call: Calling, name: str, typed: Annotated[str, Form(alias="name", max_length=100)] = ""
) -> Response:
    """What ends is asked for by its name."""
    if typed.strip() != name:
        return _page(
            call,
            name,
            ShownSource({"name": typed}, {"name": f'Type "{name}" to let it follow nothing.'}, status=400),
        )
    with call.write() as db:
        sources.remove_source(db, call.actor, name, call.now)
    tell(call)
    return RedirectResponse(f"/apps/{name}/source", 303)


def name_of(repository: str, subdirectory: str) -> str:
    """What fits an app best: its folder's name, else the repository's."""
    last = re.split(r"[/:]", (subdirectory.strip(" /") or repository.strip()).rstrip("/"))[-1]
    return fit_name(last.removesuffix(".git"))


def _check_free(db: WriteDb, call: Call, name: str) -> None:
    """A name that nobody typed is no reason to publish to an app that is there.

    Raises: NameInvalid, NameReserved, NameTaken, NameUnclear.
    """
    if apps.find_own_or_free(db, call.actor, name) is not None:
        raise NameUnclear(where="name")


def _change(
    call: Call,
    name: str,
    change: Callable[[WriteDb], Operation | None],
    typed: Mapping[str, str],
    told: str,
) -> Response:
    """Do it, and lead to the operation that it begins; what cannot be done is told at its field."""
    try:
        with call.write() as db:
            begun = change(db)
    except (Invalid, Conflict) as error:
        place = "source" if isinstance(error, Conflict) else _place(error)
        return _page(call, name, ShownSource(typed, {place: words_of(error)}, status=status_of(error)))
    tell(call)
    return _led_to(name, begun) if begun else _page(call, name, ShownSource(notice=told))


def _led_to(name: str, operation: Operation | None) -> Response:
    return RedirectResponse(f"/operations/{operation.id}" if operation else f"/apps/{name}/source", 303)


def _page(call: Call, name: str, shown: ShownSource) -> Response:
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        followed = sources.find_followed(db, call.actor, name)
        source = schemas.source_out(followed, call.site.url) if followed else None
        history = commits.list_commits(db, call.actor, name, "", commits.MOST_COMMITS).items
        tried = [schemas.commit_out(one) for one in history]
        page = SourcePage(
            title=f"{name}: source",
            account=account_of(call),
            notice=shown.notice,
            json_url=f"/api/v1/apps/{name}/source{'' if source else '/commits'}",
            app=apps_api.shown(call, db, [app])[0],
            operation=last_operations(call, db, [app]).get(name),
            source=source,
            word=_word(source) if source else "",
            advice=advice_of(source.error.fix) if source and source.error else "",
            failed_by=_failed_by(source, tried) if source else "",
            commits=tried,
            secret=shown.secret,
            values={**(_present(source) if source else {}), **shown.values},
            errors=shown.errors,
        )
    return call.get(Pages).answer("app_source.html", page, shown.status)


def _word(source: schemas.SourceOut) -> str:
    if source.paused:
        return "paused"
    if source.is_waiting:
        return "waiting"
    return "failing" if source.error else "following"


def _failed_by(source: schemas.SourceOut, commits: Sequence[schemas.CommitOut]) -> str:
    """The operation of the newest commit, where its error is the one that is shown."""
    last = commits[0] if commits else None
    return last.operation if last and source.error and last.error == source.error else ""


def _present(source: schemas.SourceOut) -> dict[str, str]:
    """What the forms begin with."""
    return {
        "branch": source.branch,
        "subdirectory": source.subdirectory,
        "polling": "yes" if source.polling else "",
        "draft": "yes" if source.draft else "",
        "username": source.credential,
    }


def _login(username: str, secret: str) -> Login:
    return Login(username.strip() or USUAL_USERNAME, secret)


def _place(error: TholosError) -> str:
    """The field that an error is about; empty for the form as a whole."""
    return _FIELDS.get(error.where, error.where)
