"""Invitations on both databases: who may make which, what using one does, and every way in which one is no use."""

from datetime import timedelta

import pytest

from tholos.accounts import errors, invitations
from tholos.accounts import service as accounts
from tholos.accounts.invitations import Newcomer, Offer
from tholos.accounts.models import Account, Group, Invitation, Membership, Role
from tholos.accounts.passwords import hash_password
from tholos.accounts.service import Origin
from tholos.apps import inviting
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.errors import AppNotFound, NotAnEditor
from tholos.apps.models import App
from tholos.apps.sharing import Given, Wish
from tholos.audit.models import AuditEntry
from tholos.sharing.models import Level, PrincipalKind
from tholos.testing.rows import add_live_app

PASSWORD = hash_password("correct horse")
NEVER = Origin()


@pytest.fixture
def sales(database, people, clock) -> App:
    return add_live_app(database, people.ada, "sales", clock.now())[0]


@pytest.fixture
def analysts(database, people, clock) -> Group:
    with database.write() as db:
        group = Group(id="grp_1", organization_id="org_default", name="analysts", created_at=clock.now())
        db.add(group)
    return group


@pytest.fixture
def invite(database, clock):
    def make(actor, app="", level=Level.VIEWER, **offer):
        with database.write() as db:
            return inviting.invite(db, actor, Offer(**offer), app, level, clock.now())[1]

    return make


@pytest.fixture
def enter(database, clock):
    def come(code, name="cleo", full_name=""):
        with database.write() as db:
            _, account = inviting.enter(db, code, Newcomer(name, full_name, PASSWORD), clock.now(), NEVER)
            return accounts.actor_for(account)

    return come


@pytest.fixture
def join(database, clock):
    def come(code, actor):
        with database.write() as db:
            return inviting.join(db, code, actor, clock.now())

    return come


def may_open(database, actor, app):
    with database.read() as db:
        return apps.find_rank(db, apps.get_app(db, app.id), actor).name.lower()


def recorded(database):
    with database.read() as db:
        return [(one.action, one.actor_name) for one in db.query(AuditEntry).order_by(AuditEntry.id)]


def uses(database, actor):
    with database.read() as db:
        return [
            (one.app, [use.name for use in one.uses], one.invitation.uses_left)
            for one in inviting.listed(db, invitations.list_of(db, actor))
        ]


class TestMaking:
    def test_only_its_hash_is_kept(self, database, people, sales, invite):
        code = invite(people.ada, "sales")
        with database.read() as db:
            (kept,) = db.query(Invitation)
        assert kept.code_hash == accounts.hash_secret(code)
        assert len(code) >= 43  # 256 bits

    def test_publishers_invite_viewers_to_what_they_may_share(self, database, people, sales, invite):
        assert invite(people.ada, "sales")
        for wish in ({"role": Role.PUBLISHER}, {"role": Role.ADMINISTRATOR}, {"group": "analysts"}):
            with pytest.raises(errors.InvitationRefused):
                invite(people.ada, "sales", **wish)
        with pytest.raises(errors.InvitationRefused) as caught:
            invite(people.ada)
        assert caught.value.where == "app"

    def test_of_what_is_somebody_elses_there_is_no_app(self, people, sales, invite):
        with pytest.raises(AppNotFound):
            invite(people.bob, "sales")

    def test_a_viewer_of_it_may_not_share_it(self, database, people, clock, sales, invite):
        with database.write() as db:
            app_sharing.change(
                db, people.ada, "sales", Wish(given=[Given(PrincipalKind.ACCOUNT, "bob", Level.VIEWER)]),
                None, clock.now(),
            )  # fmt: skip
        with pytest.raises(NotAnEditor):
            invite(people.bob, "sales")

    def test_viewers_invite_nobody(self, people, invite):
        with pytest.raises(errors.InvitationRefused):
            invite(people.vic)

    def test_an_editor_is_no_viewer(self, people, sales, invite):
        with pytest.raises(errors.InvitationInvalid) as caught:
            invite(people.admin, "sales", Level.EDITOR)
        assert caught.value.where == "level"
        assert invite(people.admin, "sales", Level.EDITOR, role=Role.PUBLISHER)

    def test_administrators_need_no_app(self, people, analysts, invite, enter, database):
        actor = enter(invite(people.admin, role=Role.PUBLISHER, group="@analysts"))
        assert actor.role == Role.PUBLISHER
        with database.read() as db:
            assert db.get(Membership, ("grp_1", actor.account_id))

    @pytest.mark.parametrize(
        ("wish", "where"),
        [
            ({"uses": 0}, "uses"), ({"uses": 1001}, "uses"), ({"days": 0}, "days"), ({"days": 91}, "days"),
            ({"group": "nobody"}, "group"), ({"email": "cleo"}, "email"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_meant(self, people, invite, wish, where):
        with pytest.raises((errors.InvitationInvalid, errors.ProfileInvalid)) as caught:
            invite(people.admin, **wish)
        assert caught.value.where == where

    def test_a_group_that_the_provider_fills_takes_none(self, database, people, analysts, invite):
        with database.write() as db:
            db.get_one(Group, "grp_1").is_claimed = True
        with pytest.raises(errors.InvitationInvalid):
            invite(people.admin, group="analysts")


class TestUsing:
    def test_who_has_no_account_gets_one_and_the_app(self, database, people, sales, invite, enter):
        actor = enter(invite(people.ada, "sales"), " Cleo", " Cleo  de Nile ")
        with database.read() as db:
            account = db.get_one(Account, actor.account_id)
        assert (account.name, account.full_name, account.role) == ("cleo", "Cleo de Nile", Role.VIEWER)
        assert account.password_hash == PASSWORD
        assert may_open(database, actor, sales) == "viewer"
        assert uses(database, people.ada) == [("sales", ["cleo"], 0)]
        done = recorded(database)
        assert ("account.made", "cleo") in done
        assert ("invitation.used", "cleo") in done
        assert ("app.shared", "ada") in done

    def test_who_has_one_joins_and_keeps_the_role(self, database, people, sales, analysts, invite, join):
        code = invite(people.admin, "sales", role=Role.PUBLISHER, group="analysts")
        join(code, people.vic)
        assert may_open(database, people.vic, sales) == "viewer"
        with database.read() as db:
            assert db.get_one(Account, people.vic.account_id).role == Role.VIEWER
            assert db.get(Membership, ("grp_1", people.vic.account_id))

    def test_a_viewer_who_was_invited_to_edit_may_open_it(self, database, people, sales, invite, join):
        code = invite(people.admin, "sales", Level.EDITOR, role=Role.PUBLISHER, uses=2)
        join(code, people.vic)
        join(code, people.bob)
        assert may_open(database, people.vic, sales) == "viewer"
        assert may_open(database, people.bob, sales) == "editor"

    def test_it_takes_nothing_away(self, database, people, sales, invite, join):
        code = invite(people.admin, "sales", uses=3)
        join(code, people.ada)
        assert may_open(database, people.ada, sales) == "owner"
        join(invite(people.admin, "sales", Level.EDITOR, role=Role.PUBLISHER), people.bob)
        join(code, people.bob)
        assert may_open(database, people.bob, sales) == "editor"

    def test_who_comes_twice_spends_one_use(self, database, people, sales, invite, join):
        code = invite(people.ada, "sales", uses=2)
        join(code, people.vic)
        before = recorded(database)
        join(code, people.vic)
        assert recorded(database) == before
        assert uses(database, people.ada) == [("sales", ["vic"], 1)]

    def test_who_came_before_it_ended_is_told_so_and_not_that_it_ended(
        self, people, clock, sales, invite, join
    ):
        code = invite(people.ada, "sales")
        join(code, people.vic)
        clock.move(timedelta(days=100))
        assert join(code, people.vic)

    def test_forwarded_and_used_up(self, people, sales, invite, join, enter):
        code = invite(people.ada, "sales", email="vic@example.org")
        enter(code)  # it counts, whoever it was for
        with pytest.raises(errors.InvitationSpent):
            join(code, people.vic)
        with pytest.raises(errors.InvitationSpent):
            enter(code, "dora")

    def test_of_several_at_once_as_many_get_in_as_it_is_for(
        self, database, people, sales, invite, enter, at_once
    ):
        code = invite(people.ada, "sales", uses=2)
        results = at_once(*[lambda name=name: enter(code, name).name for name in ("c1", "c2", "c3", "c4")])
        assert len([one for one in results if isinstance(one, str)]) == 2
        assert {type(one) for one in results if not isinstance(one, str)} == {errors.InvitationSpent}
        with database.read() as db:
            assert db.query(Account).filter(Account.name.startswith("c")).count() == 2

    def test_what_is_wrong_with_the_name_spends_nothing(self, database, people, sales, invite, enter):
        code = invite(people.ada, "sales")
        for name in ("", "1cleo", "cle o"):
            with pytest.raises(errors.AccountInvalid):
                enter(code, name)
        with pytest.raises(errors.AccountTaken):
            enter(code, "vic")
        with pytest.raises(errors.ProfileInvalid):
            enter(code, "cleo", "x" * 200)
        assert uses(database, people.ada) == [("sales", [], 1)]
        assert enter(code).name == "cleo"

    def test_looking_spends_nothing(self, database, people, clock, sales, invite):
        code = invite(people.ada, "sales")
        for _ in range(3):
            with database.read() as db:
                promise = inviting.look(db, invitations.find(db, code), clock.now())
        assert (promise.inviter.name, promise.app.name, promise.level) == ("ada", "sales", Level.VIEWER)
        assert uses(database, people.ada) == [("sales", [], 1)]


class TestOfNoUse:
    @pytest.mark.parametrize("code", ["", "x", "x" * 200, "\x00", "é", "\ud800"])
    def test_unknown(self, people, invite, join, code):
        invite(people.admin)
        with pytest.raises(errors.InvitationNotFound):
            join(code, people.vic)

    def test_expired(self, people, clock, sales, invite, join):
        code = invite(people.ada, "sales", days=1)
        clock.move(timedelta(days=1, seconds=1))
        with pytest.raises(errors.InvitationExpired):
            join(code, people.vic)

    def test_taken_back(self, database, people, clock, sales, invite, join, enter):
        code = invite(people.ada, "sales", uses=2)
        came = enter(code)
        with database.write() as db:
            (found,) = invitations.list_of(db, people.ada)
            invitations.revoke(db, people.ada, found.id, clock.now())
            with pytest.raises(errors.InvitationRevoked):
                invitations.revoke(db, people.ada, found.id, clock.now())
        with pytest.raises(errors.InvitationRevoked):
            join(code, people.vic)
        assert may_open(database, came, sales) == "viewer"

    def test_its_maker_is_disabled(self, database, people, sales, invite, join):
        code = invite(people.ada, "sales")
        with database.write() as db:
            db.get_one(Account, people.ada.account_id).is_disabled = True
        with pytest.raises(errors.InvitationWithdrawn):
            join(code, people.vic)

    def test_its_maker_is_a_viewer_by_now(self, database, people, sales, invite, join):
        code = invite(people.ada, "sales")
        with database.write() as db:
            db.get_one(Account, people.ada.account_id).role = Role.VIEWER
        with pytest.raises(errors.InvitationWithdrawn):
            join(code, people.vic)

    def test_an_administrator_who_is_none_any_more_makes_no_administrators(
        self, database, people, invite, enter
    ):
        code = invite(people.admin, role=Role.ADMINISTRATOR)
        with database.write() as db:
            db.get_one(Account, people.admin.account_id).role = Role.PUBLISHER
        with pytest.raises(errors.InvitationWithdrawn):
            enter(code)

    def test_who_is_no_administrator_any_more_makes_no_accounts_that_have_no_app(
        self, database, people, invite, enter
    ):
        code = invite(people.admin, role=Role.VIEWER)
        with database.write() as db:
            db.get_one(Account, people.admin.account_id).role = Role.PUBLISHER
        with pytest.raises(errors.InvitationWithdrawn):
            enter(code)

    def test_its_maker_may_not_share_the_app_any_more(self, database, people, clock, sales, invite, join):
        code = invite(people.ada, "sales")
        with database.write() as db:
            app_sharing.hand_over(db, people.ada, "sales", "bob", None, clock.now())
        with pytest.raises(errors.InvitationWithdrawn):
            join(code, people.vic)
        assert may_open(database, people.vic, sales) == "nobody"

    def test_the_app_is_gone(self, database, people, invite, join):
        code = invite(people.admin)
        with database.write() as db:
            (kept,) = db.query(Invitation)
            kept.object_kind, kept.object_id, kept.level = "app", "app_gone", "viewer"
        with pytest.raises(errors.InvitationWithdrawn) as caught:
            join(code, people.vic)
        assert "gone" in caught.value.message


class TestListing:
    def test_ones_own_and_administrators_all(self, database, people, sales, invite):
        invite(people.ada, "sales")
        invite(people.admin)
        assert uses(database, people.ada) == [("sales", [], 1)]
        assert uses(database, people.bob) == []
        assert sorted(uses(database, people.admin)) == [("", [], 1), ("sales", [], 1)]

    def test_pages(self, database, people, invite):
        for _ in range(5):
            invite(people.admin)
        with database.read() as db:
            first = invitations.list_of(db, people.admin, limit=3)
            rest = invitations.list_of(db, people.admin, before_id=first[-1].id, limit=3)
        assert [len(first), len(rest)] == [3, 2]
        assert len({one.id for one in (*first, *rest)}) == 5

    def test_nobody_takes_back_somebody_elses_but_administrators(
        self, database, people, clock, sales, invite
    ):
        invite(people.ada, "sales")
        with database.write() as db:
            (found,) = invitations.list_of(db, people.ada)
            for stranger in (people.bob, people.vic):
                with pytest.raises(errors.InvitationNotFound):
                    invitations.revoke(db, stranger, found.id, clock.now())
            with pytest.raises(errors.InvitationNotFound):
                invitations.revoke(db, people.admin, "inv_none", clock.now())
            assert invitations.revoke(db, people.admin, found.id, clock.now()).revoked_at
