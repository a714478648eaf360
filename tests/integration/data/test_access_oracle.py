"""Ten thousand generated situations: what the code decides agrees with an oracle written from the specification's words.

The oracle knows the table of who may what and nothing of the code: facts are plain values, and it never asks the database.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tholos.access import service as access
from tholos.access.models import Handle
from tholos.access.service import Stand
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Group, Membership, Organization, Session, Token
from tholos.accounts.service import hash_secret
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.models import App
from tholos.apps.service import Rank
from tholos.operations.models import Operation
from tholos.sharing.models import Grant, Level

SEEDS = 10
SITUATIONS = 1_000
HERE, ELSEWHERE = "org_default", "org_other"


@dataclass(frozen=True)
class Who:
    id: str
    organization: str
    role: str
    is_disabled: bool
    groups: frozenset[str]


@dataclass(frozen=True)
class What:
    id: str
    organization: str
    owner: str
    audience: str
    grants: tuple[tuple[str, str, str], ...]
    """Kind, id and level."""
    is_leaving: bool


@dataclass(frozen=True)
class Shown:
    """A credential: ``none``, ``garbage``, ``session``, ``handle`` or ``token``."""

    form: str
    secret: str = ""
    who: str = ""
    is_over: bool = False
    """Expired or revoked."""
    only: str = ""
    """The one app that a token is for, or the place that a handle is for."""
    session: str = ""


class World:
    """Some accounts, groups, apps and credentials, by chance; as plain facts and as rows."""

    def __init__(self, seed: int, now: datetime) -> None:
        self.chance, self.now = random.Random(seed), now  # noqa: S311
        self.rows: list[object] = []
        chance = self.chance
        self.groups = [f"grp_{n}" for n in range(4)]
        self.people = [
            Who(
                f"acc_{n}", chance.choices([HERE, ELSEWHERE], [9, 1])[0],
                chance.choice(["viewer", "publisher", "publisher", "administrator"]), chance.random() < 0.15,
                frozenset(one for one in self.groups if chance.random() < 0.3),
            )
            for n in range(12)
        ]  # fmt: skip
        self.apps = [self._app(n) for n in range(12)]
        self.shown = [Shown("none"), Shown("garbage", "tholos_garbage")]
        for n in range(60):
            self.shown += self._credentials(n)
        self._add_rows()

    def _app(self, n: int) -> What:
        chance = self.chance
        grants = {}
        for _ in range(chance.randrange(5)):
            kind, to = chance.choice(
                [("account", chance.choice(self.people).id), ("group", chance.choice(self.groups))]
            )
            grants[to] = (kind, to, chance.choice(["viewer", "editor"]))
        owner = chance.choice([one for one in self.people if one.organization == HERE])
        some_of_each = ["listed", "signed_in", "everyone", "everyone"]
        audience = some_of_each[n] if n < 4 else chance.choice(["listed", "listed", "signed_in"])
        return What(
            f"app_{n}", HERE, owner.id, audience, tuple(grants.values()), n >= 4 and chance.random() < 0.15
        )

    def _credentials(self, n: int) -> list[Shown]:
        chance, who = self.chance, self.chance.choice(self.people).id
        is_over = chance.random() < 0.25
        session = Shown("session", f"ses_{n}", who, is_over)
        only = chance.choice(self.apps).id if chance.random() < 0.4 else ""
        token = Shown("token", f"tholos_{n}", chance.choice(self.people).id, chance.random() < 0.25, only)
        place = self.place()
        return [session, token, Shown("handle", f"handle_{n}", who, is_over, place, session.secret)]

    def place(self) -> str:
        app = self.chance.choice(self.apps).id
        return f"{app}/r{self.chance.randint(1, 3)}" if self.chance.random() < 0.4 else app

    def _add_rows(self) -> None:
        at = self.now
        self.rows.append(Organization(id=ELSEWHERE, name="elsewhere", created_at=at))
        self.rows += [
            Group(id=one, organization_id=HERE, name=one, note="", created_at=at) for one in self.groups
        ]
        for one in self.people:
            self.rows.append(
                Account(
                    id=one.id, organization_id=one.organization, name=one.id, role=one.role,
                    is_disabled=one.is_disabled, created_at=at,
                )
            )  # fmt: skip
            self.rows += [
                Membership(group_id=group, account_id=one.id, created_at=at) for group in one.groups
            ]
        for app in self.apps:
            self.rows += self._rows_of(app)
        self.rows += [row for one in self.shown for row in self._rows_of_credential(one)]

    def _rows_of(self, app: What) -> list[object]:
        at = self.now
        rows: list[object] = [
            App(
                id=app.id, organization_id=HERE, owner_id=app.owner, name=app.id.replace("_", "-"),
                audience=app.audience, overrides={}, state="serving", state_since=at, created_at=at,
            )
        ]  # fmt: skip
        rows += [
            Grant(
                id=f"{app.id}-{to}", organization_id=HERE, object_kind="app", object_id=app.id,
                principal_kind=kind, principal_id=to, level=level, created_at=at,
            )
            for kind, to, level in app.grants
        ]  # fmt: skip
        kind = "delete" if app.is_leaving else "publish"
        rows.append(
            Operation(
                id=f"op-{app.id}", organization_id=HERE, account_id=app.owner, kind=kind, subject_id=app.id,
                subject_name=app.id, state="running", request={}, created_at=at,
            )
        )  # fmt: skip
        return rows

    def _rows_of_credential(self, one: Shown) -> list[object]:
        at, is_expired = self.now, self.chance.random() < 0.5
        until = at - timedelta(seconds=1) if one.is_over and is_expired else at + timedelta(days=1)
        revoked = at if one.is_over and not is_expired else None
        base = {"organization_id": HERE, "created_at": at, "secret_hash": hash_secret(one.secret)}
        if one.form == "session":
            ends = {"expires_at": until, "revoked_at": revoked}
            return [Session(id=one.secret, account_id=one.who, **base, **ends)]
        if one.form == "token":
            ends = {"expires_at": until, "revoked_at": revoked}
            scope = self.chance.choice(["open", "read", "publish", "full"])
            only = one.only or None
            return [
                Token(
                    id=f"tok-{one.secret}",
                    account_id=one.who,
                    label="",
                    scope=scope,
                    object_id=only,
                    **base,
                    **ends,
                )
            ]
        if one.form == "handle":
            app, _, release = one.only.partition("/r")
            number = int(release or 0)
            row = Handle(id=f"hdl-{one.secret}", session_id=one.session, app_id=app, release=number, **base)
            return [row]
        return []


def expected(world: World, shown: Shown, place: str) -> str | None:
    """The specification: whom a request is let in as, "" for nobody in particular, None where it is refused.

    - An app that is being deleted lets nobody in.
    - A credential that ended, or whose account is disabled, is none. A token for one app, and a handle for one place, is
      none elsewhere.
    - An app opens for its owner, for whom and whose groups it is shared with, for every account of its organization
      where the audience is everyone signed in or everyone, and for nobody else: not for administrators.
    - A draft opens for its owner and for editors: those with that level, directly or by a group, who are publishers.
    - Where the audience is everyone, whoever is not let in by a credential is let in as nobody; never to a draft.
    """
    app_id, _, draft = place.partition("/r")
    app = next(one for one in world.apps if one.id == app_id)
    if app.is_leaving:
        return None
    by_credential = _named(world, shown, app, place, is_draft=bool(draft))
    if by_credential is not None:
        return by_credential
    return "" if app.audience == "everyone" and not draft else None


def _named(world: World, shown: Shown, app: What, place: str, *, is_draft: bool) -> str | None:
    who = next((one for one in world.people if one.id == shown.who), None)
    if who is None or shown.is_over or who.is_disabled or who.organization != app.organization:
        return None
    if shown.only and shown.only != (app.id if shown.form == "token" else place):
        return None
    if app.owner == who.id:
        return who.id
    mine = {who.id, *who.groups}
    levels = {level for _, to, level in app.grants if to in mine}
    if is_draft:
        return who.id if "editor" in levels and who.role != "viewer" else None
    return who.id if levels or app.audience != "listed" else None


def decided(db, shown, place, now):
    """The code, in the order in which the door asks it."""
    admission = None
    if shown.form == "session":
        admission = access.admit_session(db, place, shown.secret, now)
    elif shown.form == "handle":
        admission = access.admit_handle(db, place, shown.secret, now)
    elif shown.form in {"token", "garbage"}:
        admission = access.admit_token(db, place, shown.secret, now)
    admission = admission or access.admit_public(db, place)
    return None if admission is None else admission.account_id


@pytest.fixture(params=range(SEEDS))
def world(request, sqlite_database, clock):
    world = World(request.param, clock.now())
    with sqlite_database.write() as db:
        accounts.ensure_organization(db, clock.now())
        for kinds in (
            (Organization,),
            (Account, Group),
            (Membership, App, Session, Token, Grant),
            (Handle, Operation),
        ):
            db.add_all([row for row in world.rows if isinstance(row, kinds)])
            db.flush()
    return world


def test_the_code_agrees_with_the_specification(sqlite_database, clock, world):
    refused, named, nobody = 0, 0, 0
    with sqlite_database.read() as db:
        for _ in range(SITUATIONS):
            shown, place = world.chance.choice(world.shown), world.place()
            if shown.form == "handle" and world.chance.random() < 0.7:
                place = shown.only  # elsewhere it is of no use, which needs no more proof than this
            should = expected(world, shown, place)
            assert decided(db, shown, place, clock.now()) == should, (shown, place)
            refused += should is None
            nobody += should == ""
            named += bool(should)
    assert min(refused, named, nobody) > SITUATIONS // 50, "the situations are too much alike"


def test_what_stays_open_after_a_change_is_what_would_be_let_in(sqlite_database, clock, world):
    """All at once, as the door asks after a change: each stands as if it asked alone."""
    stands = {}
    for _ in range(SITUATIONS):
        shown, place = world.chance.choice(world.shown), world.place()
        app = next(one for one in world.apps if one.id == place.partition("/r")[0])
        if shown.form in {"session", "token"}:
            holds = (
                _named(world, shown, app, place, is_draft="/r" in place) is not None and not app.is_leaving
            )
            stands[Stand(place, shown.form, shown.secret)] = holds
        elif shown.form == "none":
            stands[Stand(place, "public", "")] = expected(world, shown, place) == ""
    with sqlite_database.read() as db:
        standing = access.still_standing(db, stands, clock.now())
    assert standing == {one for one, holds in stands.items() if holds}


def test_what_one_sees_is_what_one_is(sqlite_database, clock, world):
    """The lists that are made by a query, and the rank of each app by itself, agree; for tokens of one app too."""
    with sqlite_database.read() as db:
        everything = apps.list_all(db)
        for shown in world.shown:
            actor = (
                accounts.find_actor(db, clock.now(), token=shown.secret)
                if shown.form == "token"
                else accounts.find_session_actor(db, shown.secret, clock.now())
            )
            if actor is None:
                continue
            ranks = apps.manager_ranks(db, everything, actor)
            seen = {one.id for one in apps.list_visible(db, actor)}
            edited = {one.id for one in everything if apps.may_edit(db, one, actor)}
            assert seen == {app_id for app_id, rank in ranks.items() if rank >= Rank.VIEWER}
            assert edited == {app_id for app_id, rank in ranks.items() if rank >= Rank.EDITOR}
            assert edited == set(db.scalars(apps.editable_ids(actor)))
            for app in everything:
                assert apps.find_rank(db, app, actor) <= ranks[app.id]
                assert apps.may_own(app, actor) <= (ranks[app.id] >= Rank.EDITOR)


def test_both_lists_of_who_can_open_what_say_what_is_decided(sqlite_database, clock, world):
    with sqlite_database.read() as db:
        everything = {one.id: one for one in apps.list_all(db)}
        by_app = {
            (person.id, app.id): ways
            for app in everything.values()
            for person, ways in app_sharing.people_of(db, app)
        }
        by_person = {}
        for one in world.people:
            person = app_sharing.find_person(db, one.organization, one.id)
            by_person |= {
                (one.id, app.id): ways for app, ways in app_sharing.apps_of(db, person, one.organization)
            }
        assert by_app == by_person
        for one in world.people:
            actor = accounts.actor_for(accounts.get_account(db, one.id))
            for app in everything.values():
                ways = by_app.get((one.id, app.id), ())
                rank = Rank.NOBODY if one.is_disabled else apps.find_rank(db, app, actor)
                assert app_sharing.rank_by(ways) == rank


def test_the_highest_of_several_levels_counts(sqlite_database, clock, world):
    with sqlite_database.read() as db:
        for one in world.people:
            levels = apps.sharing.levels_of(db, one.id, [app.id for app in world.apps])
            for app in world.apps:
                given = {level for _, to, level in app.grants if to in {one.id, *one.groups}}
                best = Level.EDITOR if "editor" in given else Level.VIEWER if given else None
                assert levels.get(app.id) == best
