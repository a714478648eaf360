"""A backup that is taken while people publish and ask makes a working installation elsewhere."""

import json
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from tholos.testing import postgres
from tholos.testing.installation import Installation
from tholos.testing.trial import Trial, eventually, wsgi
from tholos.testing.visitors import Browser

SALES = {
    "app.py": """
import json, os, pathlib
def app(environ, start_response):
    said = {
        "key": os.environ.get("KEY"), "saved": pathlib.Path("saved.txt").read_text(),
        "made": pathlib.Path("made.txt").read_text(),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]
""",
    "saved.txt": "as published",
}
PASSWORD = "correct horse battery"
SAID = {"key": "s3cret", "saved": "as saved", "made": "prepared"}


@pytest.fixture(scope="module")
def busy(trial: Trial) -> Trial:
    """An installation with an app of each sort of thing that is to come back."""
    trial.publish(
        "sales", SALES, keep=["saved.txt"], prepare="python -c \"open('made.txt', 'w').write('prepared')\""
    )
    changed = trial.server.api("PATCH", "/api/v1/apps/sales/variables", {"secrets": {"KEY": "s3cret"}})
    trial.wait(str(changed["operation"]["id"]))
    (kept,) = (trial.server.data / "apps").glob("*/data/saved.txt")
    kept.write_text("as saved")
    assert json.loads(trial.get("sales").body) == SAID
    made = trial.server.api("POST", "/api/v1/accounts", {"name": "vic", "role": "viewer"})
    code = made["sign_in_url"].partition("code=")[2]
    assert Browser(trial).post("/setup", code=code, password=PASSWORD).status == 303
    trial.server.api("PATCH", "/api/v1/apps/sales/access", {"audience": "signed_in"})
    return trial


@contextmanager
def _load(trial: Trial) -> Iterator[list[int]]:
    """Publishes and requests, all the while; what has gone wrong is in the list."""
    stop, wrong = threading.Event(), list[int]()

    def ask() -> None:
        while not stop.is_set():
            if (status := trial.get("sales").status) != 200:
                wrong.append(status)

    def publish() -> None:
        for number in count():
            if stop.is_set():
                return
            trial.publish("moving", wsgi(f"number {number}"))

    threads = [threading.Thread(target=one) for one in (ask, publish)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _restored(trial: Trial, backup, folder, **settings: str) -> Trial:
    """A second installation, made of the backup: in a folder of its own, at another port."""
    server = Installation(folder, settings, token=trial.server.token)
    done = server.cli("restore", str(backup), "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    server.start()
    return Trial(server)


def test_a_backup_that_is_taken_under_load_restores_to_a_working_installation(busy, tmp_path):
    ada = busy.server.new_account("ada")
    busy.publish("adas", wsgi("hers"), token=ada)
    backup = tmp_path / "backup.tar.zst"
    with _load(busy) as wrong:
        eventually(
            lambda: busy.server.ask("GET", "/api/v1/apps/moving").status == 200 and busy.live("moving") > 1
        )
        taken = busy.server.cli("backup", str(backup), "--data", str(busy.server.data), "--json")
    assert taken.returncode == 0, taken.stderr
    assert wrong == []
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert json.loads(taken.stdout)["backup"]["apps"] == 3
    there = _restored(busy, backup, tmp_path / "there")
    try:
        _works(there)
        eventually(lambda: there.get("moving").text.startswith("number "))
        eventually(lambda: there.get("adas", token=ada).text == "hers")
        assert there.live("sales") == busy.live("sales")
        assert there.server.ask("GET", "/api/v1/apps/adas", token=ada).status == 200
        assert there.publish("sales", {**SALES, "more.txt": "x"})["result"]["release"] == there.live("sales")
        there.settle()
        rolled = there.server.api("POST", "/api/v1/apps/sales/rollback", {})
        assert there.wait(str(rolled["operation"]["id"]))["state"] == "done"
        assert json.loads(there.get("sales").body) == SAID
    finally:
        there.server.clean()


def _works(there: Trial) -> None:
    """Apps serve with their secrets and what they kept, tokens are good, and people sign in with their passwords."""
    eventually(lambda: there.get("sales", timeout_s=60.0).status == 200)
    assert json.loads(there.get("sales").body) == SAID
    assert there.server.api("GET", "/api/v1/me")["role"] == "administrator"
    vic = Browser(there)
    assert vic.post("/sign-in", name="vic", password="not this one").status != 303
    assert vic.post("/sign-in", name="vic", password=PASSWORD).status == 303
    assert vic.go("sales", "/").json() == SAID


@pytest.mark.postgres
def test_it_moves_from_sqlite_to_postgresql_and_back(busy, tmp_path):
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    assert busy.server.cli("backup", str(first), "--data", str(busy.server.data)).returncode == 0
    with postgres.running() as server:
        url = server.create("moved")
        there = _restored(busy, first, tmp_path / "there", THOLOS_DATABASE_URL=url)
        try:
            assert not (there.server.data / "tholos.db").exists()
            _works(there)
            there.publish("later", wsgi("made there"))
            taken = there.server.cli("backup", str(second), "--data", str(there.server.data))
            assert taken.returncode == 0, taken.stderr
        finally:
            there.server.clean()
    back = _restored(busy, second, tmp_path / "back")
    try:
        _works(back)
        eventually(lambda: back.get("later").text == "made there")
    finally:
        back.server.clean()


def test_a_backup_is_a_folder_too_and_is_never_written_over(busy, tmp_path):
    backup = tmp_path / "backup"
    arguments = ("backup", str(backup), "--data", str(busy.server.data))
    assert busy.server.cli(*arguments).returncode == 0
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    again = busy.server.cli(*arguments)
    assert (again.returncode, "there already" in again.stderr) == (3, True)
    (backup / "keys").rename(backup / "keyz")
    done = busy.server.cli("restore", str(backup), "--data", str(tmp_path / "new"))
    assert (done.returncode, "Cannot restore the backup" in done.stderr) == (2, True)
    assert not (tmp_path / "new").exists()
    shutil.rmtree(backup)


def test_nothing_is_restored_over_something(busy, tmp_path):
    done = busy.server.cli("restore", str(tmp_path), "--data", str(busy.server.data))
    assert (done.returncode, "it is not empty" in done.stderr) == (3, True)
    assert busy.get("sales").status == 200


def test_there_is_no_backup_of_nothing(trial, tmp_path):
    done = trial.server.cli("backup", str(tmp_path / "b.tar"), "--data", str(tmp_path))
    assert (done.returncode, "there is no installation" in done.stderr) == (6, True)
    assert list(tmp_path.iterdir()) == []
