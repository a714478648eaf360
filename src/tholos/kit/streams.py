"""Answers that go on: lines of JSON for programs, server-sent events for browsers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from tholos.kit.text import storable

NDJSON = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream; ``id`` is where a reader that lost its connection goes on."""

    kind: str
    data: Mapping[str, object]
    id: int | None = None


def wants_events(accept: str | None) -> bool:
    return EVENT_STREAM in (accept or "")


def media_type(accept: str | None) -> str:
    return EVENT_STREAM if wants_events(accept) else NDJSON


async def encode(messages: AsyncIterator[Message | None], accept: str | None) -> AsyncIterator[bytes]:
    """The bytes of a stream in the form the client accepts; None is a sign of life in a quiet stream."""
    form = _as_event if wants_events(accept) else _as_line
    async for message in messages:
        yield form(message)


def _as_line(message: Message | None) -> bytes:
    return b"\n" if message is None else _json(message).encode() + b"\n"


def _as_event(message: Message | None) -> bytes:
    """The format of the HTML standard, section 9.2.5."""
    if message is None:
        return b": alive\n\n"
    identity = "" if message.id is None else f"id: {message.id}\n"
    data = _json(message)
    return f"{identity}event: {message.kind}\ndata: {data}\n\n".encode()


def _json(message: Message) -> str:
    return storable(json.dumps(message.data, ensure_ascii=False))
