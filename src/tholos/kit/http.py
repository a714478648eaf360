"""Small rules of HTTP that pages, API and gateway share. No framework."""

from __future__ import annotations

from dataclasses import dataclass

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_own_request(origin: str | None, fetch_site: str | None, own_origin: str) -> bool:
    """Whether a request that acts by cookie came from our own pages.

    An ``Origin`` decides where there is one (``null`` is foreign); without one, ``Sec-Fetch-Site`` does, and
    clients that send neither are no browsers.
    """
    if origin is not None:
        return origin == own_origin
    return fetch_site not in {"cross-site", "same-site"}


@dataclass(frozen=True, slots=True)
class CookieNames:
    """The names of our cookies. ``__Host-`` needs https, so plain-http trials go without; ``__Secure-`` goes with a path."""

    session: str
    handle: str
    app_pass: str
    transaction: str
    """What the names of these begin with: there is one for each sign-in that is under way."""
    openid: str
    """The same, of sign-ins that were sent to a provider."""
    instance: str
    """Which of an app's instances a browser is used to; no credential."""

    @classmethod
    def of(cls, *, secure: bool, has_paths: bool = False) -> CookieNames:
        """``has_paths`` where those of apps hold below a path only."""
        own = "__Host-" if secure else ""
        apps = "__Secure-" if secure and has_paths else own
        handle, app_pass, transaction = (f"{apps}tholos_{name}" for name in ("handle", "pass", "txn"))
        return cls(
            f"{own}tholos_session",
            handle,
            app_pass,
            transaction,
            f"{own}tholos_openid",
            f"{apps}tholos_instance",
        )


def set_cookie(name: str, value: str, *, secure: bool, max_age: int, path: str = "/") -> str:
    """The value of a Set-Cookie header: HttpOnly, SameSite=Lax, host only; ``max_age`` in seconds, 0 removes."""
    return f"{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax" + (
        "; Secure" if secure else ""
    )


def read_cookies(header: str) -> dict[str, str]:
    """Names and values of Cookie headers joined by ``;``; of a name sent twice the first wins (as Envoy does)."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, separator, value = pair.strip().partition("=")
        if separator:
            cookies.setdefault(name, value)
    return cookies


def bearer_token(authorization: str | None) -> str:
    """The API token of an Authorization header, by ``Bearer`` or ``Key``; empty if there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() in {"bearer", "key"} else ""
