"""Figures for monitoring in the text format of Prometheus (exposition format 0.0.4): what they are called, and how they are told.

Nothing here collects or serves anything. Names and labels are part of what we promise; values of labels never say who
somebody is.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]
SECONDS: tuple[float, ...] = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0, 300.0)
"""Bounds for what takes from a moment to minutes."""


class Kind(StrEnum):
    COUNTER = "counter"
    """It only grows, and begins anew with its server."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One figure, told once for each combination of its labels."""

    name: str
    kind: Kind
    text: str
    labels: Labels = ()


@dataclass(slots=True)
class Spread:
    """How often, how long in all, and how many within each bound."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class Histogram:
    """Seconds by labels; for one thread."""

    bounds: Sequence[float] = SECONDS
    spreads: dict[Labels, Spread] = field(default_factory=dict)

    def observe(self, labels: Labels, seconds: float) -> None:
        spread = self.spreads.get(labels)
        if spread is None:
            spread = self.spreads[labels] = Spread([0] * (len(self.bounds) + 1))
        spread.counts[bisect.bisect_left(self.bounds, seconds)] += 1
        spread.total += seconds


Values = Mapping[Labels, float]
Told = tuple[Family, Values | Histogram]


def render(told: Iterable[Told]) -> str:
    """All of it as one text."""
    return "".join(f"{line}\n" for family, values in told for line in _family(family, values))


def _family(family: Family, values: Values | Histogram) -> Iterator[str]:
    yield f"# HELP {family.name} {_escape(family.text)}"
    yield f"# TYPE {family.name} {family.kind}"
    if isinstance(values, Histogram):
        for labels, spread in sorted(values.spreads.copy().items()):
            yield from _spread(family, labels, spread, values.bounds)
        return
    for labels, value in sorted(values.items()):
        yield f"{family.name}{_labels(family.labels, labels)} {_number(value)}"


def _spread(family: Family, labels: Labels, spread: Spread, bounds: Sequence[float]) -> Iterator[str]:
    within = 0
    for bound, count in zip([*map(_number, bounds), "+Inf"], spread.counts, strict=True):
        within += count
        yield f"{family.name}_bucket{_labels((*family.labels, 'le'), (*labels, bound))} {within}"
    shown = _labels(family.labels, labels)
    yield f"{family.name}_sum{shown} {_number(spread.total)}"
    yield f"{family.name}_count{shown} {within}"


def _labels(names: Labels, values: Labels) -> str:
    pairs = ",".join(
        f'{name}="{_escape(value, quotes=True)}"' for name, value in zip(names, values, strict=True)
    )
    return f"{{{pairs}}}" if pairs else ""


def _escape(text: str, *, quotes: bool = False) -> str:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
