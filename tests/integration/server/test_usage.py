"""Usage over HTTP and on an app's page."""

import re
from datetime import timedelta

import pytest

from tholos.usage import service as usage
from tholos.usage.service import Policy, Seen

API = "/api/v1/apps/sales/usage"


@pytest.fixture
def visited(console):
    """Ada's app with visits of hers, of vic's and of nobody in particular; gives its row."""
    app = console.add_app("ada", "sales")[0]
    console.add_app("bob", "books")
    people, now = console.people, console.clock.now()
    who = [people.ada.account_id, people.vic.account_id, people.vic.account_id, ""]
    seen = [
        Seen(app.id, 1, account, now - timedelta(days=number), f"/{number}", "curl/8")
        for number, account in enumerate(who)
    ]
    with console.database.write() as db:
        usage.record(db, seen, Policy())
    return app


@pytest.mark.usefixtures("visited")
async def test_editors_are_told_days_and_visits(console):
    ada = console.by_token("ada")
    found = (await ada.get(API)).json
    assert (found["visits"], found["visitors"], found["anonymous"], len(found["days"])) == (4, 2, 1, 30)
    page = (await ada.get(f"{API}/visits?limit=3")).json
    assert [(one["account"], one["path"]) for one in page["items"]] == [
        ("", "/3"),
        ("vic", "/2"),
        ("vic", "/1"),
    ]
    rest = (await ada.get(f"{API}/visits?limit=3&cursor={page['next']}")).json
    assert ([one["account"] for one in rest["items"]], rest["next"]) == (["ada"], None)
    day = found["days"][-2]["day"]
    assert (await ada.get(f"{API}?since={day}")).json["visits"] == 2
    wrong = await ada.get(f"{API}?since=soon")
    assert (wrong.status, wrong.json["error"]["where"]) == (400, "since")


@pytest.mark.usefixtures("visited")
async def test_all_of_it_is_for_administrators_and_the_rest_for_whom_it_concerns(console):
    async def told(name):
        asgi = console.by_token(name)
        apps = (await asgi.get("/api/v1/usage")).json["items"]
        visits = (await asgi.get("/api/v1/usage/visits")).json["items"]
        return [(one["app"], one["visits"]) for one in apps], len(visits)

    assert await told("admin") == ([("sales", 4)], 4)
    assert await told("ada") == ([("sales", 4)], 4)
    assert await told("bob") == ([], 0)
    assert (await console.by_token("vic").get("/api/v1/usage")).status == 403


@pytest.mark.usefixtures("visited")
async def test_where_it_is_not_kept_who_it_was_nobody_is_told(console):
    console.application.state.services.add(Policy(with_accounts=False))
    ada = console.by_token("ada")
    found = (await ada.get(API)).json
    assert (found["visitors"], found["anonymous"]) == (None, 4)
    assert {one["account"] for one in (await ada.get(f"{API}/visits")).json["items"]} == {""}
    page = (await console.by_session("ada").get("/apps/sales")).text
    assert "4 visits" in page
    assert "2 people" not in page


@pytest.mark.usefixtures("visited")
async def test_the_page_draws_them_and_says_the_same_in_words(console):
    page = (await console.by_session("ada").get("/apps/sales")).text
    assert "4 visits by 2 people, 1 without an account." in page
    label = re.search(r'<svg viewBox[^>]* role="img" aria-label="([^"]*)"', page)[1]
    assert label.startswith("4 visits from ")
    assert len(re.findall(r"<rect [^>]*><title>", page)) == 4
    assert "Nobody has opened it yet" in (await console.by_session("bob").get("/apps/books")).text
