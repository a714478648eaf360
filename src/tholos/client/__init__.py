"""The typed HTTP client: the server's public API, and the only way the command line reaches it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tholos.client.api import Client
    from tholos.client.model import (
        App,
        Event,
        Instance,
        Operation,
        Release,
        Snapshot,
        Standby,
        Unchanged,
        Why,
    )
    from tholos.client.patience import Patience
    from tholos.client.transport import Body

__all__ = [
    "App",
    "Body",
    "Client",
    "Event",
    "Instance",
    "Operation",
    "Patience",
    "Release",
    "Snapshot",
    "Standby",
    "Unchanged",
    "Why",
]
_ELSEWHERE = {"Body": "transport", "Client": "api", "Patience": "patience"}


def __getattr__(name: str) -> object:
    """What is asked for (PEP 562): a command that needs a part of this package does not load all of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'model')}"), name)
