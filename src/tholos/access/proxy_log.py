"""What the proxy in front tells of requests that the server did not see: lines of JSON among its output."""

from __future__ import annotations

import json
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tholos.accounts import agents
from tholos.gateway.proxy import replace
from tholos.kit.threads import in_thread
from tholos.runtime.logs import follow_lines
from tholos.usage.service import Seen
from tholos.usage.tasks import Recorder

_REMEMBER_EVERY_S: Final = 1.0
_OF_ANY: Final = b'"event":"request_answered"'
"""In a line of the access log, which is for operators: nothing is read of it, so that it costs no more."""


@dataclass(frozen=True, slots=True)
class ProxyLog:
    """Reads on where the server before this one stopped, so that visits of the time between are counted too."""

    path: Path
    recorder: Recorder

    async def follow(self) -> None:
        """Note visits as they come, until cancelled."""
        offset = await in_thread(self._last_offset)
        remembered = time.monotonic()
        async with aclosing(follow_lines(self.path, offset)) as lines:
            async for line in lines:
                visit = read_visit(line.data)
                if visit is not None:
                    self.recorder.note(visit)
                if time.monotonic() - remembered > _REMEMBER_EVERY_S:
                    await in_thread(replace, self._offset_file, str(line.end))
                    remembered = time.monotonic()

    @property
    def _offset_file(self) -> Path:
        return self.path.with_suffix(".read")

    def _last_offset(self) -> int:
        try:
            return int(self._offset_file.read_text("ascii"))
        except (OSError, ValueError):
            return 0


def read_visit(line: bytes) -> Seen | None:
    """The visit that a line tells of; None for anything else, whatever it is."""
    if not line.startswith(b"{") or _OF_ANY in line:
        return None
    try:
        told = json.loads(line)
        app, agent = told["app"] or "", told["agent"] or ""
        account = told["account"] or told.get("token_account") or ""
        at = datetime.fromtimestamp(float(told["at"]), UTC)
        path, release = str(told["path"]), int(told["release"] or 0)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    if not app:
        return None  # the door's own, which counts its visits itself
    return Seen(str(app), release, str(account), at, path.partition("?")[0], agents.words(str(agent)))
