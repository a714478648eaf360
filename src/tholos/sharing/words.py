"""Sharing said in words: who can open something, and what a change of that will do, before it applies. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tholos.sharing.models import Audience, Level, PrincipalKind
from tholos.sharing.reach import Difference, Person, Share, Sharing

_NAMED_AT_MOST = 5
ENDS_WITHIN = "within five seconds"


def describe(sharing: Sharing, people: Sequence[Person]) -> str:
    """Who can open it, who can edit it, and that nobody else can."""
    active = [one for one in people if not one.is_disabled]
    owner = next((one.name for one in active if one.id == sharing.owner_id), "")
    shares = [_share(one, active) for one in sharing.shares]
    said = [_openers(sharing.audience, [*([owner] if owner else []), *shares], len(active))]
    if sharing.audience != Audience.LISTED and shares:
        said.append(f"It is shared by name with {_together(shares)}.")
    editors = [_share(one, active, of_editors=True) for one in sharing.shares if one.level == Level.EDITOR]
    if editors:
        said.append(f"{_together(editors)} can also publish to it and manage it.")
    return " ".join(_capital(one) for one in said)


def changes(before: Sharing, after: Sharing, told: Difference, people: Sequence[Person]) -> list[str]:
    """What a change does, a sentence for each kind of it."""
    said = [*_of_owner(before, after, people), *_of_audience(before.audience, after.audience)]
    if told.opens:
        said.append(f"{_people(told.opens)} can open it from now on.")
    if told.closes:
        said.append(
            f"{_people(told.closes)} cannot open it any more; what they have open ends {ENDS_WITHIN}."
        )
    if told.edits:
        said.append(f"{_people(told.edits)} can publish to it and manage it from now on.")
    if stays := [one for one in told.stops_editing if one not in told.closes]:
        said.append(f"{_people(stays)} can no longer publish to it or manage it.")
    if not said and before != after:
        said.append("Nobody's access changes by it just now.")
    return [_capital(one) for one in said] or ["Nothing changes."]


def count_of(number: int) -> str:
    """``1 person``, ``12 people``."""
    return "1 person" if number == 1 else f"{number} people"


def _openers(audience: Audience, named: Sequence[str], everyone: int) -> str:
    if audience == Audience.EVERYONE:
        return "everyone who has its address can open it, without signing in."
    if audience == Audience.SIGNED_IN:
        return f"everyone who is signed in here can open it ({count_of(everyone)})."
    return f"{_together(named)} can open it. Nobody else." if named else "nobody can open it."


def _share(share: Share, active: Sequence[Person], *, of_editors: bool = False) -> str:
    """Of a group that edits only those do who publish."""
    if share.principal.kind == PrincipalKind.ACCOUNT:
        return share.principal.name
    members = [one for one in active if share.principal.id in one.groups]
    editing = [one for one in members if one.is_publisher]
    some = f"{len(editing)} of " if of_editors and len(editing) < len(members) else ""
    return f"the group {share.principal.name} ({some}{count_of(len(members))})"


def _of_owner(before: Sharing, after: Sharing, people: Sequence[Person]) -> list[str]:
    if before.owner_id == after.owner_id:
        return []
    names = {one.id: one.name for one in people}
    return [
        f"{names.get(after.owner_id, '')} owns it from now on, instead of {names.get(before.owner_id, '')}."
    ]


def _of_audience(before: Audience, after: Audience) -> list[str]:
    if before == after:
        return []
    if after == Audience.EVERYONE:
        return ["everyone who has its address can open it from now on, without signing in."]
    return ["nobody can open it without signing in any more."] if before == Audience.EVERYONE else []


def _people(people: Sequence[Person]) -> str:
    names = [one.name for one in people]
    if len(names) <= _NAMED_AT_MOST:
        return _together(names)
    return f"{_together([*names[: _NAMED_AT_MOST - 1], f'{len(names) - _NAMED_AT_MOST + 1} more'])}"


def _together(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(sentence: str) -> str:
    """A sentence begins with a capital, but for a name: names are written as they are."""
    first = sentence.partition(" ")[0]
    return sentence[0].upper() + sentence[1:] if first in {"everyone", "nobody", "the"} else sentence
