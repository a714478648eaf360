"""Gradio's objects, mounted into an ASGI app on our unix socket.

Scripts of Gradio end with ``launch``, which would open a port and wait. Here it does neither: what it was told about the page
is kept, and counts when the object is mounted.
"""

from __future__ import annotations

import os
import sys

from tholos_guest import asgi, entry, prefix
from tholos_guest.failure import CannotStart

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Any

SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_SSR_MODE": "False",  # it would start a server of Node.js
    "GRADIO_SHARE": "False",
}
USUAL = ("demo", "app", "iface", "interface", "application", "create_app()", "make_app()")
"""What is tried, in this order, where the entry point names nothing that can be served."""
OURS = frozenset({"app", "blocks", "path", "server_name", "server_port", "root_path"})
"""Of what an object is mounted with, what ``launch`` has no say in."""


def serve(entrypoint: str, socket_path: str, grace_s: float) -> None:
    """Serve until TERM, then finish what is in progress for at most ``grace_s`` seconds."""
    arrange()
    try:
        import gradio  # type: ignore[import-not-found]  # in the app's environment
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise CannotStart(entry.explain(error, "gradio")) from error
        raise CannotStart("gradio is not installed; add it to the requirements") from error
    if prefix.is_used():
        prefix.in_gradio()
    launched = hold_launch(gradio.Blocks)
    found = load(entrypoint, gradio.Blocks, launched)
    if isinstance(found, gradio.Blocks):
        found = mount(gradio, found, launched)
    asgi.serve_app(found, socket_path, grace_s)


def arrange() -> None:
    """Say what Gradio is not to do, before it is imported."""
    os.environ.update(SETTINGS)


class Launched:
    """One call of ``launch``."""

    def __init__(self, blocks: object, options: dict[str, Any]) -> None:
        self.blocks = blocks
        self.options = options


def hold_launch(blocks: Any) -> list[Launched]:
    """Make ``launch`` a note in the list that is returned."""
    launched: list[Launched] = []

    def launch(self: object, *_positional: object, **options: object) -> tuple[None, str, None]:
        launched.append(Launched(self, options))
        return None, os.environ.get("THOLOS_URL", ""), None

    blocks.launch = launch
    return launched


def load(entrypoint: str, blocks: type, launched: list[Launched]) -> object:
    """The object that an entry point means, or an app that one was mounted into already.

    Raises:
        CannotStart: importing failed, or there is nothing that can be served.
    """
    module_name, _, wanted = entrypoint.partition(":")
    module = entry.import_module(module_name)
    for name in (wanted, *USUAL):
        found = vars(module).get(name.replace("()", ""))
        if name.endswith("()") and callable(found):
            found = entry.call(found, module_name, name)
        if isinstance(found, blocks) or entry.is_a(found, "fastapi", "FastAPI"):
            if name != wanted:
                sys.stderr.write('[tholos] "%s" is not served; using "%s"\n' % (entrypoint, name))
            return found
    others = [one for one in vars(module).values() if isinstance(one, blocks)]
    if launched or others:
        return launched[-1].blocks if launched else others[-1]
    public = [name for name in vars(module) if not name.startswith("_")]
    raise CannotStart(
        'module "%s" has no Blocks, Interface or ChatInterface; it has: %s'
        % (module_name, entry.shorten(sorted(public)))
    )


def mount(gradio: Any, blocks: object, launched: list[Launched]) -> object:
    """An ASGI app with the object at its root, as its last ``launch`` wanted it to be."""
    import inspect

    from fastapi import FastAPI

    known = inspect.signature(gradio.mount_gradio_app).parameters.keys() - OURS
    said = next((one.options for one in reversed(launched) if one.blocks is blocks), {})
    options = {name: value for name, value in said.items() if name in known}
    return gradio.mount_gradio_app(FastAPI(), blocks, path="/", **options)
