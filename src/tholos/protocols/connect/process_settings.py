"""What this wire's clients set of content's processes: which values are taken. Some are the life of an app's instances by
other names (:data:`LIFE`); the others are kept and told, and no more. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tholos.apps.life import Life
from tholos.apps.models import App
from tholos.protocols.connect.errors import (
    LimitInvalid,
    LoadFactorInvalid,
    ProcessesInvalid,
    SettingInvalid,
    TimeoutInvalid,
)

MOST_PROCESSES = 20
_LONGEST_S = 2_592_000
_MOST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers that something can be."""

    least: float
    most: float
    error: type[SettingInvalid]
    is_whole: bool = True

    def taken(self, key: str, value: object) -> float:
        """Raises: SettingInvalid."""
        if isinstance(value, int | float) and not isinstance(value, bool) and self._has(value):
            return int(value) if self.is_whole else value
        raise self.error(f"Cannot take this {key}: it is {self}, or null.", where=key)

    def _has(self, number: float) -> bool:
        return self.least <= number <= self.most and (not self.is_whole or number == int(number))

    def __str__(self) -> str:
        return f"a {'whole ' if self.is_whole else ''}number from {self.least:,} to {self.most:,}"


_TIME = Range(0, _LONGEST_S, TimeoutInvalid)
_MEMORY = Range(0, 1 << 50, LimitInvalid)
_CORES = Range(0, 10_000, LimitInvalid, is_whole=False)
_DEVICES = Range(0, 1000, LimitInvalid)
_RANGES: Mapping[str, Range] = {
    "connection_timeout": _TIME,
    "read_timeout": _TIME,
    "init_timeout": _TIME,
    "idle_timeout": _TIME,
    "min_processes": Range(0, MOST_PROCESSES, ProcessesInvalid),
    "max_processes": Range(1, MOST_PROCESSES, ProcessesInvalid),
    "max_conns_per_process": Range(1, 1_000_000, ProcessesInvalid),
    "load_factor": Range(0, 1, LoadFactorInvalid, is_whole=False),
    "memory_request": _MEMORY,
    "memory_limit": _MEMORY,
    "cpu_request": _CORES,
    "cpu_limit": _CORES,
    "amd_gpu_limit": _DEVICES,
    "nvidia_gpu_limit": _DEVICES,
}
_TEXTS = ("service_account_name", "default_image_name", "default_environment_guid", "run_as")
_FLAGS = ("default_r_environment_management", "default_py_environment_management", "run_as_current_user")
_PAIRS = (
    ("min_processes", "max_processes"),
    ("memory_request", "memory_limit"),
    ("cpu_request", "cpu_limit"),
)
LIFE: Mapping[str, str] = {
    "min_processes": "min_instances",
    "max_processes": "max_instances",
    "max_conns_per_process": "connections",
    "idle_timeout": "idle_timeout_s",
}
"""By this wire's names: what holds for an app's instances, and is kept with the app."""
UNSET: Mapping[str, object] = dict.fromkeys((*_RANGES, *_TEXTS, *_FLAGS))
"""All of them, as they are where nothing was set: null for as the server does it."""


def check(key: str, value: object) -> object:
    """A value as it is kept; null for as the server does it.

    Raises: SettingInvalid.
    """
    if value is None:
        return None
    wanted = _RANGES.get(key)
    if wanted is not None:
        return wanted.taken(key, value)
    if key in _FLAGS and not isinstance(value, bool):
        raise SettingInvalid(f"Cannot take this {key}: it is true, false or null.", where=key)
    if key in _TEXTS and not (isinstance(value, str) and len(value) <= _MOST_TEXT):
        raise SettingInvalid(
            f"Cannot take this {key}: it is a text of {_MOST_TEXT} characters at most, or null.", where=key
        )
    return value


def of_life(app: App) -> Mapping[str, object]:
    """What an app says of its instances' life, by this wire's names."""
    said = Life.of(app.life)
    return {key: getattr(said, field) for key, field in LIFE.items()}


def check_together(settings: Mapping[str, object]) -> None:
    """Raises: SettingInvalid: two of them exclude each other."""
    for low, high in _PAIRS:
        least, most = settings.get(low), settings.get(high)
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            raise _RANGES[low].error(f"Cannot take this: {low} ({least}) is above {high} ({most}).")
