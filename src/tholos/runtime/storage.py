"""How much lies in folders, as the disk has it; whoever wrote them may mean ill."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

BLOCK = 512
"""Bytes that st_blocks of stat(2) counts in, whatever the file system's own are."""


class TooDeep(Exception):
    """Folders lie so deep within each other that no path leads to the last."""


def used(folders: Iterable[Path]) -> int:
    """Bytes that folders and all in them take. No link is followed, and what goes away meanwhile counts for nothing.

    Raises: TooDeep.
    """
    total, left = 0, [str(folder) for folder in folders]
    while left:
        try:
            total += _taken(left.pop(), left)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise TooDeep from None
    return total


def _taken(folder: str, left: list[str]) -> int:
    """What lies in a folder itself; the folders in it are left for later."""
    total = 0
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(opened) as entries:
            for entry in entries:
                status = _look_at(entry)
                total += status.st_blocks * BLOCK if status else 0
                if entry.is_dir(follow_symlinks=False):
                    left.append(f"{folder}/{entry.name}")
    finally:
        os.close(opened)
    return total


def _look_at(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Nothing where it was removed just now."""
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None
