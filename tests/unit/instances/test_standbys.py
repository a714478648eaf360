"""Who has a standby, and who gets it."""

from dataclasses import replace

from tholos.instances.standbys import UNKNOWN_BYTES, Standby, Standbys, plan
from tholos.runtime.model import InstanceSpec

SPEC = InstanceSpec("ins_1", ("x",), {}, "/", "/log", secrets={"KEY": "s3"})


def held(standby=None):
    standbys = Standbys()
    standbys.put(standby or Standby("rel", "app_1", "sales", 1, SPEC))
    return standbys


def test_what_fell_asleep_last_comes_first():
    """The oldest gives way where memory is short, and one is made at a time."""
    sizes = {"old": 60, "new": 60}
    change = plan(["new", "old"], ["old"], [], sizes, 100)
    assert (change.start, change.drop) == ("new", ("old",))
    change = plan(["new", "old"], [], [], sizes, 120)
    assert (change.start, change.drop) == ("new", ())


def test_one_that_was_never_measured_needs_some_room():
    assert plan(["one"], [], [], {}, UNKNOWN_BYTES - 1).start == ""
    assert plan(["one"], [], [], {}, UNKNOWN_BYTES).start == "one"


def test_who_is_being_woken_keeps_its_own():
    assert plan([], ["waking", "awake"], ["waking"], {}, 100).drop == ("awake",)


def test_it_becomes_what_it_was_started_as():
    """Its name is known as that of a launch before it is no standby any more."""
    standbys, launching = held(), set()
    assert standbys.take("rel", lambda name: replace(SPEC, instance=name), launching) == "ins_1"
    assert launching == {"ins_1"}
    assert standbys.all == []
    assert standbys.take("rel", lambda _: SPEC, launching) == ""


def test_it_becomes_nothing_else():
    """With another secret it is let go."""
    standbys, launching = held(), set()
    assert standbys.take("rel", lambda _: replace(SPEC, secrets={"KEY": "s4"}), launching) == ""
    assert launching == set()
    assert standbys.names == set()


def test_one_that_ended_is_lost():
    standbys = held()
    standbys.lose("ins_2")
    assert (standbys.names, standbys.losses("rel")) == ({"ins_1"}, 0)
    standbys.lose("ins_1")
    assert (standbys.names, standbys.losses("rel")) == (set(), 1)
