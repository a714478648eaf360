"""What the fake server of the HTTP API knows: chunks, snapshots, apps and operations in dictionaries, no socket.

It does no work: what a publish finds and how it ends is the script that a test gives it. api.py serves it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from tholos import __version__
from tholos.kit.errors import Conflict, NotSignedIn

Json: TypeAlias = dict[str, object]

NOW = "2026-05-04T12:00:00Z"


class PublishUnderWay(Conflict):
    """Cannot publish: another publish of this app is running."""

    code = "publish_under_way"


class ChunksMissing(Conflict):
    """Cannot make this snapshot: chunks of it were not sent."""

    code = "chunks_missing"


class SignInRefused(NotSignedIn):
    """Cannot sign in: the name and password, or the code, are not right."""

    code = "sign_in_refused"


@dataclass(frozen=True, slots=True)
class Line:
    """One scripted event."""

    kind: str
    step: str = ""
    text: str = ""
    data: Json = field(default_factory=dict)


Script: TypeAlias = tuple[Line, ...]


def step(name: str, text: str, seconds: float, state: str = "done") -> Line:
    """The end of a step."""
    return Line("step", name, text, {"state": state, "seconds": seconds})


def finding(label: str, value: str, why: str = "", where: str = "") -> Line:
    """One finding of detection."""
    return Line(
        "finding", "", f"{value} {why}".strip(), {"label": label, "value": value, "why": why, "where": where}
    )


FLASK: Script = (
    finding("Flask", "app:app", "in app.py:4", "app.py:4"),
    finding("Python", "3.12", 'requires-python ">=3.11", newest installed'),
    finding("packages", "12", "from uv.lock"),
    step("environment", "12 from uv.lock, all cached", 0.2),
    step("start", "started", 0.5),
    step("health", "GET / → 200", 0.3),
    step("switch", "live", 0.1),
)
BROKEN: Script = (
    *FLASK[:-2],
    step("health", "GET / → 500", 0.3, "failed"),
    Line(
        "error",
        "health",
        "GET / → 500",
        {
            "code": "check_failed",
            "message": "GET / → 500",
            "where": "app.py:31",
            "excerpt": "KeyError: 'total'",
            "fix": "",
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that a request gets instead of its own."""

    status: int
    code: str
    message: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the server was asked."""

    method: str
    path: str
    size: int


class ApiState:
    """What the fake server knows; it outlives stopping and starting it.

    Attributes:
        tokens: account name by token.
        script: what the next publishes do.
        hold_after: how many events of a publish come before it waits for ``go_on`` or a cancel; None for all.
        breaks: asked after each line of a stream; true breaks the connection off.
        refusals: answers for the next requests, first come first served.
        requests: what was asked so far.
        archive_limit: bytes of an archive that are accepted.
        logs: the log's lines by app.
        labels: what terminals that asked to be let in said of themselves.
        decisions: what they are answered, one after the other: ``approved`` or an error's code.
        device_seconds: how long their codes are good.
    """

    token: ClassVar[str] = "token-of-ada"  # noqa: S105 - a test's
    code: ClassVar[str] = "K7QF-2M9P"
    password: ClassVar[str] = "correct horse"  # noqa: S105 - a test's

    def __init__(self) -> None:
        self.tokens = {self.token: "ada"}
        self.chunks: set[str] = set()
        self.snapshots: dict[str, Json] = {}
        self.apps: dict[str, Json] = {}
        self.releases: dict[str, list[Json]] = {}
        self.operations: dict[str, Json] = {}
        self.access: Json = {}
        """What is other than private in how apps are shared."""
        self.events: dict[str, list[Json]] = {}
        self.keys: dict[str, str] = {}
        self.logs: dict[str, list[str]] = {}
        self.script: Script = FLASK
        self.hold_after: int | None = None
        self.breaks: Callable[[], bool] = bool
        self.refusals: list[Refusal] = []
        self.requests: list[Request] = []
        self.archive_limit = 1 << 30
        self.labels: list[str] = []
        self.decisions: list[str] = []
        self.device_seconds = 600
        self.version = __version__
        self.url = ""
        self.api = 1
        self.changed = threading.Condition()
        self._waiting: dict[str, Script] = {}

    def sent_bytes(self) -> int:
        """Bytes of content that were received."""
        return sum(one.size for one in self.requests if one.path in {"/content/packs", "/snapshots"})

    def log(self, app: str, *lines: str) -> None:
        """Add lines to an app's log."""
        with self.changed:
            self.logs.setdefault(app, []).extend(lines)
            self.changed.notify_all()

    def go_on(self) -> None:
        """Let the operations that wait go on to their end."""
        with self.changed:
            for operation, script in list(self._waiting.items()):
                del self._waiting[operation]
                self._play(operation, script)

    def cancel(self, operation: str) -> None:
        """End a waiting operation as cancelled."""
        with self.changed:
            if self._waiting.pop(operation, None) is not None:
                self._end(operation, "cancelled", Line("result", "", "cancelled", {"state": "cancelled"}))

    def publish(self, name: str, body: Json, key: str) -> tuple[int, Json]:
        """What the publish route answers: status and body."""
        with self.changed:
            if key in self.keys:
                return 202, {"operation": self.operations[self.keys[key]]}
            app, snapshot = self.apps.get(name), str(body.get("snapshot"))
            live = app["live"] if app else None
            if isinstance(live, dict) and live["snapshot"] == snapshot and not body.get("upgrade"):
                return 200, {"unchanged": True, "release": live, "app": app}
            for operation in self._waiting:
                if self.operations[operation]["app"] == name:
                    raise PublishUnderWay(operation=operation)
            return 202, {"operation": self._begin(name, snapshot, body, key)}

    def delete(self, name: str) -> Json:
        """What the delete route answers."""
        with self.changed:
            del self.apps[name]
            operation = self._new_operation("delete", name)
            self._end(str(operation["id"]), "done", Line("result", "", "deleted", {"state": "done"}))
            return operation

    def _begin(self, name: str, snapshot: str, body: Json, key: str) -> Json:
        releases = self.releases.setdefault(name, [])
        releases.append(self._new_release(len(releases) + 1, snapshot, str(body.get("message") or "")))
        self.apps.setdefault(name, self._new_app(name))
        operation = self._new_operation("publish", name)
        self.keys[key] = str(operation["id"])
        hold = len(self.script) if self.hold_after is None else self.hold_after
        self._play(str(operation["id"]), self.script[:hold], is_whole=self.hold_after is None)
        if self.hold_after is not None:
            self._waiting[str(operation["id"])] = self.script[hold:]
        return operation

    def _play(self, operation: str, script: Script, *, is_whole: bool = True) -> None:
        for line in script:
            self._add(operation, line)
        if not is_whole:
            self.operations[operation]["state"] = "running"
            return
        name = str(self.operations[operation]["app"])
        release = self.releases[name][-1]
        if script and script[-1].kind == "error":
            release["state"] = "failed"
            self.operations[operation] |= {"state": "failed", "error": script[-1].data, "ended_at": NOW}
            return
        before = next((other["number"] for other in self.releases[name] if other["live"]), None)
        for other in self.releases[name]:
            other["live"] = other is release
        release["state"] = "ready"
        self.apps[name] |= {
            "live": release,
            "state": {"word": "serving", "since": NOW, "reason": "", "at": NOW},
        }
        result: Json = {
            "release": release["number"],
            "url": self.apps[name]["url"],
            "state": "done",
            "before": before,
        }
        self._end(operation, "done", Line("result", "", "live", result))

    def _end(self, operation: str, state: str, last: Line) -> None:
        self.operations[operation] |= {"state": state, "ended_at": NOW, "result": last.data}
        self._add(operation, last)

    def _add(self, operation: str, line: Line) -> None:
        events = self.events[operation]
        events.append(
            {
                "n": len(events) + 1,
                "at": NOW,
                "kind": line.kind,
                "step": line.step,
                "text": line.text,
                "data": line.data,
            }
        )
        self.changed.notify_all()

    def _new_app(self, name: str) -> Json:
        return {
            "id": f"app_{len(self.apps):026}",
            "name": name,
            "kind": "wsgi",
            "framework": "Flask",
            "url": f"http://{name}.localhost:8080/",
            "page": f"http://localhost:8080/apps/{name}",
            "owner": "ada",
            "state": {"word": "draft", "since": NOW, "reason": "", "at": NOW},
            "live": None,
            "created_at": NOW,
        }

    def _new_release(self, number: int, snapshot: str, message: str) -> Json:
        return {
            "id": f"rel_{number:026}",
            "number": number,
            "state": "preparing",
            "created_at": NOW,
            "author": "ada",
            "message": message,
            "kind": "wsgi",
            "framework": "Flask",
            "entrypoint": "app:app",
            "python": "3.12.1",
            "packages": 12,
            "files": self.snapshots[snapshot]["files"],
            "bytes": self.snapshots[snapshot]["bytes"],
            "snapshot": snapshot,
            "live": False,
        }

    def _new_operation(self, kind: str, app: str) -> Json:
        name = f"op_{len(self.operations):026}"
        self.events[name] = []
        self.operations[name] = {
            "id": name,
            "kind": kind,
            "app": app,
            "state": "queued",
            "created_at": NOW,
            "started_at": NOW,
            "ended_at": None,
            "url": f"http://localhost:8080/operations/{name}",
            "steps": [],
            "error": None,
            "result": None,
            "account": "ada",
        }
        return self.operations[name]
