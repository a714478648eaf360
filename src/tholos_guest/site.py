"""Which file a request means, and how it is answered: paths, content types, ETag, ranges. No socket."""

from __future__ import annotations

import hashlib
import os
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, unquote_to_bytes

from tholos_guest.failure import CannotStart

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import BinaryIO, Protocol

    class Headers(Protocol):
        """Request headers by name, whatever the letters' case."""

        def get(self, name: str, /) -> str | None: ...


# A table of our own: the mimetypes module reads the machine's files, and sites must look the same on each.
TEXT_TYPES = {
    "css": "text/css",
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "htm": "text/html",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "map": "application/json",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "svg": "image/svg+xml",
    "toml": "application/toml",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "webmanifest": "application/manifest+json",
    "xhtml": "application/xhtml+xml",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
BINARY_TYPES = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "gz": "application/gzip",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "zip": "application/zip",
}
INDEX = "index.html"
HASHED_SIZE = 16 << 20
"""Bytes up to which a file's ETag is its content's hash; larger ones go by their place on the disk."""

_hashes: dict[tuple[int, int, int], str] = {}


class Found:
    """A file to send with its status, or a small answer where there is none."""

    __slots__ = ("body", "headers", "path", "status")

    def __init__(
        self, status: int, headers: dict[str, str], path: str | None = None, body: bytes = b""
    ) -> None:
        self.status = status
        self.headers = headers
        self.path = path
        self.body = body


class Reply:
    """Status, headers and the part of the file that is sent."""

    __slots__ = ("headers", "length", "offset", "status")

    def __init__(self, status: int, headers: dict[str, str], offset: int, length: int) -> None:
        self.status = status
        self.headers = headers
        self.offset = offset
        self.length = length


def root_of(place: str) -> tuple[str, str]:
    """The site's real folder and the name of its first page.

    Raises:
        CannotStart: there is none.
    """
    real = os.path.realpath(place)
    if os.path.isfile(real) and place.endswith((".html", ".htm")):
        folder, name = os.path.split(os.path.abspath(place))
        return os.path.realpath(folder), name
    if not os.path.isdir(real):
        raise CannotStart("there is no folder %s" % place)
    return real, INDEX


def find(root: str, target: str, first: str = INDEX) -> Found:
    """The file that a request target means; ``first`` is the page of the root, 404.html stands in for what is not there."""
    raw, mark, query = target.partition("?")
    segments = split(raw)
    if segments is None:
        return refuse(400)
    path = inside(root, segments)
    if path is not None and os.path.isdir(path):
        if not raw.endswith("/"):
            # Relative, so that it is right under any prefix, and never another host.
            return Found(
                301,
                {"Location": "./" + quote(segments[-1]) + "/" + mark + query, "Cache-Control": "no-cache"},
            )
        path = inside(root, [*segments, INDEX if path != root else first])
    elif raw.endswith("/"):
        path = None
    if path is not None and os.path.isfile(path):
        return Found(200, {"Content-Type": content_type(path)}, path)
    own = inside(root, ["404.html"])
    if own is not None and os.path.isfile(own):
        return Found(404, {"Content-Type": content_type(own)}, own)
    return refuse(404)


def split(raw: str) -> list[str] | None:
    """The decoded segments of a path, or ``None`` if it is no path."""
    if not raw.startswith("/"):
        return None
    try:
        segments = [unquote_to_bytes(part).decode("utf-8") for part in raw.split("/")]
    except UnicodeError:
        return None
    if any("\0" in segment for segment in segments):
        return None
    return [segment for segment in segments if segment]


def inside(root: str, segments: list[str]) -> str | None:
    """The real path, if nothing on the way is hidden or leads out of the site."""
    for number, segment in enumerate(segments):
        is_well_known = number == 0 and segment == ".well-known"
        if "/" in segment or (segment.startswith(".") and not is_well_known):
            return None
    path = os.path.realpath(os.path.join(root, *segments))
    if path != root and not path.startswith(root.rstrip("/") + "/"):
        return None
    hidden = any(
        part.startswith(".") and part != ".well-known" for part in os.path.relpath(path, root).split("/")
    )
    return None if hidden and path != root else path


def content_type(path: str) -> str:
    extension = path.rpartition(".")[2].lower()
    if extension in TEXT_TYPES:
        return TEXT_TYPES[extension] + "; charset=utf-8"
    return BINARY_TYPES.get(extension, "application/octet-stream")


def refuse(status: int) -> Found:
    """A page that says no more than the status does."""
    phrase = HTTPStatus(status).phrase
    body = "<!doctype html><meta charset=utf-8><title>%s</title><h1>%s</h1>\n" % (phrase, phrase)
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}
    if status == 405:
        headers["Allow"] = "GET, HEAD"
    return Found(status, headers, body=body.encode("ascii"))


def negotiate(file: BinaryIO, found: Found, asked: Headers) -> Reply:
    """Conditions and ranges of RFC 9110, sections 13 and 14, for an open file."""
    stat = os.fstat(file.fileno())
    etag = etag_of(file, stat)
    headers = dict(found.headers)
    # A new release changes files under the same names: always ask, mostly hear 304.
    headers.update({"ETag": etag, "Cache-Control": "no-cache", "Accept-Ranges": "bytes"})
    # Trees that were made with a fixed time say nothing by it.
    modified = int(stat.st_mtime) if stat.st_mtime > 400_000_000 else None
    if modified is not None:
        headers["Last-Modified"] = formatdate(modified, usegmt=True)
    if found.status != 200:
        return Reply(found.status, headers, 0, stat.st_size)
    if is_unchanged(asked, etag, modified):
        return Reply(304, headers, 0, 0)
    return ranged(asked, headers, stat.st_size)


def etag_of(file: BinaryIO, stat: os.stat_result) -> str:
    """By content where that is cheap: neither name, size nor time tells two releases' files apart."""
    key = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    if stat.st_size > HASHED_SIZE:
        return '"%x-%x-%x"' % key
    if key not in _hashes:
        _hashes[key] = '"%s"' % hashlib.blake2b(file.read(), digest_size=12).hexdigest()
    return _hashes[key]


def is_unchanged(asked: Headers, etag: str, modified: int | None) -> bool:
    """Whether the visitor's copy is still right; If-None-Match decides where both are there."""
    tags = asked.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or etag in [tag.strip().replace("W/", "", 1) for tag in tags.split(",")]
    since = seconds(asked.get("If-Modified-Since"))
    return modified is not None and since is not None and modified <= since


def seconds(date: str | None) -> float | None:
    """An HTTP date as Unix seconds; ``None`` for none and for nonsense."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def ranged(asked: Headers, headers: dict[str, str], size: int) -> Reply:
    """The whole file, one range of it, or 416; several ranges are answered by the whole file, as is allowed."""
    unit, _, text = (asked.get("Range") or "").partition("=")
    known = (headers["ETag"], headers.get("Last-Modified"))
    if unit.strip().lower() != "bytes" or (asked.get("If-Range") or known[0]) not in known:
        return Reply(200, headers, 0, size)
    first, dash, last = text.strip().partition("-")
    first, last = first.strip(), last.strip()
    is_range = bool(dash) and all(not end or (end.isascii() and end.isdigit()) for end in (first, last))
    if not is_range or not (first or last) or len(first + last) > 40:
        return Reply(200, headers, 0, size)
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return Reply(200, headers, 0, size)
    if start >= size or (not first and int(last) == 0):
        return Reply(416, dict(headers, **{"Content-Range": "bytes */%d" % size}), 0, 0)
    headers["Content-Range"] = "bytes %d-%d/%d" % (start, stop - 1, size)
    return Reply(206, headers, start, stop - start)
