"""Git repositories and their hosts, real ones in a folder and on loopback, for tests that follow them."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tholos.testing.authority import Authority

Files = Mapping[str, str | bytes]

_ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository that commits are made in by its lowest commands: whatever a tree can hold can be put into it."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> Repository:
        path.mkdir(parents=True)
        made = cls(path)
        made.git("init", "--quiet", "--bare", "--initial-branch=main")
        # What hosts allow, so that any commit that they show can be asked for.
        made.git("config", "uploadpack.allowReachableSHA1InWant", "true")
        made.git("config", "uploadpack.allowAnySHA1InWant", "true")
        return made

    def commit(
        self, files: Files, message: str = "A commit", *, branch: str = "main", anew: bool = False
    ) -> str:
        """A commit of exactly these files on top of the branch, or without a past; its id."""
        entries = {path: ("100644", "blob", self.blob(content)) for path, content in files.items()}
        return self.commit_tree(self.tree(entries), message, branch=branch, anew=anew)

    def commit_tree(self, tree: str, message: str, *, branch: str = "main", anew: bool = False) -> str:
        before = self.head(branch)
        past = ["-p", before] if before and not anew else []
        made = self.git("commit-tree", tree, *past, "-m", message)
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made

    def tree(self, entries: Mapping[str, tuple[str, str, str]]) -> str:
        """A tree of entries by path: mode, kind and id of each; names are taken as they are."""
        here: dict[str, tuple[str, str, str]] = {}
        below: dict[str, dict[str, tuple[str, str, str]]] = {}
        for path, entry in entries.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            else:
                here[name] = entry
        here |= {name: ("040000", "tree", self.tree(inner)) for name, inner in below.items()}
        lines = "".join(f"{mode} {kind} {one}\t{name}\0" for name, (mode, kind, one) in here.items())
        return self.git("mktree", "-z", "--missing", given=lines.encode())

    def blob(self, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        return self.git("hash-object", "-w", "--stdin", given=data)

    def head(self, branch: str = "main") -> str:
        found = self._run("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")
        return found.stdout.decode().strip()

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """Raises: AssertionError: with what git says."""
        ran = self._run(*arguments, given=given)
        assert ran.returncode == 0, ran.stderr.decode(errors="replace")
        return ran.stdout.decode().strip()

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", *arguments], cwd=self.path, env=_ENV, input=given, capture_output=True, check=False
        )


@dataclass(slots=True)
class Host:
    """Serves the repositories of a folder by git's own http program."""

    folder: Path
    port: int = 0
    scheme: str = "http"
    login: tuple[str, str] | None = None
    """User and password that are needed."""
    answer: int = 0
    """Answered to everything, where it is not 0."""
    location: str = ""
    is_old: bool = False
    """Whether it does not hear of version 2 of the protocol."""
    tag: str = ""
    """Of what it has, where it says that at all."""
    may_answer: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""
    shown: list[str] = field(default_factory=list)
    """What it was shown as Authorization."""

    def url(self, name: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/{name}"


@contextmanager
def serve(folder: Path, authority: Authority | None = None) -> Iterator[Host]:
    """A host on loopback, until the block is left; with an authority over TLS, with a certificate of it."""
    host = Host(folder, scheme="https" if authority else "http")
    host.may_answer.set()

    class Handler(_Handler):
        served = host

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if authority:  # each connection's thread shakes hands itself
            tls = authority.context_for("127.0.0.1")
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        host.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.may_answer.set()
            server.shutdown()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    served: Host

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Tests read what was asked."""

    def _answer(self) -> None:
        host = self.served
        body = self._body()
        host.asked.append(f"{self.command} {self.path}")
        shown = self.headers.get("authorization", "")
        if shown:
            host.shown.append(shown)
        if "/git-upload-pack" in self.path and b"command=fetch" in body:
            host.may_answer.wait(60)
        if host.answer:
            self._send(host.answer, {"location": host.location} if host.location else {}, b"")
        elif host.login and shown != _basic(host.login):
            self._send(401, {"www-authenticate": 'Basic realm="git"'}, b"")
        elif host.tag and self.headers.get("if-none-match") == host.tag:
            host.asked[-1] += " 304"
            self._send(304, {}, b"")
        else:
            status, headers, content = self._run(body)
            self._send(status, {**headers, "etag": host.tag} if host.tag else headers, content)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _run(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        env = {
            **_ENV,
            "GIT_PROJECT_ROOT": str(self.served.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
        }
        if not self.served.is_old:
            env["GIT_PROTOCOL"] = self.headers.get("git-protocol", "")
        ran = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=False)
        head, _, content = ran.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split(" ")[0])
        return status, headers, content

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()
