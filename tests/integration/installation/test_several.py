"""Apps with several instances, those that are somebody's own among them: who goes where, by the door alone and past it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tholos.gateway.render import ROUTES
from tholos.runtime.layout import Layout
from tholos.testing.proxy_files import read
from tholos.testing.trial import Trial, eventually, wsgi
from tholos.testing.visitors import ECHO, Browser, Watched, again, frame, newcomer

WAYS = ("door", "gateway")
IS_SHARED = True

LIVES = {"several": {"min_instances": 2, "max_instances": 2}, "own": {"personal": True}}
STARTED = "import os, time, uuid; started = uuid.uuid4().hex"
BODY = """
    if environ["PATH_INFO"] == "/end":
        os._exit(1)
    while environ["PATH_INFO"] == "/wait" and not os.path.exists(os.environ["THOLOS_DATA"] + "/go"):
        time.sleep(0.02)
    return [started.encode()]"""


def app() -> dict[str, str]:
    """Tells which of its instances answers; ends that at ``/end``, and waits at ``/wait`` until a file is there."""
    files = {name: str(text) for name, text in wsgi("", before=STARTED).items()}
    return {**files, "app.py": files["app.py"].replace("\n    return [b'']", BODY)}


def publish(trial: Trial, name: str, files: dict[str, str], **life: object) -> None:
    trial.publish(name, files)
    trial.server.api("PATCH", f"/api/v1/apps/{name}/access", {"audience": "signed_in"})
    trial.server.api("PUT", f"/api/v1/apps/{name}/life", life)
    eventually(lambda: len(ready(trial, name)) == max(int(str(life.get("min_instances", 1))), 1))


def ready(trial: Trial, name: str) -> list[str]:
    return [str(one["id"]) for one in trial.instances(name) if one["state"] == "ready"]


def has_proxy(trial: Trial) -> bool:
    return trial.server.settings.get("THOLOS_GATEWAY__MODE") == "on"


def lane_of(trial: Trial, name: str) -> str:
    """What the proxy lives by of one app; empty where that has no lane, or there is no proxy."""
    if not has_proxy(trial):
        return ""
    table = read(trial.server.data / "proxy" / ROUTES)
    if table["version_info"] != shown(trial):
        return ""
    hosts = table["resources"][0]["virtual_hosts"]
    return next((json.dumps(one) for one in hosts if one["domains"][0].startswith(f"{name}.")), "")


def shown(trial: Trial) -> str:
    """The version of the routes that the proxy lives by, as it says itself."""
    sockets = Layout(trial.server.data).proxy_socket.parent.glob("proxy_*.sock")
    socket = max(sockets, key=lambda one: one.stat().st_mtime)
    way = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=way, base_url="http://admin", trust_env=False) as admin:
        said = admin.get("/stats", params={"filter": "^http.tholos.rds.tholos.version_text$"}).text
    return said.partition(": ")[2].strip().strip('"')


def told(trial: Trial, name: str, text: str) -> None:
    """Wait until the proxy, where there is one, knows this of an app."""
    eventually(lambda: not has_proxy(trial) or text in lane_of(trial, name))


def streams_of(trial: Trial, name: str) -> int:
    """How many sessions and tokens have a way for them past the door."""
    place, lane = str(trial.app(name)["id"]), lane_of(trial, name)
    listed = json.loads((trial.server.data / "proxy" / "listeners.json").read_text())["resources"]
    of_it = [one for one in listed if one["metadata"]["filter_metadata"]["tholos"]["place"] == place]
    sessions = [str(one["metadata"]["filter_metadata"]["tholos"]["session"]) for one in of_it]
    ways = [
        str(one["name"]).rpartition("-")[0] for one in of_it
    ]  # a session's is said by its pass, a token's by the route
    return sum(
        (session if session.startswith("ses_") else way) in lane
        for session, way in zip(sessions, ways, strict=True)
    )


def started(browser: Browser, name: str) -> str:
    got = browser.go(name, "/")
    assert got.status == 200, got.body
    return got.body.decode()


def is_past_the_door(trial: Trial, *asked: tuple[Browser, str, str]) -> None:
    """Where there is a proxy, each goes to the same instance while there is no server."""
    if not has_proxy(trial):
        return
    trial.server.kill()
    try:
        assert [browser.ask("GET", name, "/").body.decode() for browser, name, _ in asked] == [
            one for _, _, one in asked
        ]
    finally:
        trial.server.start()


@pytest.fixture
def both(trial: Trial, ada: Browser, bea: Browser) -> Iterator[Trial]:
    del ada, bea  # are there
    for name, life in LIVES.items():
        publish(trial, name, app(), **life)
    yield trial
    for name in LIVES:
        trial.delete(name)


def test_each_comes_to_the_same_instance_with_and_without_the_server(
    both: Trial, ada: Browser, bea: Browser
) -> None:
    trial = both
    seen = {
        (name, who): started(browser, name) for name in LIVES for who, browser in (("a", ada), ("b", bea))
    }
    assert len({*seen.values()}) == 4
    for name in LIVES:
        assert (started(ada, name), started(bea, name)) == (seen[name, "a"], seen[name, "b"])
    told(trial, "own", f'"exact": "{trial.server.api("GET", "/api/v1/accounts?q=bea")["items"][0]["id"]}"')
    told(trial, "several", f"tholos_instance={ready(trial, 'several')[0]}")
    is_past_the_door(trial, (ada, "own", seen["own", "a"]), (bea, "several", seen["several", "b"]))
    before = {*ready(trial, "several")}
    ada.ask("GET", "several", "/end")
    answers = [ada.ask("GET", "several", "/") for _ in range(20)]
    assert [one.status for one in answers] == [200] * 20, "another one stands in"
    eventually(lambda: len(ready(trial, "several")) == 2)
    assert {*ready(trial, "several")} & before


def test_another_starts_where_all_are_busy_whoever_carries_the_requests(trial: Trial, ada: Browser) -> None:
    publish(trial, "busy", app(), min_instances=1, max_instances=2, connections=1)
    started(ada, "busy")
    told(trial, "busy", f"tholos_instance={ready(trial, 'busy')[0]}")
    with ada.sent("GET", "busy", "/wait") as one, ada.sent("GET", "busy", "/wait") as two:
        eventually(lambda: len(ready(trial, "busy")) == 2)
        (trial.server.data / "apps" / str(trial.app("busy")["id"]) / "data" / "go").touch()
        assert [opened.recv(12) for opened in (one, two)] == [b"HTTP/1.1 200"] * 2
    trial.delete("busy")


def test_streams_go_on_without_the_server_and_end_with_access(trial: Trial) -> None:
    first = newcomer(trial, "sven", "viewer")
    second = again(first, "sven")
    for name, life in LIVES.items():
        publish(trial, name, {"app.py": ECHO}, **life)
        for browser in (first, second):
            assert browser.go(name, "/").status == 200
            assert upgrade(browser, name) == 101  # from here on it is known where
        eventually(lambda name=name: not has_proxy(trial) or streams_of(trial, name) == 2)
    with ExitStack() as opened:
        theirs, others = (
            [opened.enter_context(one.tunnel(name, Origin=one.origin(name))) for name in LIVES]
            for one in (first, second)
        )
        assert [status for status, _ in (*theirs, *others)] == [101] * 4
        made = trial.server.api("POST", "/api/v1/tokens", {})
        with_token = {"Authorization": f"Bearer {made['token']}"}
        assert Browser(trial).upgrade("own", **with_token) == 101
        eventually(lambda: not has_proxy(trial) or streams_of(trial, "own") == 3)
        status, program = opened.enter_context(Browser(trial).tunnel("own", **with_token))
        assert status == 101
        watched_token = made["id"], Watched(program)
        watched, watched_others = ([Watched(one) for _, one in some] for some in (theirs, others))
        if has_proxy(trial):
            trial.server.kill()
            try:
                for _, one in theirs:
                    one.sendall(frame(b"still there"))
            finally:
                trial.server.start()
        assert not any(one.ended_within(0.5) for one in watched)
        assert first.post("/sign-out").status == 303
        assert all(one.ended_within(5) for one in watched)
        for _, one in others:
            one.sendall(frame(b"still there"))
        assert not any(one.ended_within(0.3) for one in watched_others)
        token_id, by_token = watched_token
        assert not by_token.ended_within(0)
        trial.server.api("DELETE", f"/api/v1/tokens/{token_id}")
        assert by_token.ended_within(5)
        assert not any(one.ended_within(0.3) for one in watched_others)
    for name in LIVES:
        assert (upgrade(second, name), upgrade(first, name)) == (101, 401)
        trial.delete(name)


def upgrade(browser: Browser, name: str) -> int:
    return browser.upgrade(name, Origin=browser.origin(name))
