"""What a wheel's file says of itself, whether an interpreter can use it, and the stub that a resolver is shown of it.

The file is hostile: nothing of it is unpacked here, and what it asks for must come from an index or an address.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812 - it is a class

from packaging import tags
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from tholos.runtime.interpreters import Interpreter

METADATA_LIMIT = 4 << 20
"""Bytes of one wheel's metadata; a readme stands in it."""
_REMOTE = re.compile(r"(?:git\+)?(?:https?|ssh)://", re.IGNORECASE)


class NotAWheel(ValueError):
    """It cannot be installed; the text is the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a wheel says of itself."""

    name: str
    version: str
    tags: frozenset[Tag]
    metadata: bytes

    @property
    def shown_tags(self) -> str:
        """Its tags as they stand in names of files."""
        return ", ".join(sorted(map(str, self.tags))[:4])


def read(path: Path) -> Facts:
    """The facts of a wheel.

    Raises:
        NotAWheel: its name or what is in it is none of a wheel's.
    """
    try:
        name, version, _, found = parse_wheel_filename(path.name)
    except InvalidWheelFilename:
        raise NotAWheel("its name is none of a wheel's, such as name-1.0-py3-none-any.whl") from None
    metadata = _metadata(path, name)
    headers = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    if canonicalize_name(str(headers["Name"])) != name:
        raise NotAWheel(f"by its name it is {name}, and {str(headers['Name'])[:80]} is in it")
    _refuse_local(headers.get_all("Requires-Dist") or [])
    return Facts(str(name), str(version), found, metadata)


def _metadata(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if _is_metadata(entry.filename, name)]
            if len(entries) != 1:
                raise NotAWheel("it lacks the METADATA of a wheel")
            with archive.open(entries[0]) as file:
                found = file.read(METADATA_LIMIT + 1)
    except (zipfile.BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, OSError):
        raise NotAWheel("it is damaged, or no wheel") from None
    if len(found) > METADATA_LIMIT:
        raise NotAWheel("its METADATA is too large")
    return found


def _is_metadata(entry: str, name: str) -> bool:
    folder, _, rest = entry.partition("/")
    said = folder.removesuffix(".dist-info").rpartition("-")[0]
    return rest == "METADATA" and folder.endswith(".dist-info") and canonicalize_name(said) == name


def _refuse_local(wanted: list[str]) -> None:
    for one in wanted:
        try:
            address = Requirement(one).url
        except InvalidRequirement:
            continue  # uv says which
        if address and not _REMOTE.match(address):
            raise NotAWheel(
                f"it asks for {one[:80]!r}, and only packages of an index or an address are there"
            )


def fits(facts: Facts, interpreter: Interpreter) -> bool:
    """Whether an interpreter of this machine can use a wheel."""
    return any(one in facts.tags for one in _tags_of(interpreter, facts))


def shown_tag(interpreter: Interpreter) -> str:
    """The tag that is best for an interpreter of this machine."""
    return str(next(_tags_of(interpreter, None)))


def _tags_of(interpreter: Interpreter, facts: Facts | None) -> Iterator[Tag]:
    major, minor = map(int, interpreter.version.split(".")[:2])
    platforms = [*tags.platform_tags()]
    number = f"{major}{minor}"
    if interpreter.implementation == "cpython":
        name = f"cp{number}"
        abi = f"{name}t" if interpreter.is_threaded else name
        yield from tags.cpython_tags((major, minor), [abi], platforms)
    else:
        name = f"{'pp' if interpreter.implementation == 'pypy' else interpreter.implementation}{number}"
        abis = (
            sorted({one.abi for one in facts.tags}) if facts else []
        )  # only the wheel knows how its ABI is called
        yield from tags.generic_tags(name, abis, platforms)
    yield from tags.compatible_tags((major, minor), name, platforms)


def write_stub(facts: Facts, folder: Path) -> Path:
    """A wheel that has the metadata and nothing else, and that every interpreter takes: enough to resolve by."""
    stem = f"{facts.name.replace('-', '_')}-{facts.version}"
    path = folder / f"{stem}-py3-none-any.whl"
    tag = "Wheel-Version: 1.0\nGenerator: tholos\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", facts.metadata)
        archive.writestr(f"{stem}.dist-info/WHEEL", tag)
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path
