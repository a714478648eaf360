"""Which pages of the reference are made from the code, and how a table of them is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference import actions, calls, commands, connect, failures, methods, settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": calls.text,
    "audit.md": actions.text,
    "client.md": methods.text,
    "commands.md": commands.text,
    "connect.md": connect.text,
    "errors.md": failures.text,
    "settings.md": settings.text,
}
