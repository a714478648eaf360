"""The proxy in front, as it is steered while it runs: files that are replaced in one step, and its own word that they are live."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tholos.gateway.errors import ProxyRefused, ProxySilent
from tholos.gateway.fleet import Fleet, Front, Stream
from tholos.gateway.render import (
    CERTIFICATES,
    CLUSTERS,
    LISTENERS,
    ROUTES,
    render_certificates,
    render_clusters,
    render_listeners,
    render_routes,
)
from tholos.gateway.render_streams import read_streams
from tholos.kit.lazily import load_when_used

if TYPE_CHECKING:
    import httpx
else:
    httpx = load_when_used("httpx")  # 5 MB that nobody needs who has no proxy

CONFIRM_S: Final = 8.0
"""In which a change, all its files together, is live or does not count as such. Who changes access waits for it, and to begin
a proxy anew ends what everybody has under way: on a machine that is busy, one that is slow is not one that is silent."""
_LOOK_EVERY_S: Final = 0.002
_REFUSED_AFTER_S: Final = 1.0
"""What counts as refused by then is what was written last: something else may have been before that."""
_WORKERS_S: Final = 0.001
"""Its main thread tells first; the others take a change over at their next turn."""
ENVIRONMENT: Final = {"GLIBC_TUNABLES": "glibc.pthread.rseq=0"}
"""What Envoy is started with. Its allocator keeps what is free by processor where it may register restartable sequences (rseq(2));
else by thread, and each request costs 5 to 9 % more CPU time. glibc takes them for itself since 2.35 where it is not told to leave
them.
"""
_OF = {CLUSTERS: "cluster_manager.cds", LISTENERS: "listener_manager.lds", ROUTES: "http.tholos.rds.tholos"}
"""What its statistics of a file begin with."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a proxy has of clients."""

    connections: int
    requests: int


class Proxy:
    """One running proxy; for one event loop.

    Args:
        front: how it was started.
        confirm_s: how long a change may take.
    """

    def __init__(self, front: Front, *, confirm_s: float = CONFIRM_S) -> None:
        self.front = front
        self._confirm_s = confirm_s
        self._shown: dict[str, str] = {}
        self._refused: dict[str, int] = {}
        """How many of each file it has not taken so far."""
        self._streams: tuple[Stream, ...] = ()
        """That it was shown last."""
        transport = httpx.AsyncHTTPTransport(uds=front.admin)
        self._admin = httpx.AsyncClient(
            transport=transport, base_url="http://admin", timeout=confirm_s, trust_env=False
        )

    async def close(self) -> None:
        """Let go of it; it goes on."""
        await self._admin.aclose()

    def write(self, fleet: Fleet) -> None:
        """Put the files there without asking: before it is started."""
        if self.front.certificate:
            replace(Path(self.front.folder, CERTIFICATES), render_certificates(self.front))
        for file, (content, version) in [*self._ends(fleet), (ROUTES, render_routes(self.front, fleet))]:
            replace(Path(self.front.folder, file), content)
            self._shown[file] = version
        self._streams = fleet.streams

    async def show(self, fleet: Fleet) -> None:
        """Bring the files to what should be, and return when it lives by them.

        Raises:
            ProxyRefused: it does not take a file.
            ProxySilent: it does not say in time that it does, or a file cannot be written.
        """
        due = asyncio.get_running_loop().time() + self._confirm_s
        for file, (content, version) in self._steps(fleet):
            if self._shown.get(file) == version:
                continue
            self._shown.pop(file, None)
            if file not in self._refused:
                self._refused[file] = (await self._stats_of(file))[1]
            try:
                replace(Path(self.front.folder, file), content)
            except OSError as error:
                raise ProxySilent(
                    f"The proxy cannot be told: {file} cannot be written ({error.strerror})."
                ) from error
            await self._confirm(file, version, due)
            self._shown[file] = version
        self._streams = fleet.streams

    async def is_live(self) -> bool:
        """Whether it listens and lives by files at all."""
        try:
            answer = await self._admin.get("/ready")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    async def let_go(self) -> None:
        """Have it take no connection any more, and end each after the answer that is under way there.

        Raises: ProxySilent.
        """
        for deed in ("drain_listeners?inboundonly", "healthcheck/fail"):  # not those inside it
            try:
                (await self._admin.post(f"/{deed}")).raise_for_status()
            except httpx.HTTPError as error:
                raise ProxySilent(f"The proxy does not answer: {error}.") from error

    async def load(self) -> Load:
        """Raises: ProxySilent."""
        found = await self._stats(r"^http\.tholos\.downstream_(cx|rq)_active$")
        connections, requests = (
            int(str(found.get(f"http.tholos.downstream_{one}_active", 0))) for one in ("cx", "rq")
        )
        return Load(connections, requests)

    async def active(self, clusters: Iterable[str]) -> dict[str, int]:
        """How many requests are under way, by cluster; one that it does not know has none.

        Raises: ProxySilent.
        """
        found = await self._stats(r"^cluster\..*\.upstream_rq_active$")
        return {name: int(str(found.get(f"cluster.{name}.upstream_rq_active", 0))) for name in clusters}

    def _steps(self, fleet: Fleet) -> list[tuple[str, tuple[bytes | str, str]]]:
        """The files in the order of their turns: where requests are to go is there before they are sent there, and until they
        are sent there no more, or they would be answered 503.
        """
        both = tuple(sorted({*self._streams, *fleet.streams}))
        after = self._ends(fleet)
        before = after if both == fleet.streams else self._ends(dataclasses.replace(fleet, streams=both))
        return [*before, (ROUTES, render_routes(self.front, fleet)), *after]

    def _ends(self, fleet: Fleet) -> list[tuple[str, tuple[bytes | str, str]]]:
        """Where routes lead to."""
        return [(CLUSTERS, render_clusters(self.front, fleet)), (LISTENERS, render_listeners(fleet))]

    async def _confirm(self, file: str, version: str, due: float) -> None:
        now = asyncio.get_running_loop().time
        written = now()
        try:
            async with asyncio.timeout_at(due):
                while True:
                    shown, refused = await self._stats_of(file)
                    if shown == version:
                        self._refused[file] = refused
                        break
                    if refused > self._refused[file] and now() > written + _REFUSED_AFTER_S:
                        raise ProxyRefused(f"The proxy does not take {file}: its log says why.")
                    await asyncio.sleep(_LOOK_EVERY_S)  # nothing tells when
        except TimeoutError:
            raise ProxySilent(
                f"The proxy did not say within {self._confirm_s:g} s that it took {file}."
            ) from None
        await asyncio.sleep(_WORKERS_S)

    async def _stats_of(self, file: str) -> tuple[str, int]:
        """The version that it lives by, and how often it did not take one."""
        of = _OF[file]
        found = await self._stats(f"^{of}.(version_text|update_rejected|update_failure)$")
        refused = sum(int(str(found.get(f"{of}.{one}", 0))) for one in ("update_rejected", "update_failure"))
        return str(found.get(f"{of}.version_text", "")), refused

    async def _stats(self, pattern: str) -> dict[str, object]:
        """Raises: ProxySilent."""
        try:
            answer = await self._admin.get("/stats", params={"format": "json", "filter": pattern})
            listed = json.loads(answer.text)["stats"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise ProxySilent(f"The proxy does not answer: {error}.") from error
        return {one["name"]: one["value"] for one in listed if "name" in one}


def streams_before(folder: Path) -> tuple[Stream, ...]:
    """The ways of streams that an earlier server left there, on which something may go on."""
    try:
        return read_streams((folder / LISTENERS).read_text("utf-8"))
    except (OSError, ValueError):
        return ()


def replace(path: Path, content: bytes | str) -> None:
    """Write a file that is there as a whole or not at all: a rename is also what the proxy watches for."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    fresh.replace(path)
