"""Use cases of environments as what is kept to be used again: see how many there are, and remove those that nothing uses.

A release cannot be made live again without its environment, so one is used for as long as any release has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import Database, ReadDb, WriteDb
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing.errors import CacheInUse, CacheUnknown
from tholos.runtime.environments import Environment, Environments, version_of

REMOVE = "remove_environments"


@dataclass(slots=True)
class Cache:
    """The environments of one version of Python."""

    version: str
    used: list[Environment] = field(default_factory=list)
    unused: list[Environment] = field(default_factory=list)


def find_all(db: ReadDb, actor: Actor, environments: Environments) -> Sequence[Cache]:
    """By version; for administrators.

    Raises: RoleTooLow.
    """
    actor.needs(Role.ADMINISTRATOR)
    named = apps.environment_ids(db)
    found: dict[str, Cache] = {}
    for one in environments.list():
        cache = found.setdefault(version := version_of(one), Cache(version))
        (cache.used if one.id in named else cache.unused).append(one)
    return sorted(found.values(), key=lambda cache: cache.version)


def get_removable(db: ReadDb, actor: Actor, environments: Environments, version: str) -> Cache:
    """The environments of a version, some of which nothing uses.

    Raises: RoleTooLow, CacheUnknown, CacheInUse.
    """
    found = next((one for one in find_all(db, actor, environments) if one.version == version), None)
    if found is None:
        raise CacheUnknown(f"There is no environment of Python {version[:40]}.", where="version")
    if not found.unused:
        raise CacheInUse(f"Cannot remove the environments of Python {version}: releases use all of them.")
    _check_idle(db)
    return found


def remove(database: Database, environments: Environments, cache: Cache) -> int:
    """Remove what still is of no use as its turn comes; returns how many that were. It takes its time."""
    return sum(_remove_each(database, environments, cache))


def record_removal(db: WriteDb, actor: Actor, cache: Cache, removed: int, now: datetime) -> Operation:
    """What was removed, as an operation that is done."""
    subject = Subject(f"python-{cache.version}", f"Python {cache.version}")
    text = f"{removed} removed, {len(cache.used)} are in use."
    begun = operations.record_done(db, actor, REMOVE, subject, {"removed": removed}, text, now)
    audit.record(
        db, actor, Action.ENVIRONMENTS_REMOVED, audit.Subject("environments", subject.id, subject.name), now,
        after={"removed": removed, "operation": begun.id},
    )  # fmt: skip
    return begun


def _remove_each(database: Database, environments: Environments, cache: Cache) -> Iterator[int]:
    for one in cache.unused:
        with database.read() as db:
            is_needed = one.id in apps.environment_ids(db) or _is_building(db)
        if not is_needed:
            environments.remove(one.id)
            yield 1


def _is_building(db: ReadDb) -> bool:
    """Whether something may be about to use what nothing has used so far."""
    return bool(operations.list_under_way(db))


def _check_idle(db: ReadDb) -> None:
    """Raises: CacheInUse."""
    if _is_building(db):
        raise CacheInUse("Cannot remove environments just now: something is being published.")
