"""CPU time per signed-in request through the proxy in front, beside nginx and configurable-http-proxy that only forward.

Envoy verifies the pass, matches its claims, removes our cookies and sets an identity, by the very files that the server
writes; the server takes no part in such a request. Counts user and system time of each proxy's processes (/proc/PID/stat).
nginx has to be on PATH (``apt-get install nginx``) and is told to keep its connections; the other one comes by npm.

    python benchmarks/gateway.py [--build FOLDER] [--rounds 4] [--seconds 3] [--connections 16]

Ends with the line ``gateway FIGURE 1 ok|short``. The figure is the larger of two: ours by three times that of nginx, and by a
quarter of the other one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import carrier
from measuring import free_port, report, scratch

from tholos.access.passes import ISSUER, Passes
from tholos.gateway.carrier import new_event_loop
from tholos.gateway.fleet import Cookies, Fleet, Front, Lane
from tholos.gateway.proxy import Proxy
from tholos.gateway.render import render_bootstrap
from tholos.server.parts import find_envoy

NGINX = """
daemon off; worker_processes 2; error_log {folder}/error.log; pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream app {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 100000000;
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


async def serve_upstream(port: int, path: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_unix_server(carrier.Upstream, path, backlog=1024)
    await carrier.serve_upstream(port)


def tree_of(pid: int) -> list[int]:
    """A process and its children, which nginx has."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(int(one) for one in children)]


def cpu_of_tree(pid: int) -> float:
    return sum(_cpu_seconds(one) for one in tree_of(pid))


_cpu_seconds = carrier.cpu_seconds


@contextlib.contextmanager
def envoy(folder: Path, port: int) -> Iterator[tuple[int, str]]:
    """Envoy with one lane; its pid and a good pass."""
    passes = Passes(folder / "keys")
    cookies = Cookies("tholos_pass", "tholos_handle", "tholos_txn")
    front = Front(
        "127.0.0.1", port, f"{folder}/no.sock", f"{folder}/admin.sock", str(folder), passes.public_keys(), ISSUER,
        "now", cookies, is_secure=False,
    )  # fmt: skip
    lane = Lane(f"127.0.0.1:{port}", "app_1", 1, "ins_1", f"{folder}/app.sock", "app_1", 1)

    async def write() -> None:
        proxy = Proxy(front)
        proxy.write(Fleet((lane,)))
        await proxy.close()

    asyncio.run(write())
    (folder / "bootstrap.json").write_text(render_bootstrap(front), "utf-8")
    # What it says goes to a file under the supervisor, and nowhere here.
    words = [find_envoy(os.environ), "-c", f"{folder}/bootstrap.json", "--disable-hot-restart", "-l", "error"]
    command = ["sh", "-c", 'exec "$@" >/dev/null', "sh", *words]
    said = {"e": "now", "n": "ada", "c": '{"user": "ada", "groups": []}'}
    with carrier.running(command, port) as pid:
        yield pid, passes.issue("app_1", "acc_1", "ses_1", 1, said)


def compare(build: Path, rounds: int, seconds: float, connections: int) -> int:
    if shutil.which("nginx") is None:
        sys.exit("Cannot measure: there is no nginx. Install it: apt-get install nginx")
    upstream, ours, plain, theirs, api = (free_port() for _ in range(5))
    with scratch() as folder, contextlib.ExitStack() as stack:
        this = [sys.executable, __file__, "--role", "upstream", "--ports", str(upstream), "--path"]
        stack.enter_context(carrier.running([*this, f"{folder}/app.sock"], upstream))
        (folder / "nginx.conf").write_text(
            NGINX.format(folder=folder, port=plain, upstream=upstream), "utf-8"
        )
        other = [
            *carrier.install(build), "--ip", "127.0.0.1", "--port", str(theirs), "--api-ip", "127.0.0.1",
            "--api-port", str(api), "--default-target", f"http://127.0.0.1:{upstream}", "--log-level", "error",
        ]  # fmt: skip
        our_pid, issued = stack.enter_context(envoy(folder, ours))
        nginx = ["nginx", "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        candidates = [
            carrier.Candidate("gateway", our_pid, ours),
            carrier.Candidate("nginx", stack.enter_context(carrier.running(nginx, plain)), plain),
            carrier.Candidate(
                "configurable-http-proxy", stack.enter_context(carrier.running(other, theirs)), theirs
            ),
        ]
        headers = {
            **carrier.HEADERS,
            "Accept": "*/*",
            "Cookie": f"theme=dark; tholos_pass={issued}; session=0123456789abcdef",
        }
        with (
            mock.patch.object(carrier, "HEADERS", headers),
            mock.patch.object(carrier, "cpu_seconds", cpu_of_tree),
        ):
            for _ in range(rounds + 1):  # the first warms up
                for candidate in candidates:
                    candidate.measure(connections, seconds)
    return _report(candidates)


def _report(candidates: list[carrier.Candidate]) -> int:
    print(f"{'proxy':<26}{'CPU µs/request':>16}{'requests/s':>14}   rounds")
    best = []
    for candidate in candidates:
        micros = candidate.micros[1:]
        best.append(min(micros))
        rounds = " ".join(f"{value:.1f}" for value in micros)
        print(f"{candidate.name:<26}{best[-1]:>16.1f}{max(candidate.rates[1:]):>14.0f}   {rounds}")
    ours, plain, theirs = best
    print(f"ours by nginx: {ours / plain:.2f}, 3 at most; by the other: {ours / theirs:.2f}, 0.25 at most")
    return report("gateway", max(ours / (3 * plain), ours / (0.25 * theirs)), 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path(__file__).parent.parent / "build" / "benchmarks")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--role", choices=["upstream"], help=argparse.SUPPRESS)
    parser.add_argument("--ports", type=int, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--path", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role is None:
        return compare(options.build, options.rounds, options.seconds, options.connections)
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve_upstream(options.ports[0], options.path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
