"""What can go wrong with content; each is one of the five kinds of `tholos.kit.errors`."""

from __future__ import annotations

from collections.abc import Collection

from tholos.kit.errors import Conflict, Invalid, NotFound, Unavailable

_NAMED = 10_000


class StoreFull(Unavailable):
    """Cannot store this: the disk is full."""

    code = "store_full"


class StoreDamaged(Unavailable):
    """Cannot read this: the stored bytes are not those that were sent."""

    code = "store_damaged"


class StoreUnusable(Unavailable):
    """Cannot use the store: its files cannot be read or written."""

    code = "store_unusable"


class UnknownSnapshot(NotFound):
    """There is no such snapshot here."""

    code = "unknown_snapshot"


class UnknownFile(NotFound):
    """There is no such file in this snapshot."""

    code = "unknown_file"


class UnknownBlob(NotFound):
    """There is no such object in the store's backend."""

    code = "unknown_blob"


class DestinationExists(Conflict):
    """Cannot check out: there is something at the destination."""

    code = "destination_exists"


class MissingChunks(Conflict):
    """Cannot keep this snapshot: chunks of it were not sent.

    Attributes:
        hashes: the missing ones, sorted; `details` names at most 10,000 of them.
    """

    code = "missing_chunks"

    def __init__(self, hashes: Collection[str]) -> None:
        self.hashes = tuple(sorted(hashes))
        super().__init__(
            f"Cannot keep this snapshot: {len(self.hashes)} of its chunks were not sent.",
            fix="Ask which chunks are missing, send those, then add the snapshot again.",
            missing=list(self.hashes[:_NAMED]),
        )


class BadHash(Invalid):
    """Cannot look for this chunk: its name is not a SHA-256 in lower-case hexadecimal."""

    code = "bad_hash"


class BadPath(Invalid):
    """Cannot take this file: its path is not one that a snapshot can hold."""

    code = "bad_path"


class BadTree(Invalid):
    """Cannot keep this snapshot: its list of files contradicts itself or its chunks."""

    code = "bad_tree"


class BadPack(Invalid):
    """Cannot take this pack: it is not of the pack format."""

    code = "bad_pack"


class BadArchive(Invalid):
    """Cannot unpack this archive: it is not of a form that is safe to unpack."""

    code = "bad_archive"


class BadFolder(Invalid):
    """Cannot scan this folder: something in it cannot be sent."""

    code = "bad_folder"


class TooMuch(Invalid):
    """Cannot take this: it is larger than the limit."""

    code = "too_much"


class FileChanged(Unavailable):
    """Cannot read this file: it changes while it is being read."""

    code = "file_changed"
