"""Which instances are let go, by what is known of their use."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.apps.life import Rules
from tholos.instances.models import SHARED
from tholos.instances.scaling import OWN_IDLE_S, SPARE_IDLE_S, LetGo, Scaler, Sleep, judge, may_grow
from tholos.instances.serving import Answering, Serving


def answering(number, whose=SHARED):
    return Answering(f"i{number}", "unix:/run", whose)


def row(rules, instances=1, own=0):
    """With instances that everybody comes to, and before them some that are somebody's own."""
    ready = tuple(
        answering(number, f"acc_{number}" if number < own else SHARED) for number in range(instances + own)
    )
    return Serving(
        "a1", "sales", "acc_1", "listed", 1, 0, release=1, instance="i0", address="unix:/run", state="ready", reason="",
        release_id="r1", ready=ready, rules=rules,
    )  # fmt: skip


SLEEPS = Rules(idle_timeout_s=60, max_instances=3)


@pytest.mark.parametrize(
    ("rules", "idle_s", "verdict", "left_s"),
    [
        (SLEEPS, [59], None, 1),
        (SLEEPS, [60], Sleep(), 60),
        (SLEEPS, [61, 10], LetGo(answering(0)), 60),
        (SLEEPS, [40, 10], None, 20),
        (SLEEPS, [61, 60], Sleep(), 60),
        (SLEEPS, [], None, math.inf),
        (Rules(), [10_000], None, math.inf),
        (Rules(idle_timeout_s=60, min_instances=1), [10_000], None, math.inf),
        (Rules(min_instances=1, max_instances=2), [0, SPARE_IDLE_S], LetGo(answering(1)), SPARE_IDLE_S),
        (Rules(min_instances=2, max_instances=3), [9e9, 9e9], None, math.inf),
    ],
)
def test_what_is_due(rules, idle_s, verdict, left_s):
    known = {f"i{number}": seconds for number, seconds in enumerate(idle_s)}
    assert judge(row(rules, len(idle_s)), known) == (verdict, left_s)


@pytest.mark.parametrize(
    ("rules", "idle_s", "verdict", "left_s"),
    [
        (Rules(personal=True), [OWN_IDLE_S, 0, 9e9], LetGo(answering(0, "acc_0")), OWN_IDLE_S),
        (Rules(personal=True), [OWN_IDLE_S - 7, 0, 9e9], None, 7),
        (Rules(personal=True, idle_timeout_s=60), [61, 0, 70], LetGo(answering(0, "acc_0")), 60),
        (Rules(personal=True, idle_timeout_s=60), [61, 60, 70], Sleep(), 60),
        (Rules(personal=True, idle_timeout_s=60), [50, 40, 90], None, 10),
    ],
)
def test_what_is_somebodys_own_ends_when_they_leave_and_one_more_waits(rules, idle_s, verdict, left_s):
    known = {f"i{number}": seconds for number, seconds in enumerate(idle_s)}
    assert judge(row(rules, 1, own=2), known) == (verdict, left_s)


@pytest.mark.parametrize(
    ("rules", "instances", "own", "expected"),
    [
        (Rules(), 1, 0, False),
        (Rules(max_instances=2), 0, 0, False),
        (Rules(max_instances=2), 1, 0, True),
        (Rules(max_instances=2), 2, 0, False),
        (Rules(max_instances=9, personal=True), 1, 1, False),
    ],
)
def test_it_may_have_more_of_those_that_everybody_comes_to(rules, instances, own, expected):
    assert may_grow(row(rules, instances, own)) == expected


@given(
    st.lists(st.floats(0, 1e6), max_size=5),
    st.builds(Rules, st.integers(0, 3), st.integers(3, 5), idle_timeout_s=st.floats(0, 1e5)),
)
def test_what_is_used_stays_and_the_next_look_is_in_time(idle_s, rules):
    known = {f"i{number}": seconds for number, seconds in enumerate(idle_s)}
    verdict, left_s = judge(row(rules, len(idle_s)), known)
    limit = rules.idle_timeout_s or SPARE_IDLE_S
    assert left_s > 0
    if isinstance(verdict, LetGo):
        assert known[verdict.instance.instance] >= limit
        assert len(idle_s) > max(rules.min_instances, 1)
    elif verdict is not None:
        assert min(idle_s) >= limit
        assert rules.may_sleep
    elif not math.isinf(left_s):
        assert left_s <= limit


@pytest.mark.parametrize(
    ("under_way", "begun", "preferred", "chosen"),
    [
        ([1, 0, 2], [9, 9, 9], "", "i1"),
        ([0, 0, 0], [3, 2, 2], "", "i1"),
        ([5, 0, 0], [0, 0, 0], "i0", "i0"),
        ([1, 0, 2], [0, 0, 0], "i9", "i1"),
    ],
)
async def test_a_request_goes_to_who_is_least_busy_or_known(under_way, begun, preferred, chosen):
    def of(counts):
        return lambda instance: counts[int(instance[1:])]

    activity = SimpleNamespace(under_way=of(under_way), begun=of(begun))
    scaler = Scaler(None, None, None, None, None, activity, lambda _: 0)
    assert scaler.choose(row(SLEEPS, 3), preferred).instance == chosen
