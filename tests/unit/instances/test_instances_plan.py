import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.instances.models import ACTIVE, LEAVING, InstanceState
from tholos.instances.plan import Lost, Retire, Seen, Start, Stray, plan
from tholos.runtime.model import ProcessState

S, P = InstanceState, ProcessState
RUNS = {"i1": P.RUNNING}


def _row(state=S.READY, *, held=False, release="r1", name="i1"):
    return Seen(name, "a1", release, state, held)


def test_nothing_is_to_do_where_what_should_run_runs():
    assert plan({"a1": "r1"}, [_row()], RUNS) == []


def test_a_live_release_without_an_instance_is_started():
    assert plan({"a1": "r1", "a0": "r0"}, [], {}) == [Start("a0", "r0"), Start("a1", "r1")]


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_one_that_stands_is_enough(state):
    assert plan({"a1": "r1"}, [_row(state)], RUNS) == []


@pytest.mark.parametrize("state", sorted(LEAVING))
def test_one_that_leaves_is_followed_by_another(state):
    assert plan({"a1": "r1"}, [_row(state)], RUNS) == [Start("a1", "r1"), Retire("i1")]


@pytest.mark.parametrize("live", [{}, {"a1": "r2"}])
def test_one_that_is_not_live_is_retired(live):
    actions = plan(live, [_row(), _row(release="r2", name="i2")], {**RUNS, "i2": P.RUNNING})
    assert Retire("i1") in actions
    assert (Retire("i2") in actions) is (not live)


def test_one_that_an_operation_holds_is_left_alone():
    assert plan({}, [_row(held=True)], RUNS) == []


def test_one_without_a_process_is_lost_and_replaced():
    assert plan({"a1": "r1"}, [_row()], {}) == [Lost("i1"), Start("a1", "r1")]


def test_one_that_is_being_launched_is_not_lost():
    assert plan({"a1": "r1"}, [_row(S.STARTING)], {}, {"i1"}) == []


def test_one_that_was_given_up_stays_as_it_is():
    assert plan({"a1": "r1"}, [_row(S.FAILED)], {}) == []


def test_a_process_that_nobody_knows_is_stopped():
    assert plan({}, [], RUNS) == [Stray("i1")]


@pytest.mark.parametrize("state", [P.EXITED, P.STOPPING])
def test_one_that_has_ended_or_is_about_to_is_not_stopped(state):
    assert plan({}, [], {"i1": state}) == []


def test_a_process_that_is_being_launched_or_an_operations_own_is_no_stray():
    assert plan({}, [], RUNS, {"i1"}) == []
    assert plan({}, [], RUNS, (), {"i1"}) == []


class World:
    """What the plan's actions do, at once and without failing."""

    def __init__(self, live, rows, processes):
        self.live, self.rows, self.processes = dict(live), {row.id: row for row in rows}, dict(processes)
        self.count = 0

    def plan(self):
        return plan(self.live, list(self.rows.values()), self.processes)

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


NAMES = [f"i{number}" for number in range(8)]
APPS = {f"a{number}": [f"r{number}.{release}" for release in range(2)] for number in range(3)}
RELEASES = [(app, release) for app, releases in APPS.items() for release in releases]


@st.composite
def worlds(draw):
    live = {app: draw(st.sampled_from(APPS[app])) for app in draw(st.sets(st.sampled_from(sorted(APPS))))}
    rows = [
        Seen(
            name,
            *draw(st.sampled_from(RELEASES)),
            draw(st.sampled_from(sorted(set(S) - {S.STOPPED}))),
            draw(st.booleans()),
        )
        for name in draw(st.sets(st.sampled_from(NAMES)))
    ]
    processes = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(P))))
    return World(live, rows, processes)


@settings(deadline=None)
@given(worlds())
def test_once_its_actions_are_done_there_is_nothing_more_to_do(world):
    held = {row.id for row in world.rows.values() if row.is_held and row.id in world.processes}
    for action in world.plan():
        world.apply(action)
    assert world.plan() == []
    active = {row.release_id for row in world.rows.values() if row.state in ACTIVE}
    assert set(world.live.values()) <= active
    assert held <= set(world.rows)


@settings(deadline=None)
@given(worlds())
def test_each_instance_is_acted_on_once(world):
    touched = [action.instance for action in world.plan() if not isinstance(action, Start)]
    assert len(touched) == len(set(touched))
