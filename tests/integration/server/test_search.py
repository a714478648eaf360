"""What a word leads to, and for whom."""

import re

import pytest

from tholos.accounts import groups, tokens
from tholos.accounts import service as accounts
from tholos.accounts.models import Scope
from tholos.accounts.tokens import NewToken
from tholos.console.finding import PLACES
from tholos.kit.sealing import Sealer
from tholos.testing.asgi import Asgi
from tholos.variables import shared


@pytest.fixture
def furnished(console, tmp_path):
    console.add_app("ada", "sales")
    with console.database.write() as db:
        groups.make_group(db, console.people.admin, "wharf-team", "", console.clock.now())
        for owner, name in (("ada", "wharf-key"), ("bob", "wharf-other")):
            actor = getattr(console.people, owner)
            shared.create_secret(db, Sealer(tmp_path / "keys"), actor, name, "x", "", console.clock.now())
    return console


async def search(asgi, word):
    answer = await asgi.get(f"/api/v1/search?q={word}")
    assert answer.status == 200
    return {one["title"]: (one["kind"], one["href"]) for one in answer.json["items"]}


async def test_everything_of_a_name_is_found(furnished):
    ada = furnished.by_token("ada")
    found = await search(ada, "WHARF")
    assert found["wharf-team"] == ("group", "/groups/wharf-team")
    assert found["wharf-key"] == ("secret", "/secrets/wharf-key")
    assert "wharf-other" not in found, "it is somebody else's"
    assert (await search(ada, "bob"))["bob"] == ("person", "/people/bob")
    assert (await search(ada, "webhooks"))["Tell other systems by webhooks"] == (
        "help",
        "/help/how-to/webhooks",
    )
    assert (await search(ada, "%25")) == {}


async def test_who_shares_nothing_is_told_of_nobody(furnished):
    vic = furnished.by_token("vic")
    assert await search(vic, "wharf") == {}
    assert "ada" not in await search(vic, "ada")
    assert not {"Groups", "Invitations", "Shared secrets", "Audit"} & set(await search(vic, ""))
    app = (await furnished.by_token("ada").get("/api/v1/apps/sales")).json["id"]
    with furnished.database.write() as db:
        account = accounts.get_account(db, furnished.people.ada.account_id)
        _, secret = tokens.sign_in(
            db, account, NewToken("t", scope=Scope.FULL, object_id=app), furnished.clock.now()
        )
    narrow = Asgi(furnished.application, {"authorization": f"Bearer {secret}"})
    assert await search(narrow, "wharf") == {}


async def test_an_apps_tabs_are_those_of_its_page(furnished):
    ada = furnished.by_session("ada")
    page = (await ada.get("/apps/sales")).text
    found = {href for kind, href in (await search(ada, "sales")).values() if kind == "tab"}
    tabs = ("releases", "source", "logs", "access", "settings", "activity")
    assert found == {f"/apps/sales/{tab}" for tab in tabs}
    assert all(f'href="{href}"' in page for href in found)


async def test_places_are_called_as_in_the_menu(furnished):
    page = (await furnished.by_session("admin").get("/")).text
    menu = dict(re.findall(r'<a href="(/[^"#?]*)"[^>]*>([A-Z][^<]*)</a>', page))
    named = {one.href: one.title for one in PLACES}
    assert {
        href: text for href, text in menu.items() if href in named and href != "/help/api"
    }.items() <= named.items()
    assert {"/people", "/invitations", "/secrets"} <= menu.keys()


async def test_every_place_is_there(furnished):
    admin = furnished.by_session("admin")
    for place in PLACES:
        assert (await admin.get(place.href)).status == 200, place.href
