"""What a release's processes may have, besides what the installation gives all: a part of its settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tholos.apps.errors import LimitInvalid
from tholos.kit.db import JsonObject

LIMITS = "limits"
WHOLE: dict[str, tuple[str, int, int]] = {
    "open_files": ("open files", 64, 1_048_576),
    "start_timeout_s": ("seconds for its first answer", 1, 3600),
    "memory_mb": ("MB of memory", 32, 16_777_216),
    "cpu_percent": ("percent of a core", 1, 102_400),
    "processes": ("processes", 8, 1_000_000),
    "disk_mb": ("MB of disk", 1, 1_000_000_000),
}
"""By name: its words, and the least and most that is possible."""


@dataclass(frozen=True, slots=True)
class Limits:
    """None for as much as the installation says."""

    open_files: int | None = None
    start_timeout_s: int | None = None
    memory_mb: int | None = None
    """Of all its processes together, as the next two are."""
    cpu_percent: int | None = None
    """100 is one core."""
    processes: int | None = None
    disk_mb: int | None = None
    """Of all that it stores; measured now and then."""
    network: bool | None = None
    """Whether it may use the network; where the installation lets nobody, it may not."""

    def to_json(self) -> dict[str, int | bool | None]:
        """Every limit by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Held:
    """What holds: each limit with its number, 0 for no limit. As a part of the server it is what the installation says."""

    open_files: int
    start_timeout_s: int
    memory_mb: int
    cpu_percent: int
    processes: int
    disk_mb: int
    network: bool

    def with_limits(self, said: Limits, start_timeout_s: int) -> Held:
        """For an app that says these.

        Args:
            said: what the app says.
            start_timeout_s: what its kind needs for the first answer, where it does not say.
        """
        return Held(
            open_files=said.open_files or self.open_files,
            start_timeout_s=said.start_timeout_s or start_timeout_s,
            memory_mb=said.memory_mb or self.memory_mb,
            cpu_percent=said.cpu_percent or self.cpu_percent,
            processes=said.processes or self.processes,
            disk_mb=said.disk_mb or self.disk_mb,
            network=self.network and said.network is not False,
        )


def of_numbers(numbers: Mapping[str, int | None], *, network: bool | None = None) -> Limits:
    """Limits from those that are whole numbers, by name, and the other one."""
    return Limits(
        open_files=numbers.get("open_files"),
        start_timeout_s=numbers.get("start_timeout_s"),
        memory_mb=numbers.get("memory_mb"),
        cpu_percent=numbers.get("cpu_percent"),
        processes=numbers.get("processes"),
        disk_mb=numbers.get("disk_mb"),
        network=network,
    )


def limits_of(settings: JsonObject) -> Limits:
    """The limits in a release's settings."""
    found = settings.get(LIMITS)
    said = found if isinstance(found, dict) else {}
    network = said.get("network")
    numbers = {name: _whole(said.get(name)) for name in WHOLE}
    return of_numbers(numbers, network=network if isinstance(network, bool) else None)


def with_limits(settings: JsonObject, limits: Limits) -> JsonObject:
    """A release's settings with other limits.

    Raises: LimitInvalid.
    """
    said = limits.to_json()
    for name in WHOLE:
        _check(name, said[name])
    kept: JsonObject = {name: value for name, value in said.items() if value is not None}
    others = {name: value for name, value in settings.items() if name != LIMITS}
    return {**others, LIMITS: kept} if kept else others


def _check(name: str, value: int | None) -> None:
    """Raises: LimitInvalid."""
    words, least, most = WHOLE[name]
    if value is not None and not least <= value <= most:
        raise LimitInvalid(
            f"Cannot give it {value} {words}: from {least:,} to {most:,} are possible.", where=name
        )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
