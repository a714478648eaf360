"""What can be wrong with a request's form, with a decision, or with the process that should answer."""

from __future__ import annotations

from tholos.kit.errors import Invalid, Unavailable


class BadRequest(Invalid):
    """Cannot read the request: it is not well-formed HTTP/1.1."""

    code = "bad_request"

    def __init__(self, message: str = "", *, status: int = 400) -> None:
        self.status = status
        super().__init__(message, fix="Send one request as RFC 9112 writes it.")


class BodyTooLong(Invalid):
    """Cannot take this: its body is longer than apps are sent here."""

    code = "body_too_long"
    status = 413

    def __init__(self, most: int = 0) -> None:
        super().__init__(
            f"Cannot take this: its body is longer than the {most / (1 << 20):g} MB that apps are sent here."
            if most
            else "",
            fix="Send it in parts, or ask who runs this server for more: gateway.max_body_mb.",
        )


class BadAnswer(Unavailable):
    """Cannot pass on the answer: it is not well-formed HTTP/1.1."""

    code = "bad_answer"


class BadDecision(Invalid):
    """Cannot carry the request: a header that should be set is not one line."""

    code = "bad_decision"


class UpstreamGone(Unavailable):
    """Cannot get an answer: the process closed the connection before it answered."""

    code = "upstream_gone"


class UpstreamAway(Unavailable):
    """Cannot get an answer: nothing listens where the request should go."""

    code = "upstream_away"


class UpstreamSilent(Unavailable):
    """Cannot get an answer: the process took the request and did not answer in time."""

    code = "upstream_silent"


class ClientSlow(Unavailable):
    """Cannot carry the request: its body stopped arriving."""

    code = "client_slow"


class ProxyAway(Unavailable):
    """Cannot put a proxy in front: it does not come up."""

    code = "proxy_away"


class ProxyRefused(Unavailable):
    """Cannot change where requests go: the proxy in front refuses its new files."""

    code = "proxy_refused"


class ProxySilent(Unavailable):
    """Cannot change where requests go: the proxy in front does not say that it lives by its new files."""

    code = "proxy_silent"
