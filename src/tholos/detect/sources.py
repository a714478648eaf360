"""Reading a file tree within limits: which files count, text with its encoding, Python as a syntax tree.

Everything that comes in is hostile: names, encodings, sizes, nesting. What cannot be read is an error that names the file
and the line; no ``RecursionError``, ``MemoryError`` or ``UnicodeError`` of a parser gets out. What the sources mean is for
the other modules.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from tholos.detect import errors
from tholos.detect.model import FileTree

SOURCE_LIMIT = 512 << 10
"""Bytes of one Python file; generated code beyond that is not where an app is defined."""
SOURCES_LIMIT = 2 << 20
"""Bytes of Python that one detection parses, less than a second's worth."""
DOCUMENT_LIMIT = 1 << 20
"""Bytes of a requirements or project file."""

LOCK_LIMIT = 32 << 20
"""Bytes of a lock file."""
DEPTH_LIMIT = 32

_UNSEEN = frozenset({"__pycache__", "node_modules", "site-packages", "__pypackages__"})
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
_TEXT_CODEC = re.compile(
    r"(utf|u8|ascii|us.ascii|latin|l\d|iso|8859|cp\d|windows|koi8|gb|big5|euc|s?hift|sjis|mac|johab|tis|hz)",
    re.IGNORECASE,
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_TOML_LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed Python file."""

    path: str
    tree: ast.Module


class Folder:
    """A file tree with what was already read of it; lives for one detection."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self.paths = frozenset(path for path in tree.paths() if _is_plain(path))
        self._environments = {
            path[: -len("pyvenv.cfg")] for path in self.paths if path.endswith("/pyvenv.cfg")
        }
        self.python = tuple(
            sorted(path for path in self.paths if path.endswith(".py") and self._is_own(path))
        )
        self.folders = frozenset(_folders(self.python))
        self._parsed: dict[str, Source | errors.SourceBroken | errors.SourceTooLarge] = {}
        self._bytes: dict[str, bytes] = {}
        self._texts: dict[str, str] = {}
        self._spent = 0
        self.unread: dict[str, str] = {}
        """Python files that were left out, and why."""

    def _is_own(self, path: str) -> bool:
        parts = path.split("/")[:-1]
        if any(part in _UNSEEN or part.startswith(".") for part in parts):
            return False
        return not any(path.startswith(environment) for environment in self._environments)

    def read(self, path: str) -> bytes:
        """A Python file's bytes, one more than the limit where it is larger."""
        if path not in self._bytes:
            self._bytes[path] = self._tree.read(path, SOURCE_LIMIT + 1)
        return self._bytes[path]

    def parse(self, path: str) -> Source:
        """The syntax tree of a Python file.

        Raises:
            SourceBroken: it is no Python, or none of this interpreter's version.
            SourceTooLarge: it, or all files read so far, exceed the limits.
        """
        if path not in self._parsed:
            self._parsed[path] = self._parse(path)
        parsed = self._parsed[path]
        if isinstance(parsed, Source):
            return parsed
        raise parsed

    def find(self, path: str) -> Source | None:
        """As ``parse``, with what cannot be read noted in ``unread``."""
        try:
            return self.parse(path)
        except errors.SourceBroken as error:
            self.unread[path] = error.message
        except errors.SourceTooLarge as error:
            self.unread[path] = error.message
        return None

    def _parse(self, path: str) -> Source | errors.SourceBroken | errors.SourceTooLarge:
        data = self.read(path)
        if len(data) > SOURCE_LIMIT:
            return errors.SourceTooLarge(
                f"Cannot read {path}: it is larger than {SOURCE_LIMIT >> 10} kB.", where=path
            )
        if self._spent + len(data) > SOURCES_LIMIT:
            return errors.SourceTooLarge(
                f"Cannot read {path}: the files read before it are {SOURCES_LIMIT >> 20} MB of Python already.",
                where=path,
                fix="Name the entry point with --entrypoint and the packages with --requirements.",
            )
        self._spent += len(data)
        return _parse(path, data)

    def text(self, path: str) -> str:
        """A document's text, by its byte order mark or as UTF-8.

        Raises:
            FileMalformed: it is no text, or too large.
        """
        if path not in self._texts:
            self._texts[path] = self._decoded(path)
        return self._texts[path]

    def _decoded(self, path: str) -> str:
        limit = LOCK_LIMIT if "lock" in path.rpartition("/")[2] else DOCUMENT_LIMIT
        data = self._tree.read(path, limit + 1)
        if len(data) > limit:
            raise errors.FileMalformed(f"Cannot read {path}: it is larger than {limit >> 20} MB.", where=path)
        codec = next((codec for mark, codec in _MARKS if data.startswith(mark)), "utf-8")
        try:
            text = data.decode(codec)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise malformed(path, line, f"it is not {codec} text", fix="Save the file as UTF-8.") from None
        if "\0" in text:
            raise malformed(path, text.count("\n", 0, text.index("\0")) + 1, "it holds a zero byte")
        return text

    def toml(self, path: str) -> dict[str, object]:
        """A TOML document.

        Raises:
            FileMalformed: with the line that the parser names.
        """
        text = self.text(path)
        import tomllib  # start-up time: many folders have no such file

        try:
            return tomllib.loads(text.replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError as error:
            reason = str(error)
        except RecursionError:
            reason = "it is nested too deeply"
        except ValueError as error:  # numbers beyond the interpreter's limit of digits
            reason = str(error)
        found = _TOML_LINE.search(reason)
        line = int(found[1]) if found else max(1, text.rstrip("\n").count("\n") + 1)
        raise malformed(path, line, f"it is not valid TOML ({reason})")


def malformed(path: str, line: int, reason: str, fix: str = "") -> errors.FileMalformed:
    """The error for one line of a document."""
    where = f"{path}:{line}" if line else path
    return errors.FileMalformed(
        f"Cannot read {where}: {reason}.",
        where=where,
        fix=fix or "Correct it, or name another source with --requirements.",
    )


def line_of(text: str, pattern: str) -> int:
    """The 1-based line where a pattern first matches, 0 where it does not."""
    found = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _is_plain(path: str) -> bool:
    parts = path.split("/")
    return len(parts) <= DEPTH_LIMIT and not any(part in {"", ".", ".."} or "\0" in part for part in parts)


def _folders(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder:
            yield folder
            folder = folder.rpartition("/")[0]


def _parse(path: str, data: bytes) -> Source | errors.SourceBroken:
    codec = _cookie(data)
    if codec and not _TEXT_CODEC.match(codec):
        return _broken(path, 1, f"its coding line names {codec!r}, which is no text encoding")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an app's "\d" is no business of the publisher's terminal
            return Source(path, ast.parse(data, path))
    except SyntaxError as error:
        return _broken(path, error.lineno or 1, error.msg or "invalid syntax", _shown(data, error, codec))
    except (RecursionError, MemoryError):
        return _broken(path, 1, "its expressions are nested too deeply")
    except (ValueError, OverflowError, LookupError) as error:
        return _broken(path, 1, str(error))


def _cookie(data: bytes) -> str:
    for line in data.split(b"\n", 2)[:2]:
        found = _COOKIE.match(line.removeprefix(b"\xef\xbb\xbf"))
        if found:
            return found[1].decode("ascii", "replace")
    return ""


def _shown(data: bytes, error: SyntaxError, codec: str) -> str:
    if error.text:
        return error.text.strip()[:200]
    lines = data.splitlines()
    number = (error.lineno or 1) - 1
    try:
        return lines[number].decode(codec or "utf-8", "replace").strip()[:200] if number < len(lines) else ""
    except LookupError:
        return ""


def _broken(path: str, line: int, reason: str, shown: str = "") -> errors.SourceBroken:
    line = max(1, line)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return errors.SourceBroken(
        f"Cannot read {path}:{line}: {reason.removesuffix('.')}." + (f"\n    {shown}" if shown else ""),
        where=f"{path}:{line}",
        fix=f"Correct the line. Python {version} read it; for an app of a newer one give --python, --entrypoint and --kind.",
        line=shown,
    )
