"""Where a body ends, and what is written for the piece of it that arrived. No I/O."""

from __future__ import annotations

from tholos.gateway.answers import UNTIL_CLOSE
from tholos.gateway.chunks import Chunks
from tholos.gateway.incoming import CHUNKED


class RequestBody:
    """Follows a request's body; it is handed on in the framing it came in.

    Attributes:
        done: all of it was taken.
    """

    __slots__ = ("_chunks", "_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self._chunks = Chunks() if length == CHUNKED else None
        self.done = length == 0

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """What belongs to the body, and what follows it.

        Raises:
            BadChunk: it is chunked, and not well-formed.
        """
        if self._chunks is not None:
            taken = self._chunks.feed(data)
            self.done = self._chunks.done
            return taken
        rest = data[self._left :] if len(data) > self._left else b""
        piece = data[: self._left]
        self._left -= len(piece)
        self.done = not self._left
        return piece, rest


class AnswerBody:
    """Follows an answer's body and frames it for the client.

    Chunks go to an HTTP/1.1 client as they came, to an older one as bare data. A body that ends with the upstream's
    connection becomes chunks, so that its end can be told from a cut and the client's connection goes on.

    Attributes:
        done: all of it was taken.
        surplus: something came behind it, which nobody asked for.
    """

    __slots__ = ("_chunks", "_left", "_recode", "done", "surplus")

    def __init__(self, length: int, *, is_11: bool) -> None:
        self._left = length
        self._chunks = Chunks(keep_coding=is_11) if length == CHUNKED else None
        self._recode = is_11 and length == UNTIL_CLOSE
        self.done = length == 0
        self.surplus = False

    def take(self, data: bytes) -> bytes:
        """What is to be written for a piece that arrived.

        Raises:
            BadChunk: it is chunked, and not well-formed.
        """
        if self._left > 0:
            if len(data) > self._left:
                self.surplus = True
                data = data[: self._left]
            self._left -= len(data)
            self.done = not self._left
        elif self._chunks is not None:
            data, rest = self._chunks.feed(data)
            self.done = self._chunks.done
            self.surplus = bool(rest)
        elif self._recode:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        return data

    def end(self) -> bytes | None:
        """What is to be written when the upstream's connection ends; None if that leaves the body incomplete."""
        if self._left != UNTIL_CLOSE:
            return None
        self.done = True
        return b"0\r\n\r\n" if self._recode else b""

    @property
    def shows_its_end(self) -> bool:
        """Whether the client can tell a cut from the end, however its connection ends."""
        return self._left > 0 or self._recode or (self._chunks is not None and self._chunks.keeps_coding)
