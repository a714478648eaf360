"""Use cases of apps and releases on both databases: sight, names, numbers, the live pointer."""

import itertools
from dataclasses import replace

import pytest

from tholos.apps import service as apps
from tholos.apps.errors import (
    AppNotFound,
    NameInvalid,
    NameReserved,
    NameTaken,
    ReleaseNotFound,
    TransitionRefused,
)
from tholos.apps.models import LIVE, RELEASE_TRANSITIONS, App, AppState, Pointer, Release, ReleaseState
from tholos.testing.rows import add_live_app, add_release, new_release


@pytest.fixture
def app(database, people, clock) -> App:
    with database.write() as db:
        return apps.create_app(db, people.ada, "sales", clock.now())


@pytest.fixture
def add(database, people, app, clock):
    """Adds a release, made live if wanted; gives its id."""

    def make(*, live=False, snapshot="a" * 64):
        with database.write() as db:
            release = add_release(db, people.ada, apps.get_app(db, app.id), clock.now(), snapshot)
            if live:
                apps.switch(db, release.id, clock.now())
            return release.id

    return make


def _live(database, app):
    with database.read() as db:
        found = apps.find_live(db, app.id)
        return found.number if found else None


class TestNames:
    def test_a_free_name_is_ones_to_take(self, database, people, app):
        with database.read() as db:
            assert apps.find_own_or_free(db, people.ada, "other") is None
            assert apps.find_own_or_free(db, people.ada, "sales").id == app.id
            assert apps.find_own_or_free(db, people.admin, "sales").id == app.id
            with pytest.raises(NameTaken) as caught:
                apps.find_own_or_free(db, people.bob, "sales")
        assert caught.value.where == "name"
        assert caught.value.fix

    @pytest.mark.parametrize(("name", "error"), [("Sales", NameInvalid), ("api", NameReserved)])
    def test_names_are_checked_wherever_they_come_in(self, database, people, clock, name, error):
        with database.read() as db, pytest.raises(error):
            apps.find_own_or_free(db, people.ada, name)
        with pytest.raises(error), database.write() as db:
            apps.create_app(db, people.ada, name, clock.now())

    def test_of_two_strangers_at_once_one_gets_the_name(self, database, people, clock, at_once):
        def take(actor):
            with database.write() as db:
                found = apps.find_own_or_free(db, actor, "sales")
                return (found or apps.create_app(db, actor, "sales", clock.now())).owner_id

        results = at_once(*[lambda actor=actor: take(actor) for actor in (people.ada, people.bob) * 2])
        owners = {one for one in results if isinstance(one, str)}
        assert len(owners) == 1
        assert {type(one) for one in results if not isinstance(one, str)} == {NameTaken}


class TestSight:
    def test_a_stranger_sees_nothing(self, database, people, app):
        with database.read() as db:
            for stranger in (people.bob, people.vic):
                with pytest.raises(AppNotFound):
                    apps.get_visible(db, stranger, "sales")
                assert apps.list_visible(db, stranger) == []
                assert not apps.may_edit(db, app, stranger)
                assert not apps.may_open(db, app, stranger)

    def test_an_administrator_sees_and_edits_all_and_opens_none(self, database, people, app):
        with database.read() as db:
            assert apps.get_visible(db, people.admin, "sales").id == app.id
            assert [one.id for one in apps.list_visible(db, people.admin)] == [app.id]
            assert apps.may_edit(db, app, people.admin)
            assert not apps.may_open(db, app, people.admin)

    def test_the_owner_does_it_all(self, database, people, app):
        with database.read() as db:
            assert apps.get_visible(db, people.ada, "sales").id == app.id
            assert apps.may_edit(db, app, people.ada)
            assert apps.may_open(db, app, people.ada)

    def test_another_organization_sees_nothing_not_even_as_administrator(self, database, people, app):
        elsewhere = replace(people.admin, organization_id="org_other")
        with database.read() as db, pytest.raises(AppNotFound):
            apps.get_visible(db, elsewhere, "sales")

    @pytest.mark.parametrize(
        "name", ["", "Sales", "sales\x00", "\ud800", "%", "sales' or '1'='1", "x" * 10_000]
    )
    def test_hostile_names_are_of_no_app(self, database, people, app, name):
        with database.read() as db:
            with pytest.raises(AppNotFound) as caught:
                apps.get_visible(db, people.admin, name)
            assert apps.find_by_host_name(db, name) is None
        assert len(caught.value.message) < 200

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("sal", ["sales"]),
            ("s", ["stock", "sales"]),
            ("%", []),
            ("_", []),
            ("\x00", []),
            ("", ["stock", "sales"]),
        ],
    )
    def test_search_takes_letters_literally(self, database, people, app, clock, search, found):
        clock.move(1)
        with database.write() as db:
            apps.create_app(db, people.ada, "stock", clock.now())
        with database.read() as db:
            assert [one.name for one in apps.list_visible(db, people.ada, search)] == found


class TestReleases:
    def test_they_count_from_one(self, database, add, app):
        for _ in range(3):
            add()
        with database.read() as db:
            assert [one.number for one in apps.list_releases(db, app.id)] == [3, 2, 1]
            assert apps.get_release_numbered(db, app.id, 2).number == 2
            for number in (0, 4, -1):
                with pytest.raises(ReleaseNotFound):
                    apps.get_release_numbered(db, app.id, number)
            with pytest.raises(ReleaseNotFound):
                apps.get_release(db, "rel_none")

    def test_they_count_on_when_made_at_once(self, database, add, app, at_once):
        at_once(*[add] * 8)
        with database.read() as db:
            assert sorted(one.number for one in apps.list_releases(db, app.id)) == list(range(1, 9))
            assert apps.get_app(db, app.id).last_number == 8

    def test_large_ones_are_kept(self, database, people, app, clock):
        with database.write() as db:
            new = replace(new_release(), bytes=5 << 40, message="a\x00b")
            release = apps.create_release(db, people.ada, apps.get_app(db, app.id), new, clock.now())
        with database.read() as db:
            found = apps.get_release(db, release.id)
        assert (found.bytes, found.message) == (5 << 40, "a\ufffdb")

    def test_the_environment_is_filled_in(self, database, add):
        release_id = add()
        with database.write() as db:
            apps.record_environment(db, release_id, "flask==3", "env-1", 7)
        with database.read() as db:
            found = apps.get_release(db, release_id)
            assert (found.lock, found.environment, found.packages) == ("flask==3", "env-1", 7)

    def test_snapshots_in_use_are_named_once(self, database, add):
        for snapshot in ("a" * 64, "a" * 64, "b" * 64):
            add(snapshot=snapshot)
        with database.read() as db:
            assert sorted(apps.kept_snapshots(db)) == ["a" * 64, "b" * 64]

    @pytest.mark.parametrize(("before", "after"), list(itertools.product(ReleaseState, ReleaseState)))
    def test_every_pair_moves_or_is_refused(self, database, add, before, after):
        release_id = add()
        with database.write() as db:
            apps.get_release(db, release_id).state = before

        def move():
            with database.write() as db:
                apps._move(apps.get_release(db, release_id), after)

        if after in RELEASE_TRANSITIONS[before]:
            move()
        else:
            with pytest.raises(TransitionRefused):
                move()
        with database.read() as db:
            assert apps.get_release(db, release_id).state == (
                after if after in RELEASE_TRANSITIONS[before] else before
            )


class TestLive:
    def test_nothing_is_live_before_the_first_switch(self, database, add, app):
        add()
        assert _live(database, app) is None

    def test_switching_forth_and_back(self, database, add, app, clock):
        one, two = add(live=True), add()
        assert _live(database, app) == 1
        with database.write() as db:
            assert apps.switch(db, two, clock.now()).id == one
        assert _live(database, app) == 2
        with database.write() as db:
            assert apps.switch(db, one, clock.now()).id == two
        assert _live(database, app) == 1
        with database.read() as db:
            assert {release.state for release in apps.list_releases(db, app.id)} == {"ready"}

    def test_switching_twice_is_switching_once(self, database, add, app, clock):
        one = add(live=True)
        with database.write() as db:
            assert apps.switch(db, one, clock.now()) is None
        with database.read() as db:
            assert db.query(Pointer).count() == 1

    def test_a_failed_release_never_goes_live(self, database, add, app, clock):
        add(live=True)
        two = add()
        with database.write() as db:
            apps.fail_release(db, two)
            apps.fail_release(db, two)
        with pytest.raises(TransitionRefused), database.write() as db:
            apps.switch(db, two, clock.now())
        assert _live(database, app) == 1

    def test_failing_leaves_what_serves(self, database, add):
        one = add(live=True)
        with database.write() as db:
            apps.fail_release(db, one)
        with database.read() as db:
            assert apps.get_release(db, one).state == ReleaseState.READY

    def test_live_releases_of_several(self, database, add, app, people, clock):
        add(live=True)
        other, _ = add_live_app(database, people.bob, "stock", clock.now())
        with database.write() as db:
            bare = apps.create_app(db, people.bob, "bare", clock.now())
        with database.read() as db:
            found = apps.live_releases(db, [app, other, bare])
            assert {app_id: one.number for app_id, one in found.items()} == {app.id: 1, other.id: 1}
            assert apps.live_releases(db, []) == {}


class TestState:
    def test_only_changes_are_told(self, database, app, clock):
        began = clock.now()
        clock.move(5)
        with database.write() as db:
            assert apps.set_state(db, app.id, AppState.SERVING, "", clock.now())
            assert not apps.set_state(db, app.id, AppState.SERVING, "", clock.now(), probed=True)
        serving = clock.now()
        clock.move(5)
        with database.write() as db:
            assert apps.set_state(db, app.id, AppState.SERVING, "slowly", clock.now())
        with database.read() as db:
            found = apps.get_app(db, app.id)
        assert (found.state, found.state_reason) == ("serving", "slowly")
        assert found.state_since == serving > began
        assert found.probed_at == serving

    def test_an_unknown_app_has_none(self, database, people, clock):
        with pytest.raises(AppNotFound), database.write() as db:
            apps.set_state(db, "app_none", AppState.SERVING, "", clock.now())


class TestRemoval:
    def test_no_row_is_left(self, database, add, app):
        add(live=True)
        add()
        with database.write() as db:
            apps.remove_pointers(db, app.id)
        assert _live(database, app) is None
        with database.write() as db:
            apps.remove_app(db, app.id)
        with database.read() as db:
            assert [db.query(table).count() for table in (App, Release, Pointer)] == [0, 0, 0]
            assert apps.find_app(db, app.id) is None

    def test_others_stay(self, database, add, app, people, clock):
        add(live=True)
        other, _ = add_live_app(database, people.bob, "stock", clock.now())
        with database.write() as db:
            apps.remove_app(db, app.id)
        assert _live(database, other) == 1

    def test_the_name_is_free_again(self, database, add, app, people, clock):
        add(live=True)
        with database.write() as db:
            apps.remove_app(db, app.id)
        with database.write() as db:
            assert apps.find_own_or_free(db, people.bob, "sales") is None
            assert apps.create_app(db, people.bob, "sales", clock.now()).last_number == 0

    def test_pointers_have_one_name_each(self, database, add, app):
        add(live=True)
        with database.read() as db:
            assert [one.name for one in db.query(Pointer)] == [LIVE]
