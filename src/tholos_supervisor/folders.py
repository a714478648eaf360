"""The folders of instances' sockets: each lies beside the supervisor's own socket, and belongs to the instance's user."""

from __future__ import annotations

import os
from collections.abc import Container
from contextlib import suppress
from pathlib import Path


def remove(folder: Path) -> None:
    """With all that an instance put into it; no link is followed.

    Raises:
        OSError: it could not be removed; where it is not there, or lies too deep.
    """
    try:
        for _, folders, files, opened in os.fwalk(folder, topdown=False):
            for name in files:
                os.unlink(name, dir_fd=opened)
            for name in folders:
                _remove_in(opened, name)
    except RecursionError:
        raise OSError(0, "folders lie too deep in it") from None
    folder.rmdir()


def _remove_in(opened: int, name: str) -> None:
    try:
        os.rmdir(name, dir_fd=opened)
    except NotADirectoryError:  # a link to one
        os.unlink(name, dir_fd=opened)


def remove_unknown(beside: Path, known: Container[str]) -> None:
    """Those of instances that were never recorded, as the supervisor ended before. None of them ran, so they are empty."""
    with os.scandir(beside) as entries:
        unknown = [one.path for one in entries if one.is_dir(follow_symlinks=False) and one.name not in known]
    for path in unknown:
        with suppress(OSError):  # not empty: it is no instance's
            os.rmdir(path)  # noqa: PTH106 - the supervisor knows paths as text
