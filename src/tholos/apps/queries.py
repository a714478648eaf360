"""Every SELECT of apps, releases and pointers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Select, String, bindparam, cast, func, or_, select
from sqlalchemy.orm import defer

from tholos.accounts.models import Account, Role
from tholos.accounts.service import Actor
from tholos.apps.errors import AppNotFound, ReleaseNotFound
from tholos.apps.models import LIVE, PREVIOUS, App, Pointer, Release, ReleaseState, Visit
from tholos.kit.db import JsonObject, ReadDb, in_parts
from tholos.sharing import service as sharing
from tholos.sharing.models import Audience, Level

Visible = Select[App]
Ids = Select[str]

# To build a statement takes longer than to run it. So what nearly every page runs is built once, or once for an actor.
KEPT = 256
_LIVE_OF = (
    select(Release)
    .join(Pointer, Pointer.release_id == Release.id)
    .where(Pointer.name == LIVE, Pointer.app_id.in_(bindparam("app_ids", expanding=True)))
    .options(defer(Release.manifest))
)


@lru_cache(maxsize=KEPT)
def visible_to(actor: Actor, level: Level = Level.VIEWER) -> Visible:
    """The apps that an actor may see, or may edit; administrators look after all of them."""
    chosen = select(App).where(App.organization_id == actor.organization_id)
    if actor.object_id:
        chosen = chosen.where(App.id == actor.object_id)
    if actor.role.includes(Role.ADMINISTRATOR):
        return chosen
    reached = [App.owner_id == actor.account_id]
    if level == Level.VIEWER:
        reached.append(App.audience.in_([Audience.SIGNED_IN, Audience.EVERYONE]))
    if level == Level.VIEWER or actor.role.includes(Role.PUBLISHER):
        reached.append(App.id.in_(sharing.granted_ids(actor.account_id, level)))
    return chosen.where(or_(*reached))


@lru_cache(maxsize=KEPT)
def editable_ids(actor: Actor) -> Ids:
    """A subquery: ids of the apps that an actor may edit."""
    return visible_to(actor, Level.EDITOR).with_only_columns(App.id)


@lru_cache(maxsize=KEPT)
def visible_ids(actor: Actor) -> Ids:
    """A subquery: ids of the apps that an actor may see."""
    return visible_to(actor).with_only_columns(App.id)


def get_visible(db: ReadDb, visible: Visible, name: str) -> App:
    """Raises: AppNotFound: also where it is somebody else's."""
    found = db.scalar(visible.where(App.name == name))
    if found is None:
        raise AppNotFound(f'There is no app "{name[:60]}" among those you may see.', where="name")
    return found


def find_named(db: ReadDb, organization_id: str, name: str) -> App | None:
    return db.scalar(select(App).where(App.organization_id == organization_id, App.name == name))


def find_by_host_name(db: ReadDb, name: str) -> App | None:
    """The app whose host this is; names are unique while there is one organization."""
    return db.scalar(select(App).where(App.name == name))


def get_app(db: ReadDb, app_id: str) -> App:
    found = db.get(App, app_id)
    if found is None:
        raise AppNotFound
    return found


def find_app(db: ReadDb, app_id: str) -> App | None:
    return db.get(App, app_id)


def editable_among(db: ReadDb, actor: Actor, app_ids: Sequence[str]) -> dict[str, str]:
    """By id the names of those that an actor may edit."""
    chosen = select(App.id, App.name).where(App.id.in_(app_ids), App.id.in_(editable_ids(actor)))
    return {app_id: name for app_id, name in db.execute(chosen)}  # noqa: C416 - rows are not pairs to the type checker


def names_of(db: ReadDb, app_ids: Sequence[str]) -> dict[str, str]:
    rows = db.execute(select(App.id, App.name).where(App.id.in_(app_ids)))
    return {app_id: name for app_id, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def list_visible(db: ReadDb, visible: Visible, search: str = "") -> Sequence[App]:
    chosen = visible.where(App.name.contains(search, autoescape=True)) if search else visible
    return db.scalars(chosen.order_by(App.created_at.desc(), App.id.desc())).all()


def pinned_by(visible: Visible, account_id: str) -> Visible:
    return visible.join(Visit, Visit.app_id == App.id).where(
        Visit.account_id == account_id, Visit.is_pinned.is_(True)
    )


def opened_by(visible: Visible, account_id: str) -> Visible:
    return visible.join(Visit, Visit.app_id == App.id).where(
        Visit.account_id == account_id, Visit.opened_at.is_not(None)
    )


def owned_by(visible: Visible, account_id: str, *, is_own: bool) -> Visible:
    return visible.where(App.owner_id == account_id if is_own else App.owner_id != account_id)


def among(visible: Visible, ids: Ids) -> Visible:
    """Those whose ids another query finds."""
    return visible.where(App.id.in_(ids))


def matching(visible: Visible, search: str) -> Visible:
    """Those with a text in their name or title, or their owner's name."""
    owners = select(Account.id).where(Account.name.contains(search, autoescape=True))
    return visible.where(
        or_(
            App.name.contains(search, autoescape=True),
            func.lower(App.title).contains(search, autoescape=True),
            App.owner_id.in_(owners),
        )
    )


def list_page(db: ReadDb, visible: Visible, *, after: str, limit: int, by_opening: bool) -> Sequence[App]:
    """The next of a list: ids ascend in the order of making."""
    if by_opening:
        return db.scalars(visible.order_by(Visit.opened_at.desc()).limit(limit)).all()
    chosen = visible.where(App.id < after) if after else visible
    return db.scalars(chosen.order_by(App.id.desc()).limit(limit)).all()


def count_of(db: ReadDb, visible: Visible) -> int:
    return db.scalar(select(func.count()).select_from(visible.with_only_columns(App.id).subquery())) or 0


def list_named(db: ReadDb, visible: Visible, names: Sequence[str]) -> Sequence[App]:
    return db.scalars(visible.where(App.name.in_(names))).all()


def live_numbers(db: ReadDb, app_ids: Sequence[str]) -> dict[str, int]:
    """The number of the live release of each app that has one."""
    chosen = select(Pointer.app_id, Release.number).join(Release, Release.id == Pointer.release_id)
    rows = db.execute(chosen.where(Pointer.name == LIVE, Pointer.app_id.in_(app_ids)))
    return {app_id: number for app_id, number in rows}  # noqa: C416 - rows, not pairs


def reached_by(organization_id: str, account_id: str, among: Ids | None = None) -> Visible:
    """The apps that an account can open, unless it is disabled: what :func:`tholos.sharing.reach.ways_of` finds a way to."""
    granted = sharing.granted_ids(account_id, Level.VIEWER)
    is_open = App.audience.in_([Audience.SIGNED_IN, Audience.EVERYONE])
    chosen = select(App).where(
        App.organization_id == organization_id,
        or_(App.owner_id == account_id, is_open, App.id.in_(granted)),
    )
    return chosen if among is None else chosen.where(App.id.in_(among))


def list_behind(db: ReadDb, visible: Visible, after: str, limit: int | None) -> Sequence[App]:
    """In the order of their names, those behind one of them."""
    return db.scalars(visible.where(App.name > after).order_by(App.name).limit(limit)).all()


def owned_names(db: ReadDb, account_id: str) -> list[str]:
    return [*db.scalars(select(App.name).where(App.owner_id == account_id).order_by(App.name))]


def list_all(db: ReadDb) -> Sequence[App]:
    return db.scalars(select(App).order_by(App.id)).all()


def list_with_ids(db: ReadDb, app_ids: Sequence[str]) -> Sequence[App]:
    return db.scalars(select(App).where(App.id.in_(app_ids))).all()


def release_numbers(db: ReadDb, release_ids: Sequence[str]) -> dict[str, int]:
    rows = db.execute(select(Release.id, Release.number).where(Release.id.in_(release_ids)))
    return {release_id: number for release_id, number in rows}  # noqa: C416 - rows, not pairs


def get_release(db: ReadDb, release_id: str) -> Release:
    found = db.get(Release, release_id)
    if found is None:
        raise ReleaseNotFound
    return found


def get_release_numbered(db: ReadDb, app_id: str, number: int) -> Release:
    found = db.scalar(select(Release).where(Release.app_id == app_id, Release.number == number))
    if found is None:
        name = get_app(db, app_id).name
        raise ReleaseNotFound(
            f"The app has no release {number}.",
            fix=f"See those that there are: tholos releases {name}",
            where="release",
        )
    return found


def list_releases(db: ReadDb, app_id: str, below: int = 0, limit: int | None = None) -> Sequence[Release]:
    chosen = select(Release).where(Release.app_id == app_id).order_by(Release.number.desc()).limit(limit)
    chosen = chosen.where(Release.number < below) if below else chosen
    return db.scalars(chosen.options(defer(Release.manifest))).all()


def find_pointer(db: ReadDb, app_id: str, name: str = LIVE) -> Pointer | None:
    return db.get(Pointer, (app_id, name))


def live_releases(db: ReadDb, app_ids: Sequence[str]) -> dict[str, Release]:
    """The live release of each app that has one, by app id; without manifests, which may be large."""
    found: dict[str, Release] = {}
    for some in in_parts(app_ids):
        found |= {release.app_id: release for release in db.scalars(_LIVE_OF, {"app_ids": some})}
    return found


def live_locks(db: ReadDb, app_ids: Sequence[str]) -> dict[str, str]:
    """By app id: the lock of the live release of each app that has one, which may be large."""
    found: dict[str, str] = {}
    for some in in_parts(app_ids):
        chosen = select(Pointer.app_id, Release.lock).join(Release, Release.id == Pointer.release_id)
        rows = db.execute(chosen.where(Pointer.name == LIVE, Pointer.app_id.in_(some)))
        found |= {app_id: lock for app_id, lock in rows if lock}
    return found


def environment_ids(db: ReadDb) -> set[str]:
    """Of the environments that releases have."""
    return {one for one in db.scalars(select(Release.environment).distinct()) if one}


def find_pointed(db: ReadDb, app_id: str, name: str) -> Release | None:
    """The release that one of an app's pointers names, all of it."""
    chosen = select(Release).join(Pointer, Pointer.release_id == Release.id)
    return db.scalar(chosen.where(Pointer.name == name, Pointer.app_id == app_id))


def list_all_pointers(db: ReadDb) -> Sequence[tuple[Pointer, JsonObject]]:
    """Every pointer there is, with what its app says of its instances' life."""
    rows = db.execute(select(Pointer, App.life).join(App, App.id == Pointer.app_id))
    return [(pointer, life) for pointer, life in rows]


def list_pointing(db: ReadDb, release_id: str) -> Sequence[Pointer]:
    """The pointers at a release that keep it running."""
    chosen = select(Pointer).where(Pointer.release_id == release_id, Pointer.name != PREVIOUS)
    return db.scalars(chosen).all()


def list_naming(db: ReadDb, organization_id: str, text: str) -> Sequence[App]:
    """The apps with a release that is pointed at, or a first one that is to be, and has a text in its settings."""
    naming = (
        select(Pointer.app_id)
        .join(Release, Release.id == Pointer.release_id)
        .where(cast(Release.settings, String).contains(text, autoescape=True))
    )
    begins_so = cast(App.first_settings, String).contains(text, autoescape=True)
    chosen = select(App).where(App.organization_id == organization_id, or_(App.id.in_(naming), begins_so))
    return db.scalars(chosen.order_by(App.name)).all()


def is_named(db: ReadDb, text: str) -> bool:
    for key, settings in ((Release.id, Release.settings), (App.id, App.first_settings)):
        chosen = select(key).where(cast(settings, String).contains(text, autoescape=True))
        if db.scalar(chosen.limit(1)) is not None:
            return True
    return False


def find_rollback_target(db: ReadDb, app_id: str, below: int) -> Release | None:
    """The newest release before a number that was live once."""
    chosen = select(Release).where(
        Release.app_id == app_id,
        Release.number < below,
        Release.state == ReleaseState.READY,
        Release.live_at.is_not(None),
    )
    return db.scalar(chosen.order_by(Release.number.desc()).limit(1))


def list_expendable(db: ReadDb, app_id: str, keep: int) -> Sequence[Release]:
    """The releases beyond the newest ``keep`` that nothing names: not pinned, not pointed at, not in preparation."""
    pointed = select(Pointer.release_id).where(Pointer.app_id == app_id)
    chosen = select(Release).where(Release.app_id == app_id).order_by(Release.number.desc()).offset(keep)
    found = db.scalars(chosen.options(defer(Release.manifest)).limit(1000)).all()
    named = {*db.scalars(pointed)}
    return [
        one
        for one in found
        if not one.is_pinned and one.id not in named and one.state != ReleaseState.PREPARING
    ]


def is_pointed_at(db: ReadDb, release_id: str) -> bool:
    return db.scalar(select(Pointer.name).where(Pointer.release_id == release_id).limit(1)) is not None


def list_drafts(db: ReadDb, app_id: str) -> list[Release]:
    """The releases that pointers of drafts name, the newest first; without manifests."""
    chosen = select(Release).join(Pointer, Pointer.release_id == Release.id)
    chosen = chosen.where(Pointer.app_id == app_id, Pointer.name.not_in([LIVE, PREVIOUS]))
    return [*db.scalars(chosen.order_by(Release.number.desc()).options(defer(Release.manifest)))]


def find_visit(db: ReadDb, account_id: str, app_id: str) -> Visit | None:
    return db.get(Visit, (account_id, app_id))


def list_visits(db: ReadDb, account_id: str) -> Sequence[Visit]:
    return db.scalars(select(Visit).where(Visit.account_id == account_id)).all()


def list_visits_of_app(db: ReadDb, app_id: str) -> Sequence[Visit]:
    return db.scalars(select(Visit).where(Visit.app_id == app_id)).all()


def count_all(db: ReadDb) -> int:
    return db.scalar(select(func.count()).select_from(App)) or 0


def count_owned(db: ReadDb, account_id: str) -> int:
    return db.scalar(select(func.count()).select_from(App).where(App.owner_id == account_id)) or 0


def stored_by(db: ReadDb, account_id: str) -> dict[str, int]:
    """Bytes of the snapshots that the releases of somebody's apps are made of."""
    found = select(Release.snapshot, Release.bytes).join(App, App.id == Release.app_id)
    rows = db.execute(found.where(App.owner_id == account_id).distinct())
    return {snapshot: size for snapshot, size in rows}  # noqa: C416 - rows are no pairs to the type checker


def list_owned(db: ReadDb, account_id: str) -> Sequence[App]:
    return db.scalars(select(App).where(App.owner_id == account_id).order_by(App.name)).all()


def list_pointers(db: ReadDb, app_id: str) -> Sequence[Pointer]:
    return db.scalars(select(Pointer).where(Pointer.app_id == app_id)).all()


def snapshots(db: ReadDb) -> Sequence[str]:
    return db.scalars(select(Release.snapshot).distinct()).all()
