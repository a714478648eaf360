"""How much lies in folders that somebody else writes, and whether it has grown beyond a limit. No link is followed."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

BLOCK = 512
"""Bytes that st_blocks of stat(2) counts in."""
LEAST = 4096
"""Bytes that each name is taken for: empty files fill a disk too."""
ENDLESS = 1 << 62
"""Said of folders that lie so deep within each other that no path leads to the last."""


def used(folders: Sequence[str]) -> int:
    """Bytes that folders and all in them take; what has several names counts once."""
    total, left, seen = 0, list(folders), set[tuple[int, int]]()
    while left:
        folder = left.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    total += _size(entry, seen)
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return ENDLESS
    return total


def _size(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0  # it was removed just now
    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if (status.st_dev, status.st_ino) in seen:
            return 0
        seen.add((status.st_dev, status.st_ino))
    return max(status.st_blocks * BLOCK, LEAST)


class Gauge:
    """Looks whether folders take more than they may. It walks them only where their disk has lost enough room for that."""

    def __init__(self, folders: Sequence[str], most: int) -> None:
        """Nothing is looked at yet.

        Args:
            folders: all on one disk.
            most: bytes; 0 for no limit.
        """
        self._folders = folders
        self._most = most
        self._left = 0
        self._free = -1

    def is_over(self, *, surely: bool = False) -> bool:
        """Whether they take more; with ``surely``, or all but as much, and they are walked in any case."""
        if not self._most or not self._folders:
            return False
        free = self._room()
        if not surely and self._free >= 0 and self._free - free < self._left:
            return False
        taken = used(self._folders)
        self._left, self._free = self._most - taken, free
        return self._left < (self._most >> 4 if surely else 0)

    def _room(self) -> int:
        """Of bytes and of names, in bytes."""
        told = os.statvfs(self._folders[0])
        return told.f_bavail * told.f_frsize + told.f_ffree * LEAST
