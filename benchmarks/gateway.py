"""CPU time per signed-in request through the proxy in front, beside nginx and configurable-http-proxy that only forward.

Envoy verifies the pass, matches its claims, removes our cookies and sets an identity, by the very files that the server
writes; the server takes no part in such a request. Counts user and system time of each proxy's processes (/proc/PID/stat).
All have one worker and the same app behind them, an nginx that answers a constant: by a unix socket where the proxy can, and with
connections that are kept. nginx and wrk come by apt (``tools/system.py --benchmarks``), the other proxy by npm.

It is measured twice: as it is, and with the access log that operators may ask for (``THOLOS_LOG__ACCESS``), which writes a line of every
request. Visits are written as they always are; of what is asked here none is one. *Envoy, bare* is for the reader and in no figure: the
same program with one route and nothing else that it can do without, neither statistics nor the numbers of requests; what we add to it is
ours, and what it takes itself is Envoy's.

    python benchmarks/gateway.py [--build FOLDER] [--rounds 4] [--seconds 3] [--connections 16]

Ends with the line ``gateway FIGURE 1 ok|short``. The figure is the largest of six: our CPU time by three times nginx's and by a quarter
of the other one's, with the access log by four times and by a third, three times the other's rate by ours, and the median latency that we
add, in milliseconds, at one connection.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import carrier
from measuring import free_port, report, scratch

from tholos.access.passes import ISSUER, Passes
from tholos.gateway.fleet import Cookies, Fleet, Front, Lane, stream_name
from tholos.gateway.proxy import ENVIRONMENT, Proxy
from tholos.gateway.render import render_bootstrap
from tholos.server.parts import find_envoy

NGINX = """
user {user}; daemon off; worker_processes 1; error_log {folder}/{name}.log; pid {folder}/{name}.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type text/plain; keepalive_requests 100000000; keepalive_timeout 1h;
  client_body_temp_path {folder}/{name}-a; proxy_temp_path {folder}/{name}-b; fastcgi_temp_path {folder}/{name}-c;
  uwsgi_temp_path {folder}/{name}-d; scgi_temp_path {folder}/{name}-e;
  upstream app {{ server unix:{folder}/app.sock; keepalive 64; }}
  server {{ {server} }}
}}
"""
PLAIN = """
listen 127.0.0.1:{port};
location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }}
"""
UPSTREAM = """
listen 127.0.0.1:{port}; listen unix:{folder}/app.sock;
location / {{ return 200 "hello world\\n"; }}
"""


@contextlib.contextmanager
def nginx(folder: Path, name: str, port: int, server: str) -> Iterator[int]:
    user = pwd.getpwuid(os.getuid()).pw_name
    written = NGINX.format(
        user=user, folder=folder, name=name, server=server.format(port=port, folder=folder)
    )
    (folder / f"{name}.conf").write_text(written, "utf-8")
    command = ["nginx", "-p", str(folder), "-c", f"{folder}/{name}.conf", "-e", f"{folder}/{name}.log"]
    with carrier.running(command, port) as pid:
        yield pid


def tree_of(pid: int) -> list[int]:
    """A process and its children, which nginx has."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(int(one) for one in children)]


def cpu_of_tree(pid: int) -> float:
    return sum(_cpu_seconds(one) for one in tree_of(pid))


_cpu_seconds = carrier.cpu_seconds


GATEWAY, LOGGED, BARE, OTHER = "gateway", "gateway, access log", "Envoy, bare", "configurable-http-proxy"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@contextlib.contextmanager
def envoy(folder: Path, name: str, port: int, bootstrap: str) -> Iterator[int]:
    """Envoy with one worker, as the supervisor starts it; its pid."""
    file = folder / f"{name}.json"
    file.write_text(bootstrap, "utf-8")
    # What it says goes to a file under the supervisor, and nowhere here.
    words = [find_envoy(os.environ), "-c", str(file), "--disable-hot-restart", "-l", "error"]
    words += ["--concurrency", "1", "--use-dynamic-base-id"]
    command = ["sh", "-c", 'exec "$@" >/dev/null', "sh", *words]
    with mock.patch.dict(os.environ, ENVIRONMENT), carrier.running(command, port) as pid:
        yield pid


@contextlib.contextmanager
def gateway(folder: Path, name: str, port: int, passes: Passes, *, logs: bool) -> Iterator[int]:
    """Envoy with our files, of which one is a lane."""
    own = folder / name
    own.mkdir()
    cookies = Cookies("tholos_pass", "tholos_handle", "tholos_txn")
    front = Front(
        "127.0.0.1", port, f"{folder}/no.sock", f"{own}/admin.sock", str(own), passes.public_keys(), ISSUER, cookies,
        is_secure=False, logs=logs,
    )  # fmt: skip
    lane = Lane(f"127.0.0.1:{port}", "app_1", 1, "ins_1", f"{folder}/app.sock", "app_1", 1)

    async def write() -> None:
        proxy = Proxy(front)
        proxy.write(Fleet((lane,), generations=("now",)))
        await proxy.close()

    asyncio.run(write())
    with envoy(folder, name, port, render_bootstrap(front)) as pid:
        yield pid


def bare(folder: Path, port: int) -> str:
    """A bootstrap of Envoy that only forwards."""
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}]
    manager = {
        "@type": MANAGER,
        "stat_prefix": "bare",
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": ROUTER, "dynamic_stats": False, "suppress_envoy_headers": True}}
        ],
    }  # fmt: skip
    where = {"address": {"pipe": {"path": f"{folder}/app.sock"}}}
    app = {
        "name": "app",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": [{"endpoint": where}]}]},
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return json.dumps(
        {
            "static_resources": {"listeners": [listener], "clusters": [app]},
            "stats_config": {"stats_matcher": {"reject_all": True}},
        }
    )


def compare(build: Path, rounds: int, seconds: float, connections: int) -> int:
    for program in ("nginx", "wrk"):
        if shutil.which(program) is None:
            sys.exit(f"Cannot measure: there is no {program}. Install it: apt-get install {program}")
    upstream, theirs, api = (free_port() for _ in range(3))
    with scratch() as folder, contextlib.ExitStack() as stack:
        stack.enter_context(nginx(folder, "upstream", upstream, UPSTREAM))
        other = [
            *carrier.install(build), "--ip", "127.0.0.1", "--port", str(theirs), "--api-ip", "127.0.0.1",
            "--api-port", str(api), "--default-target", f"http://127.0.0.1:{upstream}", "--log-level", "error",
        ]  # fmt: skip
        passes = Passes(folder / "keys")
        candidates = []
        for name, logs in ((GATEWAY, False), (LOGGED, True)):
            port = free_port()
            pid = stack.enter_context(gateway(folder, f"logs-{logs}", port, passes, logs=logs))
            candidates.append(carrier.Candidate(name, pid, port))
        port = free_port()
        pid = stack.enter_context(envoy(folder, "bare", port, bare(folder, port)))
        candidates.append(carrier.Candidate(BARE, pid, port))
        port = free_port()
        pid = stack.enter_context(nginx(folder, "plain", port, PLAIN))
        candidates.append(carrier.Candidate("nginx", pid, port))
        pid = stack.enter_context(carrier.running(other, theirs))
        candidates.append(carrier.Candidate(OTHER, pid, theirs))
        with (
            mock.patch.object(carrier, "HEADERS", headers_of(passes)),
            mock.patch.object(carrier, "cpu_seconds", cpu_of_tree),
        ):
            for _ in range(rounds + 1):  # the first warms up
                for candidate in candidates:
                    candidate.measure(connections, seconds)
            added = median_ms(candidates[0].port) - median_ms(upstream)
    return _report(candidates, added)


def headers_of(passes: Passes) -> dict[str, str]:
    """Of somebody who signed in."""
    said = {"e": "now", "n": "ada", "c": '{"user": "ada", "groups": []}', "k": stream_name("app_1", "ses_1")}
    issued = passes.issue("app_1", "acc_1", "ses_1", 1, said)
    cookie = f"theme=dark; tholos_pass={issued}; session=0123456789abcdef"
    return {**carrier.HEADERS, "Accept": "*/*", "Cookie": cookie}


def median_ms(port: int) -> float:
    """Of an answer to one who asks for nothing else meanwhile; the best of three."""
    headers = [part for name, value in carrier.HEADERS.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", "-c1", "-d1s", "--latency", *headers, f"http://127.0.0.1:{port}/"]
    said = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(3)]
    found = [re.search(r"50%\s+([\d.]+)(us|ms|s)", one) for one in said]
    by = {"us": 0.001, "ms": 1, "s": 1000}
    return min(float(one[1]) * by[one[2]] for one in found if one)


def _report(candidates: list[carrier.Candidate], added_ms: float) -> int:
    print(f"{'proxy':<26}{'CPU µs/request':>16}{'requests/s':>14}   rounds")
    cpu, rate = {}, {}
    for candidate in candidates:
        micros = candidate.micros[1:]
        cpu[candidate.name] = min(micros)
        rate[candidate.name] = max(candidate.rates[1:])
        rounds = " ".join(f"{value:.1f}" for value in micros)
        print(f"{candidate.name:<26}{cpu[candidate.name]:>16.1f}{rate[candidate.name]:>14.0f}   {rounds}")
    figures = [3 * rate[OTHER] / rate[GATEWAY], added_ms]
    for name, most, part in ((GATEWAY, 3, 4), (LOGGED, 4, 3)):
        by_plain, by_other = cpu[name] / cpu["nginx"], cpu[name] / cpu[OTHER]
        figures += [by_plain / most, by_other * part]
        print(
            f"CPU of {name}: {by_plain:.2f} of nginx's, {most} at most; {by_other:.2f} of the other's, 1/{part} at most"
        )
    ours, least = cpu[GATEWAY] - cpu[BARE], cpu[BARE] / cpu["nginx"]
    print(f"Envoy, bare: {least:.2f} of nginx's; what we have it do besides takes {ours:.1f} µs more")
    print(
        f"rate: {rate[GATEWAY] / rate[OTHER]:.2f} of the other's, 3 at least; latency: {added_ms:.3f} ms more, 1 at most"
    )
    return report("gateway", max(figures), 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path(__file__).parent.parent / "build" / "benchmarks")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    return compare(options.build, options.rounds, options.seconds, options.connections)


if __name__ == "__main__":
    sys.exit(main())
