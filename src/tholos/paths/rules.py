"""What a path of one's own may be, and which one a request's target stands under. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from tholos.apps.names import RESERVED_NAMES
from tholos.paths.errors import PathInvalid, PathReserved

T = TypeVar("T")

MOST_SEGMENTS = 8
MOST_PATH = 200
_SEGMENT = re.compile(r"[A-Za-z0-9_-]{1,64}")

RESERVED = RESERVED_NAMES | frozenset({
    "debug", "events", "health", "info", "jobs", "licenses", "login", "logout", "nbextensions", "notebooks", "paths",
    "search", "signup", "tags", "terminals", "token", "usage", "v1", "v2", "v3",
})  # fmt: skip
"""First segments, in lower case, that no path of one's own has: the console, the API and other protocols use them, now or
later. Names that no app has are among them, since they mean something else to somebody as well.
"""


def check_path(said: str) -> str:
    """The path as it is kept, with a slash at both ends.

    Raises: PathInvalid, PathReserved.
    """
    segments = said.strip().removeprefix("/").removesuffix("/").split("/")
    if any(not _SEGMENT.fullmatch(segment) for segment in segments):
        raise PathInvalid(
            f'Cannot lead "{said[:60]}" to an app: between its slashes stand 1 to 64 letters, digits, "-" and "_".',
            fix="Choose a path such as /team/report/.",
            where="path",
        )
    path = f"/{'/'.join(segments)}/"
    if len(segments) > MOST_SEGMENTS or len(path) > MOST_PATH:
        raise PathInvalid(
            f"Cannot lead this path to an app: it has more than {MOST_SEGMENTS} parts or {MOST_PATH} characters.",
            fix="Choose a shorter one.",
            where="path",
        )
    if segments[0].lower() in RESERVED:
        raise PathReserved(
            f'Cannot lead "{path}" to an app: Tholos uses what begins with "/{segments[0]}/".', where="path"
        )
    return path


def key_of(path: str) -> str:
    """What paths are compared by: the case of letters makes no difference."""
    return path.lower()


def overlaps(one: str, other: str) -> bool:
    """Whether two paths are the same, or one leads through the other."""
    return key_of(one).startswith(key_of(other)) or key_of(other).startswith(key_of(one))


def find(table: Mapping[str, T], target: str) -> tuple[T, str] | None:
    """What the longest of a table's paths that a target stands under leads to, and what is left of the target.

    Args:
        table: by the keys of paths.
        target: a request's, as it was sent: path and query.

    Returns: the value, and the rest with a slash first and its query; None where the target stands under none of them.
    """
    path, mark, query = target.partition("?")
    segments = path.split("/")
    for count in range(min(len(segments) - 1, MOST_SEGMENTS), 0, -1):
        key = key_of("/".join(segments[: count + 1]) + "/")
        if key in table:
            return table[key], f"/{'/'.join(segments[count + 1 :])}{mark}{query}"
    return None
