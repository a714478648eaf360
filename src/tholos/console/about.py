"""What an installation knows of itself: the program that runs it makes this from its settings, since pages read none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tholos.runtime.doctor import Check


class Source(StrEnum):
    """Where a setting's value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    ARGUMENT = "argument"


@dataclass(frozen=True, slots=True)
class SettingShown:
    """One setting as the server runs with it."""

    name: str
    """Of its environment variable."""
    value: str
    """A secret is only ``set``; empty where it is empty."""
    source: Source
    text: str
    """What it is."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One place where something is kept."""

    name: str
    place: str
    bytes: int | None
    """None where nobody has counted."""


@dataclass(frozen=True, slots=True)
class About:
    """Of the running installation. The calls look at the machine each time, in a moment."""

    version: str
    settings: Sequence[SettingShown]
    examine: Callable[[], Sequence[Check]]
    storage: Callable[[], Sequence[Stored]]
