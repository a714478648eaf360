"""The supervisor's code stands alone: its programs are found by their paths, and never imported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def program(name: str) -> tuple[str, ...]:
    """How one of them is called, before its own arguments; nothing of a site or of variables reaches it.

    Raises:
        FileNotFoundError: the supervisor is not installed.
    """
    found = importlib.util.find_spec("tholos_supervisor")
    if found is None or found.origin is None:
        raise FileNotFoundError("tholos_supervisor is not installed")
    return (sys.executable, "-I", "-S", "-X", "utf8", str(Path(found.origin).with_name(name)))
