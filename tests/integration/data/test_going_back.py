"""Use cases of releases that are there, on both databases: which one is gone back to, what is kept, and what may go."""

import pytest

from tholos.apps import keeping
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound, NothingBefore, NotReady, ReleaseNotFound
from tholos.apps.models import Release
from tholos.audit import queries as deeds
from tholos.instances import service as instances
from tholos.instances.models import InstanceState
from tholos.operations import service as operations
from tholos.operations.errors import OperationUnderWay
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing import releases
from tholos.publishing import service as publishing
from tholos.publishing.errors import NothingRuns
from tholos.runtime.layout import Layout
from tholos.testing.rows import add_live_app, add_release


class Shelf:
    """An app with some releases, each of which was live once but for those that are said to be in preparation."""

    def __init__(self, database, clock, people, folder) -> None:
        self.database, self.clock, self.people, self.folder = database, clock, people, folder
        self.app, _ = add_live_app(database, people.ada, "sales", clock.now())

    def add(self, *, live: bool = True) -> int:
        with self.database.write() as db:
            app = apps.get_app(db, self.app.id)
            release = add_release(db, self.people.ada, app, self.clock.now(), f"{app.last_number:064x}")
            if live:
                apps.switch(db, release.id, self.clock.now())
            return release.number

    def do(self, action, *arguments, by="ada", **options):
        with self.database.write() as db:
            return action(db, getattr(self.people, by), *arguments, self.clock.now(), **options)

    def change(self, settings, message: str) -> Operation:
        with self.database.write() as db:
            app = apps.get_app(db, self.app.id)
            return releases.begin_change(db, self.people.ada, app, settings, message, self.clock.now())

    def finish(self, operation: Operation) -> None:
        """As the worker does it."""
        with self.database.write() as db:
            begun = operations.claim(db, operation.id, "here", self.clock.now())
            publishing.go_live(db, begun, self.clock.now())
            operations.finish(db, operation.id, {}, self.clock.now())

    def release(self, number: int) -> Release:
        with self.database.read() as db:
            return apps.get_release_numbered(db, self.app.id, number)

    @property
    def live(self) -> int:
        with self.database.read() as db:
            return apps.find_live(db, self.app.id).number

    @property
    def numbers(self) -> list[int]:
        with self.database.read() as db:
            return [one.number for one in apps.list_releases(db, self.app.id)]


@pytest.fixture
def shelf(database, clock, people, tmp_path) -> Shelf:
    return Shelf(database, clock, people, tmp_path)


def test_each_roll_back_goes_one_further_back(shelf):
    shelf.add()
    shelf.add()
    for wanted in (2, 1):
        shelf.finish(shelf.do(releases.begin_rollback, "sales", None))
        assert shelf.live == wanted
    with pytest.raises(NothingBefore, match="no release before it was ever live"):
        shelf.do(releases.begin_rollback, "sales", None)


def test_what_never_was_live_is_not_gone_back_to(shelf):
    shelf.add(live=False)
    shelf.add()
    begun = shelf.do(releases.begin_rollback, "sales", None)
    assert begun.request["release"] == 1


def test_any_ready_release_can_be_named_and_the_live_one_is_left_alone(shelf):
    shelf.add()
    assert isinstance(shelf.do(releases.begin_activation, "sales", 2), Release)
    shelf.finish(shelf.do(releases.begin_activation, "sales", 1))
    assert shelf.live == 1
    shelf.finish(shelf.do(releases.begin_rollback, "sales", 2))
    assert shelf.live == 2


def test_what_is_not_ready_or_not_there_is_refused_in_words(shelf):
    shelf.add(live=False)
    with pytest.raises(NotReady, match="it is still being made"):
        shelf.do(releases.begin_activation, "sales", 2)
    with pytest.raises(ReleaseNotFound):
        shelf.do(releases.begin_activation, "sales", 7)


def test_strangers_find_no_app_and_one_operation_is_under_way_at_a_time(shelf):
    shelf.add()
    with pytest.raises(AppNotFound):
        shelf.do(releases.begin_rollback, "sales", None, by="bob")
    shelf.do(releases.begin_rollback, "sales", None)
    with pytest.raises(OperationUnderWay):
        shelf.do(releases.begin_activation, "sales", 1)


def test_a_call_that_is_sent_again_begins_nothing_more(shelf):
    shelf.add()
    first = shelf.do(releases.begin_rollback, "sales", None, idempotency_key="k")
    again = shelf.do(releases.begin_rollback, "sales", None, idempotency_key="k")
    assert first.id == again.id
    shelf.finish(first)
    assert shelf.do(releases.begin_rollback, "sales", None, idempotency_key="k").id == first.id


def test_a_change_has_the_files_and_packages_of_the_one_before(shelf):
    with shelf.database.write() as db:
        live = apps.find_live(db, shelf.app.id)
        apps.record_environment(db, live.id, "flask==3.1.0", "env_1", 7)
    begun = shelf.do(releases.begin_change, shelf.app, {"limits": {"open_files": 64}}, "Other limits")
    with shelf.database.read() as db:
        made = apps.get_release_numbered(db, shelf.app.id, 2)
        before = apps.get_release_numbered(db, shelf.app.id, 1)
        assert (made.snapshot, made.environment, made.packages) == (before.snapshot, "env_1", 7)
        assert (made.based_on, made.origin, made.settings) == (1, "settings", {"limits": {"open_files": 64}})
    shelf.finish(begun)
    assert shelf.live == 2


def test_nothing_is_restarted_where_nothing_is_live(shelf):
    with shelf.database.write() as db:
        apps.remove_pointers(db, shelf.app.id)
    with pytest.raises(NothingRuns):
        shelf.do(releases.begin_restart, shelf.app)


def test_what_nothing_keeps_goes_and_the_rest_stays(shelf):
    for _ in range(5):
        shelf.add()
    shelf.do(keeping.set_pinned, "sales", 1, is_pinned=True)
    shelf.do(
        lambda db, actor, now: apps.keep_as_draft(db, apps.get_release_numbered(db, shelf.app.id, 2).id, now)
    )
    with shelf.database.write() as db:
        removed = releases.remove_old(db, apps.get_app(db, shelf.app.id), 2, shelf.clock.now())
    assert sorted(removed) == [3, 4]  # 6 is live, 5 was before it, 2 is a draft, 1 is pinned
    assert shelf.numbers == [6, 5, 2, 1]


def test_an_app_keeps_as_many_as_it_says(shelf):
    for _ in range(4):
        shelf.add()
    with shelf.database.write() as db:
        app = apps.get_app(db, shelf.app.id)
        app.keep_releases = 3
        assert sorted(releases.remove_old(db, app, 20, shelf.clock.now())) == [1, 2]


def test_what_still_runs_is_not_removed(shelf):
    for _ in range(3):
        shelf.add()
    with shelf.database.write() as db:
        app = apps.get_app(db, shelf.app.id)
        first = apps.get_release_numbered(db, app.id, 1)
        instance = instances.create_instance(db, app, first, Layout(shelf.folder), shelf.clock.now())
        assert 1 not in releases.remove_old(db, app, 1, shelf.clock.now())
        instances.set_state(db, instance.id, InstanceState.STOPPED, "", shelf.clock.now())
        assert 1 in releases.remove_old(db, app, 1, shelf.clock.now())


def test_pinning_twice_is_one_deed(shelf):
    for _ in range(2):
        shelf.do(keeping.set_pinned, "sales", 1, is_pinned=True)
    with shelf.database.read() as db:
        entries = deeds.list_after(db, 0, 100)
    assert [one.action for one in entries].count("release.pinned") == 1


class TestNothingLive:
    """What was never live does not come to be by a change of its settings: that is what `activate` is for."""

    @pytest.fixture
    def draft(self, shelf) -> int:
        shelf.do(lambda db, _, now: apps.remove_pointers(db, shelf.app.id))
        number = shelf.add(live=False)
        shelf.do(lambda db, _, now: apps.keep_as_draft(db, shelf.release(number).id, now))
        return number

    def test_a_change_of_a_draft_is_a_draft_again(self, shelf, draft):
        begun = shelf.change({"limits": {"open_files": 64}}, "Other limits")
        assert begun.request["draft"] is True
        shelf.finish(begun)
        with shelf.database.read() as db:
            assert apps.find_live(db, shelf.app.id) is None
            assert [one.number for one in keeping.list_drafts(db, shelf.app.id)] == [draft + 1, draft]

    def test_so_is_that_of_one_that_was_discarded(self, shelf, draft):
        shelf.do(keeping.discard_draft, "sales", draft)
        begun = shelf.change({}, "Other limits")
        assert begun.request["draft"] is True

    @pytest.mark.parametrize("is_draft", [True, False])
    def test_what_failed_is_tried_again_as_what_it_was_to_be(self, shelf, is_draft):
        shelf.do(lambda db, _, now: apps.remove_pointers(db, shelf.app.id))
        number = shelf.add(live=False)
        with shelf.database.write() as db:
            subject = Subject(shelf.app.id, shelf.app.name)
            request = {"release_id": shelf.release(number).id, "release": number, "draft": is_draft}
            now = shelf.clock.now()
            failed = operations.begin(db, shelf.people.ada, publishing.PUBLISH, subject, (), request, now)
            operations.claim(db, failed.id, "here", now)
            operations.fail(db, failed.id, {}, now)
            apps.fail_release(db, shelf.release(number).id)
        begun = shelf.change({}, "Variables: set A")
        assert begun.request["draft"] is is_draft

    def test_with_a_live_release_a_change_goes_live_whatever_is_a_draft(self, shelf):
        number = shelf.add(live=False)
        shelf.do(lambda db, _, now: apps.keep_as_draft(db, shelf.release(number).id, now))
        shelf.finish(shelf.change({}, "Other limits"))
        assert shelf.live == number + 1
