"""Apps that sleep and have a process that waits to wake them: in a real installation, behind the walls of this machine."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from tholos.apps import service as apps
from tholos.apps.models import Pointer
from tholos.instances import service as instances
from tholos.kit.clock import SystemClock
from tholos.kit.db import Database
from tholos.runtime.layout import Layout
from tholos.server import tables
from tholos.testing.trial import Files, Trial, eventually, wsgi

SETTINGS = {"THOLOS_APPS__DRAIN_TIMEOUT_S": "2"}

HEAVY = "asyncio, ctypes, email.mime.text, http.server, multiprocessing.pool, pydoc, sqlite3, tarfile, unittest.mock"
"""Standard modules whose import takes more than it costs to note them."""


def app(also: str = "") -> Files:
    """One that says whether its modules were there before it, and which process it is."""
    before = f"import os, sys\nahead = 'unittest.mock' in sys.modules\n{also}\nimport {HEAVY}"
    files = {name: str(text) for name, text in wsgi("", before=before).items()}
    return {"app.py": files["app.py"].replace("[b'']", "[f'{ahead} {os.getppid()}'.encode()]")}


def standby(trial: Trial, name: str) -> dict[str, object]:
    """What waits to wake it, once it is measured."""

    def found() -> list[dict[str, object]]:
        return trial.server.api("GET", f"/api/v1/apps/{name}/instances")["standbys"]  # type: ignore[return-value]

    eventually(lambda: any(one["memory"] for one in found()))
    return found()[0]


@pytest.fixture(scope="module")
def warm(trial: Trial) -> Trial:
    """Has an app that sleeps after a second."""
    trial.publish("warm", app())
    trial.server.api("PUT", "/api/v1/apps/warm/life", {"idle_timeout_s": 1})
    return trial


def test_what_waited_becomes_the_app(warm: Trial) -> None:
    waiting = standby(warm, "warm")
    assert warm.instances("warm") == []
    assert "standby" in warm.server.cli("status", "--all").stdout
    assert warm.get("warm").text.startswith("True")
    assert [one["id"] for one in warm.instances("warm")] == [waiting["instance"]]


def test_one_that_was_killed_is_not_missed(warm: Trial) -> None:
    """The next wake is a fresh process."""
    waiting = standby(warm, "warm")
    os.kill(int(str(waiting["pid"])), signal.SIGKILL)
    assert warm.get("warm").text.startswith(("False", "True"))
    eventually(lambda: warm.state("warm") != "starting")
    assert warm.get("warm").status == 200


def test_a_server_that_starts_makes_another_one(warm: Trial) -> None:
    """It knows nothing of what waits, and ends it."""
    waiting = standby(warm, "warm")
    warm.server.restart()
    again = standby(warm, "warm")
    assert again["instance"] != waiting["instance"]
    eventually(lambda: not Path(f"/proc/{waiting['pid']}").exists())
    assert warm.get("warm").text.startswith("True")


def test_what_a_server_took_and_did_not_wake_goes_on(warm: Trial) -> None:
    """It was killed between the row that it wrote and the word that it did not give any more."""
    waiting = standby(warm, "warm")
    warm.server.kill()
    write_instance(warm, str(waiting["instance"]))
    warm.server.start()
    assert warm.get("warm").text.startswith("True")
    assert str(waiting["instance"]) in [one["id"] for one in warm.instances("warm")]


def write_instance(trial: Trial, instance_id: str) -> None:
    """What a server notes of an app that it wakes."""
    tables.load()
    database, now = Database(f"sqlite:///{trial.server.data}/tholos.db"), SystemClock().now()
    with database.write() as db:
        pointer = db.scalars(select(Pointer).where(Pointer.asleep_at.is_not(None))).one()
        pointer.asleep_at = None
        app, release = apps.get_app(db, pointer.app_id), apps.get_release(db, pointer.release_id)
        instances.create_instance(db, app, release, Layout(trial.server.data), now, instance_id=instance_id)
    database.close()


def test_where_order_matters_nothing_is_imported_ahead(warm: Trial) -> None:
    """An app that sets a variable before it imports a package finds both in its own order."""
    warm.publish("ordered", app("os.environ['THREADS_OF_A_LIBRARY'] = '1'"))
    warm.server.api("PUT", "/api/v1/apps/ordered/life", {"idle_timeout_s": 1})
    eventually(lambda: warm.state("ordered") == "asleep")
    notes = (warm.server.data / "apps" / str(warm.app("ordered")["id"]) / "tmp").glob(".packages-*")
    (path,) = notes
    eventually(lambda: path.read_text() == "!\n")
    assert warm.get("ordered").text.startswith("False")
    warm.delete("ordered")
