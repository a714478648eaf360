"""The server's public API as typed calls, one method per route.

Leaves connections and retries to transport.py, and packs and trees to whoever uploads them: it sends bytes and JSON.
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
from tholos.client.deeds import AuditEntry, AuditQuery, Delivery, NewWebhook, Webhook
from tholos.client.errors import Quiet, RemoteUnavailable, UnexpectedAnswer, Unreachable, VersionsDiffer
from tholos.client.fields import Fields
from tholos.client.model import (
    App,
    DeviceCode,
    Event,
    Instance,
    LogLine,
    LogQuery,
    Operation,
    Server,
    SignIn,
    Snapshot,
    Traceback,
    Unchanged,
    Why,
)
from tholos.client.own import OwnCalls
from tholos.client.patience import Patience
from tholos.client.people import PeopleCalls
from tholos.client.releases import ReleaseCalls
from tholos.client.settling import SettlingCalls
from tholos.client.sharing import SharingCalls
from tholos.client.transport import Answer, Body, Transport
from tholos.client.variables import VariableCalls
from tholos.kit.errors import TholosError

API = 1
PACK = "application/vnd.tholos.pack"
USER_AGENT = f"tholos/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"

T = TypeVar("T")


class Client(OwnCalls, PeopleCalls, ReleaseCalls, SettlingCalls, SharingCalls, VariableCalls):
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

    # Who

    def server(self) -> Server:
        """Which server this is; needs no token.

        Raises:
            VersionsDiffer: it speaks another version of the API.
        """
        server = self._get("/server", Server.from_json)
        if server.api != API:
            raise VersionsDiffer(
                f"Cannot talk to {self.address}: it speaks version {server.api} of the API, this client version {API}.",
                fix=f"install the client of the server's version: pip install 'tholos=={server.version}'",
            )
        return server

    def sign_in_with_code(self, code: str, label: str = "") -> SignIn:
        """A token for a one-time code of a sign-in link."""
        return self._sign_in({"code": code, "label": label})

    def sign_in(self, name: str, password: str, label: str = "") -> SignIn:
        """A token for a name and password."""
        return self._sign_in({"name": name, "password": password, "label": label})

    def begin_device_sign_in(self, label: str = "") -> DeviceCode:
        """Ask to be let in by somebody in a browser, who is shown the label and confirms the code."""
        return DeviceCode.from_json(self._call("POST", "/device/code", {"label": label}).json())

    def finish_device_sign_in(self, secret: str) -> SignIn:
        """A token, once somebody has let this terminal in.

        Raises:
            RemoteInvalid: with code ``authorization_pending`` or ``slow_down``, not yet; with ``expired_token``, never.
            RemoteForbidden: somebody refused.
        """
        answer = self._call("POST", "/device/token", {"device_code": secret}, may_repeat=False)
        return SignIn.from_json(answer.json())

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
        return self._get(f"/apps/{quote(name, safe='')}", App.from_json)

    def instances(self, name: str) -> list[Instance]:
        """An app's running copies."""
        return self._list(f"/apps/{quote(name, safe='')}/instances", Instance.from_json)

    def why(self, name: str) -> Why:
        """Why an app is as it is."""
        return self._get(f"/apps/{quote(name, safe='')}/why", Why.from_json)

    def delete_app(self, name: str) -> Operation:
        """Begin to stop and remove an app."""
        return self._operation(self._call("DELETE", f"/apps/{quote(name, safe='')}").json())

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
        headers = {"Idempotency-Key": key or os.urandom(16).hex()}
        answer = self._call("POST", f"/apps/{quote(name, safe='')}/publish", body, headers)
        value = answer.json()
        if Fields(value, "the answer to publish").flag("unchanged"):
            return Unchanged.from_json(value)
        return self._operation(value)

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

    # Logs

    def logs(self, name: str, *, lines: int = 200, asked: LogQuery | None = None) -> list[LogLine]:
        """The last lines of an app's log, or the last of those that are asked for."""
        answer = self._call("GET", logs_path(name, lines, asked or LogQuery()))
        return [parse_log_line(line) for line in answer.body.split(b"\n") if line.strip()]

    def follow_logs(self, name: str, *, lines: int = 200, asked: LogQuery | None = None) -> Iterator[LogLine]:
        """The last lines of an app's log and then each new one, until the app is gone.

        After a broken connection it goes on behind the last line that was given.
        """
        asked = asked or LogQuery()
        outage = self.patience.begin()
        last: LogLine | None = None
        while True:
            try:
                path = logs_path(name, lines, asked, last) + "&follow=true"
                with self._transport.stream(f"/api/v1{path}", "application/x-ndjson") as raw:
                    for line in (parse_log_line(one) for one in raw if one.strip()):
                        outage.over()
                        last = line
                        yield line
                if not outage.pause():
                    return
            except Quiet:
                continue
            except (Unreachable, RemoteUnavailable):
                if not outage.pause():
                    raise

    def traceback(self, name: str, *, release: int | None = None, instance: str = "") -> Traceback | None:
        """The first traceback of the last run of an app, or of one of its instances, that has one."""
        said = {key: value for key, value in (("release", release), ("instance", instance)) if value}
        path = f"/apps/{quote(name, safe='')}/traceback{f'?{urlencode(said)}' if said else ''}"
        found = Fields(self._call("GET", path).json(), "the answer").child("traceback")
        return Traceback.from_json(found.value) if found else None

    # Deeds and webhooks

    def audit(self, asked: AuditQuery | None = None, *, app: str = "", most: int = 50) -> list[AuditEntry]:
        """Who did what, the newest first: everything, for administrators; what was done with an app, for its editors."""
        query = {**(asked or AuditQuery()).to_query(), "limit": str(most)}
        path = f"/apps/{quote(app, safe='')}/activity" if app else "/audit"
        return self._list(f"{path}?{urlencode(query)}", AuditEntry.from_json, most=most)

    def export_audit(self, form: str = "ndjson", asked: AuditQuery | None = None) -> Iterator[bytes]:
        """All that is asked for of the audit record, the oldest first, line by line; ``form`` is ``ndjson`` or ``csv``."""
        query = {**(asked or AuditQuery()).to_query(), "format": form}
        with self._transport.stream(f"/api/v1/audit/export?{urlencode(query)}", "*/*") as lines:
            yield from lines

    def webhooks(self, app: str = "") -> list[Webhook]:
        """The webhooks that this account may change, of one app or of all."""
        query = f"?{urlencode({'app': app})}" if app else ""
        return self._list(f"/webhooks{query}", Webhook.from_json)

    def create_webhook(
        self, url: str, *, app: str = "", label: str = "", form: str = "plain", actions: Sequence[str] = ()
    ) -> NewWebhook:
        """Tell another system what is done with an app, or in the whole installation."""
        body = {"url": url, "app": app, "label": label, "form": form, "actions": list(actions)}
        return NewWebhook.from_json(
            self._call("POST", "/webhooks", body, {"Idempotency-Key": os.urandom(16).hex()}).json()
        )

    def webhook(self, webhook: str) -> Webhook:
        """One webhook, all but its secret."""
        return self._get(f"/webhooks/{quote(webhook, safe='')}", Webhook.from_json)

    def change_webhook(
        self,
        webhook: str,
        *,
        url: str | None = None,
        label: str | None = None,
        form: str | None = None,
        actions: Sequence[str] | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Change what is given; what is None stays, and no actions are all that is worth telling."""
        said = {"url": url, "label": label, "form": form, "actions": actions, "is_active": is_active}
        body = {key: value for key, value in said.items() if value is not None}
        answer = self._call("PATCH", f"/webhooks/{quote(webhook, safe='')}", body)
        return Webhook.from_json(answer.json())

    def remove_webhook(self, webhook: str) -> None:
        """Tell it nothing any more."""
        self._call("DELETE", f"/webhooks/{quote(webhook, safe='')}")

    def send_test(self, webhook: str) -> Delivery:
        """Send a word to a webhook now."""
        answer = self._call("POST", f"/webhooks/{quote(webhook, safe='')}/test")
        return Delivery.from_json(answer.json())

    def delivery(self, webhook: str, delivery: str) -> Delivery:
        """How one delivery went, and what was sent."""
        path = f"/webhooks/{quote(webhook, safe='')}/deliveries/{quote(delivery, safe='')}"
        return self._get(path, Delivery.from_json)

    def deliveries(self, webhook: str, *, most: int = 50) -> list[Delivery]:
        """What was sent to a webhook and how it went, the newest first."""
        return self._list(
            f"/webhooks/{quote(webhook, safe='')}/deliveries?limit={most}", Delivery.from_json, most=most
        )

    def repeat_delivery(self, webhook: str, delivery: str) -> Delivery:
        """Send the same once more, as a delivery of its own."""
        path = f"/webhooks/{quote(webhook, safe='')}/deliveries/{quote(delivery, safe='')}/repeat"
        return Delivery.from_json(self._call("POST", path).json())

    def _pieces(self, path: str) -> AbstractContextManager[Callable[[int], bytes]]:
        return self._transport.pieces(path, "*/*")

    def _sign_in(self, body: dict[str, str]) -> SignIn:
        return SignIn.from_json(self._call("POST", "/tokens", body, may_repeat=False).json())

    def _operation(self, value: object) -> Operation:
        return Operation.from_json(Fields(value, "the answer").need("operation").value)

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

    def _all(self, path: str, parse: Callable[[object], T]) -> list[T]:
        return self._list(path, parse)

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


def parse_log_line(line: bytes) -> LogLine:
    """One line of a log as JSON.

    Raises:
        UnexpectedAnswer: it is not JSON or no line.
    """
    try:
        return LogLine.from_json(json.loads(line))
    except ValueError as error:
        raise UnexpectedAnswer("Cannot read a line of a log: it is not JSON.") from error


def logs_path(name: str, lines: int, asked: LogQuery, last: LogLine | None = None) -> str:
    """The path and query of an app's log, or of what comes behind a line of it."""
    query: dict[str, str | int] = {"format": "json", "lines": lines}
    if asked.release is not None:
        query["release"] = asked.release
    named = (("level", asked.level), ("q", asked.search), ("instance", asked.instance))
    query |= {key: value for key, value in named if value}
    if last is not None:
        query |= {"instance": last.instance, "offset": last.offset, "first": last.n + 1}
        query |= {"only": "true"} if asked.instance else {}
    elif asked.since:
        query["since"] = asked.since
    return f"/apps/{quote(name, safe='')}/logs?{urlencode(query)}"
