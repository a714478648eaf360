"""Instances as processes of this machine, through the supervisor: its client, which also sees that one runs.

Each request is a connection of its own, so there is nothing to multiplex and nothing to lose; every operation
may be repeated, and is when the supervisor dies meanwhile. What an operation does is the supervisor's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, TypedDict, cast

from tholos.kit.errors import TholosError
from tholos.runtime import supervisor_code
from tholos.runtime.launchers.errors import (
    InstanceNotEnded,
    InstanceUnknown,
    LauncherUnavailable,
    SocketPathTooLong,
    SpecChanged,
    SpecInvalid,
)
from tholos.runtime.model import InstanceSpec, ProcessState, ProcessStatus, Sandbox

PROTOCOL = 4
"""Version of the supervisor's protocol that is spoken here."""
LONGEST_SOCKET_PATH = 107
"""Bytes: unix(7)."""
LONGEST_ANSWER = 16 << 20
QUIET_S = 30.0
"""After so long without an event the supervisor is asked whether it is still there."""
ANOTHER_HAS_IT = 3
"""Exit code of a supervisor that finds its state folder taken."""

_ERRORS: dict[str, type[TholosError]] = {
    "unknown_instance": InstanceUnknown,
    "not_ended": InstanceNotEnded,
    "invalid_spec": SpecInvalid,
    "another_spec": SpecChanged,
}


class LocalLauncher:
    """The `Launcher` of this machine.

    Args:
        state_dir: folder of the supervisor; one supervisor per folder.
        runtime_dir: folder for its socket; short, as paths of sockets are limited to 107 bytes.
        timeout_s: seconds that an operation may take, the start of a supervisor included.

    Raises:
        SocketPathTooLong: the path of the socket would not fit.
    """

    def __init__(self, state_dir: Path, runtime_dir: Path, *, timeout_s: float = 15.0) -> None:
        self._state = state_dir.absolute()
        self._socket = socket_in(runtime_dir)
        self._timeout_s = timeout_s
        self._streams: set[_Link] = set()
        self._closed = asyncio.Event()
        self._protocol_known = False

    async def start(self, spec: InstanceSpec) -> ProcessStatus:
        return _status(await self._ask("start", spec=_spec_to_json(spec)))

    async def stop(self, instance: str) -> ProcessStatus:
        return _status(await self._ask("stop", instance=instance))

    async def forget(self, instance: str) -> None:
        await self._ask("forget", instance=instance)

    async def list(self) -> Sequence[ProcessStatus]:
        return _statuses(await self._ask("list"))

    async def events(self) -> AsyncIterator[ProcessStatus]:
        while not self._closed.is_set():
            link = await self._connect_in_time()
            if self._closed.is_set():  # meanwhile
                await link.close()
                return
            self._streams.add(link)
            try:
                async with link, contextlib.aclosing(_watch(link, self._timeout_s)) as statuses:
                    async for status in statuses:
                        yield status
            except (OSError, EOFError):
                # It died or hangs: connecting starts another one, and the stream begins again.
                continue
            finally:
                self._streams.discard(link)

    async def close(self) -> None:
        """Let go of the supervisor; it and its instances go on."""
        self._closed.set()
        for link in self._streams:
            link.writer.close()

    async def end_everything(self) -> None:
        """Stop every instance and the supervisor itself; returns when all have ended."""
        await self._ask("shutdown", until_gone=True)

    async def _ask(self, operation: str, *, until_gone: bool = False, **fields: object) -> object:
        async with self._in_time():
            while True:
                try:
                    async with await self._connect() as link:
                        result = await link.ask(operation, fields)
                        if until_gone:
                            await link.reader.read()
                        return result
                except (OSError, EOFError):
                    await asyncio.sleep(0.02)

    async def _connect_in_time(self) -> _Link:
        async with self._in_time():
            while True:
                try:
                    return await self._connect()
                except (OSError, EOFError):
                    await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        if self._closed.is_set():
            raise LauncherUnavailable("Cannot reach the supervisor: this launcher is closed.")
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            message = f"Cannot reach the supervisor: no answer within {self._timeout_s:g} s."
            fix = f"Look at {self._state / 'supervisor.log'}, or end the process named in {self._state / 'lock'}."
            raise LauncherUnavailable(message, fix=fix) from None

    async def _connect(self) -> _Link:
        """A connection to a supervisor that speaks our protocol, which is started if there is none."""
        pause_s = 0.01
        while True:
            try:
                link = await _open(self._socket)
            except BlockingIOError:
                # So many connect just now that it has to be waited for.
                await asyncio.sleep(pause_s)
                continue
            except OSError:
                self._protocol_known = False
                if not await self._spawn():
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, 1.0)
                continue
            try:
                if self._protocol_known or await self._agrees(link):
                    return link
            except BaseException:
                await link.close()
                raise
            await link.close()

    async def _agrees(self, link: _Link) -> bool:
        """Whether it speaks our protocol; one of another version is asked to leave, its instances stay."""
        answer = await link.ask("hello", {})
        self._protocol_known = isinstance(answer, dict) and answer.get("protocol") == PROTOCOL
        if not self._protocol_known:
            await link.ask("leave", {})
            await link.reader.read()
        return self._protocol_known

    async def _spawn(self) -> bool:
        """Start a supervisor; no where another has the folder and is just coming or going."""
        process = await asyncio.create_subprocess_exec(
            *supervisor_command(self._state, self._socket),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            # It outlives this process, and what this one was told is nothing to it: each instance brings its own.
            env={name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if cast("int", process.returncode) < 0:
            return False  # somebody killed it on its way
        if process.returncode not in {0, ANOTHER_HAS_IT}:
            reason = said.decode(errors="replace").strip() or f"it exited with code {process.returncode}"
            raise LauncherUnavailable(f"Cannot start the supervisor: {reason}", where=str(self._state))
        return process.returncode == 0


async def shutdown(state_dir: Path, runtime_dir: Path, *, timeout_s: float = 60.0) -> None:
    """Stop every instance of a state folder and its supervisor; returns when all have ended.

    Instances that a killed supervisor left running are found and stopped too.

    Raises:
        LauncherUnavailable: not everything ended within ``timeout_s``.
    """
    if not _may_run(state_dir, runtime_dir):
        return
    launcher = LocalLauncher(state_dir, runtime_dir, timeout_s=timeout_s)
    await launcher.end_everything()
    await launcher.close()


def _may_run(state_dir: Path, runtime_dir: Path) -> bool:
    return socket_in(runtime_dir).exists() or any(state_dir.glob("instances/*.json"))


def socket_in(runtime_dir: Path) -> Path:
    """Path of the supervisor's socket.

    Raises:
        SocketPathTooLong: it would not fit.
    """
    path = runtime_dir.absolute() / "supervisor.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        message = f"Cannot use {runtime_dir}: {path.name} in it has more than {LONGEST_SOCKET_PATH} bytes."
        raise SocketPathTooLong(message, fix="Choose a runtime folder with a shorter path.")
    return path


def supervisor_command(state_dir: Path, socket: Path) -> Sequence[str]:
    """The command that starts a supervisor and returns when it listens."""
    try:
        program = supervisor_code.program("__main__.py")
    except FileNotFoundError as error:
        raise LauncherUnavailable(f"Cannot start the supervisor: {error}.") from None
    return (*program, "--detach", str(state_dir), str(socket))


@dataclass(slots=True, eq=False)
class _Link:
    """One connection to the supervisor."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, operation: str, fields: Mapping[str, object]) -> object:
        """One answer.

        Raises:
            TholosError: it was refused.
            OSError, EOFError: the supervisor is gone.
        """
        await self.say(operation, fields)
        answer = await self.hear()
        if answer["ok"]:
            return answer["result"]
        error = cast("dict[str, str]", answer["error"])
        kind = _ERRORS.get(error["code"], LauncherUnavailable)
        raise kind(error["message"], where=error["where"])

    async def say(self, operation: str, fields: Mapping[str, object]) -> None:
        self.writer.write(json.dumps({"id": 1, "op": operation, **fields}).encode() + b"\n")
        await self.writer.drain()

    async def hear(self) -> dict[str, object]:
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return cast("dict[str, object]", json.loads(line))

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _open(path: Path) -> _Link:
    return _Link(*await asyncio.open_unix_connection(path, limit=LONGEST_ANSWER))


async def _watch(link: _Link, timeout_s: float) -> AsyncGenerator[ProcessStatus, None]:
    """All statuses, then changes.

    Raises:
        OSError, EOFError: the supervisor is gone, or silent although it was asked (a TimeoutError).
    """
    async with asyncio.timeout(timeout_s):
        statuses = _statuses(await link.ask("watch", {}))
    for status in statuses:
        yield status
    asked = False
    while True:
        try:
            async with asyncio.timeout(timeout_s if asked else QUIET_S):
                message = await link.hear()
        except TimeoutError:
            if asked:
                raise
            asked = True
            await link.say("hello", {})
        else:
            asked = False
            if "event" in message:
                yield _status(message["event"])


class _StatusFields(TypedDict):
    instance: str
    state: str
    pid: int | None
    started_at: float | None
    ended_at: float | None
    next_start_at: float | None
    exit_code: int | None
    ends: int
    reason: str
    waits: bool
    is_warm: bool


def _status(value: object) -> ProcessStatus:
    fields = cast("_StatusFields", value)
    return ProcessStatus(
        instance=fields["instance"],
        state=ProcessState(fields["state"]),
        pid=fields["pid"],
        started_at=fields["started_at"],
        ended_at=fields["ended_at"],
        next_start_at=fields["next_start_at"],
        exit_code=fields["exit_code"],
        ends=fields["ends"],
        reason=fields["reason"],
        waits=fields["waits"],
        is_warm=fields["is_warm"],
    )


def _statuses(values: object) -> list[ProcessStatus]:
    return [_status(value) for value in cast("Iterable[object]", values)]


def _spec_to_json(spec: InstanceSpec) -> dict[str, object]:
    return {
        "instance": spec.instance,
        "argv": [*spec.argv],
        "env": {**spec.env},
        "cwd": spec.cwd,
        "log": spec.log,
        "log_limit": spec.log_limit,
        "socket": spec.socket,
        "restarts": spec.restarts,
        "stable_s": spec.stable_s,
        "grace_s": spec.grace_s,
        "limits": {**spec.limits},
        "secrets": {**spec.secrets},
        "sandbox": _sandbox_to_json(spec.sandbox),
        "waits": spec.waits,
    }


def _sandbox_to_json(sandbox: Sandbox | None) -> dict[str, object] | None:
    if sandbox is None:
        return None
    mounts = [[mount.path, mount.access.value] for mount in sandbox.mounts]
    return {**asdict(sandbox), "mounts": mounts}
