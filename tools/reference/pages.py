"""Which pages of the documentation are made from the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference import actions, attacks, calls, commands, connect, failures, figures, methods, settings

FOLDER = Path(__file__).parents[2] / "docs"

PAGES: Mapping[str, Callable[[], str]] = {
    "connect.md": connect.text,
    "explanation/attacks.md": attacks.text,
    "reference/api.md": calls.text,
    "reference/audit.md": actions.text,
    "reference/client.md": methods.text,
    "reference/commands.md": commands.text,
    "reference/errors.md": failures.text,
    "reference/metrics.md": figures.text,
    "reference/settings.md": settings.text,
}
