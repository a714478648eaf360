"""The chunked coding (RFC 9112 7.1) of a body in passing: checked, and handed on as it came. No I/O.

Chunk extensions and trailers are dropped: no hop has to know them, and both have been used to smuggle.
"""

from __future__ import annotations

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_LONGEST_LINE = 4096
_MOST_TRAILERS = 16 * 1024
_END = b"0\r\n\r\n"

_IN_SIZE, _IN_DATA, _IN_DATA_END, _IN_TRAILERS = range(4)


class BadChunk(ValueError):
    """The body is not in the chunked coding."""


class Chunks:
    """Follows one chunked body.

    Args:
        keep_coding: hand on chunks as such; False hands on their data alone.

    Attributes:
        done: the last chunk and its trailers were read.
    """

    __slots__ = ("_left", "_line", "_state", "_trailers", "done", "keeps_coding")

    def __init__(self, *, keep_coding: bool = True) -> None:
        self.keeps_coding = keep_coding
        self._state = _IN_SIZE
        self._left = 0
        self._line = b""
        self._trailers = 0
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What is to be handed on, and what follows the body.

        Raises:
            BadChunk: a size, line end or trailer is not of the form that RFC 9112 prescribes.
        """
        if self._line:
            data, self._line = self._line + data, b""
        out: list[bytes] = []
        position = 0
        size = len(data)
        while position < size and not self.done:
            if self._state == _IN_DATA:
                position = self._take_data(data, position, out)
            else:
                after = self._take_line(data, position, out)
                if after == position:
                    self._line = data[position:]
                    return b"".join(out), b""
                position = after
        return (out[0] if len(out) == 1 else b"".join(out)), data[position:]

    def _take_data(self, data: bytes, position: int, out: list[bytes]) -> int:
        end = min(position + self._left, len(data))
        out.append(data[position:end])
        self._left -= end - position
        if not self._left:
            self._state = _IN_DATA_END
        return end

    def _take_line(self, data: bytes, position: int, out: list[bytes]) -> int:
        """The position after the line that starts here; the same position if the line is not complete."""
        if self._state == _IN_DATA_END:
            return self._take_data_end(data, position, out)
        if self._state == _IN_SIZE:
            return self._take_size(data, position, out)
        return self._take_trailer(data, position, out)

    def _take_data_end(self, data: bytes, position: int, out: list[bytes]) -> int:
        end = data[position : position + 2]
        if end != b"\r\n":
            if end == b"\r":
                return position
            raise BadChunk("a chunk is longer than its size")
        if self.keeps_coding:
            out.append(end)
        self._state = _IN_SIZE
        return position + 2

    def _take_size(self, data: bytes, position: int, out: list[bytes]) -> int:
        match = _SIZE.match(data, position)
        if match is None:
            _refuse_early(data, position, _LONGEST_LINE)
            return position
        self._left = int(match[1], 16)
        if not self._left:
            self._state = _IN_TRAILERS
        else:
            self._state = _IN_DATA
            if self.keeps_coding:
                out.append(match[1] + b"\r\n" if match[2] else match[0])
        return match.end()

    def _take_trailer(self, data: bytes, position: int, out: list[bytes]) -> int:
        if data.startswith(b"\r\n", position):
            self.done = True
            if self.keeps_coding:
                out.append(_END)
            return position + 2
        match = _TRAILER.match(data, position)
        if match is None:
            _refuse_early(data, position, _MOST_TRAILERS)
            return position
        self._trailers += match.end() - position
        if self._trailers > _MOST_TRAILERS:
            raise BadChunk("the trailers are too long")
        return match.end()


def _refuse_early(data: bytes, position: int, longest: int) -> None:
    """A line that is complete and did not match will never match; nor will one without an end in sight."""
    if data.find(b"\n", position) >= 0 or len(data) - position > longest:
        raise BadChunk("a chunk's size or a trailer is not well-formed")
