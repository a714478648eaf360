"""HTTP of content: which chunks are missing, send them, name a snapshot. The same three verbs for every kind of content."""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO, Annotated

from fastapi import Body, Request
from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.db import JsonObject
from tholos.kit.errors import Invalid
from tholos.kit.threads import in_thread
from tholos.store import archives
from tholos.store.errors import StoreFull
from tholos.store.model import Chunk, File, Scope, Sha256, Tree
from tholos.store.store import Store

ARCHIVE_TYPES = frozenset({
    "application/gzip", "application/x-gzip", "application/x-tar", "application/zip", "application/octet-stream",
})  # fmt: skip
PACK_LIMIT = 9 << 20
SPOOLED_IN_MEMORY = 8 << 20
JSON_LIMIT = 32 << 20
CHUNKS_AT_MOST = 100_000
"""Of one file: at the size that chunks have on average, 25 GB."""

PACK_TYPE = "application/vnd.tholos.pack"

routes = Routes(prefix="/api/v1", tags=["content"])


def _body_of(*types: str) -> JsonObject:
    """What OpenAPI says of a body that is read as it comes."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(types, schema)}}


class BodyTooLarge(Invalid):
    """Cannot take this body: it is too large."""

    code = "body_too_large"
    usual_fix = "Send less at once."


class HashesIn(BaseModel):
    hashes: list[str] = Field(max_length=10_000)


class MissingOut(BaseModel):
    missing: list[str]


class StoredOut(BaseModel):
    stored: int
    bytes: int


class FileIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str = Field(max_length=4096)
    size: int = Field(ge=0, lt=1 << 50)
    sha256: str = Field(max_length=64)
    executable: bool = False
    chunks: list[tuple[str, int]] = Field(max_length=CHUNKS_AT_MOST)

    def to_file(self) -> File:
        chunks = tuple(Chunk(Sha256(name), size) for name, size in self.chunks)
        return File(self.path, self.size, Sha256(self.sha256), self.executable, chunks)


class TreeIn(BaseModel):
    files: list[FileIn] = Field(max_length=200_000)


class SnapshotOut(BaseModel):
    id: str
    files: int
    bytes: int


def scope_of(call: Call) -> Scope:
    return Scope(call.actor.account_id)


@routes.declare("POST", "/content/missing", permission=Permission.PUBLISH)
def find_missing(call: Calling, body: Annotated[HashesIn, Body()]) -> MissingOut:
    """Which of at most 10,000 chunks one has not sent yet."""
    return MissingOut(missing=list(call.get(Store).missing(scope_of(call), body.hashes)))


@routes.declare(
    "POST",
    "/content/packs",
    permission=Permission.PUBLISH,
    status_code=201,
    openapi_extra=_body_of(PACK_TYPE),
)
async def add_pack(call: Calling, request: Request) -> StoredOut:
    """Store a pack of chunks."""
    async with asyncio.timeout(600):
        with tempfile.SpooledTemporaryFile(max_size=PACK_LIMIT) as spool:
            await spool_body(request, spool, PACK_LIMIT)
            receipt = await in_thread(call.get(Store).add_pack, scope_of(call), spool)
    return StoredOut(stored=receipt.chunks, bytes=receipt.size)


@routes.declare(
    "POST",
    "/snapshots",
    permission=Permission.PUBLISH,
    status_code=201,
    openapi_extra=_body_of(*sorted(ARCHIVE_TYPES)),
)
async def add_snapshot(call: Calling, request: Request) -> SnapshotOut:
    """A tree by its chunks (JSON), or an archive that is unpacked here."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED_IN_MEMORY) as spool:
        if media_type in ARCHIVE_TYPES:
            await spool_body(request, spool, archives.Limits().packed)
            tree = await in_thread(_add_archive, call, spool)
        else:
            await spool_body(request, spool, JSON_LIMIT)
            tree = await in_thread(_add_tree, call, spool)
    return SnapshotOut(id=tree.id, files=len(tree.files), bytes=tree.size)


def _add_tree(call: Call, spool: IO[bytes]) -> Tree:
    files = TreeIn.model_validate_json(spool.read()).files
    tree = Tree.of(file.to_file() for file in files)
    call.get(Store).add_snapshot(scope_of(call), tree)
    return tree


def _add_archive(call: Call, spool: IO[bytes]) -> Tree:
    return archives.unpack(call.get(Store), scope_of(call), spool).tree


async def spool_body(request: Request, spool: IO[bytes], limit: int) -> None:
    """Take a body in as it comes, on disk where it is large.

    Raises: BodyTooLarge.
    """
    too_large = BodyTooLarge(f"Cannot take this body: it has more than {limit} bytes.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise too_large
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise too_large
        try:
            spool.write(piece)
        except OSError as error:
            raise StoreFull(
                f"Cannot take this body: {error.strerror}.", fix="Free some space on the server's disk."
            ) from error
    spool.seek(0)
