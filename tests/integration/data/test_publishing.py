"""Use cases of publishing on both databases, with decisions made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from tholos.access import service as access
from tholos.access.models import Handle, HandoverCode
from tholos.accounts.service import hash_secret
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound, NameTaken
from tholos.apps.models import App, AppState, Pointer, Release
from tholos.audit import queries as deeds
from tholos.detect.model import Brought, Detection, Evidence, Finding, Kind, Overrides, Requirements
from tholos.instances import service as instances
from tholos.instances.models import Instance, InstanceState
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.operations.errors import CancelRequested, OperationUnderWay, TransitionRefused
from tholos.publishing import manifest as manifests
from tholos.publishing import reasons
from tholos.publishing import service as publishing
from tholos.publishing.errors import BroughtInvalid
from tholos.publishing.service import Decided, Upload, Wish
from tholos.runtime.interpreters import Choice, Interpreter
from tholos.runtime.layout import Layout
from tholos.testing.rows import add_live_app, sign_in
from tholos.variables import service as variables

FOUND = Detection(
    kind=Kind.WSGI,
    framework=Finding("Flask", "imported", Evidence("app.py", 1)),
    entrypoint=Finding("app:app", "in app.py", Evidence("app.py", 4)),
    python=Finding("", ""),
    requirements=Requirements("requirements.txt", "flask", "requirements.txt"),
)
LAYOUT = Layout(Path("/data"))
CHOICE = Choice(Interpreter("cpython", "3.12.1", "/usr/bin/python3.12", "linux"), "newest installed")


def _wish(name="sales", snapshot="a" * 64):
    return Wish(name, snapshot, "first", Overrides(), upgrade=False, upload=Upload(3, 900, 100, 0.2))


def _decided(wish, remembered=None, found=FOUND):
    manifest = manifests.to_json(FOUND, CHOICE.why)
    return Decided(
        found, CHOICE, remembered or {}, manifest, manifests.fingerprint(wish.snapshot, manifest), 3, 900
    )


@pytest.fixture
def sealer(tmp_path):
    return Sealer(tmp_path / "keys")


@pytest.fixture
def begin(database, people, clock, sealer):
    def make(actor=people.ada, wish=None, key=None, remembered=None, brought=None):
        wish = wish or _wish()
        with database.write() as db:
            decided = _decided(wish, remembered, replace(FOUND, brought=brought))
            return publishing.begin_publish(
                db, sealer, actor, wish, decided, clock.now(), idempotency_key=key
            ).id

    return make


@pytest.fixture
def end(database, clock):
    """Ends a publish that was begun: its release serves, or it failed."""

    def write(operation_id, *, well):
        with database.write() as db:
            operation = operations.claim(db, operation_id, "here", clock.now())
            release_id = str(operation.request["release_id"])
            if well:
                apps.switch(db, release_id, clock.now())
                operations.finish(db, operation_id, {"release": 1}, clock.now())
            else:
                error = {"code": "x", "message": "Cannot build.", "where": "app.py:3"}
                publishing.fail_publish(db, operation, error, clock.now())
                operations.fail(db, operation_id, error, clock.now())

    return write


@pytest.fixture
def deeds_of(database):
    """What was done, each kind of deed as it was done last."""

    def read():
        with database.read() as db:
            return {one.action: one for one in deeds.list_after(db, 0, 100)}

    return read


def _read(database, actor, name="sales"):
    """The app, its releases by number, and the live one's number."""
    with database.read() as db:
        app = apps.get_visible(db, actor, name)
        live = apps.find_live(db, app.id)
        return app, {one.number: one for one in apps.list_releases(db, app.id)}, live and live.number


class TestPublish:
    def test_it_makes_an_app_a_release_and_an_operation(self, database, people, begin):
        operation_id = begin(remembered={"python": "3.12"})
        app, releases, live = _read(database, people.ada)
        assert (app.owner_id, app.overrides, live) == (people.ada.account_id, {}, None)
        assert (releases[1].state, releases[1].message, releases[1].python) == (
            "preparing",
            "first",
            "3.12.1",
        )
        with database.read() as db:
            operation = operations.get_operation(db, operation_id)
            steps = operations.list_steps(db, [operation])[operation_id]
            told = [one.data["label"] for one in operations.list_events(db, operation_id, 0)]
        assert operation.subject_id == app.id
        assert operation.request["release"] == 1
        assert operation.request["upload"] == "3 files, 900 B, 100 B sent"
        assert [step.name for step in steps] == list(publishing.PUBLISH_STEPS)
        assert told == ["Flask", "Python"]

    def test_the_first_release_takes_the_settings_that_a_manifest_brings(
        self, database, people, begin, end, sealer
    ):
        brought = Brought("manifest.json", {"TARGET": "120"}, {"open_files": 4096, "unknown": "x"})
        first = begin(brought=brought)
        end(first, well=True)
        begin(brought=Brought("manifest.json", {"TARGET": "7", "MORE": "1"}, {"open_files": 100}))
        _, releases, _ = _read(database, people.ada)
        with database.read() as db:
            told = [one.text for one in operations.list_events(db, first, 0) if one.kind == "finding"]
            for release in releases.values():
                shown = [
                    (one.name, one.value) for one in variables.list_variables(db, sealer, release.settings)
                ]
                assert shown == [("TARGET", "120")]
                assert release.settings["limits"] == {"open_files": 4096}
        assert told[-1] == "TARGET, open_files in manifest.json"

    @pytest.mark.parametrize(
        ("values", "limits", "where", "told"),
        [
            ({"PATH": "/bin"}, {}, "variables.PATH", "Cannot set PATH"),
            ({"B-C": "1"}, {}, "variables.B-C", "Cannot name a variable"),
            ({"A": 120}, {}, "variables.A", "its value is no text"),
            ({"A": "\0"}, {}, "variables.A", "a NUL in it"),
            ({"A\ud800": "\ud800"}, {}, "variables.A\ufffd", "Cannot name a variable"),
            ({f"A{n}": "" for n in range(201)}, {}, "variables", "so many variables"),
            ({}, {"open_files": 1}, "limits.open_files", "from 64 to 1,048,576"),
            ({}, {"start_timeout_s": True}, "limits.start_timeout_s", "it is no whole number"),
        ],
    )
    def test_settings_that_cannot_be_taken_are_told_by_their_place(
        self, database, people, begin, values, limits, where, told
    ):
        with pytest.raises(BroughtInvalid, match=told) as refused:
            begin(brought=Brought("tholos.manifest.json", values, limits))
        assert refused.value.where == f"tholos.manifest.json: {where}"
        with database.read() as db:
            assert db.query(App).count() == 0

    def test_the_same_key_is_the_same_publish(self, database, people, begin, end):
        first = begin(key="k")
        assert begin(key="k") == first
        end(first, well=True)
        assert begin(key="k") == first
        assert begin(key="other") != first
        assert sorted(_read(database, people.ada)[1]) == [1, 2]

    def test_the_same_key_at_once_is_one_publish(self, database, people, begin, at_once):
        assert len(set(at_once(*[lambda: begin(key="k")] * 4))) == 1
        assert list(_read(database, people.ada)[1]) == [1]

    def test_two_at_once_are_one_and_a_refusal_that_leaves_nothing(self, database, people, begin, at_once):
        results = at_once(*[begin] * 4)
        assert sorted(type(one).__name__ for one in results) == ["OperationUnderWay"] * 3 + ["str"]
        assert list(_read(database, people.ada)[1]) == [1]

    def test_what_was_said_is_remembered_once_it_serves(self, database, people, begin, end, clock):
        first = begin(remembered={"python": "3.12"})
        with pytest.raises(OperationUnderWay):
            begin(remembered={"python": "3.13"})
        with database.write() as db:
            publishing.go_live(db, operations.get_operation(db, first), clock.now())
        end(first, well=True)
        end(begin(remembered={"python": "3.14"}), well=False)
        app, _, _ = _read(database, people.ada)
        assert app.overrides == {"python": "3.12"}, "what failed is not remembered"

    def test_a_stranger_takes_no_name(self, begin, end, people):
        end(begin(), well=True)
        with pytest.raises(NameTaken):
            begin(actor=people.bob)
        assert begin(actor=people.admin)

    def test_what_is_live_needs_no_second_release(self, database, people, begin, end, clock):
        end(begin(), well=True)
        app, _, _ = _read(database, people.ada)
        same, other = _decided(_wish()), _decided(_wish(snapshot="b" * 64))

        def unchanged(decided, **wanted):
            with database.read() as db:
                found = publishing.find_unchanged(
                    db, apps.get_app(db, app.id), decided, upgrade=False, **wanted
                )
                return found.number if found else None

        for state, number in ((AppState.FAILING, None), (AppState.SERVING, 1)):
            with database.write() as db:
                apps.set_state(db, app.id, state, "", clock.now())
            assert unchanged(same) == number
        assert unchanged(other) is None
        with database.read() as db:
            assert publishing.find_unchanged(db, None, same, upgrade=False) is None
            assert publishing.find_unchanged(db, apps.get_app(db, app.id), same, upgrade=True) is None


class TestFailure:
    def test_a_first_one_leaves_an_app_that_says_so(self, database, people, begin, end):
        end(begin(), well=False)
        app, releases, live = _read(database, people.ada)
        assert (releases[1].state, live) == ("failed", None)
        assert (app.state, app.state_reason) == ("stopped", "Release 1 did not come to serve.")

    def test_a_later_one_leaves_what_serves(self, database, people, begin, end, clock):
        end(begin(), well=True)
        app, _, _ = _read(database, people.ada)
        with database.write() as db:
            apps.set_state(db, app.id, AppState.SERVING, "", clock.now())
        end(begin(), well=False)
        app, releases, live = _read(database, people.ada)
        assert (releases[2].state, live, app.state) == ("failed", 1, "serving")

    def test_its_instances_are_named_and_let_go(self, database, people, begin, clock):
        operation_id = begin()
        app, releases, _ = _read(database, people.ada)
        with database.write() as db:
            held = instances.create_instance(
                db, app, releases[1], LAYOUT, clock.now(), operation_id=operation_id
            ).id
        with database.write() as db:
            operation = operations.get_operation(db, operation_id)
            assert publishing.fail_publish(db, operation, {"message": "x"}, clock.now()) == [held]
            assert publishing.fail_publish(db, operation, {"message": "x"}, clock.now()) == []

    def test_after_the_switch_it_is_too_late_to_fail(self, database, people, begin, clock):
        operation_id = begin()
        _, releases, _ = _read(database, people.ada)
        with database.write() as db:
            apps.switch(db, releases[1].id, clock.now())
        with database.write() as db:
            operation = operations.get_operation(db, operation_id)
            assert publishing.fail_publish(db, operation, {"message": "x"}, clock.now()) == []
        assert _read(database, people.ada)[2] == 1

    @pytest.mark.parametrize("error", [None, {"message": "x"}])
    def test_neither_does_a_draft_fail_that_is_one(self, database, people, begin, clock, deeds_of, error):
        operation_id = begin(wish=replace(_wish(), is_draft=True))
        with database.write() as db:
            publishing.go_live(db, operations.get_operation(db, operation_id), clock.now())
        with database.write() as db:
            operation = operations.get_operation(db, operation_id)
            assert publishing.fail_publish(db, operation, error, clock.now()) == []
            assert apps.find_draft(db, operation.subject_id, 1).state == "ready"
        assert "release.failed" not in deeds_of()

    def test_its_first_cause_and_its_place_are_recorded(self, database, begin, end, deeds_of):
        end(begin(), well=False)
        assert deeds_of()["release.failed"].note == "Cannot build. (app.py:3)"

    def test_one_that_was_cancelled_did_not_fail(self, database, people, begin, clock, deeds_of):
        operation_id = begin()
        with database.write() as db:
            publishing.fail_publish(db, operations.get_operation(db, operation_id), None, clock.now())
        app, releases, _ = _read(database, people.ada)
        assert app.state_reason == "Release 1 was cancelled before it served."
        assert releases[1].state == "failed"
        assert "release.failed" not in deeds_of()


class TestCancel:
    """Whichever transaction comes first, the switch or the cancel: the other one finds it decided."""

    def _cancel(self, database, actor, clock, operation_id):
        with database.write() as db:
            return operations.request_cancel(db, actor, operation_id, clock.now()).cancel_requested_at

    @pytest.mark.parametrize("is_draft", [True, False])
    def test_before_the_switch_it_does_not_switch(self, database, people, begin, clock, is_draft):
        operation_id = begin(wish=replace(_wish(), is_draft=is_draft))
        with database.read() as db:
            as_it_was = operations.get_operation(db, operation_id)
        assert self._cancel(database, people.ada, clock, operation_id)
        with pytest.raises(CancelRequested), database.write() as db:
            publishing.go_live(db, as_it_was, clock.now())
        with database.read() as db:
            assert apps.find_live(db, as_it_was.subject_id) is None
            assert apps.find_draft(db, as_it_was.subject_id, 1) is None

    def test_one_that_has_ended_does_not_switch_either(self, database, begin, clock, end):
        operation_id = begin()
        with database.read() as db:
            as_it_was = operations.get_operation(db, operation_id)
        end(operation_id, well=False)
        with pytest.raises(TransitionRefused), database.write() as db:
            publishing.go_live(db, as_it_was, clock.now())

    def test_after_the_switch_it_is_not_heeded(self, database, people, begin, clock, deeds_of):
        operation_id = begin()
        for _ in range(2):  # a server that ended in between does it twice
            with database.write() as db:
                publishing.go_live(db, operations.get_operation(db, operation_id), clock.now())
            assert self._cancel(database, people.ada, clock, operation_id) is None
        assert "operation.cancelled" not in deeds_of()
        assert _read(database, people.ada)[2] == 1


class TestDelete:
    def test_only_who_may_see_it_begins_it(self, database, people, clock):
        add_live_app(database, people.ada, "sales", clock.now())
        for stranger in (people.bob, people.vic):
            with pytest.raises(AppNotFound), database.write() as db:
                publishing.begin_delete(db, stranger, "sales", clock.now())
        with database.write() as db:
            assert publishing.begin_delete(db, people.admin, "sales", clock.now()).kind == "delete"
        with pytest.raises(OperationUnderWay), database.write() as db:
            publishing.begin_delete(db, people.ada, "sales", clock.now())

    def test_it_leaves_no_row_of_the_app(self, database, people, clock):
        app, release = add_live_app(database, people.ada, "sales", clock.now())
        ada, _ = sign_in(database, people.ada, clock.now())
        with database.write() as db:
            for state in (InstanceState.READY, InstanceState.STOPPED):
                instances.create_instance(db, app, release, LAYOUT, clock.now()).state = state
            code = access.hand_over(db, ada, "sales", hash_secret("t"), clock.now())
        with database.write() as db:
            assert access.redeem(db, app.id, code, "t", clock.now())
            access.hand_over(db, ada, "sales", hash_secret("t"), clock.now())
        with database.write() as db:
            access.remove_of_app(db, app.id)
            instances.remove_of_app(db, app.id)
            apps.remove_app(db, app.id)
        with database.read() as db:
            tables = (App, Release, Pointer, Instance, Handle, HandoverCode)
            assert [db.query(table).count() for table in tables] == [0] * len(tables)


class TestWhy:
    def _why(self, database, actor):
        with database.read() as db:
            return reasons.why(db, actor, "sales")[1]

    def test_strangers_are_told_nothing(self, database, people, begin):
        begin()
        with pytest.raises(AppNotFound):
            self._why(database, people.bob)

    def test_a_failure_is_told_with_its_place_and_the_next_command(self, database, people, begin, end):
        end(begin(), well=False)
        state, failure = self._why(database, people.ada)
        assert state.text == "Release 1 did not come to serve."
        assert "Cannot build." in failure.text
        assert failure.where == "app.py:3"
        assert failure.next == "tholos logs sales --release 1"

    def test_what_serves_tells_what_it_runs(self, database, people, begin, end, clock):
        end(begin(), well=True)
        app, releases, _ = _read(database, people.ada)
        with database.write() as db:
            apps.set_state(db, app.id, AppState.SERVING, "", clock.now())
            made = instances.create_instance(db, app, releases[1], LAYOUT, clock.now())
            made.state, made.restarts, made.reason = InstanceState.READY, 2, "exited with code 1"
        texts = [one.text for one in self._why(database, people.ada)]
        assert texts[0] == "It answers."
        assert texts[1] == "Its instance is ready, after 2 ends by itself: exited with code 1."
        assert any("app:app" in text for text in texts)
        with database.write() as db:
            instances.get_instance(db, made.id).reason = "It stores too much."
        assert self._why(database, people.ada)[1].text.endswith("by itself: It stores too much.")
        with database.write() as db:
            apps.set_state(db, app.id, AppState.FAILING, "It stores too much.", clock.now())
        told = [one.text for one in self._why(database, people.ada)]
        with database.write() as db:
            apps.set_state(db, app.id, AppState.FAILING, "It stores 80 MB, and may store 50 MB.", clock.now())
        assert self._why(database, people.ada)[0].next == "tholos limits sales --disk 160"
        assert told[:2] == ["It stores too much.", "Its instance is ready, after 2 ends by itself."]
        assert all(one.next for one in self._why(database, people.ada))
        assert all(one.at is None or one.at.tzinfo for one in self._why(database, people.ada))
