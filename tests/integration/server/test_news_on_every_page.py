"""The account's menu says that there is news in the inbox, on whichever page one is."""

import re

import pytest
from sqlalchemy import text

from tholos.apps import service as apps
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.notifications import outbox
from tholos.notifications.outbox import Setup

BUTTON = re.compile(r'<summary id="account-button"[^>]*>.*?</summary>', re.DOTALL)
COUNT = 'class="count"'
LINK = re.compile(r'<a [^>]*id="account-news"[^>]*>.*?</a>', re.DOTALL)


@pytest.fixture
def sales(console):
    with console.database.write() as db:
        outbox.begin(db)
    console.add_app("ada", "sales")
    return console


def tell(console, times) -> None:
    """So many people ask for access to it."""
    with console.database.write() as db:
        app = apps.find_named(db, "org_default", "sales")
        for _ in range(times):
            audit.record(db, audit.ITSELF, Action.ACCESS_REQUESTED, apps.subject_of(app), console.clock.now())
    with console.database.write() as db:
        outbox.plan_next(db, Setup(can_mail=False, url=""), console.clock.now())


async def shown(asgi, path) -> tuple[str, str]:
    page = await asgi.get(path)
    assert page.status == 200, page.text
    return BUTTON.search(page.text)[0], LINK.search(page.text)[0]


async def test_a_number_where_there_is_news(sales):
    ada, bob = sales.by_session("ada"), sales.by_session("bob")
    for path in ("/", "/account", "/account/notifications", "/apps/sales", "/help"):
        button, link = await shown(ada, path)
        assert 'aria-label="Account: ada"' in button
        assert COUNT not in button + link
    tell(sales, 2)
    for path in ("/", "/account", "/account/notifications", "/apps/sales", "/help"):
        button, link = await shown(ada, path)
        assert 'aria-label="Account: ada, 2 new"' in button, path
        assert '<span class="count">2</span>' in button
        assert '2<span class="spoken"> new</span>' in link
        assert "data-live" in button
        assert "data-live" in link
    assert COUNT not in "".join(await shown(bob, "/"))
    assert (await ada.form("/account/notifications/seen", {"until": ""})).status == 303
    assert COUNT not in "".join(await shown(ada, "/"))


async def test_many_are_said_shortly(sales):
    tell(sales, 120)
    button, link = await shown(sales.by_session("ada"), "/")
    assert ">99+<" in button
    assert "Account: ada, 120 new" in button
    assert ">120<" in link


async def test_a_page_that_refuses_what_was_typed_says_it_too(sales):
    tell(sales, 1)
    ada = sales.by_session("ada")
    page = await ada.form("/account/password", {"current": "wrong", "password": "x"})
    assert page.status >= 400
    assert "Account: ada, 1 new" in page.text


async def test_it_is_counted_by_its_index(sales):
    """Of all that somebody was ever told only what is new is looked at."""
    asked = (
        "select count(*) from deliveries where account_id = :who and channel = 'inbox' and seen_at is null"
    )
    with sales.database.read() as db:
        plan = " ".join(str(row) for row in db.execute(text(f"explain query plan {asked}"), {"who": "x"}))
    assert "ix_deliveries_unseen" in plan
