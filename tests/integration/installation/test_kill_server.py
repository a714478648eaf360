"""The server ends by SIGKILL at every step of its work: whatever was begun reaches an end, and what serves goes on serving."""

import time

import pytest

from tholos.testing.asking import Asker
from tholos.testing.installation import Installation
from tholos.testing.trial import Trial, eventually, wsgi

SETTINGS = {"THOLOS_APPS__DRAIN_TIMEOUT_S": "2", "THOLOS_APPS__START_TIMEOUT_S": "10"}

SLOW = "import time; time.sleep(0.7)"
PAUSE_S = 0.02
"""Between two requests: a server is away for longer."""
PREPARE = "sleep 0.7; echo prepared"
STEPS = ("upload", "environment", "prepare", "start", "health", "switch")
MOMENTS = [*((step, "running") for step in STEPS), ("switch", "done")]
"""The end of a step is the beginning of the next."""


def restarted(server: Installation) -> tuple[float, float]:
    """Kill and start the server; from when to when it was away."""
    began = time.monotonic()
    server.restart()
    return began, time.monotonic()


def assert_nobody_noticed(asker: Asker, away: tuple[float, float]) -> None:
    """All was answered but for what was asked while the server was away."""
    noticed = [one for one in asker.failures if one.ended < away[0] or one.began > away[1]]
    assert not noticed
    assert len(asker.asked) > 10


@pytest.mark.parametrize(("step", "state"), MOMENTS)
def test_a_publish_goes_on_where_the_server_is_killed(trial: Trial, step: str, state: str) -> None:
    """The old release serves until the switch and the new one from then on; nothing is left behind."""
    name = f"at-{step}-{state}"
    trial.publish(name, wsgi("one"))
    with Asker(trial.server, name, pause_s=PAUSE_S) as asker:
        operation = trial.begin(name, wsgi("two", before=SLOW), prepare=PREPARE)
        trial.until(operation, step, state)
        away = restarted(trial.server)
        ended = trial.wait(operation)
        eventually(lambda: asker.asked[-1].text == "two")
    assert ended["state"] == "done", ended
    assert asker.texts == ["one", "two"]
    assert_nobody_noticed(asker, away)
    assert [(one["number"], one["state"], one["live"]) for one in trial.releases(name)] == [
        (2, "ready", True),
        (1, "ready", False),
    ]
    trial.settle()
    assert trial.state(name) == "serving"
    trial.publish(name, wsgi("three"), prepare="")
    assert trial.get(name).text == "three"
    trial.delete(name)


@pytest.mark.parametrize("pause_s", [0.0, 0.04, 0.08, 0.15])
def test_a_publish_without_slow_steps_is_killed_at_any_moment(trial: Trial, pause_s: float) -> None:
    """Between two steps too: the release serves in the end."""
    name = f"after-{pause_s * 100:.0f}-ms"
    trial.publish(name, wsgi("one"))
    with Asker(trial.server, name, pause_s=PAUSE_S) as asker:
        operation = trial.begin(name, wsgi("two"))
        time.sleep(pause_s)
        away = restarted(trial.server)
        assert trial.wait(operation)["state"] == "done"
        eventually(lambda: asker.asked[-1].text == "two")
    assert asker.texts == ["one", "two"]
    assert_nobody_noticed(asker, away)
    trial.settle()
    trial.delete(name)


@pytest.mark.parametrize("step", ["environment", "health"])
def test_a_first_publish_is_killed(trial: Trial, step: str) -> None:
    name = f"first-{step}"
    operation = trial.begin(name, wsgi("one", before=SLOW), prepare=PREPARE)
    trial.until(operation, step, "running")
    trial.server.restart()
    assert trial.wait(operation)["state"] == "done"
    assert trial.get(name).text == "one"
    trial.settle()
    trial.delete(name)


def test_a_publish_that_kills_the_server_again_and_again_is_given_up(trial: Trial) -> None:
    """After three attempts it has failed; the release before it serves all the time."""
    trial.publish("stubborn", wsgi("one"))
    operation = trial.begin("stubborn", wsgi("two", before="import time; time.sleep(60)"))
    for attempt in (1, 2, 3):
        eventually(lambda wanted=attempt: trial.operation(operation)["attempt"] == wanted)
        trial.server.restart()
        assert trial.get("stubborn").text == "one"
    ended = trial.wait(operation)
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "operation_lost"
    assert trial.live("stubborn") == 1
    trial.settle()
    trial.delete("stubborn")


def test_a_prepare_command_that_runs_is_waited_for_by_the_next_server(trial: Trial) -> None:
    """It is not ended in the middle of its work, nor run a second time beside itself."""
    command = 'echo began >> "$THOLOS_DATA/log"; sleep 3; echo ended >> "$THOLOS_DATA/log"'
    app = 'import os\ntext = open(os.environ["THOLOS_DATA"] + "/log").read()\n'
    files = {"app.py": app + str(wsgi("")["app.py"]).replace("b''", "text.encode()")}
    operation = trial.begin("prepared", files, prepare=command)
    trial.until(operation, "prepare", "running")
    time.sleep(0.3)
    trial.server.restart()
    assert trial.wait(operation)["state"] == "done"
    assert trial.get("prepared").text == "began\nended\n"
    trial.delete("prepared")


def test_a_cancelled_publish_is_cancelled_after_a_kill_too(trial: Trial) -> None:
    trial.publish("cancelled", wsgi("one"))
    operation = trial.begin("cancelled", wsgi("two"), prepare="sleep 30")
    trial.until(operation, "prepare", "running")
    trial.server.api("POST", f"/api/v1/operations/{operation}/cancel")
    trial.server.restart()
    assert trial.wait(operation)["state"] == "cancelled"
    assert trial.live("cancelled") == 1
    assert trial.get("cancelled").text == "one"
    trial.settle()
    assert [one["state"] for one in trial.releases("cancelled")] == ["failed", "ready"]
    trial.delete("cancelled")


@pytest.mark.parametrize("pause_s", [0.0, 0.03, 0.1])
def test_a_deletion_is_finished_by_the_next_server(trial: Trial, pause_s: float) -> None:
    """All of it is gone in the end: rows, processes, files."""
    name = f"deleted-{pause_s * 100:.0f}"
    ending = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), exit()))"
    trial.publish(name, wsgi("one", before=ending))
    app_id = trial.app(name)["id"]
    begun = trial.server.api("DELETE", f"/api/v1/apps/{name}")
    time.sleep(pause_s)
    trial.server.restart()
    assert trial.wait(begun["operation"]["id"])["state"] == "done"
    assert trial.server.ask("GET", f"/api/v1/apps/{name}").status == 404
    assert not (trial.server.data / "apps" / str(app_id)).exists()
    eventually(lambda: not [one for one in trial.processes() if str(app_id) in one.command])
    trial.publish(name, wsgi("again"))
    assert trial.get(name).text == "again"
    trial.delete(name)


def test_the_server_is_killed_while_an_app_waits_for_its_next_start(trial: Trial) -> None:
    """Instances go on without a server: what crashes meanwhile is started again, and the next server knows."""
    crashing = "import threading, os, time\nthreading.Timer(1.0, os._exit, (3,)).start()"
    once = f"import os\nif not os.path.exists('crashed'):\n    open('crashed', 'w')\n    exec({crashing!r})"
    trial.publish("crashed", wsgi("one", before=once))
    trial.server.kill()
    time.sleep(1.5)
    trial.server.start()
    assert trial.get("crashed").text == "one"
    eventually(lambda: trial.instance("crashed")["state"] == "ready")
    assert trial.instance("crashed")["restarts"] == 1
    trial.settle()
    trial.delete("crashed")
