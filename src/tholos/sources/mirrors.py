"""Bare mirrors of repositories, shallow, one for each address and credential: what is new is fetched into them, and a folder
of a commit is taken from them into the store. No file of a repository is ever written under its name.

One at a time uses a mirror, whichever server it belongs to. A mirror can be thrown away at any moment: it is fetched anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tholos.sources.errors import (
    FetchFailed,
    MirrorDamaged,
    RepositoryTooLarge,
    RepositoryUnsafe,
    SubdirectoryGone,
    TreeRefused,
)
from tholos.sources.gathering import Gathering, Item, read_item
from tholos.sources.git import Bounds, Git, Secret, end_left_over, size_of
from tholos.sources.heads import Head, why_failed
from tholos.sources.objects import Batch, damaged
from tholos.sources.remotes import Remote
from tholos.store import archives
from tholos.store.archives import Limits
from tholos.store.errors import BadArchive, BadPath, TooMuch
from tholos.store.model import Scope, SnapshotId, Tree
from tholos.store.store import Store

LOCAL_S = 60.0
"""For what only looks at what is here."""
_DAMAGE = ("bad object", "corrupt", "invalid sha1 pointer", "packfile ", "unable to read", "is broken")
"""Words of git about what lies here already."""


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
        with Batch(self._git, mirror, stop) as batch:
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
        with Batch(self._git, mirror, stop) as batch:
            gathering = Gathering(batch, items)
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
            raise damaged()
        records = ran.out.split(b"\0")[:-1]
        if len(records) > self._limits.entries:
            raise TooMuch(
                f"Cannot take this commit: it has more than {self._limits.entries} files.",
                fix="Publish one of its folders: tholos publish --git URL --subdirectory FOLDER",
            )
        return [read_item(record) for record in records]


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
        return damaged()
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


def _refused(error: BadArchive | BadPath) -> TreeRefused:
    message = error.message.replace("Cannot unpack the archive", "Cannot take this commit")
    message = message.replace("Cannot unpack ", "Cannot take ").replace(
        "out of the archive", "out of what is published"
    )
    return TreeRefused(message, where=error.where)
