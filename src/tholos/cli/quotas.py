"""``tholos quota``: what an account's apps may be and take together."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.quotas import NewQuota, Quota

_WORDS = (
    ("apps", "apps", ""),
    ("instances", "running", ""),
    ("memory_mb", "memory", " MB"),
    ("storage_mb", "files", " MB"),
)


def quota(
    *,
    name: str,
    apps: int | None,
    instances: int | None,
    memory: int | None,
    storage: int | None,
    usual: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Print somebody's quota; with numbers, or ``usual``, say it first. What is not said stays."""
    said = {"apps": apps, "instances": instances, "memory_mb": memory, "storage_mb": storage}
    with connected(server) as client:
        of = name or client.me().name
        found = client.quota(of)
        if usual or any(one is not None for one in said.values()):
            kept = {} if usual else _own(found)
            wanted = {**kept, **{key: one for key, one in said.items() if one is not None}}
            found = client.set_quota(of, NewQuota(**wanted))
    if as_json:
        print_json(account=of, quota=asdict(found))
        return 0
    console = of_terminal()
    for key, words, unit in _WORDS:
        one = getattr(found, key)
        most = f"{one.most:,}{unit}" if one.most else "any number" if not unit else "any amount"
        whose = " (said of this account)" if one.is_own else ""
        console.row(words, f"{one.taken:,}{unit} of {most}{whose}")
    return 0


def _own(found: Quota) -> dict[str, int]:
    """What was said of the account itself."""
    return {key: getattr(found, key).most for key, _, _ in _WORDS if getattr(found, key).is_own}
