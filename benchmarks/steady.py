"""Failed ones of 100,000 signed-in requests through the proxy in front, while releases, servers and the proxy itself are replaced.

A browser's cookies go with every request, and those that come back take their place. Ten releases, three servers that are
killed and started again, and one start with other settings of the proxy, which replaces it. Nothing is asked twice: a
connection that is refused, an answer that is lost or cut off, and any status but 200 is a failed request; a connection that
was closed before anything was asked on it is not.

    python benchmarks/steady.py [--requests 100000] [--connections 16]

Ends with the line ``steady FIGURE 0 ok|short``; the figure is the number of failed requests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from measuring import report, scratch, server

from tholos.testing.trial import Trial
from tholos.testing.visitors import Browser

RELEASES = 10
KILLS = frozenset({2, 5, 8})
"""After these releases the server is killed."""
OTHER_PROXY = 6
NAME = "steady"
APP = """
BODY = b"release {number}"
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]
"""


@dataclass(slots=True)
class Load:
    """Asks on several connections until it is told to end.

    Args:
        wanted: how many requests, at least.
        least_s: how long the load lasts at least, so that what happens meanwhile fits in: paced by it.
    """

    browser: Browser
    wanted: int
    asked: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    when: list[tuple[float, str]] = field(default_factory=list)
    bodies: Counter[bytes] = field(default_factory=Counter)
    slowest_s: float = 0.0
    is_over: bool = False

    async def go_on(self, connections: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._connection())

    async def _connection(self) -> None:
        while not self.is_over or self.asked < self.wanted:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.browser.trial.server.port)
            except OSError as error:
                self.asked += 1
                self._failed(f"no connection: {error.strerror}")
                await asyncio.sleep(0.01)
                continue
            try:
                await self._ask_on(reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _ask_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask until the connection ends."""
        while not self.is_over or self.asked < self.wanted:
            await asyncio.sleep(0)
            if reader.at_eof():
                return
            began = time.monotonic()
            self.asked += 1
            try:
                if not await self._ask(reader, writer):
                    return
            except (OSError, asyncio.IncompleteReadError) as error:
                self._failed(f"no answer: {type(error).__name__}")
                return
            finally:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again.

        Raises: OSError, IncompleteReadError: there is no answer.
        """
        lines = [f"{name}: {value}" for name, value in self.browser.headers(NAME, {}).items()]
        writer.write("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").rstrip().split("\r\n")
        length, is_last = 0, False
        for name, _, value in (one.partition(": ") for one in fields):
            match name.lower():
                case "content-length":
                    length = int(value)
                case "connection":
                    is_last = value.lower() == "close"
                case "set-cookie":
                    cookie, _, rest = value.partition("=")
                    self.browser.jar[self.browser.host(NAME)][cookie] = rest.partition(";")[0]
        body = await reader.readexactly(length)
        if status.split()[1] != "200" or not body.startswith(b"release "):
            self._failed(f"{status} {body[:60]!r}")
            return False
        self.bodies[body] += 1
        return not is_last

    def _failed(self, why: str) -> None:
        self.failures[why] += 1
        self.when.append((time.monotonic(), why))


@dataclass(slots=True)
class Course:
    """What happens under the load."""

    trial: Trial
    began: float = field(default_factory=time.monotonic)
    marks: list[tuple[float, str]] = field(default_factory=list)

    def run(self) -> None:
        for number in range(2, RELEASES + 2):
            self._do(
                f"release {number}", partial(self.trial.publish, NAME, {"app.py": APP.format(number=number)})
            )
            if number - 1 in KILLS:
                self._do("the server is killed", self.trial.server.restart)
            if number - 1 == OTHER_PROXY:
                self._do("another proxy", self._replace_proxy)

    def _do(self, what: str, deed: Callable[[], object]) -> None:
        self.marks.append((time.monotonic(), what))
        deed()
        print(f"{time.monotonic() - self.began:7.1f} s  {what}", flush=True)
        time.sleep(0.5)

    def _replace_proxy(self) -> None:
        """Other settings are another proxy."""
        installation = self.trial.server
        installation.settings = {**installation.settings, "THOLOS_GATEWAY__COMPRESS": "true"}
        installation.restart()

    def before(self, at: float) -> str:
        """What had been begun last."""
        return next((what for began, what in reversed(self.marks) if began <= at), "the beginning")


async def measure(trial: Trial, browser: Browser, wanted: int, connections: int) -> tuple[Load, Course]:
    load, course = Load(browser, wanted), Course(trial)
    going = asyncio.create_task(load.go_on(connections))
    await asyncio.to_thread(course.run)
    load.is_over = True
    await going
    return load, course


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    with scratch() as folder, server(folder, THOLOS_GATEWAY__MODE="on") as running:
        trial = Trial(running)
        trial.publish(NAME, {"app.py": APP.format(number=1)})
        trial.server.api("PATCH", f"/api/v1/apps/{NAME}/access", {"audience": "signed_in"})
        made = trial.server.api("POST", "/api/v1/accounts", {"name": "ada", "role": "viewer"})
        browser = Browser(trial)
        browser.post(
            "/setup",
            code=str(made["sign_in_url"]).partition("code=")[2],
            password="correct horse battery",  # noqa: S106 - of this server alone
        )
        if browser.go(NAME, "/").status != 200:
            sys.exit("Cannot measure: the app does not open.")
        began = time.monotonic()
        load, course = asyncio.run(measure(trial, browser, options.requests, options.connections))
        took = time.monotonic() - began
    print(
        f"{load.asked} asked in {took:.0f} s, {load.asked / took:.0f} a second; the slowest took {load.slowest_s:.2f} s"
    )
    print(f"{len(load.bodies)} releases answered")
    causes = Counter((course.before(at), why) for at, why in load.when)
    for (what, why), count in causes.most_common(20):
        print(f"{count:>7} after {what}: {why}")
    return report("steady", load.failures.total(), 0)


if __name__ == "__main__":
    sys.exit(main())
