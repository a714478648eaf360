"""What a bundle's manifest has to say, and what has to lie beside it, before the bundle is kept. Pure.

Checksums may differ: clients take them before they change a file. What is listed and not there matters where it is needed.
"""

from __future__ import annotations

from collections.abc import Collection

from tholos.detect import connect
from tholos.kit.db import JsonObject
from tholos.protocols.connect.errors import AppModeUnsupported, ManifestInvalid

NAME = connect.NAME
LIMIT = connect.LIMIT
_STATIC = "static"
SERVED = frozenset({*connect.MODE_OF_KIND.values(), "python-dash", "python-shiny"})
"""The app modes of content that runs here."""


def check(data: bytes, paths: Collection[str]) -> JsonObject:
    """What is shown of a manifest that lies among files of these paths.

    Raises: ManifestInvalid, AppModeUnsupported.
    """
    try:
        document = connect.parse(data)
    except connect.NotRead as error:
        raise ManifestInvalid(f"Cannot take this bundle: {NAME} cannot be used, {error}.") from None
    said = connect.told(data)
    if document is None or said is None:
        raise ManifestInvalid(f"Cannot take this bundle: {NAME} is no manifest, it has no metadata.")
    mode = _checked_mode(str(said.get("appmode", "")))
    for what, path in _needed(document, mode):
        if path not in paths:
            raise ManifestInvalid(
                f"Cannot take this bundle: {NAME} names {path[:200]!r} as {what}, which is not in it."
            )
    entrypoint = _text(document, "metadata", "entrypoint")
    if mode != _STATIC and entrypoint and not _is_there(entrypoint, paths):
        raise ManifestInvalid(
            f"Cannot take this bundle: {NAME} begins at {entrypoint[:200]!r}, and no file in it is that."
        )
    return said


def _checked_mode(mode: str) -> str:
    if not mode:
        raise ManifestInvalid(f"Cannot take this bundle: {NAME} names no app mode.")
    if mode not in SERVED:
        raise AppModeUnsupported(
            f"Cannot take this bundle: its app mode {mode[:40]!r} is not served here.",
            fix=f"Served are {', '.join(sorted(SERVED))}.",
            where=NAME,
        )
    return mode


def _needed(document: JsonObject, mode: str) -> list[tuple[str, str]]:
    """What a file is needed as, and its path."""
    if mode == _STATIC:
        page = _text(document, "metadata", "primary_html") or _text(document, "metadata", "entrypoint")
        return [("its first page", page.removeprefix("./"))] if page else []
    packages = _text(document, "python", "package_manager", "package_file").removeprefix("./")
    return [("the file of its packages", packages)] if packages else []


def _is_there(entrypoint: str, paths: Collection[str]) -> bool:
    """Whether a file stands behind an entry point, in whatever folder; what Shiny loads of others it finds itself."""
    target = entrypoint.partition(":")[0].removeprefix("./")
    module = target.replace(".", "/")
    ends = (target, f"{module}.py", f"{module}/__init__.py", f"{module}/main.py", f"{target}.ipynb")
    is_known = any(path in ends or path.endswith(tuple(f"/{end}" for end in ends)) for path in paths)
    return is_known or entrypoint.startswith("shiny.")


def _text(document: JsonObject, *keys: str) -> str:
    value: object = document
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
