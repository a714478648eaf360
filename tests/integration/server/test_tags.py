"""Tags over HTTP and on pages: the tree, an app's tags, and the home page by them."""

import json
import re

import pytest


@pytest.fixture
async def tagged(console):
    """An app with a tag below a category; gives the ids of both."""
    console.add_app("ada", "sales")
    console.add_app("ada", "other")
    admin = console.by_token("admin")
    category = (await admin.post("/api/v1/tags", {"name": "Department"})).json["id"]
    tag = (await admin.post("/api/v1/tags", {"name": "Selling", "parent": category})).json["id"]
    put = await console.by_token("ada").send(
        "PATCH", "/api/v1/apps/sales/tags", f'{{"put": ["{tag}"]}}'.encode()
    )
    assert put.status == 200, put.text
    return category, tag


async def test_the_whole_way_of_a_tag(console, tagged):
    category, tag = tagged
    admin, ada = console.by_token("admin"), console.by_token("ada")
    found = (await ada.get("/api/v1/tags")).json["items"]
    assert [(one["path"], one["category"], one["apps"]) for one in found] == [
        (["Department"], True, 1), (["Department", "Selling"], False, 1),
    ]  # fmt: skip
    assert (await ada.get(f"/api/v1/tags/{tag}")).json == found[1]
    for one in (category, tag):
        apps = (await ada.get(f"/api/v1/tags/{one}/apps")).json["items"]
        assert [app["name"] for app in apps] == ["sales"]
    assert (await ada.get(f"/api/v1/tags/{tag}/apps?q=zebra")).json["items"] == []
    (put,) = (await ada.get("/api/v1/apps/sales/tags")).json["items"]
    assert (put["id"], put["serial"]) == (tag, found[1]["serial"])
    changed = await admin.send("PATCH", f"/api/v1/tags/{tag}", b'{"name": "Sold"}')
    assert (changed.json["name"], changed.json["parent"]) == ("Sold", category)
    removed = await admin.ask("DELETE", f"/api/v1/tags/{category}")
    assert removed.json == {"tags": [["Department"], ["Department", "Sold"]], "apps": ["sales"]}
    assert (await ada.get("/api/v1/apps/sales/tags")).json["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/api/v1/tags", {"name": "\t"}, 400, "tag_invalid"),
        ("POST", "/api/v1/tags", {"name": "department"}, 409, "tag_taken"),
        ("POST", "/api/v1/tags", {"name": "x", "parent": "tag_none"}, 404, "tag_not_found"),
        ("GET", "/api/v1/tags/tag_none", None, 404, "tag_not_found"),
        ("GET", "/api/v1/tags/tag_none/apps", None, 404, "tag_not_found"),
        ("PATCH", "/api/v1/apps/sales/tags", {"put": ["{category}"]}, 400, "tag_is_category"),
        ("PATCH", "/api/v1/tags/{tag}", {"parent": ""}, 409, "tag_in_use"),
        ("PATCH", "/api/v1/tags/{category}", {"parent": "{tag}"}, 400, "tag_invalid"),
    ],
)
async def test_what_is_wrong_is_told(console, tagged, method, path, body, status, code):
    category, tag = tagged

    def said(text):
        return text.replace("{category}", category).replace("{tag}", tag)

    sent = said(json.dumps(body)).encode() if body is not None else b""
    answer = await console.by_token("admin").send(method, said(path), sent)
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.text
    assert answer.json["error"]["message"]


async def test_home_is_looked_through_by_a_tag(console, tagged):
    category, tag = tagged
    ada = console.by_session("ada")
    home = (await ada.get("/")).text
    assert home.count('data-app="') == 2
    card = home[home.index('data-app="sales"') :]
    assert f'href="/?tag={tag}"' in card[: card.index("</li>") + 200]
    for one in (category, tag):
        page = (await ada.get(f"/?tag={one}")).text
        assert re.findall(r'data-app="([a-z]+)"', page) == ["sales"]
        assert f'href="/api/v1/tags/{one}/apps"' in page
    assert "No app is found by Selling" in (await console.by_session("bob").get(f"/?tag={tag}")).text
    assert f"/?tag={tag}" not in (await console.by_session("bob").get("/")).text
    assert (await ada.get("/?tag=tag_none")).status == 404


async def test_an_editor_ticks_tags_on_the_settings_page(console, tagged):
    _, tag = tagged
    ada = console.by_session("ada")
    assert f'value="{tag}" checked' in (await ada.get("/apps/sales/settings")).text
    cleared = await ada.form("/apps/sales/settings/tags", {})
    assert (cleared.status, f'value="{tag}" checked' in cleared.text) == (200, False)
    put = await ada.form("/apps/other/settings/tags", {"tag": tag})
    assert f'value="{tag}" checked' in put.text
    assert f'href="/?tag={tag}"' in (await ada.get("/apps/other")).text
    wrong = await ada.form("/apps/other/settings/tags", {"tag": "tag_none"})
    assert (wrong.status, "There is no such tag" in wrong.text) == (400, True)
    assert (await console.by_session("bob").form("/apps/other/settings/tags", {"tag": tag})).status == 404


async def test_an_administrator_keeps_the_tree_on_its_pages(console, tagged):
    category, tag = tagged
    admin = console.by_session("admin")
    made = await admin.form("/admin/tags", {"name": "Buying", "parent": category})
    assert (made.status, "Buying" in made.text) == (200, True)
    twice = await admin.form("/admin/tags", {"name": "BUYING", "parent": category})
    assert (twice.status, 'id="error-name"' in twice.text, 'value="BUYING"' in twice.text) == (
        409,
        True,
        True,
    )
    wrong = await admin.form(f"/admin/tags/{category}", {"name": "Department", "parent": tag})
    assert (wrong.status, 'id="error-parent"' in wrong.text) == (400, True)
    renamed = await admin.form(f"/admin/tags/{tag}", {"name": "Sold", "parent": category})
    assert '<h1 class="break">Sold</h1>' in renamed.text
    unsure = await admin.form(f"/admin/tags/{tag}/remove", {"typed": "Selling"})
    assert (unsure.status, "sales" in unsure.text) == (400, True)
    gone = await admin.form(f"/admin/tags/{tag}/remove", {"typed": "Sold"})
    assert (gone.status, gone.headers["location"]) == (303, "/admin/tags")
    assert (await admin.get(f"/admin/tags/{tag}")).status == 404


async def test_a_tag_is_found_by_the_palette(console, tagged):
    _, tag = tagged
    found = (await console.by_token("ada").get("/api/v1/search?q=selling")).json["items"]
    assert ("Department / Selling", f"/?tag={tag}") in {(one["title"], one["href"]) for one in found}
    assert (await console.by_token("bob").get("/api/v1/search?q=selling")).json["items"] == []
