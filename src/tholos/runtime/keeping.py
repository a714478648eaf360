"""Paths that survive releases: in a release's folder they lead to the app's data folder. Nothing that is kept is ever removed here.

An app may replace such a path instead of writing through it (a temporary file that is renamed over it). What it put there
is taken into the data folder before anybody else reads that, unless another release has written there since: the newer one
is kept, and the other one set aside beside it, as ``NAME.before_…``.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from glob import escape
from pathlib import Path

from tholos.kit import ids

SET_ASIDE = 10
"""Older ones of a file that stay beside it: an app may replace it between any two releases."""


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
        if _leads_out(inside.parent, sources) or _leads_out(kept.parent, data):
            continue  # an app may put links in its folders, and we can go where it cannot
        if not inside.is_symlink():
            kept.parent.mkdir(parents=True, exist_ok=True)
            inside.parent.mkdir(parents=True, exist_ok=True)
            _settle(inside, kept, is_new=is_new)
            _replace_by_link(inside, kept)


def _leads_out(folder: Path, within: Path) -> bool:
    return not folder.resolve().is_relative_to(within.resolve())


def _settle(inside: Path, kept: Path, *, is_new: bool) -> None:
    """Leave at ``kept`` what is to be kept."""
    if not inside.exists():
        if not kept.exists() and not inside.suffix:
            kept.mkdir()
        return
    if kept.exists():
        if is_new or kept.samefile(inside):
            return
        if _changed_at(kept) > _changed_at(inside):
            _set_aside(inside, kept, beside=kept)
            return
        if kept.is_dir() or inside.is_dir():
            kept.rename(_aside(kept))
        else:
            _set_aside(kept, inside, beside=kept)
    # Made beside it and renamed: whoever reads the path meanwhile finds the one or the other, and never nothing.
    unfinished = kept.with_name(f".{ids.new_id('new')}")
    _take(inside, unfinished)
    unfinished.rename(kept)


def _changed_at(path: Path) -> int:
    """When a file, or the newest in a folder, was written last."""
    within = path.rglob("*") if path.is_dir() else ()
    newest = path.stat().st_mtime_ns
    for one in within:
        with suppress(FileNotFoundError):  # who writes there does so meanwhile
            newest = max(newest, one.lstat().st_mtime_ns)
    return newest


def _set_aside(older: Path, newer: Path, *, beside: Path) -> None:
    """Let what gives way stay, where it says something else than what is kept."""
    if older.is_file() and newer.is_file() and filecmp.cmp(older, newer, shallow=False):
        return
    _take(older, _aside(beside))
    for one in sorted(beside.parent.glob(f"{escape(beside.name)}.before_*"))[:-SET_ASIDE]:
        if one.is_file():
            one.unlink()


def _aside(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.{ids.new_id('before')}")


def _take(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
        return
    try:
        os.link(source, target)  # the same file: who has it open goes on writing what is kept
    except OSError:
        shutil.copy2(source, target)


def _replace_by_link(inside: Path, kept: Path) -> None:
    link = inside.with_name(f".{ids.new_id('link')}")
    link.symlink_to(kept)
    if inside.is_dir():
        shutil.rmtree(inside)
    link.replace(inside)
