"""Beginning before anybody asks: the first start of a release notes which packages it imported, and a later process imports
them ahead, waits, and goes on as the app once it is told to.

Nothing is shared with another process and nothing is forked: what waits becomes the app. So threads, seeds and open files of
packages are its own, as in any start. What is imported ahead are packages only, never the app's own code. Where the order of
imports might matter to an app, nothing is imported ahead for it.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
import time

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

WORTH_S = 0.1
"""Seconds of a processor that a start has to take."""
NEVER = "!"
"""In place of names: importing ahead is not for this release."""
PATCHERS = ("gevent.monkey", "eventlet.patcher")
"""Modules that change the standard library, which has to come before what uses it is imported."""
OURS = "STREAMLIT_SERVER_"
"""What the variables begin with that we set after the beginning."""
WORD_FD = 0
"""Standard input is a socket where this process is to wait: our supervisor's ``word``."""


class Notes:
    """Where names are noted, and the variables that were there at the beginning; nowhere until ``begin``."""

    def __init__(self) -> None:
        self.path = ""
        self.variables: dict[str, str] = {}


NOTES = Notes()


def begin(path: str) -> None:
    """Import ahead and wait, if this process is to; returns once it is the app's turn.

    Args:
        path: of the file of names, which an earlier start may have made.
    """
    NOTES.path, NOTES.variables = path, dict(os.environ)
    if not is_told():
        return
    if not import_ahead(path):
        write(path, [NEVER])
        sys.stderr.write("[tholos] packages are not imported ahead: it would not be the same\n")
        sys.stderr.flush()
        os._exit(1)
    wait()


def is_told() -> bool:
    """Whether somebody is there who tells when to go on."""
    try:
        return stat.S_ISSOCK(os.fstat(WORD_FD).st_mode)
    except OSError:
        return False


def wait() -> None:
    """Say that we are ready, and go on when told; whoever would tell is gone: then so are we."""
    try:  # noqa: SIM105 - contextlib is not imported: start-up time
        os.write(WORD_FD, b"w")
    except BrokenPipeError:
        pass  # the word is there already, or will never come
    try:
        told = os.read(WORD_FD, 1)
    except ConnectionResetError:
        told = b""
    if not told:
        os._exit(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, WORD_FD)
    os.close(null)


def import_ahead(path: str) -> bool:
    """Import what the notes name; no where something fails, or a variable was not set by what did so before."""
    names = read(path)
    try:
        for name in names:
            if not name.startswith("="):
                importlib.import_module(name)
    except BaseException:  # noqa: BLE001 - packages may raise anything, and then the app does it in its own order
        return False
    changed = set(changed_variables())
    return all(name[1:] in changed for name in names if name.startswith("="))


def note() -> None:
    """Write down what was imported by now, once for a release; call it when the app can answer."""
    if not NOTES.path or os.path.exists(NOTES.path):
        return
    if time.process_time() >= WORTH_S and keeps_order(sys.modules):
        write(NOTES.path, [*packages(sys.modules), *("=" + name for name in changed_variables())])


def changed_variables() -> list[str]:
    """Names of the environment variables that something but us set since the beginning."""
    found = [name for name in os.environ if NOTES.variables.get(name) != os.environ[name]]
    return [name for name in found if not name.startswith(OURS)]


def keeps_order(modules: dict[str, Any]) -> bool:
    """Whether nothing was put in the place of a standard module, so that it does not matter when others import that."""
    if any(name in modules for name in PATCHERS):
        return False
    for name, module in list(modules.items()):
        spec = spec_of(module)
        if spec is not None and spec.name != name and is_standard(name):
            return False
    return True


def is_standard(name: str) -> bool:
    """Whether the standard library has a module of that name; ``sys.stdlib_module_names`` is younger than we are."""
    place = os.path.join(os.path.dirname(os.__file__), name)
    return name.isidentifier() and (os.path.isdir(place) or os.path.isfile(place + ".py"))


def packages(modules: dict[str, Any]) -> list[str]:
    """Names of modules that are installed, in the order in which they were begun to be imported."""
    places = tuple({os.path.join(one, "") for one in (sys.prefix, sys.base_prefix, *own_places())})
    found = []
    for name, module in list(modules.items()):
        spec = spec_of(module)
        origin = getattr(spec, "origin", None)
        if spec is not None and spec.name == name and isinstance(origin, str) and origin.startswith(places):
            found.append(name)
    return found


def own_places() -> Iterable[str]:
    """Folders of the guest code and of our servers' packages, which lie beside each other."""
    folder = os.path.dirname(os.path.abspath(__file__))
    return folder, os.path.join(os.path.dirname(folder), "wheels")


def spec_of(module: object) -> Any:
    """How a module was found, without waking one that is imported lazily."""
    return getattr(module, "__dict__", {}).get("__spec__")


def read(path: str) -> list[str]:
    """What is noted; nothing where there are no notes."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split()
    except (OSError, ValueError):
        return []


def write(path: str, names: list[str]) -> None:
    """Note names; where that cannot be, the next start is as the first one was."""
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("\n".join(names) + "\n")
        os.replace(path + ".new", path)
    except OSError:
        return
