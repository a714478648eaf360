"""Panel scripts on our unix socket: Panel's server is Bokeh's with handlers of its own."""

from __future__ import annotations

from tholos_guest import bokeh

OPTIONS = {**bokeh.OPTIONS, "show": False, "start": False}


def serve(script: str, socket_path: str, _grace_s: float) -> None:
    """Serve until TERM; sessions are ended in Bokeh's own way."""
    bokeh.check(script, "panel")
    from panel.io.server import get_server  # type: ignore[import-not-found]  # in the app's environment

    application = bokeh.build(script)  # Panel has put its own builder in the place of Bokeh's
    bokeh.run(lambda: get_server({bokeh.place_of(application): application}, **OPTIONS), socket_path)
