"""Kills in any order while people ask: who asks judges every answer, and after each kill everything has to be as it should.

An answer is *wrong* if it is another app's, an earlier release's, says another name than the one that asked, or is given to
somebody who may not have it. No connection, an answer that is cut off, and our own word that nothing answers (502 to 504) are
failures of the moment: they are wrong only while nothing was killed.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from tholos.runtime.layout import Layout
from tholos.testing.trial import ENDED, Files, Json, Trial
from tholos.testing.visitors import Browser
from tholos.testing.waiting import until

T = TypeVar("T")

AGAIN_WITHIN_S = 30.0
"""Patience for every app to serve again after a kill; how long it took is told (:attr:`Storm.slowest_s`)."""
SETTLED_WITHIN_S = 40.0
ENDED_WITHIN_S = 2.0
"""For what was killed; who ends the rest of it may have been killed too."""
OF_THE_MOMENT = frozenset({0, 502, 503, 504})
FORGED = {"X-Tholos-Account": "mallory"}
ANY_LATER = 1 << 30

_SAID = """
import json, os
def said(name, account):
    return json.dumps([name, int(os.environ["THOLOS_RELEASE"]), account]).encode()
"""
_WSGI = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [said({name!r}, environ.get("HTTP_X_THOLOS_ACCOUNT", ""))]
"""
_COMMAND = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = said({name!r}, self.headers.get("X-Tholos-Account", ""))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def wsgi(name: str, mark: int) -> Files:
    """An app that says its name, its release and who asks; another mark makes it another release."""
    return {"app.py": f"# {mark}\n{_SAID}{_WSGI.format(name=name)}"}


def command(name: str, mark: int) -> Files:
    """The same, as a program that listens on a port."""
    return {
        "Procfile": "web: python serve.py\n",
        "serve.py": f"# {mark}\n{_SAID}{_COMMAND.format(name=name)}",
    }


@dataclass(slots=True)
class Truth:
    """What is right to answer now."""

    releases: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The least and the last release of each app that may answer."""
    calm: int = 0
    """Odd while nothing is killed; another number each time."""


@dataclass(frozen=True, slots=True)
class Way:
    """Somebody's way to an app."""

    app: str
    account: str
    """Whose name the app is told; empty for who may not open it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    browser: Browser | None = None
    """Whose cookies are sent, and kept as they are replaced."""
    is_kept: bool = True
    """Whether a connection is used again."""
    pause_s: float = 0.02

    def __str__(self) -> str:
        return f"{self.account or 'a stranger'} at {self.app}"


@dataclass(slots=True)
class Judge:
    """Asks by one way again and again, in a thread, and keeps what was wrong."""

    trial: Trial
    way: Way
    truth: Truth
    wrong: list[str] = field(default_factory=list)
    asked: int = 0
    missed: int = 0
    """Failures of the moment."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _connection: http.client.HTTPConnection | None = None
    _calm: int = 0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(SETTLED_WITHIN_S)

    def _run(self) -> None:
        while not self._stop.wait(self.way.pause_s):
            calm = self.truth.calm
            if calm != self._calm:  # a connection of before may have ended by the kill
                self.close()
                self._calm = calm
            allowed = self.truth.releases[self.way.app]
            began = time.monotonic()
            status, body = self.ask()
            self.asked += 1
            if (why := self.judge(status, body, allowed)) is not None:
                self.wrong.append(why)
            elif status in OF_THE_MOMENT:
                self.missed += 1
                if calm % 2 and self.truth.calm == calm:
                    took = time.monotonic() - began
                    self.wrong.append(
                        f"{self.way}: nothing was killed, and yet {status} {body!r} after {took:.1f} s"
                    )
        self.close()

    def judge(self, status: int, body: bytes, allowed: tuple[int, int]) -> str | None:
        """Why an answer is wrong; what was right when it was asked for is right."""
        now = self.truth.releases[self.way.app]
        if status in OF_THE_MOMENT:
            return None
        if not self.way.account:
            return None if status in {401, 403} else f"{self.way}: {status} {body!r}"
        if status != 200:
            return f"{self.way}: {status} {body[:300]!r}"
        app, release, account = json.loads(body)
        least, most = min(allowed[0], now[0]), max(allowed[1], now[1])
        if (app, account) == (self.way.app, self.way.account) and least <= release <= most:
            return None
        return f"{self.way}: {body!r}, and {least} to {most} may answer"

    def ask(self) -> tuple[int, bytes]:
        """Status and body; 0 and why where there was no answer."""
        port = self.trial.server.port
        connection = self._connection or http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection = None
        headers = {"Host": f"{self.way.app}.localhost:{port}", **FORGED, **self.way.headers}
        if self.way.browser is not None:
            headers = self.way.browser.headers(self.way.app, {**FORGED, **self.way.headers})
        try:
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if self.way.browser is not None:
                self._keep(self.way.browser, answer)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return 0, repr(error).encode()
        if self.way.is_kept and not answer.will_close:
            self._connection = connection
        else:
            connection.close()
        return answer.status, body

    def _keep(self, browser: Browser, answer: http.client.HTTPResponse) -> None:
        jar = browser.jar[browser.host(self.way.app)]
        for value in answer.headers.get_all("set-cookie") or ():
            name, _, rest = value.partition("=")
            jar[name] = rest.partition(";")[0]
            if "Max-Age=0" in rest:
                del jar[name]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(slots=True)
class Storm:
    """One installation under kills."""

    trial: Trial
    ways: list[Way]
    truth: Truth = field(default_factory=Truth)
    slowest_s: float = 0.0
    """The longest until all served again."""
    last_s: float = 0.0
    waited_s: float = 0.0
    """How long the server waited for a processor since it began: on a machine that does other work, that is not ours."""
    _judges: list[Judge] = field(default_factory=list)

    @property
    def asked(self) -> int:
        return sum(judge.asked for judge in self._judges)

    @property
    def missed(self) -> int:
        return sum(judge.missed for judge in self._judges)

    @property
    def wrong(self) -> list[str]:
        return [one for judge in self._judges for one in judge.wrong]

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """People ask all the while."""
        for name in {way.app for way in self.ways}:
            number = self.trial.live(name)
            self.truth.releases[name] = (number, number)
        self._judges = [Judge(self.trial, way, self.truth) for way in self.ways]
        self.recover(time.monotonic())
        with ExitStack() as stack:
            for judge in self._judges:
                stack.enter_context(judge.going_on())
            yield
            self.truth.calm += 1  # nothing is judged by what ends it

    def may_become(self, app: str, least: int, most: int) -> None:
        """From here on these releases may answer, too."""
        before = self.truth.releases[app]
        self.truth.releases[app] = (min(before[0], least), max(before[1], most))

    def kill(self, pids: list[int]) -> float:
        """End processes at once; when that was. They have ended when it returns, or soon will have."""
        sessions = {one.session for one in self.trial.processes() if one.pid in pids}
        self.truth.calm += 1
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        # What is told to end may answer once more, and what it was a part of a few times.
        with suppress(AssertionError):
            until(lambda: not any(one.session in sessions for one in self.trial.processes()), ENDED_WITHIN_S)
        return killed

    def recover(self, since: float, operation: str = "") -> None:
        """All serve again in time, the operation ends, what is live answers alone, and nothing is left over.

        Raises: AssertionError: one of it does not come about.
        """
        with ExitStack() as stack:
            probes = [Judge(self.trial, way, self.truth) for way in self.ways]
            for probe in probes:
                stack.callback(probe.close)
            self._recover(since, operation, probes)
        self.truth.calm += 1

    def _recover(self, since: float, operation: str, probes: list[Judge]) -> None:
        for probe in probes:
            last: list[tuple[int, bytes]] = []
            while not self._serves(probe, last):
                waited = time.monotonic() - since
                assert waited < AGAIN_WITHIN_S, f"{probe.way} after {waited:.1f} s: {last[-1]}"
                time.sleep(0.02)
        self.last_s = time.monotonic() - since
        self.waited_s = _waited_for_processors(self.trial.server.pid)
        self.slowest_s = max(self.slowest_s, self.last_s)
        ended = self._ended(operation) if operation else {}
        assert not ended or ended["state"] in ENDED, ended
        for name in self.truth.releases:
            number = self.patiently(partial(self.trial.live, name))
            least, most = self.truth.releases[name]
            assert least <= number <= most, f"{name}: {number} is live"
            self._only(name, number, probes)
        self.settle()

    def _serves(self, probe: Judge, last: list[tuple[int, bytes]]) -> bool:
        allowed = self.truth.releases[probe.way.app]
        last.append(probe.ask())
        status, body = last[-1]
        why = probe.judge(status, body, allowed)
        assert why is None, why
        return status not in OF_THE_MOMENT

    def _ended(self, operation: str) -> Json:
        def now() -> Json:
            return self.patiently(lambda: self.trial.operation(operation))

        until(lambda: now()["state"] in ENDED, SETTLED_WITHIN_S)
        return now()

    def _only(self, name: str, number: int, probes: list[Judge]) -> None:
        """Wait until a release is what answers by every way; from then on no other may."""
        for probe in probes:
            if probe.way.app == name and probe.way.account:
                until(partial(_is_of, probe, number), AGAIN_WITHIN_S)
        self.truth.releases[name] = (number, number)

    def patiently(self, ask: Callable[[], T]) -> T:
        """What the server says, as soon as it says something."""
        told: list[T] = []

        def answered() -> bool:
            with suppress(OSError, http.client.HTTPException, AssertionError):
                told.append(ask())
            return bool(told)

        until(answered, SETTLED_WITHIN_S)
        return told[0]

    def settle(self) -> None:
        """Wait until no process, folder, record or control group is left over, and no operation is under way.

        Raises: AssertionError: something is.
        """
        limit = time.monotonic() + SETTLED_WITHIN_S
        while left := self._left_over():
            assert time.monotonic() < limit, left
            time.sleep(0.1)

    def _left_over(self) -> list[str]:
        server = self.trial.server
        layout = Layout(server.data, user=os.getuid())
        running = server.api("GET", "/api/v1/instances")
        standing = {str(one["id"]): one["pid"] for one in cast("list[Json]", running["items"])}
        standing |= {str(one["instance"]): one["pid"] for one in cast("list[Json]", running["standbys"])}
        sessions = {*standing.values()}
        left = [
            f"operation {one['id']} is {one['state']}"
            for one in self._operations()
            if one["state"] not in ENDED
        ]
        proxies = 0
        for process in self.trial.processes():
            if process.is_proxy:
                proxies += 1
            elif process.session not in sessions:
                left.append(f"process {process}")
        if proxies > 1:
            left.append(f"{proxies} proxies")
        named = {str(path): path.name for path in layout.run.glob("ins_*")}
        named |= {str(path): path.stem for path in layout.supervisor.glob("ins_*.json")}
        house = _house(layout)
        # Other folders come and go meanwhile, which a walk does not mind.
        for at, inner, _ in os.walk("/sys/fs/cgroup"):
            if at.endswith(house):
                named |= {f"{at}/{name}": name for name in inner}
        left += [f"{path} has no instance" for path, name in named.items() if name not in standing]
        left += [str(path) for path in layout.supervisor.glob("*.bad")]
        return left

    def _operations(self) -> list[Json]:
        return cast("list[Json]", self.trial.server.api("GET", "/api/v1/operations")["items"])


def _waited_for_processors(pid: int) -> float:
    """Of its first thread, in seconds (schedstats of the kernel's documentation)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


def _is_of(probe: Judge, number: int) -> bool:
    return f", {number}, ".encode() in probe.ask()[1]


def _house(layout: Layout) -> str:
    """What the control groups of an installation lie in."""
    return f"tholos-{zlib.crc32(os.fsencode(layout.supervisor.absolute())):08x}"
