"""Who may open an app reads its state; what it prints, runs and fails at is for those who edit it."""

import pytest

from tholos.apps import service as apps
from tholos.apps.models import AppState
from tholos.instances import service as instances
from tholos.runtime.layout import Layout
from tholos.sharing import service as sharing
from tholos.sharing.models import Audience, Level, PrincipalKind

API = "/api/v1/apps/sales"
FOR_EDITORS = [
    f"{API}/logs",
    f"{API}/logs?download=true",
    f"{API}/logs?follow=true",
    f"{API}/traceback",
    f"{API}/instances",
    f"{API}/why",
    "/apps/sales/logs",
]


@pytest.fixture
def failing(console, tmp_path):
    """An app that everybody who is signed in may open, that fails and has printed something."""
    app, release = console.add_app("ada", "sales")
    with console.database.write() as db:
        made = instances.create_instance(db, app, release, Layout(tmp_path / "data"), console.clock.now())
        apps.get_app(db, app.id).audience = Audience.SIGNED_IN
        apps.set_state(db, app.id, AppState.FAILING, "KeyError: 'total'", console.clock.now())
    log = tmp_path / "data" / "logs"
    log.mkdir(parents=True)
    with console.database.write() as db:
        instances.find_instance(db, made.id).log = str(log / "1-x.log")
    return console


@pytest.mark.parametrize("path", FOR_EDITORS)
async def test_a_colleague_does_not_read_what_it_prints(failing, path):
    """Neither a publisher nor a viewer who may merely open it; each is told what is missing as ever."""
    for name, code in (("bob", "not_an_editor"), ("vic", "role_too_low")):
        answer = await failing.by_token(name).get(path)
        assert (answer.status, answer.json["error"]["code"]) == (403, code)
        assert answer.json["error"]["fix"]


async def test_an_editor_does(failing):
    with failing.database.write() as db:
        app = apps.find_named(db, "org_default", "sales")
        shared = sharing.Shared("app", app.id, app.organization_id)
        bob = sharing.get_principal(db, "org_default", PrincipalKind.ACCOUNT, "bob")
        sharing.grant(db, None, shared, bob, Level.EDITOR, failing.clock.now())
    for path in ("instances", "why"):
        assert (await failing.by_token("bob").get(f"{API}/{path}")).status == 200


@pytest.mark.parametrize("name", ["bob", "vic"])
async def test_the_state_and_the_overview_stay_with_them(failing, name):
    """And nothing on their pages leads to a log."""
    asked = failing.by_token(name)
    assert (await asked.get(API)).json["state"]["word"] == "failing"
    browser = failing.by_session(name)
    for path in ("/apps/sales", "/apps/sales/releases", "/"):
        page = await browser.get(path)
        assert page.status == 200
        assert "failing" in page.text or path.endswith("releases")
        assert "/apps/sales/logs" not in page.text, path
        assert "tholos logs" not in page.text
    assert "/apps/sales/logs" in (await failing.by_session("ada").get("/apps/sales")).text
