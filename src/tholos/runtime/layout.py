"""Where things lie in the data folder, and how long a socket's path may be. Paths only, no I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_LIMIT = 100
"""Bytes: Linux takes 107 and a NUL (unix(7)), and some clients less."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one installation.

    Args:
        data: absolute path of the data folder.
        temporary: where sockets go when the data folder's path is too long for them.
        user: number of the user the server runs as.
    """

    data: Path
    temporary: Path = Path("/tmp")  # noqa: S108 - a folder of our own in it, made with mode 0700 and checked
    user: int = 0

    @property
    def database(self) -> Path:
        return self.data / "tholos.db"

    @property
    def store(self) -> Path:
        return self.data / "store"

    @property
    def content_lock(self) -> Path:
        """Held by whoever removes content, and by whoever copies all of it."""
        return self.data / "content.lock"

    @property
    def environments(self) -> Path:
        return self.data / "environments"

    @property
    def supervisor(self) -> Path:
        return self.data / "supervisor"

    @property
    def repositories(self) -> Path:
        """Mirrors of what apps follow, and what git needs."""
        return self.data / "sources"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def run(self) -> Path:
        """The folder of sockets; short enough that every name in it fits."""
        wanted = self.data / "run"
        longest = len(str(wanted)) + len("/ins_01234567890123456789012345/app.sock")
        if longest <= SOCKET_PATH_LIMIT:
            return wanted
        mark = hashlib.sha256(str(self.data).encode()).hexdigest()[:10]
        return self.temporary / f"tholos-{self.user}-{mark}"

    @property
    def console_socket(self) -> Path:
        return self.run / "console.sock"

    @property
    def door_socket(self) -> Path:
        """Where the proxy in front reaches the door."""
        return self.run / "door.sock"

    @property
    def proxy_socket(self) -> Path:
        """Of the administration of the proxy in front."""
        return self.run / "proxy.sock"

    @property
    def proxy(self) -> Path:
        """What the proxy in front lives by, and what it says."""
        return self.data / "proxy"

    @property
    def proxy_away(self) -> Path:
        """Says why apps are not reached past the door although they should be; not there while they are."""
        return self.proxy / "away"

    def app(self, app_id: str) -> Path:
        return self.data / "apps" / app_id

    def app_data(self, app_id: str) -> Path:
        """What an app keeps from release to release."""
        return self.app(app_id) / "data"

    def sources(self, app_id: str, number: int) -> Path:
        """The checked-out files of a release."""
        return self.app(app_id) / "releases" / str(number) / "src"

    def log(self, app_id: str, number: int, instance_id: str) -> Path:
        return self.app(app_id) / "logs" / f"{number:06d}-{instance_id}.log"

    def notes(self, app_id: str, number: int) -> Path:
        """What a release's processes have noted of the packages that they import; the app's own to write."""
        return self.app(app_id) / "tmp" / f".packages-{number:06d}"

    def logs_of(self, app_id: str, number: int) -> list[Path]:
        """Every file that a release's instances have written, and what was noted of them."""
        return [*(self.app(app_id) / "logs").glob(f"{number:06d}-*")]

    def socket(self, instance_id: str) -> Path:
        """In a folder of its own: an instance sees no other's."""
        return self.run / instance_id / "app.sock"

    @property
    def users(self) -> Path:
        """The next number that an app gets as its user."""
        return self.data / "users"
