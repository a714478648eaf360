"""How an app's instances live: how many run, how much each takes on, and when they end. It is the app's, not a release's:
a roll-back does not change it, and no change of it makes a release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.errors import LifeInvalid
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import JsonObject, WriteDb
from tholos.kit.versions import check_version

MOST_INSTANCES = 20
LONGEST_S = 2_592_000
"""Thirty days."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a number can be."""

    least: int
    most: int
    words: str


RANGES: Mapping[str, Range] = {
    "min_instances": Range(0, MOST_INSTANCES, "instances that always run"),
    "max_instances": Range(1, MOST_INSTANCES, "instances at most"),
    "connections": Range(1, 1_000_000, "requests at once for an instance"),
    "idle_timeout_s": Range(0, LONGEST_S, "seconds without a request"),
    "drain_timeout_s": Range(0, 86_400, "seconds to finish"),
}
_NAMES = (*RANGES, "personal")


@dataclass(frozen=True, slots=True)
class Life:
    """What an app says of it; None for what the installation says."""

    min_instances: int | None = None
    """How many run even when nobody uses the app."""
    max_instances: int | None = None
    connections: int | None = None
    """Requests at once that an instance takes before another is started."""
    idle_timeout_s: int | None = None
    """Seconds without a request after which an instance ends; 0 for never."""
    drain_timeout_s: int | None = None
    """Seconds that requests have to end by themselves when their instance is to end."""
    personal: bool | None = None
    """Whether everybody has an instance of their own."""

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> Life:
        """As it is kept with an app."""
        personal = kept.get("personal")
        numbers = {name: _whole(kept.get(name)) for name in RANGES}
        return cls(**numbers, personal=personal if isinstance(personal, bool) else None)

    def to_json(self) -> JsonObject:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for an app's instances, the installation's defaults included."""

    min_instances: int = 0
    max_instances: int = 1
    connections: int = 20
    idle_timeout_s: float = 0.0
    drain_timeout_s: float = 300.0
    personal: bool = False
    """Everybody has an instance of their own, and the least are those that wait for whoever comes."""

    @property
    def may_sleep(self) -> bool:
        """Whether nothing of an app need run while nobody uses it."""
        return self.idle_timeout_s > 0 and self.min_instances == 0

    def with_life(self, life: Life) -> Rules:
        """With what an app says instead; what is least is never above what is most."""
        said = {**asdict(self), **life.to_json()}
        if life.max_instances is None:
            usual = MOST_INSTANCES if said["personal"] else said["max_instances"]
            said["max_instances"] = max(usual, said["min_instances"])
        said["min_instances"] = min(said["min_instances"], said["max_instances"])
        return Rules(**said)


def check(life: Life) -> Life:
    """Raises: LifeInvalid."""
    for name, allowed in RANGES.items():
        value = getattr(life, name)
        if value is not None and not allowed.least <= value <= allowed.most:
            raise LifeInvalid(
                f"Cannot take {value} {allowed.words}: from {allowed.least:,} to {allowed.most:,} are possible.",
                where=name,
            )
    least, most = life.min_instances, life.max_instances
    if least is not None and most is not None and least > most:
        raise LifeInvalid(
            f"Cannot always run {least} instances: {most} are the most that may run.", where="min_instances"
        )
    return life


def change(db: WriteDb, actor: Actor, name: str, life: Life, seen: int | None, now: datetime) -> App:
    """Raises: AppNotFound, NotAnEditor, EditedMeanwhile, LifeInvalid."""
    app = apps.get_editable(db, actor, name)
    check_version(seen, app.version)
    check(life)
    before = Life.of(app.life)
    if before == life:
        return app
    app.life = life.to_json()
    app.version += 1
    changed = [key for key in _NAMES if getattr(before, key) != getattr(life, key)]
    audit.record(
        db, actor, Action.APP_CHANGED, apps.subject_of(app), now,
        before={key: getattr(before, key) for key in changed},
        after={key: getattr(life, key) for key in changed},
    )  # fmt: skip
    return app


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
