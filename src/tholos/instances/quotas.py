"""Whether somebody's apps may run one more instance, and what they take: what there is, against the owner's quota."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tholos.accounts import quotas
from tholos.accounts.quotas import Most, QuotaReached
from tholos.apps import quotas as app_quotas
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.instances import queries
from tholos.kit.db import JsonObject, ReadDb

MemoryOf = Callable[[JsonObject], int]
"""Megabytes that an instance may have, by its release's settings; 0 for no limit."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an account's apps are and take."""

    apps: int
    instances: int
    memory_mb: int
    storage_mb: int


def taken_by(db: ReadDb, account_id: str, memory_of: MemoryOf) -> Taken:
    running = [settings for _, _, settings in queries.list_running_of(db, account_id)]
    return Taken(
        app_quotas.count_owned(db, account_id),
        len(running),
        sum(map(memory_of, running)),
        app_quotas.stored_mb(db, account_id),
    )


def check_start(db: ReadDb, app: App, release: Release, memory_of: MemoryOf, *, takes_over: bool) -> None:
    """Whether an instance may be started.

    Args:
        db: to read.
        app: whose instance it would be.
        release: of which.
        memory_of: what instances may have.
        takes_over: whether those end that serve the app now, once this one does.

    Raises:
        QuotaReached: with it the owner's apps would be or take more than they may.
    """
    most = quotas.most_of(db, app.owner_id)
    if not most.instances and not most.memory_mb:
        return
    running = _beside(db, app, release, takes_over=takes_over)
    if most.instances and len(running) >= most.instances:
        raise QuotaReached(
            f"Cannot start {app.name}: {len(running):,} instances of its owner's apps run, and {most.instances:,} may."
        )
    _check_memory(app, [*map(memory_of, running)], memory_of(release.settings), most)


def _check_memory(app: App, running: Sequence[int], wanted: int, most: Most) -> None:
    """Who may have any amount is taken to have all.

    Raises: QuotaReached.
    """
    allowed = most.memory_mb or 0
    if allowed and sum(one or allowed for one in running) + (wanted or allowed) > allowed:
        own, others = _amount([wanted]), _amount(running)
        raise QuotaReached(
            f"Cannot start {app.name}: it may have {own} of memory, its owner's other instances {others}, and "
            f"{allowed:,} MB are what they may have together."
        )


def _amount(megabytes: Sequence[int]) -> str:
    return f"{sum(megabytes):,} MB" if all(megabytes) else "any amount"


def _beside(db: ReadDb, app: App, release: Release, *, takes_over: bool) -> list[JsonObject]:
    """Settings of what would run beside it: not of what it takes the place of."""
    serving = apps.serving_ids(db, app.id) - (set() if takes_over else {release.id})
    return [
        settings
        for app_id, release_id, settings in queries.list_running_of(db, app.owner_id)
        if app_id != app.id or release_id not in serving
    ]
