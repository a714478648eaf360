"""Links inside an archive, resolved to the files they point to, as a file system would. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tholos.store.errors import BadArchive, TooMuch
from tholos.store.model import File

_MAX_HOPS = 40


@dataclass(frozen=True, slots=True)
class _Copy:
    """A link to be filled: its place, what it stands for, and the folders that are being copied around it."""

    path: str
    target: str
    within: tuple[str, ...] = ()


def hard_link_target(path: str, target: str) -> str:
    """A hard link names its target from the archive's root; the same as the text of a symbolic link."""
    return "../" * path.count("/") + target


def resolve(
    files: Mapping[str, File], folders: set[str], links: Mapping[str, str], limit: int
) -> Iterator[File]:
    """Yield the files that the links stand for; a link to a folder stands for all in it.

    Raises:
        BadArchive: a link points out of the archive, to nothing or in circles.
        TooMuch: the links stand for more than `limit` files.
    """
    names = sorted((*files, *links))
    waiting = deque(_Copy(path, _follow(path, links)) for path in links)
    made = 0
    while waiting:
        made += 1
        if made > limit:
            raise TooMuch(f"Cannot unpack the archive: its links stand for more than {limit} files.")
        copy = waiting.pop()
        if copy.target in files:
            yield replace(files[copy.target], path=copy.path)
        elif copy.target and copy.target not in folders:
            raise _bad(copy.path, "points to nothing")
        else:
            waiting.extend(_copies_in(copy, names, links))


def _copies_in(copy: _Copy, names: list[str], links: Mapping[str, str]) -> Iterator[_Copy]:
    """Everything in the folder that a link points to, at the link's place."""
    prefix = copy.target + "/" if copy.target else ""
    if f"{copy.path}/".startswith(prefix) or any(f"{each}/".startswith(prefix) for each in copy.within):
        raise _bad(copy.path, "points in circles")
    within = (*copy.within, copy.target)
    for position in range(bisect_left(names, prefix), len(names)):
        name = names[position]
        if not name.startswith(prefix):
            return
        target = _follow(name, links) if name in links else name
        yield _Copy(f"{copy.path}/{name[len(prefix) :]}", target, within)


def _follow(path: str, links: Mapping[str, str]) -> str:
    """Where a path leads, all links on the way followed, as a path from the archive's root."""
    reached: list[str] = []
    ahead = deque(path.split("/"))
    hops = 0
    while ahead:
        part = ahead.popleft()
        if part in {"", "."}:
            continue
        if part == "..":
            if not reached:
                raise _bad(path, "points out of the archive")
            reached.pop()
            continue
        reached.append(part)
        target = links.get("/".join(reached))
        if target is not None:
            hops += 1
            if hops > _MAX_HOPS:
                raise _bad(path, "points in circles")
            if target.startswith("/"):
                raise _bad(path, f"points out of the archive, to {target!r}")
            reached.pop()
            ahead.extendleft(reversed(target.split("/")))
    return "/".join(reached)


def _bad(path: str, reason: str) -> BadArchive:
    return BadArchive(
        f"Cannot unpack the link {path!r}: it {reason}.",
        fix="Pack the file it should be instead.",
        where=path,
    )
