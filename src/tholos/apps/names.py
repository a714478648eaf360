"""Names: what an app may be called, and which paths of the console are spoken for. Pure."""

from __future__ import annotations

import re

from tholos.apps.errors import NameInvalid, NameReserved

APP_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
RELEASE_NAME = re.compile(r"([a-z][a-z0-9-]{1,39}?)--r([1-9][0-9]{0,8})")
"""What a draft's host is called: the app's name and the release's number. No app is called so."""


def release_name(name: str, number: int) -> str:
    """The host name of one release of an app."""
    return f"{name}--r{number}"


RESERVED_PREFIXES = frozenset({
    # ours
    "account", "admin", "analyses", "api", "app", "apps", "audit", "connectors", "device", "docs", "doctor",
    "environments", "files", "groups", "health", "healthz", "help", "hooks", "invitations", "join", "metrics", "nodes", "open",
    "oauth", "operations", "organizations", "people", "projects", "publish", "readyz", "robots.txt", "favicon.ico",
    "runs", "schedules", "secrets", "setup", "shares", "sign-in", "sign-out", "static", "tokens", "users",
    "volumes", "webhooks", "welcome", ".well-known", ".tholos",
    # Connect: its API, its login and content addresses, and the help of its API
    "__api__", "__docs__", "__login__", "__ping__", "connect", "content",
    # JupyterHub and Edge: hub pages, single-user servers, services and proxied ports
    "hub", "user", "user-redirect", "services", "proxy", "edge", "applications",
    # QHAna: registry, plugins, tasks, their documents, and what its user interface asks for
    "plugins", "tasks", "task", "swagger-ui", "redoc", "rapidoc", "registry", "experiments", "templates",
    "plugin-runner", "micro-frontends",
    # Octue
    "octue", "services-communication", "questions",
    # projects and their websockets
    "ws", "kernels", "contents", "lab", "tree", "trash", "sync",
})  # fmt: skip
"""First path segments on the console's host that a protocol, a page or a convention uses, now or later."""

RESERVED_NAMES = RESERVED_PREFIXES | frozenset({
    "www", "mail", "ftp", "ns", "ns1", "ns2", "smtp", "imap", "tholos", "console", "gateway", "server", "localhost",
    "status", "auth", "login", "logout", "oauth", "sso", "assets", "cdn", "internal", "system", "root", "self", "me",
    "new", "settings", "drafts", "wpad", "autoconfig", "autodiscover", "test", "invalid", "local",
})  # fmt: skip
"""What no app is called: it would shadow one of ours or mean something else to a browser or resolver."""


def check_app_name(name: str) -> str:
    """The name, fit to be an app's and a host's.

    Raises: NameInvalid, NameReserved.
    """
    if (
        not APP_NAME.fullmatch(name)
        or name.endswith("-")
        or name.startswith("xn--")
        or RELEASE_NAME.fullmatch(name)
    ):
        raise NameInvalid(
            f'Cannot take "{name[:60]}" as the name of an app: it needs 2 to 40 lower-case letters, digits and "-", '
            'a letter first and no "-" last.',
            fix="Choose another: tholos publish --name NAME",
            where="name",
        )
    if name in RESERVED_NAMES:
        raise NameReserved(
            f'Cannot take "{name}" as the name of an app: it is reserved.',
            fix="Choose another: tholos publish --name NAME",
            where="name",
        )
    return name
