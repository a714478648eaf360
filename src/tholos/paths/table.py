"""Where paths of one's own lead right now: the table that the front door reads at every request to the console's host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tholos.apps import service as apps
from tholos.kit.db import Database
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread
from tholos.paths import rules
from tholos.paths import service as paths


class Led(NamedTuple):
    """Where a target leads."""

    app_id: str
    name: str
    """Of the app, as it was when the table was read."""
    rest: str
    """What is left of the target: a path with a slash first, and the query."""


Leading = Mapping[str, tuple[str, str]]
"""App and its name, by the key of its path."""


class PathTable:
    """Read on the event loop; derived from the database, and read anew whenever that changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leading: Leading = {}

    def find_by_path(self, target: str) -> Led | None:
        """The app that the longest matching path leads to; None where none does."""
        found = rules.find(self._leading, target) if self._leading else None
        return None if found is None else Led(*found[0], found[1])

    def read_all(self) -> Leading:
        """From the database. Synchronous; give the result to :meth:`replace`."""
        with self._database.read() as db:
            return {key: (app_id, name) for key, app_id, name in paths.list_leading(db)}

    def replace(self, leading: Leading) -> None:
        self._leading = leading

    async def watch(self, notices: Notices) -> None:
        """Be as the database is, until cancelled; apps that go take their paths along."""
        with notices.watch(paths.TOPIC, apps.TOPIC) as changed:
            while True:
                self.replace(await in_thread(self.read_all))
                await changed.wait()
                changed.clear()
