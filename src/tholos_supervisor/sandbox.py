"""The walls around one instance as a value, checked on entry. Who is behind them is the server's to say; no I/O."""

from __future__ import annotations

import os
from typing import NamedTuple

READ, WRITE = "read", "write"
MOST_MOUNTS = 500
MOST_PORTS = 100


class Mount(NamedTuple):
    """A file or folder that the instance sees, at the path where it lies."""

    path: str
    access: str
    """``read`` or ``write``."""


class Sandbox(NamedTuple):
    """Which layers hold an instance. Each that is named here must hold, or the instance does not start."""

    uid: int = 0
    """The user and group that it runs as; 0 for the supervisor's own."""
    home: str = ""
    """Its home folder, for those that ask the system and not HOME."""
    bubblewrap: str = ""
    """Path of the program; empty for none."""
    landlock: bool = False
    """Without bubblewrap: files. With it: other instances' abstract sockets and signals, where the kernel can."""
    seccomp: bool = False
    cgroups: bool = False
    guarded: bool = False
    """Whether addresses at which clouds tell secrets, and ports that others have opened here, are refused to it. Needs cgroups."""
    ports: tuple[int, ...] = ()
    """Ports of this machine that it reaches although it is guarded."""
    network: bool = True
    """Whether it may use the network; without, it has a network namespace with nothing in it. Needs bubblewrap."""
    mounts: tuple[Mount, ...] = ()
    tmp: int = 0
    """Bytes of its own /tmp and its own /dev/shm."""
    memory: int = 0
    """Bytes that all of its processes may have together; 0 for no limit. Needs cgroups, as do the next two."""
    processes: int = 0
    cpu: int = 0
    """Thousandths of a core."""


class Wrong(Exception):
    """A field, and what it must be."""

    def __init__(self, field: str, needed: str) -> None:
        super().__init__(field, needed)
        self.field = field
        self.needed = needed


def sandbox_from(value: object) -> Sandbox | None:
    """A checked sandbox out of anything that JSON can say; ``None`` for none.

    Raises:
        Wrong: a field is missing its sense.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Wrong("sandbox", "an object")
    unknown = sorted(str(name) for name in value if name not in Sandbox._fields)
    if unknown:
        raise Wrong(f"sandbox.{unknown[0][:80]}", "absent, it is not known here")
    found = Sandbox(
        uid=_whole(value, "uid", (1 << 31) - 1),
        home=_path(value, "home"),
        bubblewrap=_path(value, "bubblewrap"),
        landlock=_claim(value, "landlock", usually=False),
        seccomp=_claim(value, "seccomp", usually=False),
        cgroups=_claim(value, "cgroups", usually=False),
        guarded=_claim(value, "guarded", usually=False),
        ports=_ports(value.get("ports", [])),
        network=_claim(value, "network", usually=True),
        mounts=_mounts(value.get("mounts", [])),
        tmp=_whole(value, "tmp", 1 << 50),
        memory=_whole(value, "memory", 1 << 60),
        processes=_whole(value, "processes", 1 << 22),
        cpu=_whole(value, "cpu", 1 << 30),
    )
    if not found.network and not found.bubblewrap:
        raise Wrong("sandbox.network", "true where there is no bubblewrap")
    if (found.memory or found.processes or found.cpu or found.guarded) and not found.cgroups:
        raise Wrong("sandbox.cgroups", "true where it is guarded, or memory, processes or cpu are limited")
    return found


def sandbox_to_json(sandbox: Sandbox | None) -> dict[str, object] | None:
    return sandbox and {
        **sandbox._asdict(),
        "mounts": [list(mount) for mount in sandbox.mounts],
        "ports": list(sandbox.ports),
    }


def _whole(value: dict[str, object], name: str, high: int) -> int:
    number = value.get(name, 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= high:
        raise Wrong(f"sandbox.{name}", f"a whole number from 0 to {high}")
    return number


def _claim(value: dict[str, object], name: str, *, usually: bool) -> bool:
    found = value.get(name, usually)
    if not isinstance(found, bool):
        raise Wrong(f"sandbox.{name}", "true or false")
    return found


def _path(value: dict[str, object], name: str) -> str:
    path = value.get(name, "")
    if path == "":
        return ""
    if not _is_path(path):
        raise Wrong(f"sandbox.{name}", "an absolute path")
    return str(path)


def _mounts(value: object) -> tuple[Mount, ...]:
    needed = "a list of [absolute path, read or write]"
    if not isinstance(value, list) or len(value) > MOST_MOUNTS:
        raise Wrong("sandbox.mounts", needed)
    mounts = []
    for one in value:
        if not isinstance(one, list) or len(one) != 2 or one[1] not in {READ, WRITE} or not _is_path(one[0]):
            raise Wrong("sandbox.mounts", needed)
        mounts.append(Mount(one[0], one[1]))
    return tuple(mounts)


def _ports(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > MOST_PORTS or not all(_is_port(one) for one in value):
        raise Wrong("sandbox.ports", f"a list of at most {MOST_PORTS} ports")
    return tuple(value)


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 16


def _is_path(value: object) -> bool:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        return False
    try:
        return os.path.normpath(os.fsencode(value)) == os.fsencode(value)
    except UnicodeEncodeError:
        return False
