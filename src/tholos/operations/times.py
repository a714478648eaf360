"""How long operations and their steps took since this server started; builds are the step ``environment``."""

from __future__ import annotations

from dataclasses import dataclass, field

from tholos.kit.metrics import Histogram


@dataclass(slots=True)
class Times:
    """Told by the worker; for one event loop."""

    operations: Histogram = field(default_factory=Histogram)
    """By kind and how it ended."""
    steps: Histogram = field(default_factory=Histogram)
    """By kind, step and how that ended."""
