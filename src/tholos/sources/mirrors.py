"""Bare mirrors of repositories, shallow, one for each address and credential: what is new is fetched into them, and a folder
of a commit is taken from them into the store. No file of a repository is ever written under its name.

One at a time uses a mirror, whichever server it belongs to. A mirror can be thrown away at any moment: it is fetched anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tholos.publishing.uploads import left_out
from tholos.sources.errors import (
    FetchFailed,
    MirrorDamaged,
    RepositoryTooLarge,
    RepositoryUnsafe,
    SubdirectoryGone,
    TreeRefused,
)
from tholos.sources.git import Bounds, Git, Secret, end_left_over, size_of
from tholos.sources.heads import Head, why_failed
from tholos.sources.remotes import Remote
from tholos.store import archives, ignoring
from tholos.store.archives import Limits
from tholos.store.chunking import Reader
from tholos.store.errors import BadArchive, BadPath, TooMuch
from tholos.store.model import Scope, SnapshotId, Tree
from tholos.store.store import Store
from tholos.store.tarballs import Entry

LOCAL_S = 60.0
"""For what only looks at what is here."""
MOST_LINK = 4096
MOST_RULES = 1 << 20
MOST_NOTES = 5
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_DAMAGE = ("bad object", "corrupt", "invalid sha1 pointer", "packfile ", "unable to read", "is broken")
"""Words of git about what lies here already."""
_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be fetched.

    Args:
        addresses: at which its host is to be reached.
        head: where it stands.
        subdirectory: which folder of it is wanted; empty for all of it.
    """

    remote: Remote
    secret: Secret
    addresses: Sequence[str]
    head: Head
    subdirectory: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that is here, and the tree of the folder that is wanted."""

    id: str
    tree: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What a folder of a commit became in the store; notes are sentences for whoever publishes it."""

    snapshot: SnapshotId
    tree: Tree
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tree of git's."""

    mode: str
    id: str
    size: int
    path: str


class Mirrors:
    """The mirrors of one installation.

    Args:
        folder: theirs.
        fetch_s: seconds that one fetching may take.
        size_limit: bytes that a mirror may have on disk.
    """

    def __init__(
        self,
        folder: Path,
        git: Git,
        *,
        fetch_s: float = 600.0,
        size_limit: int = 1 << 30,
        limits: Limits | None = None,
    ) -> None:
        self._folder = folder
        self._git = git
        self._fetch_s = fetch_s
        self._size_limit = size_limit
        self._limits = limits or Limits()

    def take(
        self,
        order: Order,
        store: Store,
        scope: Scope,
        wants: Callable[[Commit], bool],
        stop: threading.Event,
    ) -> Taken | None:
        """Fetch what is new, and take the folder into the store if it is wanted; None where it is not.

        Raises: FetchFailed, SubdirectoryGone, TreeRefused, TooMuch.
        """
        with self._held(order.remote, order.secret, stop) as mirror:
            try:
                return self._take_from(mirror, order, store, scope, wants, stop)
            except MirrorDamaged:
                self._make(mirror)
            return self._take_from(mirror, order, store, scope, wants, stop)

    def keep_only(self, wanted: Sequence[tuple[Remote, Secret]]) -> int:
        """Remove the mirrors of repositories that nobody follows any more; returns how many."""
        kept = {key_of(remote, secret) for remote, secret in wanted}
        removed = 0
        for path in self._folder.glob("*.git") if self._folder.exists() else ():
            if path.stem not in kept:
                with self._locked(path.stem, threading.Event(), 1.0):
                    shutil.rmtree(path, ignore_errors=True)
                removed += 1
        return removed

    # One mirror

    def _take_from(
        self,
        mirror: Path,
        order: Order,
        store: Store,
        scope: Scope,
        wants: Callable[[Commit], bool],
        stop: threading.Event,
    ) -> Taken | None:
        commit_id = self._fetch_anew(mirror, order, stop)
        commit = self._look_at(mirror, commit_id, order.subdirectory, stop)
        return self._take(mirror, commit, store, scope, stop) if wants(commit) else None

    @contextmanager
    def _held(self, remote: Remote, secret: Secret, stop: threading.Event) -> Iterator[Path]:
        """The mirror, ours alone, with nothing that a killed server left in it."""
        key = key_of(remote, secret)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(key, stop, self._fetch_s):
            mirror = self._folder / f"{key}.git"
            end_left_over(_pid_file(mirror))
            if mirror.exists() and (not _tidy(mirror) or size_of(mirror) > self._size_limit):
                shutil.rmtree(mirror)
            if not (mirror / "HEAD").exists():
                self._make(mirror)
            yield mirror

    @contextmanager
    def _locked(self, key: str, stop: threading.Event, seconds: float) -> Iterator[None]:
        """Raises: FetchFailed: another one uses it for too long."""
        descriptor = os.open(self._folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + seconds
        try:
            while not _lock(descriptor):
                if stop.is_set() or time.monotonic() > deadline:
                    raise FetchFailed("Cannot fetch the repository: it is being fetched for another app.")
                time.sleep(0.05)
            yield
        finally:
            os.close(descriptor)

    def _make(self, mirror: Path) -> None:
        shutil.rmtree(mirror, ignore_errors=True)
        arguments = ["init", "--quiet", "--bare", "--template=", "--initial-branch=none", str(mirror)]
        ran = self._git.run(arguments, Bounds(LOCAL_S), cwd=self._folder)
        if ran.code != 0:
            raise FetchFailed(f"Cannot fetch the repository: {ran.told[-300:]}")

    def _fetch_anew(self, mirror: Path, order: Order, stop: threading.Event) -> str:
        """Into what is there; where that leaves no room, into an empty mirror."""
        is_empty = not any((mirror / "objects" / "pack").iterdir())
        try:
            return self._fetch(mirror, order, stop)
        except RepositoryTooLarge:
            self._make(mirror)
            if is_empty:
                raise
        return self._fetch(mirror, order, stop)

    def _fetch(self, mirror: Path, order: Order, stop: threading.Event) -> str:
        """The commit that is to be published, which is here then."""
        name = f"refs/tholos/{hashlib.sha256(order.head.ref.encode()).hexdigest()[:32]}"
        if self._resolve(mirror, name, stop) == order.head.commit:
            return order.head.commit
        arguments = [
            "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
            "--no-auto-maintenance", "--force", "--", order.remote.url, f"+{order.head.ref}:{name}",
        ]  # fmt: skip
        bounds = Bounds(self._fetch_s, stop, mirror, self._size_limit)
        ran = self._git.run_remote(
            order.remote,
            order.secret,
            order.addresses,
            arguments,
            bounds,
            cwd=mirror,
            pid_file=_pid_file(mirror),
        )
        if ran.code != 0:
            raise _why_not_fetched(ran.told) or why_failed(ran)
        found = self._resolve(mirror, name, stop)
        if not found:
            raise FetchFailed("Cannot fetch the repository: what was fetched is no commit.")
        return found

    def _resolve(self, mirror: Path, name: str, stop: threading.Event) -> str:
        arguments = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"]
        ran = self._git.run(arguments, Bounds(LOCAL_S, stop), cwd=mirror)
        return ran.out.decode("ascii", "replace").strip().splitlines()[-1] if ran.code == 0 else ""

    def _look_at(self, mirror: Path, commit_id: str, subdirectory: str, stop: threading.Event) -> Commit:
        """Raises: SubdirectoryGone."""
        with _Batch(self._git, mirror, stop) as batch:
            text = batch.read_whole(commit_id, "commit").decode("utf-8", "replace")
            kind, tree = batch.look_up(f"{commit_id}:{subdirectory}")
            if kind != "tree":
                raise SubdirectoryGone(
                    f"Cannot publish the folder {subdirectory} of commit {commit_id[:10]}: it is not in it.",
                    fix="Publish another one: tholos publish --git URL --subdirectory FOLDER",
                    where=subdirectory,
                )
        return _commit(commit_id, tree, text)

    def _take(self, mirror: Path, commit: Commit, store: Store, scope: Scope, stop: threading.Event) -> Taken:
        items = self._list(mirror, commit.tree, stop)
        with _Batch(self._git, mirror, stop) as batch:
            gathering = _Gathering(batch, items)
            try:
                unpacked = archives.gather(store, scope, gathering.entries(), self._limits)
            except (BadArchive, BadPath) as error:
                raise _refused(error) from error
        return Taken(unpacked.snapshot, unpacked.tree, (*gathering.notes(), *unpacked.notes))

    def _list(self, mirror: Path, tree: str, stop: threading.Event) -> list[Item]:
        """Raises: TreeRefused, TooMuch."""
        ran = self._git.run(
            ["ls-tree", "-r", "-z", "-l", "--full-tree", tree], Bounds(LOCAL_S, stop), cwd=mirror
        )
        if ran.code != 0:
            raise _damaged()
        records = ran.out.split(b"\0")[:-1]
        if len(records) > self._limits.entries:
            raise TooMuch(
                f"Cannot take this commit: it has more than {self._limits.entries} files.",
                fix="Publish one of its folders: tholos publish --git URL --subdirectory FOLDER",
            )
        return [_item(record) for record in records]


class _Gathering:
    """The files of a tree as the store takes them, without what nobody publishes."""

    def __init__(self, batch: _Batch, items: Sequence[Item]) -> None:
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

    def _entry(self, item: Item, body: _Body) -> tuple[Entry, Reader]:
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


class _Batch:
    """One ``git cat-file --batch-command``: objects are asked for and read one after the other."""

    def __init__(self, git: Git, mirror: Path, stop: threading.Event) -> None:
        self._stop = stop
        arguments = ["cat-file", "--batch-command"]
        self._process = subprocess.Popen(
            git.command(arguments, 3600, 1 << 30),
            cwd=mirror,
            env=git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def look_up(self, name: str) -> tuple[str, str]:
        """Kind and id of an object; empty where there is none."""
        fields = self._ask("info", name)
        return (fields[1], fields[0]) if len(fields) == 3 and fields[2].isdecimal() else ("", "")

    def read_whole(self, name: str, kind: str) -> bytes:
        """A small object. Raises: FetchFailed."""
        with self.opened(name, kind) as body:
            return body.read_all()

    @contextmanager
    def opened(self, name: str, kind: str = "blob") -> Iterator[_Body]:
        """An object's bytes, all of which are read when the block is left in order."""
        fields = self._ask("contents", name)
        if len(fields) != 3 or fields[1] != kind or not fields[2].isdecimal():
            raise _damaged()
        body = _Body(self._read, int(fields[2]))
        yield body
        body.skip()
        self._read(1)

    def _ask(self, command: str, name: str) -> list[str]:
        if self._stop.is_set():
            raise FetchFailed("Cannot fetch the repository: it was stopped.")
        if self._process.stdin is None or self._process.stdout is None:
            raise _damaged()
        try:
            self._process.stdin.write(f"{command} {name}\n".encode())
            self._process.stdin.flush()
        except OSError as error:
            raise _damaged() from error
        return self._process.stdout.readline(4096).decode("utf-8", "replace").split()

    def _read(self, size: int) -> bytes:
        data = self._process.stdout.read(size) if self._process.stdout is not None else b""
        if not data and size:
            raise _damaged()
        return data


class _Body:
    """The bytes of one object; reads no further."""

    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read = read
        self._left = size
        self._first = b""

    def read(self, size: int, /) -> bytes:
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        wanted = min(size, self._left)
        data = self._read(wanted) if wanted else b""
        self._left -= len(data)
        return data

    def read_all(self) -> bytes:
        pieces = []
        while data := self.read(1 << 16):
            pieces.append(data)
        return b"".join(pieces)

    def begins_with(self, start: bytes) -> bool:
        """Whether it does; nothing is taken away."""
        while len(self._first) < len(start) and self._left:
            data = self._read(min(len(start) - len(self._first), self._left))
            self._left -= len(data)
            self._first += data
        return self._first.startswith(start)

    def skip(self) -> None:
        while self.read(1 << 16):
            pass


def key_of(remote: Remote, secret: Secret) -> str:
    """Which mirror: what one credential opens is nobody else's."""
    return hashlib.sha256(f"{remote.url}\0{secret.id}".encode()).hexdigest()[:32]


def _pid_file(mirror: Path) -> Path:
    return mirror.with_suffix(".pid")


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy(mirror: Path) -> bool:
    """Remove what a run that was killed leaves; whether it is a repository at all."""
    for left in [*mirror.rglob("*.lock"), *mirror.glob("objects/pack/tmp_*"), *mirror.glob("objects/tmp_*")]:
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    return (mirror / "HEAD").is_file() and (mirror / "objects").is_dir()


def _why_not_fetched(told: str) -> FetchFailed | None:
    """What only fetching finds."""
    text = told.lower()
    if any(words in text for words in _DAMAGE):
        return _damaged()
    if "fsck" in text or "badtree" in text or "hasdot" in text or "invalid index-pack output" in text:
        named = next((line for line in told.splitlines() if line.startswith("error: object ")), "")
        reason = named.partition(": ")[2][:300]
        return RepositoryUnsafe(
            "Cannot fetch the repository: git found something in it that no honest repository holds"
            + (f": {reason}." if reason else ".")
        )
    return None


def _commit(commit_id: str, tree: str, text: str) -> Commit:
    """The facts of a commit, as git keeps it: headers, a blank line, the message."""
    head, _, message = text.partition("\n\n")
    author = next((line[7:] for line in head.splitlines() if line.startswith("author ")), "")
    first = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return Commit(commit_id, tree, _plain(author.rpartition("> ")[0] + ">")[:200], _plain(first)[:200])


def _plain(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _item(record: bytes) -> Item:
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


def _refused(error: BadArchive | BadPath) -> TreeRefused:
    message = error.message.replace("Cannot unpack the archive", "Cannot take this commit")
    message = message.replace("Cannot unpack ", "Cannot take ").replace(
        "out of the archive", "out of what is published"
    )
    return TreeRefused(message, where=error.where)


def _damaged() -> MirrorDamaged:
    return MirrorDamaged("Cannot fetch the repository: what was fetched cannot be read.")
