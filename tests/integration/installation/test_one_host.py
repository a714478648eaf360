"""Apps under paths of the console's host, with a proxy in front: they are reached past the door as those with hosts of their own."""

import json
from contextlib import ExitStack

from tholos.gateway.render import ROUTES
from tholos.testing.proxy_files import read
from tholos.testing.trial import Trial, eventually
from tholos.testing.visitors import ECHO, UPGRADE, Browser, Watched, frame, newcomer

WAYS = ("gateway",)
SETTINGS = {"THOLOS_APPS__ADDRESSES": "paths"}


def paths_past_the_door(trial: Trial) -> dict[str, str]:
    """By what the paths of an app begin with, what the proxy is told of it."""
    table = read(trial.server.data / "proxy" / ROUTES)
    trees = [
        one["matcher"]["matcher_tree"] for one in table["resources"][0]["virtual_hosts"] if "matcher" in one
    ]
    return {
        begins: json.dumps(lane) for tree in trees for begins, lane in tree["prefix_match_map"]["map"].items()
    }


def told(browser: Browser, path: str, **more: str) -> dict[str, str]:
    """The headers that the app gets."""
    got = browser.ask("GET", "", path, **more)
    assert got.status == 200, (got.status, got.body)
    return dict(got.json())


def test_it_is_reached_without_the_server_and_knows_its_path(trial: Trial) -> None:
    trial.publish("echo", {"app.py": ECHO})
    trial.publish("other", {"app.py": ECHO})
    for name in ("echo", "other"):
        trial.server.api("PATCH", f"/api/v1/apps/{name}/access", {"audience": "signed_in"})
    ada = newcomer(trial, "ada")
    own = {"Origin": ada.origin("")}
    assert ada.go("", "/app/echo/").status == 200
    with ada.sent("GET", "", "/app/echo/ws", **UPGRADE, **own) as tunnel:
        assert tunnel.recv(12) == b"HTTP/1.1 101"
    eventually(lambda: "cluster_header" in paths_past_the_door(trial).get("/app/echo/", ""))
    by_door = told(ada, "/app/echo/", Accept="text/event-stream")
    with ExitStack() as opened:
        trial.server.kill()
        try:
            past_it = told(ada, "/app/echo/")
            tunnel = opened.enter_context(ada.sent("GET", "", "/app/echo/ws", **UPGRADE, **own))
            assert tunnel.recv(12) == b"HTTP/1.1 101"
        finally:
            trial.server.start()
        watched = Watched(tunnel)
        tunnel.sendall(frame(b"still there"))
        assert ada.ask("GET", "", "/app/other/").status == 401, "the pass is for one of them"
        assert not watched.ended_within(0.3)
        assert ada.post("/sign-out").status == 303
        assert watched.ended_within(5)
    names = {
        "x-forwarded-prefix",
        "x-script-name",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-tholos-account",
    }
    assert {one: past_it.get(one) for one in names} == {one: by_door.get(one) for one in names}
    assert "tholos_" not in past_it.get("cookie", "") + by_door.get("cookie", "")
    assert ada.ask("GET", "", "/app/echo/").status == 401
