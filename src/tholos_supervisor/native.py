"""The two system calls that the standard library has no name for."""

from __future__ import annotations

import ctypes
import os

PR_SET_CHILD_SUBREAPER = 36
FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2

_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Processes that lose their parent below us become our children: prctl(2)."""
    _checked(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def punch_hole(fd: int, start: int, length: int) -> None:
    """Give the bytes of a range back to the file system; size and offsets stay: fallocate(2)."""
    mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
    _checked(_libc.fallocate(fd, mode, ctypes.c_int64(start), ctypes.c_int64(length)))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
