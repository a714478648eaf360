"""Apps under a path of the console's host, as ``/app/sales/``: what each framework is told, so that its links lead there.

The server takes the prefix away before an app sees a path, and sends it along with every request: an instance that was tried
as a draft at one address and is live at another one is right at both.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Any

HEADER = "X-Forwarded-Prefix"


def is_used() -> bool:
    """Whether apps of this server are under paths."""
    rest = os.environ.get("THOLOS_URL", "").partition("://")[2]
    return bool(rest.partition("/")[2])


def of_wsgi(app: Any) -> Any:
    """The app with the prefix as SCRIPT_NAME (PEP 3333)."""

    def call(environ: Any, start_response: Any) -> Any:
        environ["SCRIPT_NAME"] = environ.get("HTTP_X_FORWARDED_PREFIX", "")
        return app(environ, start_response)

    return call


def of_asgi(scope: dict[str, Any], prefix: str) -> None:
    """The prefix as ``root_path``, which ``path`` begins with (ASGI 3)."""
    scope["root_path"] = prefix
    if not is_starlette_old():
        scope["path"] = prefix + scope["path"]
        if scope.get("raw_path"):
            scope["raw_path"] = prefix.encode("latin-1") + scope["raw_path"]


def is_starlette_old() -> bool:
    """Before 0.33 its routes were compared with the whole of ``path``, as if there were no ``root_path``."""
    version = getattr(sys.modules.get("starlette"), "__version__", "")
    numbers = version.split(".")[:2]
    return len(numbers) == 2 and all(map(str.isdecimal, numbers)) and tuple(map(int, numbers)) < (0, 33)


def in_dash() -> None:
    """Let Dash, if the app has imported it, call back where its page is."""
    utils = sys.modules.get("dash._utils")
    if utils is None or not hasattr(utils, "AttributeDict"):
        return
    import flask  # type: ignore[import-not-found]  # Dash needs it

    read = utils.AttributeDict.__getattr__

    def read_here(self: Any, key: str) -> Any:
        value = read(self, key)
        if key == "requests_pathname_prefix" and flask.has_request_context():
            return flask.request.script_root + value
        return value

    utils.AttributeDict.__getattr__ = read_here


def in_tornado() -> None:
    """Let redirects of tornado's handlers stay below the prefix."""
    from tornado.web import RequestHandler  # type: ignore[import-not-found]  # in the app's environment

    redirect = RequestHandler.redirect

    def redirect_here(self: Any, url: str, *arguments: Any, **named: Any) -> None:
        told = self.request.headers.get(HEADER, "")
        is_outside = url.startswith("/") and not url.startswith("//") and not url.startswith(told + "/")
        redirect(self, told + url if is_outside else url, *arguments, **named)

    RequestHandler.redirect = redirect_here


def in_bokeh() -> None:
    """Let pages ask for Bokeh's own files beside themselves."""
    from bokeh.server.tornado import BokehTornado  # type: ignore[import-not-found]  # in the app's environment

    make = BokehTornado.resources

    def resources(self: Any, absolute_url: Any = None) -> Any:
        made = make(self, absolute_url)
        if not absolute_url and made.mode == "server":
            made._root_url = "./"  # noqa: SLF001 - it has no other way to say so
        return made

    BokehTornado.resources = resources


def in_jupyter() -> None:
    """Let Voilà's pages name its files and kernels below the prefix."""
    from jupyter_server.base.handlers import JupyterHandler  # type: ignore[import-not-found]  # in the app's environment

    def base_url(self: Any) -> str:
        return str(self.request.headers.get(HEADER, "")) + "/"

    JupyterHandler.base_url = property(base_url)


def in_gradio() -> None:
    """Let Gradio's pages name its files and queue below the prefix."""
    from gradio import route_utils  # type: ignore[import-not-found]  # in the app's environment

    if not hasattr(route_utils, "get_root_url"):
        return
    find = route_utils.get_root_url

    def get_root_url(request: Any, route_path: str, root_path: Any) -> Any:
        return find(request, route_path, request.headers.get(HEADER) or root_path)

    route_utils.get_root_url = get_root_url
