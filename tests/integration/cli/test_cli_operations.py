"""Operations are found again on the command line, against the real application."""

import json

import pytest

from tholos.accounts import service as accounts
from tholos.apps import service as apps
from tholos.operations import service as operations
from tholos.publishing import releases
from tholos.testing import showroom

ERROR = {"code": "instance_died", "message": "Cannot start: no module named flask.", "where": "app.py:1"}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with showroom.opened(tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def restarts(room):
    """Two restarts of sales by ada: the older one failed, the newer one waits."""
    with room.database.write() as db:
        app = apps.find_named(db, "org_default", "sales")
        under_way = operations.find_under_way(db, app.id)
        if under_way is not None:
            under_way.state = "cancelled"
            db.flush()
        actor = accounts.actor_for(accounts.find_account(db, "org_default", "ada"))
        failed = releases.begin_restart(db, actor, app, room.clock.now())
        operations.claim(db, failed.id, "here", room.clock.now())
        operations.fail(db, failed.id, ERROR, room.clock.now())
        db.flush()
        return failed.id, releases.begin_restart(db, actor, app, room.clock.now()).id


@pytest.fixture
def by(tholos, room, monkeypatch):
    def become(name):
        with room.database.write() as db:
            account = accounts.find_account(db, "org_default", name)
            _, secret = accounts.create_token(db, account, f"of {name}", 1, room.clock.now())
        monkeypatch.setenv("THOLOS_SERVER", room.site.url)
        monkeypatch.setenv("THOLOS_TOKEN", secret)
        return tholos

    return become


def test_the_last_ones_with_how_they_ended(by, room, restarts):
    ran = by("ada")("operations", "sales")
    assert ran.code == 0, ran.err
    header, newest, before = ran.out.splitlines()[:3]
    assert header.split() == ["ID", "KIND", "APP", "STATE", "BY", "WHEN", "WHY"]
    assert newest.split()[:5] == [restarts[1], "restart", "sales", "queued", "ada"]
    assert before.split()[:5] == [restarts[0], "restart", "sales", "failed", "ada"]
    assert "no module named flask" in before
    assert f"{room.site.url}/operations/ID" in ran.out


def test_as_json_and_only_so_many(by, restarts):
    ran = by("ada")("operations", "sales", "--lines", "1", "--json")
    (found,) = json.loads(ran.out)["operations"]
    assert (found["id"], found["state"], found["error"]) == (restarts[1], "queued", None)


def test_of_all_apps_that_one_may_see(by, restarts):
    found = json.loads(by("admin")("operations", "--json", "--lines", "500").out)["operations"]
    assert {*restarts} <= {one["id"] for one in found}
    others = json.loads(by("vic")("operations", "--json").out)["operations"]
    assert not {*restarts} & {one["id"] for one in others}


def test_where_there_are_none(by):
    ran = by("ada")("operations", "no-such-app")
    assert (ran.code, "nothing was done with no-such-app" in ran.out) == (0, True)
