"""Quotas at every door: who sees and says them, and what is answered once one is reached."""

import json
import re

import pytest

MINE = "/api/v1/accounts/ada/quota"


async def put(asgi, body):
    return await asgi.send("PUT", MINE, json.dumps(body).encode())


async def test_administrators_say_it_and_oneself_sees_it(console):
    console.add_app("ada", "sales")
    admin, ada, bob = (console.by_token(name) for name in ("admin", "ada", "bob"))
    said = await put(admin, {"apps": 5, "memory_mb": 1000})
    assert said.status == 200, said.text
    seen = (await ada.get(MINE)).json
    assert seen["apps"] == {"taken": 1, "most": 5, "is_own": True}
    assert seen["instances"] == {"taken": 0, "most": 0, "is_own": False}
    assert (await bob.get(MINE)).status == 403
    assert (await put(ada, {"apps": 100})).status == 403
    assert (await put(admin, {"apps": -1})).status == 400


@pytest.mark.parametrize("typed", ["4", "", " 0 "])
async def test_the_page_of_a_person_shows_and_says_it(console, typed):
    console.add_app("ada", "sales")
    browser = console.by_session("admin")
    answer = await browser.form("/people/ada/quota", {"quota_apps": typed, "quota_storage_mb": "7"})
    assert answer.status == 200, answer.text
    shown = re.search(r'<input[^>]*name="quota_apps"[^>]*>', answer.text)
    assert shown
    assert (re.findall(r' value="([^"]*)"', shown[0]) or [""]) == [typed.strip()]
    own = await console.by_session("ada").get("/account")
    assert ("1 of 4" in own.text) == (typed == "4")
    wrong = await browser.form("/people/ada/quota", {"quota_apps": "many"})
    assert (wrong.status, "A whole number, or empty." in wrong.text) == (400, True)


async def test_connects_clients_are_told_in_their_own_shape(console):
    await put(console.by_token("admin"), {"apps": 1})
    console.add_app("ada", "sales")
    answer = await console.by_token("ada").post("/__api__/v1/content", {"name": "more"})
    assert answer.status == 403
    assert answer.json["error"].startswith("Cannot make another app: 1 are as many as this account may own.")
