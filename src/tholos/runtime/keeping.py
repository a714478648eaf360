"""Paths that survive releases: in a release's folder they lead to the app's data folder. Nothing of that is ever removed here.

An app may replace such a path instead of writing through it (a temporary file that is renamed over it). What it put there
is then the newer one, and is taken into the data folder before anybody else reads that.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tholos.kit import ids


def outermost(paths: Iterable[str]) -> list[str]:
    """The paths without those that lie within another one."""
    found = sorted({path.strip("/") for path in paths})
    return [path for path in found if not any(path.startswith(f"{other}/") for other in found)]


def lead(sources: Path, data: Path, paths: Iterable[str], *, is_new: bool) -> None:
    """Make the kept paths of a release's folder lead to the data folder. Doing it twice is doing it once.

    Args:
        sources: the release's folder.
        data: the app's data folder.
        paths: relative, with ``/``.
        is_new: whether the folder was just laid out, so that what lies at a path is what was published, and gives way to
            what the data folder has.
    """
    for path in outermost(paths):
        inside, kept = sources / path, data / path
        if not inside.is_symlink():
            kept.parent.mkdir(parents=True, exist_ok=True)
            inside.parent.mkdir(parents=True, exist_ok=True)
            _settle(inside, kept, is_new=is_new)
            _replace_by_link(inside, kept)


def _settle(inside: Path, kept: Path, *, is_new: bool) -> None:
    """Leave at ``kept`` what is to be kept."""
    if not inside.exists():
        if not kept.exists() and not inside.suffix:
            kept.mkdir()
        return
    if kept.exists() and is_new:
        return
    if kept.exists() and (kept.is_dir() or inside.is_dir()):
        kept.rename(kept.with_name(f"{kept.name}.{ids.new_id('before')}"))
    # A copy that is renamed: whoever reads the path meanwhile finds the one or the other, and never nothing.
    unfinished = kept.with_name(f".{ids.new_id('new')}")
    if inside.is_dir():
        shutil.copytree(inside, unfinished, symlinks=True)
    else:
        shutil.copy2(inside, unfinished)
    unfinished.rename(kept)


def _replace_by_link(inside: Path, kept: Path) -> None:
    link = inside.with_name(f".{ids.new_id('link')}")
    link.symlink_to(kept)
    if inside.is_dir():
        shutil.rmtree(inside)
    link.replace(inside)
