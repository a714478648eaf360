"""The real proxy lives by what is rendered, and says so; what it refuses changes nothing."""

import asyncio
import errno
import json
import os
import random
import ssl
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import httptools
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.access.passes import ISSUER, Passes
from tholos.access.proxy_log import read_visit
from tholos.access.service import Admission
from tholos.gateway import wire
from tholos.gateway.errors import ProxyRefused, ProxySilent
from tholos.gateway.fleet import EVERYONE, Bearer, Cookies, Fleet, Front, Lane, Stream, Way, stream_name
from tholos.gateway.hygiene import IDENTITY_HEADERS, IDENTITY_PREFIXES
from tholos.gateway.lane_counts import LaneCount, read_lane_counts
from tholos.gateway.proxy import ENVIRONMENT, Proxy, streams_before
from tholos.gateway.proxy import replace as replace_file
from tholos.gateway.render import (
    CLUSTERS,
    ROUTES,
    render_bootstrap,
    render_clusters,
    render_listeners,
    render_routes,
)
from tholos.server.parts import find_envoy
from tholos.testing import frames
from tholos.testing.authority import Authority
from tholos.testing.proxy_files import read

ADA = Admission("acc_ada", "ada", "ses_ada", 3, None, ("makers",))
COOKIES = Cookies("tholos_pass", "tholos_handle", "tholos_txn")
PATIENCE_S = 30.0
ORACLE_ROUNDS = 300
COOKIE_ROUNDS = 200


def front_in(folder: Path, passes: Passes, port: int = 0) -> Front:
    return Front(
        "127.0.0.1", port, f"{folder}/door.sock", f"{folder}/proxy.sock", str(folder), passes.public_keys(), ISSUER,
        COOKIES, False,
    )  # fmt: skip


def of(*lanes: Lane, streams: tuple[Stream, ...] = ()) -> Fleet:
    return Fleet(lanes, streams=streams, generations=("earlier", "now"))


# What is rendered is taken

IDS = st.from_regex(r"[a-z0-9][a-z0-9_]{0,30}", fullmatch=True)
PRINTABLE = st.from_regex(r"[!-~]([ -~]{0,60}[!-~])?", fullmatch=True)
BEARERS = st.builds(
    Bearer,
    st.binary(max_size=9).map(lambda one: sha256(one).hexdigest()),
    st.integers(0, 1 << 40),
    IDS,
    PRINTABLE,
    PRINTABLE,
)
LANES = st.builds(
    Lane,
    host=st.from_regex(r"[a-z][a-z0-9-]{0,30}\.localhost(:[1-9][0-9]{0,3})?", fullmatch=True),
    place=IDS,
    access_version=st.integers(0, 1_000_000),
    instance=IDS,
    socket=st.just("/run/some.sock"),
    app=IDS,
    release=st.integers(0, 10_000),
    is_public=st.booleans(),
    revoked=st.lists(IDS, max_size=300, unique=True).map(tuple),
    bearers=st.lists(BEARERS, max_size=5, unique_by=lambda one: one.hash).map(tuple),
    among=st.lists(
        st.builds(Way, IDS, st.just("/run/other.sock"), st.one_of(st.just(""), st.just(EVERYONE), IDS)),
        max_size=4,
        unique_by=lambda one: one.instance,
    ).map(tuple),
)


def under_paths(lanes):
    return [replace(one, host="localhost:8080", prefix=f"/app/{one.host.partition('.')[0]}") for one in lanes]


LISTS = st.lists(
    LANES, max_size=12, unique_by=(lambda lane: lane.host.partition(".")[0], lambda lane: lane.place)
)
FLEETS = st.one_of(LISTS, LISTS.map(under_paths)).map(
    lambda lanes: Fleet(
        tuple(lanes),
        streams=tuple(
            Stream(one.place, session, way.instance, way.socket)
            for one in lanes
            for way in one.ways
            for session in ("ses_1", EVERYONE, *(bearer.hash for bearer in one.bearers))
        ),
        generations=("before", "now"),
    )
)


def whole(front: Front, fleet: Fleet) -> str:
    """All of it in one file, since only that is what Envoy checks without running."""
    made = json.loads(render_bootstrap(front))
    made.pop("dynamic_resources")
    clusters = read(render_clusters(front, fleet)[0])["resources"]
    (table,) = read(render_routes(front, fleet)[0])["resources"]
    made["static_resources"]["clusters"] = [without_type(one) for one in clusters]
    (listener,) = made["static_resources"]["listeners"]
    inside = json.loads(render_listeners(fleet)[0])["resources"]
    made["static_resources"]["listeners"] += [without_type(one) for one in inside]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    del manager["rds"]
    manager["route_config"] = without_type(table)
    return json.dumps(made)


def without_type(one):
    return {name: value for name, value in one.items() if name != "@type"}


@settings(max_examples=8, deadline=None)
@given(FLEETS)
def test_whatever_is_rendered_envoy_takes(fleet):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "all.json")
        file.write_text(whole(front_in(Path(folder), Passes(Path(folder), 600)), fleet))
        program = find_envoy({"PATH": "/usr/bin"})
        checked = subprocess.run(
            [program, "-c", str(file), "--mode", "validate", "-l", "error"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert checked.returncode == 0, checked.stderr[-2000:]


# What is shown is lived by


class Echo:
    """A process that answers with its name and the head that it was sent."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"upgrade: websocket" in head.lower():
                    await self.echo(reader, writer)
                    return
                first, *lines = head.decode("latin-1").split("\r\n")
                parts = [line.partition(": ") for line in lines if line]
                sent = [("path", first.split()[1]), *((name, value) for name, _, value in parts)]
                told = json.dumps([self.name, sent]).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                    % len(told)
                    + told
                )
                await writer.drain()
        writer.close()

    async def echo(self, reader, writer):
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        writer.write(self.name.encode())
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()


class Bench:
    def __init__(self, folder: Path, port: int, **more: object) -> None:
        self.passes = Passes(folder / "keys", 600)
        self.front = replace(front_in(folder, self.passes, port), **more)
        self.proxy = Proxy(self.front, confirm_s=PATIENCE_S)
        self.host = f"app.localhost:{port}"
        self.lane = Lane(self.host, "app_1", 3, "ins_1", f"{folder}/app.sock", "app_1", 1)
        self.tunnels = []
        self.servers = []
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def also(self, *names):
        """Processes that answer besides."""
        folder = self.front.folder
        self.servers += [
            await asyncio.start_unix_server(Echo(name), f"{folder}/{name}.sock") for name in names
        ]

    def cookie(self, **told):
        claims = {"e": "now", "n": ADA.name, "c": '{"user": "ada"}', **told}
        issued = self.passes.issue("app_1", "acc_ada", claims.pop("g", "ses_ada"), claims.pop("v", 3), claims)
        return f"tholos_pass={issued}"

    async def ask(self, method="GET", path="/", **headers):
        sent = [("host", self.host), *((name.replace("_", "-"), value) for name, value in headers.items())]
        return await self.ask_with(method, path, sent)

    async def led(self, method, **headers):
        """Where a request is led to by its head alone; nothing of its body is sent."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {"host": self.host, **told}.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", self.front.port)
        self.tunnels.append(writer)
        writer.write(f"{method} / HTTP/1.1\r\n{lines}\r\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            await reader.readuntil(b"\r\n\r\n")
            return (await reader.readuntil(b'",'))[2:-2].decode()

    async def ask_with(self, method, path, sent):
        answer = await self.client.request(method, path, headers=sent)
        name, got = answer.json()
        return name, [(one.lower(), value) for one, value in got]


@asynccontextmanager
async def running(folder: Path, port: int, **more: object):
    bench = Bench(folder, port, **more)
    bench.proxy.write(Fleet())
    replace_file(folder / "bootstrap.json", render_bootstrap(bench.front))
    await bench.also("app", "door")
    flags = (
        "--disable-hot-restart",
        "--drain-time-s",
        "0",
        "-l",
        "error",
        "--file-flush-interval-msec",
        "50",
    )
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            find_envoy({"PATH": "/usr/bin"}), "-c", f"{folder}/bootstrap.json", *flags,
            stdout=said, stderr=asyncio.subprocess.DEVNULL, env=ENVIRONMENT,
        )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await bench.proxy.is_live():  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.02)
        yield bench
    finally:
        for tunnel in bench.tunnels:
            tunnel.close()
            with suppress(ConnectionError):
                await tunnel.wait_closed()
        await bench.client.aclose()
        await bench.proxy.close()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        for server in bench.servers:
            server.close()


@pytest.fixture
async def bench(tmp_path, unused_tcp_port):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        async with running(Path(folder), unused_tcp_port) as made:
            yield made


async def test_who_proves_it_goes_to_the_app_and_all_else_to_the_door(bench):
    lane = replace(bench.lane, revoked=("ses_gone",))
    assert (await bench.ask(cookie=bench.cookie()))[0] == "door"
    await bench.proxy.show(of(lane))
    own = f"http://{bench.host}"
    asked = [
        ("app", "GET", {"cookie": bench.cookie()}),
        ("app", "POST", {"cookie": bench.cookie(), "origin": own}),
        ("app", "GET", {"cookie": bench.cookie(e="earlier")}),
        ("door", "GET", {}),
        ("door", "GET", {"cookie": "tholos_pass=garbage"}),
        ("door", "GET", {"cookie": bench.cookie(g="ses_gone")}),
        ("door", "GET", {"cookie": bench.cookie(v=2)}),
        ("door", "GET", {"cookie": bench.cookie(e="before")}),
        ("door", "GET", {"cookie": bench.cookie(), "accept": "text/event-stream"}),
        ("door", "GET", {"cookie": bench.cookie(), "authorization": "Bearer tholos_x"}),
        ("door", "POST", {"cookie": bench.cookie()}),
        ("door", "POST", {"cookie": bench.cookie(), "origin": "null"}),
        ("door", "POST", {"cookie": bench.cookie(), "origin": "http://evil.localhost"}),
        ("app", "GET", {"cookie": bench.cookie(), "authorization": "Basic b3du"}),
    ]
    got = [(await bench.ask(method, **headers))[0] for _, method, headers in asked]
    assert got == [name for name, _, _ in asked]
    assert (await bench.ask(path="/.tholos/callback?t=1", cookie=bench.cookie()))[0] == "door"
    counted = (await asyncio.to_thread(read_lane_counts, bench.front.admin, PATIENCE_S))["ins_1"]
    assert counted == LaneCount(0, 4, {"2xx": 4})
    await bench.proxy.show(Fleet())
    assert (await bench.ask(cookie=bench.cookie()))[0] == "door"


# What lasts


class Tunnel:
    """A websocket, as far as a proxy sees one."""

    def __init__(self, bench):
        self.bench = bench

    async def open(self, session, **headers):
        host = self.bench.host
        self.reader, self.writer = await asyncio.open_connection(*host.replace("app.", "").split(":"))
        self.bench.tunnels.append(self.writer)
        sent = {"host": host, "connection": "upgrade", "upgrade": "websocket", "origin": f"http://{host}"}
        sent |= {"cookie": self.bench.cookie(g=session, k=stream_name("app_1", session)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self.writer.write(f"GET / HTTP/1.1\r\n{head}\r\n".encode())
        got = await self.reader.readuntil(b"\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 101"), got
        self.by = (await self.reader.read(100)).decode()
        return self

    async def says(self, text):
        self.writer.write(text)
        return await self.reader.readexactly(len(text))

    async def ends(self):
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read() == b""


async def test_the_streams_of_a_session_end_as_a_whole_and_nobody_elses(bench):
    ada, bea = (Stream("app_1", session, "ins_1", bench.lane.socket) for session in ("ses_ada", "ses_bea"))
    await bench.proxy.show(of(bench.lane, streams=(ada, bea)))
    opened = [await Tunnel(bench).open(session) for session in ("ses_ada", "ses_ada", "ses_bea", "ses_cid")]
    assert [one.by for one in opened] == ["app", "app", "app", "door"]
    assert (await bench.proxy.active([bench.lane.ways[0].cluster]))[bench.lane.ways[0].cluster] == 3
    assert set((await bench.proxy.active([ada.name, bea.name])).values()) == {2, 1}
    assert streams_before(Path(bench.front.folder)) == (ada, bea)
    await bench.proxy.show(of(bench.lane, streams=(bea,)))
    for one in opened[:2]:
        assert await one.ends()
    assert [await one.says(b"still") for one in opened[2:]] == [b"still", b"still"]
    assert (await Tunnel(bench).open("ses_ada")).by == "door"


async def test_no_request_is_led_to_a_way_that_is_gone(bench, monkeypatch):
    """While one is taken away, a stream that begins there is led to it or to the door."""
    own = Stream("app_1", "ses_ada", "ins_1", bench.lane.socket)
    await bench.proxy.show(of(bench.lane, streams=(own,)))
    steps = []
    confirm = bench.proxy._confirm

    async def confirmed(file, *more):
        await confirm(file, *more)
        steps.append((file, (await Tunnel(bench).open("ses_ada")).by))

    monkeypatch.setattr(bench.proxy, "_confirm", confirmed)
    await bench.proxy.show(of(bench.lane))
    assert steps == [(ROUTES, "door"), (CLUSTERS, "door"), ("listeners.json", "door")]
    steps.clear()
    await bench.proxy.show(of(bench.lane, streams=(own,)))
    assert steps == [(CLUSTERS, "door"), ("listeners.json", "door"), (ROUTES, "app")]


async def test_a_stream_goes_on_at_the_instance_where_it_began(bench):
    before = Stream("app_1", "ses_ada", "ins_1", bench.lane.socket)
    await bench.proxy.show(of(bench.lane, streams=(before,)))
    old = await Tunnel(bench).open("ses_ada")
    lane = replace(bench.lane, instance="ins_2", socket=bench.front.door)
    after = replace(before, instance="ins_2", socket=lane.socket)
    await bench.proxy.show(replace(of(lane, streams=(before, after)), leaving=bench.lane.ways))
    new = await Tunnel(bench).open("ses_ada")
    assert (old.by, new.by) == ("app", "door")
    await bench.proxy.show(of(streams=(before, after)))
    assert [await one.says(b"still") for one in (old, new)] == [b"still", b"still"]
    assert set((await bench.proxy.active([before.cluster, after.cluster])).values()) == {1}
    assert (await bench.proxy.active([before.name]))[before.name] == 2
    await bench.proxy.show(Fleet())
    assert await old.ends()
    assert await new.ends()


# Several instances


def several(bench, *whose):
    """Its lane, with an instance for each, and the processes that those are."""
    ways = [
        Way("ins_1", bench.lane.socket, whose[0]),
        Way("ins_2", f"{bench.front.folder}/other.sock", whose[1]),
    ]
    return replace(bench.lane, among=tuple(ways))


async def test_of_several_a_browser_keeps_the_one_that_the_door_chose(bench):
    await bench.also("other")
    lane = several(bench, "", "")
    await bench.proxy.show(of(lane))
    first, second = (f"{bench.cookie()}; a=1; tholos_instance={one}" for one in ("ins_1", "ins_2"))
    own = f"http://{bench.host}"
    assert (await bench.ask(cookie=bench.cookie()))[0] == "door"
    assert (await bench.ask(cookie=f"{bench.cookie()}; tholos_instance=ins_gone"))[0] == "door"
    assert (await bench.ask(cookie="tholos_instance=ins_1"))[0] == "door", "it proves nothing"
    assert (await bench.ask(cookie=first))[0] == "app"
    name, got = await bench.ask(cookie=second)
    assert (name, dict(got)["cookie"].strip()) == ("other", "a=1")
    assert (await bench.ask("POST", cookie=second, origin=own))[0] == "other"
    counted = await asyncio.to_thread(read_lane_counts, bench.front.admin, PATIENCE_S)
    assert (counted["ins_1"].begun, counted["ins_2"].begun) == (1, 2)
    await bench.proxy.show(of(replace(lane, is_public=True)))
    assert (await bench.ask(cookie="tholos_instance=ins_2"))[0] == "other"
    for theirs, kept in (("a=1", "a=1"), (long := f"a={'y' * 9000}", f"tholos_instance=ins_2; {long}")):
        name, got = await bench.ask(cookie=f"tholos_instance=ins_2; {theirs}")
        assert (name, dict(got)["cookie"].strip()) == ("other", kept), "nothing of theirs is lost"
    assert (await bench.ask(cookie="tholos_instance=ins_2; tholos_handle=x"))[0] == "door"
    assert (await bench.ask())[0] == "door", "which chooses"


async def test_one_of_several_that_is_gone_is_stood_in_for_by_another(bench):
    await bench.proxy.show(of(several(bench, "", "")))
    cookies = [f"{bench.cookie()}; tholos_instance={one}" for one in ("ins_1", "ins_2")]
    assert [(await bench.ask(cookie=one))[0] for one in cookies] == ["app", "app"]


async def test_programs_without_a_cookie_come_to_any_of_several(bench):
    await bench.also("other")
    await bench.proxy.show(of(replace(several(bench, "", ""), bearers=(bearer("tholos_a"),))))
    token = {"authorization": "Bearer tholos_a"}
    assert {(await bench.ask(**token))[0] for _ in range(40)} == {"app", "other"}
    assert (await bench.ask(authorization="Bearer tholos_b"))[0] == "door"


async def test_everybody_comes_to_their_own_and_to_nobody_elses(bench):
    await bench.also("other")
    lane = several(bench, "acc_ada", "acc_bea")
    bearers = (
        bearer("tholos_a"),
        replace(bearer("tholos_b"), account="acc_bea"),
        replace(bearer("tholos_c"), account="acc_c"),
    )
    await bench.proxy.show(of(replace(lane, bearers=bearers)))
    mixed = f"{bench.cookie(sub='acc_bea')}; tholos_instance=ins_1"
    asked = [
        ("app", {"cookie": bench.cookie()}), ("other", {"cookie": bench.cookie(sub="acc_bea")}), ("other", {"cookie": mixed}),
        ("door", {"cookie": bench.cookie(sub="acc_cid")}), ("door", {}), ("door", {"cookie": bench.cookie(sub="everyone")}),
        ("app", {"authorization": "Bearer tholos_a"}), ("other", {"authorization": "Bearer tholos_b"}),
        ("door", {"authorization": "Bearer tholos_c"}),
    ]  # fmt: skip
    assert [(await bench.ask(**headers))[0] for _, headers in asked] == [name for name, _ in asked]
    await bench.proxy.show(of(replace(several(bench, "acc_ada", EVERYONE), is_public=True)))
    asked = [("app", bench.cookie()), ("door", bench.cookie(sub="everyone")), ("other", "a=1")]
    assert [(await bench.ask(cookie=cookie))[0] for _, cookie in asked] == [name for name, _ in asked]


async def test_streams_go_where_their_session_is_and_everyones_to_each(bench):
    await bench.also("other")
    lane = replace(several(bench, "", ""), is_public=True)
    ways = [(way.instance, way.socket) for way in lane.ways]
    ada = [Stream("app_1", "ses_ada", *way) for way in ways]
    everyones = [Stream("app_1", EVERYONE, *way) for way in ways]
    await bench.proxy.show(of(lane, streams=(*ada, *everyones)))

    async def by(instance, **told):
        cookie = f"{bench.cookie(k=ada[0].name)}; tholos_instance={instance}"
        return (await Tunnel(bench).open("ses_ada", **{"cookie": cookie, **told})).by

    assert [await by(one) for one in ("ins_1", "ins_2")] == ["door", "other"], "the last is where it begins"
    anybody = [await by("", cookie=f"tholos_instance={one}") for one in ("ins_1", "ins_2", "ins_3")]
    assert anybody == ["app", "other", "door"]


# Under paths


async def test_under_a_path_an_app_sees_its_own_paths_and_is_told_what_stands_before_them(bench):
    await bench.also("other")
    host = f"localhost:{bench.front.port}"
    sales = replace(bench.lane, host=host, prefix="/app/sales")
    more = replace(
        sales,
        place="app_2",
        instance="ins_2",
        socket=f"{bench.front.folder}/other.sock",
        prefix="/app/sales-2",
    )
    bench.host = host
    await bench.proxy.show(of(sales, replace(more, is_public=True)))
    own = {"cookie": f"tholos_session=x; a=1; {bench.cookie()}; tholos_openid_0123abcd=x; b=2"}
    name, got = await bench.ask(
        path="/app/sales/in//it?q=/app/sales/", **own, x_forwarded_prefix="/forged", x_script_name="/f"
    )
    told = dict(got)
    assert (name, told["path"]) == ("app", "/in//it?q=/app/sales/")
    assert (told["x-forwarded-prefix"], told["x-script-name"], told["x-forwarded-host"]) == (
        "/app/sales",
    ) * 2 + (host,)
    assert [one.strip() for one in told["cookie"].split(";")] == ["a=1", "b=2"]
    assert not [one for one, _ in got if one.startswith("x-envoy")]
    asked = [
        ("door", "GET", "/app/sales", own), ("door", "GET", "/app/sale/", own), ("door", "GET", "/api/v1/apps", own),
        ("door", "GET", "/app/sales/.tholos/callback?t=1", own), ("door", "GET", "/app/sales/", {}), ("door", "GET", "/", own),
        ("door", "GET", "/app/sales-2/", own), ("door", "GET", "/app/sales-2/", {"cookie": "tholos_session=x"}),
        ("other", "GET", "/app/sales-2/", {"cookie": "a=1"}),
        ("app", "POST", "/app/sales/", {**own, "origin": f"http://{host}"}), ("door", "POST", "/app/sales/", own),
        ("door", "POST", "/app/sales/", {**own, "origin": f"http://127.0.0.1:{bench.front.port}"}),
    ]  # fmt: skip
    got = [(await bench.ask(method, path, **headers))[0] for _, method, path, headers in asked]
    assert got == [name for name, *_ in asked]
    bench.host = f"127.0.0.1:{bench.front.port}"
    assert (await bench.ask(path="/app/sales/", **own))[0] == "door", (
        "only by the name that its pages come from"
    )


async def test_a_stream_takes_no_lane_from_another_page_or_with_a_pass_that_is_not_believed(bench):
    own = Stream("app_1", "ses_ada", "ins_1", bench.lane.socket)
    await bench.proxy.show(of(replace(bench.lane, revoked=("ses_ada",)), streams=(own,)))
    assert (await Tunnel(bench).open("ses_ada")).by == "door"
    await bench.proxy.show(of(bench.lane, streams=(own,)))
    assert (await Tunnel(bench).open("ses_ada")).by == "app"
    wrong = [
        {"origin": "http://evil.localhost"}, {"origin": "null"}, {"cookie": "a=1"}, {"authorization": "Bearer tholos_x"},
        {"cookie": bench.cookie(v=2, k=own.name)}, {"cookie": bench.cookie(e="before", k=own.name)},
        {"cookie": bench.cookie(g="ses_bea", k=own.name)}, {"cookie": "a=1", "x-tholos-stream": own.name},
    ]  # fmt: skip
    assert [(await Tunnel(bench).open("ses_ada", **one)).by for one in wrong] == ["door"] * len(wrong)
    events = {"cookie": bench.cookie(k=own.name), "accept": "Text/Event-Stream"}
    own_page = f"http://{bench.host}"
    assert (await bench.ask(**events))[0] == "app"
    assert (await bench.ask("POST", origin=own_page, **events))[0] == "app"
    assert (await bench.ask("POST", **events))[0] == "door"
    assert not [one for one in (await bench.ask(**events))[1] if one[0] == "x-tholos-stream"]


@pytest.mark.parametrize("made", ["private", "public", "by token"])
async def test_the_way_back_from_signing_in_is_the_doors_whatever_comes_along(bench, made):
    token = "tholos_" + "aB3-_" * 8
    more = {"private": {}, "public": {"is_public": True}, "by token": {"bearers": (bearer(token),)}}[made]
    await bench.proxy.show(of(replace(bench.lane, **more)))
    opens = {
        "private": {"cookie": bench.cookie()}, "public": {}, "by token": {"authorization": f"Bearer {token}"}
    }[made]  # fmt: skip
    assert (await bench.ask(path="/", **opens))[0] == "app"
    for along in ({}, opens, {"cookie": bench.cookie()}, {"cookie": bench.cookie(), **opens}):
        for path in ("/.tholos/callback", "/.tholos/callback?t=1"):
            assert (await bench.ask(path=path, **along))[0] == "door", (along, path)


async def test_where_everyone_is_let_in_streams_of_nobody_in_particular_have_a_way(bench):
    lane = replace(bench.lane, is_public=True)
    way = Stream("app_1", EVERYONE, "ins_1", lane.socket)
    nobody = {"cookie": "a=1", "origin": "http://elsewhere.localhost"}
    await bench.proxy.show(of(lane))
    assert (await Tunnel(bench).open("ses_ada", **nobody)).by == "door"
    await bench.proxy.show(of(lane, streams=(way,)))
    opened = await Tunnel(bench).open("ses_ada", **nobody)
    assert opened.by == "app"
    assert (await bench.ask(accept="text/event-stream"))[0] == "app"
    left = [bench.cookie(k=way.name), bench.cookie(g=EVERYONE, k=way.name), "tholos_handle=x"]
    assert [(await Tunnel(bench).open("ses_ada", cookie=one)).by for one in left] == ["door"] * 3
    await bench.proxy.show(of(bench.lane))
    assert await opened.ends()


# API tokens


def bearer(token, *, until=4_000_000_000, name="ada"):
    return Bearer(sha256(token.encode()).hexdigest(), until, "acc_ada", name, '{"user": "50%", "groups": []}')


async def test_who_sends_a_token_that_was_good_goes_to_the_app_and_the_token_does_not(bench):
    token = "tholos_" + "aB3-_" * 8
    past = "tholos_past"
    lane = replace(bench.lane, bearers=(bearer(token), bearer(past, until=int(time.time()))))
    assert (await bench.ask(authorization=f"Bearer {token}"))[0] == "door"
    await bench.proxy.show(of(lane))
    for scheme in ("Bearer", "Key", "bearer", "KEY"):
        name, got = await bench.ask("POST", authorization=f"{scheme} {token}", origin="http://evil.localhost")
        assert name == "app"
        told = dict(got)
        assert "authorization" not in told
        assert (told["x-tholos-account"], told["rstudio-connect-credentials"]) == (
            "ada",
            '{"user": "50%", "groups": []}',
        )
    left = [
        {"authorization": f"Basic {token}"}, {"authorization": f"Bearer {token}x"}, {"authorization": f"Bearer x{token}"},
        {"authorization": f"Bearer {past}"}, {"authorization": token}, {"authorization": f"Bearer {token}, Bearer {token}"},
        {"authorization": f"Bearer {token}", "cookie": bench.cookie()}, {"authorization": "Bearer tholos_" + "a" * 3000},
        {"authorization": f"Bearer {token}", "accept": "text/event-stream"},
    ]  # fmt: skip
    assert [(await bench.ask(**one))[0] for one in left] == ["door"] * len(left)
    name, got = await bench.ask(authorization=f"Bearer {past}")
    assert (name, dict(got)["authorization"]) == ("door", f"Bearer {past}")
    await bench.proxy.show(of(bench.lane))
    assert (await bench.ask(authorization=f"Bearer {token}"))[0] == "door"


async def test_the_streams_of_a_token_have_a_way_that_ends_with_it(bench):
    known, other = bearer("tholos_a"), bearer("tholos_b")
    lane = replace(bench.lane, bearers=(known, other))
    ways = [Stream("app_1", one.hash, "ins_1", lane.socket) for one in (known, other)]
    await bench.proxy.show(of(lane, streams=(ways[0],)))

    async def opened(token, **told):
        sent = {"cookie": "a=1", "authorization": f"Bearer {token}", "origin": "http://elsewhere", **told}
        return await Tunnel(bench).open("", **sent)

    tunnel = await opened("tholos_a")
    assert (tunnel.by, (await opened("tholos_b")).by) == ("app", "door")
    assert (await opened("tholos_a", cookie=bench.cookie())).by == "door"
    events = {"authorization": "Bearer tholos_a", "accept": "text/event-stream"}
    name, got = await bench.ask("POST", **events)
    assert (name, dict(got).get("authorization")) == ("app", None)
    assert (await bench.ask(**{**events, "authorization": "Bearer tholos_b"}))[0] == "door"
    await bench.proxy.show(of(lane, streams=tuple(ways)))
    others = await opened("tholos_b")
    assert others.by == "app"
    await bench.proxy.show(of(replace(lane, bearers=(other,)), streams=(ways[1],)))
    assert await tunnel.ends()
    assert await others.says(b"still") == b"still"
    assert (await opened("tholos_a")).by == "door"


async def test_a_token_of_any_length_is_known_by_its_hash(bench):
    draw = random.Random(256)  # noqa: S311 - no secret
    tokens = ["tholos_" + "".join(draw.choices("azAZ09-_", k=length)) for length in range(1, 190, 3)]
    await bench.proxy.show(of(replace(bench.lane, bearers=tuple(bearer(one) for one in tokens))))
    assert [(await bench.ask(authorization=f"Key {one}"))[0] for one in tokens] == ["app"] * len(tokens)


async def test_no_identity_but_ours_arrives(bench):
    await bench.proxy.show(of(bench.lane))
    forged = [
        *(f"{one.decode()}account" for one in IDENTITY_PREFIXES),
        *(one.decode() for one in IDENTITY_HEADERS),
    ]
    forged += ["X-Tholos-Account", "x_tholos_account", "X_Forwarded_For", "x-envoy-original-path"]
    ours = [("cookie", f"a=1; {bench.cookie()}; tholos_handle=2"), ("cookie", "tholos_txn_0123abcd=3; b=4")]
    sent = [("host", bench.host), *ours, *((name, "forged") for name in forged)]
    name, got = await bench.ask_with("GET", "/", sent)
    assert name == "app"
    assert not [one for one in got if "forged" in one[1]]
    told = dict(got)
    assert told["x-tholos-account"] == "ada"
    assert told["rstudio-connect-credentials"] == '{"user": "ada"}'
    forwarded = sorted(one for one in got if one[0].startswith("x-forwarded-"))
    assert forwarded == [
        ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-host", bench.host), ("x-forwarded-proto", "http"),
    ]  # fmt: skip
    assert "tholos_" not in told["cookie"]
    assert {one.strip() for one in told["cookie"].replace(",", ";").split(";")} == {"a=1", "b=4"}


# Judged by an oracle


def is_let_in(lane, claims, *, is_signed, is_now):
    """Whether a pass is one for a lane, in plain words."""
    return (
        is_signed
        and is_now
        and claims.get("iss") == ISSUER
        and claims.get("aud") == lane.place
        and claims.get("v") == lane.access_version
        and claims.get("e") == "now"
        and claims.get("g") not in lane.revoked
    )


async def test_whoever_is_let_in_an_oracle_would_let_in(bench):
    """Claims drawn at random, mostly right and wrong in one or two, for apps of one host after another's."""
    draw = random.Random(15)  # noqa: S311 - no secret
    lane = replace(bench.lane, revoked=("ses_gone", "ses_left"))
    await bench.proxy.show(of(lane))
    key = serialization.load_pem_private_key(
        (Path(bench.front.folder) / "keys" / "passes.pem").read_bytes(), None
    )
    other = ec.generate_private_key(ec.SECP256R1())
    wrong = {
        "iss": ["else", "", None],
        "aud": ["app_2", "APP_1", "app_1/r1", "", None, ["app_2"], "app_1 "],
        "v": [2, 4, 0, -3, None, "3", 3.5],
        "e": ["before", "", None, "now "],
        "g": ["ses_gone", "ses_left"],
    }
    told = Counter()
    for _ in range(ORACLE_ROUNDS):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "app_1", "sub": "acc_ada", "g": "ses_ada", "v": 3, "e": "now", "n": "ada",
                  "c": '{"user": "ada"}', "iat": now, "exp": now + 600}  # fmt: skip
        for name in draw.sample(sorted(wrong), draw.choice([0, 0, 1, 1, 2])):
            claims[name] = draw.choice(wrong[name])
        is_now = draw.random() > 0.1
        if not is_now:
            claims["exp"] = draw.choice([now - 5, now - 3600, 0, None])
        kept = {name: value for name, value in claims.items() if value is not None}
        is_signed = draw.random() > 0.1
        issued = jwt.encode(kept, key if is_signed else other, algorithm="ES256")
        expected = is_let_in(lane, kept, is_signed=is_signed, is_now=is_now)
        got = (await bench.ask(cookie=f"tholos_pass={issued}"))[0]
        assert got == ("app" if expected else "door"), (kept, is_signed)
        told[got] += 1
    assert min(told["app"], told["door"]) > ORACLE_ROUNDS / 10, told


async def test_a_name_that_somebody_else_has_now_lets_nobody_of_before_in(bench):
    """The host is the same and the place another: ids are never used again."""
    await bench.proxy.show(of(bench.lane))
    assert (await bench.ask(cookie=bench.cookie()))[0] == "app"
    await bench.proxy.show(of(replace(bench.lane, place="app_2", app="app_2")))
    assert (await bench.ask(cookie=bench.cookie()))[0] == "door"


PARTS = [
    "tholos_pass=SECRET", "tholos_handle=SECRET", "tholos_txn_0123abcd=SECRET", "theme=dark", "a", "=", "", "b=", "c=d=e",
    '"tholos_pass=SECRET"', 'q="x', "tholos_pass =SECRET", " tholos_handle= SECRET", "\ttholos_pass\t=\tSECRET",
    "xtholos_pass=1", "tholos_passx=2", "tholos_pass=SECRET SECRET", "tholos_pass=" + "SECRET" * 400, "long=" + "y" * 400,
]  # fmt: skip


async def test_no_cookie_of_ours_arrives_however_it_is_written(bench):
    """In one header or several, with any separator, quoted, empty or huge; whatever is the app's own does."""
    draw = random.Random(8)  # noqa: S311 - no secret
    await bench.proxy.show(of(bench.lane))
    good = bench.cookie()
    by_lane = 0
    for _ in range(COOKIE_ROUNDS):
        lines = [
            draw.choice(["; ", ";", ",", ", ", ";\t", ";;"]).join(draw.choices(PARTS, k=draw.randint(1, 6)))
            for _ in range(draw.randint(1, 3))
        ]
        more = [("cookie", one.strip()) for one in lines]
        sent = [("host", bench.host), ("cookie", f"{good}; mine=1"), *more]
        name, got = await bench.ask_with("GET", "/", sent)
        if name != "app":
            continue
        by_lane += 1
        cookies = " ".join(value for one, value in got if one == "cookie")
        quoted = cookies.replace('"tholos_pass=SECRET"', "")  # a name that begins with a quote is not ours
        assert "SECRET" not in quoted, lines
        assert "mine=1" in cookies, lines
        assert good.partition("=")[2] not in cookies
    assert by_lane > COOKIE_ROUNDS / 2


@pytest.mark.parametrize(("size", "by"), [(6000, "app"), (8000, "door"), (20_000, "door")])
async def test_cookies_arrive_whole_however_long_they_are(bench, size, by):
    """What the proxy cannot take ours out of goes by the door; where there is nothing of ours, nothing is taken out."""
    long = f"a=1; long={'y' * size}; b=2"
    token = "tholos_" + "a" * 20
    bearer = Bearer(sha256(token.encode()).hexdigest(), int(time.time()) + 60, "acc_ada", "ada", "{}")
    await bench.proxy.show(of(replace(bench.lane, is_public=True, bearers=(bearer,))))
    ways = [({"authorization": f"Bearer {token}"}, "app"), ({}, "app")]
    for sent, expected in [({"cookie": f"{bench.cookie()}; {long}"}, by)] + [
        ({"cookie": long, **one}, way) for one, way in ways
    ]:
        name, got = await bench.ask(**sent)
        assert name == expected
        (cookie,) = [value for one, value in got if one == "cookie"]
        assert cookie.partition("a=1")[1:] == long.partition("a=1")[1:]
        assert ("tholos_pass" in cookie) == (name == "door")


@pytest.mark.parametrize(
    "broken",
    [
        wire.resource("no.such.Type", b""),
        wire.resource(wire.TABLE, b"\xff"),
        wire.resource(wire.TABLE, wire.encode(wire.TABLE, {"virtual_hosts": [{"name": "of no domain"}]})),
    ],
)
async def test_what_it_refuses_is_told_and_changes_nothing(bench, monkeypatch, broken):
    await bench.proxy.show(of(bench.lane))
    monkeypatch.setattr("tholos.gateway.proxy.render_routes", lambda *_: (broken, "x"))
    with pytest.raises(ProxyRefused):
        await bench.proxy.show(Fleet((), (bench.lane,)))
    assert (await bench.ask(cookie=bench.cookie()))[0] == "app"


async def test_one_that_is_away_says_nothing(tmp_path):
    proxy = Proxy(front_in(tmp_path, Passes(tmp_path / "keys", 600)), confirm_s=0.1)
    assert not await proxy.is_live()
    with pytest.raises(ProxySilent):
        await proxy.show(Fleet())
    await proxy.close()


async def test_it_speaks_https_and_http_2_by_a_certificate_that_may_be_replaced(unused_tcp_port):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        authority = Authority.make(folder / "authority")
        file = str(authority.give_out("127.0.0.1"))
        context = ssl.create_default_context(cafile=authority.file)
        context.set_alpn_protocols(["h2", "http/1.1"])

        async def certificate():
            _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port, ssl=context)
            shown = writer.get_extra_info("ssl_object")
            writer.close()
            with suppress(ssl.SSLError, ConnectionError):
                await writer.wait_closed()
            return shown.selected_alpn_protocol(), shown.getpeercert(binary_form=True)

        async with running(folder, unused_tcp_port, certificate=file, private_key=file):
            protocol, first = await certificate()
            assert protocol == "h2"
            async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                answer = await client.get(f"https://127.0.0.1:{unused_tcp_port}/")
            assert ["x-forwarded-proto", "https"] in answer.json()[1]
            (folder / "authority" / "next").mkdir()
            fresh = replace(authority, folder=folder / "authority" / "next").give_out("127.0.0.1")
            fresh.replace(file)
            async with asyncio.timeout(PATIENCE_S):
                while (await certificate())[1] == first:  # noqa: ASYNC110 - nothing tells when
                    await asyncio.sleep(0.05)


class Heard:
    """A process that reads as strictly as any, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, reader, writer):
        self.writer, self.url, self.account = writer, b"", ""
        parser = httptools.HttpRequestParser(self)
        with suppress(ConnectionError, httptools.HttpParserError):
            while data := await reader.read(65536):
                parser.feed_data(data)
        writer.close()

    def on_url(self, url):
        self.url += url

    def on_header(self, name, value):
        if name.lower().replace(b"_", b"-") == b"x-tholos-account":
            self.account += value.decode()

    def on_message_complete(self):
        self.asked.append((self.url.decode(), self.account))
        self.url, self.account = b"", ""
        self.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@asynccontextmanager
async def hearing(*sockets):
    """All that is asked of processes at these paths."""
    asked = []

    async def serve(reader, writer):
        heard = Heard()
        heard.asked = asked
        await heard(reader, writer)

    for path in sockets:
        os.unlink(path)  # noqa: PTH108 - it is a name, and nothing else happens meanwhile
    servers = [await asyncio.start_unix_server(serve, path) for path in sockets]
    try:
        yield asked
    finally:
        for server in servers:
            server.close()


async def test_nothing_is_smuggled_where_https_and_http_2_become_plain_http_1(unused_tcp_port):
    """To an app and to the door: each request is one or none, and nobody says who asks but we."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        authority = Authority.make(folder / "authority")
        file = str(authority.give_out("127.0.0.1"))
        context = ssl.create_default_context(cafile=authority.file)
        context.set_alpn_protocols(["h2"])
        tls = {"certificate": file, "private_key": file, "is_secure": True}
        async with running(folder, unused_tcp_port, **tls) as bench:
            await bench.proxy.show(of(bench.lane))
            host = bench.host.encode()
            hidden = b"GET /hidden HTTP/1.1\r\nhost: " + host + b"\r\nx-tholos-account: evil\r\n\r\n"
            body = b"0\r\n\r\n" + hidden
            own = [(b"cookie", bench.cookie().encode()), (b"origin", b"https://" + host)]
            trailing = ((b"transfer-encoding", b"chunked"), (b"x-tholos-account", b"evil"))

            cases = [
                frames.request([*head, *more, (b"x-tholos-account", b"evil")], body, trailers=trailers)
                for head in frames.smuggling(host, hidden, len(body))
                for more, trailers in ((own, ()), ([], ()), (own, trailing))
            ]

            def ask():
                """All, before any answer is read: a refused one is closed after a second."""
                ended = {frames.HEADERS, frames.RESET, frames.GOAWAY}
                address = ("127.0.0.1", unused_tcp_port)
                with ExitStack() as stack:
                    opened = []
                    for case in cases:
                        one = stack.enter_context(frames.opened(address, PATIENCE_S, context))
                        one.sendall(case)
                        opened.append(one)
                    for one in opened:
                        any(kind in ended for kind, _, _ in frames.frames_of(one))

            async with hearing(bench.lane.socket, bench.front.door) as asked:
                await asyncio.to_thread(ask)
        assert ("/early", "ada") in asked
        assert {account for _, account in asked} == {"ada", ""}
        assert not [path for path, _ in asked if "hidden" in path or "smuggled" in path]


async def test_answers_are_compressed_where_that_is_wanted(unused_tcp_port):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        async with running(Path(name), unused_tcp_port, compresses=True) as bench:
            sent = {"host": bench.host, "accept-encoding": "gzip", "x-long": "x" * 2000}
            answer = await bench.client.get("/", headers=sent)
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.json()[0] == "door"


async def test_every_request_is_told_where_operators_want_it(unused_tcp_port):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        async with running(folder, unused_tcp_port, logs=True, logs_accounts=True) as bench:
            await bench.proxy.show(of(replace(bench.lane, name="sales")))
            await bench.ask(path="/door?secret=1", x_forwarded_host="forged")
            await bench.ask(path="/app?secret=1", cookie=bench.cookie())
            await bench.proxy.show(of(replace(bench.lane, name="sales", prefix="/app/sales")))
            await bench.ask(path="/app/sales/in", cookie=bench.cookie())
            async with asyncio.timeout(PATIENCE_S):
                while (said := (folder / "said").read_bytes()).count(b"\n") < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    line, under_path = said.splitlines()
    assert json.loads(under_path)["path"] == "/app/sales/in"
    told = json.loads(line)
    assert told.pop("timestamp").endswith("+00:00")
    assert (told.pop("sent") > 0, told.pop("milliseconds") >= 0) == (True, True)
    assert told == {
        "event": "request_answered", "method": "GET", "host": bench.host, "path": "/app", "status": 200, "received": 0,
        "by": "app", "app": "sales", "release": "1", "instance": "ins_1", "account": "acc_ada",
        "token_account": None,
    }  # fmt: skip
    assert read_visit(line) is None


async def test_a_body_takes_the_lane_where_it_says_that_it_keeps_to_the_bound(unused_tcp_port):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        async with running(Path(name), unused_tcp_port, max_body=8) as bench:
            own = f"http://{bench.host}"
            await bench.proxy.show(of(bench.lane))
            by_pass = {"cookie": bench.cookie(), "origin": own}
            assert (await bench.ask(cookie=bench.cookie()))[0] == "app"
            for length, expected in (
                ("0", "app"),
                ("8", "app"),
                ("9", "door"),
                ("1099511627776", "door"),
            ):
                assert await bench.led("POST", content_length=length, **by_pass) == expected
            assert await bench.led("POST", transfer_encoding="chunked", **by_pass) == "door"
            assert await bench.led("GET", content_length="9", cookie=bench.cookie()) == "door"
            await bench.proxy.show(of(replace(bench.lane, is_public=True)))
            assert await bench.led("POST", content_length="8") == "app"
            assert await bench.led("POST", content_length="9") == "door"
            assert await bench.led("POST", transfer_encoding="chunked") == "door"
            assert await bench.led("GET") == "app"
            for proved in ("cookie: a=1", f"cookie: {bench.cookie()}"):
                for protocol in ("--http2-prior-knowledge", "--http1.1"):
                    told = await brought(bench, "x" * 300_000, protocol, "-H", proved)
                    # curl takes an answer before the end of its stream for none.
                    assert told in {b"413", b"000"}


async def brought(bench, body: str, *options: str) -> bytes:
    """The status of a request that only reads, and brings a body whose length it does not say."""
    told = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "GET", "-T", "-", *options]
    client = await asyncio.create_subprocess_exec(
        "curl", *told, "-H", f"host: {bench.host}", f"http://127.0.0.1:{bench.front.port}/",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    return (await client.communicate(body.encode()))[0]


async def test_who_sends_too_much_or_too_slowly_is_not_waited_for(unused_tcp_port):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        limits = {"max_head_kb": 8, "head_timeout_s": 0.2, "idle_timeout_s": 0.2}
        async with running(Path(name), unused_tcp_port, **limits) as bench:
            answer = await bench.client.get("/", headers={"host": bench.host, "x-long": "x" * 9000})
            assert answer.status_code == 431
            for slow in (b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
                writer.write(slow)
                said = await asyncio.wait_for(reader.read(), PATIENCE_S)  # to its end
                writer.close()
                assert said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 200", b"HTTP/1.1 504"))


async def test_files_that_cannot_be_written_are_told_as_silence(bench, monkeypatch):
    """As on a full disk: what was shown before goes on, and whoever steers leaves the way to the door alone."""
    await bench.proxy.show(of(bench.lane))

    def full(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("tholos.gateway.proxy.replace", full)
    with pytest.raises(ProxySilent, match="cannot be written \\(No space left on device\\)"):
        await bench.proxy.show(Fleet())
    assert (await bench.ask(cookie=bench.cookie()))[0] == "app"
    monkeypatch.undo()
    await bench.proxy.show(Fleet())
    assert (await bench.ask(cookie=bench.cookie()))[0] == "door"
