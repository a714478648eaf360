"""Checking trees that strangers send, and their JSON form. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping

from tholos.store import packs, paths
from tholos.store.errors import BadTree
from tholos.store.model import Chunk, File, Sha256, Tree

MAX_FILES = 100_000

_HASH = re.compile(r"[0-9a-f]{64}")
_EMPTY = Sha256(hashlib.sha256(b"").hexdigest())
_FIX = "Scan the folder again and send what the scan says."


def is_hash(text: object) -> bool:
    return isinstance(text, str) and bool(_HASH.fullmatch(text))


def check(tree: Tree) -> None:
    """Check everything about a tree that can be checked without its bytes.

    Raises:
        BadPath: a path is not canonical.
        BadTree: paths are not sorted, occur twice or lie below a file; sizes or hashes do not fit together.
    """
    if len(tree.files) > MAX_FILES:
        raise BadTree(
            f"Cannot keep this snapshot: it has more than {MAX_FILES} files.", fix="Send fewer files."
        )
    for file in tree.files:
        paths.check(file.path)
        _check_file(file)
    conflict = paths.find_conflict(file.path for file in tree.files)
    if conflict:
        raise BadTree(f"Cannot keep this snapshot: {conflict}.", fix=_FIX)
    if tree != Tree.of(tree.files):
        raise BadTree("Cannot keep this snapshot: its files are not sorted by path.", fix=_FIX)


def _check_file(file: File) -> None:
    if not is_hash(file.sha256):
        raise _bad(file.path, "its hash is not a SHA-256 in lower-case hexadecimal")
    for chunk in file.chunks:
        if not is_hash(chunk.sha256) or not 1 <= chunk.size <= packs.MAX_CHUNK:
            raise _bad(file.path, "it has a chunk of a wrong hash or size")
    if file.size != sum(chunk.size for chunk in file.chunks):
        raise _bad(file.path, "its size is not the sum of its chunks")
    single = file.chunks[0].sha256 if file.chunks else _EMPTY
    if len(file.chunks) < 2 and file.sha256 != single:
        raise _bad(file.path, "its hash is not that of its bytes")


def proof_of(file: File) -> bytes:
    """A name for the fact that these chunks in this order make the bytes of this hash."""
    text = ",".join((file.sha256, *(chunk.sha256 for chunk in file.chunks)))
    return hashlib.sha256(text.encode()).digest()


def to_json(tree: Tree) -> list[dict[str, object]]:
    return [file.to_json() for file in tree.files]


def from_json(value: object) -> Tree:
    """Read a tree from JSON that a stranger sent; `check` says whether it also makes sense.

    Raises:
        BadTree: a field is missing or of another type; `where` names it.
    """
    if not isinstance(value, list):
        raise BadTree("Cannot read the snapshot: it is not a list of files.", where="files", fix=_FIX)
    if len(value) > MAX_FILES:
        raise BadTree(
            f"Cannot read the snapshot: it has more than {MAX_FILES} files.", fix="Send fewer files."
        )
    return Tree.of(_file_from_json(number, item) for number, item in enumerate(value))


def _file_from_json(number: int, item: object) -> File:
    where = f"files[{number}]"
    if not isinstance(item, Mapping):
        raise BadTree("Cannot read the snapshot: a file is not an object.", where=where, fix=_FIX)
    path, size, sha256 = item.get("path"), item.get("size"), item.get("sha256")
    executable, chunks = item.get("executable", False), item.get("chunks")
    if not isinstance(path, str) or not isinstance(sha256, str) or not isinstance(executable, bool):
        raise BadTree(
            "Cannot read the snapshot: path, sha256 or executable is missing.", where=where, fix=_FIX
        )
    if type(size) is not int or size < 0 or not isinstance(chunks, list):
        raise BadTree("Cannot read the snapshot: size or chunks is missing or wrong.", where=where, fix=_FIX)
    paths.check(path)
    return File(
        path, size, Sha256(sha256), executable, tuple(_chunk_from_json(where, each) for each in chunks)
    )


def _chunk_from_json(where: str, item: object) -> Chunk:
    match item:
        case [str(sha256), int(size)] if type(size) is int:
            return Chunk(Sha256(sha256), size)
    raise BadTree("Cannot read the snapshot: a chunk is not [hash, size].", where=f"{where}.chunks", fix=_FIX)


def pack(tree: Tree) -> bytes:
    """The tree as compressed JSON, the form in which an index keeps it."""
    return zlib.compress(json.dumps(to_json(tree), ensure_ascii=False, separators=(",", ":")).encode(), 1)


def unpack(data: bytes) -> Tree:
    """The tree that `pack` packed; it was checked before it was packed."""
    return Tree(
        tuple(
            File(
                item["path"],
                item["size"],
                item["sha256"],
                item["executable"],
                tuple(Chunk(sha256, size) for sha256, size in item["chunks"]),
            )
            for item in json.loads(zlib.decompress(data))
        )
    )


def _bad(path: str, reason: str) -> BadTree:
    return BadTree(f"Cannot keep the file {path!r}: {reason}.", fix=_FIX, where=path)
