"""What a release's processes may have, besides what the installation gives all: a part of its settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.apps.errors import LimitInvalid
from tholos.kit.db import JsonObject

LIMITS = "limits"
OPEN_FILES = (64, 1_048_576)
START_TIMEOUT_S = (1, 3600)


@dataclass(frozen=True, slots=True)
class Limits:
    """None for as much as the installation says."""

    open_files: int | None = None
    start_timeout_s: int | None = None


def limits_of(settings: JsonObject) -> Limits:
    """The limits in a release's settings."""
    found = settings.get(LIMITS)
    said = found if isinstance(found, dict) else {}
    return Limits(_whole(said.get("open_files")), _whole(said.get("start_timeout_s")))


def with_limits(settings: JsonObject, limits: Limits) -> JsonObject:
    """A release's settings with other limits.

    Raises: LimitInvalid.
    """
    _check("open_files", "open files", limits.open_files, OPEN_FILES)
    _check("start_timeout_s", "seconds for its first answer", limits.start_timeout_s, START_TIMEOUT_S)
    said = {"open_files": limits.open_files, "start_timeout_s": limits.start_timeout_s}
    kept: JsonObject = {name: value for name, value in said.items() if value is not None}
    others = {name: value for name, value in settings.items() if name != LIMITS}
    return {**others, LIMITS: kept} if kept else others


def _check(field: str, words: str, value: int | None, allowed: tuple[int, int]) -> None:
    """Raises: LimitInvalid."""
    least, most = allowed
    if value is not None and not least <= value <= most:
        raise LimitInvalid(
            f"Cannot give it {value} {words}: from {least:,} to {most:,} are possible.", where=field
        )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
