"""A folder or an archive that a browser sent becomes a snapshot, without what nobody publishes.

A browser names each file of a folder by its path from the folder's name on; that first name is left out, and is what the
app may be called by. Names are hostile: whatever a snapshot could not hold is refused, with its name.
"""

from __future__ import annotations

import mmap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Self

from tholos.kit.errors import Invalid
from tholos.publishing.forms import Body, Part
from tholos.store import archives, ignoring, paths
from tholos.store.archives import Limits
from tholos.store.errors import BadPath, TooMuch
from tholos.store.model import Scope, SnapshotId, Tree
from tholos.store.store import Store

FILES_FIELD = "files"
ARCHIVE_FIELD = "archive"
TEXT_AT_MOST = 4_000
"""Bytes of a field that is no file."""
RULES_AT_MOST = 1 << 20
_ARCHIVE_ENDS = (".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")
_ENVIRONMENT = "a virtual environment"
_SECRETS = ".env"
_LEAVE_OUT = f"Name what does not belong to it in a file {ignoring.FILE_NAME}."


class NothingSent(Invalid):
    """Cannot publish this: no file was chosen."""

    code = "nothing_sent"


class SeveralSent(Invalid):
    """Cannot publish this: it is an archive and a folder at once."""

    code = "several_sent"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of it."""

    snapshot: SnapshotId
    tree: Tree
    title: str
    """What the folder or archive is called; empty where single files were sent."""
    left_out: Mapping[str, int]
    """How many files were left out, by the reason."""
    has_secrets: bool
    """Whether a file of variables was among them."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent, as ranges of the body."""

    body: Body
    fields: Mapping[str, str]
    files: tuple[Part, ...]
    archives: tuple[Part, ...]

    @classmethod
    def of(cls, body: Body, found: Iterable[Part]) -> Form:
        """Sort parts by what they are; an input where nothing was chosen sends a file without a name."""
        fields: dict[str, str] = {}
        files: list[Part] = []
        packed: list[Part] = []
        for part in found:
            if part.filename is None:
                data = bytes(body[part.start : min(part.end, part.start + TEXT_AT_MOST)])
                fields.setdefault(part.name, data.decode("utf-8", "replace"))
            elif part.filename and part.name == ARCHIVE_FIELD:
                packed.append(part)
            elif part.filename and part.name == FILES_FIELD:
                files.append(part)
        if len(files) == 1 and is_archive(files[0].filename or ""):
            files, packed = [], [*packed, *files]
        return cls(body, fields, tuple(files), tuple(packed))


def is_archive(name: str) -> bool:
    """Whether a file of that name is unpacked."""
    return "/" not in name and name.lower().endswith(_ARCHIVE_ENDS)


def bring_in(store: Store, scope: Scope, form: Form, *, limits: Limits | None = None) -> Uploaded:
    """Keep what was sent as a snapshot of the scope.

    Raises:
        NothingSent, SeveralSent: there is not one folder or one archive.
        BadPath, BadArchive, TooMuch: a name or the archive is refused; ``where`` names it.
    """
    if form.archives and form.files:
        raise SeveralSent(fix="Choose a folder or an archive, not both.", where="archive")
    if len(form.archives) > 1:
        raise SeveralSent("Cannot publish this: it is several archives.", fix="Choose one.", where="archive")
    if form.archives:
        return _unpack(store, scope, form, form.archives[0], limits or Limits())
    if not form.files:
        raise NothingSent(fix="Choose a folder or an archive.", where="files")
    return _gather(store, scope, form, limits or Limits())


def _unpack(store: Store, scope: Scope, form: Form, part: Part, limits: Limits) -> Uploaded:
    with opened(form.body, part) as stream:
        unpacked = archives.unpack(store, scope, stream, limits=limits)
    files = {file.path: file for file in unpacked.tree.files}
    is_ruled = ignoring.FILE_NAME in files
    rules = store.read(unpacked.snapshot, ignoring.FILE_NAME, RULES_AT_MOST) if is_ruled else b""
    reasons = left_out(files, _rules(rules))
    tree = Tree.of(file for path, file in files.items() if path not in reasons)
    title = (part.filename or "").lower()
    for end in sorted(_ARCHIVE_ENDS, key=len, reverse=True):
        title = title.removesuffix(end)
    return _keep(store, scope, tree, title, reasons)


def _gather(store: Store, scope: Scope, form: Form, limits: Limits) -> Uploaded:
    named = {_clean(part.filename or ""): part for part in form.files}
    if len(named) < len(form.files):
        twice = Counter(_clean(part.filename or "") for part in form.files).most_common(1)[0][0]
        raise BadPath(f"Cannot take the file {twice!r}: it was sent twice.", fix="Send it once.", where=twice)
    _check_limits(named, limits)
    tops = {path.partition("/")[0] for path in named}
    title = tops.pop() if len(tops) == 1 and all("/" in path for path in named) else ""
    inner = {path[len(title) + 1 :] if title else path: part for path, part in named.items()}
    rules = inner.get(ignoring.FILE_NAME)
    reasons = left_out(
        inner,
        _rules(bytes(form.body[rules.start : min(rules.end, rules.start + RULES_AT_MOST)]) if rules else b""),
    )
    intake = store.intake(scope)
    files = []
    for path, part in inner.items():
        if path not in reasons:
            with opened(form.body, part) as stream:
                files.append(intake.add_file(path, stream))
    intake.finish()
    return _keep(store, scope, Tree.of(files), title, reasons)


def _keep(store: Store, scope: Scope, tree: Tree, title: str, reasons: Mapping[str, str]) -> Uploaded:
    if not tree.files:
        raise NothingSent(
            "Cannot publish this: nothing is left of it.", fix="Choose the folder of the app.", where="files"
        )
    snapshot = store.add_snapshot(scope, tree)
    has_secrets = any(path.rpartition("/")[2] == _SECRETS for path in reasons)
    return Uploaded(snapshot, tree, title, Counter(reasons.values()), has_secrets)


def left_out(names: Iterable[str], rules: tuple[ignoring.Rule, ...]) -> dict[str, str]:
    """Files that are not published, each with the reason; as the command line decides it for a folder."""
    every = list(names)
    environments = _environments(every)
    folders: dict[str, str] = {}
    found = {}
    for path in every:
        reason = next(
            filter(None, (_of_folder(one, rules, environments, folders) for one in _down(path))), ""
        )
        reason = reason or ignoring.find_reason(rules, path, is_folder=False)
        if reason:
            found[path] = reason
    return found


def _down(path: str) -> list[str]:
    """The folders that a file lies in, outermost first."""
    return list(paths.parents(path))[::-1]


def _of_folder(
    folder: str, rules: tuple[ignoring.Rule, ...], environments: frozenset[str], known: dict[str, str]
) -> str:
    if folder not in known:
        reason = ignoring.find_reason(rules, folder, is_folder=True)
        if not reason and folder in environments and not ignoring.decide(rules, folder, is_folder=True):
            reason = _ENVIRONMENT
        known[folder] = reason
    return known[folder]


def _environments(names: Iterable[str]) -> frozenset[str]:
    ends = ("/pyvenv.cfg", "/bin/python")
    return frozenset(path.removesuffix(end) for path in names for end in ends if path.endswith(end))


def _rules(data: bytes) -> tuple[ignoring.Rule, ...]:
    try:
        return ignoring.parse(data.decode())
    except UnicodeDecodeError:
        raise BadPath(
            f"Cannot read {ignoring.FILE_NAME}: it is not UTF-8 text.",
            fix="Make it plain text.",
            where=ignoring.FILE_NAME,
        ) from None


def _clean(name: str) -> str:
    """A file's path in its one spelling.

    Raises: BadPath.
    """
    path = name.removeprefix("./")
    return paths.check(path if path.isascii() else unicodedata.normalize("NFC", path))


def _check_limits(named: Mapping[str, Part], limits: Limits) -> None:
    if len(named) > limits.entries:
        raise TooMuch(
            f"Cannot take this folder: it has more than {limits.entries} files.",
            fix=_LEAVE_OUT,
            where="files",
        )
    if sum(part.end - part.start for part in named.values()) > limits.size:
        raise TooMuch(
            f"Cannot take this folder: it has more than {limits.size} bytes.", fix=_LEAVE_OUT, where="files"
        )


class opened:  # noqa: N801  # reads as a function
    """A part's bytes as a stream."""

    def __init__(self, body: Body, part: Part) -> None:
        self._view = memoryview(body)[part.start : part.end]
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._view.release()  # a mapped file cannot be closed while anything looks at it

    def read(self, size: int, /) -> bytes:
        data = bytes(self._view[self._at : self._at + size])
        self._at += len(data)
        return data


@contextmanager
def mapped(spool: IO[bytes]) -> Iterator[Body]:
    """What lies in a file, without reading it."""
    spool.flush()
    if not spool.seek(0, 2):
        yield b""
        return
    with mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) as body:
        yield body
