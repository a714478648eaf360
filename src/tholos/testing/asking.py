"""A client that asks without pause and keeps every answer, to see whether anybody would have noticed something."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tholos.testing.installation import Installation

TIMEOUT_S = 35.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it was sent and answered (monotonic seconds), and how."""

    began: float
    ended: float
    status: int
    """0 where there was no answer."""
    text: str
    """The body, or why there was no answer."""


@dataclass(slots=True)
class Asker:
    """Asks an app from a thread of its own while the block runs, and once more when it has ended.

    Args:
        keep_alive: on one connection as long as it lasts, else a new one each time.
    """

    server: Installation
    name: str
    method: str = "GET"
    keep_alive: bool = False
    pause_s: float = 0.005
    body: bytes | None = None
    asked: list[Asked] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(TIMEOUT_S + 5)

    @property
    def failures(self) -> list[Asked]:
        """What was not answered by 200."""
        return [one for one in self.asked if one.status != 200]

    @property
    def texts(self) -> list[str]:
        """The different answers in the order they came first; one that came back stands here twice."""
        texts: list[str] = []
        for one in self.asked:
            if one.status == 200 and texts[-1:] != [one.text]:
                texts.append(one.text)
        return texts

    def _run(self) -> None:
        has_ended = False
        while not has_ended:
            has_ended = self._stop.wait(self.pause_s)
            self.asked.append(self._ask())
        if self._connection is not None:
            self._connection.close()

    def _ask(self) -> Asked:
        port = self.server.port
        headers = {"Host": f"{self.name}.localhost:{port}", "Authorization": f"Bearer {self.server.token}"}
        connection = self._connection or http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        began = time.monotonic()
        try:
            connection.request(self.method, "/", self.body, headers)
            answer = connection.getresponse()
            asked = Asked(began, time.monotonic(), answer.status, answer.read().decode())
        except (OSError, http.client.HTTPException) as error:
            asked = Asked(began, time.monotonic(), 0, repr(error))
        self._connection = connection if self.keep_alive and asked.status else None
        if self._connection is None:
            connection.close()
        return asked
