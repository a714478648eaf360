"""Runs the proxy in front, under the supervisor, so that it goes on while the server does not; and does without where it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tholos.gateway.errors import ProxyAway, ProxySilent
from tholos.gateway.fleet import Fleet, Front
from tholos.gateway.proxy import ENVIRONMENT, Proxy
from tholos.gateway.proxy import replace as replace_file
from tholos.gateway.render import render_bootstrap
from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger
from tholos.runtime.model import PLATFORM_PREFIX, InstanceSpec, Launcher, ProcessState

UP_WITHIN_S: Final = 20.0
MIGRATES: Final = Path("/proc/sys/net/ipv4/tcp_migrate_req")
"""Whether Linux (5.14) hands what waits at a socket that closes to another of the same port, instead of resetting it: ip-sysctl."""
PREFIX: Final = f"{PLATFORM_PREFIX}proxy_"
LOG_LIMIT: Final = 64 << 20
_SOON: Final = ("--file-flush-interval-msec", "1000")
"""What it writes of requests is in its log after a second and not after ten."""
_AT_ONCE: Final = ("--drain-time-s", "0")
"""What is taken away ends its connections within a second: such are the ways of streams, and nothing else."""
_LOOK_EVERY_S: Final = 0.02
_DRAINING_LOOK_S: Final = 0.25
_QUIET_S: Final = 3.0
"""A connection on which nobody asks for so long is idle, as any may end: each that is asked on ends with its answer."""
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


def keep_waiting(setting: Path = MIGRATES) -> None:
    """Have connections that wait at a proxy which ends go to the one that took over; only root may, and without it a few are
    reset.
    """
    with contextlib.suppress(OSError):
        if setting.read_text(encoding="ascii").strip() == "0":
            setting.write_text("1", encoding="ascii")


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
        away: says why nothing goes past the door, while that is so.
        drain_s: how long the connections of a proxy that another one takes over from may go on.
    """

    def __init__(
        self,
        launcher: Launcher,
        program: str,
        front: Front,
        log: Path,
        fall_back: Callable[[], Awaitable[None]],
        away: Path,
        drain_s: float,
    ) -> None:
        self._launcher = launcher
        self._program = program
        said = f"{program}\n{_version_of(program)}\n{render_bootstrap(front)}"
        self._name = PREFIX + hashlib.sha256(said.encode()).hexdigest()[:12]
        self._front = _named(front, self._name)
        self._log = log
        self._fall_back = fall_back
        self._away = away
        self._drain_s = drain_s
        self._proxy: Proxy | None = None

    @property
    def proxy(self) -> Proxy | None:
        return self._proxy

    async def begin(self, fleet: Fleet) -> bool:
        """Put it in front; whether it is. Where it does not come up the door listens by itself.

        One that was started otherwise, or is of another version, goes on beside it: see :meth:`take_over`.
        """
        proxy = Proxy(self._front)
        try:
            if not await proxy.is_live():
                proxy.write(fleet)
                replace_file(self._bootstrap_of(self._name), render_bootstrap(self._front))
            await self._start(proxy)
        except (TholosError, OSError) as error:  # a TimeoutError is one
            reason = error.message if isinstance(error, TholosError) else str(error)
            get_logger().error("gateway_away", reason=reason, program=self._program, log=str(self._log))
            await proxy.close()
            await end_all(self._launcher)
            with contextlib.suppress(OSError):  # the disk may be full, and the door serves all the same
                replace_file(self._away, reason)
            await self._fall_back()
            return False
        self._away.unlink(missing_ok=True)
        self._proxy = proxy
        return True

    async def begin_anew(self, reason: str = "") -> None:
        await self.close()
        await end_all(self._launcher)
        if await self.begin(Fleet()) and reason:
            replace_file(self._away, reason)

    async def close(self) -> None:
        """Let go of it; it goes on."""
        if self._proxy is not None:
            await self._proxy.close()
            self._proxy = None

    def _bootstrap_of(self, name: str) -> Path:
        return Path(self._front.folder, f"{name}.json")

    async def take_over(self) -> None:
        """End those that were in front before once they have answered what is under way there."""
        if self._proxy is None:
            return
        statuses = await self._launcher.list()
        others = [
            one.instance for one in statuses if one.instance.startswith(PREFIX) and one.instance != self._name
        ]
        if others:
            keep_waiting()
        await asyncio.gather(*(self._drain(name) for name in others))
        await end_all(self._launcher, but=self._name)
        for name in others:
            self._bootstrap_of(name).unlink(missing_ok=True)

    async def _drain(self, name: str) -> None:
        other = Proxy(_named(self._front, name))
        try:
            async with asyncio.timeout(self._drain_s):
                await other.let_go()
                quiet_since = time.monotonic()
                while (load := await other.load()).connections:
                    now = time.monotonic()
                    quiet_since = now if load.requests else quiet_since
                    if now - quiet_since > _QUIET_S:
                        return
                    await asyncio.sleep(_DRAINING_LOOK_S)  # nothing tells when
        except (TimeoutError, ProxySilent):
            return  # it had its time, or is gone
        finally:
            await other.close()

    async def _start(self, proxy: Proxy) -> None:
        """Raises: ProxyAway, LauncherUnavailable."""
        await self._forget_ended()
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

    async def _forget_ended(self) -> None:
        """One of this name that an earlier server has stopped would count as started."""
        async with asyncio.timeout(UP_WITHIN_S):
            while True:
                own = next((one for one in await self._launcher.list() if one.instance == self._name), None)
                if own is None or own.state in _GOING - {ProcessState.STOPPING}:
                    return
                if own.state != ProcessState.STOPPING:
                    await self._launcher.forget(self._name)
                await asyncio.sleep(_LOOK_EVERY_S)

    def _spec(self) -> InstanceSpec:
        folder = self._front.folder
        flags = (
            "--log-level",
            "warning",
            "--use-dynamic-base-id",
            "--disable-hot-restart",
            *_SOON,
            *_AT_ONCE,
        )
        return InstanceSpec(
            instance=self._name,
            argv=(self._program, "-c", str(self._bootstrap_of(self._name)), *flags),
            env={"PATH": os.defpath, **ENVIRONMENT},
            cwd=folder,
            log=str(self._log),
            log_limit=LOG_LIMIT,
            socket=self._front.admin,
            restarts=1_000_000,
            stable_s=2.0,  # everybody waits for it: only one that ends at once is started more and more seldom
            grace_s=5.0,
            limits={"core": 0},
        )


def _named(front: Front, name: str) -> Front:
    """Each has an administration of its own, so that two may run beside each other."""
    return replace(
        front, admin=str(Path(front.admin).with_name(f"{name.removeprefix(PLATFORM_PREFIX)}.sock"))
    )


def _version_of(program: str) -> str:
    """Another one when the file is replaced."""
    found = Path(program)
    if not found.exists():
        return ""
    status = found.stat()
    return f"{status.st_size} {status.st_mtime_ns}"
