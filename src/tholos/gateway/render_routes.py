"""What leads past the door, as routes of the proxy. Pure.

The first that matches is taken: each lane's own, and at its end the way to the door, to which everything goes that proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from tholos.gateway.fleet import EVERYONE, Fleet, Front, Lane, stream_name
from tholos.gateway.hygiene import CALLBACK
from tholos.gateway.render_logs import FORWARDED_HOST, JWT
from tholos.gateway.render_streams import IS_EVENTS, IS_SHORT, IS_UPGRADE, STREAM_HEADER
from tholos.gateway.render_tokens import identity_of, is_sent, looking_for

Json = dict[str, object]

DOOR = "door"
COOKIE_SPACE = "tholos.cookie"
WHOLE = "whole"
"""There where the cookies are short enough to take ours out of them."""
_BUFFER = "envoy.filters.http.buffer"
_TYPE = "type.googleapis.com/"
_LONGEST_UNTOLD = 1 << 20
"""Bytes of a body that comes with what only reads, and does not say its length: it is kept until it was measured."""
MEASURING: Json = {
    "name": _BUFFER,
    "typed_config": {
        "@type": _TYPE + "envoy.extensions.filters.http.buffer.v3.Buffer",
        "max_request_bytes": _LONGEST_UNTOLD,
    },
}
"""Of the proxy; a host says that it is not at work, and a route where it is."""
_TRACE = "x-envoy-internal"
"""Added by Envoy to what comes from this machine or a private network."""
_READING: Json = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS|TRACE"}}}


def lane_host(front: Front, fleet: Fleet, lane: Lane) -> Json:
    streaming = [one.session for one in fleet.streams_of(lane) if one.session not in lane.revoked]
    sessions = [one for one in streaming if one != EVERYONE]
    routes = [to_door(path=CALLBACK)]
    if fleet.generations:
        routes += _proven(front, lane, fleet.generations, sessions)
    routes += _by_token(
        front, lane
    )  # behind, as there may be many, and who comes with a pass is not to pay for them
    if lane.is_public:
        routes += _unproven(front, lane, streams=EVERYONE in streaming)
    return {"name": lane.place, "domains": [lane.host], "routes": [*routes, to_door()], **unmeasured(front)}


def _proven(front: Front, lane: Lane, generations: tuple[str, ...], streaming: list[str]) -> list[Json]:
    """By a pass: what only reads, and what comes from the app's own pages. What may last has a way that can be ended, or is
    left to the door.
    """
    claims: list[Json] = [
        _claim("aud", {"string_match": {"exact": lane.place}}),
        _claim("v", {"double_match": {"exact": lane.access_version}}),
        _claim("e", _one_of(generations)),
        {"filter": COOKIE_SPACE, "path": [{"key": WHOLE}], "value": {"present_match": True}},
    ]
    not_revoked = [_claim("g", _one_of(lane.revoked)) | {"invert": True}] if lane.revoked else []
    scheme = "https" if front.is_secure else "http"
    who = [("x-tholos-account", f"%DYNAMIC_METADATA({JWT}:pass:n)%"),
           ("rstudio-connect-credentials", f"%DYNAMIC_METADATA({JWT}:pass:c)%")]  # fmt: skip
    own_page = _equals("origin", f"{scheme}://{lane.host}")
    reading, own = [_READING, *_bodiless(front)], [own_page, *_bounded(front)]
    no_token = _without("authorization", "tholos_")
    routes = [
        _to_lane(front, lane, [*condition, *IS_SHORT, no_token], [*claims, *not_revoked], who)
        for condition in (reading, own)
    ]
    if streaming:
        theirs = [*claims, _claim("g", _one_of(streaming))]
        for lasting in ([own_page, IS_UPGRADE], [*reading, *IS_EVENTS], [*own, *IS_EVENTS]):
            route = _to_lane(
                front, lane, [*lasting, no_token], theirs, who, cluster={"cluster_header": STREAM_HEADER}
            )
            routes.append(route)
    return routes


def _by_token(front: Front, lane: Lane) -> list[Json]:
    """By an API token alone, whatever page it comes from; what may last is left to the door, and so is what brings a pass too."""
    if not lane.bearers:
        return []
    alone = [_without("cookie", "tholos_"), *IS_SHORT]
    routes: list[Json] = []
    for one in lane.bearers:
        for size in _sizes(front):
            route = _to_lane(
                front, lane, [*alone, *size], [is_sent(one)], identity_of(one), account=one.account
            )
            routes.append(route)
    sent: Json = {"name": "authorization", "string_match": {"contains": "tholos_"}}
    return [*routes, looking_for(lane.bearers, to_door(), [sent, *alone])]


def _bounded(front: Front) -> list[Json]:
    """Where bodies have a bound: what says that it keeps to it. A body that does not say how long it is the door measures."""
    within: Json = {"name": "content-length", "range_match": {"start": 0, "end": front.max_body + 1}}
    return [within] if front.max_body else []


def _sizes(front: Front) -> list[list[Json]]:
    """The ways in which a request of any method keeps to the bound."""
    return [[_READING, *_bodiless(front)], _bounded(front)] if front.max_body else [[]]


def _bodiless(front: Front) -> list[Json]:
    """What only reads has no body; what comes all the same, in chunks or by HTTP/2, is measured (``_measured``)."""
    without: Json = {"name": "content-length", "present_match": True, "invert_match": True}
    return [without] if front.max_body else []


def _measured(front: Front, headers: list[Json]) -> Json:
    if not front.max_body or _READING not in headers:
        return {}
    return _measuring({"buffer": {"max_request_bytes": min(front.max_body, _LONGEST_UNTOLD)}})


def unmeasured(front: Front) -> Json:
    """Of a host: what is not measured unless a route says so. The door measures by itself."""
    return _measuring({"disabled": True}) if front.max_body else {}


def _measuring(how: Json) -> Json:
    said: Json = {"@type": _TYPE + "envoy.extensions.filters.http.buffer.v3.BufferPerRoute", **how}
    return {"typed_per_filter_config": {_BUFFER: said}}


def _unproven(front: Front, lane: Lane, *, streams: bool) -> list[Json]:
    """Nobody in particular, where everyone is let in; whoever brings something of ours is looked at by the door."""
    nothing = [_without("cookie", "tholos_"), _without("authorization", "tholos_")]
    routes = [_to_lane(front, lane, [*nothing, *size, *IS_SHORT], [], []) for size in _sizes(front)]
    if streams:
        way: Json = {"cluster": stream_name(lane.place, EVERYONE)}
        lasting = [[IS_UPGRADE], *([*IS_EVENTS, *size] for size in _sizes(front))]
        routes += [_to_lane(front, lane, [*nothing, *one], [], [], cluster=way) for one in lasting]
    return routes


def _to_lane(
    front: Front,
    lane: Lane,
    headers: list[Json],
    claims: list[Json],
    who: Iterable[tuple[str, str]],
    *,
    cluster: Json | None = None,
    account: str = "",
) -> Json:
    # Who proves nothing by a cookie brings none of ours, or is no match.
    kept = [("cookie", f"%DYNAMIC_METADATA({COOKIE_SPACE}:kept)%")] if claims and not account else []
    added = [*_forwarded(front), *who, *kept]
    where = cluster or {"cluster": lane.cluster}
    action: Json = {**where, "timeout": "0s", "retry_policy": _again(5, 0.025, 0.25)}
    told = {"app": lane.app, "release": str(lane.release), "name": lane.name, "instance": lane.instance}
    told |= {"account": account} if account else {}
    return {
        "match": {"prefix": "/", "headers": headers, "dynamic_metadata": claims},
        "route": action,
        "metadata": {"filter_metadata": {"tholos": told}},
        "request_headers_to_remove": [
            *(["cookie"] if kept else []),
            STREAM_HEADER,
            _TRACE,
            *(["authorization"] if account else []),
        ],
        "request_headers_to_add": [_set(name, value) for name, value in added],
        **_measured(front, headers),
    }


def to_door(*, path: str = "") -> Json:
    """The door is told where a request comes from, and otherwise gets it as it came. One that is just being started again
    is waited for.
    """
    return {
        "match": {"path": path} if path else {"prefix": "/"},
        "route": {"cluster": DOOR, "timeout": "0s", "retry_policy": _again(60, 0.05, 0.5)},
        "request_headers_to_remove": [STREAM_HEADER, _TRACE],
        "request_headers_to_add": [_set("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
    }


def _again(times: int, first_s: float, most_s: float) -> Json:
    """Only where no connection could be made: what was sent to an app is never sent again."""
    return {
        "retry_on": "connect-failure",
        "num_retries": times,
        "retry_back_off": {"base_interval": seconds(first_s), "max_interval": seconds(most_s)},
    }


def _forwarded(front: Front) -> list[tuple[str, str]]:
    told = [
        ("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
        (FORWARDED_HOST, "%REQ(:AUTHORITY)%"),
    ]
    # How it is spoken to itself Envoy tells by itself, which costs less.
    if front.is_secure != bool(front.certificate):
        told.append(("x-forwarded-proto", "https" if front.is_secure else "http"))
    return told


def seconds(number: float) -> str:
    return f"{number:g}s"


def _one_of(texts: Iterable[str]) -> Json:
    """Envoy wants two at least to choose from."""
    values: list[Json] = [{"string_match": {"exact": one}} for one in texts]
    return values[0] if len(values) == 1 else {"or_match": {"value_matchers": values}}


def _claim(name: str, value: Json) -> Json:
    return {"filter": JWT, "path": [{"key": "pass"}, {"key": name}], "value": value}


def _equals(name: str, value: str) -> Json:
    return {"name": name, "string_match": {"exact": value}}


def _without(name: str, part: str) -> Json:
    return {
        "name": name,
        "string_match": {"contains": part},
        "invert_match": True,
        "treat_missing_header_as_empty": True,
    }


def _set(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
