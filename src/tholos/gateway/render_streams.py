"""The ways of websockets and event streams in the proxy's files. Pure.

A route decides when a request begins, and nothing in Envoy asks again while it lasts. So whatever may last passes, inside the
proxy, through a listener that belongs to one session and one place: to take that listener away ends its connections, and no
others. A pass names the cluster that leads there (claim ``k``), so that one route serves all sessions.
"""

from __future__ import annotations

import json

from tholos.gateway.fleet import Fleet, Stream, Unfit
from tholos.gateway.wire import TYPE

Json = dict[str, object]

STREAM_HEADER = "x-tholos-stream"
"""Set from the pass, for the choice of the cluster alone."""
_ACCEPT: Json = {"name": "accept", "string_match": {"contains": "text/event-stream", "ignore_case": True}}
IS_UPGRADE: Json = {"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}}
IS_NO_UPGRADE: Json = {"name": "upgrade", "present_match": True, "invert_match": True}
IS_EVENTS: list[Json] = [IS_NO_UPGRADE, _ACCEPT]
IS_SHORT: list[Json] = [
    IS_NO_UPGRADE,
    {**_ACCEPT, "invert_match": True, "treat_missing_header_as_empty": True},
]
BOOTSTRAP: list[Json] = [
    {
        "name": "envoy.bootstrap.internal_listener",
        "typed_config": {"@type": TYPE + "envoy.extensions.bootstrap.internal_listener.v3.InternalListener"},
    }
]
"""What the proxy is started with, so that a listener can be inside it."""


def listeners_of(fleet: Fleet) -> list[Json]:
    return [_listener(one) for one in fleet.streams]


def inside(stream: Stream) -> Json:
    """Where the cluster of a session leads: to its instance, by a way inside the proxy."""
    return {
        "envoy_internal_address": {"server_listener_name": stream.listener, "endpoint_id": stream.instance}
    }


def read_streams(text: str) -> tuple[Stream, ...]:
    """What a file of listeners says; nothing where it is none of this form."""
    try:
        told = [one["metadata"]["filter_metadata"]["tholos"] for one in json.loads(text)["resources"]]
        return tuple(Stream(one["place"], one["session"], one["instance"], one["socket"]) for one in told)
    except (ValueError, KeyError, TypeError, Unfit):
        return ()


def _listener(stream: Stream) -> Json:
    carries: Json = {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": TYPE + "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "stream",
            "cluster": stream.cluster,
            "idle_timeout": "0s",
        },
    }
    told = {
        "place": stream.place,
        "session": stream.session,
        "instance": stream.instance,
        "socket": stream.socket,
    }
    return {
        "@type": TYPE + "envoy.config.listener.v3.Listener",
        "name": stream.listener,
        "internal_listener": {},
        "per_connection_buffer_limit_bytes": 65_536,
        "filter_chains": [{"filters": [carries]}],
        "metadata": {"filter_metadata": {"tholos": told}},
    }
