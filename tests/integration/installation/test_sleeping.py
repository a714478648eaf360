"""Apps that sleep when nobody uses them, wake when somebody does, and run several times: in a real installation."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tholos.testing.trial import PATIENCE_S, Trial, eventually, wsgi

SETTINGS = {
    "THOLOS_APPS__DRAIN_TIMEOUT_S": "5",
    "THOLOS_APPS__START_TIMEOUT_S": "20",
    "THOLOS_APPS__HOLD_S": "10",
}

STARTED = "import os, uuid; started = uuid.uuid4().hex"


def app(before: str = STARTED) -> dict[str, str]:
    """One that answers with its process, and waits at ``/wait`` until a file is there."""
    files = {name: str(text) for name, text in wsgi("", before=before).items()}
    body = """
    if environ["PATH_INFO"] == "/wait":
        import time
        while not os.path.exists(os.environ["THOLOS_DATA"] + "/go"):
            time.sleep(0.02)
    return [started.encode()]"""
    return {**files, "app.py": files["app.py"].replace("\n    return [b'']", body)}


def live(trial: Trial, name: str, **said: int) -> None:
    trial.server.api("PUT", f"/api/v1/apps/{name}/life", said)


def asleep(trial: Trial, name: str) -> None:
    """Wait until nothing of it runs and it is said to sleep."""
    eventually(lambda: trial.state(name) == "asleep" and not trial.instances(name))


@pytest.fixture(scope="module")
def lazy(trial: Trial) -> Trial:
    """Has an app that sleeps after a second."""
    trial.publish("lazy", app())
    live(trial, "lazy", idle_timeout_s=1)
    return trial


def test_it_sleeps_unused_and_wakes_once_for_all_who_ask(lazy: Trial) -> None:
    trial = lazy
    first = trial.get("lazy").text
    asleep(trial, "lazy")
    assert "next request" in str(trial.app("lazy")["state"])
    with ThreadPoolExecutor(12) as several:
        answers = [*several.map(lambda _: trial.get("lazy"), range(12))]
    assert [one.status for one in answers] == [200] * 12
    (second,) = {one.text for one in answers}
    assert second != first
    eventually(lambda: trial.state("lazy") == "serving")
    deeds = trial.server.api("GET", "/api/v1/audit?name=lazy&action=app.serving")["items"]
    assert len(deeds) == 1, "that it woke is no news"


def test_a_stranger_does_not_wake_it(lazy: Trial) -> None:
    trial = lazy
    asleep(trial, "lazy")
    assert trial.get("lazy", token="").status == 401
    assert trial.state("lazy") == "asleep"


def test_a_server_that_starts_again_lets_it_sleep(lazy: Trial) -> None:
    trial = lazy
    asleep(trial, "lazy")
    trial.server.restart()
    assert trial.state("lazy") == "asleep"
    assert trial.get("lazy").status == 200


def test_what_is_done_with_one_that_sleeps(trial: Trial) -> None:
    """A restart starts it, a publish replaces it, and it sleeps again after either; a roll-back as well."""
    trial.publish("changed", app())
    live(trial, "changed", idle_timeout_s=1)
    asleep(trial, "changed")
    begun = trial.server.api("POST", "/api/v1/apps/changed/restart")["operation"]
    assert trial.wait(begun["id"])["state"] == "done"
    asleep(trial, "changed")
    trial.publish("changed", app(f"{STARTED} + ' second'"))
    assert "second" in trial.get("changed").text
    asleep(trial, "changed")
    begun = trial.server.api("POST", "/api/v1/apps/changed/rollback", {})["operation"]
    assert trial.wait(begun["id"])["state"] == "done"
    assert "second" not in trial.get("changed").text
    asleep(trial, "changed")
    assert trial.server.api("GET", "/api/v1/apps/changed/why")["reasons"][0]["next"] == "tholos open changed"
    trial.delete("changed")


def test_one_that_does_not_start_again_says_so(trial: Trial) -> None:
    mark = 'import os; p = os.environ["THOLOS_DATA"] + "/mark"; started = "first"'
    fails = f'{mark}; assert not os.path.exists(p), "no data"; open(p, "w").close()'
    trial.publish("once", app(fails))
    live(trial, "once", idle_timeout_s=1)
    asleep(trial, "once")
    answer = trial.get("once")
    assert (answer.status, "no data" in answer.text or "does not run" in answer.text) == (503, True)
    eventually(lambda: trial.state("once") == "failing")
    trial.delete("once")


def hold(trial: Trial, name: str) -> socket.socket:
    """A request that is answered once :func:`let_go` is called."""
    port = trial.server.port
    lines = (
        "GET /wait HTTP/1.1",
        f"Host: {name}.localhost:{port}",
        f"Authorization: Bearer {trial.server.token}",
    )
    held = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    held.sendall("\r\n".join((*lines, "", "")).encode())
    return held


def let_go(trial: Trial, name: str) -> None:
    (trial.server.data / "apps" / str(trial.app(name)["id"]) / "data" / "go").touch()


def test_what_is_under_way_keeps_it_awake(trial: Trial) -> None:
    trial.publish("busy", app())
    live(trial, "busy", idle_timeout_s=1)
    (before,) = trial.instances("busy")
    with hold(trial, "busy") as held:
        time.sleep(2.5)  # twice its idle time
        assert [one["id"] for one in trial.instances("busy")] == [before["id"]]
        let_go(trial, "busy")
        assert b"200 OK" in held.recv(4096)
    asleep(trial, "busy")
    trial.delete("busy")


def test_several_run_where_one_is_not_enough(trial: Trial) -> None:
    """Another starts when all have as much as they take on; a browser keeps its own; and the rest end when unused."""
    trial.publish("many", app())
    live(trial, "many", idle_timeout_s=3, max_instances=2, connections=1, min_instances=1)
    assert trial.get("many").status == 200
    held = [hold(trial, "many") for _ in range(3)]
    eventually(lambda: [one["state"] for one in trial.instances("many")] == ["ready"] * 2)
    first = trial.get("many")
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("tholos_instance=")
    seen = {trial.get("many", headers={"Cookie": cookie}).text for _ in range(6)}
    assert seen == {first.text}
    let_go(trial, "many")
    for one in held:
        assert b"200 OK" in one.recv(4096)
        one.close()
    eventually(lambda: len(trial.instances("many")) == 1)
    live(trial, "many", min_instances=2, max_instances=2)
    eventually(lambda: [one["state"] for one in trial.instances("many")] == ["ready"] * 2)
    live(trial, "many", max_instances=1)
    eventually(lambda: [one["state"] for one in trial.instances("many")] == ["ready"])
    trial.delete("many")


def test_by_the_command_line(trial: Trial) -> None:
    trial.publish("typed", app())

    def tholos(*words: str) -> str:
        done = trial.server.cli("life", "typed", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert trial.get("typed").status == 200
    (row,) = [one for one in trial.server.api("GET", "/api/v1/instances")["items"] if one["app"] == "typed"]
    assert row["memory"] > 1_000_000
    assert row["requests"] >= 1
    assert row["used_at"]
    shown = trial.server.cli("status", "--all").stdout
    assert all(word in shown for word in ("typed", "MEMORY", "MB", "ready"))
    assert "request" in trial.server.cli("status", "typed").stdout
    assert "never" in tholos()
    said = tholos("--idle", "15m", "--max", "3", "--connections", "5")
    assert "after 15m without a request" in said
    document = json.loads(tholos("--json"))
    assert (document["life"]["idle_timeout_s"], document["holds"]["max_instances"]) == (900, 3)
    assert "never" in tholos("--idle", "never", "--max", "default")
    wrong = trial.server.cli("life", "typed", "--min", "3", "--max", "2")
    assert (wrong.returncode, "2 are the most" in wrong.stderr) == (2, True), wrong.stderr
    assert trial.server.cli("life", "typed", "--idle", "soon").returncode == 2
    trial.delete("typed")
