"""Who reaches a shared object and by which ways, and what a change of sharing gives and takes. Pure.

The two lists of *who can open what*, by object and by person, and the words that are shown before a change applies all
come from :func:`ways_of`, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tholos.sharing.models import Audience, Level, PrincipalKind


@dataclass(frozen=True, slots=True)
class Principal:
    """An account or group."""

    kind: PrincipalKind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one account or group was given."""

    principal: Principal
    level: Level


@dataclass(frozen=True, slots=True)
class Sharing:
    """How one object is shared."""

    owner_id: str
    audience: Audience
    shares: tuple[Share, ...]

    def share_of(self, principal_id: str) -> Share | None:
        return next((one for one in self.shares if one.principal.id == principal_id), None)


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as far as sharing asks."""

    id: str
    name: str
    is_publisher: bool
    is_disabled: bool
    groups: frozenset[str]
    """Ids of those that it is in."""


class By(StrEnum):
    """What lets somebody in."""

    OWNER = "owner"
    ACCOUNT = "account"
    GROUP = "group"
    AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Way:
    """One reason why somebody may open an object."""

    by: By
    level: Level
    """What it allows this person: who does not publish is no editor, whatever was granted."""
    name: str = ""
    """Of the group."""


@dataclass(frozen=True, slots=True)
class Difference:
    """People whose access another sharing changes, each list in the order of their names."""

    opens: tuple[Person, ...]
    """They could not open it before."""
    closes: tuple[Person, ...]
    """They cannot open it any more."""
    edits: tuple[Person, ...]
    """They could not edit it before."""
    stops_editing: tuple[Person, ...]


def ways_of(sharing: Sharing, person: Person) -> tuple[Way, ...]:
    """Every way by which a person may open an object, the strongest first; none where they may not."""
    if person.is_disabled:
        return ()
    ways = [Way(By.OWNER, Level.EDITOR)] if sharing.owner_id == person.id else []
    for share in sharing.shares:
        level = share.level if person.is_publisher else Level.VIEWER
        if share.principal.id == person.id:
            ways.append(Way(By.ACCOUNT, level))
        elif share.principal.id in person.groups:
            ways.append(Way(By.GROUP, level, share.principal.name))
    if sharing.audience != Audience.LISTED:
        ways.append(Way(By.AUDIENCE, Level.VIEWER))
    return tuple(sorted(ways, key=lambda way: (way.by != By.OWNER, way.level != Level.EDITOR)))


def level_of(ways: Sequence[Way]) -> Level | None:
    """The most that ways allow; None where there is none."""
    if any(way.level == Level.EDITOR for way in ways):
        return Level.EDITOR
    return Level.VIEWER if ways else None


def difference(before: Sharing, after: Sharing, people: Sequence[Person]) -> Difference:
    """Whose access changes, and how."""
    levels = [(one, level_of(ways_of(before, one)), level_of(ways_of(after, one))) for one in people]
    ordered = sorted(levels, key=lambda row: row[0].name)
    return Difference(
        opens=tuple(one for one, was, will in ordered if was is None and will is not None),
        closes=tuple(one for one, was, will in ordered if was is not None and will is None),
        edits=tuple(one for one, was, will in ordered if will == Level.EDITOR != was),
        stops_editing=tuple(one for one, was, will in ordered if was == Level.EDITOR != will),
    )


def narrows(before: Sharing, after: Sharing) -> bool:
    """Whether anybody at all may do less than before, whoever is in the groups by then."""
    order = list(Audience)
    if order.index(after.audience) < order.index(before.audience) or after.owner_id != before.owner_id:
        return True
    kept = {share.principal.id: share.level for share in after.shares}
    return any(
        share.principal.id not in kept or not kept[share.principal.id].includes(share.level)
        for share in before.shares
    )
