"""Paths of one's own as values, and the calls about them."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.client.core import Core, app_path
from tholos.client.fields import Fields


@dataclass(frozen=True, slots=True)
class AppPath:
    """A path of the console's host that leads to an app."""

    app: str
    path: str
    """With a slash at both ends; empty where the app has none."""
    url: str
    created_at: str

    @classmethod
    def from_json(cls, value: object) -> AppPath:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a path")
        return cls(read.text("app"), read.text("path", ""), read.text("url", ""), read.text("created_at", ""))


class PathCalls(Core):
    """The calls about paths; :class:`tholos.client.api.Client` has them."""

    def paths(self) -> list[AppPath]:
        """The paths that lead to apps which this account may see."""
        return self._list("/paths", AppPath.from_json)

    def path(self, name: str) -> AppPath:
        """The path that leads to an app, if there is one."""
        return self._get(f"{app_path(name)}/path", AppPath.from_json)

    def set_path(self, name: str, path: str, *, force: bool = False) -> AppPath:
        """Let a path lead to an app; with ``force`` even where it leads to another one that this account edits."""
        body = {"path": path, "force": force}
        return AppPath.from_json(self._call("PUT", f"{app_path(name)}/path", body).json())

    def remove_path(self, name: str) -> None:
        """Let nothing lead to an app any more but its own address."""
        self._call("DELETE", f"{app_path(name)}/path")
