"""Keeps the proxy in front in line with what serves and with who is believed, and knows when it lives by that.

Whoever changes access waits for it (:meth:`Steering.settled`), so that an answer *revoked* is true of every way. A proxy that
refuses its files, or does not say that it took them, is begun anew with nothing but the way to the door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, Protocol

from tholos.access.lanes import lanes_of, streams_of, way_of
from tholos.access.outstanding import Outstanding
from tholos.accounts.service import ACCESS_TOPIC
from tholos.gateway.errors import ProxyRefused, ProxySilent
from tholos.gateway.fleet import Fleet, Lane, Stream, Way
from tholos.instances.serving import ServingTable
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread

TOGETHER_S: Final = 0.001
"""What changes within this time is shown at once."""
SETTLED_WITHIN_S: Final = 10.0
_DRAINING_LOOK_S: Final = 0.1
ANNOUNCED_WITHIN_S: Final = 0.5
_COMES_WITHIN_S: Final = 60.0


class Shown(Protocol):
    """The proxy that is steered."""

    async def show(self, fleet: Fleet) -> None: ...

    async def active(self, clusters: Iterable[str]) -> dict[str, int]: ...


class Host(Protocol):
    """What runs the proxy."""

    @property
    def proxy(self) -> Shown | None:
        """None where the door listens by itself."""

    async def begin_anew(self, reason: str = "", /) -> None:
        """With nothing but the way to the door. No request of before goes on.

        Args:
            reason: why that is for good; empty where it may pass.
        """


class Steering:
    """For one event loop.

    Args:
        app_address: the host of an app and what stands before its own paths, with ``{name}`` in either.
        look: notes what the proxy counted, before it forgets the count of what is taken away; blocking.
    """

    def __init__(
        self,
        serving: ServingTable,
        outstanding: Outstanding,
        notices: Notices,
        host: Host,
        app_address: str,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._serving = serving
        self._outstanding = outstanding
        self._notices = notices
        self._host = host
        self._app_address = app_address
        self._look = look
        self._shown = Fleet()
        self._seen = 0
        self._is_bare = False
        self._coming: dict[str, tuple[Way, float]] = {}
        """By instance; with the loop's time from which it does not come any more."""
        self._idle: frozenset[str] = frozenset()
        """Of what was taken away: the clusters that nothing is under way at any more."""
        self._over: frozenset[Stream] = frozenset()
        """The same of streams that begin elsewhere by now."""
        self._moved = asyncio.Condition()
        serving.tell(outstanding.changed)

    def fleet(self) -> Fleet:
        """As everything is now."""
        lanes = lanes_of(self._serving.rows(), self._outstanding, self._app_address)
        if self._is_bare:
            return Fleet()
        here = streams_of(lanes, self._outstanding)
        before = (
            one for one in self._shown.streams if self._outstanding.has_streams((one.place, one.session))
        )
        old = sorted({*before} - {*here})
        generations = self._outstanding.generations
        return Fleet(
            lanes, coming=self._list_coming(lanes), streams=(*old, *sorted(here)), generations=generations
        )

    def _list_coming(self, lanes: Iterable[Lane]) -> tuple[Way, ...]:
        here, now = {way.instance for lane in lanes for way in lane.ways}, asyncio.get_running_loop().time()
        for instance, (_, until) in [*self._coming.items()]:
            if instance in here or until < now:
                del self._coming[instance]
        return tuple(sorted(way for way, _ in self._coming.values()))

    def adopt(self, streams: Iterable[Stream]) -> None:
        """What an earlier server left open goes on, as long as it stands."""
        self._shown = Fleet(streams=tuple(streams))
        self._outstanding.adopt(self._shown.streams)

    async def run(self) -> None:
        """Steer until cancelled."""
        changed = self._outstanding.changed
        changed.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._turn())
            reviewing: asyncio.Task[None] | None = None
            while True:
                await changed.wait()
                await asyncio.sleep(TOGETHER_S)
                changed.clear()
                if reviewing:
                    reviewing.cancel()  # a change goes first
                await self._bring()
                reviewing = group.create_task(self._review())

    async def _turn(self) -> None:
        while True:
            await asyncio.sleep(self._outstanding.turn_s)
            self._outstanding.turn()

    async def settled(self) -> None:
        """Return once the proxy lives by every change of access that was told of before; the files fail closed, not this."""
        if self._host.proxy is None:
            return
        wanted = self._notices.count(ACCESS_TOPIC)
        if await self._wait(lambda: self._seen >= wanted, SETTLED_WITHIN_S):
            return
        get_logger().error("gateway_unsettled", wanted=wanted, seen=self._seen)

    async def announce(self, instance: str, address: str) -> None:
        """Have the proxy know an instance that is about to be live, so that only where requests go is left to be changed then.
        Nothing depends on it: it is not waited for long.
        """
        way = way_of(instance, address)
        if self._host.proxy is None or way is None:
            return
        self._coming[instance] = (way, asyncio.get_running_loop().time() + _COMES_WITHIN_S)
        self._outstanding.changed.set()
        await self._wait(lambda: self._knows(instance), ANNOUNCED_WITHIN_S)

    async def drained(self, instance: str, seconds: float) -> bool:
        """Wait until the proxy has nothing under way at an instance, and sends nothing there; False if it still has."""
        if self._host.proxy is None:
            return True
        try:
            async with asyncio.timeout(seconds):
                async with self._moved:
                    await self._moved.wait_for(lambda: not self._leads_to(instance))
                while await self._active(instance):  # noqa: ASYNC110 - nothing tells when
                    await asyncio.sleep(_DRAINING_LOOK_S)
        except TimeoutError:
            return False
        return True

    def _knows(self, instance: str) -> bool:
        return self._leads_to(instance) or any(way.instance == instance for way in self._shown.coming)

    def _leads_to(self, instance: str) -> bool:
        return any(way.instance == instance for way in self._shown.ways)

    async def _active(self, instance: str) -> int:
        way = next((one for one in self._shown.leaving if one.instance == instance), None)
        proxy = self._host.proxy
        if way is None or proxy is None:
            return 0
        try:
            return (await proxy.active([way.cluster]))[way.cluster]
        except ProxySilent:
            return 0

    async def _bring(self) -> None:
        proxy = self._host.proxy
        seen = self._outstanding.seen
        if proxy is not None:
            await self._end_streams(proxy)
            fleet = self._with_leaving(self.fleet())
            self._idle, self._over = frozenset(), frozenset()  # what is idle now may lead somewhere again
            try:
                await proxy.show(fleet)
                self._shown = fleet
            except (ProxyRefused, ProxySilent) as error:
                await self._fail_closed(error)
        self._seen = seen
        async with self._moved:
            self._moved.notify_all()

    async def _fail_closed(self, error: ProxyRefused | ProxySilent) -> None:
        """What was refused once is not tried again: from here on everything goes by the door. Silence may pass."""
        get_logger().error("gateway_failed_closed", code=error.code, reason=error.message)
        self._is_bare = self._is_bare or isinstance(error, ProxyRefused)
        self._shown = Fleet()
        await self._host.begin_anew(error.message if self._is_bare else "")

    def _with_leaving(self, fleet: Fleet) -> Fleet:
        """With the ways that were taken away and whose instances may still answer something."""
        staying = {way.cluster for way in fleet.ways}
        before = {way.cluster: way for way in (*self._shown.leaving, *self._shown.ways)}
        kept = [way for name, way in sorted(before.items()) if name not in staying | self._idle]
        streams = [one for one in fleet.streams if one.cluster in staying or one.cluster not in self._idle]
        return replace(
            fleet,
            leaving=tuple(kept),
            streams=tuple(one for one in streams if one not in self._over),
        )

    async def _review(self) -> None:
        """See which of what was taken away nothing is under way at: the next change leaves it out. Not before a change, which
        would wait for it.
        """
        proxy, shown = self._host.proxy, self._shown
        staying, latest = {way.cluster for way in shown.ways}, {*shown.latest_streams().values()}
        old = {way.cluster for way in shown.leaving} | {one.cluster for one in shown.streams} - staying
        surpassed = {one: one.name for one in shown.streams if one not in latest and one.cluster in staying}
        if proxy is None or not (old or surpassed):
            return
        try:
            active = await proxy.active({*old, *surpassed.values()})
        except ProxySilent:
            return
        await in_thread(self._look)
        self._idle = frozenset(name for name in old if not active[name])
        self._over = frozenset(one for one, name in surpassed.items() if not active[name])

    async def _end_streams(self, proxy: Shown) -> None:
        """Take away the ways on which nothing goes on, and nothing can begin."""
        ended = {*self._outstanding.list_ended()}
        if not ended:
            return
        names = {one.name: (one.place, one.session) for one in self._shown.streams}
        try:
            active = await proxy.active(names)
        except ProxySilent:
            return
        self._outstanding.end(ended - {key for name, key in names.items() if active[name]})

    async def _wait(self, holds: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(holds)
        except TimeoutError:
            return False
        return True
