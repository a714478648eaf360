"""Use cases of sharing an app: change who may open it, hand it over, and say who can and why.

Its owner and administrators may do all of it. An editor shares it for viewing, with people, groups and whoever is signed
in, and takes that back; making editors and letting everyone in without signing in is the owner's. Every change says what
it does before it applies: :func:`plan` is the preview, :func:`change` does just that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import queries
from tholos.apps import service as apps
from tholos.apps.errors import HandOverRefused, NotAnEditor, OwnerInvalid
from tholos.apps.models import App
from tholos.apps.service import Rank
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.versions import check_version
from tholos.sharing import reach, words
from tholos.sharing import service as sharing
from tholos.sharing.errors import GrantInvalid, PrincipalUnknown
from tholos.sharing.models import Audience, Level, PrincipalKind, RequestState
from tholos.sharing.reach import By, Difference, Person, Principal, Share, Sharing, Way
from tholos.sharing.service import Shared

KIND = "app"


@dataclass(frozen=True, slots=True)
class Given:
    """What one account or group is to have."""

    kind: PrincipalKind
    name: str
    level: Level | None
    """None takes back what it has."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A change of sharing."""

    audience: Audience | None = None
    """None leaves it as it is."""
    given: Sequence[Given] = ()
    is_whole: bool = False
    """Whether what is not named is taken back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change as it would be, or was, applied."""

    app: App
    before: Sharing
    after: Sharing
    people: Sequence[Person]

    @property
    def told(self) -> Difference:
        return reach.difference(self.before, self.after, self.people)

    @property
    def narrows(self) -> bool:
        """Whether anybody may lose access."""
        return reach.narrows(self.before, self.after)

    @property
    def words_before(self) -> str:
        return words.describe(self.before, self.people)

    @property
    def words(self) -> str:
        """Who can open it afterwards."""
        return words.describe(self.after, self.people)

    @property
    def changes(self) -> list[str]:
        return words.changes(self.before, self.after, self.told, self.people)


def sharing_of(db: ReadDb, app: App) -> Sharing:
    return sharing.sharing_of(db, app.id, app.owner_id, app.audience)


def look(db: ReadDb, actor: Actor, name: str) -> Plan:
    """How an app is shared, as a change that changes nothing.

    Raises: AppNotFound, NotAnEditor.
    """
    app = apps.get_editable(db, actor, name)
    now = sharing_of(db, app)
    return Plan(app, now, now, sharing.list_people(db, app.organization_id))


def plan(db: ReadDb, actor: Actor, name: str, wish: Wish) -> Plan:
    """What a change would do; nothing is written.

    Raises: AppNotFound, NotAnEditor, PrincipalUnknown, GrantInvalid, GrantNotFound.
    """
    looked = look(db, actor, name)
    shares = _shares_after(db, looked.app, looked.before, wish)
    after = replace(looked.before, audience=wish.audience or looked.before.audience, shares=shares)
    _check_may(actor, looked.app, looked.before, after)
    return replace(looked, after=after)


def change(db: WriteDb, actor: Actor, name: str, wish: Wish, seen: int | None, now: datetime) -> Plan:
    """Apply a change. What loses access is decided anew at its next request, once the edge has told.

    Raises: AppNotFound, NotAnEditor, PrincipalUnknown, GrantInvalid, GrantNotFound, EditedMeanwhile.
    """
    planned = plan(db, actor, name, wish)
    check_version(seen, planned.app.version)
    if planned.before != planned.after:
        _write_shares(db, actor, planned, now)
        _applied(db, actor, planned, now)
    return planned


def give(db: WriteDb, doer: Actor | None, app: App, account_id: str, level: Level, now: datetime) -> None:
    """Share an app with one account, where who may do so was asked before: by an invitation, say."""
    before = sharing_of(db, app)
    people = sharing.list_people(db, app.organization_id)
    name = next(one.name for one in people if one.id == account_id)
    share = Share(Principal(PrincipalKind.ACCOUNT, account_id, name), level)
    present = before.share_of(account_id)
    if app.owner_id == account_id or (present and present.level.includes(level)):
        return
    others = tuple(one for one in before.shares if one != present)
    planned = Plan(app, before, replace(before, shares=(*others, share)), people)
    sharing.grant(db, doer, _shared(app), share.principal, level, now)
    _applied(db, doer or audit.ITSELF, planned, now)


def plan_hand_over(db: ReadDb, actor: Actor, name: str, to_name: str, keep: Level | None = None) -> Plan:
    """What handing an app over would do; its former owner keeps a level, or nothing.

    Raises: AppNotFound, NotAnEditor, OwnerInvalid, GrantInvalid.
    """
    app = apps.get_owned(db, actor, name)
    people = sharing.list_people(db, app.organization_id)
    return _plan_of_owner(db, app, people, _find_owner(people, to_name), keep)


def hand_over(
    db: WriteDb,
    actor: Actor,
    name: str,
    to_name: str,
    seen: int | None,
    now: datetime,
    *,
    keep: Level | None = None,
) -> Plan:
    """Make somebody else the owner of an app.

    Raises: AppNotFound, NotAnEditor, OwnerInvalid, GrantInvalid, EditedMeanwhile.
    """
    planned = plan_hand_over(db, actor, name, to_name, keep)
    check_version(seen, planned.app.version)
    if planned.before != planned.after:
        _change_owner(db, actor, planned, now)
    return planned


def hand_over_all(
    db: WriteDb,
    actor: Actor,
    from_name: str,
    to_name: str,
    now: datetime,
    besides: Mapping[str, Sequence[str]] | None = None,
) -> list[App]:
    """Make somebody else the owner of every app that an account owns; it keeps nothing of them. The record tells of all
    together: of the apps, and of what else goes along, by the names in ``besides``.

    Raises: HandOverRefused, PrincipalUnknown, OwnerInvalid.
    """
    leaver, owner = leaver_and_owner(db, actor, from_name, to_name)
    people = sharing.list_people(db, actor.organization_id)
    found = [app for app in apps.list_owned(db, leaver.id) if leaver != owner]
    for app in found:
        _change_owner(db, actor, _plan_of_owner(db, app, people, owner, None), now)
    others = {kind: [*names] for kind, names in (besides or {}).items() if names}
    if found or others:
        told: JsonObject = {"to": owner.name, "apps": [app.name for app in found], **others}
        subject = audit.Subject("account", leaver.id, leaver.name)
        audit.record(db, actor, Action.HANDED_OVER, subject, now, after=told)
    return found


def leaver_and_owner(db: ReadDb, actor: Actor, from_name: str, to_name: str) -> tuple[Person, Person]:
    """Whose things go, and who gets them.

    Raises: HandOverRefused, PrincipalUnknown, OwnerInvalid.
    """
    people = sharing.list_people(db, actor.organization_id)
    return _find_leaver(actor, people, from_name), _find_owner(people, to_name)


def given_to(db: ReadDb, principal: Principal) -> list[tuple[App, Level]]:
    """The apps that were shared with just this account or group, in the order of their names."""
    levels = sharing.list_given(db, principal.id, KIND)
    found = queries.list_with_ids(db, [*levels])
    return [(app, levels[app.id]) for app in sorted(found, key=lambda app: app.name)]


def take_back_all(db: WriteDb, actor: Actor, principal: Principal, now: datetime) -> list[App]:
    """Take back whatever an account or group was given of any app; who may do that, the caller has asked."""
    people = sharing.list_people(db, actor.organization_id)
    found = [app for app, _ in given_to(db, principal)]
    for app in found:
        before = sharing_of(db, app)
        shares = tuple(one for one in before.shares if one.principal.id != principal.id)
        planned = Plan(app, before, replace(before, shares=shares), people)
        _write_shares(db, actor, planned, now)
        _applied(db, actor, planned, now)
    return found


def may_manage(db: ReadDb, actor: Actor, name: str) -> bool:
    app = apps.find_named(db, actor.organization_id, name)
    return app is not None and apps.may_edit(db, app, actor)


def people_of(db: ReadDb, app: App) -> list[tuple[Person, tuple[Way, ...]]]:
    """Everybody who can open an app, and why, in the order of their names."""
    shared = sharing_of(db, app)
    people = sharing.list_people(db, app.organization_id)
    reached = [(one, reach.ways_of(shared, one)) for one in people]
    return [(one, ways) for one, ways in reached if ways]


def apps_of(
    db: ReadDb,
    person: Person,
    organization_id: str,
    *,
    asker: Actor | None = None,
    after: str = "",
    limit: int | None = None,
) -> list[tuple[App, tuple[Way, ...]]]:
    """Every app that somebody can open, and why, in the order of their names: the other side of :func:`people_of`.

    With an ``asker`` only those that this one manages; with a limit so many, behind the one of a name.
    """
    if person.is_disabled:
        return []
    shares = sharing.shares_reaching(db, person)
    found = []
    among = queries.editable_ids(asker) if asker else None
    for app in queries.list_behind(db, queries.reached_by(organization_id, person.id, among), after, limit):
        shared = Sharing(app.owner_id, Audience(app.audience), tuple(shares.get(app.id, ())))
        if ways := reach.ways_of(shared, person):
            found.append((app, ways))
    return found


def count_apps_of(db: ReadDb, person: Person, organization_id: str, *, asker: Actor | None = None) -> int:
    """How many :func:`apps_of` tells without a limit."""
    if person.is_disabled:
        return 0
    among = queries.editable_ids(asker) if asker else None
    return queries.count_of(db, queries.reached_by(organization_id, person.id, among))


def find_person(db: ReadDb, organization_id: str, name: str) -> Person | None:
    return next(iter(sharing.list_people(db, organization_id, name=name)), None)


def rank_by(ways: Sequence[Way]) -> Rank:
    """What ways make of a person; the same as :func:`tholos.apps.service.rank_of` says of who uses no narrower token."""
    if any(way.by == By.OWNER for way in ways):
        return Rank.OWNER
    level = reach.level_of(ways)
    return {None: Rank.NOBODY, Level.VIEWER: Rank.VIEWER, Level.EDITOR: Rank.EDITOR}[level]


# What a change comes to


def _shares_after(db: ReadDb, app: App, before: Sharing, wish: Wish) -> tuple[Share, ...]:
    """Raises: PrincipalUnknown, GrantInvalid, GrantNotFound."""
    present = {one.principal.id: one for one in before.shares}
    after = {} if wish.is_whole else dict(present)
    for given in wish.given:
        if given.level is None:
            after.pop(_find_given(before, given).principal.id, None)
            continue
        share = _share_of(db, app, given, present.values())
        after[share.principal.id] = share
    return tuple(after.values())


def _find_given(before: Sharing, given: Given) -> Share:
    """Raises: GrantNotFound."""
    held = {one.principal: one for one in before.shares if one.principal.kind == given.kind}
    return held[sharing.find_named(held, given.name)]


def _share_of(db: ReadDb, app: App, given: Given, present: Collection[Share]) -> Share:
    """Raises: PrincipalUnknown, GrantInvalid."""
    level = Level(given.level or Level.VIEWER)
    for share in present:  # who was disabled meanwhile may stay as they are
        if (share.principal.kind, share.principal.name, share.level) == (given.kind, given.name, level):
            return share
    principal = sharing.get_principal(db, app.organization_id, given.kind, given.name)
    if principal.id == app.owner_id:
        raise GrantInvalid(f"Cannot share it with {principal.name}, who owns it.", where="name")
    sharing.check_level(db, principal, level)
    return Share(principal, level)


def _check_may(actor: Actor, app: App, before: Sharing, after: Sharing) -> None:
    """Raises: NotAnEditor."""
    if apps.may_own(app, actor):
        return
    if after.audience == Audience.EVERYONE != before.audience:
        raise NotAnEditor(
            f'Cannot let everyone open "{app.name}" without signing in: only its owner does.',
            fix="Ask its owner.",
            where="audience",
        )
    if _editors(before) - {actor.account_id} != _editors(after) - {actor.account_id}:
        raise NotAnEditor(
            f'Cannot change who edits "{app.name}": only its owner does.',
            fix="Share it for viewing, or ask its owner.",
            where="level",
        )


def _editors(shared: Sharing) -> set[str]:
    return {one.principal.id for one in shared.shares if one.level == Level.EDITOR}


def _find_owner(people: Sequence[Person], name: str) -> Person:
    """Raises: OwnerInvalid."""
    found = next((one for one in people if one.name == name.strip().lower()), None)
    if found is None or found.is_disabled:
        raise OwnerInvalid(
            f'Cannot hand it over to "{name[:60]}": there is no such account.', where="account"
        )
    if not found.is_publisher:
        raise OwnerInvalid(
            f"Cannot hand it over to {found.name}: who owns an app publishes, and {found.name} is a viewer here.",
            fix="Ask an administrator to make them a publisher first.",
            where="account",
        )
    return found


def _find_leaver(actor: Actor, people: Sequence[Person], name: str) -> Person:
    """Raises: HandOverRefused, PrincipalUnknown."""
    found = next((one for one in people if one.name == name.strip().lower()), None)
    if not actor.role.includes(Role.ADMINISTRATOR) and (found is None or found.id != actor.account_id):
        raise HandOverRefused
    if found is None:
        raise PrincipalUnknown(f'There is no account "{name[:60]}".', where="name")
    return found


def _plan_of_owner(db: ReadDb, app: App, people: Sequence[Person], owner: Person, keep: Level | None) -> Plan:
    """Raises: GrantInvalid."""
    before = sharing_of(db, app)
    if owner.id == app.owner_id:
        return Plan(app, before, before, people)
    shares = tuple(one for one in before.shares if one.principal.id != owner.id)
    former = next((one for one in people if one.id == app.owner_id), None)
    if keep is not None and former is not None:
        principal = Principal(PrincipalKind.ACCOUNT, former.id, former.name)
        sharing.check_level(db, principal, keep)
        shares = (*shares, Share(principal, keep))
    return Plan(app, before, replace(before, owner_id=owner.id, shares=shares), people)


# What a change writes


def _change_owner(db: WriteDb, actor: Actor, planned: Plan, now: datetime) -> None:
    _write_shares(db, actor, planned, now)
    planned.app.owner_id = planned.after.owner_id
    _applied(db, actor, planned, now, Action.APP_HANDED_OVER)


def _write_shares(db: WriteDb, actor: Actor, planned: Plan, now: datetime) -> None:
    kept = {one.principal.id for one in planned.after.shares}
    for share in planned.before.shares:
        if share.principal.id not in kept:
            sharing.revoke(db, planned.app.id, share.principal)
    for share in planned.after.shares:
        if planned.before.share_of(share.principal.id) != share:
            sharing.grant(db, actor, _shared(planned.app), share.principal, share.level, now)


def _applied(
    db: WriteDb, doer: audit.Doer, planned: Plan, now: datetime, action: Action | None = None
) -> None:
    """What every change of sharing does besides itself: versions, the record, and requests that it answers."""
    app = planned.app
    app.audience = planned.after.audience
    app.version += 1
    if planned.narrows:
        app.access_version += 1
    if action is None:
        widens = reach.narrows(planned.after, planned.before)
        action = Action.APP_SHARED if widens else Action.APP_UNSHARED
    audit.record(
        db, doer, action, apps.subject_of(app), now, before=_as_json(planned, planned.before),
        after=_as_json(planned, planned.after), note=" ".join(planned.changes),
    )  # fmt: skip
    opening = {one.id for one in planned.told.opens}
    for request in sharing.list_open_requests(db, [app.id]):
        if request.account_id in opening:
            sharing.decide(doer, request, RequestState.GRANTED, now)
    db.flush()


def _as_json(planned: Plan, shared: Sharing) -> JsonObject:
    names = {one.id: one.name for one in planned.people}
    shares = {f"{one.principal.kind} {one.principal.name}": str(one.level) for one in shared.shares}
    return {"owner": names.get(shared.owner_id, ""), "audience": str(shared.audience), "shares": shares}


def _shared(app: App) -> Shared:
    return Shared(KIND, app.id, app.organization_id)
