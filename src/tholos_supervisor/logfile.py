"""The log of one instance: its output, our marker lines, and an upper bound on the disk it holds.

Old bytes are given back by punching a hole, so that offsets stay valid for readers and no byte is lost while
that happens. Reading is the server's.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from tholos_supervisor import native
from tholos_supervisor.processes import boot_seconds

BLOCK = 4096
LOOK_AGAIN_S = (0.1, 5.0)
"""Shortest and longest time between two looks at a log."""
COPY_STEP = 1 << 20


class LogFile:
    """An open log, append-only for everybody.

    Args:
        path: of the log.
        limit: bytes that it may hold on the disk.
        moved: told of an offset and the one that what stood there has now, where the log had to begin anew.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """

    def __init__(
        self, path: str, limit: int, moved: Callable[[int, int], None] = lambda _before, _after: None
    ) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW
        self.fd = os.open(path, flags, 0o600)
        if not stat.S_ISREG(os.fstat(self.fd).st_mode):
            os.close(self.fd)
            raise OSError(errno.EINVAL, "it is no regular file", path)
        os.set_blocking(self.fd, True)
        self._limit = limit
        self._moved = moved
        self.given_back = 0
        """Offset before which it has no bytes any more."""
        self._seen_size, self._seen_at = os.fstat(self.fd).st_size, boot_seconds()

    def mark(self, text: str) -> None:
        """Append a line of ours, on a line of its own whatever the program wrote last."""
        size = os.fstat(self.fd).st_size
        fresh = size == 0 or os.pread(self.fd, 1, size - 1) == b"\n"
        line = f"{'' if fresh else chr(10)}[tholos] {text}\n"
        os.write(self.fd, line.encode(errors="surrogateescape"))

    def trim(self) -> float:
        """Give back what is older than the limit, in steps of an eighth of it.

        Returns:
            Seconds after which to look again: before another eighth is written at the present speed.
        """
        size, now = os.fstat(self.fd).st_size, boot_seconds()
        end = (size - self._limit) // BLOCK * BLOCK
        if end - self.given_back >= max(self._limit // 8, BLOCK):
            self._give_back(end, size)
        elif size < self.given_back:
            self.given_back = 0
        speed = (size - self._seen_size) / max(now - self._seen_at, 0.001)
        self._seen_size, self._seen_at = size, now
        shortest_s, longest_s = LOOK_AGAIN_S
        return max(min(self._limit / 8 / max(speed, 1.0), longest_s), shortest_s)

    def _give_back(self, end: int, size: int) -> None:
        try:
            native.punch_hole(self.fd, 0, end)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.ENOSYS}:
                raise
            self._start_over(size)
        else:
            self.given_back = end

    def _start_over(self, size: int) -> None:
        """Keep the newer half of the limit and begin the file anew, where the file system knows no holes."""
        start = size - self._limit // 2
        tail = b"".join(
            os.pread(self.fd, min(COPY_STEP, size - at), at) for at in range(start, size, COPY_STEP)
        )
        skipped = tail.find(b"\n") + 1
        os.ftruncate(self.fd, 0)
        self.mark("older output was removed")
        begin = os.fstat(self.fd).st_size
        os.write(self.fd, tail[skipped:])
        self.given_back = 0
        self._moved(start + skipped, begin)

    def close(self) -> None:
        os.close(self.fd)
