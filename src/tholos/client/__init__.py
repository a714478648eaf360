"""The typed HTTP client: the server's public API, and the only way the command line reaches it."""

from __future__ import annotations

from tholos.client.api import Client
from tholos.client.model import App, Event, Instance, Operation, Release, Snapshot, Unchanged, Why
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
    "Unchanged",
    "Why",
]
