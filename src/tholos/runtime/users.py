"""A user of the system for each app: a number that stands in a file beside the app's folders and is never given out twice.

No such user is known to the system, so nothing else runs as one. Numbers of two installations on one machine differ, since
each begins elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import stat
import zlib
from pathlib import Path

FIRST = 1_879_100_000
"""Above what is given to people, services and containers (systemd's UIDS-GIDS), and below 2³¹."""
ROOMS, IN_ROOM = 26_000, 10_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def of_app(folder: Path, counter: Path) -> int:
    """The number of an app's user, given out at the first question.

    Args:
        folder: the app's.
        counter: file of the next number; it only grows.
    """
    file = folder / "user"
    if file.exists():
        return int(file.read_text("ascii"))
    descriptor = os.open(counter, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if file.exists():
            return int(file.read_text("ascii"))
        said = os.pread(descriptor, 20, 0)
        number = int(said) if said.strip() else _first(counter)
        os.pwrite(descriptor, f"{number + 1}\n".encode(), 0)
        os.fsync(descriptor)
        new = file.with_name("user.new")
        new.write_text(f"{number}\n", "ascii")
        new.rename(file)
    finally:
        os.close(descriptor)
    return number


def give(folder: Path, uid: int) -> None:
    """Let a folder and everything in it belong to an app. Doing it twice is doing it once.

    No link is followed, whatever the app puts in a name's place meanwhile.
    """
    above = os.open(folder.parent, _FOLDER)
    try:
        _give_at(above, folder.name, uid)
    finally:
        os.close(above)


def give_path(folder: Path, path: str, uid: int) -> None:
    """Let what lies at a path in an app's folder belong to it, and the folders in between; a path over a link is nothing."""
    above = os.open(folder, _FOLDER | os.O_NOFOLLOW)
    *between, last = path.strip("/").split("/")
    try:
        for name in between:
            within = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
            os.close(above)
            above = within
            os.fchown(above, uid, uid)
        _give_at(above, last, uid)
    except (FileNotFoundError, NotADirectoryError):
        return  # with O_DIRECTORY a link is none
    finally:
        os.close(above)


def _give_at(above: int, name: str, uid: int) -> None:
    status = os.stat(name, dir_fd=above, follow_symlinks=False)
    if status.st_uid == uid:
        return
    if stat.S_ISDIR(status.st_mode):
        for _, folders, files, within in os.fwalk(name, dir_fd=above):
            for one in (*folders, *files):
                os.chown(one, uid, uid, dir_fd=within, follow_symlinks=False)
    os.chown(name, uid, uid, dir_fd=above, follow_symlinks=False)  # last: it says that all is done


def _first(counter: Path) -> int:
    return FIRST + zlib.crc32(os.fsencode(counter.absolute())) % ROOMS * IN_ROOM
