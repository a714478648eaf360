import asyncio
from dataclasses import replace
from functools import partial

import pytest

from tholos.access.outstanding import TURNS_IN_LIFE, Outstanding
from tholos.access.service import Admission, Stand
from tholos.access.steering import Steering
from tholos.accounts.service import ACCESS_TOPIC
from tholos.apps.life import Rules
from tholos.gateway.errors import ProxyRefused, ProxySilent
from tholos.gateway.fleet import Stream, stream_name
from tholos.instances.serving import Answering, Serving
from tholos.kit.notices import Notices

AWAKE = Serving("app_1", "sales", "acc_1", "listed", 3, 0, 2, "ins_1", "unix:/run/ins_1.sock", "ready", "")
ADA = Admission("acc_ada", "ada", "ses_ada", 1, None)


class Table:
    def __init__(self):
        self.shown = [AWAKE]
        self.events = []

    def rows(self):
        return self.shown

    def tell(self, event):
        self.events.append(event)

    def put(self, *rows):
        self.shown = [*rows]
        for event in self.events:
            event.set()


class Proxy:
    """Takes what it is shown, unless it is told to say otherwise."""

    def __init__(self):
        self.fleets = []
        self.error = None
        self.under_way = {}
        self.has_taken = asyncio.Event()

    async def show(self, fleet):
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.fleets.append(fleet)
        self.has_taken.set()

    async def active(self, clusters):
        return {name: self.under_way.get(name, 0) for name in clusters}


class Host:
    def __init__(self):
        self.proxy = Proxy()
        self.has_begun_anew = asyncio.Event()

    async def begin_anew(self, reason=""):
        self.reason = reason
        self.has_begun_anew.set()


class Bench:
    def __init__(self, turn_s=300):
        self.table, self.host = Table(), Host()
        self.notices = Notices(asyncio.get_running_loop())
        self.out = Outstanding(600)
        self.out.turn_s = turn_s
        self.looked = asyncio.Queue()
        look = partial(asyncio.get_running_loop().call_soon_threadsafe, self.looked.put_nowait, None)
        self.steering = Steering(self.table, self.out, self.notices, self.host, "{name}.localhost", look)

    @property
    def proxy(self):
        return self.host.proxy

    async def shows(self, holds):
        async with asyncio.timeout(30):
            while not (self.proxy.fleets and holds(self.proxy.fleets[-1])):
                self.proxy.has_taken.clear()
                await self.proxy.has_taken.wait()

    async def begun_anew(self):
        await asyncio.wait_for(self.host.has_begun_anew.wait(), 30)


@pytest.fixture
async def bench():
    made = Bench()
    running = asyncio.ensure_future(made.steering.run())
    yield made
    running.cancel()


async def test_what_serves_is_shown_and_what_changes_too(bench):
    await bench.shows(lambda fleet: [lane.instance for lane in fleet.lanes] == ["ins_1"])
    bench.table.put()
    await bench.shows(lambda fleet: not fleet.lanes)


async def test_an_answer_waits_until_the_change_lives(bench):
    bench.out.note("app_1", ADA, is_fresh=True)
    await bench.shows(lambda fleet: bool(fleet.lanes))
    bench.notices.publish(ACCESS_TOPIC)
    answering = asyncio.ensure_future(bench.steering.settled())
    await asyncio.sleep(0)
    assert not answering.done()
    bench.out.seen = bench.notices.count(ACCESS_TOPIC)  # as the door does once it has asked again
    bench.out.settle({Stand("app_1", "public", "")}, {})
    await asyncio.wait_for(answering, 30)
    assert bench.proxy.fleets[-1].lanes[0].revoked == ("ses_ada",)


async def test_a_refusal_leaves_only_the_way_to_the_door_for_good(bench):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    bench.proxy.error = ProxyRefused("no")
    bench.table.put(replace(AWAKE, name="other"))
    await bench.begun_anew()
    assert bench.host.reason == "no"
    bench.table.put(AWAKE)
    await bench.shows(lambda fleet: not fleet.lanes)


async def test_passes_have_another_generation_after_a_while():
    bench = Bench(turn_s=0.02)
    running = asyncio.ensure_future(bench.steering.run())
    first = bench.out.generations
    await bench.shows(lambda fleet: fleet.generations == first)
    await bench.shows(lambda fleet: len(fleet.generations) == 3 and not {*first} & {*fleet.generations})
    running.cancel()


async def test_silence_may_pass(bench):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    bench.proxy.error = ProxySilent("hm")
    bench.table.put()
    await bench.begun_anew()
    assert not bench.host.reason
    bench.table.put(AWAKE)
    await bench.shows(lambda fleet: bool(fleet.lanes))


async def test_an_instance_is_drained_once_nothing_goes_there_and_nothing_is_left(bench):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    bench.proxy.under_way = {"instance-ins_1": 1}
    draining = asyncio.ensure_future(bench.steering.drained("ins_1", 30))
    bench.table.put(replace(AWAKE, instance="ins_2", address="unix:/run/ins_2.sock"))
    await bench.shows(lambda fleet: [lane.instance for lane in fleet.leaving] == ["ins_1"])
    assert not draining.done()
    bench.proxy.under_way = {}
    assert await asyncio.wait_for(draining, 30)
    bench.table.put(AWAKE)
    await bench.shows(lambda fleet: [lane.instance for lane in fleet.lanes] == ["ins_1"])


async def test_draining_takes_no_longer_than_it_may(bench):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    assert not await bench.steering.drained("ins_1", 0.01)


async def test_where_the_door_listens_by_itself_nothing_is_waited_for():
    bench = Bench()
    bench.host.proxy = None
    bench.notices.publish(ACCESS_TOPIC)
    await bench.steering.settled()
    assert await bench.steering.drained("ins_1", 30)


# Ways of streams

STREAM = Stream("app_1", "ses_ada", "ins_1", "/run/ins_1.sock")


async def test_who_has_a_pass_has_a_way_for_streams_where_there_are_any(bench):
    bench.out.note_streams("app_1")
    bench.out.note("app_1", ADA, is_fresh=True)
    await bench.shows(lambda fleet: fleet.streams == (STREAM,))
    bench.out.settle((), {})
    await bench.shows(lambda fleet: not fleet.streams)


async def test_a_way_to_an_instance_of_before_is_there_for_as_long_as_something_is_under_way(bench):
    bench.out.note_streams("app_1")
    bench.out.note("app_1", ADA, is_fresh=True)
    await bench.shows(lambda fleet: fleet.streams == (STREAM,))
    bench.proxy.under_way = {"instance-ins_1": 1}
    bench.table.put(replace(AWAKE, instance="ins_2", address="unix:/run/ins_2.sock"))
    now = Stream("app_1", "ses_ada", "ins_2", "/run/ins_2.sock")
    await bench.shows(lambda fleet: fleet.streams == (STREAM, now))
    bench.out.changed.set()
    await bench.shows(lambda fleet: len(bench.proxy.fleets) > 2)
    assert bench.proxy.fleets[-1].streams == (STREAM, now)
    bench.proxy.under_way = {}
    bench.out.changed.set()
    await bench.shows(lambda fleet: fleet.streams == (now,))


async def test_a_session_that_went_to_another_of_several_has_its_former_way_while_that_is_used(bench):
    ready = tuple(Answering(f"ins_{one}", f"unix:/run/ins_{one}.sock") for one in (1, 2))
    bench.table.put(replace(AWAKE, rules=Rules(max_instances=2), ready=ready))
    bench.out.note("app_1", ADA, is_fresh=True)
    bench.out.note_stream("app_1", "ses_ada", "ins_1")
    await bench.shows(lambda fleet: fleet.streams == (STREAM,))
    bench.proxy.under_way = {STREAM.name: 1}
    bench.out.note_stream("app_1", "ses_ada", "ins_2")
    now = Stream("app_1", "ses_ada", "ins_2", "/run/ins_2.sock")
    await bench.shows(lambda fleet: fleet.streams == (STREAM, now))
    assert bench.proxy.fleets[-1].latest_streams() == {now.name: now}
    bench.out.note_stream("app_1", "ses_ada", "ins_1")
    await bench.shows(lambda fleet: fleet.streams == (now, STREAM))
    assert bench.proxy.fleets[-1].latest_streams() == {now.name: STREAM}, (
        "the last is where the next one begins"
    )
    bench.proxy.under_way = {}
    bench.out.changed.set()
    await bench.shows(lambda fleet: fleet.streams == (STREAM,))


async def test_an_instance_of_several_is_drained_while_the_others_go_on(bench):
    ready = tuple(Answering(f"ins_{one}", f"unix:/run/ins_{one}.sock") for one in (1, 2))
    both = replace(AWAKE, rules=Rules(max_instances=2), ready=ready)
    bench.table.put(both)
    await bench.shows(lambda fleet: [way.instance for way in fleet.ways] == ["ins_1", "ins_2"])
    draining = asyncio.ensure_future(bench.steering.drained("ins_2", 30))
    bench.table.put(replace(both, ready=ready[:1]))
    await bench.shows(lambda fleet: [way.instance for way in fleet.ways] == ["ins_1"])
    assert await asyncio.wait_for(draining, 30)


async def test_what_an_earlier_server_left_open_goes_on_until_it_is_over():
    bench = Bench()
    bench.table.shown = []
    bench.steering.adopt([STREAM])
    assert bench.steering.fleet().streams == (STREAM,)
    bench.proxy.under_way = {"instance-ins_1": 1, stream_name("app_1", "ses_ada"): 1}
    running = asyncio.ensure_future(bench.steering.run())
    await bench.shows(lambda fleet: fleet.streams == (STREAM,))
    for _ in range(TURNS_IN_LIFE + 2):
        bench.out.turn()
    bench.out.changed.set()
    await bench.shows(lambda fleet: len(bench.proxy.fleets) > 1)
    assert bench.out.has_streams(("app_1", "ses_ada"))
    bench.proxy.under_way = {}
    bench.out.changed.set()
    await bench.shows(lambda fleet: not fleet.streams)
    assert not bench.out.has_streams(("app_1", "ses_ada"))
    running.cancel()


# What comes, and what was taken away

NEXT = replace(AWAKE, instance="ins_2", address="unix:/run/ins_2.sock")


def of(ways):
    return [way.instance for way in ways]


async def test_an_instance_is_known_before_requests_go_there(bench):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    await bench.steering.announce("ins_2", NEXT.address)
    shown = bench.proxy.fleets[-1]
    assert (of(shown.coming), of(shown.lanes)) == (["ins_2"], ["ins_1"])
    bench.table.put(NEXT)
    await bench.shows(lambda fleet: (of(fleet.coming), of(fleet.lanes)) == ([], ["ins_2"]))


@pytest.mark.parametrize("address", ["127.0.0.1:80", "unix:no/path"])
async def test_what_the_proxy_cannot_reach_is_not_announced(bench, address):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    await asyncio.wait_for(bench.steering.announce("ins_2", address), 30)
    bench.table.put(NEXT)
    await bench.shows(lambda fleet: of(fleet.lanes) == ["ins_2"])
    assert not any(fleet.coming for fleet in bench.proxy.fleets)


async def test_nobody_waits_long_for_a_proxy_that_does_not_take_it(bench, monkeypatch):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    monkeypatch.setattr("tholos.access.steering.ANNOUNCED_WITHIN_S", 0.01)
    never = asyncio.Event()
    bench.proxy.show = lambda fleet: never.wait()
    await asyncio.wait_for(bench.steering.announce("ins_2", NEXT.address), 30)


async def test_what_was_taken_away_is_left_out_once_it_was_seen_to_be_idle(bench):
    await bench.shows(lambda fleet: bool(fleet.lanes))
    bench.proxy.under_way = {"instance-ins_1": 1}
    bench.table.put(NEXT)
    await bench.shows(lambda fleet: of(fleet.leaving) == ["ins_1"])
    looked = bench.looked.get
    await asyncio.wait_for(looked(), 30)
    bench.proxy.under_way = {}
    bench.table.put(replace(NEXT, name="other"))
    await bench.shows(lambda fleet: fleet.lanes[0].name == "other")
    assert of(bench.proxy.fleets[-1].leaving) == ["ins_1"]
    await asyncio.wait_for(looked(), 30)
    bench.table.put(NEXT)
    await bench.shows(lambda fleet: fleet.lanes[0].name == "sales" and not fleet.leaving)
