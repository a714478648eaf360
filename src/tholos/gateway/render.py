"""From the model to the proxy's files (Envoy's xDS v3 API, as JSON). Pure: the same model makes the same text.

The listener stands in the bootstrap and never changes, so that no connection is drained by a change; routes and clusters
come from two files that are replaced as wholes. Envoy's own manual explains the names; the comments say why we chose.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from tholos.gateway.fleet import Cookies, Fleet, Front, Lane
from tholos.gateway.hygiene import CALLBACK, IDENTITY_HEADERS, IDENTITY_PREFIXES
from tholos.gateway.render_logs import FORWARDED_HOST, JWT, render_logs

Json = dict[str, object]

ROUTES = "routes.json"
CLUSTERS = "clusters.json"
CERTIFICATES = "certificates.json"
DOOR = "door"
_OWN_PREFIXES = ("x-envoy-",)
"""What Envoy itself would take orders by."""
_TRACE = "x-envoy-internal"
"""Added by Envoy to what comes from this machine or a private network."""
_TYPE = "type.googleapis.com/"
_COOKIE_SPACE = "tholos.cookie"
_SAFE = "GET|HEAD|OPTIONS|TRACE"


def version_of(resources: object) -> str:
    """Names a file's content, so that it can be told when it is live."""
    return hashlib.sha256(_text(resources).encode()).hexdigest()[:20]


def render_routes(front: Front, fleet: Fleet) -> tuple[str, str]:
    """The file of routes, and its version."""
    hosts = [_lane_host(front, lane, fleet.generations) for lane in fleet.lanes]
    everything_else: Json = {"name": DOOR, "domains": ["*"], "routes": [_to_door()]}
    table: Json = {
        "@type": _TYPE + "envoy.config.route.v3.RouteConfiguration",
        "name": "tholos",
        "virtual_hosts": [*hosts, everything_else],
    }
    return _file([table])


def render_clusters(front: Front, fleet: Fleet) -> tuple[str, str]:
    """The file of clusters, and its version; a lane that is leaving keeps its own until it is idle."""
    sockets = {lane.cluster: lane.socket for lane in (*fleet.leaving, *fleet.lanes)}
    clusters = [_cluster(name, path, idle_s=1.5) for name, path in sorted(sockets.items())]
    return _file([_cluster(DOOR, front.door, idle_s=30.0), *clusters])


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
                "@type": _TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret",
                "name": "public",
                "tls_certificate": certificate,
            }
        ]
    )[0]


def _file(resources: list[Json]) -> tuple[str, str]:
    version = version_of(resources)
    return _text({"version_info": version, "resources": resources}), version


def render_bootstrap(front: Front) -> str:
    """What the proxy is started with."""
    runtime = {"re2.max_program_size.error_level": 10_000}
    return _text(
        {
            "node": {"id": "tholos", "cluster": "tholos"},
            "admin": {"address": {"pipe": {"path": front.admin, "mode": 0o600}}},
            "static_resources": {"listeners": [_listener(front)]},
            "dynamic_resources": {"cds_config": _source(front, CLUSTERS)},
            "layered_runtime": {"layers": [{"name": "static", "static_layer": runtime}]},
            "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": _STATS}}},
        }
    )


def _source(front: Front, file: str) -> Json:
    return {"path_config_source": {"path": f"{front.folder}/{file}"}, "resource_api_version": "V3"}


# Only what is looked at: a counter that nobody reads still takes memory for every app.
_STATS: list[Json] = [
    {"prefix": "cluster_manager.cds."},
    {"prefix": "http.tholos.rds."},
    {"suffix": ".upstream_rq_active"},
    {"suffix": ".upstream_rq_total"},
    {"safe_regex": {"regex": r"cluster\.instance-.*\.upstream_rq_[2345]xx"}},
    {"suffix": ".upstream_cx_active"},
    {"suffix": ".downstream_cx_active"},
    {"prefix": "listener_manager."},
    {"prefix": "server."},
]


def _listener(front: Front) -> Json:
    chain: Json = {"filters": [_filter("envoy.filters.network.http_connection_manager", _manager(front))]}
    listener: Json = {
        "name": "public",
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
        "@type": _TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificate_sds_secret_configs": [{"name": "public", "sds_config": _source(front, CERTIFICATES)}],
        },
    })  # fmt: skip


def _manager(front: Front) -> Json:
    return {
        "@type": _TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "tholos",
        "codec_type": "AUTO",
        "rds": {"route_config_name": "tholos", "config_source": _source(front, ROUTES)},
        "http_filters": _filters(front),
        "early_header_mutation_extensions": [_hygiene()],
        # What apps see of a request is what was sent: neither path nor headers are put right on the way.
        "normalize_path": False,
        "use_remote_address": True,
        "skip_xff_append": True,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "internal_address_config": {},
        "max_request_headers_kb": front.max_head_kb,
        "common_http_protocol_options": {
            "idle_timeout": _seconds(front.keep_alive_s),
            "max_headers_count": 200,
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "none"},
        "http2_protocol_options": {
            "max_concurrent_streams": 250,
            "initial_stream_window_size": 262_144,
            "initial_connection_window_size": 1_048_576,
        },
        "request_headers_timeout": _seconds(front.head_timeout_s),
        # Streams may be silent for as long as they like, where nothing is said of it.
        "stream_idle_timeout": _seconds(front.idle_timeout_s),
        # A body is asked for by whoever will read it: who refuses a request does not want it first.
        "proxy_100_continue": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "access_log": render_logs(front),
    }


def _hygiene() -> Json:
    """Before anything else looks: what only we may say is removed from what clients send."""
    ours = [{"prefix": one} for one in (*(name.decode() for name in IDENTITY_PREFIXES), *_OWN_PREFIXES)]
    ours += [{"exact": one.decode()} for one in sorted(IDENTITY_HEADERS)]
    removed = [{"remove_on_match": {"key_matcher": one}} for one in ours]
    return _filter("envoy.http.early_header_mutation.header_mutation", {
        "@type": _TYPE + "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": removed,
    })  # fmt: skip


def _filters(front: Front) -> list[Json]:
    return [
        *([_filter("envoy.filters.http.compressor", _COMPRESSOR)] if front.compresses else []),
        _filter(JWT, _passes(front)),
        _filter("envoy.filters.http.header_to_metadata", _kept_cookies(front.cookies)),
        _filter("envoy.filters.http.router", {
            "@type": _TYPE + "envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": True,
        }),
    ]  # fmt: skip


_COMPRESSOR: Json = {
    "@type": _TYPE + "envoy.extensions.filters.http.compressor.v3.Compressor",
    "compressor_library": {
        "name": "gzip",
        "typed_config": {"@type": _TYPE + "envoy.extensions.compression.gzip.compressor.v3.Gzip"},
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
        "clear_route_cache": True,
        "clock_skew_seconds": 1,
        "require_expiration": True,
        "jwt_cache_config": {"jwt_cache_size": 2000},
    }
    either = {"requires_any": {"requirements": [{"provider_name": "pass"}, {"allow_missing_or_failed": {}}]}}
    return {
        "@type": _TYPE + "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"pass": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": either}],
    }


def cookie_pattern(cookies: Cookies) -> str:
    """Matches our own cookies with what parts them from others, as :mod:`tholos.gateway.cookies` takes them out (RE2)."""
    names = "|".join(re.escape(one) for one in (cookies.app_pass, cookies.handle))
    ours = rf"[ \t]*(?:{names}|{re.escape(cookies.transaction)}_[0-9a-f]{{8}})[ \t]*=[^;,]*"
    return rf"^(?:{ours}(?:[;,][ \t]*|$))+|[;,]{ours}"


def _kept_cookies(cookies: Cookies) -> Json:
    """The cookies that an app is to see, beside those that came: only a lane takes them, the door needs all."""
    kept: Json = {
        "metadata_namespace": _COOKIE_SPACE,
        "key": "kept",
        "type": "STRING",
        "regex_value_rewrite": {
            "pattern": {"regex": cookie_pattern(cookies)},
            "substitution": "",
        },
    }
    return {
        "@type": _TYPE + "envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [{"header": "cookie", "on_header_present": kept, "remove": False}],
    }


def _lane_host(front: Front, lane: Lane, generations: tuple[str, ...]) -> Json:
    routes = [_to_door(path=CALLBACK)]
    if generations:
        routes += _proven(front, lane, generations)
    if lane.is_public:
        routes.append(_unproven(front, lane))
    return {"name": lane.place, "domains": [lane.host], "routes": [*routes, _to_door()]}


def _proven(front: Front, lane: Lane, generations: tuple[str, ...]) -> list[Json]:
    """By a pass: what only reads, and what comes from the app's own pages. Both leave what may last to the door, which
    ends it when access does.
    """
    claims = [
        _claim("aud", {"string_match": {"exact": lane.place}}),
        _claim("v", {"double_match": {"exact": lane.access_version}}),
        _claim("e", _any_of([{"string_match": {"exact": one}} for one in generations])),
    ]
    if lane.revoked:
        each: list[Json] = [{"string_match": {"exact": one}} for one in lane.revoked]
        claims.append(_claim("g", _any_of(each)) | {"invert": True})
    scheme = "https" if front.is_secure else "http"
    who = [("x-tholos-account", f"%DYNAMIC_METADATA({JWT}:pass:n)%"),
           ("rstudio-connect-credentials", f"%DYNAMIC_METADATA({JWT}:pass:c)%")]  # fmt: skip
    reading: Json = {"name": ":method", "string_match": {"safe_regex": {"regex": _SAFE}}}
    own = _equals("origin", f"{scheme}://{lane.host}")
    return [
        _to_lane(front, lane, [condition, *_SHORT, _without("authorization", "tholos_")], claims, who)
        for condition in (reading, own)
    ]


def _unproven(front: Front, lane: Lane) -> Json:
    """Nobody in particular, where everyone is let in; whoever brings something of ours is looked at by the door."""
    nothing = [_without("cookie", "tholos_"), _without("authorization", "tholos_")]
    return _to_lane(front, lane, [*nothing, *_SHORT], [], [])


def _to_lane(
    front: Front, lane: Lane, headers: list[Json], claims: list[Json], who: Iterable[tuple[str, str]]
) -> Json:
    added = [
        *_forwarded(front),
        *who,
        ("cookie", f"%DYNAMIC_METADATA({_COOKIE_SPACE}:kept)%"),
    ]
    action: Json = {"cluster": lane.cluster, "timeout": "0s", "retry_policy": _again(5, 0.025, 0.25)}
    told = {"app": lane.app, "release": str(lane.release), "name": lane.name, "instance": lane.instance}
    return {
        "match": {"prefix": "/", "headers": headers, "dynamic_metadata": claims},
        "route": action,
        "metadata": {"filter_metadata": {"tholos": told}},
        "request_headers_to_remove": ["cookie", _TRACE],
        "request_headers_to_add": [_set(name, value) for name, value in added],
    }


def _to_door(*, path: str = "") -> Json:
    """The door is told where a request comes from, and otherwise gets it as it came. One that is just being started again
    is waited for.
    """
    return {
        "match": {"path": path} if path else {"prefix": "/"},
        "route": {"cluster": DOOR, "timeout": "0s", "retry_policy": _again(60, 0.05, 0.5)},
        "request_headers_to_remove": [_TRACE],
        "request_headers_to_add": [_set("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
    }


def _again(times: int, first_s: float, most_s: float) -> Json:
    """Only where no connection could be made: what was sent to an app is never sent again."""
    return {
        "retry_on": "connect-failure",
        "num_retries": times,
        "retry_back_off": {"base_interval": _seconds(first_s), "max_interval": _seconds(most_s)},
    }


def _forwarded(front: Front) -> list[tuple[str, str]]:
    return [
        ("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
        ("x-forwarded-proto", "https" if front.is_secure else "http"),
        (FORWARDED_HOST, "%REQ(:AUTHORITY)%"),
    ]


_SHORT: list[Json] = [
    {"name": "upgrade", "present_match": True, "invert_match": True},
    {
        "name": "accept",
        "string_match": {"contains": "text/event-stream", "ignore_case": True},
        "invert_match": True,
        "treat_missing_header_as_empty": True,
    },
]


def _cluster(name: str, socket: str, *, idle_s: float) -> Json:
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    thresholds = dict.fromkeys(
        ("max_connections", "max_pending_requests", "max_requests", "max_retries"), 65536
    )
    protocol = {
        "@type": _TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        # Shorter than the keep-alive of common servers, so that they seldom close first.
        "common_http_protocol_options": {"idle_timeout": _seconds(idle_s)},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return {
        "@type": _TYPE + "envoy.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": 65_536,
        "circuit_breakers": {"thresholds": [thresholds]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol
        },
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _any_of(values: list[Json]) -> Json:
    """Envoy wants two at least."""
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


def _filter(name: str, typed: Json) -> Json:
    return {"name": name, "typed_config": typed}


def _seconds(number: float) -> str:
    return f"{number:g}s"


def _text(value: Mapping[str, object] | object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
