"""People and groups from the command line, against the real application."""

import re
from urllib.request import urlopen

import pytest
from tests.integration.cli.conftest import document

from tholos.client import Client
from tholos.client.errors import RemoteConflict, RemoteForbidden, RemoteInvalid, RemoteNotFound
from tholos.client.people import NewPerson, PeopleQuery
from tholos.kit.errors import Conflict


@pytest.fixture
def admin(tholos, signed_in):
    """The command line as an administrator."""
    signed_in()
    return tholos


def test_the_whole_way_of_an_account(admin):
    made = admin("users", "add", "cleo", "--role", "publisher", "--full-name", "Cleo C")
    assert made.code == 0, made.err
    link = re.search(r"http\S+/setup\?code=\S+", made.out)[0]
    assert "Sign in as cleo" in urlopen(link, timeout=20).read().decode()
    assert "not shown again" in made.err
    shown = admin("users", "show", "cleo").out
    assert "Cleo C" in shown
    assert "publisher" in shown
    edited = document(admin("users", "edit", "cleo", "--role", "viewer", "--email", "c@x.org", "--json"))[
        "user"
    ]
    assert (edited["role"], edited["email"], edited["full_name"]) == ("viewer", "c@x.org", "Cleo C")
    assert "tholos users enable cleo" in admin("users", "disable", "cleo").out
    found = document(admin("users", "list", "--disabled", "--json"))["users"]
    assert [one["name"] for one in found] == ["cleo"]
    assert admin("users", "link", "cleo").code == 3
    assert admin("users", "enable", "cleo").code == 0
    assert "/setup?code=" in document(admin("users", "link", "cleo", "--json"))["sign_in_url"]
    assert "0 sessions and 0 tokens ended" in admin("users", "sign-out", "cleo", "--tokens").out


def test_a_program_is_told_how_it_gets_its_token(admin):
    made = admin("users", "add", "robot", "--service", "--role", "publisher")
    assert "tholos tokens add LABEL --account robot" in made.out
    secret = admin("tokens", "add", "nightly", "--account", "robot", "--scope", "publish").out.strip()
    assert secret.startswith("tholos_")
    assert "robot" in admin("users", "list", "--services").out


def test_what_is_wrong_has_its_exit_code(admin, tholos, signed_in):
    assert admin("users", "add", "Not A Name").code == 2
    assert admin("users", "add", "ada").code == 3
    assert admin("users", "show", "nobody-at-all").code == 6
    assert admin("users", "edit", "ada").code == 2
    assert admin("users", "edit", "admin", "--role", "viewer").code == 3
    assert "nobody is like that" in admin("users", "list", "--search", "zzz").out
    signed_in("bob")
    assert tholos("users", "disable", "ada").code == 4
    assert tholos("groups", "add", "mine").code == 4


def test_handing_over_says_first_what_it_would_move(admin, tholos, signed_in):
    owned = document(admin("users", "hand-over", "ada", "bob", "--dry-run", "--json"))
    assert owned["is_dry_run"]
    assert owned["apps"]
    told = admin("users", "hand-over", "ada", "bob", "--dry-run").out
    assert "would hand over to bob" in told
    assert owned["apps"][0] in told
    done = document(admin("users", "hand-over", "ada", "bob", "--json"))
    assert done["apps"] == owned["apps"]
    assert "owns nothing" in admin("users", "hand-over", "ada", "bob").out
    assert admin("users", "hand-over", "bob", "vic").code == 2
    for app in owned["apps"]:
        admin("hand-over", app, "ada")


def test_the_whole_way_of_a_group(admin):
    assert (
        "tholos groups add-member crew ACCOUNT" in admin("groups", "add", "crew", "--note", "who sails").out
    )
    added = document(admin("groups", "add-member", "crew", "vic", "bob", "--json"))
    assert [one["account"] for one in added["members"]] == ["vic", "bob"]
    assert "crew" in admin("groups", "list").out
    shown = admin("groups", "show", "crew").out
    for text in ("who sails", "bob, vic"):
        assert text in shown
    assert "crew" in admin("users", "show", "vic").out
    assert (
        document(admin("groups", "edit", "crew", "--name", "sailors", "--json"))["group"]["note"]
        == "who sails"
    )
    assert admin("groups", "remove-member", "sailors", "vic").code == 0
    assert admin("groups", "remove-member", "sailors", "vic").code == 6
    assert document(admin("groups", "show", "sailors", "--json"))["members"][0]["account"] == "bob"
    assert admin("groups", "add-member", "sailors", "nobody-at-all").code == 6
    assert admin("groups", "add", "sailors").code == 3
    assert "removed" in admin("groups", "remove", "sailors").out
    assert admin("groups", "show", "sailors").code == 6


def test_a_group_that_somebody_loses_something_by_is_not_removed_just_so(admin, room, signed_in):
    admin("groups", "add", "losers")
    app = document(admin("list", "--json"))["apps"][0]["name"]
    with Client(room.site.url, signed_in()) as client:
        client.share(app, "losers", kind="group")
        assert [(one.kind, one.name) for one in client.given("losers")] == [("app", app)]
    refused = admin("groups", "remove", "losers")
    assert (refused.code, app in refused.err, "--yes" in refused.err) == (2, True, True)
    assert document(admin("groups", "remove", "losers", "--yes", "--json"))["taken_back"][0]["name"] == app


def test_the_client_tells_whoever_comes_second(room, signed_in):
    with Client(room.site.url, signed_in()) as client:
        made = client.create_person(NewPerson("dora"))
        assert "code" not in repr(made)
        client.change_person("dora", full_name="Dora", seen=made.person.version)
        with pytest.raises(Conflict):
            client.change_person("dora", full_name="Other", seen=made.person.version)
        assert [one.name for one in client.people(PeopleQuery("dor"))] == ["dora"]
        with pytest.raises(RemoteInvalid):
            client.change_person("dora", role="king")
        with pytest.raises(RemoteConflict):
            client.create_person(NewPerson("dora"))
        assert client.group(client.create_group("second").name).members == 0
        with pytest.raises(RemoteNotFound):
            client.add_member("second", "nobody-at-all")
    with Client(room.site.url, signed_in("vic")) as viewer:
        assert viewer.person("vic").name == "vic"
        with pytest.raises(RemoteForbidden):
            viewer.people()
