"""The page that shows two releases of an app side by side, and one file of both where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.kit.errors import NotFound
from tholos.kit.pages import Pages
from tholos.publishing import comparisons
from tholos.publishing.comparisons import ComparisonOut, FileComparisonOut

routes = Routes(include_in_schema=False)

FILES_SHOWN = 500
Number = Annotated[str, Query(pattern=r"^[0-9]{0,9}$")]


@dataclass(frozen=True, slots=True)
class Choice:
    """A release that can be compared, in words."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePage(Frame):
    app: app_schemas.AppOut
    choices: Sequence[Choice]
    found: ComparisonOut
    files: Sequence[comparisons.FileChangeOut]
    left_out: int
    file: FileComparisonOut | None
    file_problem: str


@routes.declare("GET", "/apps/{name}/compare", permission=Permission.APP_EDIT)
def show_comparison(
    call: Calling,
    name: str,
    a: Number = "",
    b: Number = "",
    file: Annotated[str, Query(max_length=1024)] = "",
) -> Response:
    found = comparisons.compare_releases(call, name, _number(a), _number(b))
    file_found, problem = None, ""
    if file:
        try:
            file_found = comparisons.compare_file(call, name, found.a, found.b, file)
        except NotFound as error:
            problem = f"{error.message} {error.fix}".strip()
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        page = ComparePage(
            title=f"{name}: releases {found.a} and {found.b}",
            account=account_of(call),
            json_url=f"/api/v1/apps/{name}/compare?a={found.a}&b={found.b}",
            app=apps_api.shown(call, db, [app])[0],
            choices=[_choice(one) for one in apps_api.shown_releases(call, db, app)],
            found=found,
            files=found.files[:FILES_SHOWN],
            left_out=max(0, len(found.files) - FILES_SHOWN),
            file=file_found,
            file_problem=problem,
        )
    return call.get(Pages).answer("app_compare.html", page)


def _choice(release: app_schemas.ReleaseOut) -> Choice:
    told = ["live"] if release.live else [release.state] if release.state != "ready" else []
    message = release.message.partition("\n")[0][:60]
    return Choice(
        str(release.number), " · ".join(filter(None, (f"Release {release.number}", *told, message)))
    )


def _number(text: str) -> int | None:
    return int(text) or None if text else None
