"""CPU time per request: the carrier beside configurable-http-proxy, same upstream, same load, same run.

Counts user and system time of the proxy's process alone (/proc/PID/stat). The other proxy is installed by npm into a
build folder if it is not there. Load comes from wrk where it is installed, else from this script. The carrier does
its whole work: it removes cookies, headers and prefixes and sets an identity; the other proxy only forwards.

    python benchmarks/carrier.py [--build FOLDER] [--rounds 4] [--seconds 3] [--connections 16]

Ends with the line ``carrier FIGURE 1.5 ok|short``; the figure is our CPU time divided by theirs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tholos.gateway.carrier import Carrier, new_event_loop
from tholos.gateway.model import Carry, Decision, RequestHead

PACKAGE = "configurable-http-proxy@5"
BOUND = 1.5
ANSWER = (
    b"HTTP/1.1 200 OK\r\nserver: bench\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"content-type: text/plain\r\ncontent-length: 12\r\n\r\nhello world\n"
)
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Cookie": "theme=dark; __Host-tholos_pass=eyJhbGciOiJFUzI1NiJ9.e30.c2ln; session=0123456789abcdef",
}


class Upstream(asyncio.Protocol):
    """Answers every head with the same bytes; requests have no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.left = b""

    def data_received(self, data: bytes) -> None:
        *heads, self.left = (self.left + data).split(b"\r\n\r\n")
        self.transport.write(ANSWER * len(heads))


async def serve_upstream(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


async def serve_carrier(port: int, upstream: int) -> None:
    carry = Carry(
        f"tcp:127.0.0.1:{upstream}",
        "bench",
        remove_cookies=frozenset({b"__Host-tholos_pass", b"__Host-tholos_handle"}),
        remove_headers=frozenset({b"x-real-ip"}),
        remove_prefixes=(b"x-tholos-", b"x-forwarded-", b"rstudio-connect-", b"posit-connect-", b"x-rsc-"),
        set_headers=[
            (b"x-tholos-user", b"ann"),
            (b"x-forwarded-proto", b"http"),
            (b"x-forwarded-for", b"127.0.0.1"),
        ],
        still_allowed=lambda: True,
    )

    async def decide(head: RequestHead, attempt: int) -> Decision:  # noqa: ARG001 - as Decide says
        return carry

    carrier = Carrier(decide)
    await carrier.listen_tcp("127.0.0.1", port)
    await asyncio.Event().wait()


async def load(port: int, connections: int, seconds: float) -> int:
    """Requests answered, where there is no wrk."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n".encode()
    end = time.monotonic() + seconds
    counts = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        while time.monotonic() < end:
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.readexactly(12)
            count += 1
        counts.append(count)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(ask())
    return sum(counts)


def install(build: Path) -> list[str]:
    """The command of the other proxy, installed if needed."""
    script = build / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not script.exists():
        build.mkdir(parents=True, exist_ok=True)
        install_line = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
            str(build),
            PACKAGE,
        ]
        subprocess.run(install_line, check=True)
    return ["node", str(script)]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """A process that listens on a port; yields its pid."""
    process = subprocess.Popen(command, env={**os.environ, "NODE_ENV": "production"})
    try:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"Cannot start {command[0]}: nothing listens on {port}.")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_requests(port: int, connections: int, seconds: float) -> int:
    url = f"http://127.0.0.1:{port}/"
    if shutil.which("wrk") is None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(load(port, connections, seconds))
    headers = [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", *headers, url]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in report or "Socket errors" in report:
        raise SystemExit(f"Cannot measure: requests failed.\n{report}")
    found = re.search(r"(\d+) requests in", report)
    assert found
    return int(found[1])


@dataclass
class Candidate:
    """A proxy under measurement."""

    name: str
    pid: int
    port: int
    micros: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def measure(self, connections: int, seconds: float) -> None:
        before, start = cpu_seconds(self.pid), time.monotonic()
        count = count_requests(self.port, connections, seconds)
        self.micros.append((cpu_seconds(self.pid) - before) / count * 1e6)
        self.rates.append(count / (time.monotonic() - start))


def compare(build: Path, rounds: int, seconds: float, connections: int) -> int:
    upstream, ours, theirs, api = (free_port() for _ in range(4))
    this = [sys.executable, __file__]
    other = [
        *install(build), "--ip", "127.0.0.1", "--port", str(theirs), "--api-ip", "127.0.0.1", "--api-port", str(api),
        "--default-target", f"http://127.0.0.1:{upstream}", "--log-level", "error",
    ]  # fmt: skip
    with (
        running([*this, "--role", "upstream", "--ports", str(upstream)], upstream),
        running([*this, "--role", "carrier", "--ports", str(ours), str(upstream)], ours) as our_pid,
        running(other, theirs) as their_pid,
    ):
        candidates = [
            Candidate("carrier", our_pid, ours),
            Candidate("configurable-http-proxy", their_pid, theirs),
        ]
        for candidate in candidates:
            count_requests(
                candidate.port, connections, 1
            )  # both warm up; the other has a compiler to wait for
        for _ in range(rounds):
            for candidate in candidates:
                candidate.measure(connections, seconds)
    return report(candidates)


def report(candidates: list[Candidate]) -> int:
    print(f"{'proxy':<26}{'CPU µs/request':>16}{'requests/s':>14}   rounds")
    for candidate in candidates:
        all_rounds = " ".join(f"{value:.1f}" for value in candidate.micros)
        print(
            f"{candidate.name:<26}{min(candidate.micros):>16.1f}{max(candidate.rates):>14.0f}   {all_rounds}"
        )
    figure = min(candidates[0].micros) / min(candidates[1].micros)
    print(f"carrier {figure:.2f} {BOUND} {'ok' if figure <= BOUND else 'short'}")
    return 0 if figure <= BOUND else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path(__file__).parent.parent / "build" / "benchmarks")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--role", choices=["upstream", "carrier"], help=argparse.SUPPRESS)
    parser.add_argument("--ports", type=int, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role is None:
        return compare(options.build, options.rounds, options.seconds, options.connections)
    serve = serve_upstream if options.role == "upstream" else serve_carrier
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(*options.ports))
    return 0


if __name__ == "__main__":
    sys.exit(main())
