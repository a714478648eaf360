from dataclasses import replace

import pytest

from tholos.access.lanes import lanes_of, streams_of
from tholos.apps.life import Rules
from tholos.gateway.fleet import EVERYONE, Way
from tholos.instances.models import VISITORS
from tholos.instances.serving import Answering, Serving

HOST = "{name}.localhost:8080"
AWAKE = Serving("app_1", "sales", "acc_1", "listed", 3, 0, 2, "ins_1", "unix:/run/ins_1.sock", "ready", "")


class Believed:
    def is_public(self, place):
        return place == "app_1"

    def revoked_of(self, place):
        return ("ses_1",)

    def bearers_of(self, place):
        return ()


def test_an_app_that_is_awake_has_a_lane():
    (lane,) = lanes_of([AWAKE], Believed(), HOST)
    assert (lane.host, lane.place, lane.access_version) == ("sales.localhost:8080", "app_1", 3)
    assert (lane.instance, lane.socket, lane.app, lane.release) == ("ins_1", "/run/ins_1.sock", "app_1", 2)
    assert lane.is_public
    assert lane.revoked == ("ses_1",)


def test_a_draft_has_one_that_counts_no_visits_and_is_never_public():
    (lane,) = lanes_of([replace(AWAKE, name="sales--r4", draft=4, release=4)], Believed(), HOST)
    assert (lane.place, lane.app, lane.is_public) == ("app_1/r4", "", False)


def test_what_sleeps_or_is_elsewhere_or_cannot_be_told_goes_by_the_door():
    rows = [
        replace(AWAKE, address=""),
        replace(AWAKE, address="tcp:10.0.0.1:80"),
        replace(AWAKE, instance='ins"'),
    ]
    assert lanes_of(rows, Believed(), HOST) == ()


def test_under_a_path_the_host_is_everybodys_and_the_path_its_own():
    (lane,) = lanes_of([AWAKE], Believed(), "localhost:8080/app/{name}")
    assert (lane.host, lane.prefix) == ("localhost:8080", "/app/sales")
    (lane,) = lanes_of([AWAKE], Believed(), HOST)
    assert lane.prefix == ""


TWO = (Answering("ins_2", "unix:/run/ins_2.sock"), Answering("ins_1", "unix:/run/ins_1.sock"))
OWN = (
    Answering("ins_3", "unix:/run/ins_3.sock"), Answering("ins_2", "unix:/run/ins_2.sock", "acc_ada"),
    Answering("ins_1", "unix:/run/ins_1.sock", VISITORS),
)  # fmt: skip


def test_of_several_each_has_a_way_and_of_one_it_alone():
    (lane,) = lanes_of([replace(AWAKE, rules=Rules(max_instances=2), ready=TWO)], Believed(), HOST)
    assert lane.ways == (Way("ins_2", "/run/ins_2.sock"), Way("ins_1", "/run/ins_1.sock"))
    (lane,) = lanes_of([replace(AWAKE, ready=TWO)], Believed(), HOST)
    assert lane.ways == (Way("ins_1", "/run/ins_1.sock"),)


def test_where_everybody_has_their_own_nobody_has_the_one_that_waits():
    personal = replace(AWAKE, rules=Rules(personal=True, max_instances=5))
    (lane,) = lanes_of([replace(personal, ready=OWN)], Believed(), HOST)
    assert [(way.instance, way.whose) for way in lane.ways] == [("ins_2", "acc_ada"), ("ins_1", EVERYONE)]
    assert lanes_of([replace(personal, ready=OWN[:1])], Believed(), HOST) == ()


class Streaming:
    """Everyone has streams, and two sessions, of one of which it is known where."""

    def streams_of(self, place):
        return (EVERYONE, "ses_1", "ses_2")

    def instance_of(self, place, session):
        return {"ses_1": "ins_1", "ses_2": "ins_gone"}.get(session, "")


@pytest.mark.parametrize(
    ("rules", "ready", "expected"),
    [
        (Rules(), TWO, [(EVERYONE, "ins_1"), ("ses_1", "ins_1"), ("ses_2", "ins_1")]),
        (Rules(max_instances=2), TWO, [(EVERYONE, "ins_2"), (EVERYONE, "ins_1"), ("ses_1", "ins_1")]),
        (Rules(personal=True), OWN, [(EVERYONE, "ins_1"), ("ses_1", "ins_1")]),
    ],
)
def test_a_session_has_streams_where_the_door_took_it(rules, ready, expected):
    lanes = lanes_of([replace(AWAKE, rules=rules, ready=ready)], Believed(), HOST)
    assert [(one.session, one.instance) for one in streams_of(lanes, Streaming())] == expected


class ByToken(Streaming):
    def streams_of(self, place):
        return ("0" * 64,)

    def instance_of(self, place, session):
        return "ins_2"


@pytest.mark.parametrize(
    ("rules", "ready", "expected"),
    [(Rules(), TWO, ["ins_1"]), (Rules(max_instances=2), TWO, []), (Rules(personal=True), OWN, ["ins_2"])],
)
def test_of_several_the_door_chooses_for_each_stream_by_a_token(rules, ready, expected):
    lanes = lanes_of([replace(AWAKE, rules=rules, ready=ready)], Believed(), HOST)
    assert [one.instance for one in streams_of(lanes, ByToken())] == expected


def test_what_may_sleep_has_one_too():
    assert lanes_of([replace(AWAKE, rules=Rules(idle_timeout_s=60))], Believed(), HOST)


def test_the_order_does_not_depend_on_that_of_the_rows():
    rows = [AWAKE, replace(AWAKE, name="a", app_id="app_2")]
    assert lanes_of(rows, Believed(), HOST) == lanes_of(rows[::-1], Believed(), HOST)
