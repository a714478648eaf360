"""Apps of a few lines on an installation: published by the API, followed step by step, and looked for in ``/proc``.

What people type is :meth:`Installation.cli`'s; this is for tests that act in the middle of things.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tholos.testing.installation import Answered, Installation
from tholos.testing.waiting import until

PATIENCE_S = 40.0
ENDED = frozenset({"done", "failed", "cancelled"})

Json = dict[str, object]
Files = Mapping[str, str | bytes]


def wsgi(body: str, *, before: str = "") -> Files:
    """An app that answers with these words and needs no package; ``before`` runs while it is imported."""
    lines = (
        before,
        "def app(environ, start_response):",
        '    start_response("200 OK", [("Content-Type", "text/plain")])',
        f"    return [{body.encode()!r}]",
        "",
    )
    return {"app.py": "\n".join(lines)}


def packed(files: Files) -> bytes:
    """A tar of files, gzipped."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait until something holds.

    Raises: AssertionError: it does not within the time.
    """
    until(holds, seconds)


@dataclass(frozen=True, slots=True)
class Found:
    """A process that has to do with an installation."""

    pid: int
    session: int
    command: str

    @property
    def is_proxy(self) -> bool:
        return "/proxy/platform_proxy_" in self.command


@dataclass(slots=True)
class Trial:
    """One installation, as tests act on it."""

    server: Installation

    def send(self, files: Files, *, token: str | None = None) -> str:
        """The id of a snapshot."""
        answer = self.send_archive(packed(files), token=token)
        assert answer.status == 201, answer.text
        return str(json.loads(answer.body)["id"])

    def send_archive(
        self, data: bytes, *, content_type: str = "application/gzip", token: str | None = None
    ) -> Answered:
        headers = {"Content-Type": content_type}
        return self.server.ask("POST", "/api/v1/snapshots", data, token=token, headers=headers)

    def request(self, name: str, files: Files, *, token: str | None = None, **overrides: object) -> Answered:
        """The answer to asking for a publish, whatever it is."""
        body = {"snapshot": self.send(files, token=token), "overrides": overrides}
        return self.server.ask("POST", f"/api/v1/apps/{name}/publish", body, token=token)

    def begin(self, name: str, files: Files, *, token: str | None = None, **overrides: object) -> str:
        """Begin a publish; the id of its operation."""
        answer = self.request(name, files, token=token, **overrides)
        assert answer.status == 202, answer.text
        return str(json.loads(answer.body)["operation"]["id"])

    def publish(self, name: str, files: Files, *, token: str | None = None, **overrides: object) -> Json:
        """Publish to the end, which has to be a good one; the operation."""
        ended = self.wait(self.begin(name, files, token=token, **overrides))
        assert ended["state"] == "done", ended
        return ended

    def fail(self, name: str, files: Files, *, token: str | None = None, **overrides: object) -> Json:
        """Publish what has to fail; the error."""
        ended = self.wait(self.begin(name, files, token=token, **overrides))
        assert ended["state"] == "failed", ended
        return cast("Json", ended["error"])

    def operation(self, operation_id: str) -> Json:
        return self.server.api("GET", f"/api/v1/operations/{operation_id}")

    def wait(self, operation_id: str, seconds: float = PATIENCE_S) -> Json:
        """An operation, once it has ended."""
        eventually(lambda: self.operation(operation_id)["state"] in ENDED, seconds)
        return self.operation(operation_id)

    def events(self, operation_id: str, after: int = 0) -> Iterator[Json]:
        """What an operation says, as it says it."""
        path = f"/api/v1/operations/{operation_id}/events?after={after}"
        with self.stream("GET", path, token=self.server.token) as answer:
            while line := answer.readline():
                if line.strip():
                    yield dict(json.loads(line))

    def until(self, operation_id: str, step: str, state: str) -> None:
        """Wait until a step of an operation has a state."""
        for event in self.events(operation_id):
            data = cast("Json", event["data"])
            if event["kind"] == "step" and event["step"] == step and data.get("state") == state:
                return
        msg = f"{step} was never {state}: {self.operation(operation_id)}"
        raise AssertionError(msg)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        host: str = "",
        headers: Mapping[str, str] | None = None,
        token: str = "",
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that is read as it comes."""
        port = self.server.port
        sent = {"Host": f"{host}.localhost:{port}" if host else f"localhost:{port}", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, headers=sent)
            yield connection.getresponse()
        finally:
            connection.close()

    def get(self, name: str, path: str = "/", **options: object) -> Answered:
        """An answer of an app."""
        return self.server.ask("GET", path, host=name, **options)  # type: ignore[arg-type]

    def app(self, name: str) -> Json:
        return self.server.api("GET", f"/api/v1/apps/{name}")

    def state(self, name: str) -> str:
        return str(cast("Json", self.app(name)["state"])["word"])

    def live(self, name: str) -> int:
        """The number of the live release; 0 if there is none."""
        release = cast("Json | None", self.app(name)["live"])
        return cast("int", release["number"]) if release else 0

    def releases(self, name: str) -> list[Json]:
        return cast("list[Json]", self.server.api("GET", f"/api/v1/apps/{name}/releases")["items"])

    def instances(self, name: str) -> list[Json]:
        """Those that have not ended."""
        return cast("list[Json]", self.server.api("GET", f"/api/v1/apps/{name}/instances")["items"])

    def instance(self, name: str) -> Json:
        """The only one."""
        (only,) = self.instances(name)
        return only

    def delete(self, name: str) -> Json:
        begun = self.server.api("DELETE", f"/api/v1/apps/{name}")
        return self.wait(str(cast("Json", begun["operation"])["id"]))

    def processes(self) -> list[Found]:
        """Every process that runs in or knows the data folder, but for the server and the supervisor."""
        own = {self.server.pid}
        with suppress(ProcessLookupError):
            own.add(self.server.supervisor_pid)
        needle = os.fsencode(self.server.data)
        found = (_look_at(entry, needle) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        return [one for one in found if one is not None and one.pid not in own]

    def orphans(self) -> list[Found]:
        """Processes that belong to no instance that stands; the proxy in front is no app's."""
        names = [
            str(app["name"]) for app in cast("list[Json]", self.server.api("GET", "/api/v1/apps")["items"])
        ]
        leaders = {instance["pid"] for name in names for instance in self.instances(name)}
        return [one for one in self.processes() if one.session not in leaders and not one.is_proxy]

    def settle(self) -> None:
        """Wait until one instance stands for each live release, no other does, and nothing else runs.

        Raises: AssertionError: that does not come about.
        """
        deadline = time.monotonic() + PATIENCE_S
        while left := self._unsettled():
            assert time.monotonic() < deadline, left
            time.sleep(0.05)

    def _unsettled(self) -> list[object]:
        left: list[object] = []
        for app in cast("list[Json]", self.server.api("GET", "/api/v1/apps")["items"]):
            instances = self.instances(str(app["name"]))
            live = cast("Json | None", app["live"])
            wanted = [live["number"]] if live else []
            if [one["release"] for one in instances] != wanted:
                left.append((app["name"], wanted, instances))
        return left or list(self.orphans())


def _look_at(entry: Path, needle: bytes) -> Found | None:
    try:
        command = (entry / "cmdline").read_bytes()
        known = needle in command or needle in (entry / "environ").read_bytes() or _runs_in(entry, needle)
        session = int((entry / "stat").read_text().rpartition(")")[2].split()[3])
    except OSError:
        return None
    return (
        Found(int(entry.name), session, command.replace(b"\0", b" ").decode()) if known and command else None
    )


def _runs_in(entry: Path, needle: bytes) -> bool:
    return os.fsencode((entry / "cwd").readlink()).startswith(needle)
