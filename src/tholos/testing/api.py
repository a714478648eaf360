"""A server of the HTTP API in memory: the contract as the client and the command line see it, on a real socket.

It can be stopped and started again, break streams off and refuse requests; api_state.py is what it knows.
"""

from __future__ import annotations

import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TholosError, Unavailable
from tholos.store import packs, trees
from tholos.testing.api_state import NOW, ApiState, ChunksMissing, Json, Refusal, Request, SignInRefused

ARCHIVES = frozenset({"application/gzip", "application/x-tar", "application/zip", "application/octet-stream"})
STATUSES: dict[type[TholosError], int] = {
    NotFound: 404,
    NotSignedIn: 401,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 400,
    Unavailable: 503,
}


class FakeApi(ApiState):
    """The fake server: start it, stop it as a crash would, start it again on the same port."""

    def __init__(self) -> None:
        super().__init__()
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    def start(self) -> None:
        """Listen; after a stop on the same port as before."""
        self._server = Listener(self, self._port)
        self._port = self._server.server_address[1]
        self.url = f"http://localhost:{self._port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and break every connection off, as a killed process does."""
        server, thread = self._server, self._thread
        if not server or not thread:
            return
        self._server = self._thread = None
        server.shutdown()
        server.is_closing = True
        server.break_connections()
        with self.changed:
            self.changed.notify_all()
        server.server_close()
        thread.join()


@contextmanager
def serving(api: FakeApi | None = None) -> Iterator[FakeApi]:
    """A started fake server."""
    api = api or FakeApi()
    api.start()
    try:
        yield api
    finally:
        api.stop()


class Listener(ThreadingHTTPServer):
    """One life of the server: what is left of it when it stops is its FakeApi."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, api: ApiState, port: int) -> None:
        self.api = api
        self.is_closing = False
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Remember the connection so that it can be broken off."""
        if isinstance(request, socket.socket):
            self._open.add(request)
        super().process_request(request, client_address)

    def break_connections(self) -> None:
        """Close all of them at once."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: tests read ``requests``."""

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        path = parts.path.removeprefix("/api/v1")
        self.server.api.requests.append(Request(method, path, size))
        self.query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            if self._is_refused(size):
                return
            self.body = self.rfile.read(size)
            self._route(method, path)
        except TholosError as error:
            kind = next(kind for kind in STATUSES if isinstance(error, kind))
            self._json(STATUSES[kind], {"error": error.to_json(), "request_id": "req_1"})

    def _is_refused(self, size: int) -> bool:
        api = self.server.api
        if self.headers.get("Content-Type", "") in ARCHIVES and size > api.archive_limit:
            api.refusals.insert(
                0, Refusal(413, "too_large", "Cannot take this archive: it is larger than 1 GiB.")
            )
        if not api.refusals:
            return False
        refusal = api.refusals.pop(0)
        self.close_connection = True  # its body is not read
        error = {"code": refusal.code, "message": refusal.message}
        headers = {"Connection": "close"}
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        self._json(refusal.status, {"error": error, "request_id": "req_1"}, headers)
        return True

    def _route(self, method: str, path: str) -> None:
        for verb, pattern, needs_token, answer in ROUTES:
            match = re.fullmatch(pattern, path)
            if verb == method and match:
                if needs_token:
                    self._account()
                answer(self, *(unquote(part) for part in match.groups()))
                return
        raise NotFound(f"There is no {method} {path} here.")

    def _account(self) -> str:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.server.api.tokens:
            raise NotSignedIn("Cannot do this: nobody is signed in.")
        return self.server.api.tokens[token]

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        body = b"" if status == 204 else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _input(self) -> Json:
        value = json.loads(self.body or b"{}")
        if not isinstance(value, dict):
            raise Invalid("Cannot read the request: it is no JSON object.")
        return value

    def _app(self, name: str) -> Json:
        if name not in self.server.api.apps:
            raise NotFound(f"There is no app {name} here.", fix="tholos list")
        return self.server.api.apps[name]

    def _operation(self, name: str) -> Json:
        if name not in self.server.api.operations:
            raise NotFound(f"There is no operation {name} here.")
        return self.server.api.operations[name]

    # Routes

    def get_server(self) -> None:
        api = self.server.api
        apps_url = "http://{name}.localhost:8080/"
        answer = {
            "name": "tholos",
            "version": api.version,
            "api": api.api,
            "url": api.url,
            "apps_url": apps_url,
        }
        self._json(200, answer)

    def post_tokens(self) -> None:
        api, body = self.server.api, self._input()
        if body.get("code") != api.code and (body.get("name"), body.get("password")) != ("ada", api.password):
            raise SignInRefused
        self._token()

    def _token(self) -> None:
        api = self.server.api
        account = {"id": "acc_1", "name": "ada", "role": "publisher"}
        token = {"token": api.token, "id": "tok_1", "expires_at": "2027-05-04T12:00:00Z", "account": account}
        api.tokens[api.token] = "ada"
        self._json(201, token)

    def post_device_code(self) -> None:
        api = self.server.api
        api.labels.append(str(self._input().get("label")))
        code = {
            "device_code": "the terminal's secret",
            "user_code": "BCDF-GHJK",
            "verification_uri": f"{api.url}/device",
            "verification_uri_complete": f"{api.url}/device?code=BCDF-GHJK",
            "expires_in": api.device_seconds,
            "interval": 1,
        }
        self._json(201, code)

    def post_device_token(self) -> None:
        api = self.server.api
        if self._input().get("device_code") != "the terminal's secret":
            said = "expired_token"
        else:
            said = api.decisions.pop(0) if api.decisions else "authorization_pending"
        if said != "approved":
            status = 403 if said == "access_denied" else 400
            self._json(
                status,
                {"error": {"code": said, "message": f"Cannot sign in: {said}."}, "request_id": "req_1"},
            )
            return
        self._token()

    def get_tokens(self) -> None:
        self._json(200, {"items": [{"id": "tok_1", "label": "", "created_at": NOW, "expires_at": NOW}]})

    def delete_token(self, name: str) -> None:
        del name
        self.server.api.tokens.clear()
        self._json(204, None)

    def get_me(self) -> None:
        self._json(200, {"id": "acc_1", "name": self._account(), "role": "publisher"})

    def post_missing(self) -> None:
        hashes = self._input().get("hashes")
        assert isinstance(hashes, list)
        assert len(hashes) <= 10_000
        self._json(200, {"missing": [one for one in hashes if one not in self.server.api.chunks]})

    def post_pack(self) -> None:
        records = [record.sha256 for record in packs.read(io.BytesIO(self.body))]
        self.server.api.chunks.update(records)
        self._json(201, {"stored": len(records), "bytes": len(self.body)})

    def post_snapshot(self) -> None:
        api = self.server.api
        if self.headers.get("Content-Type") == "application/json":
            tree = trees.from_json(self._input().get("files"))
            missing = {chunk.sha256 for file in tree.files for chunk in file.chunks} - api.chunks
            if missing:
                raise ChunksMissing(missing=sorted(missing))
            answer: Json = {"id": tree.id, "files": len(tree.files), "bytes": tree.size}
        else:
            answer = {"id": f"archive-{len(self.body)}", "files": 1, "bytes": len(self.body)}
        api.snapshots[str(answer["id"])] = answer
        self._json(201, answer)

    def get_apps(self) -> None:
        self._json(200, {"items": list(reversed(self.server.api.apps.values())), "next": None})

    def get_app(self, name: str) -> None:
        self._json(200, self._app(name))

    def post_publish(self, name: str) -> None:
        key = self.headers.get("Idempotency-Key", "")
        status, answer = self.server.api.publish(name, self._input(), key)
        self._json(status, answer)

    def delete_app(self, name: str) -> None:
        self._app(name)
        self._json(202, {"operation": self.server.api.delete(name)})

    def get_releases(self, name: str) -> None:
        self._app(name)
        self._json(200, {"items": self.server.api.releases[name]})

    def get_access(self, name: str) -> None:
        self._app(name)
        shared = {
            "app": name,
            "version": 1,
            "owner": "ada",
            "audience": "listed",
            "grants": [],
            "changes": [],
        }
        self._json(200, {**shared, **self.server.api.access})

    def get_instances(self, name: str) -> None:
        self._app(name)
        instance = {"id": "ins_1", "release": 1, "state": "ready", "since": NOW, "pid": 4242, "restarts": 0}
        self._json(200, {"items": [instance]})

    def get_why(self, name: str) -> None:
        reason = {"text": "KeyError: 'total'", "at": NOW, "where": "app.py:31", "next": f"tholos logs {name}"}
        self._json(200, {"app": name, "state": self._app(name)["state"], "reasons": [reason]})

    def get_operations(self) -> None:
        app = self.query.get("app")
        found = [one for one in self.server.api.operations.values() if app in {None, one["app"]}]
        self._json(200, {"items": found[::-1]})

    def get_operation(self, name: str) -> None:
        self._json(200, self._operation(name))

    def post_cancel(self, name: str) -> None:
        self._operation(name)
        self.server.api.cancel(name)
        self._json(202, self._operation(name))

    def get_events(self, name: str) -> None:
        operation, events = self._operation(name), self.server.api.events[name]
        self._stream(
            "application/x-ndjson",
            int(self.query.get("after", "0")),
            lambda start: [json.dumps(event) for event in events[start:]],
            lambda: operation["ended_at"] is not None,
        )

    def get_logs(self, name: str) -> None:
        self._app(name)
        lines = self.server.api.logs.setdefault(name, [])
        start = int(self.query.get("offset", max(0, len(lines) - int(self.query.get("lines", "200")))))
        if "follow" in self.query:
            self._stream(
                "application/x-ndjson",
                start,
                lambda start: self._log_lines(lines, start),
                lambda: name not in self.server.api.apps,
            )
            return
        body = "".join(f"{line}\n" for line in self._log_lines(lines, start)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _log_lines(self, lines: list[str], start: int) -> list[str]:
        """Those that are asked for from one on, as lines of JSON."""
        wanted = self.query.get("q", "").lower()
        line = {"at": NOW, "level": "", "release": 1, "instance": "ins_1"}
        return [
            json.dumps({**line, "n": n, "offset": n, "text": text})
            for n, text in enumerate(lines[start:], start + 1)
            if wanted in text.lower()
        ]

    def _stream(
        self, kind: str, position: int, read: Callable[[int], list[str]], has_ended: Callable[[], bool]
    ) -> None:
        """Send lines as they come until the end, or break off in the middle of a chunk."""
        api = self.server.api
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.is_closing:
            lines, is_over = self._wait(position, read, has_ended)
            for line in lines:
                data = f"{line}\n".encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                if api.breaks():
                    self.wfile.write(b"ff\r\n{")
                    self.close_connection = True
                    return
            position += len(lines)
            if is_over:
                self.wfile.write(b"0\r\n\r\n")
                return
        self.close_connection = True

    def _wait(
        self, position: int, read: Callable[[int], list[str]], has_ended: Callable[[], bool]
    ) -> tuple[list[str], bool]:
        """The lines that are new, as soon as there are some, and whether these are the last."""
        changed = self.server.api.changed
        with changed:
            changed.wait_for(
                lambda: self.server.is_closing or has_ended() or bool(read(position)), timeout=30
            )
            return ([], False) if self.server.is_closing else (read(position), has_ended())


_NAME = r"([^/]+)"
ROUTES: tuple[tuple[str, str, bool, Callable[..., None]], ...] = (
    ("GET", "/server", False, Handler.get_server),
    ("POST", "/tokens", False, Handler.post_tokens),
    ("POST", "/device/code", False, Handler.post_device_code),
    ("POST", "/device/token", False, Handler.post_device_token),
    ("GET", "/tokens", True, Handler.get_tokens),
    ("DELETE", f"/tokens/{_NAME}", True, Handler.delete_token),
    ("GET", "/me", True, Handler.get_me),
    ("POST", "/content/missing", True, Handler.post_missing),
    ("POST", "/content/packs", True, Handler.post_pack),
    ("POST", "/snapshots", True, Handler.post_snapshot),
    ("GET", "/apps", True, Handler.get_apps),
    ("GET", f"/apps/{_NAME}", True, Handler.get_app),
    ("DELETE", f"/apps/{_NAME}", True, Handler.delete_app),
    ("POST", f"/apps/{_NAME}/publish", True, Handler.post_publish),
    ("GET", f"/apps/{_NAME}/releases", True, Handler.get_releases),
    ("GET", f"/apps/{_NAME}/access", True, Handler.get_access),
    ("GET", f"/apps/{_NAME}/instances", True, Handler.get_instances),
    ("GET", f"/apps/{_NAME}/logs", True, Handler.get_logs),
    ("GET", f"/apps/{_NAME}/why", True, Handler.get_why),
    ("GET", "/operations", True, Handler.get_operations),
    ("GET", f"/operations/{_NAME}", True, Handler.get_operation),
    ("GET", f"/operations/{_NAME}/events", True, Handler.get_events),
    ("POST", f"/operations/{_NAME}/cancel", True, Handler.post_cancel),
)
