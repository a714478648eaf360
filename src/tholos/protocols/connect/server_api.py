"""What this wire's clients ask of the server itself, and who asks."""

from __future__ import annotations

from urllib.parse import urlsplit

from packaging.version import Version

from tholos.accounts import service as accounts
from tholos.accounts.models import Account
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.apps.life import Rules
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject
from tholos.protocols.connect import contents, identity
from tholos.runtime.interpreters import OLDEST, Interpreters

routes = Routes(prefix="/__api__", tags=["connect"], include_in_schema=False)
outside = Routes(tags=["connect"], include_in_schema=False)

VERSION = "2025.12.0"
"""The oldest at which clients use all that is here: drafts, bundles with where they come from, lockfiles."""
_LIMITS = ("cpu_request", "cpu_limit", "memory_request", "memory_limit", "amd_gpu_limit", "nvidia_gpu_limit")


@outside.declare("GET", "/__ping__", permission=Permission.PUBLIC)
async def ping() -> JsonObject:
    """Whether the server answers."""
    return {}


@routes.declare("GET", "/server_settings", permission=Permission.PUBLIC)
def get_settings(call: Calling) -> JsonObject:
    """What kind of server this is; asked without a key, too."""
    return {
        "hostname": urlsplit(call.site.url).hostname or "",
        "version": VERSION,
        "build": "",
        "about": "",
        "license": {
            "allow-apis": True,
            "current-user-execution": False,
            "enable-launcher": False,
            "oauth-integrations": False,
        },
        "runtimes": ["python"],
        "git_enabled": True,
        "git_available": True,
        "execution_type": "native",
        "enable_runtime_constraints": False,
        "enable_image_management": False,
        "default_image_selection_enabled": False,
        "default_environment_management_selection": True,
        "default_r_environment_management": False,
        "default_py_environment_management": True,
        "oauth_integrations_enabled": False,
    }


@routes.declare("GET", "/server_settings/applications", permission=Permission.SIGNED_IN)
def get_application_settings() -> JsonObject:
    """Who content can be shared with."""
    return {
        "access_types": [*contents.ACCESS_TYPES],
        "run_as": "",
        "run_as_group": "",
        "run_as_current_user": False,
    }


@routes.declare("GET", "/server_settings/scheduler", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/server_settings/scheduler/{_appmode}", permission=Permission.SIGNED_IN)
def get_scheduler_settings(call: Calling, _appmode: str = "") -> JsonObject:
    """How many processes run of an item, and for how long; the same for all modes."""
    rules = call.get(Rules)
    return {
        "min_processes": rules.min_instances,
        "max_processes": rules.max_instances,
        "max_conns_per_process": rules.connections,
        "load_factor": 0.5,
        "init_timeout": 60,
        "idle_timeout": round(rules.idle_timeout_s),
        "connection_timeout": 3600,
        "read_timeout": 3600,
        "min_processes_limit": 20,
        "max_processes_limit": 20,
        **dict.fromkeys(_LIMITS, 0),
        **{f"max_{name}": 0 for name in _LIMITS},
    }


@routes.declare("GET", "/v1/server_settings/python", permission=Permission.SIGNED_IN)
def get_pythons(call: Calling) -> JsonObject:
    """The interpreters that content can run on."""
    versions = {Version(one.version) for one in call.get(Interpreters).find()}
    found = [
        {
            "version": str(one),
            "cluster_name": contents.LOCAL,
            "image_name": contents.LOCAL,
            "publishable": True,
        }
        for one in sorted(versions)
        if one >= OLDEST
    ]
    return {"installations": found, "api_enabled": True}


@routes.declare("GET", "/v1/server_settings/r", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/v1/server_settings/quarto", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/v1/server_settings/nodejs", permission=Permission.SIGNED_IN)
@routes.declare("GET", "/v1/server_settings/tensorflow", permission=Permission.SIGNED_IN)
def get_others() -> JsonObject:
    """There are none of these."""
    return {"installations": [], "enabled": False}


@routes.declare("GET", "/v1/user", permission=Permission.SIGNED_IN)
def get_user(call: Calling) -> JsonObject:
    """Who asks."""
    with call.read() as db:
        return user_json(accounts.get_account(db, call.actor.account_id))


def user_json(account: Account, *, is_whole: bool = True) -> JsonObject:
    """An account as this wire tells it; what is private to those who may know it."""
    first, _, last = account.full_name.partition(" ")
    return {
        "guid": identity.guid_of(account.id),
        "username": account.name,
        "email": (account.email or "") if is_whole else "",
        "first_name": first,
        "last_name": last,
        "user_role": account.role,
        "created_time": to_text(account.created_at) if is_whole else None,
        "updated_time": to_text(account.created_at) if is_whole else None,
        "active_time": to_text(account.seen_at) if is_whole else None,
        "confirmed": True,
        "locked": account.is_disabled,
    }
