"""What stands in the proxy's binary files, to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import json_format

from tholos.gateway import wire


def read(content: bytes | Path) -> dict[str, Any]:
    """As JSON, with the names of the API's own documents."""
    data = content.read_bytes() if isinstance(content, Path) else content
    found = wire.class_of(wire.RESPONSE)()
    found.ParseFromString(data)
    return json_format.MessageToDict(found, preserving_proto_field_name=True)
