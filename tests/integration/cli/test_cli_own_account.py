"""One's own account and invitations from the command line, against the real application."""

import re
from urllib.request import urlopen

import pytest
from tests.integration.cli.conftest import document

from tholos.accounts import service as accounts
from tholos.accounts.models import Account, AccountKind, Role
from tholos.client import Client
from tholos.client.errors import RemoteForbidden, RemoteNotFound
from tholos.client.own import NewInvitation, NewToken


class TestMe:
    def test_it_is_told_and_changed(self, tholos, signed_in):
        signed_in("bob")
        assert "publisher" in tholos("me").out
        ran = tholos("me", "--full-name", "Bob B", "--email", "bob@example.org")
        assert "Bob B" in ran.out
        account = document(tholos("me", "--json"))["account"]
        assert (account["name"], account["full_name"], account["email"]) == (
            "bob",
            "Bob B",
            "bob@example.org",
        )
        assert document(tholos("me", "--email", "", "--json"))["account"]["email"] == ""

    def test_what_is_wrong_is_a_usage_error(self, tholos, signed_in):
        signed_in("bob")
        ran = tholos("me", "--email", "nowhere")
        assert ran.code == 2
        assert "mail address" in ran.err


class TestTokens:
    def test_made_used_listed_and_revoked(self, tholos, signed_in, room, monkeypatch):
        signed_in("ada")
        ran = tholos("tokens", "add", "ci-run", "--scope", "read", "--app", "sales", "--days", "7")
        assert re.fullmatch(r"tholos_[\w-]{43}\n", ran.out), "only the token, for a pipe"
        assert "shown this once" in ran.err
        monkeypatch.setenv("THOLOS_TOKEN", ran.out.strip())
        assert tholos("me").code == 0
        refused = tholos("tokens", "add", "more")
        assert refused.code == 4
        assert "scope" in refused.err
        signed_in("ada")
        found = {one["label"]: one for one in document(tholos("tokens", "list", "--json"))["tokens"]}
        assert (found["ci-run"]["scope"], found["ci-run"]["app"]) == ("read", "sales")
        assert "ci-run" in tholos("tokens", "list").out
        assert tholos("tokens", "revoke", found["ci-run"]["id"]).code == 0
        assert tholos("tokens", "revoke", found["ci-run"]["id"]).code == 6
        assert "ci-run" not in tholos("tokens", "list").out

    def test_of_a_programs_account(self, tholos, signed_in, room):
        with room.database.write() as db:
            account, _ = accounts.create_account(
                db, room.rows.people["admin"], "robot", Role.PUBLISHER, room.clock.now()
            )
            account.kind = AccountKind.SERVICE
        signed_in("admin")
        made = document(tholos("tokens", "add", "ci", "--account", "robot", "--json"))
        assert made["account"] == "robot"
        with Client(room.site.url, made["token"]) as client:
            assert client.me().name == "robot"
        (one,) = document(tholos("tokens", "list", "--account", "robot", "--json"))["tokens"]
        assert tholos("tokens", "revoke", one["id"], "--account", "robot").code == 0
        assert document(tholos("tokens", "list", "--account", "robot", "--json"))["tokens"] == []
        signed_in("ada")
        assert tholos("tokens", "list", "--account", "robot").code == 4

    def test_a_scope_that_is_none(self, tholos, signed_in):
        signed_in("ada")
        assert tholos("tokens", "add", "x", "--scope", "king").code == 2
        assert tholos("tokens", "add", "x", "--days", "0").code == 2
        assert tholos("tokens", "add", "x", "--app", "none-such").code == 6


class TestSessions:
    def test_listed_and_ended(self, tholos, signed_in, room):
        signed_in("vic")
        assert "no browser" in tholos("sessions", "list").out
        for _ in range(3):
            room.sign_in("vic")
        first, *_ = document(tholos("sessions", "list", "--json"))["sessions"]
        assert tholos("sessions", "end", first["id"]).code == 0
        assert tholos("sessions", "end", first["id"]).code == 6
        assert first["id"] not in tholos("sessions", "list").out
        assert "browsers: 2, tokens: 0" in tholos("sessions", "end-all").out
        held = len(document(tholos("tokens", "list", "--json"))["tokens"])  # the room is others' too
        assert f"tokens: {held}" in tholos("sessions", "end-all", "--tokens").out
        assert tholos("me").code == 4


class TestInvitations:
    def test_made_used_and_listed(self, tholos, signed_in, room):
        signed_in("ada")
        ran = tholos("invite", "cleo@example.org", "--to", "sales", "--as", "viewer")
        assert re.fullmatch(rf"{room.site.url}/invitations/[\w-]{{43}}\n", ran.out)
        assert "sales as viewer; for whoever has it first" in ran.err
        with urlopen(ran.out.strip(), timeout=10) as page:
            assert "ada invites you" in page.read().decode()
        found = document(tholos("invitations", "list", "--json"))["invitations"]
        (one,) = [one for one in found if one["email"] == "cleo@example.org"]
        assert (one["app"], one["state"], one["used_by"], one["by"]) == ("sales", "open", [], "ada")
        assert "cleo@example.org" in tholos("invitations", "list").out
        assert tholos("invitations", "revoke", one["id"]).code == 0
        assert tholos("invitations", "revoke", one["id"]).code == 3

    def test_what_one_may_not_give(self, tholos, signed_in):
        signed_in("ada")
        assert tholos("invite", "--to", "sales", "--role", "publisher").code == 4
        assert tholos("invite", "x@example.org").code == 4
        assert tholos("invite", "--to", "none-such").code == 6
        signed_in("admin")
        made = document(tholos("invite", "--role", "publisher", "--uses", "3", "--days", "2", "--json"))
        assert (made["invitation"]["role"], made["invitation"]["uses_left"]) == ("publisher", 3)
        assert tholos("invite", "--uses", "0").code == 2
        signed_in("vic")
        assert tholos("invitations", "list").code == 4


class TestClient:
    def test_every_page_of_invitations_is_read(self, signed_in, room):
        with Client(room.site.url, signed_in("admin")) as client:
            before = len(client.invitations())
            made = client.invite(NewInvitation(role="publisher"))
            found = client.invitations()
            assert len(found) == before + 1
            assert client.invitation(made.invitation.id) == made.invitation == found[0]
            assert made.url not in repr(made)
            with pytest.raises(RemoteNotFound):
                client.invitation("inv_none")

    def test_a_token_does_not_stand_in_what_is_printed_of_it(self, signed_in, room):
        with Client(room.site.url, signed_in("ada")) as client:
            made = client.create_token(NewToken("x", scope="open"))
            assert made.token not in repr(made)
        with Client(room.site.url, made.token) as narrow:
            with pytest.raises(RemoteForbidden):
                narrow.me()
            narrow.revoke_token()
        with room.database.read() as db:
            assert db.query(Account).filter(Account.name == "ada").count() == 1
