"""Reading a zip without believing it: its list of members is at the end, so the archive is kept in a temporary file first."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from tholos.store.chunking import Reader
from tholos.store.errors import BadArchive
from tholos.store.tarballs import Entry

_END = struct.Struct("<4s4H2LH")
_END_SEARCH = 65_536 + _END.size
_PER_ENTRY = 512
_LEAST_LIST = 1024 * 1024
_MAX_LINK = 4096
_UTF8 = 0x800
_ENCRYPTED = 0x1
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    struct.error,
    ValueError,
)


def read(file: IO[bytes], max_entries: int) -> Iterator[tuple[Entry, Reader]]:
    """Yield every member with its bytes, which are gone when the next one is asked for.

    Raises:
        BadArchive: it is not a zip, is damaged, encrypted, or has a member that is refused.
    """
    _check_list(file, max_entries)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise BadArchive(
            f"Cannot unpack the archive: it is not a zip: {error}.", fix="Pack it again."
        ) from error
    with archive:
        for info in archive.infolist():
            with _open(archive, info) as source:
                body = _Body(source, info.filename)
                yield _entry(info, body), body


class _Body:
    """The bytes of one member, its errors named after it."""

    def __init__(self, source: IO[bytes], path: str) -> None:
        self._source = source
        self._path = path

    def read(self, size: int, /) -> bytes:
        try:
            return self._source.read(size)
        except _DAMAGED as error:
            raise _damaged(self._path, error) from error


def _check_list(file: IO[bytes], max_entries: int) -> None:
    """The library reads the whole list of members into memory: refuse one that is longer than an honest one can be."""
    end = file.seek(0, 2)
    file.seek(max(0, end - _END_SEARCH))
    tail = file.read()
    file.seek(0)
    start = tail.rfind(b"PK\x05\x06")
    if start < 0 or len(tail) - start < _END.size:
        raise BadArchive("Cannot unpack the archive: it ends without its end mark.", fix="Send it again.")
    size = _END.unpack_from(tail, start)[5]
    if size == 0xFFFFFFFF:
        # The zip64 form has the true size in its own record; what is before the end bounds it as well.
        size = _zip64_size(tail, start)
    if size > max(_LEAST_LIST, _PER_ENTRY * max_entries):
        raise BadArchive(
            f"Cannot unpack the archive: its list of members has {size} bytes.", fix="Pack fewer files."
        )


def _zip64_size(tail: bytes, end: int) -> int:
    start = tail.rfind(b"PK\x06\x06", 0, end)
    if start < 0 or len(tail) - start < 48:
        raise BadArchive("Cannot unpack the archive: its end mark is damaged.", fix="Send it again.")
    return int(struct.unpack_from("<Q", tail, start + 40)[0])


def _open(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive(
            f"Cannot unpack {info.filename!r}: it is encrypted.",
            fix="Pack it without a password.",
            where=info.filename,
        )
    try:
        return archive.open(info)
    except (*_DAMAGED, RuntimeError) as error:
        raise _damaged(info.filename, error) from error


def _entry(info: zipfile.ZipInfo, body: Reader) -> Entry:
    path = _name_of(info)
    mode = info.external_attr >> 16
    if info.is_dir() or stat.S_ISDIR(mode):
        return Entry(path, "folder")
    if stat.S_ISLNK(mode):
        return Entry(path, "link", target=_target(path, body))
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        raise BadArchive(f"Cannot unpack {path!r}: it is a device or a pipe.", where=path)
    return Entry(path, "file", info.file_size, executable=bool(mode & stat.S_IXUSR))


def _name_of(info: zipfile.ZipInfo) -> str:
    """The name as it is in the archive: the library cuts it at a zero byte, and takes unmarked ones for code page 437."""
    name = info.orig_filename
    if info.flag_bits & _UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


def _target(path: str, body: Reader) -> str:
    raw = body.read(_MAX_LINK + 1)
    try:
        if len(raw) <= _MAX_LINK:
            return raw.decode()
    except UnicodeDecodeError as error:
        raise BadArchive(
            f"Cannot unpack the link {path!r}: its target is not valid UTF-8.", where=path
        ) from error
    raise BadArchive(f"Cannot unpack the link {path!r}: its target is too long.", where=path)


def _damaged(path: str, error: Exception) -> BadArchive:
    return BadArchive(
        f"Cannot unpack {path!r}: {str(error) or 'it is damaged'}.",
        fix="Pack it again, or send it again.",
        where=path,
    )
