"""The supervisor ends by SIGKILL in every state of an instance: the next one takes up what runs, and what is told is true."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tholos.testing.asking import Asker
from tholos.testing.trial import Files, Trial, eventually, wsgi

SETTINGS = {"THOLOS_APPS__DRAIN_TIMEOUT_S": "3", "THOLOS_APPS__START_TIMEOUT_S": "10"}

SLOW = "import time; time.sleep(1)"
NEVER = "import os, time; time.sleep(0.1); os._exit(7)"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal = lambda *_: None"
"""Our server sets a handler of its own after the app is loaded; this app does not let it."""


def streaming(text: str) -> Files:
    """An app whose ``/long`` goes on for ten seconds."""
    lines = (
        "import time",
        "def go_on():",
        "    for _ in range(100):",
        "        yield b'x' * 10",
        "        time.sleep(0.1)",
        "def app(environ, start_response):",
        '    start_response("200 OK", [("Content-Type", "text/plain")])',
        f"    return go_on() if environ['PATH_INFO'] == '/long' else [{text.encode()!r}]",
    )
    return {"app.py": "\n".join(lines)}


def kill_supervisor(trial: Trial) -> int:
    """Kill it, and wait for the next one."""
    eventually(lambda: next_supervisor(trial, 0) != 0, 20)
    before = trial.server.supervisor_pid
    os.kill(before, signal.SIGKILL)
    eventually(lambda: next_supervisor(trial, before) != 0, 10)
    return before


def next_supervisor(trial: Trial, before: int) -> int:
    try:
        found = trial.server.supervisor_pid
    except ProcessLookupError:
        return 0
    return found if found != before else 0


@pytest.fixture(autouse=True)
def one_truth(trial: Trial) -> Iterator[None]:
    """After each test: one instance for each live release, nothing else, and a status that is what processes say."""
    yield
    trial.settle()
    for app in trial.server.api("GET", "/api/v1/apps")["items"]:
        name = app["name"]
        if app["live"]:
            assert trial.instance(name)["pid"] in {one.pid for one in trial.processes()}
            status = trial.server.cli("status", name)
            assert status.returncode == 0
            assert "serving" in status.stdout, status.stdout
        trial.delete(name)
    assert trial.processes() == []


def test_ready(trial: Trial) -> None:
    """Nobody who asks notices, and the process is the same."""
    trial.publish("ready", wsgi("one"))
    before = trial.instance("ready")["pid"]
    with Asker(trial.server, "ready") as asker:
        kill_supervisor(trial)
        time.sleep(0.3)
    assert asker.failures == []
    assert trial.instance("ready")["pid"] == before
    trial.publish("ready", wsgi("two"))
    assert trial.get("ready").text == "two"


def test_ready_and_ended_while_there_was_no_supervisor(trial: Trial) -> None:
    """The next one finds that it is gone and starts it again; who asks meanwhile waits."""
    trial.publish("gone", wsgi("one"))
    before = trial.instance("gone")["pid"]
    supervisor = trial.server.supervisor_pid
    os.kill(supervisor, signal.SIGSTOP)
    os.killpg(int(str(before)), signal.SIGKILL)
    eventually(lambda: before not in {one.session for one in trial.processes()})
    os.kill(supervisor, signal.SIGKILL)
    assert trial.get("gone").text == "one"
    after = trial.instance("gone")
    assert (after["state"], after["restarts"]) == ("ready", 1)
    assert after["pid"] != before


@pytest.mark.parametrize("step", ["start", "health"])
def test_starting(trial: Trial, step: str) -> None:
    """A publish goes on to its end; the release before it serves until then."""
    trial.publish("starting", wsgi("one"))
    with Asker(trial.server, "starting") as asker:
        operation = trial.begin("starting", wsgi("two", before=SLOW))
        trial.until(operation, step, "running")
        kill_supervisor(trial)
        assert trial.wait(operation)["state"] == "done"
        eventually(lambda: asker.asked[-1].text == "two")
    assert asker.failures == []
    assert asker.texts == ["one", "two"]


def test_starting_what_never_starts(trial: Trial) -> None:
    trial.publish("never", wsgi("one"))
    operation = trial.begin("never", wsgi("two", before="import time; time.sleep(1); raise OSError('no')"))
    trial.until(operation, "health", "running")
    kill_supervisor(trial)
    assert trial.wait(operation)["state"] == "failed"
    assert trial.live("never") == 1
    assert trial.get("never").text == "one"


def test_failing(trial: Trial) -> None:
    """An app that waits for its next start is started by the next supervisor."""
    once = (
        "import os\n"
        "n = len(os.listdir(os.environ['THOLOS_DATA']))\n"
        "open(os.environ['THOLOS_DATA'] + f'/{n}', 'w').close()\n"
        "if 0 < n < 5: os._exit(7)"
    )
    trial.publish("failing", wsgi("one", before=once))
    os.killpg(int(str(trial.instance("failing")["pid"])), signal.SIGKILL)
    eventually(lambda: int(str(trial.instance("failing")["restarts"])) >= 3)
    assert trial.state("failing") in {"failing", "starting"}
    kill_supervisor(trial)
    eventually(lambda: trial.state("failing") == "serving")
    assert trial.get("failing").text == "one"


def test_failed(trial: Trial) -> None:
    """One that was given up stays given up, and says why; publishing again mends it."""
    marker = "import os, time\nif os.path.exists(os.environ['THOLOS_DATA'] + '/bad'): time.sleep(60)"
    trial.publish("failed", wsgi("one", before=marker))
    (trial.server.data / "apps" / str(trial.app("failed")["id"]) / "data" / "bad").touch()
    os.killpg(int(str(trial.instance("failed")["pid"])), signal.SIGKILL)
    eventually(lambda: trial.instance("failed")["state"] == "failed", 40)
    kill_supervisor(trial)
    time.sleep(0.5)
    assert trial.state("failed") == "failing"
    assert "did not answer within 10 s" in str(trial.app("failed")["state"])
    answer = trial.get("failed")
    assert (answer.status, "failed does not run" in answer.text) == (503, True)
    trial.publish("failed", wsgi("two"))
    assert trial.get("failed").text == "two"


def test_draining(trial: Trial) -> None:
    """The stream on the old release goes on; then the old release ends."""
    trial.publish("draining", streaming("one"))
    with trial.stream("GET", "/long", host="draining", token=trial.server.token) as answer:
        assert answer.read(10) == b"x" * 10
        trial.publish("draining", streaming("two"))
        eventually(lambda: "draining" in [one["state"] for one in trial.instances("draining")], 3)
        kill_supervisor(trial)
        assert answer.read(50) == b"x" * 50
        assert trial.get("draining").text == "two"


def test_stopping(trial: Trial) -> None:
    """One that does not heed SIGTERM is ended by the next supervisor when its time is over."""
    trial.publish("stopping", wsgi("one", before=STUBBORN))
    old = trial.instance("stopping")
    trial.publish("stopping", wsgi("two"))
    eventually(lambda: "stopping" in [one["state"] for one in trial.instances("stopping")], 5)
    kill_supervisor(trial)
    assert trial.get("stopping").text == "two"
    eventually(lambda: old["id"] not in [one["id"] for one in trial.instances("stopping")], 30)


@pytest.mark.parametrize("command", ["sleep 1; echo done", "sleep 1; exit 3"])
def test_prepare(trial: Trial, command: str) -> None:
    """How it ended cannot be known: the publish fails and says so, and the release before it serves."""
    trial.publish("prepare", wsgi("one"))
    operation = trial.begin("prepare", wsgi("two"), prepare=command)
    eventually(lambda: any(one.command.startswith("sleep") for one in trial.processes()))
    kill_supervisor(trial)
    ended = trial.wait(operation)
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "prepare_failed"
    assert "with an unknown exit code" in ended["error"]["message"]
    assert trial.get("prepare").text == "one"
    trial.publish("prepare", wsgi("two"), prepare="true")


def test_again_and_again_during_one_publish(trial: Trial) -> None:
    trial.publish("again", wsgi("one"))
    with Asker(trial.server, "again") as asker:
        operation = trial.begin("again", wsgi("two", before=SLOW))
        for _ in range(4):
            kill_supervisor(trial)
        assert trial.wait(operation)["state"] == "done"
    assert asker.failures == []


def test_deleting(trial: Trial) -> None:
    trial.publish(
        "deleting",
        wsgi(
            "one",
            before="import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), exit()))",
        ),
    )
    begun = trial.server.api("DELETE", "/api/v1/apps/deleting")
    kill_supervisor(trial)
    ended = trial.wait(begun["operation"]["id"])
    assert ended["state"] == "done", ended["error"]


def test_server_and_supervisor_at_once(trial: Trial) -> None:
    """Both are gone in the middle of a publish; what serves is a process that needs neither."""
    trial.publish("both", wsgi("one"))
    before = trial.instance("both")["pid"]
    operation = trial.begin("both", wsgi("two", before=SLOW))
    trial.until(operation, "health", "running")
    supervisor = trial.server.supervisor_pid
    trial.server.kill()
    os.kill(supervisor, signal.SIGKILL)
    assert before in {one.pid for one in trial.processes()}
    trial.server.start()
    assert trial.wait(operation)["state"] == "done"
    assert trial.get("both").text == "two"
