"""The console's side of the way to an app's host."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from tholos.access import service as access
from tholos.access.door import CALLBACK
from tholos.accounts.routes import Calling, Permission, Routes

routes = Routes(include_in_schema=False)


@routes.declare("GET", "/open/{name}", permission=Permission.PUBLIC)
def open_app(
    call: Calling, name: str, t: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$")] = ""
) -> Response:
    """Send a signed-in browser on to an app; ``t`` is the hash of the transaction its host began."""
    if call.known_actor is None:
        here = f"/open/{name}" + (f"?t={t}" if t else "")
        return RedirectResponse("/sign-in?" + urlencode({"next": here}), 303)
    with call.write(unrecorded="opening an app is counted, not recorded") as db:
        code = access.hand_over(db, call.actor, name, t, call.now)
    origin = call.site.app_url.format(name=name)
    response = RedirectResponse(f"{origin}{CALLBACK}?code={code}&t={t}" if t else f"{origin}/", 303)
    response.headers["referrer-policy"] = "no-referrer"
    return response
