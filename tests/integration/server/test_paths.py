"""Paths of one's own over HTTP and on an app's settings page."""

import json

import pytest

from tholos.paths.service import Policy

API = "/api/v1/apps/sales/path"


@pytest.fixture
def apps(console):
    for owner, name in (("ada", "sales"), ("ada", "stock"), ("bob", "books")):
        console.add_app(owner, name)


async def put(asgi, path, *, app="sales", force=False):
    body = json.dumps({"path": path, "force": force}).encode()
    return await asgi.send("PUT", f"/api/v1/apps/{app}/path", body)


@pytest.mark.usefixtures("apps")
async def test_the_whole_way_of_a_path(console):
    ada = console.by_token("ada")
    assert (await ada.get(API)).json == {"app": "sales", "path": "", "url": "", "created_at": None}
    chosen = await put(ada, "team/report")
    assert (chosen.status, chosen.json["path"], chosen.json["url"]) == (
        200, "/team/report/", "http://localhost:8080/team/report/"
    )  # fmt: skip
    assert (await ada.get("/api/v1/paths")).json["items"] == [chosen.json]
    assert (await ada.get(API)).json == chosen.json
    assert (await put(ada, "team", app="stock")).json["error"]["code"] == "path_taken"
    assert (await put(ada, "team", app="stock", force=True)).status == 200
    assert (await ada.get(API)).json["path"] == ""
    assert (await ada.ask("DELETE", "/api/v1/apps/stock/path")).status == 204
    assert (await ada.get("/api/v1/paths")).json["items"] == []


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize(
    ("path", "code"), [("no spaces", "path_invalid"), ("api", "path_reserved"), ("", "path_invalid")]
)
async def test_what_is_wrong_is_told(console, path, code):
    answer = await put(console.by_token("ada"), path)
    assert (answer.status, answer.json["error"]["code"], answer.json["error"]["where"]) == (400, code, "path")
    assert answer.json["error"]["fix"]


@pytest.mark.usefixtures("apps")
async def test_the_settings_page_has_a_form_of_it(console):
    ada = console.by_session("ada")
    form = "/apps/sales/settings/path"
    saved = await ada.form(form, {"path": "Team/report"})
    assert (saved.status, 'value="/Team/report/"' in saved.text) == (200, True)
    overview = await ada.get("/apps/sales")
    assert 'href="http://localhost:8080/Team/report/"' in overview.text
    taken = await ada.form("/apps/stock/settings/path", {"path": "team"})
    assert (taken.status, 'name="force"' in taken.text, 'value="team"' in taken.text) == (409, True, True)
    assert (await ada.form("/apps/stock/settings/path", {"path": "team", "force": "yes"})).status == 200
    assert 'value="/Team/report/"' not in (await ada.get("/apps/sales/settings")).text
    wrong = await ada.form(form, {"path": "api"})
    assert (wrong.status, 'id="error-path"' in wrong.text) == (400, True)
    assert (await ada.form("/apps/stock/settings/path", {"path": ""})).status == 200
    assert (await ada.get("/api/v1/paths")).json["items"] == []


@pytest.mark.usefixtures("apps")
async def test_where_paths_are_for_administrators_others_are_told_so(console):
    console.application.state.services.add(Policy(is_for_administrators=True))
    refused = await put(console.by_token("ada"), "team")
    assert (refused.status, refused.json["error"]["code"]) == (403, "path_not_for_you")
    assert (await put(console.by_token("admin"), "team")).status == 200
    page = (await console.by_session("ada").get("/apps/sales/settings")).text
    assert 'name="path"' not in page
    assert "<code>/team/</code> leads to it" in page
