"""What the proxy in front counted of each instance, asked of its administration. Blocking: for a thread."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from tholos.gateway.errors import ProxySilent

_CLUSTER: Final = "instance-"
_NAME = re.compile(rf"cluster\.{_CLUSTER}(.+)\.upstream_rq_(active|total|[2345]xx)")


@dataclass(frozen=True, slots=True)
class LaneCount:
    """Of one instance, since the proxy knows it."""

    under_way: int = 0
    begun: int = 0
    answered: Mapping[str, int] = field(default_factory=dict)
    """By class of status, such as ``2xx``."""


def read_lane_counts(admin: str, timeout_s: float) -> dict[str, LaneCount]:
    """By instance; those that are not known to it are left out.

    Args:
        admin: path of the unix socket of its administration.
        timeout_s: how long it may take over each step.

    Raises:
        ProxySilent: it does not answer in time.
    """
    connection = _Admin(admin, timeout_s)
    try:
        connection.request("GET", f"/stats?format=json&filter={quote(f'^{_NAME.pattern}$')}")
        listed = json.loads(connection.getresponse().read())["stats"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise ProxySilent(f"The proxy does not answer: {error}.") from error
    finally:
        connection.close()
    return _counts({str(one["name"]): int(one["value"]) for one in listed if "name" in one})


def _counts(told: Mapping[str, int]) -> dict[str, LaneCount]:
    found: dict[str, dict[str, int]] = {}
    for name, value in told.items():
        if match := _NAME.fullmatch(name):
            found.setdefault(match[1], {})[match[2]] = value
    return {
        instance: LaneCount(of.pop("active", 0), of.pop("total", 0), of) for instance, of in found.items()
    }


class _Admin(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("admin", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
