"""The command line and the environment variables of an instance. Pure: nothing is looked up or started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tholos.detect.model import Kind

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
LOCALE = "C.UTF-8"
START_TIMEOUTS_S = {Kind.NOTEBOOK: 1800.0, Kind.GRADIO: 180.0, Kind.VOILA: 180.0}
"""Seconds for the first answer of kinds that do much before it, where nobody says otherwise."""

WARM = frozenset({Kind.WSGI, Kind.ASGI, Kind.STREAMLIT, Kind.GRADIO})
"""Kinds whose packages can be imported before anybody asks."""


def command(
    kind: Kind,
    entrypoint: str,
    *,
    python: str,
    bootstrap: str,
    wheels: str,
    socket: str,
    options: Sequence[str] = (),
    notes: str = "",
) -> tuple[str, ...]:
    """What starts an app, in its folder.

    Args:
        kind: how it is spoken to.
        entrypoint: as detection named it.
        python: the environment's interpreter.
        bootstrap: path of the guest's ``bootstrap.py``.
        wheels: folder of our own servers' packages.
        socket: path of the unix socket that it shall answer on.
        options: what the kind is told besides, by name.
        notes: file in which the guest notes what may be imported ahead.
    """
    said: tuple[str, ...] = ("--kind", kind.value, "--entrypoint", entrypoint, "--socket", socket)
    if kind in {Kind.WSGI, Kind.ASGI, Kind.GRADIO}:
        said += ("--path", wheels)
    if notes and kind in WARM:
        said += ("--notes", notes)
    if options:
        said += ("--options", ",".join(options))
    return (python, bootstrap, *said)


def start_timeout_s(kind: Kind, said: float | None, usual: float) -> float:
    """Seconds for an app's first answer: what its release says, else what its kind needs, and never less than is usual."""
    return said or max(usual, START_TIMEOUTS_S.get(kind, 0.0))


def prepare(shell: str) -> tuple[str, ...]:
    """What runs an app's one-off command, in its folder and with its ``environment``."""
    return ("/bin/sh", "-c", shell)


def environment(
    *,
    python: str,
    app: str,
    release: int,
    data: str,
    temporary: str,
    url: str,
    variables: Mapping[str, str] | None = None,
    locale: str = LOCALE,
) -> dict[str, str]:
    """All environment variables of an app's processes; nothing of the server's own is among them.

    Args:
        python: the environment's interpreter, ``…/bin/python``; its folder comes first on PATH.
        app: the app's name.
        release: the release's number.
        data: the folder that outlives releases; it is also HOME, as libraries keep their caches there.
        temporary: the instance's own temporary folder.
        url: where people find the app.
        variables: the publisher's; they win over ours, but for the names that begin with ``THOLOS_``.
        locale: its LANG.
    """
    binaries = PurePosixPath(python).parent
    chosen = {name: value for name, value in (variables or {}).items() if not name.startswith("THOLOS_")}
    return {
        "PATH": f"{binaries}:{SYSTEM_PATH}",
        "HOME": data,
        "TMPDIR": temporary,
        "LANG": locale,
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": str(binaries.parent),
        **chosen,
        "THOLOS_APP": app,
        "THOLOS_RELEASE": str(release),
        "THOLOS_DATA": data,
        "THOLOS_URL": url,
    }
