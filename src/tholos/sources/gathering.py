"""From a tree of git's to what the store takes: files and links without what nobody publishes, and what is said of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tholos.publishing.uploads import left_out
from tholos.sources.errors import TreeRefused
from tholos.sources.objects import Batch, Body
from tholos.store import ignoring
from tholos.store.chunking import Reader
from tholos.store.tarballs import Entry

MOST_LINK = 4096
MOST_RULES = 1 << 20
MOST_NOTES = 5
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tree of git's."""

    mode: str
    id: str
    size: int
    path: str


class Gathering:
    """The files of a tree as the store takes them, without what nobody publishes."""

    def __init__(self, batch: Batch, items: Sequence[Item]) -> None:
        self._batch = batch
        self._submodules = [one.path for one in items if one.mode == _SUBMODULE]
        self._items = [one for one in items if one.mode != _SUBMODULE]
        self._pointers: list[str] = []
        self._left_out = left_out([one.path for one in self._items], self._rules())

    def entries(self) -> Iterator[tuple[Entry, Reader]]:
        for item in self._items:
            if item.path in self._left_out:
                continue
            if ".git" in item.path.lower().split("/"):
                raise _bad(item.path, "it is of git itself")
            with self._batch.opened(item.id) as body:
                yield self._entry(item, body)

    def notes(self) -> list[str]:
        """What somebody may miss."""
        found = [_note(self._submodules, "a submodule", "submodules", "not fetched")]
        found += [
            _note(self._pointers, "kept by Git LFS", "files kept by Git LFS", "there as a pointer only")
        ]
        reasons = [f"{path} ({why})" for path, why in sorted(self._left_out.items())]
        if reasons:
            more = f" and {len(reasons) - MOST_NOTES} more" if len(reasons) > MOST_NOTES else ""
            found.append(f"Left out: {', '.join(reasons[:MOST_NOTES])}{more}.")
        return [one for one in found if one]

    def _entry(self, item: Item, body: Body) -> tuple[Entry, Reader]:
        if item.mode == _LINK:
            if item.size > MOST_LINK:
                raise _bad(item.path, "its target is too long")
            try:
                return Entry(item.path, "link", target=body.read_all().decode()), body
            except UnicodeDecodeError as error:
                raise _bad(item.path, "its target is not valid UTF-8") from error
        if body.begins_with(_POINTER):
            self._pointers.append(item.path)
        return Entry(item.path, "file", item.size, executable=item.mode == _EXECUTABLE), body

    def _rules(self) -> tuple[ignoring.Rule, ...]:
        """Raises: TreeRefused."""
        item = next((one for one in self._items if one.path == ignoring.FILE_NAME), None)
        if item is None or item.mode == _LINK or item.size > MOST_RULES:
            return ()
        with self._batch.opened(item.id) as body:
            try:
                return ignoring.parse(body.read_all().decode())
            except UnicodeDecodeError as error:
                raise TreeRefused(
                    f"Cannot take this commit: {ignoring.FILE_NAME} is not UTF-8 text.",
                    where=ignoring.FILE_NAME,
                ) from error


def read_item(record: bytes) -> Item:
    """Raises: TreeRefused."""
    facts, _, name = record.partition(b"\t")
    mode, _, object_id, size = facts.decode("ascii").split()
    try:
        path = name.decode()
    except UnicodeDecodeError as error:
        raise TreeRefused(
            f"Cannot take {name!r} of this commit: its name is not valid UTF-8.", where=repr(name)
        ) from error
    return Item(mode, object_id, int(size) if size.isdecimal() else 0, path)


def _note(names: Sequence[str], one: str, several: str, what: str) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f"{names[0]} is {one}: {what}."
    return f"{', '.join(sorted(names)[:MOST_NOTES])} are {several}: {what}."


def _bad(path: str, reason: str) -> TreeRefused:
    return TreeRefused(f"Cannot take {path!r}: {reason}.", where=path)
