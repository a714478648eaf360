"""What hosts of repositories are shown for all apps that have no credential of their own: administrators see, set and remove it,
and nobody sees the secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Form
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.console.forms import words_of
from tholos.console.sources import USUAL_USERNAME, Secret, Text
from tholos.kit.errors import Invalid
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.sources import credentials, schemas
from tholos.sources.api import tell

routes = Routes(include_in_schema=False)

PATH = "/admin/git-credentials"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows besides how things are."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsPage(Frame):
    credentials: Sequence[schemas.CredentialOut]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@routes.declare("GET", PATH, permission=Permission.ADMINISTER)
def show_credentials(call: Calling) -> Response:
    return _page(call, Shown())


@routes.declare("POST", PATH, permission=Permission.ADMINISTER)
def set_credential(
    call: Calling,
    host: Annotated[str, Form(max_length=300)] = "",
    username: Text = "",
    secret: Secret = "",
) -> Response:
    try:
        with call.write() as db:
            credentials.set_for_host(
                db,
                call.get(Sealer),
                call.actor,
                host,
                username.strip() or USUAL_USERNAME,
                secret,
                call.now,
            )
    except Invalid as error:
        place = "secret" if error.where == "credential" else "host"
        told = words_of(error)
        return _page(call, Shown({"host": host, "username": username}, {place: told}, 400))
    tell(call)
    return RedirectResponse(PATH, 303)


@routes.declare("POST", PATH + "/{credential_id}/remove", permission=Permission.ADMINISTER)
def remove_credential(call: Calling, credential_id: str) -> Response:
    with call.write() as db:
        credentials.remove_of_host(db, call.actor, credential_id, call.now)
    tell(call)
    return RedirectResponse(PATH, 303)


def _page(call: Call, shown: Shown) -> Response:
    with call.read() as db:
        found = credentials.list_of_hosts(db, call.actor)
        page = CredentialsPage(
            title="Git credentials",
            account=account_of(call),
            json_url="/api/v1/git-credentials",
            credentials=[schemas.credential_out(one) for one in found],
            values=shown.values,
            errors=shown.errors,
        )
    return call.get(Pages).answer("git_credentials.html", page, shown.status)
