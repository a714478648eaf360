"""A connection to a server, and the calls that publishing takes: content, apps, operations.

Every other call builds on it, in a module of its own: a command loads what it needs, since to make values is what
importing takes its time with. Leaves connections and retries to transport.py, and packs and trees to whoever uploads
them: it sends bytes and JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

from tholos import __version__
from tholos.client.address import Address
from tholos.client.errors import Quiet, RemoteUnavailable, UnexpectedAnswer, Unreachable
from tholos.client.fields import Fields
from tholos.client.model import App, Event, Instance, Operation, Running, Snapshot, Unchanged, Why
from tholos.client.patience import Patience
from tholos.client.transport import Answer, Body, Transport
from tholos.kit.errors import TholosError

PACK = "application/vnd.tholos.pack"
USER_AGENT = f"tholos/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"

T = TypeVar("T")


class Core:
    """A connection to one server.

    Args:
        server: its URL, such as ``http://localhost:8080``.
        token: an API token; empty for the few calls that need none.
        patience: how long a call goes on trying while the server is away.

    Every call raises the errors of ``tholos.client.errors``. Use it in a ``with`` statement or close it.
    """

    def __init__(self, server: str, token: str = "", *, patience: Patience | None = None) -> None:
        self.address = Address.parse(server)
        self.patience = patience or Patience()
        self._transport = Transport(self.address, token, USER_AGENT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._transport.close()

    def be_patient(self, seconds: float) -> None:
        """From now on wait so long for a server that went away."""
        self.patience = replace(self.patience, seconds=seconds)

    # Content

    def missing(self, hashes: Sequence[str]) -> list[str]:
        """Which of at most 10,000 chunks the server lacks."""
        answer = self._call("POST", "/content/missing", {"hashes": list(hashes)})
        return list(Fields(answer.json(), "the missing chunks").texts("missing"))

    def send_pack(self, size: int, read: Callable[[], Iterable[bytes]]) -> None:
        """Store chunks; ``read`` makes the ``size`` bytes of their pack anew for each try."""
        self._call("POST", "/content/packs", Body(size, read, PACK))

    def create_snapshot(self, files: Sequence[Mapping[str, object]]) -> Snapshot:
        """Make a snapshot of files whose chunks the server has.

        Raises:
            RemoteConflict: with code ``chunks_missing`` and ``details["missing"]``.
        """
        return Snapshot.from_json(self._call("POST", "/snapshots", {"files": list(files)}).json())

    def send_archive(self, archive: Body) -> Snapshot:
        """Make a snapshot of an archive, which the server unpacks."""
        return Snapshot.from_json(self._call("POST", "/snapshots", archive).json())

    # Apps

    def apps(self, search: str = "", *, show: str = "") -> list[App]:
        """The apps that this account may see, the newest first.

        Args:
            search: only those with this in the name, the title or the owner's name.
            show: only ``pinned``, ``recent`` (those opened last), ``mine`` or ``shared`` ones.
        """
        asked = {key: value for key, value in (("q", search), ("show", show)) if value}
        return self._list(f"/apps?{urlencode(asked)}" if asked else "/apps", App.from_json)

    def app(self, name: str) -> App:
        """One app."""
        return self._get(app_path(name), App.from_json)

    def instances(self, name: str) -> list[Instance]:
        """An app's running copies."""
        return self._list(f"{app_path(name)}/instances", Instance.from_json)

    def running(self, name: str = "") -> Running:
        """What runs of an app, or of all that this account may edit: instances, and what waits to wake those that sleep."""
        return self._get(f"{app_path(name)}/instances" if name else "/instances", Running.from_json)

    def why(self, name: str) -> Why:
        """Why an app is as it is."""
        return self._get(f"{app_path(name)}/why", Why.from_json)

    def delete_app(self, name: str) -> Operation:
        """Begin to stop and remove an app."""
        return begun(self._call("DELETE", app_path(name)).json())

    def publish(
        self,
        name: str,
        snapshot: str,
        *,
        message: str = "",
        overrides: Mapping[str, object] | None = None,
        upgrade: bool = False,
        is_draft: bool = False,
        upload: Mapping[str, object] | None = None,
        key: str = "",
    ) -> Operation | Unchanged:
        """Begin to publish a snapshot as the app's next release.

        Args:
            name: of the app; a new one is made.
            snapshot: its id.
            message: what is new.
            overrides: what to do instead of what would be found; a null is the app's remembered one, ``""`` forgets it.
            upgrade: resolve the packages anew.
            is_draft: run it at an address of its own, for editors, and do not make it live.
            upload: files, bytes, sent_bytes and seconds of the upload, for the record.
            key: the same key within a day answers the same operation; one is made if empty.
        """
        body = {
            "snapshot": snapshot,
            "message": message,
            "overrides": dict(overrides or {}),
            "upgrade": upgrade,
            **({"draft": True} if is_draft else {}),
            "upload": dict(upload or {}),
        }
        return self._begin(f"{app_path(name)}/publish", body, key)

    # Operations

    def operations(self, app: str = "", *, most: int = 50) -> list[Operation]:
        """The last operations that this account may see, of one app or of all, the newest first; 500 at most."""
        asked = {**({"app": app} if app else {}), "limit": str(most)}
        return self._list(f"/operations?{urlencode(asked)}", Operation.from_json, most=most)

    def operation(self, operation: str) -> Operation:
        """One operation by its id."""
        return self._get(f"/operations/{quote(operation, safe='')}", Operation.from_json)

    def cancel(self, operation: str) -> Operation:
        """Ask an operation to stop; it ends a little later."""
        answer = self._call("POST", f"/operations/{quote(operation, safe='')}/cancel")
        return Operation.from_json(answer.json())

    def events(self, operation: str, after: int = 0) -> Iterator[Event]:
        """An operation's events in order, each once, until it has ended.

        A broken connection or a restarted server is waited for and the events go on where they stopped.
        """
        outage = self.patience.begin()
        is_last_look = False
        while True:
            broken: TholosError | None = None
            try:
                for event in self._events_once(operation, after):
                    outage.over()
                    after = event.n
                    yield event
                    if event.is_last:
                        return
                if is_last_look:
                    return
                # It closed in good order without a last event: what came since is asked for once more.
                is_last_look = self.operation(operation).has_ended
            except Quiet:
                continue
            except (Unreachable, RemoteUnavailable) as error:
                broken = error
            if not is_last_look and not outage.pause():
                raise broken or Unreachable(f"Cannot follow {operation}: the server keeps ending the stream.")

    def _events_once(self, operation: str, after: int) -> Iterator[Event]:
        path = f"/api/v1/operations/{quote(operation, safe='')}/events?after={after}"
        with self._transport.stream(path, "application/x-ndjson") as lines:
            for event in (parse_event(line) for line in lines if line.strip()):
                if event.n > after:
                    yield event

    def _pieces(self, path: str) -> AbstractContextManager[Callable[[int], bytes]]:
        return self._transport.pieces(path, "*/*")

    def _begin(self, path: str, body: Mapping[str, object], key: str = "") -> Operation | Unchanged:
        value = self._call("POST", path, body, once(key)).json()
        if Fields(value, "the answer").flag("unchanged"):
            return Unchanged.from_json(value)
        return begun(value)

    def _get(self, path: str, parse: Callable[[object], T]) -> T:
        return parse(self._call("GET", path).json())

    def _list(self, path: str, parse: Callable[[object], T], *, most: int | None = None) -> list[T]:
        """All of a list, page by page, or so much of it."""
        found: list[T] = []
        cursor = ""
        while True:
            answer = Fields(self._call("GET", with_cursor(path, cursor)).json(), "the list")
            found += [parse(item.value) for item in answer.items("items")]
            cursor = answer.text("next", "")
            if not cursor or (most is not None and len(found) >= most):
                return found[:most]

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | Body | None = None,
        headers: dict[str, str] | None = None,
        *,
        may_repeat: bool = True,
    ) -> Answer:
        sent = body if isinstance(body, Body) or body is None else Body.json(body)
        return self._transport.call(
            method, f"/api/v1{path}", self.patience, body=sent, headers=headers, may_repeat=may_repeat
        )


def app_path(name: str) -> str:
    """Where an app's own calls are."""
    return f"/apps/{quote(name, safe='')}"


def account_path(name: str) -> str:
    """Where an account's own calls are."""
    return f"/accounts/{quote(name, safe='')}"


def once(key: str = "") -> dict[str, str]:
    """Headers of a call that is answered alike, and done once, however often it is sent."""
    return {"Idempotency-Key": key or os.urandom(16).hex()}


def unless_changed(seen: int | None) -> dict[str, str] | None:
    """Headers of a change that is refused where somebody else's has come after the version that it goes out from."""
    return None if seen is None else {"If-Match": f'"{seen}"'}


def begun(value: object) -> Operation:
    """The operation of an answer that has begun one.

    Raises:
        UnexpectedAnswer: it has none.
    """
    return Operation.from_json(Fields(value, "the answer").need("operation").value)


def operation_in(read: Fields) -> Operation | None:
    """The operation of an answer that may have begun one."""
    found = read.child("operation")
    return Operation.from_json(found.value) if found else None


def with_cursor(path: str, cursor: str) -> str:
    """The path of a list's next page."""
    if not cursor:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode({'cursor': cursor})}"


def parse_event(line: bytes) -> Event:
    """One line of an event stream.

    Raises:
        UnexpectedAnswer: it is not JSON or no event.
    """
    try:
        return Event.from_json(json.loads(line))
    except ValueError as error:
        raise UnexpectedAnswer("Cannot read an event: it is not JSON.") from error
