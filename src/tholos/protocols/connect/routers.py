"""All routes of this wire."""

from __future__ import annotations

from tholos.protocols.connect import (
    bootstrap_api,
    bundles_api,
    content_api,
    git_api,
    groups_api,
    inroads,
    jobs_api,
    legacy_api,
    metrics_api,
    oauth_api,
    packages_api,
    permissions_api,
    schedules_api,
    server_api,
    system_api,
    tags_api,
    users_api,
    vanities_api,
)

ROUTERS = (
    server_api.routes,
    server_api.outside,
    content_api.routes,
    bundles_api.routes,
    git_api.routes,
    users_api.routes,
    groups_api.routes,
    permissions_api.routes,
    jobs_api.routes,
    packages_api.routes,
    system_api.routes,
    oauth_api.routes,
    bootstrap_api.routes,
    legacy_api.routes,
    schedules_api.routes,
    tags_api.routes,
    vanities_api.routes,
    metrics_api.routes,
    inroads.routes,
)
