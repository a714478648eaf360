"""Landlock: what a process gives up for itself and everything that comes of it. Source: landlock(7).

Beside bubblewrap it closes what namespaces leave open where the network is shared: other instances' abstract sockets.
Without bubblewrap it is what keeps files apart.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from tholos_supervisor import native
from tholos_supervisor.sandbox import WRITE, Mount

SCOPES_SINCE = 6
"""The version of the interface from which on signals and abstract sockets can be kept within."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15  # truncate and ioctl on devices
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access a version knows; later ones know no more."""
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_SCOPES = 3

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/lib32",
    "/etc",
    "/proc",
    "/sys",
    "/opt",
    "/var/cache/fontconfig",
)
SHARED = ("/dev",)
"""Everybody's. Not so /tmp: what it holds is found by TMPDIR, in a folder of the app's own."""


def version() -> int:
    """0 where the kernel has none, or it is switched off."""
    return native.landlock_version()


def keep_within() -> None:
    """Reach no abstract socket and signal no process outside; does nothing where the kernel cannot.

    Raises:
        OSError: it was refused.
    """
    if version() >= SCOPES_SINCE:
        native.landlock_restrict(native.landlock_ruleset(struct.pack("=QQQ", 0, 0, _SCOPES)))


def keep_to(mounts: Iterable[Mount]) -> None:
    """Reach no file besides the system's and these, and nobody outside.

    Raises:
        OSError: it was refused, or a path is missing.
    """
    known = version()
    handled = (1 << _RIGHTS.get(known, 16)) - 1
    attributes = (
        struct.pack("=Q", handled) if known < SCOPES_SINCE else struct.pack("=QQQ", handled, 0, _SCOPES)
    )
    ruleset = native.landlock_ruleset(attributes)
    for path in SYSTEM:
        _allow(ruleset, path, _READ, handled, is_needed=False)
    for path in SHARED:
        _allow(ruleset, path, handled, handled, is_needed=False)
    for mount in mounts:
        _allow(ruleset, mount.path, handled if mount.access == WRITE else _READ, handled)
    native.landlock_restrict(ruleset)


def _allow(ruleset: int, path: str, rights: int, handled: int, *, is_needed: bool = True) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        if is_needed:
            raise
        return
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= _OF_FILES
        native.landlock_allow(ruleset, struct.pack("=Qi", rights & handled, fd))
    finally:
        os.close(fd)
