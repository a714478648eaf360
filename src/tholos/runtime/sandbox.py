"""From an app's folders and limits to the sandbox of its processes. Pure but for looking which folders there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tholos.kit.errors import Unavailable
from tholos.runtime.model import Mount, MountAccess, Sandbox
from tholos.runtime.walls import NO_WALLS, Mode, Walls

TMP = 1 << 29
"""Bytes of an app's own /tmp: it is in memory. What TMPDIR names is on the disk."""
OF_INTERPRETER = ("bin", "lib", "lib64", "include", "share")
SYSTEM = "/usr"


class SandboxMissing(Unavailable):
    """Cannot start the app: this machine lacks walls that the installation requires."""

    code = "sandbox_missing"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all processes of an instance may have together; 0 for no limit."""

    memory_mb: int = 0
    cpu: float = 0.0
    """Cores."""
    processes: int = 0
    network: bool = True
    disk_mb: int = 0
    """What its app may store: no wall, but measured."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an app's processes see besides the system. Paths are absolute."""

    home: str
    read: tuple[str, ...]
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enclosure:
    """What an installation keeps its apps behind."""

    walls: Walls = NO_WALLS
    mode: Mode = Mode.OFF
    bounds: Bounds = Bounds()
    read: tuple[str, ...] = ()
    """Further folders that every app may read."""
    ports: tuple[int, ...] = ()
    """Ports of this machine that apps reach: nobody opens others to them."""

    @property
    def gives_users(self) -> bool:
        return gives_users(self.walls, self.mode)

    @property
    def gives_loopback(self) -> bool:
        """Whether each app has a 127.0.0.1 of its own, so that several may listen on one port."""
        return self.mode is not Mode.OFF and self.walls.has("cgroups") and self.walls.has("guard")

    @property
    def told(self) -> str:
        """What apps are kept behind, in words; empty for nothing."""
        there = [] if self.mode is Mode.OFF else self.walls.there
        hidden = "landlock" if self.walls.has("bubblewrap") else ""
        return "; ".join(layer.does for layer in there if layer.name != hidden)

    def check(self) -> None:
        """Raises: SandboxMissing."""
        if self.mode is Mode.REQUIRED and self.walls.needed:
            missing = ", ".join(layer.name for layer in self.walls.needed)
            raise SandboxMissing(
                f"Cannot start the app: this machine lacks walls that the installation requires ({missing}).",
                fix=self.walls.needed[0].fix,
            )

    def around(self, seen: Seen, bounds: Bounds, uid: int) -> Sandbox | None:
        """The sandbox of an instance."""
        made = plan(self.walls, self.mode, replace(seen, read=(*self.read, *seen.read)), bounds, uid)
        return replace(made, ports=self.ports) if made is not None and made.guarded else made


OPEN = Enclosure()
"""No walls."""


def plan(walls: Walls, mode: Mode, seen: Seen, bounds: Bounds, uid: int) -> Sandbox | None:
    """The sandbox of an instance; ``None`` where there are no walls, or none are wanted.

    Args:
        walls: what this machine gives.
        mode: how much of that is wanted.
        seen: what it may read and write.
        bounds: what it may use.
        uid: the app's own user, where the server can give one.
    """
    if mode is Mode.OFF or not walls.there:
        return None
    wrapped, grouped = walls.has("bubblewrap"), walls.has("cgroups")
    written = [*_once(seen.write)]
    read = [path for path in _once(seen.read) if path not in written and not _is_system(path)]
    return Sandbox(
        uid=uid if gives_users(walls, mode) else 0,
        home=seen.home,
        bubblewrap=walls.program if wrapped else "",
        landlock=walls.has("scopes") if wrapped else walls.has("landlock"),
        seccomp=walls.has("seccomp"),
        cgroups=grouped,
        guarded=grouped and walls.has("guard"),
        network=bounds.network or not walls.has("network"),
        mounts=(
            *(Mount(path, MountAccess.READ) for path in read),
            *(Mount(path, MountAccess.WRITE) for path in written),
        ),
        tmp=TMP,
        memory=bounds.memory_mb << 20 if grouped else 0,
        processes=bounds.processes if grouped else 0,
        cpu=round(bounds.cpu * 1000) if grouped else 0,
    )


def gives_users(walls: Walls, mode: Mode) -> bool:
    """Whether apps have users of their own. Only behind bubblewrap: without it they could not look into our folders."""
    return mode is not Mode.OFF and walls.has("uid") and walls.has("bubblewrap")


def of_interpreter(path: str) -> list[str]:
    """The folders of an interpreter that does not belong to the system: never the whole of what it is installed in."""
    prefix = Path(path).parent.parent
    if _is_system(str(prefix)):
        return []
    return [str(prefix / name) for name in OF_INTERPRETER if (prefix / name).exists()]


def _is_system(path: str) -> bool:
    return path == SYSTEM or path.startswith(f"{SYSTEM}/")


def _once(paths: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(str(PurePosixPath(path)) for path in paths)
