from __future__ import annotations

import json
import os
import random
import threading
import time
from dataclasses import replace

import pytest

from tholos.testing.api_state import BROKEN, FLASK, Line, Refusal
from tholos.testing.waiting import until

PUBLISHED = """\
  Flask         app:app in app.py:4
  Python 3.12   requires-python ">=3.11", newest installed
  packages      12 from uv.lock, all cached                                0.2 s
  release 1     GET / → 200, live                                          0.9 s
  http://sales-api.localhost:8080/
  only you can open it · tholos share sales-api --with WHO
"""
FAILED = """\
  Flask         app:app in app.py:4
  Python 3.12   requires-python ">=3.11", newest installed
  packages      12 from uv.lock, all cached                                0.2 s
  release 2     failed: GET / → 500
    app.py:31   KeyError: 'total'
  release 1 keeps serving · tholos logs sales-api --release 2             exit 1
"""


def test_a_folder_is_published_without_any_flag(logged_in, app):
    ran = logged_in("publish")
    assert (ran.code, ran.out, ran.err) == (0, PUBLISHED, "")
    assert sorted(path.name for path in app.iterdir()) == ["app.py", "requirements.txt"]


def test_only_the_first_live_release_says_that_nobody_else_gets_in(logged_in, app):
    assert "only you" in logged_in("publish").out
    (app / "app.py").write_text((app / "app.py").read_text() + "# changed\n")
    ran = logged_in("publish")
    assert (ran.code, "only you" in ran.out) == (0, False)
    assert ran.out.endswith("http://sales-api.localhost:8080/\n")


@pytest.mark.parametrize(
    "shared",
    [
        {"audience": "everyone"},
        {"grants": [{"kind": "account", "name": "bob", "level": "viewer", "people": 1}]},
        {"owner": "bob"},
    ],
)
def test_what_others_may_open_is_not_said_to_be_private(logged_in, app, api, shared):
    api.access = shared
    ran = logged_in("publish")
    assert (ran.code, "only you" in ran.out) == (0, False)


def test_an_unchanged_folder_is_told_so_and_asks_two_questions(logged_in, app, api):
    logged_in("publish")
    api.requests.clear()
    ran = logged_in("publish")
    assert ran.out == "  nothing changed: release 1 is live\n  http://sales-api.localhost:8080/\n"
    assert ran.code == 0
    assert [request.path for request in api.requests] == ["/snapshots", "/apps/sales-api/publish"]


def test_only_what_changed_is_sent(logged_in, app, api):
    for number in range(20):
        (app / f"data{number}.bin").write_bytes(os.urandom(50_000))
    logged_in("publish")
    sent = api.sent_bytes()
    assert sent > 1_000_000
    (app / "data7.bin").write_bytes(b"changed")
    assert logged_in("publish").code == 0
    packs = [request.size for request in api.requests if request.path == "/content/packs"]
    assert packs[-1] == 36 + len(b"changed")


def test_large_files_travel_in_several_packs(logged_in, app, api):
    (app / "big.bin").write_bytes(os.urandom(20_000_000))
    ran = logged_in("publish")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("  upload        3 files, 20.0 MB of 20.0 MB sent")
    assert sum(request.path == "/content/packs" for request in api.requests) >= 3


def test_a_failed_release_leaves_the_old_one_and_says_why(logged_in, app, api):
    logged_in("publish")
    (app / "app.py").write_text((app / "app.py").read_text() + "# changed\n")
    api.script = BROKEN
    ran = logged_in("publish", "-m", "faster totals")
    assert (ran.code, ran.out) == (1, FAILED)
    assert api.releases["sales-api"][-1]["message"] == "faster totals"


def test_a_failed_first_release_says_that_nothing_is_live(logged_in, app, api):
    cause = replace(BROKEN[-1], data={**BROKEN[-1].data, "fix": "add pandas to requirements.txt"})
    api.script = (*BROKEN[:-1], cause)
    ran = logged_in("publish")
    assert ran.code == 1
    assert ran.out.splitlines()[-2:] == [
        "    fix         add pandas to requirements.txt",
        "  nothing is live yet · tholos logs sales-api --release 1                 exit 1",
    ]


def test_json_is_one_document_on_stdout(logged_in, app):
    ran = logged_in("publish", "--json")
    document = json.loads(ran.out)
    assert ran.code == 0
    assert ran.err == PUBLISHED
    assert (document["version"], document["state"], document["release"]) == (1, "live", 1)
    assert document["url"] == "http://sales-api.localhost:8080/"
    assert document["upload"]["files"] == 2
    assert json.loads(logged_in("publish", "--json").out)["state"] == "unchanged"


def test_json_tells_the_cause(logged_in, app, api):
    api.script = BROKEN
    ran = logged_in("publish", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["where"] == "app.py:31"


def test_dry_run_changes_nothing(logged_in, app, api):
    ran = logged_in("publish", "--dry-run")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "  Flask         app:app in app.py:4"
    assert ran.out.splitlines()[-2:] == [
        "  upload        2 of 2 files, 54 bytes of 54 bytes",
        "  would publish  sales-api",
    ]
    assert {request.method for request in api.requests if request.path.startswith("/apps")} == set()
    assert api.sent_bytes() == 0


def test_two_candidates_fail_before_anything_is_sent(logged_in, app, api):
    (app / "app.py").unlink()
    for name in ("one.py", "two.py"):
        (app / name).write_text("from flask import Flask\n\nsite = Flask(__name__)\n")
    ran = logged_in("publish")
    assert ran.code == 2
    assert "one" in ran.err
    assert "--entrypoint" in ran.err
    assert api.sent_bytes() == 0
    assert logged_in("publish", "--entrypoint", "one:site").code == 0
    (app / "new.txt").write_text("x")
    assert logged_in("publish").code == 0, "the flag is remembered for the folder"


def test_what_the_server_remembers_may_settle_what_is_open_here(logged_in, app, api, home):
    (app / "app.py").unlink()
    for name in ("one.py", "two.py"):
        (app / name).write_text("from flask import Flask\n\nsite = Flask(__name__)\n")
    assert logged_in("publish", "--entrypoint", "one:site").code == 0
    (home / "config" / "tholos" / "folders.json").unlink()
    assert logged_in("publish").code == 0


def test_a_name_is_remembered_for_the_folder(logged_in, app, api):
    assert logged_in("publish", "--name", "totals").code == 0
    assert "http://totals.localhost" in logged_in("publish").out
    assert list(api.apps) == ["totals"]


def test_a_second_folder_of_the_same_name_is_no_release_of_the_first(logged_in, app, home):
    assert logged_in("publish").code == 0
    other = home / "elsewhere" / "sales-api"
    other.mkdir()
    (other / "app.py").write_text((app / "app.py").read_text())
    ran = logged_in("publish", str(other))
    assert ran.code == 3
    assert "--name" in ran.err
    assert logged_in("publish", str(other), "--name", "other").code == 0


def test_a_bad_name_is_refused_with_one_that_fits(logged_in, app):
    ran = logged_in("publish", "--name", "Sales API")
    assert ran.code == 2
    assert "  fix     --name sales-api\n" in ran.err


def test_a_script_is_published_alone(logged_in, app, api):
    (app / "secret.txt").write_text("not this")
    ran = logged_in("publish", "app.py", "--name", "script")
    assert ran.code == 0, ran.err
    assert next(iter(api.snapshots.values()))["files"] == 1


def test_an_archive_is_sent_as_it_is(logged_in, home, api):
    archive = home / "elsewhere" / "Map.tar.gz"
    archive.write_bytes(os.urandom(1000))
    ran = logged_in("publish", str(archive))
    assert ran.code == 0, ran.err
    assert "http://map.localhost:8080/" in ran.out
    assert api.sent_bytes() == 1000


def test_an_archive_that_is_too_large_is_refused_in_words(logged_in, home, api):
    archive = home / "elsewhere" / "big.zip"
    with archive.open("wb") as file:
        file.truncate(50_000_000)
    api.archive_limit = 10_000_000
    ran = logged_in("publish", str(archive))
    assert ran.code == 2
    assert "larger" in ran.err


def test_other_files_and_missing_ones_are_refused(logged_in, home):
    (home / "elsewhere" / "notes.txt").write_text("x")
    assert logged_in("publish", "notes.txt").code == 2
    assert logged_in("publish", "nowhere").code == 2


def test_a_home_is_not_published(logged_in, home, api):
    (home / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    for folder in (str(home), "/"):
        ran = logged_in("publish", folder)
        assert ran.code == 2
        assert "--yes" in ran.err
    assert api.sent_bytes() == 0


def test_a_publish_under_way_is_a_conflict(logged_in, app, api):
    logged_in("publish")
    (app / "new.txt").write_text("x")
    api.hold_after = 0
    api.publish("sales-api", {"snapshot": next(iter(api.snapshots)), "upgrade": True}, "other")
    ran = logged_in("publish")
    assert ran.code == 3
    assert f"tholos cancel {list(api.operations)[-1]}" in ran.err


def test_chunks_that_the_server_lost_are_sent_again(logged_in, app, api):
    logged_in("publish")
    api.chunks.clear()
    (app / "new.txt").write_text("x")
    ran = logged_in("publish")
    assert ran.code == 0, ran.err
    assert len(api.chunks) == 3


def test_a_busy_server_is_tried_again(logged_in, app, api):
    api.refusals = [Refusal(503, "busy", "Busy."), Refusal(503, "busy", "Busy.", 0)]
    assert logged_in("publish").out == PUBLISHED


def test_events_are_told_once_however_often_the_stream_breaks(logged_in, app, api):
    chance = random.Random(7)  # noqa: S311 - the same each time
    api.breaks = lambda: chance.random() < 0.6
    assert logged_in("publish").out == PUBLISHED
    assert sum(request.path.endswith("/events") for request in api.requests) > 2


def test_a_server_that_is_restarted_in_the_middle_is_waited_for(logged_in, app, api):
    """It is killed while the operation runs, comes back half a second later and the operation goes on."""
    api.hold_after = 3

    def restart() -> None:
        until(lambda: any(request.path.endswith("/events") for request in api.requests))
        api.stop()
        time.sleep(0.3)
        api.start()
        api.go_on()

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        ran = logged_in("publish")
    finally:
        thread.join()
    assert (ran.code, ran.out) == (0, PUBLISHED)


def test_a_server_that_is_away_while_content_is_sent_is_waited_for(logged_in, app, api):
    api.stop()
    thread = threading.Timer(0.4, api.start)
    thread.start()
    try:
        told = logged_in("publish").out.splitlines(keepends=True)
    finally:
        thread.join()
    # Where the waiting took more than a second the upload is told too.
    assert "".join(row for row in told if not row.startswith("  upload ")) == PUBLISHED


def test_steps_that_print_much_do_not_reach_the_output(logged_in, app, api):
    api.script = (*FLASK[:3], *[Line("line", "environment", f"got {n}") for n in range(500)], *FLASK[3:])
    assert logged_in("publish").out == PUBLISHED


def test_notes_of_the_scan_are_told(logged_in, app):
    (app / ".env").write_text("SECRET=1")
    ran = logged_in("publish")
    assert ran.out.startswith("  note          .env is not sent")
