"""What the proxy writes of requests that the server did not see, as lines of JSON among its output (Envoy's access logs). Pure.

Visits, which the server counts, are a line each; where operators ask for an access log every request is one too, which nobody
but they reads.
"""

from __future__ import annotations

from collections.abc import Mapping

from tholos.gateway.fleet import Front

Json = dict[str, object]

JWT = "envoy.filters.http.jwt_authn"
FORWARDED_HOST = "x-forwarded-host"
"""Set by lanes alone; what clients send of it is gone by then."""

_ACCOUNT = {
    "account": f"%DYNAMIC_METADATA({JWT}:pass:sub)%",
    "token_account": "%METADATA(ROUTE:tholos:account)%",
}
"""By a pass, or by an API token."""


def render_logs(front: Front) -> list[Json]:
    return [_visits_log(), *([_access_log(front)] if front.logs else [])]


def _access_log(front: Front) -> Json:
    """What the carrier's own access log tells, of what the server did not see."""
    told = {
        "event": "request_answered",
        "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3f+00:00)%",
        "method": "%REQ(:METHOD)%",
        "host": "%REQ(:AUTHORITY)%",
        "path": "%METADATA(ROUTE:tholos:prefix)%%PATH(NQ:PATH)%",
        "status": "%RESPONSE_CODE%",
        "received": "%BYTES_RECEIVED%",
        "sent": "%BYTES_SENT%",
        "milliseconds": "%DURATION%",
        "by": "app",
        "app": "%METADATA(ROUTE:tholos:name)%",
        "release": "%METADATA(ROUTE:tholos:release)%",
        "instance": "%METADATA(CLUSTER:tholos:instance)%",
    }
    told |= _ACCOUNT if front.logs_accounts else {}
    is_past_the_door: Json = {"header_filter": {"header": {"name": FORWARDED_HOST, "present_match": True}}}
    return _to_output(is_past_the_door, told)


def _visits_log() -> Json:
    """Visits of apps that the server did not see, as lines of JSON among its output."""
    told = {
        "app": "%METADATA(ROUTE:tholos:app)%",
        "release": "%METADATA(ROUTE:tholos:release)%",
        **_ACCOUNT,
        "at": "%START_TIME(%s.%3f)%",
        "path": "%REQ(:PATH)%",
        "agent": "%REQ(USER-AGENT)%",
    }
    return _to_output({"and_filter": {"filters": _visits()}}, told)


def _to_output(which: Json, told: Mapping[str, str]) -> Json:
    return {
        "name": "envoy.access_loggers.stdout",
        "filter": which,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {"json_format": dict(told)},
        },
    }


def _visits() -> list[Json]:
    """The same rules as :class:`tholos.access.visits.Visits` has; what most requests fail at is asked first."""
    is_good: Json = {"or_filter": {"filters": [has_status("LE", 299), has_status("EQ", 304)]}}
    navigates: Json = {"header_filter": {"header": _equals("sec-fetch-mode", "navigate")}}
    says_nothing: Json = {
        "header_filter": {"header": {"name": "sec-fetch-mode", "present_match": True, "invert_match": True}}
    }
    wants_page: Json = {
        "header_filter": {"header": {"name": "accept", "string_match": {"contains": "text/html"}}}
    }
    of_old: Json = {"and_filter": {"filters": [says_nothing, wants_page]}}
    return [
        {"or_filter": {"filters": [navigates, of_old]}},
        {"header_filter": {"header": _equals(":method", "GET")}},
        is_good,
        has_status("GE", 200),
    ]


def has_status(operation: str, number: int) -> Json:
    value = {"default_value": number, "runtime_key": "tholos.no_such_key"}
    return {"status_code_filter": {"comparison": {"op": operation, "value": value}}}


def _equals(name: str, value: str) -> Json:
    return {"name": name, "string_match": {"exact": value}}
