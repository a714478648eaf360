"""Runs the proxy in front, under the supervisor, so that it goes on while the server does not; and does without where it cannot."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tholos.gateway.errors import ProxyAway
from tholos.gateway.fleet import Fleet, Front
from tholos.gateway.proxy import Proxy
from tholos.gateway.proxy import replace as replace_file
from tholos.gateway.render import render_bootstrap
from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger
from tholos.runtime.model import PLATFORM_PREFIX, InstanceSpec, Launcher, ProcessState

UP_WITHIN_S: Final = 20.0
PREFIX: Final = f"{PLATFORM_PREFIX}proxy_"
LOG_LIMIT: Final = 64 << 20
_SOON: Final = ("--file-flush-interval-msec", "1000")
"""What it writes of requests is in its log after a second and not after ten."""
_LOOK_EVERY_S: Final = 0.02
_GOING = frozenset({ProcessState.RUNNING, ProcessState.BACKOFF, ProcessState.STOPPING})


def reserve(host: str, port: int, *, is_ours: bool) -> socket.socket:
    """A port that nobody else takes while this socket is there: bound and not listened on, so that it gets no connection.

    Args:
        host: a name or address of this machine.
        port: 0 takes a free one.
        is_ours: a proxy of ours listens there already.

    Raises:
        OSError: the address is somebody else's.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    if port and not is_ours:
        with socket.socket(family, socket.SOCK_STREAM) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            asking.bind(address)
            asking.listen(1)
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(address)
    except OSError:
        reserved.close()
        raise
    return reserved


async def is_running(launcher: Launcher) -> bool:
    """Whether a proxy of an earlier server goes on."""
    return any(one.instance.startswith(PREFIX) and one.state in _GOING for one in await launcher.list())


async def end_all(launcher: Launcher, *, but: str = "") -> None:
    """End every proxy but one; returns when they have ended."""
    async with asyncio.timeout(UP_WITHIN_S):
        while True:
            going = [
                one
                for one in await launcher.list()
                if one.instance.startswith(PREFIX) and one.instance != but
            ]
            if not going:
                return
            for one in going:
                if one.state in {ProcessState.RUNNING, ProcessState.BACKOFF}:
                    await launcher.stop(one.instance)
                elif one.state != ProcessState.STOPPING:
                    await launcher.forget(one.instance)
            await asyncio.sleep(_LOOK_EVERY_S)


class ProxyHost:
    """The proxy of one installation.

    Args:
        program: path of Envoy.
        log: what it says goes there, visits among it.
        fall_back: makes the door listen by itself.
    """

    def __init__(
        self,
        launcher: Launcher,
        program: str,
        front: Front,
        log: Path,
        fall_back: Callable[[], Awaitable[None]],
    ) -> None:
        self._launcher = launcher
        self._program = program
        self._front = front
        self._log = log
        self._fall_back = fall_back
        self._bootstrap = render_bootstrap(front)
        mark = hashlib.sha256(f"{program}\n{self._bootstrap}".encode()).hexdigest()[:12]
        self._name = PREFIX + mark
        self._proxy: Proxy | None = None

    @property
    def proxy(self) -> Proxy | None:
        return self._proxy

    async def begin(self, fleet: Fleet) -> bool:
        """Put it in front; whether it is. Where it does not come up the door listens by itself."""
        proxy = Proxy(self._front)
        try:
            await end_all(self._launcher, but=self._name)
            if not await proxy.is_live():
                proxy.write(fleet)
                replace_file(Path(self._front.folder, "bootstrap.json"), self._bootstrap)
            await self._start(proxy)
        except (TholosError, OSError) as error:  # a TimeoutError is one
            reason = error.message if isinstance(error, TholosError) else str(error)
            get_logger().error("gateway_away", reason=reason, program=self._program, log=str(self._log))
            await proxy.close()
            await end_all(self._launcher)
            await self._fall_back()
            return False
        self._proxy = proxy
        return True

    async def begin_anew(self) -> None:
        await self.close()
        await end_all(self._launcher)
        await self.begin(Fleet())

    async def close(self) -> None:
        """Let go of it; it goes on."""
        if self._proxy is not None:
            await self._proxy.close()
            self._proxy = None

    async def _start(self, proxy: Proxy) -> None:
        """Raises: ProxyAway, LauncherUnavailable."""
        await self._launcher.start(self._spec())
        try:
            async with asyncio.timeout(UP_WITHIN_S):
                while not await proxy.is_live():
                    statuses = await self._launcher.list()
                    own = next((one for one in statuses if one.instance == self._name), None)
                    if own is None or own.ends:
                        raise ProxyAway(f"The proxy does not come up: it {own.reason if own else 'is gone'}.")
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise ProxyAway(f"The proxy did not come up within {UP_WITHIN_S:g} s.") from None

    def _spec(self) -> InstanceSpec:
        folder = self._front.folder
        flags = ("--log-level", "warning", "--use-dynamic-base-id", "--disable-hot-restart", *_SOON)
        return InstanceSpec(
            instance=self._name,
            argv=(self._program, "-c", f"{folder}/bootstrap.json", *flags),
            env={"PATH": os.defpath},
            cwd=folder,
            log=str(self._log),
            log_limit=LOG_LIMIT,
            socket=self._front.admin,
            restarts=1_000_000,
            grace_s=5.0,
            limits={"core": 0},
        )
