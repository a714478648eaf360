"""Pages speak of mail only where this server sends any, and say where an address is missing."""

import re

import pytest

from tholos.accounts import service as accounts
from tholos.notifications.models import Means

PAGE = "/account/notifications"
MAIL = re.compile(r'<input type="checkbox" name="mail"[^>]*>')


@pytest.fixture
def ada(console):
    return console.by_session("ada")


def set_up(console, *, can_mail, email="") -> None:
    console.application.state.services.add(Means(can_mail=can_mail))
    with console.database.write() as db:
        accounts.get_account(db, console.people.ada.account_id).email = email or None


async def test_where_none_is_sent_nothing_promises_it(console, ada):
    set_up(console, can_mail=False, email="ada@example.org")
    page = await ada.get(PAGE)
    assert "This server sends no mail." in page.text
    assert "Mail goes to" not in page.text
    boxes = MAIL.findall(page.text)
    assert boxes
    assert all(" disabled" in one for one in boxes)
    account = await ada.get("/account")
    assert "Where Tholos sends mail" not in account.text
    assert "This server sends no mail" in account.text


async def test_what_is_saved_there_mutes_no_mail(console, ada):
    """What cannot be ticked is sent along as it is."""
    set_up(console, can_mail=False, email="ada@example.org")
    page = await ada.get(PAGE)
    kept = re.findall(r'<input type="hidden" name="mail" value="([^"]*)"', page.text)
    assert len(kept) == len(MAIL.findall(page.text))


async def test_where_it_is_sent_it_says_to_whom(console, ada):
    set_up(console, can_mail=True, email="ada@example.org")
    page = await ada.get(PAGE)
    assert "Mail goes to ada@example.org." in page.text
    assert not any(" disabled" in one for one in MAIL.findall(page.text))
    assert 'type="hidden" name="mail"' not in page.text
    assert "Where Tholos sends mail" in (await ada.get("/account")).text


async def test_a_missing_address_can_be_given(console, ada):
    set_up(console, can_mail=True)
    page = await ada.get(PAGE)
    assert '<a href="/account#profile">' in page.text
    assert 'id="profile"' in (await ada.get("/account")).text
