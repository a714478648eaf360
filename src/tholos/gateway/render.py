"""From the model to the proxy's files (Envoy's xDS v3 API, as JSON). Pure: the same model makes the same text.

The listener stands in the bootstrap and never changes, so that no connection is drained by a change; routes and clusters
come from files that are replaced as wholes: the two that grow with the apps are binary (:mod:`tholos.gateway.wire`). Envoy's own manual explains the names; the comments say why we chose.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache

from tholos.gateway import wire
from tholos.gateway.fleet import LANES_KEPT, Cookies, Fleet, Front, OwnAnswer, Stream, cluster_name
from tholos.gateway.hygiene import CALLBACK, IDENTITY_HEADERS, IDENTITY_PREFIXES
from tholos.gateway.render_logs import JWT, has_status, render_logs
from tholos.gateway.render_routes import (
    COOKIE_SPACE,
    DOOR,
    MEASURING,
    WHOLE,
    lane_hosts,
    of_all,
    seconds,
    set_header,
    to_door,
    unmeasured,
)
from tholos.gateway.render_streams import BOOTSTRAP, STREAM_HEADER, inside, listeners_of
from tholos.gateway.render_tokens import FILTER

Json = dict[str, object]

ROUTES = "routes.pb"
CLUSTERS = "clusters.pb"
LISTENERS = "listeners.json"
CERTIFICATES = "certificates.json"
_OWN_PREFIXES = ("x-envoy-",)
"""What Envoy itself would take orders by."""


def render_routes(front: Front, fleet: Fleet) -> tuple[bytes, str]:
    """The file of routes, and its version."""
    everything_else: Json = {"name": DOOR, "domains": ["*"], "routes": [to_door()], **unmeasured(front)}
    begin = wire.encode(wire.TABLE, {"name": "tholos", **of_all()})
    end = wire.encode(wire.TABLE, {"virtual_hosts": [everything_else]})
    return _versioned(wire.resource(wire.TABLE, b"".join([begin, *lane_hosts(front, fleet), end])))


def render_clusters(front: Front, fleet: Fleet) -> tuple[bytes, str]:
    """The file of clusters, and its version; a way that is leaving keeps its own until it is idle."""
    known = {one.instance: one.socket for one in fleet.streams}
    known |= {one.instance: one.socket for one in (*fleet.leaving, *fleet.coming, *fleet.ways)}
    beside = _beside(fleet)
    named = {one: one if front.logs else "" for one in known}  # the access log tells it
    clusters = {
        cluster_name(one): _cluster(
            cluster_name(one), (socket, *beside.get(one, ())), idle_s=1.5, instance=named[one]
        )
        for one, socket in known.items()
    }
    clusters |= {
        name: _cluster(name, (stream,), idle_s=1.5, instance=named[stream.instance])
        for name, stream in fleet.latest_streams().items()
    }
    in_order = [cluster for _, cluster in sorted(clusters.items())]
    return _versioned(b"".join([_cluster(DOOR, (front.door,), idle_s=30.0), *in_order]))


def _beside(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """The socket of another instance, by those that are not alone: where requests go when one of them has just ended."""
    found: dict[str, tuple[str, ...]] = {}
    for lane in fleet.lanes:
        shared = [way for way in lane.among if not way.whose]
        for way, after in zip(shared, [*shared[1:], *shared[:1]], strict=True):
            if way != after:
                found[way.instance] = (after.socket,)
    return found


def render_listeners(fleet: Fleet) -> tuple[str, str]:
    """The file of the listeners that streams pass through, and its version."""
    return _file(listeners_of(fleet))


def render_certificates(front: Front) -> str:
    """The file that says where the certificate is; what a rename puts in its place is read at once."""
    folder = front.certificate.rpartition("/")[0] or "/"
    certificate = {
        "certificate_chain": {"filename": front.certificate},
        "private_key": {"filename": front.private_key},
        "watched_directory": {"path": folder},
    }
    return _file(
        [
            {
                "@type": wire.TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret",
                "name": "public",
                "tls_certificate": certificate,
            }
        ]
    )[0]


def _file(resources: list[Json]) -> tuple[str, str]:
    """With a version that names the content, so that it can be told when it is live."""
    version = _name_of(_text(resources).encode())
    return _text({"version_info": version, "resources": resources}), version


def _versioned(resources: bytes) -> tuple[bytes, str]:
    """The same of what is binary."""
    version = _name_of(resources)
    return wire.encode(wire.RESPONSE, {"version_info": version}) + resources, version


def _name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def render_bootstrap(front: Front) -> str:
    """What the proxy is started with."""
    runtime = {"re2.max_program_size.error_level": 10_000}
    return _text(
        {
            "node": {"id": "tholos", "cluster": "tholos"},
            "admin": {"address": {"pipe": {"path": front.admin, "mode": 0o600}}},
            "static_resources": {"listeners": [_listener(front)]},
            "bootstrap_extensions": BOOTSTRAP,
            "dynamic_resources": {
                "cds_config": _source(front, CLUSTERS),
                "lds_config": _source(front, LISTENERS),
            },
            "layered_runtime": {"layers": [{"name": "static", "static_layer": runtime}]},
            "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": _STATS}}},
        }
    )


def _source(front: Front, file: str) -> Json:
    return {"path_config_source": {"path": f"{front.folder}/{file}"}, "resource_api_version": "V3"}


# Only what is looked at: a counter that nobody reads still takes memory for every app. None is named by ``prefix``: Envoy tries such
# at each count of each request (1 % of its instructions), and the others only when it meets a name first.
_STATS: list[Json] = [
    {"safe_regex": {"regex": r"(?:cluster_manager\.cds|http\.tholos\.rds|listener_manager|server)\..*"}},
    {"suffix": ".upstream_rq_active"},
    {"suffix": ".upstream_rq_total"},
    {"safe_regex": {"regex": r"cluster\.instance-.*\.upstream_rq_[2345]xx"}},
    {"suffix": ".upstream_cx_active"},
    {"suffix": ".downstream_cx_active"},
    {"suffix": ".downstream_rq_active"},
]


def _listener(front: Front) -> Json:
    chain: Json = {"filters": [_filter("envoy.filters.network.http_connection_manager", _manager(front))]}
    listener: Json = {
        "name": "public",
        "traffic_direction": "INBOUND",
        "address": {"socket_address": {"address": front.host, "port_value": front.port}},
        "per_connection_buffer_limit_bytes": 65536,
        "filter_chains": [chain],
    }
    if front.certificate:
        chain["transport_socket"] = _tls(front)
    return listener


def _tls(front: Front) -> Json:
    """Read again whenever the files are replaced."""
    return _filter("envoy.transport_sockets.tls", {
        "@type": wire.TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificate_sds_secret_configs": [{"name": "public", "sds_config": _source(front, CERTIFICATES)}],
        },
    })  # fmt: skip


def _manager(front: Front) -> Json:
    return {
        "@type": wire.TYPE
        + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "tholos",
        "codec_type": "AUTO",
        "rds": {"route_config_name": "tholos", "config_source": _source(front, ROUTES)},
        "http_filters": _filters(front),
        "early_header_mutation_extensions": [_hygiene()],
        # What apps see of a request is what was sent: neither path nor headers are put right on the way.
        "normalize_path": False,
        "use_remote_address": True,
        # Envoy would name an address of this machine for whoever comes from it.
        "skip_xff_append": True,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "internal_address_config": {},
        "max_request_headers_kb": front.max_head_kb,
        "common_http_protocol_options": {
            "idle_timeout": seconds(front.keep_alive_s),
            "max_headers_count": 200,
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "none"},
        "http2_protocol_options": {
            "max_concurrent_streams": 250,
            "initial_stream_window_size": 262_144,
            "initial_connection_window_size": 1_048_576,
        },
        "request_headers_timeout": seconds(front.head_timeout_s),
        # Streams may be silent for as long as they like, where nothing is said of it.
        "stream_idle_timeout": seconds(front.idle_timeout_s),
        # A body is asked for by whoever will read it: who refuses a request does not want it first.
        "proxy_100_continue": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "access_log": render_logs(front),
        "local_reply_config": {"mappers": [one for answer in front.answers for one in _own_answer(answer)]},
    }


def _own_answer(answer: OwnAnswer) -> list[Json]:
    """Envoy's own words are for whoever runs it."""
    wants_page: Json = {
        "header_filter": {"header": {"name": "accept", "string_match": {"contains": "text/html"}}}
    }
    is_it = has_status("EQ", answer.status)
    return [
        {
            "filter": which,
            "body_format_override": {
                "text_format_source": {"inline_string": text.replace("%", "%%")},
                "content_type": kind,
            },
            "headers_to_add": [set_header(name, value) for name, value in answer.headers],
        }
        for which, text, kind in (
            ({"and_filter": {"filters": [is_it, wants_page]}}, answer.page, "text/html; charset=utf-8"),
            (is_it, answer.json, "application/json"),
        )
    ]


def _hygiene() -> Json:
    """Before anything else looks: what only we may say is removed from what clients send."""
    prefixes = (*(one.decode() for one in IDENTITY_PREFIXES), *_OWN_PREFIXES)
    removed: list[Json] = [{"remove_on_match": {"key_matcher": {"prefix": one}}} for one in prefixes]
    removed += [{"remove": one.decode()} for one in sorted(IDENTITY_HEADERS)]
    return _filter("envoy.http.early_header_mutation.header_mutation", {
        "@type": wire.TYPE + "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": removed,
    })  # fmt: skip


def _filters(front: Front) -> list[Json]:
    return [
        *([_filter("envoy.filters.http.compressor", _COMPRESSOR)] if front.compresses else []),
        # Before the pass, after which the route is chosen anew: whether they could be kept decides that too.
        _filter("envoy.filters.http.header_to_metadata", _kept_cookies(front.cookies)),
        _filter(JWT, _passes(front)),
        FILTER,
        *([MEASURING] if front.max_body else []),
        _filter("envoy.filters.http.router", {
            "@type": wire.TYPE + "envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": True,
        }),
    ]  # fmt: skip


_COMPRESSOR: Json = {
    "@type": wire.TYPE + "envoy.extensions.filters.http.compressor.v3.Compressor",
    "compressor_library": {
        "name": "gzip",
        "typed_config": {"@type": wire.TYPE + "envoy.extensions.compression.gzip.compressor.v3.Gzip"},
    },
    "response_direction_config": {"common_config": {"min_content_length": 1000}},
}


def _passes(front: Front) -> Json:
    """A good pass becomes metadata that routes match on; any other is no error here, and matches none."""
    provider = {
        "issuer": front.issuer,
        "local_jwks": {"inline_string": front.keys},
        "from_cookies": [front.cookies.app_pass],
        "forward": True,
        "payload_in_metadata": "pass",
        "claim_to_headers": [{"header_name": STREAM_HEADER, "claim_name": "k"}],
        "clear_route_cache": True,
        "clock_skew_seconds": 1,
        "require_expiration": True,
        "jwt_cache_config": {"jwt_cache_size": 2000},
    }
    either = {"requires_any": {"requirements": [{"provider_name": "pass"}, {"allow_missing_or_failed": {}}]}}
    return {
        "@type": wire.TYPE + "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"pass": provider},
        "rules": [{"match": {"path": CALLBACK}}, {"match": {"prefix": "/"}, "requires": either}],
    }


def cookie_pattern(cookies: Cookies) -> str:
    """Matches our own cookies with what parts them from others, as :mod:`tholos.gateway.cookies` takes them out (RE2)."""
    whole = (cookies.app_pass, cookies.handle, cookies.instance, cookies.session)
    begun = "|".join(re.escape(one) for one in (cookies.transaction, cookies.openid))
    names = "|".join(re.escape(one) for one in whole)
    ours = rf"[ \t]*(?:{names}|(?:{begun})_[0-9a-f]{{8}})[ \t]*=[^;,]*"
    return rf"^(?:{ours}(?:[;,][ \t]*|$))+|[;,]{ours}"


def _kept_cookies(cookies: Cookies) -> Json:
    """The cookies that an app is to see, beside those that came: only a lane takes them, the door needs all. The filter sets nothing
    that is 8 kB or longer: the second rule shows that nothing was left out for that.
    """
    kept: Json = {
        "metadata_namespace": COOKIE_SPACE,
        "key": "kept",
        "type": "STRING",
        "regex_value_rewrite": {
            "pattern": {"regex": cookie_pattern(cookies)},
            "substitution": "",
        },
    }
    whole: Json = {"metadata_namespace": COOKIE_SPACE, "key": WHOLE, "type": "STRING"}
    return {
        "@type": wire.TYPE + "envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [
            {"header": "cookie", "on_header_present": one, "remove": False} for one in (kept, whole)
        ],
    }


def _address(end: str | Stream) -> Json:
    return inside(end) if isinstance(end, Stream) else {"pipe": {"path": end}}


@lru_cache(maxsize=2 * LANES_KEPT)
def _cluster(name: str, ends: tuple[str | Stream, ...], *, idle_s: float, instance: str = "") -> bytes:
    """Part of a file: one cluster. All but the first end are for where no connection could be made to the one before."""
    endpoints = [
        {"priority": number, "lb_endpoints": [{"endpoint": {"address": _address(end)}}]}
        for number, end in enumerate(ends)
    ]
    thresholds = dict.fromkeys(
        ("max_connections", "max_pending_requests", "max_requests", "max_retries"), 65536
    )
    protocol = {
        "@type": wire.TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        # Shorter than the keep-alive of common servers, so that they seldom close first.
        "common_http_protocol_options": {"idle_timeout": seconds(idle_s)},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    told: Json = {"metadata": {"filter_metadata": {"tholos": {"instance": instance}}}} if instance else {}
    cluster = {
        **told,
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": 65_536,
        "circuit_breakers": {"thresholds": [thresholds]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol
        },
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }
    return wire.resource(wire.CLUSTER, wire.encode(wire.CLUSTER, cluster))


def _filter(name: str, typed: Json) -> Json:
    return {"name": name, "typed_config": typed}
