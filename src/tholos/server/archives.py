"""A backup as a folder or an archive: files that go in one by one with their hashes, and come out only as they went in.

The list of all files, with the hash of each, goes in last: a backup without it was cut off, and is none. Names in a backup
are not trusted: what would land outside of its folder is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, cast

from tholos.kit.db import JsonObject
from tholos.kit.errors import Conflict, Invalid, Unavailable

LIST = "backup.json"
FORMAT = 1
_STEP = 1 << 20
_IN_MEMORY = 8 << 20


class BackupDamaged(Invalid):
    """Cannot restore the backup: it is not as it was made."""

    code = "backup_damaged"


class BackupExists(Conflict):
    """Cannot write the backup: there is something of that name."""

    code = "backup_exists"


class ZstdMissing(Unavailable):
    """Cannot use an archive of this form: the program zstd is missing."""

    code = "zstd_missing"


@dataclass(frozen=True, slots=True)
class Kept:
    """One file or link of a backup."""

    size: int = 0
    sha256: str = ""
    mode: int = 0o600
    modified: float = 0.0
    link: str = ""
    """Where it leads, of a link."""


class Sink(Protocol):
    """Where a backup's files go."""

    def put(self, name: str, size: int, file: IO[bytes]) -> None: ...


@dataclass(slots=True)
class Packing:
    """A backup that is being made."""

    sink: Sink
    files: dict[str, Kept] = field(default_factory=dict)

    def add(self, name: str, source: Path) -> None:
        """A file as it is now; one that is written meanwhile goes in as it was read. One that is gone is left out."""
        try:
            file = source.open("rb")
        except FileNotFoundError:
            return
        with file, tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            status = os.fstat(file.fileno())
            shutil.copyfileobj(file, copy, _STEP)
            self._put(name, cast("IO[bytes]", copy), stat.S_IMODE(status.st_mode), status.st_mtime)

    def add_lines(self, name: str, lines: Iterator[bytes]) -> int:
        """A file of lines that are made one after the other; returns how many they were."""
        count = 0
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            for line in lines:
                copy.write(line + b"\n")
                count += 1
            self._put(name, cast("IO[bytes]", copy), 0o600, 0.0)
        return count

    def add_link(self, name: str, source: Path) -> None:
        self.files[name] = Kept(link=str(source.readlink()))

    def finish(self, told: JsonObject) -> None:
        """Put the list in: from here on it is a backup."""
        listed = {name: asdict(kept) for name, kept in self.files.items()}
        text = json.dumps({"format": FORMAT, **told, "files": listed}).encode()
        self.sink.put(LIST, len(text), io.BytesIO(text))

    def _put(self, name: str, copy: IO[bytes], mode: int, modified: float) -> None:
        size = copy.tell()
        copy.seek(0)
        digest = hashlib.file_digest(copy, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads, and no more is asked of it
        copy.seek(0)
        self.sink.put(name, size, copy)
        self.files[name] = Kept(size, digest, mode, modified)


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path

    def put(self, name: str, size: int, file: IO[bytes]) -> None:
        _write(self.root / name, file)


@dataclass(frozen=True, slots=True)
class _Tar:
    tar: tarfile.TarFile

    def put(self, name: str, size: int, file: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self.tar.addfile(member, file)


@contextmanager
def packing(target: Path) -> Iterator[Packing]:
    """A backup at a path, all of it or nothing: an archive where its name ends with .tar, .tar.gz or .tar.zst, else a folder.

    Only its owner may read it.

    Raises: BackupExists, ZstdMissing.
    """
    if target.exists():
        raise BackupExists(f"Cannot write the backup: {target} is there already.", fix="Give another name.")
    unfinished = target.with_name(f".{target.name}.unfinished-{os.getpid()}")
    try:
        if _is_archive(target):
            with _writing(unfinished, target.name) as file, tarfile.open(fileobj=file, mode="w|") as tar:
                yield Packing(_Tar(tar))
        else:
            unfinished.mkdir(mode=0o700)
            yield Packing(_Folder(unfinished))
        unfinished.rename(target)
    finally:
        remove(unfinished)


def unpack(source: Path, target: Path) -> JsonObject:
    """Lay a backup's files out in a folder, each as it went in; returns what was told of it.

    Raises: BackupDamaged, ZstdMissing.
    """
    found: dict[str, str] = {}
    listed = b""
    for name, file in _read(source):
        if name == LIST:
            listed = file.read()
        else:
            path = target / _checked(name)
            found[name] = _write(path, file)
    return _check(target, found, listed)


def _check(target: Path, found: Mapping[str, str], listed: bytes) -> JsonObject:
    try:
        told: JsonObject = json.loads(listed)
        files = _files_of(told)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _damaged("it has no list of what is in it, so it was cut off or is none") from None
    if told.get("format") != FORMAT:
        raise BackupDamaged(
            f"Cannot restore the backup: it has the form {told.get('format')}, and this Tholos knows {FORMAT}.",
            fix="Use the version of Tholos that made it.",
        )
    links = {name: kept for name, kept in files.items() if kept.link}
    for name in sorted((files.keys() - links.keys()) ^ found.keys()):
        raise _damaged(f"{name[:200]} is {'missing' if name in files else 'not in its list'}")
    for name, digest in found.items():
        if files[name].sha256 != digest:
            raise _damaged(f"{name[:200]} was changed")
        path = target / name
        path.chmod(files[name].mode & 0o777)
        os.utime(path, (files[name].modified, files[name].modified))
    for name, kept in links.items():  # after the files, so that none is written through one
        path = target / _checked(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.symlink_to(kept.link)
    return told


def _files_of(told: JsonObject) -> dict[str, Kept]:
    """Raises: ValueError, TypeError, KeyError, AttributeError: it is no list of ours."""
    listed = cast("dict[str, dict[str, Any]]", told.pop("files"))
    return {name: Kept(**kept) for name, kept in listed.items()}


def remove(path: Path) -> None:
    """Whatever it is; nothing happens where nothing is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _read(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    yield path.relative_to(source).as_posix(), file
        return
    try:
        with _reading(source) as stream, tarfile.open(fileobj=stream, mode="r|*") as tar:
            for member in tar:
                member_file = tar.extractfile(member) if member.isreg() else None
                if member_file is None:
                    raise _damaged(f"{member.name[:200]} is no file")
                yield member.name, member_file
    except (tarfile.TarError, EOFError, OSError) as error:
        raise _damaged(f"the archive cannot be read: {error}") from error


def _write(path: Path, file: IO[bytes]) -> str:
    """A new file, durably; its hash."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while data := _next(file):
            digest.update(data)
            target.write(data)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _next(file: IO[bytes]) -> bytes:
    """Raises: BackupDamaged: the archive ends in its middle."""
    try:
        return file.read(_STEP)
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(f"the archive cannot be read: {error}") from error


def _checked(name: str) -> PurePosixPath:
    """Raises: BackupDamaged: it would land elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise _damaged(f"{name[:200]!r} is no name of a file in it")
    return path


def _damaged(why: str) -> BackupDamaged:
    return BackupDamaged(f"Cannot restore the backup: {why}.", fix="Take another one.")


# Compression


def _is_archive(target: Path) -> bool:
    return target.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst"))


@contextmanager
def _writing(path: Path, name: str) -> Iterator[IO[bytes]]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        program = _program(name, "--compress")
        if program is None:
            yield file
        else:
            yield from _through(
                program, lambda piped: subprocess.Popen(program, stdin=piped, stdout=file), writes=True
            )
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        program = _program(path.name, "--decompress")
        if program is None:
            yield file
        else:
            yield from _through(
                program,
                lambda piped: subprocess.Popen(program, stdin=file, stdout=piped, stderr=subprocess.DEVNULL),
                writes=False,
            )


def _through(
    program: list[str], begin: Callable[[int], subprocess.Popen[bytes]], *, writes: bool
) -> Iterator[IO[bytes]]:
    process = begin(subprocess.PIPE)
    pipe = cast("IO[bytes]", process.stdin if writes else process.stdout)
    try:
        yield pipe
        if not writes:
            pipe.read()
        pipe.close()
        if process.wait() != 0:
            msg = f"{program[0]} ended with {process.returncode}"
            raise OSError(msg)
    finally:
        pipe.close()
        process.kill()
        process.wait()


def _program(name: str, direction: str) -> list[str] | None:
    """What compresses; nothing where an archive is none of zstd's: those of gzip Python reads itself."""
    if not name.endswith((".zst", ".gz", ".tgz")):
        return None
    wanted = "zstd" if name.endswith(".zst") else "gzip"
    found = shutil.which(wanted)
    if found is None:
        raise ZstdMissing(
            f"Cannot use {name}: the program {wanted} is missing.",
            fix=f"Install {wanted}, or use a name that ends with .tar.",
        )
    return [found, "-q", "-c", *(["-d"] if direction == "--decompress" else [])]
