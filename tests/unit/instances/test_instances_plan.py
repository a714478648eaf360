from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.instances.models import ACTIVE, LEAVING, SHARED, InstanceState
from tholos.instances.plan import GoOn, Lost, Retire, Seen, Start, Stray, Wanted, plan
from tholos.runtime.model import ProcessState

S, P = InstanceState, ProcessState
RUNS = {"i1": P.RUNNING}


def wanted(**releases):
    return [Wanted(app, release) for app, release in releases.items()]


def _row(state=S.READY, *, held=False, release="r1", name="i1", ready_at=None, whose=SHARED):
    return Seen(name, "a1", release, state, held, ready_at, whose)


def test_nothing_is_to_do_where_what_should_run_runs():
    assert plan(wanted(a1="r1"), [_row()], RUNS) == []


def test_a_live_release_without_an_instance_is_started():
    assert plan(wanted(a1="r1", a0="r0"), [], {}) == [Start("a0", "r0"), Start("a1", "r1")]


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_one_that_stands_is_enough(state):
    assert plan(wanted(a1="r1"), [_row(state)], RUNS) == []


@pytest.mark.parametrize("state", sorted(LEAVING))
def test_one_that_leaves_is_followed_by_another(state):
    assert plan(wanted(a1="r1"), [_row(state)], RUNS) == [Start("a1", "r1"), Retire("i1")]


@pytest.mark.parametrize("live", [[], wanted(a1="r2")])
def test_one_that_is_not_live_is_retired(live):
    actions = plan(live, [_row(), _row(release="r2", name="i2")], {**RUNS, "i2": P.RUNNING})
    assert Retire("i1") in actions
    assert (Retire("i2") in actions) is (not live)


def test_one_that_an_operation_holds_is_left_alone():
    assert plan([], [_row(held=True)], RUNS) == []


def test_one_without_a_process_is_lost_and_replaced():
    assert plan(wanted(a1="r1"), [_row()], {}) == [Lost("i1"), Start("a1", "r1")]


def test_one_that_is_being_launched_is_not_lost():
    assert plan(wanted(a1="r1"), [_row(S.STARTING)], {}, {"i1"}) == []


def test_one_whose_process_waits_still_is_told_to_go_on():
    seen = {"rows": [_row(S.STARTING)], "processes": RUNS, "waiting": RUNS}
    assert plan(wanted(a1="r1"), **seen) == [GoOn("i1")]
    assert plan(wanted(a1="r1"), **seen, launching={"i1"}) == [], "somebody is about to"


def test_one_that_was_given_up_stays_as_it_is():
    assert plan(wanted(a1="r1"), [_row(S.FAILED)], {}) == []


def test_a_process_that_nobody_knows_is_stopped():
    assert plan([], [], RUNS) == [Stray("i1")]


@pytest.mark.parametrize("state", [P.EXITED, P.STOPPING])
def test_one_that_has_ended_or_is_about_to_is_not_stopped(state):
    assert plan([], [], {"i1": state}) == []


def test_a_process_that_is_being_launched_or_an_operations_own_is_no_stray():
    assert plan([], [], RUNS, {"i1"}) == []
    assert plan([], [], RUNS, (), {"i1"}) == []


def test_one_that_was_live_a_moment_ago_goes_on_and_is_not_started_again():
    rows = [_row(), _row(release="r2", name="i2")]
    processes = {**RUNS, "i2": P.RUNNING}
    assert plan(wanted(a1="r2"), rows, processes, kept=["r1"]) == []
    assert plan(wanted(a1="r2"), rows[1:], {"i2": P.RUNNING}, kept=["r1"]) == []


def test_of_two_that_answer_for_a_release_the_one_that_did_first_leaves():
    early, late = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (1, 2))
    rows = [_row(ready_at=late), _row(name="i2", ready_at=early)]
    assert plan(wanted(a1="r1"), rows, {**RUNS, "i2": P.RUNNING}) == [Retire("i2")]


def test_one_that_starts_beside_another_lets_that_go_on():
    rows = [_row(ready_at=datetime(2026, 1, 1, tzinfo=UTC)), _row(S.STARTING, held=True, name="i2")]
    assert plan(wanted(a1="r1"), rows, {**RUNS, "i2": P.RUNNING}) == []


class World:
    """What the plan's actions do, at once and without failing."""

    def __init__(self, wanted, rows, processes, kept):
        self.wanted, self.rows, self.processes = wanted, {row.id: row for row in rows}, dict(processes)
        self.kept = kept
        self.count = 0

    def plan(self):
        return plan(self.wanted, list(self.rows.values()), self.processes, kept=self.kept)

    def apply(self, action):
        match action:
            case Start(app_id, release_id):
                self.count += 1
                name = f"new{self.count}"
                self.rows[name] = Seen(name, app_id, release_id, S.STARTING, is_held=False)
                self.processes[name] = P.RUNNING
            case Retire(instance) | Lost(instance) | Stray(instance):
                self.rows.pop(instance, None)
                self.processes.pop(instance, None)


MOMENTS = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(3)]
NAMES = [f"i{number}" for number in range(8)]
APPS = {f"a{number}": [f"r{number}.{release}" for release in range(2)] for number in range(3)}
RELEASES = [(app, release) for app, releases in APPS.items() for release in releases]


@st.composite
def worlds(draw):
    releases = draw(st.sets(st.sampled_from(RELEASES)))  # live ones and drafts
    kept = draw(st.sets(st.sampled_from([release for _, release in RELEASES])))
    rows = [
        Seen(
            name,
            *draw(st.sampled_from(RELEASES)),
            draw(st.sampled_from(sorted(set(S) - {S.STOPPED}))),
            draw(st.booleans()),
            draw(st.sampled_from([None, *MOMENTS])),
            draw(st.sampled_from([SHARED, "acc_1", "acc_2"])),
        )
        for name in draw(st.sets(st.sampled_from(NAMES)))
    ]
    processes = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(P))))
    wanted = [Wanted(*one, 1, draw(st.integers(1, 3)), draw(st.booleans())) for one in sorted(releases)]
    return World(wanted, rows, processes, kept)


@settings(deadline=None)
@given(worlds())
def test_once_its_actions_are_done_there_is_nothing_more_to_do(world):
    held = {row.id for row in world.rows.values() if row.is_held and row.id in world.processes}
    for action in world.plan():
        world.apply(action)
    assert world.plan() == []
    active = {row.release_id for row in world.rows.values() if row.state in ACTIVE}
    assert {one.release_id for one in world.wanted} <= active
    assert held <= set(world.rows)


@settings(deadline=None)
@given(worlds())
def test_each_instance_is_acted_on_once(world):
    touched = [action.instance for action in world.plan() if not isinstance(action, Start)]
    assert len(touched) == len(set(touched))


def test_in_an_app_where_everybody_has_their_own_one_more_waits_while_there_may_be_more():
    own = [_row(name=f"i{number}", whose=f"acc_{number}") for number in (1, 2)]
    processes = {row.id: P.RUNNING for row in own}
    assert plan([Wanted("a1", "r1", 1, 3, is_personal=True)], own, processes) == [Start("a1", "r1", 0)]
    assert plan([Wanted("a1", "r1", 1, 2, is_personal=True)], own, processes) == []
    shared = [Wanted("a1", "r1", 1, 2)]
    assert plan(shared, [own[0], _row(name="i2")], processes) == [Retire("i1")]


def test_what_was_somebodys_own_and_given_up_makes_room():
    rows = [_row(S.FAILED, whose="acc_1"), _row(name="i2")]
    assert plan([Wanted("a1", "r1", 1, 3, is_personal=True)], rows, {"i2": P.RUNNING}) == [Retire("i1")]


def test_as_many_run_as_there_are_to_be_at_least():
    several = [Wanted("a1", "r1", 3, 5)]
    assert plan(several, [_row()], RUNS) == [Start("a1", "r1", 1)]
    rows = [_row(name=f"i{number}") for number in (1, 2, 3)]
    assert plan(several, rows, {row.id: P.RUNNING for row in rows}) == []


def test_of_more_than_there_may_be_the_newest_stay():
    rows = [_row(name=f"i{number}", ready_at=datetime(2026, 1, number, tzinfo=UTC)) for number in (1, 2, 3)]
    processes = {row.id: P.RUNNING for row in rows}
    assert plan([Wanted("a1", "r1", 1, 2)], rows, processes) == [Retire("i1")]
    assert plan([Wanted("a1", "r1", 1, 3)], rows, processes) == []
    failed = _row(S.FAILED, name="i4")
    assert plan([Wanted("a1", "r1", 1, 4)], [*rows, failed], processes) == []
