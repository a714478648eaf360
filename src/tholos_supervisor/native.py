"""The system calls that the standard library has no name for."""

from __future__ import annotations

import ctypes
import os

PR_SET_CHILD_SUBREAPER = 36
FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
IN_MODIFY = 2
IN_ONESHOT = 1 << 31

_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Processes that lose their parent below us become our children: prctl(2)."""
    _checked(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def punch_hole(fd: int, start: int, length: int) -> None:
    """Give the bytes of a range back to the file system; size and offsets stay: fallocate(2)."""
    mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
    _checked(_libc.fallocate(fd, mode, ctypes.c_int64(start), ctypes.c_int64(length)))


def inotify_init() -> int:
    """A descriptor that becomes readable when something happens: inotify_init1(2)."""
    return _checked_number(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))


def inotify_watch_once(fd: int, path: str) -> int:
    """Be told of one write to a file, and of no further one: inotify_add_watch(2)."""
    mask = ctypes.c_uint32(IN_MODIFY | IN_ONESHOT)
    return _checked_number(_libc.inotify_add_watch(fd, os.fsencode(path), mask))


def inotify_forget(fd: int, watch: int) -> None:
    """Be told no more; one that was told already is forgotten anyway: inotify_rm_watch(2)."""
    _libc.inotify_rm_watch(fd, watch)


def _checked_number(result: int) -> int:
    _checked(min(result, 0))
    return result


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
