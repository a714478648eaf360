"""How instances are used, as the carrier and the proxy in front tell it together."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tholos.access.lane_use import LaneUse
from tholos.gateway.errors import ProxySilent
from tholos.gateway.lane_counts import LaneCount
from tholos.gateway.tally import Tally
from tholos.instances.serving import Answering, Serving

ROW = Serving(
    "app_1", "sales--r2", "acc_1", "listed", 3, 2, 2, "ins_1", "unix:/run/ins_1.sock", "ready", "",
    ready=(Answering("ins_1", "unix:/run/ins_1.sock"),),
)  # fmt: skip


class Bench:
    def __init__(self):
        self.time = 100.0
        self.found = {}
        self.carried = Tally(lambda: self.time)
        self.use = LaneUse(self.carried, lambda: self.time)
        self.use.begin(self.read, SimpleNamespace(rows=lambda: [ROW]))

    def read(self):
        if self.found is None:
            raise ProxySilent("hm")
        return self.found

    def look(self, *, after=0.0, **found):
        self.time += after
        self.found = {f"ins_{name[-1]}": one for name, one in found.items()}
        self.use.look()

    def told(self, instance="ins_1"):
        return self.use.under_way(instance), self.use.begun(instance), self.use.idle_s(instance)


@pytest.fixture
def bench():
    return Bench()


def test_what_was_before_this_server_is_nobodys_and_may_have_been_just_now(bench):
    bench.look(of_1=LaneCount(0, 7, {"2xx": 7}))
    bench.time += 3
    assert bench.told() == (0, 0, 3.0)
    assert not any(bench.use.answered.values())


def test_what_was_used_between_two_looks_counts_as_used_now(bench):
    bench.look()
    bench.look(after=10, of_1=LaneCount(0, 3, {"2xx": 2, "5xx": 1}))
    assert bench.told() == (0, 3, 0.0)
    bench.look(after=5, of_1=LaneCount(0, 3, {"2xx": 2, "5xx": 1}))
    assert bench.told() == (0, 3, 5.0)
    assert bench.use.answered == {("app", "sales", "2xx"): 2, ("app", "sales", "5xx"): 1}
    bench.look(after=5, of_1=LaneCount(1, 4, {"2xx": 2, "5xx": 1}))
    bench.time += 50
    assert bench.told() == (1, 4, 0.0), "what lasts is use"


def test_a_proxy_that_began_anew_counts_on(bench):
    bench.look()
    bench.look(of_1=LaneCount(0, 9, {"2xx": 9}))
    bench.look(of_1=LaneCount(0, 2, {"2xx": 2}))
    assert bench.told()[1] == 11
    assert bench.use.answered == {("app", "sales", "2xx"): 11}


def test_both_ways_are_one_use(bench):
    bench.look()
    bench.look(of_1=LaneCount(1, 4))
    bench.carried.add("ins_1")
    assert bench.told() == (2, 5, 0.0)
    bench.carried.remove("ins_1")
    bench.look(after=9, of_1=LaneCount(0, 4))
    bench.use.forget("ins_2")
    assert bench.told() == (0, 5, 9.0)
    bench.look()
    assert bench.told() == (0, 1, 9.0), "what is gone is forgotten"


def test_who_is_silent_may_be_in_use(bench):
    bench.look(of_1=LaneCount(0, 1))
    bench.time, bench.found = 500, None
    bench.use.look()
    assert bench.told() == (0, 0, 0.0)


def test_without_a_proxy_the_carrier_tells_all(bench):
    use = LaneUse(bench.carried)
    use.look()
    assert (use.under_way("ins_1"), use.begun("ins_1"), use.idle_s("ins_1")) == (0, 0, None)


def test_another_release_of_an_app_counts_with_the_first(bench):
    rows = [ROW, replace(ROW, name="sales", draft=0, ready=(Answering("ins_2", "unix:/s"),))]
    bench.use.begin(bench.read, SimpleNamespace(rows=lambda: rows))
    bench.look()
    bench.look(of_1=LaneCount(0, 1, {"2xx": 1}), of_2=LaneCount(0, 1, {"2xx": 1}))
    assert bench.use.answered == {("app", "sales", "2xx"): 2}
