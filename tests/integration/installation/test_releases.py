"""Going back and forth between releases of a real app: nothing is built, nobody who asks notices, and nothing is lost."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tholos.testing.asking import Asker
from tholos.testing.trial import Files, Json, Trial, eventually, wsgi

SETTINGS = {"THOLOS_APPS__FALLBACK_S": "60", "THOLOS_APPS__KEEP_RELEASES": "3"}

Folder = Callable[..., Path]

GREETER = """
import os

if os.environ.get("GREETING") == "broken":
    raise SystemExit("no such greeting")


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"VERSION {os.environ.get('GREETING', '-')} {os.environ.get('KEY', '-')}".encode()]
"""


def greeter(version: str) -> Files:
    return {"app.py": GREETER.replace("VERSION", version)}


def act(trial: Trial, method: str, path: str, body: object = None) -> Json:
    """The operation that a call began, at its end."""
    begun = trial.server.api(method, f"/api/v1/apps/{path}", body)
    return trial.wait(str(cast("Json", begun["operation"])["id"]))


def text(trial: Trial, name: str) -> str:
    return trial.get(name).text


@pytest.fixture(scope="module")
def two(trial: Trial) -> str:
    """An app with two releases, the second of them live."""
    trial.publish("two", greeter("one"))
    trial.publish("two", greeter("two"))
    return "two"


def test_back_and_forth_without_a_failed_request(trial: Trial, two: str) -> None:
    with Asker(trial.server, two) as asker:
        back = act(trial, "POST", f"{two}/rollback", {})
        assert (back["kind"], back["state"], trial.live(two)) == ("rollback", "done", 1)
        assert text(trial, two) == "one - -"
        forth = act(trial, "POST", f"{two}/releases/2/activate")
        assert (forth["state"], trial.live(two)) == ("done", 2)
        assert text(trial, two) == "two - -"
    assert {one.status for one in asker.asked} == {200}
    assert {one.text for one in asker.asked} == {"one - -", "two - -"}


def test_what_is_live_already_is_left_alone(trial: Trial, two: str) -> None:
    answer = trial.server.ask("POST", f"/api/v1/apps/{two}/releases/2/activate")
    assert answer.status == 200
    assert json.loads(answer.body)["unchanged"] is True


def test_there_is_nothing_before_the_first(trial: Trial) -> None:
    trial.publish("first", greeter("one"))
    answer = trial.server.ask("POST", "/api/v1/apps/first/rollback", {})
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (409, "nothing_before")


def test_one_that_failed_is_not_made_live(trial: Trial) -> None:
    trial.publish("halt", greeter("one"))
    trial.fail("halt", wsgi("two", before="raise SystemExit('no')"))
    answer = trial.server.ask("POST", "/api/v1/apps/halt/releases/2/activate")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (409, "release_not_ready")


def test_a_draft_runs_beside_what_is_live(trial: Trial) -> None:
    trial.publish("drafted", greeter("one"))
    snapshot = trial.send(greeter("two"))
    made = act(trial, "POST", "drafted/publish", {"snapshot": snapshot, "draft": True})
    assert made["state"] == "done", made
    assert "drafted--r2." in str(cast("Json", made["result"])["url"])
    assert (text(trial, "drafted"), text(trial, "drafted--r2")) == ("one - -", "two - -")
    (second, _) = trial.releases("drafted")
    assert (second["draft"], second["live"]) == (True, False)

    assert act(trial, "POST", "drafted/releases/2/activate")["state"] == "done"
    assert text(trial, "drafted") == "two - -"
    assert trial.get("drafted--r2").status == 403  # as at any name that nobody has


def test_a_draft_is_discarded_and_can_be_made_live_later(trial: Trial) -> None:
    trial.publish("thought", greeter("one"))
    snapshot = trial.send(greeter("two"))
    act(trial, "POST", "thought/publish", {"snapshot": snapshot, "draft": True})
    left = trial.server.api("DELETE", "/api/v1/apps/thought/releases/2/draft")
    assert (left["draft"], left["url"]) == (False, "")
    eventually(lambda: trial.get("thought--r2").status == 403)
    eventually(lambda: [one["release"] for one in trial.instances("thought")] == [1])
    assert act(trial, "POST", "thought/releases/2/activate")["state"] == "done"
    assert text(trial, "thought") == "two - -"


def test_variables_return_with_their_release_and_secrets_stay(trial: Trial) -> None:
    trial.publish("vary", greeter("one"))
    change = {"plain": {"GREETING": "hello"}, "secrets": {"KEY": "s3"}}
    ended = act(trial, "PATCH", "vary/variables", change)
    assert (ended["kind"], ended["state"], trial.live("vary")) == ("change", "done", 2)
    assert text(trial, "vary") == "one hello s3"
    act(trial, "PATCH", "vary/variables", {"plain": {"GREETING": "bye"}})
    assert text(trial, "vary") == "one bye s3"

    restarted = act(trial, "PATCH", "vary/variables", {"secrets": {"KEY": "s4"}})
    assert (restarted["kind"], trial.live("vary"), text(trial, "vary")) == ("restart", 3, "one bye s4")
    # What ran with the old secret does not run on, though nobody waits for its end.
    assert [one["state"] for one in trial.instances("vary")].count("ready") == 1
    eventually(lambda: len(trial.instances("vary")) == 1)
    act(trial, "POST", "vary/rollback", {})
    assert text(trial, "vary") == "one hello s4"
    act(trial, "POST", "vary/rollback", {})
    assert text(trial, "vary") == "one - -"


def test_a_change_that_breaks_the_app_leaves_what_serves(trial: Trial) -> None:
    trial.publish("frail", greeter("one"))
    ended = act(trial, "PATCH", "frail/variables", {"plain": {"GREETING": "broken"}})
    assert ended["state"] == "failed"
    assert (trial.live("frail"), text(trial, "frail")) == (1, "one - -")
    assert act(trial, "PATCH", "frail/variables", {"plain": {"GREETING": "fine"}})["state"] == "done"
    assert text(trial, "frail") == "one fine -"


def test_a_restart_nobody_notices(trial: Trial) -> None:
    trial.publish("again", greeter("one"))
    before = trial.instance("again")["id"]
    with Asker(trial.server, "again") as asker:
        assert act(trial, "POST", "again/restart")["state"] == "done"
    assert {one.status for one in asker.asked} == {200}
    eventually(lambda: len(trial.instances("again")) == 1)  # the old one is not waited for
    assert trial.instance("again")["id"] != before


def test_a_rollback_that_is_cut_off_is_taken_up_again(trial: Trial, two: str) -> None:
    begun = trial.server.api("POST", f"/api/v1/apps/{two}/rollback", {})
    trial.server.restart()  # by SIGKILL
    ended = trial.wait(str(cast("Json", begun["operation"])["id"]))
    assert (ended["state"], trial.live(two), text(trial, two)) == ("done", 1, "one - -")
    act(trial, "POST", f"{two}/releases/2/activate")


def test_old_releases_go_and_pinned_ones_stay(trial: Trial) -> None:
    for number in range(1, 4):
        trial.publish("many", greeter(str(number)))
    trial.server.api("PUT", "/api/v1/apps/many/releases/1/pin")
    for number in range(4, 8):
        trial.publish("many", greeter(str(number)))
    eventually(lambda: len(trial.instances("many")) <= 2)
    kept = [cast("int", one["number"]) for one in trial.releases("many")]
    assert 1 in kept
    assert 2 not in kept
    assert {7, 6, 5} <= {*kept}
    folder = trial.server.data / "apps" / str(trial.app("many")["id"]) / "releases"
    assert {int(one.name) for one in folder.iterdir()} == {*kept}


def test_the_command_line_goes_back_and_forth(trial: Trial, folder: Folder, tmp_path: Path) -> None:
    cli = trial.server.cli
    path = folder("spoken", greeter("one"))
    assert cli("publish", str(path), "-m", "first").returncode == 0
    (path / "app.py").write_text(GREETER.replace("VERSION", "two"))
    drafted = cli("publish", str(path), "--draft", "-m", "second")
    assert drafted.returncode == 0, drafted.stderr
    assert "tholos activate spoken 2" in drafted.stderr + drafted.stdout
    listed = cli("releases", "spoken").stdout
    assert ("draft" in listed, "live" in listed, "second" in listed) == (True, True, True)

    assert cli("activate", "spoken", "2").returncode == 0
    compared = cli("diff", "spoken", "-a", "1", "-b", "2").stdout
    assert "app.py" in compared
    assert "+" in cli("diff", "spoken", "-a", "1", "-b", "2", "--file", "app.py").stdout
    back = cli("rollback", "spoken")
    assert back.returncode == 0, back.stderr
    assert "tholos activate spoken 2" in back.stderr + back.stdout
    assert text(trial, "spoken") == "one - -"
    assert json.loads(cli("rollback", "spoken", "--to", "1", "--json").stdout)["state"] == "unchanged"
    assert cli("restart", "spoken").returncode == 0
    assert cli("pin", "spoken", "1").returncode == 0
    assert "pinned" in cli("releases", "spoken").stdout
    assert cli("unpin", "spoken", "1").returncode == 0
    nothing = cli("rollback", "spoken")
    assert (nothing.returncode, "no release before it" in nothing.stderr) == (3, True)

    taken = tmp_path / "taken.tar.gz"
    assert cli("download", "spoken", "--release", "2", "--to", str(taken)).returncode == 0
    again = cli("publish", str(taken), "--name", "elsewhere")
    assert again.returncode == 0, again.stderr
    assert text(trial, "elsewhere") == "two - -"
    assert cli("manifest", "spoken", "--write", str(path)).returncode == 0
    assert json.loads((path / "manifest.json").read_text())["version"] == 1
