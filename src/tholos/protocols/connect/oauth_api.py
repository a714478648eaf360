"""OAuth integrations: there are none, so lists are empty, and to make one is refused in words."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Response

from tholos.accounts.routes import Calling, Permission, Routes
from tholos.kit.db import JsonObject
from tholos.kit.errors import NotFound
from tholos.protocols.connect import contents
from tholos.protocols.connect.errors import NothingAssociated, NotSupported

routes = Routes(prefix="/__api__/v1", tags=["connect"], include_in_schema=False)

Anything = Annotated[object, Body()]


@routes.declare("GET", "/oauth/integrations", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/oauth/templates", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/oauth/sessions", permission=Permission.SIGNED_IN)
def list_none() -> list[JsonObject]:
    """There are none of these."""
    return []


@routes.declare("GET", "/oauth/integrations/{_name}", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/oauth/integrations/{_name}/associations", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/oauth/templates/{_name}", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/oauth/sessions/{_name}", permission=Permission.SIGNED_IN)
@routes.declare("DELETE", "/oauth/sessions/{_name}", permission=Permission.SIGNED_IN)
def find_none(_name: str) -> None:
    """There is none of that name."""
    raise NotFound("There are no OAuth integrations here.")


@routes.declare("POST", "/oauth/integrations", permission=Permission.ADMINISTER)
@routes.declare("PATCH", "/oauth/integrations/{_name}", permission=Permission.ADMINISTER)
@routes.declare("DELETE", "/oauth/integrations/{_name}", permission=Permission.ADMINISTER)
def refuse_integration(_name: str = "", _body: Anything = None) -> None:
    """None is made."""
    raise _refused()


@routes.declare("POST", "/oauth/integrations/credentials", permission=Permission.SIGNED_IN)
def exchange() -> None:
    """Nothing is associated with any content, so there are no credentials to get."""
    raise NothingAssociated


@routes.declare("GET", "/content/{guid}/oauth/integrations/associations", permission=Permission.APP_VIEW)
def list_associations(call: Calling, guid: str) -> list[JsonObject]:
    """None."""
    with call.read() as db:
        contents.find(call, db, guid)
    return []


@routes.declare("PUT", "/content/{guid}/oauth/integrations/associations", permission=Permission.APP_EDIT)
def set_associations(call: Calling, guid: str, body: Anything = None) -> Response:
    """To set none is fine: there is none."""
    with call.read() as db:
        contents.find_editable(call, db, guid)
    if body:
        raise _refused()
    return Response(status_code=204)


def _refused() -> NotSupported:
    return NotSupported(
        "Cannot make an OAuth integration: there are none here.",
        fix="Give the app its credentials as variables.",
    )
