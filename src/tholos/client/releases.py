"""Calls about releases that are there: list, go back and forth, restart, pin, compare, and take one along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from tholos.client.core import Core, app_path, begun, once
from tholos.client.fields import Fields
from tholos.client.model import Operation, Release, Unchanged

PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Change:
    """One thing in which two releases differ."""

    kind: str
    """``file``, ``package``, ``variable`` or ``setting``."""
    name: str
    change: str
    """``added``, ``removed`` or ``changed``."""
    before: str = ""
    after: str = ""

    @classmethod
    def from_json(cls, kind: str, value: object) -> Change:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a difference")
        if kind == "file":
            return cls(kind, read.text("path"), read.text("change"))
        return cls(
            kind, read.text("name"), read.text("change"), read.text("before", ""), read.text("after", "")
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """In what release ``b`` is another than release ``a``."""

    a: int
    b: int
    changes: tuple[Change, ...]

    @classmethod
    def from_json(cls, value: object) -> Comparison:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a comparison")
        changes = [
            Change.from_json(kind, one.value)
            for kind in ("file", "package", "variable", "setting")
            for one in read.items(f"{kind}s")
        ]
        return cls(read.number("a"), read.number("b"), tuple(changes))


class ReleaseCalls(Core):
    """The calls about releases; :class:`tholos.client.api.Client` has them."""

    def releases(self, name: str) -> list[Release]:
        """All of an app's releases, the newest first."""
        found = self._list(f"{app_path(name)}/releases", Release.from_json)
        return sorted(found, key=lambda release: -release.number)

    def release(self, name: str, number: int) -> Release:
        """One release."""
        return self._get(f"{app_path(name)}/releases/{number}", Release.from_json)

    def activate(self, name: str, number: int) -> Operation | Unchanged:
        """Begin to make a release live, a draft or an earlier one."""
        return self._begin(f"{app_path(name)}/releases/{number}/activate", {})

    def roll_back(self, name: str, number: int | None = None) -> Operation | Unchanged:
        """Begin to make an earlier release live; without a number the newest before that was live once."""
        return self._begin(f"{app_path(name)}/rollback", {"release": number} if number else {})

    def restart(self, name: str) -> Operation:
        """Begin to put new instances in the place of all that run of an app."""
        answer = self._call("POST", f"{app_path(name)}/restart", {}, once())
        return begun(answer.json())

    def discard_draft(self, name: str, number: int) -> Release:
        """Let a draft end; its release stays."""
        return Release.from_json(self._call("DELETE", f"{app_path(name)}/releases/{number}/draft").json())

    def pin_release(self, name: str, number: int, *, is_pinned: bool = True) -> Release:
        """Keep a release however many newer ones there are, or no longer."""
        method = "PUT" if is_pinned else "DELETE"
        return Release.from_json(self._call(method, f"{app_path(name)}/releases/{number}/pin").json())

    def compare(self, name: str, a: int | None = None, b: int | None = None) -> Comparison:
        """In what two releases differ; unless said, the live one and the newest."""
        said = {key: value for key, value in (("a", a), ("b", b)) if value is not None}
        return self._get(f"{app_path(name)}/compare?{urlencode(said)}", Comparison.from_json)

    def diff(self, name: str, a: int, b: int, path: str) -> str:
        """The differences of one file in two releases, as a unified diff; empty where it is no text."""
        query = urlencode({"a": a, "b": b, "path": path})
        read = Fields(self._call("GET", f"{app_path(name)}/compare/file?{query}").json(), "a comparison")
        return read.text("diff", "")

    def download(self, name: str, number: int) -> Iterator[bytes]:
        """A release as a tar.gz that publishes unchanged elsewhere, piece by piece."""
        with self._pieces(f"/api/v1{app_path(name)}/releases/{number}/download") as read:
            while piece := read(PIECE):
                yield piece

    def manifest(self, name: str, number: int) -> str:
        """A release's manifest, as its download has it."""
        return self._call("GET", f"{app_path(name)}/releases/{number}/manifest").body.decode()

    def lock(self, name: str, number: int) -> str:
        """Every package of a release with its version and hash; empty where it needs none."""
        return self._call("GET", f"{app_path(name)}/releases/{number}/lock").body.decode()
