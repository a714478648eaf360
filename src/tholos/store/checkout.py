"""Writing a snapshot into a new folder: built beside it, then renamed, so that it appears at once and whole.

Large files are remembered in a file beside the folder (`NAME.checkout.json`), so that a later checkout of a similar snapshot can
share their blocks where the file system copies on write (FICLONE, ioctl_ficlone(2)). They are never hard-linked: what runs in
one folder must not change another. What has its name is whole even after a power cut; before that, it is made again from the store.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tholos.store import paths
from tholos.store.errors import DestinationExists, StoreFull, StoreUnusable
from tholos.store.model import File, Sha256, Tree
from tholos.store.reading import ChunkReader

CLONED_FROM = 256 * 1024
"""Files of at least this many bytes share their blocks with an earlier checkout."""
_FICLONE = 0x40049409

_UNFINISHED = ".unfinished-"
_ABANDONED_AFTER = 60.0
_libc = ctypes.CDLL(None, use_errno=True)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


Finish = Callable[[Path], None]
"""What is still to be done in the folder before it has its name."""


def write(
    reader: ChunkReader, tree: Tree, destination: Path, like: Path | None, finish: Finish | None = None
) -> None:
    if os.path.lexists(destination):
        raise _exists(destination)
    with _explained(destination), _unfinished_folder(destination) as folder:
        for name in sorted({parent for file in tree.files for parent in paths.parents(file.path)}):
            (folder / name).mkdir()
            (folder / name).chmod(0o755)
        cloned = _clone_large(tree, folder, like) if like else set()
        _write_files(reader, folder, [file for file in tree.files if file.path not in cloned])
        record = _describe_large(tree, folder)
        if finish is not None:
            finish(folder)
        flush(folder)
        try:
            folder.rename(destination)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise _exists(destination) from error
            raise
        _write_record(destination, record)


def flush(folder: Path) -> None:
    """Bring all that was written to a folder's file system to the disk (syncfs(2)): one wait, however many files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(descriptor):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)


def record_of(destination: Path) -> Path:
    """The file that remembers the large files of a checkout; remove it with the folder."""
    return destination.with_name(destination.name + ".checkout.json")


def _write_files(reader: ChunkReader, folder: Path, files: Iterable[File]) -> None:
    """Small files in the order in which their chunks lie in the packs, large ones each from start to end."""
    single: defaultdict[Sha256, list[File]] = defaultdict(list)
    for file in files:
        if len(file.chunks) == 1:
            single[file.chunks[0].sha256].append(file)
        else:
            _write_file(folder, file, (data for _, data in reader.read_in_order(file.chunks)))
    for sha256, data in reader.read_quickly(same[0].chunks[0] for same in single.values()):
        for file in single[sha256]:
            _write_file(folder, file, (data,))


def _write_file(folder: Path, file: File, parts: Iterable[bytes]) -> None:
    mode = 0o755 if file.executable else 0o644
    descriptor = os.open(f"{folder}/{file.path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(descriptor, view) :]
        # The umask of the process must not show in the content.
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _clone_large(tree: Tree, folder: Path, like: Path) -> set[str]:
    """Clone what an earlier checkout has untouched; returns the paths that need not be written."""
    untouched = _untouched(like)
    cloned = set()
    for file in tree.files:
        source = untouched.get((file.sha256, file.executable)) if file.size >= CLONED_FROM else None
        if source and _clone(source, folder / file.path):
            cloned.add(file.path)
    return cloned


def _clone(source: Path, target: Path) -> bool:
    """Whether the file system could; if not, nothing is left and the file is written instead."""
    with source.open("rb") as old, target.open("xb") as new:
        try:
            fcntl.ioctl(new, _FICLONE, old.fileno())
        except OSError:
            target.unlink()
            return False
        os.fchmod(new.fileno(), source.stat().st_mode & 0o777)
    return True


def _untouched(like: Path) -> dict[tuple[str, bool], Path]:
    found: dict[tuple[str, bool], Path] = {}
    for path, (sha256, is_executable, *facts) in _read_record(like).items():
        with suppress(OSError):
            if _facts(like / path) == facts:
                found[str(sha256), bool(is_executable)] = like / path
    return found


def _describe_large(tree: Tree, folder: Path) -> dict[str, list[object]]:
    return {
        file.path: [file.sha256, file.executable, *_facts(folder / file.path)]
        for file in tree.files
        if file.size >= CLONED_FROM
    }


def _facts(path: Path) -> list[int]:
    """What changes when somebody touches the file."""
    status = path.lstat()
    return [status.st_size, status.st_mtime_ns, status.st_mode, status.st_ino]


def _read_record(like: Path) -> dict[str, list[object]]:
    """The record was written by us, beside the folder; one that is missing or torn only costs the clones."""
    try:
        record = json.loads(record_of(like).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict):
        return {}
    return {path: facts for path, facts in record.items() if isinstance(facts, list) and len(facts) == 6}


def _write_record(destination: Path, record: dict[str, list[object]]) -> None:
    if not record:
        return
    target = record_of(destination)
    temporary = target.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}.json")
    temporary.write_text(json.dumps(record))
    temporary.rename(target)


@contextmanager
def _unfinished_folder(destination: Path) -> Iterator[Path]:
    """A folder beside the destination, locked while we live, removed if we fail or, by the next one, if we are killed."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(destination.parent)
    folder = destination.with_name(_UNFINISHED + secrets.token_hex(8))
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        folder.chmod(0o755)
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)


def _clear_abandoned(parent: Path) -> None:
    oldest = time.time() - _ABANDONED_AFTER
    for path in parent.glob(_UNFINISHED + "*"):
        with suppress(OSError):
            if path.stat().st_mtime < oldest:
                _remove_if_unlocked(path)


def _remove_if_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(destination: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFull(
                f"Cannot check out to {destination}: the disk is full.",
                fix="Free some space on it, then try again; nothing was left behind.",
            ) from error
        raise StoreUnusable(
            f"Cannot check out to {destination}: {error.strerror or error}.",
            fix="Check that this account may write there.",
        ) from error


def _exists(destination: Path) -> DestinationExists:
    return DestinationExists(
        f"Cannot check out to {destination}: there is something already.",
        fix="Remove it or choose another folder.",
    )
