"""Scripts that are apps without defining one: what their frameworks run for every visitor, and how that is seen in a file."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from tholos.detect import frameworks, statements
from tholos.detect.model import Kind
from tholos.detect.sources import Source
from tholos.detect.statements import Guard

_EXPRESS = "shiny.express"
_EXPRESS_APP = "shiny.express.app:"
_SHOWS = re.compile(rb"\b(?:curdoc|servable|server_doc)\b")
"""Words without which a script that draws with Panel or Bokeh shows nothing on a server."""
_MARIMO_APP = re.compile(rb"^app = \w+\.App\(", re.MULTILINE)
_MODE = re.compile(rb"^#[ \t]*shiny_mode:[ \t]*(express|core)[ \t]*$", re.MULTILINE)
_MODE_WITHIN = 1000
_ESCAPED = re.compile(r"_([0-9a-f]{1,6})_")


@dataclass(frozen=True, slots=True)
class Script:
    """What a script is, and the line that says so."""

    kind: Kind
    framework: str
    line: int


STREAMLIT = Script(Kind.STREAMLIT, frameworks.STREAMLIT, 1)
BOKEH = Script(Kind.BOKEH, frameworks.BOKEH, 1)
PANEL = Script(Kind.PANEL, frameworks.PANEL, 1)
MARIMO = Script(Kind.MARIMO, frameworks.MARIMO, 1)
EXPRESS = Script(Kind.ASGI, frameworks.SHINY, 1)
OF_KIND = {script.kind: script for script in (STREAMLIT, BOKEH, PANEL, MARIMO)}
"""What a script is taken for where its kind is given."""


def find(source: Source, data: bytes) -> Script | None:
    """What of these a file is; ``data`` are its bytes."""
    lines = _imports(source)
    mode = _MODE.search(data[:_MODE_WITHIN])
    if mode and mode[1] == b"express":
        return _at(EXPRESS, data.count(b"\n", 0, mode.start()) + 1)
    if _EXPRESS in lines and not mode:
        return _at(EXPRESS, lines[_EXPRESS])
    for script, name, is_one in (
        (MARIMO, "marimo", _MARIMO_APP.search(data) is not None),
        (STREAMLIT, "streamlit", True),
    ):
        if name in lines and is_one:
            return _at(script, lines[name])
    if _SHOWS.search(data) is None:
        return None
    for script, name in ((PANEL, "panel"), (BOKEH, "bokeh")):
        if name in lines:
            return _at(script, lines[name])
    return None


def express_entrypoint(path: str) -> str:
    """How Shiny is asked for the app of an Express file: all but letters and digits by their code, as ``app_2e_py``."""
    escaped = "".join(
        one if one.isascii() and one.isalnum() and (at or not one.isdigit()) else f"_{ord(one):x}_"
        for at, one in enumerate(path)
    )
    return _EXPRESS_APP + escaped


def express_path(entrypoint: str) -> str:
    """The file that such an entry point names; empty for any other."""
    if not entrypoint.startswith(_EXPRESS_APP):
        return ""
    path = _ESCAPED.sub(
        lambda found: chr(min(int(found[1], 16), 0xFFFF)), entrypoint.removeprefix(_EXPRESS_APP)
    )
    return path.removeprefix("./")


def _imports(source: Source) -> dict[str, int]:
    """First names of what a file imports, with the first line of each; ``shiny.express`` by its whole name."""
    found: dict[str, int] = {}
    for node, guard in statements.walk(source.tree.body):
        if guard is Guard.TYPING:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            found.setdefault(name.partition(".")[0], node.lineno)
            if name == _EXPRESS or name.startswith(_EXPRESS + "."):
                found.setdefault(_EXPRESS, node.lineno)
    return found


def _at(script: Script, line: int) -> Script:
    return Script(script.kind, script.framework, line)
