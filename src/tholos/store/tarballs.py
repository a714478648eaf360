"""Reading a tar from a stream without believing it: entry by entry, forwards only, in constant memory.

Our own reader, because the library's keeps headers of any size in memory. Knows ustar, the pax records `path`, `linkpath` and
`size` (POSIX.1-2001) and GNU long names; sparse files are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tholos.store.chunking import Reader, read_fully
from tholos.store.errors import BadArchive

_BLOCK = 512
_MAX_HEADER = 1024 * 1024
_KINDS = {b"0": "file", b"\0": "file", b"7": "file", b"1": "hard link", b"2": "link", b"5": "folder"}
_REFUSED = {b"3": "a device", b"4": "a device", b"6": "a pipe", b"S": "a sparse file"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an archive says of one of its members; `kind` is file, folder, link or hard link."""

    path: str
    kind: str
    size: int = 0
    target: str = ""
    executable: bool = False


class _Body:
    """The bytes of one member; reads no further."""

    def __init__(self, stream: Reader, size: int, path: str) -> None:
        self._stream = stream
        self._left = size
        self._path = path

    def read(self, size: int, /) -> bytes:
        wanted = min(size, self._left)
        data = self._stream.read(wanted) if wanted else b""
        if wanted and not data:
            raise BadArchive(f"Cannot unpack {self._path!r}: the archive ends within it.", where=self._path)
        self._left -= len(data)
        return data

    def skip(self) -> None:
        while self._left:
            self.read(64 * 1024)


def read(stream: Reader) -> Iterator[tuple[Entry, Reader]]:
    """Yield every member with its bytes, which are gone when the next one is asked for.

    Raises:
        BadArchive: it is not a tar, ends early, or has a member that is refused.
    """
    extra: dict[str, str] = {}
    while block := _read_block(stream):
        kind = block[156:157]
        size = _parse_number(block[124:136])
        if kind in _EXTENSIONS:
            _EXTENSIONS[kind](_read_header(stream, size), extra)
            continue
        entry = _entry(block, kind, size, extra)
        extra = {}
        body = _Body(stream, entry.size, entry.path)
        yield entry, body
        body.skip()
        read_fully(stream, -entry.size % _BLOCK)


def looks_like_tar(block: bytes) -> bool:
    """Whether this can be the first block of a tar."""
    return len(block) == _BLOCK and (not any(block) or _has_checksum(block))


def _read_block(stream: Reader) -> bytes | None:
    """The next header, or None at the end, which is a block of zeros: without it the archive may have been cut off."""
    block = read_fully(stream, _BLOCK)
    if len(block) == _BLOCK and not any(block):
        return None
    if not block:
        raise BadArchive("Cannot unpack the archive: it ends without its end mark.", fix="Send it again.")
    if len(block) < _BLOCK or not _has_checksum(block):
        raise BadArchive("Cannot unpack the archive: it is damaged or not a tar.", fix="Pack it again.")
    return block


def _has_checksum(block: bytes) -> bool:
    """The sum of the header's bytes, its own field taken as spaces; old programs summed signed bytes."""
    plain = block[:148] + b" " * 8 + block[156:]
    try:
        claimed = _parse_number(block[148:156])
    except BadArchive:
        return False
    total = sum(plain)
    return claimed == total or claimed == total - 256 * sum(byte > 127 for byte in plain)


def _parse_number(field: bytes) -> int:
    """Octal text, or GNU's binary form with the first bit set; negative ones are nobody's honest size."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    text = field.split(b"\0", 1)[0].strip()
    if len(text) > 12 or text.strip(b"01234567"):
        raise BadArchive("Cannot unpack the archive: a number in it is malformed.", fix="Pack it again.")
    return int(text or b"0", 8)


def _read_header(stream: Reader, size: int) -> bytes:
    if size > _MAX_HEADER:
        raise BadArchive(f"Cannot unpack the archive: a header of {size} bytes.", fix="Pack it again.")
    data = read_fully(stream, size + -size % _BLOCK)
    if len(data) < size:
        raise BadArchive("Cannot unpack the archive: it ends within a header.", fix="Pack it again.")
    return data[:size]


def _entry(block: bytes, kind: bytes, size: int, extra: dict[str, str]) -> Entry:
    path = extra.get("path") or _path_of(block)
    if kind in _REFUSED or any(name.startswith("GNU.sparse.") for name in extra):
        what = _REFUSED.get(kind, "a sparse file")
        raise BadArchive(f"Cannot unpack {path!r}: it is {what}.", fix="Pack it without that.", where=path)
    if kind not in _KINDS:
        raise BadArchive(f"Cannot unpack {path!r}: it is of the unknown type {kind!r}.", where=path)
    meaning = _KINDS[kind]
    if meaning == "file" and path.endswith("/"):
        meaning = "folder"
    length = _pax_size(extra, path) if "size" in extra else size
    target = extra.get("linkpath") or _text(block[157:257], path)
    executable = bool(_parse_number(block[100:108]) & 0o100)
    # Links may carry the size of what they point to, without the bytes (POSIX, ustar interchange format).
    return Entry(path, meaning, length if meaning == "file" else 0, target, executable)


def _path_of(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes, where: str = "") -> str:
    raw = field.split(b"\0", 1)[0]
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadArchive(
            f"Cannot unpack {raw!r}: its name is not valid UTF-8.", where=where or repr(raw)
        ) from error


def _pax_size(extra: dict[str, str], path: str) -> int:
    text = extra["size"]
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadArchive(f"Cannot unpack {path!r}: its size is malformed.", where=path)
    return int(text)


def _add_pax(data: bytes, extra: dict[str, str]) -> None:
    """Records of the form `LENGTH KEY=VALUE` and a line feed, where the length counts all of it."""
    start, last = 0, len(data.rstrip(b"\0"))
    while start < last:
        length, _, _ = data[start : start + 20].partition(b" ")
        end = start + int(length) if length.isdigit() else 0
        key, equals, value = data[start + len(length) + 1 : max(end - 1, 0)].partition(b"=")
        if not equals or data[end - 1 : end] != b"\n":
            raise BadArchive(
                "Cannot unpack the archive: an extended header is malformed.", fix="Pack it again."
            )
        name = key.decode("ascii", "replace")
        if name in {"path", "linkpath", "size"} or name.startswith("GNU.sparse."):
            if b"\0" in value:
                raise BadArchive(
                    "Cannot unpack the archive: a name in it holds a zero byte.", fix="Pack it again."
                )
            extra[name] = _text(value)
        start = end


def _ignore(_data: bytes, _extra: dict[str, str]) -> None:
    """Global records hold comments; none that we know is for all members."""


_EXTENSIONS: dict[bytes, Callable[[bytes, dict[str, str]], None]] = {
    b"x": _add_pax,
    b"X": _add_pax,
    b"g": _ignore,
    b"L": lambda data, extra: extra.update(path=_text(data)),
    b"K": lambda data, extra: extra.update(linkpath=_text(data)),
}
