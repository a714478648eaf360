"""Bringing a tree or an archive to the server: what it lacks, in packs, several at a time, then the snapshot."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tholos.cli.console import Console
from tholos.cli.source import Source
from tholos.client.core import Core
from tholos.client.errors import RemoteConflict
from tholos.client.model import Snapshot
from tholos.client.transport import Body
from tholos.kit.errors import TholosError, Unavailable
from tholos.store import packs
from tholos.store.folder import Scan
from tholos.store.model import Chunk

LANES = 4
ASKED_AT_ONCE = 10_000
TRIES = 3
BLOCK = 256 * 1024


class UploadUnsettled(Unavailable):
    """Cannot send the folder: the server goes on lacking parts of it."""

    code = "upload_unsettled"


@dataclass(frozen=True, slots=True)
class Sent:
    """What is there now and what it took."""

    snapshot: Snapshot
    sent_bytes: int
    seconds: float

    def to_json(self) -> dict[str, object]:
        """As the publish call and ``--json`` tell it."""
        return {
            "files": self.snapshot.files,
            "bytes": self.snapshot.bytes,
            "sent_bytes": self.sent_bytes,
            "seconds": round(self.seconds, 3),
        }


def upload_tree(
    client: Core,
    scan: Scan,
    console: Console,
    *,
    is_untouched: bool,
    look_first: Callable[[int], None] | None = None,
) -> Sent:
    """Send what the server lacks of a folder and make the snapshot.

    A folder that is as it was published last is likely to be there already: then one question is saved by making the
    snapshot at once, whose refusal names what is missing.

    Args:
        client: of the server.
        scan: what the folder has.
        console: to show progress on.
        is_untouched: whether it is likely to be there.
        look_first: is called with the bytes that are about to be sent, and may raise.

    Raises:
        FileChanged: a file is no longer what the scan found.
    """
    started = time.monotonic()
    files = [file.to_json() for file in scan.tree.files]
    missing = None if is_untouched else find_missing(client, scan)
    sent = 0
    for _ in range(TRIES):
        if missing and look_first:
            look_first(count_missing(scan, missing)[1])
        sent += send_chunks(client, scan, missing or set(), console)
        snapshot, missing = make_snapshot(client, files)
        if snapshot:
            return Sent(snapshot, sent, time.monotonic() - started)
    raise UploadUnsettled(
        "Cannot send the folder: the server lacks parts of it again and again.", fix="try again"
    )


def make_snapshot(client: Core, files: Sequence[dict[str, object]]) -> tuple[Snapshot | None, set[str]]:
    """The snapshot, or the chunks that it lacks."""
    try:
        return client.create_snapshot(files), set()
    except RemoteConflict as error:
        missing = error.details.get("missing")
        if not isinstance(missing, list) or not missing:
            raise
        return None, {str(one) for one in missing}


def find_missing(client: Core, scan: Scan) -> set[str]:
    """The chunks of a folder that the server lacks."""
    hashes = sorted({chunk.sha256 for file in scan.tree.files for chunk in file.chunks})
    return {one for some in in_batches(hashes, ASKED_AT_ONCE) for one in client.missing(some)}


def count_missing(scan: Scan, missing: set[str]) -> tuple[int, int]:
    """How many files and bytes that is; a chunk counts once."""
    files = sum(any(chunk.sha256 in missing for chunk in file.chunks) for file in scan.tree.files)
    sizes = {
        chunk.sha256: chunk.size
        for file in scan.tree.files
        for chunk in file.chunks
        if chunk.sha256 in missing
    }
    return files, sum(sizes.values())


def send_chunks(client: Core, scan: Scan, missing: set[str], console: Console) -> int:
    """Send chunks in packs, up to four at a time; answers the bytes sent."""
    batches = list(
        packs.plan(chunk for file in scan.tree.files for chunk in file.chunks if chunk.sha256 in missing)
    )
    total = sum(chunk.size for batch in batches for chunk in batch)

    def send(batch: list[Chunk]) -> int:
        size = sum(chunk.size for chunk in batch)
        hashes = [chunk.sha256 for chunk in batch]
        client.send_pack(
            size + len(batch) * packs.HEADER_SIZE, lambda: in_blocks(packs.encode(scan.read_chunks(hashes)))
        )
        return size

    done = 0
    for size in in_lanes(send, batches):
        done += size
        console.progress("upload", done, total)
    console.clear()
    return done


def in_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Small pieces joined, so that a pack of thousands of them is not as many writes, and never held as a whole."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def in_lanes(work: Callable[[list[Chunk]], int], batches: Sequence[list[Chunk]]) -> Iterator[int]:
    """Do pieces of work in up to four threads; yield their results as they come, raise the first error.

    The threads are daemons: an interrupted command must not wait for a server that is away.
    """
    todo: queue.SimpleQueue[list[Chunk] | None] = queue.SimpleQueue()
    results: queue.SimpleQueue[int | Exception] = queue.SimpleQueue()
    stop = threading.Event()

    def lane() -> None:
        while (batch := todo.get()) is not None and not stop.is_set():
            result: int | Exception = UploadUnsettled("Cannot send a pack: see the traceback above.")
            try:
                result = work(batch)
            except (TholosError, OSError) as error:
                result = error
            finally:
                results.put(result)

    lanes = min(LANES, len(batches))
    for batch in (*batches, *[None] * lanes):
        todo.put(batch)
    for _ in range(lanes):
        threading.Thread(target=lane, daemon=True).start()
    try:
        for _ in batches:
            result = results.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        stop.set()


def upload_archive(client: Core, source: Source, console: Console) -> Sent:
    """Send an archive as it is, block by block."""
    started = time.monotonic()
    size = source.path.stat().st_size

    def read() -> Iterator[bytes]:
        done = 0
        with source.path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
                done += len(block)
                console.progress("upload", done, size)

    snapshot = client.send_archive(Body(size, read, source.content_type))
    console.clear()
    return Sent(snapshot, size, time.monotonic() - started)


def in_batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
