"""Apps that are started again by a schedule, in a real installation: at their times, without an interruption, and after a kill."""

import json
from datetime import UTC, datetime, timedelta

from tholos.testing.asking import Asker
from tholos.testing.trial import Trial, eventually, wsgi

SETTINGS = {"THOLOS_APPS__DRAIN_TIMEOUT_S": "2", "THOLOS_APPS__START_TIMEOUT_S": "10"}

STARTED = "import time; started = str(time.time())"
SLOW = f"{STARTED}; time.sleep(0.7)"


def app(before: str = STARTED) -> dict[str, str]:
    """One that answers when it was started."""
    files = {name: str(text) for name, text in wsgi("", before=before).items()}
    return {**files, "app.py": files["app.py"].replace("b''", "started.encode()")}


def schedule(trial: Trial, name: str, *, in_s: float = 0.0, kind: str = "hour") -> dict:
    """A schedule whose first time is so far ahead, in whole seconds."""
    start = datetime.now(UTC) + timedelta(seconds=in_s)
    body = {"kind": kind, "start": start.isoformat()}
    return trial.server.api("PUT", f"/api/v1/apps/{name}/schedule", body)


def shown(trial: Trial, name: str) -> dict:
    return trial.server.api("GET", f"/api/v1/apps/{name}/schedule")


def ended(trial: Trial, name: str) -> dict:
    """What a schedule began first, once it has ended."""
    eventually(lambda: shown(trial, name)["last"] is not None)
    return trial.wait(shown(trial, name)["last"]["id"])


def test_it_is_started_again_at_its_time_and_nobody_notices(trial: Trial) -> None:
    trial.publish("clocked", app())
    first = trial.get("clocked").text
    with Asker(trial.server, "clocked") as asker:
        schedule(trial, "clocked", in_s=2)
        operation = ended(trial, "clocked")
        eventually(lambda: asker.asked[-1].text != first)
    assert (operation["state"], operation["kind"]) == ("done", "restart")
    assert not asker.failures
    assert len(asker.texts) == 2
    assert [one["number"] for one in trial.releases("clocked")] == [1]
    found = shown(trial, "clocked")
    assert found["next"][0] > found["last_at"] == found["start"]
    trial.delete("clocked")


def test_one_that_does_not_start_again_leaves_what_serves(trial: Trial) -> None:
    """The same files that started once fail the second time, as a notebook does whose data is gone."""
    mark = 'import os, time; p = os.environ["THOLOS_DATA"] + "/mark"; started = "first"'
    fails = f'{mark}; assert not os.path.exists(p), "no data"; open(p, "w").close()'
    trial.publish("once", app(fails))
    schedule(trial, "once", in_s=2)
    operation = ended(trial, "once")
    assert operation["state"] == "failed"
    assert "no data" in operation["error"]["message"]
    assert trial.get("once").text == "first"
    assert len(shown(trial, "once")["next"]) == 3
    told = trial.server.api("GET", "/api/v1/notifications")["items"]
    assert [one["text"] for one in told if "once" in one["text"]] == ["A restart of once failed"]
    trial.delete("once")


def test_a_server_that_is_killed_goes_on_with_what_was_due(trial: Trial) -> None:
    trial.publish("killed", app(SLOW))
    first = trial.get("killed").text
    with Asker(trial.server, "killed") as asker:
        schedule(trial, "killed", in_s=2)
        eventually(lambda: shown(trial, "killed")["last"] is not None)
        operation = shown(trial, "killed")["last"]["id"]
        trial.until(operation, "start", "running")
        trial.server.restart()
        assert trial.wait(operation)["state"] == "done"
        eventually(lambda: asker.asked[-1].text not in {"", first})
    assert len(asker.texts) == 2
    found = shown(trial, "killed")
    assert (found["last"]["id"], found["skipped"], len(found["next"])) == (operation, None, 3)
    trial.settle()
    trial.delete("killed")


def test_a_time_that_passed_while_no_server_ran_is_made_up_for_once(trial: Trial) -> None:
    trial.publish("away", app())
    first = trial.get("away").text
    start = schedule(trial, "away", in_s=2)["start"]
    trial.server.kill()
    eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(start) + timedelta(seconds=1))
    trial.server.start()
    assert ended(trial, "away")["state"] == "done"
    eventually(lambda: trial.get("away").text != first)
    found = shown(trial, "away")
    assert (found["last_at"], found["skipped"]) == (start, None)
    trial.delete("away")


def test_by_the_command_line(trial: Trial) -> None:
    trial.publish("typed", app())

    def tholos(*words: str) -> str:
        done = trial.server.cli("schedule", "typed", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = tholos("--weekly", "mon,thu@06:30", "--timezone", "Europe/Vienna")
    assert "Monday and Thursday at 06:30" in said
    assert said.count("then") == 2
    document = json.loads(tholos("--json"))["schedule"]
    assert (document["kind"], document["timezone"]) == ("dayofweek", "Europe/Vienna")
    assert "paused" in tholos("--pause")
    assert "next" in tholos("--resume")
    assert "has no schedule any more" in tholos("--remove")
    gone = trial.server.cli("schedule", "typed")
    assert (gone.returncode, "--daily 07:00" in gone.stderr) == (6, True), gone.stderr
    wrong = trial.server.cli("schedule", "typed", "--daily", "noon")
    assert (wrong.returncode, "07:00" in wrong.stderr) == (2, True), wrong.stderr
    trial.delete("typed")
