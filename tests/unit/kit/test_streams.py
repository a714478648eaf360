import json

import pytest

from tholos.kit.streams import EVENT_STREAM, NDJSON, Message, encode, media_type


async def _bytes(messages, accept):
    async def stream():
        for message in messages:
            yield message

    return [piece async for piece in encode(stream(), accept)]


MESSAGES = [Message("line", {"text": "ü\n\r\u2028 \ud800\x00"}, 7), None, Message("end", {})]


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json"])
async def test_programs_get_a_line_of_json_each(accept):
    pieces = await _bytes(MESSAGES, accept)
    assert media_type(accept) == NDJSON
    assert pieces[1:] == [b"\n", b"{}\n"]
    assert pieces[0].count(b"\n") == 1
    assert json.loads(pieces[0])["text"].startswith("ü\n\r\u2028 ")


async def test_browsers_get_events():
    accept = "text/html, text/event-stream"
    pieces = await _bytes(MESSAGES, accept)
    assert media_type(accept) == EVENT_STREAM
    assert pieces[1:] == [b": alive\n\n", b"event: end\ndata: {}\n\n"]
    lines = pieces[0].decode().split("\n")
    assert lines[:2] == ["id: 7", "event: line"]
    assert lines[2].startswith("data: {")
    assert lines[3:] == ["", ""]
