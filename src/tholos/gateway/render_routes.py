"""What leads past the door, as routes of the proxy. Pure.

The first that matches is taken: each lane's own, and at its end the way to the door, to which everything goes that proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from tholos.gateway import wire
from tholos.gateway.fleet import (
    EVERYONE,
    LANES_KEPT,
    Bearer,
    Fleet,
    Front,
    Lane,
    Stream,
    Way,
    is_of_token,
    stream_name,
)
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
_LONGEST_UNTOLD = 1 << 20
"""Bytes of a body that comes with what only reads, and does not say its length: it is kept until it was measured."""
MEASURING: Json = {
    "name": _BUFFER,
    "typed_config": {
        "@type": wire.TYPE + "envoy.extensions.filters.http.buffer.v3.Buffer",
        "max_request_bytes": _LONGEST_UNTOLD,
    },
}
"""Of the proxy; a host says that it is not at work, and a route where it is."""
_WHOLE_COOKIES: Json = {
    "filter": COOKIE_SPACE,
    "path": [{"key": WHOLE}],
    "value": {"present_match": True},
}
_TRACE = "x-envoy-internal"
"""Added by Envoy to what comes from this machine or a private network."""
ELSEWHERE: Json = {
    "retry_priority": {
        "name": "envoy.retry_priorities.previous_priorities",
        "typed_config": {
            "@type": wire.TYPE
            + "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            "update_frequency": 1,
        },
    }
}
"""Where no connection could be made to one of several instances, the next try is at another."""
_READING: Json = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS|TRACE"}}}


def of_all() -> Json:
    """What the table says of all its routes, the way to the door too: said once, it is read once."""
    return {
        "request_headers_to_remove": [STREAM_HEADER, _TRACE],
        "request_headers_to_add": [set_header("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
    }


def lane_hosts(front: Front, fleet: Fleet) -> list[bytes]:
    """Parts of the table, each with a host: of one app, or of all that are under its paths."""
    streaming = fleet.streaming()
    under_paths: defaultdict[str, list[bytes]] = defaultdict(list)
    hosts = []
    for lane in fleet.lanes:
        begin = tuple((*streaming.get((lane.place, way.instance), ()),) for way in lane.ways)
        if lane.prefix:
            under_paths[lane.host].append(_branch(front, lane, fleet.generations, begin))
        else:
            hosts.append(_host(front, lane, fleet.generations, begin))
    for host, branches in sorted(under_paths.items()):
        hosts.append(wire.nested(wire.TABLE, "virtual_hosts", _trunk(front, host) + b"".join(branches)))
    return hosts


@lru_cache(maxsize=LANES_KEPT)
def _host(
    front: Front, lane: Lane, generations: tuple[str, ...], streaming: tuple[tuple[str, ...], ...]
) -> bytes:
    routes = _routes(front, lane, generations, streaming)
    host = {"name": lane.place, "domains": [lane.host], "routes": routes, **unmeasured(front)}
    return wire.encode(wire.TABLE, {"virtual_hosts": [host]})


def _trunk(front: Front, host: str) -> bytes:
    """A tree by what paths begin with: however many apps there are, no request looks at the routes of others."""
    path: Json = {
        "@type": wire.TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
        "header_name": ":path",
    }
    door = _action("door", {"@type": wire.TYPE + "envoy.config.route.v3.Route", **to_door()})
    by_path: Json = {"matcher_tree": {"input": {"name": "path", "typed_config": path}}, "on_no_match": door}
    told: Json = {"name": "paths", "domains": [host], "matcher": by_path, **unmeasured(front)}
    return wire.encode(wire.HOST, told)


@lru_cache(maxsize=LANES_KEPT)
def _branch(
    front: Front, lane: Lane, generations: tuple[str, ...], streaming: tuple[tuple[str, ...], ...]
) -> bytes:
    routes = _routes(front, lane, generations, streaming)
    own = _action("routes", {"@type": wire.TYPE + "envoy.config.route.v3.RouteList", "routes": routes})
    tree: Json = {"prefix_match_map": {"map": {f"{lane.prefix}/": own}}}
    return wire.encode(wire.HOST, {"matcher": {"matcher_tree": tree}})


def _action(name: str, typed: Json) -> Json:
    return {"action": {"name": name, "typed_config": typed}}


def _routes(
    front: Front, lane: Lane, generations: tuple[str, ...], streaming: tuple[tuple[str, ...], ...]
) -> list[Json]:
    """``streaming`` has for each way the sessions whose websockets and event streams begin there."""
    # By a pass nobody comes there: none is looked at on that path of a host (``render._passes``).
    needs_no_pass = lane.is_public or lane.bearers
    routes = [to_door(path=lane.prefix + CALLBACK)] if lane.prefix or needs_no_pass else []
    at = dict(zip(lane.ways, streaming, strict=True))
    streams_of_tokens = {one for sessions in at.values() for one in sessions if is_of_token(one)}
    for way, sessions in at.items():
        if generations and way.whose != EVERYONE:
            others = {EVERYONE, *streams_of_tokens, *lane.revoked}
            known = [one for one in sessions if one not in others]
            routes += _proven(front, lane, way, generations, known)
    # Behind, as there may be many, and who comes with a pass is not to pay for them.
    routes += _by_token(front, lane, streams_of_tokens)
    for way, sessions in at.items():
        if lane.is_public and way.whose in {"", EVERYONE}:
            routes += _unproven(front, lane, way, streams=EVERYONE in sessions)
    return [*routes, to_door()]


def _proven(
    front: Front, lane: Lane, way: Way, generations: tuple[str, ...], streaming: list[str]
) -> list[Json]:
    """By a pass: what only reads, and what comes from the app's own pages. What may last has a way that can be ended, or is
    left to the door.
    """
    claims: list[Json] = [
        *([_claim("sub", {"string_match": {"exact": way.whose}})] if way.whose else []),
        _claim("aud", {"string_match": {"exact": lane.place}}),
        _claim("v", {"double_match": {"exact": lane.access_version}}),
        _claim("e", _one_of(generations)),
        _WHOLE_COOKIES,
    ]
    not_revoked = [_claim("g", _one_of(lane.revoked)) | {"invert": True}] if lane.revoked else []
    scheme = "https" if front.is_secure else "http"
    who = [("x-tholos-account", f"%DYNAMIC_METADATA({JWT}:pass:n)%"),
           ("rstudio-connect-credentials", f"%DYNAMIC_METADATA({JWT}:pass:c)%")]  # fmt: skip
    own_page = _equals("origin", f"{scheme}://{lane.host}")
    reading, own = [_READING, *_bodiless(front)], [own_page, *_bounded(front)]
    no_token = [_without("authorization", "tholos_"), *_used_to(front, lane, way)]
    routes = [
        _to_lane(front, lane, way, [*condition, *IS_SHORT, *no_token], [*claims, *not_revoked], who)
        for condition in (reading, own)
    ]
    if streaming:
        theirs = [*claims, _claim("g", _one_of(streaming))]
        for lasting in ([own_page, IS_UPGRADE], [*reading, *IS_EVENTS], [*own, *IS_EVENTS]):
            leads: Json = {"cluster_header": STREAM_HEADER}
            routes.append(_to_lane(front, lane, way, [*lasting, *no_token], theirs, who, cluster=leads))
    return routes


def _by_token(front: Front, lane: Lane, streaming: Collection[str]) -> list[Json]:
    """By an API token alone, whatever page it comes from; what brings a pass too is left to the door, and so is what may last
    where that token had nothing of the kind yet.
    """
    if not lane.bearers:
        return []
    alone = _without("cookie", "tholos_")
    routes = [route for one in lane.bearers for route in _of_bearer(front, lane, one, alone, streaming)]
    sent: Json = {"name": "authorization", "string_match": {"contains": "tholos_"}}
    return [*routes, looking_for(lane.bearers, to_door(), [sent, alone])]


def _of_bearer(
    front: Front, lane: Lane, bearer: Bearer, alone: Json, streaming: Collection[str]
) -> list[Json]:
    ways = [way for way in lane.ways if way.whose in {"", bearer.account}]
    if not ways:
        return []
    cases = [([*IS_SHORT, *size], _to_any(ways)) for size in _sizes(front)]
    if bearer.hash in streaming:
        leads: Json = {"cluster": stream_name(lane.place, bearer.hash)}
        cases += [(one, leads) for one in _lasting(front)]
    is_theirs, who = [is_sent(bearer)], identity_of(bearer)
    return [
        _to_lane(
            front, lane, ways[0], [alone, *headers], is_theirs, who, cluster=leads, account=bearer.account
        )
        for headers, leads in cases
    ]


def _bounded(front: Front) -> list[Json]:
    """Where bodies have a bound: what says that it keeps to it. A body that does not say how long it is the door measures."""
    within: Json = {"name": "content-length", "range_match": {"start": 0, "end": front.max_body + 1}}
    return [within] if front.max_body else []


def _sizes(front: Front) -> list[list[Json]]:
    """The ways in which a request of any method keeps to the bound."""
    return [[_READING, *_bodiless(front)], _bounded(front)] if front.max_body else [[]]


def _lasting(front: Front) -> list[list[Json]]:
    """The ways in which a request begins what may last, where any page may."""
    return [[IS_UPGRADE], *([*IS_EVENTS, *size] for size in _sizes(front))]


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
    said: Json = {"@type": wire.TYPE + "envoy.extensions.filters.http.buffer.v3.BufferPerRoute", **how}
    return {"typed_per_filter_config": {_BUFFER: said}}


def _unproven(front: Front, lane: Lane, way: Way, *, streams: bool) -> list[Json]:
    """Nobody in particular, where everyone is let in; whoever brings what may prove something is looked at by the door."""
    used_to, cookies = _used_to(front, lane, way), front.cookies
    ours = (cookies.app_pass, cookies.handle, cookies.transaction, cookies.session, cookies.openid)
    nothing = [
        _without("authorization", "tholos_"),
        *(_without("cookie", one) for one in (ours if used_to else ("tholos_",))),
        *used_to,
    ]
    routes = [_to_lane(front, lane, way, [*nothing, *size, *IS_SHORT], [], []) for size in _sizes(front)]
    if streams:
        leads: Json = {"cluster": Stream(lane.place, EVERYONE, way.instance, way.socket).name}
        routes += [
            _to_lane(front, lane, way, [*nothing, *one], [], [], cluster=leads) for one in _lasting(front)
        ]
    return routes


def _used_to(front: Front, lane: Lane, way: Way) -> list[Json]:
    """Of several instances that everybody may come to, a browser keeps the one that the door chose for it."""
    if not lane.among or way.whose:
        return []
    return [{"name": "cookie", "string_match": {"contains": f"{front.cookies.instance}={way.instance}"}}]


def _to_any(ways: Sequence[Way]) -> Json:
    """Programs that keep no cookie come to any."""
    if len(ways) == 1:
        return {"cluster": ways[0].cluster}
    return {"weighted_clusters": {"clusters": [{"name": one.cluster, "weight": 1} for one in ways]}}


def _to_lane(
    front: Front,
    lane: Lane,
    way: Way,
    headers: list[Json],
    claims: list[Json],
    who: Iterable[tuple[str, str]],
    *,
    cluster: Json | None = None,
    account: str = "",
) -> Json:
    # Who proves nothing by a cookie brings none of ours that the app must not see, or is no match.
    brings_ours = not account and (claims or lane.among)
    kept = [("cookie", f"%DYNAMIC_METADATA({COOKIE_SPACE}:kept)%")] if brings_ours else []
    added = [*_forwarded(front), *who, *kept]
    where = cluster or {"cluster": way.cluster}
    action: Json = {**where, "timeout": "0s", "retry_policy": _again(5, 0.025, 0.25)}
    if lane.prefix:
        action["prefix_rewrite"] = "/"
        added += [("x-forwarded-prefix", lane.prefix), ("x-script-name", lane.prefix)]
    if lane.among and not way.whose:
        action["retry_policy"] = {**_again(5, 0.025, 0.25), **ELSEWHERE}
    told = {"app": lane.app, "release": str(lane.release), "name": lane.name, "prefix": lane.prefix}
    told |= {"account": account} if account else {}
    return {
        "match": {"prefix": f"{lane.prefix}/", "headers": headers, "dynamic_metadata": claims},
        "route": action,
        "metadata": {"filter_metadata": {"tholos": told}},
        "request_headers_to_remove": [
            # Else they stay as they came where there are none to show: the word for an instance is no credential.
            *(["cookie"] if kept and claims else []),
            *(["authorization"] if account else []),
        ],
        "request_headers_to_add": [set_header(name, value) for name, value in added],
        **_measured(front, headers),
    }


def to_door(*, path: str = "") -> Json:
    """The door gets a request as it came (but :func:`of_all`). One that is just being started again is waited for."""
    return {
        "match": {"path": path} if path else {"prefix": "/"},
        "route": {"cluster": DOOR, "timeout": "0s", "retry_policy": _again(60, 0.05, 0.5)},
    }


def _again(times: int, first_s: float, most_s: float) -> Json:
    """Only where no connection could be made: what was sent to an app is never sent again."""
    return {
        "retry_on": "connect-failure",
        "num_retries": times,
        "retry_back_off": {"base_interval": seconds(first_s), "max_interval": seconds(most_s)},
    }


def _forwarded(front: Front) -> list[tuple[str, str]]:
    told = [(FORWARDED_HOST, "%REQ(:AUTHORITY)%")]
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


def set_header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
