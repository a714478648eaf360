"""What is told of instances' use, from one look to the next."""

from types import SimpleNamespace

from tholos.instances.metering import Measured, Meter
from tholos.runtime.metering import Reading

ONE = SimpleNamespace(id="i1", pid=7, ended_at=None)
GONE = SimpleNamespace(id="i2", pid=8, ended_at=None)


class Used:
    def begun(self, _):
        return 5

    def under_way(self, _):
        return 1

    def idle_s(self, _):
        return 0.0

    def forget(self, _):
        """Nothing is kept."""


def test_the_share_is_that_since_the_look_before():
    clock, readings, looks = [100.0], {7: Reading(2.0, 1000, 20.0)}, []

    def read(pids):
        looks.append(sorted(pids))
        return {pid: readings[pid] for pid in pids if pid in readings}

    meter = Meter(Used(), read, lambda: clock[0])
    first = meter.measure([ONE, GONE])
    assert first["i1"] == Measured(2.0, 0.1, 1000, 5, 1, 0.0)
    assert first["i2"] == Measured(requests=5, under_way=1, idle_s=0.0)
    clock[0], readings[7] = 100.5, Reading(9.0, 1, 20.5)
    assert meter.measure([ONE])["i1"] == first["i1"], "it is not looked again so soon"
    clock[0], readings[7] = 104.0, Reading(4.0, 2000, 24.0)
    second = meter.measure([ONE])["i1"]
    assert (second.cpu, second.memory) == (0.5, 2000)
    clock[0], readings[7] = 108.0, Reading(1.0, 3000, 2.0)
    assert meter.measure([ONE])["i1"].cpu == 0.5, "another process took the number"
    assert [one for one in looks if one] == [[7, 8], [7], [7]]


def test_whoever_knows_how_they_are_used_is_asked_first():
    asked = []
    Meter(None, lambda _: {}, look=lambda: asked.append(1)).measure([ONE])
    assert asked == [1]


def test_without_a_carrier_only_processes_are_told():
    assert Meter(None, lambda _: {}).measure([ONE]) == {"i1": Measured()}
