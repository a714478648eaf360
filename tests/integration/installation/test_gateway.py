"""With a proxy in front: what goes on without the server, what is counted, and what happens where there is no proxy."""

import http.client
import json
import os
import signal
import threading
import time
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from tholos.gateway import wire
from tholos.gateway.proxy import ENVIRONMENT
from tholos.gateway.render import ROUTES
from tholos.testing.installation import Installation
from tholos.testing.proxy_files import read
from tholos.testing.trial import PATIENCE_S, Trial, eventually, wsgi
from tholos.testing.visitors import ECHO, Browser, Watched, again, frame, newcomer

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WAYS = ("gateway",)
RELEASE = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Release", "{0}")])
    return [b"release {0}"]
"""
LONG_S = 6
LONG = f"""
import time
def go_on():
    for _ in range({LONG_S * 10}):
        yield b"x"
        time.sleep(0.1)
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return go_on()
"""


@pytest.fixture(scope="module")
def site(trial: Trial) -> Trial:
    """With an app that everyone may open, opened once: from then on it has a lane."""
    trial.publish("shown", {"app.py": RELEASE.format(1)})
    trial.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": "everyone"})
    eventually(lambda: ask(trial).status == 200)
    return trial


REFUSED = wire.resource("no.such.Type", b"")


def ask(trial: Trial, path: str = "/", **headers: str):
    return trial.server.ask("GET", path, host="shown", token="", headers=headers)


def proxies(trial: Trial) -> list[int]:
    wanted = str(trial.server.data / "proxy" / "platform_proxy_")
    return [process.pid for process in trial.processes() if wanted in process.command]


def proxy_pid(trial: Trial) -> int:
    """Raises: ProcessLookupError."""
    for pid in proxies(trial):
        return pid
    raise ProcessLookupError("proxy")


def lanes(trial: Trial) -> str:
    return json.dumps(read(trial.server.data / "proxy" / ROUTES))


def test_an_app_answers_while_there_is_no_server(site):
    eventually(
        lambda: ask(site).status == 200 and '"name": "cookie"' in lanes(site)
    )  # what everyone may open
    by_token = partial(site.server.ask, "GET", "/", host="shown", token=site.server.token)
    eventually(
        lambda: by_token().status == 200 and sha256(site.server.token.encode()).hexdigest() in lanes(site)
    )
    assert site.server.token not in lanes(site)
    site.server.kill()
    try:
        assert by_token().status == 200
        answers = [ask(site, "/while-away", **NAVIGATION, **{"User-Agent": FIREFOX}).status for _ in range(3)]
    finally:
        site.server.start()
    assert answers == [200, 200, 200]

    def away():
        found = site.server.api("GET", "/api/v1/apps/shown/usage/visits")["items"]
        return [(one["path"], one["agent"]) for one in found if one["path"] == "/while-away"]

    eventually(lambda: len(away()) == 3)
    assert {*away()} == {("/while-away", "Firefox on Linux")}, "what nobody saw is counted afterwards"


def test_a_pass_of_an_earlier_server_is_renewed_at_its_next_request(site):
    """Otherwise everybody would go by the door until it ends."""
    made = site.server.api("POST", "/api/v1/accounts", {"name": "ada", "role": "viewer"})
    browser = Browser(site)
    code = made["sign_in_url"].partition("code=")[2]
    assert browser.post("/setup", code=code, password="correct horse battery").status == 303
    site.publish("kept", {"app.py": RELEASE.format(1)})
    site.server.api("PATCH", "/api/v1/apps/kept/access", {"audience": "signed_in"})
    assert browser.go("kept", "/").status == 200
    assert "tholos_pass" not in browser.ask("GET", "kept", "/").cookies
    site.server.restart()
    eventually(lambda: "tholos_pass" in browser.ask("GET", "kept", "/").cookies)
    assert "tholos_pass" not in browser.ask("GET", "kept", "/").cookies
    site.delete("kept")


def test_what_lasts_goes_on_without_the_server_and_ends_with_access(site):
    """A websocket and an event stream, which keep their app awake; another browser's go on."""
    first = newcomer(site, "vera", "viewer")
    second = again(first, "vera")
    site.publish("lasting", {"app.py": ECHO})
    site.server.api("PATCH", "/api/v1/apps/lasting/access", {"audience": "signed_in"})
    own = {"Origin": first.origin("lasting")}
    for browser in (first, second):
        assert browser.go("lasting", "/").status == 200
    assert first.upgrade("lasting", **own) == 101  # from here on it is known to have such
    eventually(lambda: lane_of(site, "lasting").count('"cluster_header"') == 3)
    assert Browser(site).upgrade("lasting", **own) == 401
    assert first.upgrade("lasting", Origin="http://elsewhere.localhost") == 403
    with (
        first.tunnel("lasting", **own) as (one, tunnel),
        first.stream("lasting") as stream,
        second.tunnel("lasting", **own) as (two, other_tunnel),
        second.stream("lasting") as other_stream,
    ):
        assert (one, two) == (101, 101)
        watched, others = [
            [Watched(opened) for opened in pair] for pair in ((tunnel, stream), (other_tunnel, other_stream))
        ]
        site.server.kill()
        try:
            tunnel.sendall(frame(b"still there"))
        finally:
            site.server.start()
        site.server.api("PUT", "/api/v1/apps/lasting/life", {"idle_timeout_s": 1})
        assert not watched[0].ended_within(3.5)
        assert not watched[1].ended_within(0)
        assert site.state("lasting") == "serving"
        assert first.post("/sign-out").status == 303
        assert all(one.ended_within(5) for one in watched)
        time.sleep(0.3)
        assert [one.ended_at for one in others] == [0.0, 0.0]
    eventually(lambda: site.state("lasting") == "asleep")
    assert second.upgrade("lasting", **own) == 101
    site.delete("lasting")


def test_another_release_and_the_end_of_being_public_are_seen_at_once(site):
    site.publish("shown", {"app.py": RELEASE.format(2)})
    eventually(lambda: ask(site).body == b"release 2")
    site.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": "listed"})
    assert ask(site).status == 401, "the answer of the change comes when it lives"
    made = site.server.api("POST", "/api/v1/tokens", {})
    by_token = partial(site.server.ask, "GET", "/", host="shown", token=made["token"])
    eventually(lambda: by_token().status == 200 and sha256(made["token"].encode()).hexdigest() in lanes(site))
    assert by_token().body == b"release 2"
    site.server.api("DELETE", f"/api/v1/tokens/{made['id']}")
    assert by_token().status == 401
    site.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": "everyone"})
    eventually(lambda: ask(site).status == 200)


def test_what_the_server_does_not_see_keeps_an_app_awake_and_is_counted(site):
    site.publish("lazy", wsgi("here"))
    site.server.api("PATCH", "/api/v1/apps/lazy/access", {"audience": "everyone"})
    get = partial(site.server.ask, "GET", host="lazy", token="")
    eventually(lambda: get("/").status == 200 and '"name": "cookie"' in lane_of(site, "lazy"))
    (before,) = site.instances("lazy")
    site.server.api("PUT", "/api/v1/apps/lazy/life", {"idle_timeout_s": 2})
    end = time.monotonic() + 4.5  # more than twice its idle time
    asked = 0
    while time.monotonic() < end:
        assert get("/").status == 200
        asked += 1
        time.sleep(0.1)
    (after,) = site.instances("lazy")
    assert after["id"] == before["id"]
    assert after["requests"] >= before["requests"] + asked
    told = site.server.ask("GET", "/metrics").text
    (line,) = [
        one for one in told.splitlines() if one.startswith("tholos_requests_total") and '"lazy"' in one
    ]
    assert float(line.rpartition(" ")[2]) >= asked
    eventually(lambda: site.state("lazy") == "asleep" and not site.instances("lazy"))
    assert get("/").status == 200
    site.delete("lazy")


def lane_of(trial: Trial, name: str) -> str:
    """What the proxy is told of one app."""
    hosts = json.loads(lanes(trial))["resources"][0]["virtual_hosts"]
    return next((json.dumps(one) for one in hosts if one["domains"][0].startswith(f"{name}.")), "")


def test_a_proxy_that_was_killed_comes_back(site):
    before = proxy_pid(site)
    environment = Path(f"/proc/{before}/environ").read_text("utf-8")
    assert all(f"{name}={value}" in environment.split("\0") for name, value in ENVIRONMENT.items())
    os.kill(before, signal.SIGKILL)

    def is_back():
        try:
            return proxy_pid(site) != before and ask(site).status == 200
        except OSError:
            return False

    eventually(is_back)


def test_a_server_that_was_stopped_in_order_begins_with_its_proxy(site):
    """Its supervisor remembers the one that it has stopped."""
    site.server.stop()
    site.server.start()
    assert proxy_pid(site)
    eventually(lambda: ask(site).status == 200)


def go_on_asking(site: Trial, is_over: threading.Event, failures: list[object]) -> None:
    """Ask by one connection for as long as it lasts, until it is over."""
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=PATIENCE_S)
    while not is_over.is_set():
        try:
            connection.request("GET", "/", headers={"Host": f"shown.localhost:{site.server.port}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            connection.close()
    connection.close()


def test_nobody_notices_that_another_proxy_takes_over(site):
    """As one is of which the settings changed, or the version; ``THOLOS_TAKE_OVERS`` is how often, there and back."""
    site.publish("long", {"app.py": LONG})
    site.server.api("PATCH", "/api/v1/apps/long/access", {"audience": "everyone"})
    eventually(lambda: site.server.ask("GET", "/", host="long", token="").status == 200)
    eventually(
        lambda: ask(site).status == 200 and lanes(site).count('"name": "cookie"') > 1
    )  # both have lanes
    failures, is_over = [], threading.Event()
    asker = threading.Thread(target=go_on_asking, args=(site, is_over, failures))
    asker.start()
    before = site.server.settings
    try:
        for _ in range(int(os.environ.get("THOLOS_TAKE_OVERS", "1"))):
            with site.stream("GET", "/", host="long") as answer:
                take_over(site, {**before, "THOLOS_GATEWAY__COMPRESS": "true"})
                assert answer.read() == b"x" * LONG_S * 10
            take_over(site, before)
    finally:
        is_over.set()
        asker.join(PATIENCE_S)
    site.delete("long")
    assert not failures


def take_over(site: Trial, settings: dict[str, str]) -> None:
    """Another proxy is in front, and the one of before is gone."""
    old = proxy_pid(site)
    site.server.settings = settings
    site.server.restart()
    eventually(lambda: proxies(site) and old not in proxies(site))


def test_files_that_it_refuses_leave_only_the_way_to_the_door(site):
    """Broken behind the server's back, the proxy keeps what it has; the server's next change is taken again."""
    (site.server.data / "proxy" / ".x").write_bytes(REFUSED)
    (site.server.data / "proxy" / ".x").replace(site.server.data / "proxy" / ROUTES)
    assert ask(site).status == 200
    site.publish("other", wsgi("here"))
    assert site.get("other", "/").status == 200


def test_once_it_refused_what_the_server_wrote_the_door_decides_everything_until_the_next_server(site):
    """Whatever is written for it is broken before it reads it, until that was told."""
    trial = site
    trial.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": "everyone"})
    ada = newcomer(trial, "refused")
    routes, is_over = trial.server.data / "proxy" / ROUTES, threading.Event()
    breaking = threading.Thread(target=break_what_comes, args=(routes, is_over))
    breaking.start()
    try:

        def is_told() -> bool:
            with suppress(OSError):  # it is begun anew
                for audience in ("signed_in", "everyone"):
                    trial.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": audience})
            return "gateway_failed_closed" in trial.server.log.read_text()

        eventually(is_told)
    finally:
        is_over.set()
        breaking.join()

    def is_in_line() -> bool:
        with suppress(OSError):
            trial.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": "signed_in"})
            return ask(trial).status == 401
        return False

    eventually(is_in_line)
    assert "shown.localhost" not in lanes(trial)
    assert ada.go("shown", "/").status == 200
    assert ada.post("/sign-out").status == 303
    assert ada.ask("GET", "shown", "/").status == 401
    trial.server.api("PATCH", "/api/v1/apps/shown/access", {"audience": "everyone"})
    trial.server.restart()
    eventually(lambda: ask(trial).status == 200 and "shown.localhost" in lanes(trial))


def break_what_comes(file: Path, is_over: threading.Event) -> None:
    before = file.stat().st_ino
    while not is_over.is_set():
        if file.stat().st_ino != before:
            broken = file.with_name(".broken")
            broken.write_bytes(REFUSED)
            broken.replace(file)
            before = file.stat().st_ino


def test_the_door_serves_alone_where_no_proxy_comes_up(tmp_path):
    settings = {"THOLOS_GATEWAY__MODE": "on", "THOLOS_GATEWAY__PROGRAM": "/bin/false"}
    installation = Installation(tmp_path, settings)
    installation.start()
    try:
        assert installation.ask("GET", "/api/v1/apps").status == 200
        assert "gateway_away" in installation.log.read_text()
        told = " ".join(installation.cli("doctor", "--data", str(installation.data)).stdout.split())
        assert "the server carries every request itself, slower: The proxy does not come up" in told
    finally:
        installation.clean()
