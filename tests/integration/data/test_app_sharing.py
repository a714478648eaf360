"""Sharing an app on both databases: who may change what, what is recorded, and two who change it at once."""

import pytest

from tholos.accounts.models import Account, Group, Membership
from tholos.apps import details, requests, visits
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.details import Details
from tholos.apps.errors import (
    AppNotFound,
    HandOverRefused,
    NotAnEditor,
    OpenAlready,
    OwnerInvalid,
    RefusedLately,
)
from tholos.apps.models import Visit
from tholos.apps.sharing import Given, Wish
from tholos.audit.models import AuditEntry
from tholos.kit.versions import EditedMeanwhile
from tholos.sharing.errors import (
    GrantInvalid,
    GrantNotFound,
    PrincipalUnknown,
    RequestDecided,
    RequestNotFound,
)
from tholos.sharing.models import AccessRequest, Audience, Level, PrincipalKind
from tholos.testing.rows import add_live_app

ACCOUNT, GROUP = PrincipalKind.ACCOUNT, PrincipalKind.GROUP
VIEWER, EDITOR = Level.VIEWER, Level.EDITOR


def account(name, level=VIEWER):
    return Given(ACCOUNT, name, level)


class Sales:
    """ada's app, and ways to change who opens it."""

    def __init__(self, database, people, clock) -> None:
        self.database, self.people, self.clock = database, people, clock
        add_live_app(database, people.ada, "sales", clock.now())

    def change(self, *given, who="ada", audience=None, seen=None, is_whole=False):
        with self.database.write() as db:
            wish = Wish(audience, given, is_whole)
            return app_sharing.change(db, self.actor(who), "sales", wish, seen, self.clock.now())

    def actor(self, name):
        return getattr(self.people, name)

    def app(self):
        with self.database.read() as db:
            return apps.find_named(db, "org_default", "sales")

    def openers(self):
        with self.database.read() as db:
            app = apps.find_named(db, "org_default", "sales")
            return [person.name for person, _ in app_sharing.people_of(db, app)]

    def deeds(self):
        with self.database.read() as db:
            rows = db.query(AuditEntry).filter(AuditEntry.subject_kind == "app").order_by(AuditEntry.id)
            return [row.action for row in rows if row.action != "app.made"]

    def add_group(self, name, *members):
        with self.database.write() as db:
            now = self.clock.now()
            db.add(Group(id=f"grp_{name}", organization_id="org_default", name=name, note="", created_at=now))
            db.flush()
            for one in members:
                db.add(
                    Membership(group_id=f"grp_{name}", account_id=self.actor(one).account_id, created_at=now)
                )

    def ask(self, who="vic", message="please"):
        with self.database.write() as db:
            return requests.ask(db, self.actor(who), "sales", message, self.clock.now()).id


@pytest.fixture
def sales(database, people, clock):
    return Sales(database, people, clock)


class TestChanges:
    def test_sharing_and_taking_back(self, sales):
        before = sales.app()
        assert sales.openers() == ["ada"]
        done = sales.change(account("vic"), account("bob", EDITOR))
        assert sales.openers() == ["ada", "bob", "vic"]
        assert done.words.startswith("ada, vic and bob can open it. Nobody else.")
        widened = sales.app()
        assert (widened.version, widened.access_version) == (before.version + 1, before.access_version)
        sales.change(account("vic", None))
        narrowed = sales.app()
        assert sales.openers() == ["ada", "bob"]
        assert (narrowed.version, narrowed.access_version) == (widened.version + 1, before.access_version + 1)
        assert sales.deeds() == ["app.shared", "app.unshared"]

    def test_of_two_groups_that_differ_in_case_the_named_one_loses_it(self, sales):
        """The provider's groups are called as it calls them."""
        sales.add_group("Team", "vic")
        sales.add_group("team", "bob")
        sales.change(Given(GROUP, "Team", VIEWER), Given(GROUP, "team", VIEWER))
        sales.change(Given(GROUP, "team", None))
        assert sales.openers() == ["ada", "vic"]
        with pytest.raises(GrantNotFound):
            sales.change(Given(GROUP, "nobody", None))
        sales.change(Given(GROUP, "TEAM", None))
        assert sales.openers() == ["ada"]

    def test_the_record_has_both_sides(self, sales):
        sales.change(account("vic"), audience=Audience.SIGNED_IN)
        with sales.database.read() as db:
            row = db.query(AuditEntry).filter(AuditEntry.action == "app.shared").one()
        assert row.before == {"owner": "ada", "audience": "listed", "shares": {}}
        assert row.after == {"owner": "ada", "audience": "signed_in", "shares": {"account vic": "viewer"}}
        assert "can open it from now on" in row.note

    def test_what_changes_nothing_is_no_deed(self, sales):
        sales.change(account("vic"))
        before = sales.app().version
        sales.change(account("vic"))
        sales.change(audience=Audience.LISTED)
        assert (sales.app().version, sales.deeds()) == (before, ["app.shared"])

    def test_the_whole_of_it_takes_back_what_is_not_named(self, sales):
        sales.add_group("lab", "bob")
        sales.change(account("vic"), Given(GROUP, "lab", EDITOR))
        sales.change(Given(GROUP, "lab", EDITOR), is_whole=True)
        assert sales.openers() == ["ada", "bob"]
        sales.change(is_whole=True)
        assert sales.openers() == ["ada"]

    def test_lowering_a_level_is_taking_something(self, sales):
        sales.change(account("bob", EDITOR))
        before = sales.app().access_version
        sales.change(account("bob", VIEWER))
        assert sales.app().access_version == before + 1

    @pytest.mark.parametrize(
        ("given", "error", "where"),
        [
            (account("nobody"), PrincipalUnknown, "name"),
            (Given(GROUP, "nobody", VIEWER), PrincipalUnknown, "name"),
            (account("ada"), GrantInvalid, "name"),
            (account("vic", EDITOR), GrantInvalid, "level"),
            (account("vic", None), GrantNotFound, "name"),
            (account("\x00' or 1=1"), PrincipalUnknown, "name"),
            (account("x" * 10_000), PrincipalUnknown, "name"),
        ],
    )
    def test_what_cannot_be_is_told_at_its_field_and_changes_nothing(self, sales, given, error, where):
        with pytest.raises(error) as caught:
            sales.change(account("bob"), given)
        assert caught.value.where == where
        assert (sales.openers(), sales.app().version) == (["ada"], 1)

    def test_who_was_disabled_may_stay_and_may_be_taken_back(self, sales):
        sales.change(account("bob"))
        with sales.database.write() as db:
            db.get_one(Account, sales.people.bob.account_id).is_disabled = True
        assert sales.openers() == ["ada"]
        sales.change(account("bob"), account("vic"), is_whole=True)
        with pytest.raises(PrincipalUnknown):
            sales.change(account("bob", EDITOR))
        assert sales.change(account("bob", None)).words == "ada and vic can open it. Nobody else."

    def test_a_preview_says_the_same_and_writes_nothing(self, sales):
        wish = Wish(Audience.EVERYONE, [account("vic")])
        with sales.database.read() as db:
            told = app_sharing.plan(db, sales.people.ada, "sales", wish)
        assert (sales.openers(), sales.app().version) == (["ada"], 1)
        done = sales.change(account("vic"), audience=Audience.EVERYONE)
        assert (told.words, told.changes) == (done.words, done.changes)

    def test_giving_by_an_invitation_never_takes_anything(self, sales):
        def give(name, level):
            with sales.database.write() as db:
                app = apps.find_named(db, "org_default", "sales")
                account_id = sales.actor(name).account_id
                app_sharing.give(db, sales.actor(name), app, account_id, level, sales.clock.now())

        sales.change(account("bob", EDITOR))
        give("bob", VIEWER)
        give("ada", VIEWER)
        assert sales.deeds() == ["app.shared"]
        give("vic", VIEWER)
        assert (sales.openers(), sales.deeds()) == (["ada", "bob", "vic"], ["app.shared", "app.shared"])


class TestWhoMay:
    def test_strangers_and_viewers_change_nothing(self, sales):
        with pytest.raises(AppNotFound):
            sales.change(account("vic"), who="bob")
        sales.change(account("bob"))
        with pytest.raises(NotAnEditor):
            sales.change(account("vic"), who="bob")

    def test_an_editor_shares_for_viewing(self, sales):
        sales.change(account("bob", EDITOR))
        sales.change(account("vic"), who="bob", audience=Audience.SIGNED_IN)
        sales.change(account("vic", None), who="bob", audience=Audience.LISTED)
        assert sales.openers() == ["ada", "bob"]

    def test_an_editor_makes_no_editors_and_takes_none_away(self, sales):
        sales.add_group("lab")
        sales.change(account("bob", EDITOR), account("admin", EDITOR))
        for given in (Given(GROUP, "lab", EDITOR), account("admin", None), account("admin", VIEWER)):
            with pytest.raises(NotAnEditor):
                sales.change(given, who="bob")

    def test_an_editor_does_not_let_everyone_in_and_may_keep_them_out(self, sales):
        sales.change(account("bob", EDITOR))
        with pytest.raises(NotAnEditor) as caught:
            sales.change(who="bob", audience=Audience.EVERYONE)
        assert caught.value.where == "audience"
        sales.change(audience=Audience.EVERYONE)
        sales.change(account("vic"), who="bob")
        sales.change(who="bob", audience=Audience.LISTED)
        assert sales.app().audience == "listed"

    def test_an_editor_may_leave(self, sales):
        sales.change(account("bob", EDITOR))
        sales.change(account("bob", None), who="bob")
        with pytest.raises(AppNotFound):
            sales.change(account("bob"), who="bob")

    def test_an_administrator_does_all_of_it(self, sales):
        sales.change(account("bob", EDITOR), who="admin", audience=Audience.EVERYONE)
        assert sales.app().audience == "everyone"


class TestTwoAtOnce:
    def test_the_second_is_told_and_nothing_is_lost(self, sales):
        seen = sales.app().version
        sales.change(account("bob"), seen=seen)
        with pytest.raises(EditedMeanwhile) as caught:
            sales.change(account("vic"), seen=seen)
        assert caught.value.details["version"] == seen + 1
        assert sales.openers() == ["ada", "bob"]
        sales.change(account("vic"), seen=seen + 1)
        assert sales.openers() == ["ada", "bob", "vic"]

    def test_of_several_at_the_same_moment_one_wins(self, sales, at_once):
        seen = sales.app().version
        results = at_once(
            *[lambda one=one: sales.change(account(one), seen=seen) for one in ("bob", "vic", "admin") * 2]
        )
        assert len([one for one in results if not isinstance(one, Exception)]) == 1
        assert {type(one) for one in results if isinstance(one, Exception)} == {EditedMeanwhile}
        assert len(sales.openers()) == 2

    def test_details_have_the_same_version(self, sales):
        seen = sales.app().version
        sales.change(account("bob"))
        with pytest.raises(EditedMeanwhile), sales.database.write() as db:
            details.change(db, sales.people.ada, "sales", Details("Sales", "", None), seen, sales.clock.now())
        with sales.database.write() as db:
            details.change(
                db, sales.people.ada, "sales", Details("Sales", "All of it.", 5), seen + 1, sales.clock.now()
            )
        app = sales.app()
        assert (app.title, app.description, app.keep_releases, app.version) == ("Sales", "All of it.", 5, 3)
        with sales.database.read() as db:
            row = db.query(AuditEntry).filter(AuditEntry.action == "app.changed").one()
        assert row.before == {"title": "", "description": "", "keep_releases": None}


class TestRequests:
    def test_asking_and_being_let_in(self, sales):
        request = sales.ask()
        assert sales.ask(message="again") == request
        with sales.database.write() as db:
            requests.grant(db, sales.people.ada, "sales", request, VIEWER, sales.clock.now())
        assert sales.openers() == ["ada", "vic"]
        assert sales.deeds() == ["access.requested", "app.shared", "access.granted"]
        with pytest.raises(RequestDecided), sales.database.write() as db:
            requests.refuse(db, sales.people.ada, "sales", request, sales.clock.now())
        with pytest.raises(OpenAlready):
            sales.ask()

    def test_being_refused_and_asking_again_tomorrow(self, sales, clock):
        request = sales.ask()
        with sales.database.write() as db:
            requests.refuse(db, sales.people.ada, "sales", request, clock.now())
        with pytest.raises(RefusedLately):
            sales.ask()
        clock.move(requests.ASK_AGAIN_AFTER)
        assert sales.ask() != request
        assert sales.openers() == ["ada"]

    def test_sharing_answers_whoever_asked(self, sales):
        sales.ask()
        sales.change(audience=Audience.SIGNED_IN)
        with sales.database.read() as db:
            assert [one.state for one in db.query(AccessRequest)] == ["granted"]

    def test_only_for_what_is_there_and_closed(self, sales):
        with pytest.raises(AppNotFound), sales.database.write() as db:
            requests.ask(db, sales.people.vic, "nothing", "", sales.clock.now())
        with pytest.raises(OpenAlready):
            sales.ask("ada")

    def test_strangers_decide_nothing_and_requests_stay_with_their_app(self, sales):
        request = sales.ask()
        add_live_app(sales.database, sales.people.bob, "stock", sales.clock.now())
        with pytest.raises(AppNotFound), sales.database.write() as db:
            requests.grant(db, sales.people.bob, "sales", request, VIEWER, sales.clock.now())
        with pytest.raises(RequestNotFound), sales.database.write() as db:
            requests.grant(db, sales.people.bob, "stock", request, VIEWER, sales.clock.now())
        assert sales.openers() == ["ada"]

    def test_an_editor_lets_in_and_makes_no_editor(self, sales):
        sales.change(account("bob", EDITOR))
        request = sales.ask("admin")
        with pytest.raises(NotAnEditor), sales.database.write() as db:
            requests.grant(db, sales.people.bob, "sales", request, EDITOR, sales.clock.now())
        with sales.database.write() as db:
            requests.grant(db, sales.people.bob, "sales", request, VIEWER, sales.clock.now())
        assert sales.openers() == ["ada", "admin", "bob"]

    def test_several_at_once_ask_once(self, sales, at_once):
        results = at_once(*[sales.ask] * 5)
        assert len(set(results)) == 1


class TestHandingOver:
    def hand_over(self, sales, to, who="ada", keep=None, seen=None):
        with sales.database.write() as db:
            now = sales.clock.now()
            return app_sharing.hand_over(db, sales.actor(who), "sales", to, seen, now, keep=keep)

    def test_the_former_owner_keeps_nothing_unless_said(self, sales):
        before = sales.app()
        sales.change(account("bob", EDITOR))
        done = self.hand_over(sales, "bob")
        assert (sales.app().owner_id, sales.openers()) == (sales.people.bob.account_id, ["bob"])
        assert sales.app().access_version == before.access_version + 1
        assert done.changes[0] == "bob owns it from now on, instead of ada."
        assert sales.deeds()[-1] == "app.handed_over"

    def test_the_former_owner_may_stay(self, sales):
        self.hand_over(sales, "bob", keep=EDITOR)
        with sales.database.read() as db:
            assert apps.may_edit(db, sales.app(), sales.people.ada)
        with pytest.raises(NotAnEditor):
            self.hand_over(sales, "ada")
        self.hand_over(sales, "ada", who="bob")
        assert sales.openers() == ["ada"]

    @pytest.mark.parametrize("to", ["vic", "nobody", "", "\x00"])
    def test_only_to_somebody_who_publishes(self, sales, to):
        with pytest.raises(OwnerInvalid):
            self.hand_over(sales, to)
        assert sales.app().owner_id == sales.people.ada.account_id

    def test_not_by_an_editor(self, sales):
        sales.change(account("bob", EDITOR))
        with pytest.raises(NotAnEditor):
            self.hand_over(sales, "bob", who="bob")

    def test_the_second_is_told(self, sales):
        with pytest.raises(EditedMeanwhile):
            self.hand_over(sales, "bob", seen=sales.app().version + 1)

    def hand_over_all(self, sales, who, to="bob", leaver="ada"):
        with sales.database.write() as db:
            found = app_sharing.hand_over_all(db, sales.actor(who), leaver, to, sales.clock.now())
            return sorted(app.name for app in found)

    def test_everything_in_one_action(self, sales):
        add_live_app(sales.database, sales.people.ada, "stock", sales.clock.now())
        add_live_app(sales.database, sales.people.bob, "other", sales.clock.now())
        for refused in ("bob", "vic"):
            with pytest.raises(HandOverRefused):
                self.hand_over_all(sales, refused)
        assert self.hand_over_all(sales, "ada", "ada") == []
        assert self.hand_over_all(sales, "admin") == ["sales", "stock"]
        assert self.hand_over_all(sales, "admin") == []
        with sales.database.read() as db:
            assert apps.list_owned(db, sales.people.ada.account_id) == []
            assert len(apps.list_owned(db, sales.people.bob.account_id)) == 3
            assert [row.action for row in db.query(AuditEntry)].count("account.handed_over") == 1

    def test_what_a_disabled_leaver_owned_too(self, sales):
        with sales.database.write() as db:
            db.get_one(Account, sales.people.ada.account_id).is_disabled = True
        assert self.hand_over_all(sales, "admin") == ["sales"]
        with pytest.raises(PrincipalUnknown):
            self.hand_over_all(sales, "admin", leaver="nobody")


class TestVisits:
    def test_openings_are_counted_in_one_row(self, sales, clock):
        for count in (2, 1):
            with sales.database.write() as db:
                visits.note_openings(db, sales.people.ada.account_id, sales.app().id, count, clock.now())
            clock.move(5)
        with sales.database.read() as db:
            row = db.query(Visit).one()
        assert (row.openings, row.is_pinned) == (3, False)
        assert (clock.now() - row.opened_at).total_seconds() == 5

    def test_a_pin_is_ones_own_and_of_what_one_sees(self, sales):
        with sales.database.write() as db:
            visits.set_pinned(db, sales.people.ada, "sales", is_pinned=True)
            visits.set_pinned(db, sales.people.ada, "sales", is_pinned=True)
        with pytest.raises(AppNotFound), sales.database.write() as db:
            visits.set_pinned(db, sales.people.bob, "sales", is_pinned=True)
        with sales.database.write() as db:
            visits.set_pinned(db, sales.people.ada, "sales", is_pinned=False)
            visits.set_pinned(db, sales.people.admin, "sales", is_pinned=False)
        with sales.database.read() as db:
            assert [row.is_pinned for row in db.query(Visit)] == [False]
