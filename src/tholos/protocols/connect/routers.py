"""All routes of this wire."""

from __future__ import annotations

from tholos.protocols.connect import bundles_api, content_api, git_api, inroads, server_api

ROUTERS = (
    server_api.routes,
    server_api.outside,
    content_api.routes,
    bundles_api.routes,
    git_api.routes,
    inroads.routes,
)
