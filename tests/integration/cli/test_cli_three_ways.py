"""What pages and the API do is done by the command line as well, against the real application."""

import io
import json

from tests.integration.cli.conftest import document

from tholos.accounts import service as accounts
from tholos.accounts.passwords import hash_password
from tholos.apps import service as apps


def set_password(room, name, password):
    with room.database.write() as db:
        account = accounts.find_account(db, "org_default", name)
        accounts.set_password(db, account.id, hash_password(password))


class TestPassword:
    def test_from_stdin(self, by, room, monkeypatch):
        vic = by("vic")
        first = vic("password", "--stdin")
        assert (first.code, "/account" in first.err) == (4, True), "a first one is set in a browser"
        set_password(room, "vic", "correct horse")
        monkeypatch.setattr("sys.stdin", io.StringIO("wrong\nbattery staple\n"))
        refused = vic("password", "--stdin")
        assert (refused.code, "present one" in refused.err) == (2, True), refused.err
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\nbattery staple\n"))
        assert document(vic("password", "--stdin", "--json"))["state"] == "changed"

    def test_typed_twice_and_not_shown(self, by, room, monkeypatch):
        set_password(room, "bob", "correct horse")
        typed = ["correct horse", "long enough 1", "long enough 2", "correct horse", *2 * ["long enough 3"]]
        monkeypatch.setattr("getpass.getpass", lambda prompt: typed.pop(0))
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        bob = by("bob")
        assert "differently" in bob("password").err
        assert bob("password").code == 0

    def test_nobody_is_there(self, by):
        ran = by("ada")("password")
        assert (ran.code, "--stdin" in ran.err) == (2, True)


class TestWebhooks:
    URL = "https://hooks.example.org/T0/secret"

    def test_actions_and_form_are_changed(self, by):
        ada = by("ada")
        made = document(ada("webhooks", "add", self.URL, "--app", "sales", "--json"))["webhook"]
        edit = ("webhooks", "edit", made["id"])
        changed = ada(*edit, "--form", "slack", "--action", "app.failing", "--action", "release.made").out
        assert "slack" in changed
        assert "app.failing, release.made" in changed
        found = document(ada(*edit, "--label", "chat", "--json"))["webhook"]
        assert (found["form"], found["actions"]) == ("slack", ["app.failing", "release.made"])
        assert "all that is worth telling" in ada(*edit, "--all-actions").out
        assert ada(*edit, "--all-actions", "--action", "app.made").code == 2
        assert document(ada("webhooks", "remove", made["id"], "--json"))["state"] == "removed"

    def test_the_body_of_a_delivery_is_shown(self, by, room, monkeypatch):
        monkeypatch.setattr("tholos.cli.webhooks.TEST_SECONDS", 0.0)  # nothing is sent from here
        ada = by("ada")
        made = document(ada("webhooks", "add", self.URL, "--app", "sales", "--json"))["webhook"]
        ada("webhooks", "test", made["id"])
        (listed,) = document(ada("webhooks", "deliveries", made["id"], "--json"))["deliveries"]
        shown = ada("webhooks", "deliveries", made["id"], "--show", listed["id"])
        assert '"type": "webhook.test"' in shown.out
        (whole,) = document(ada("webhooks", "deliveries", made["id"], "--show", listed["id"], "--json"))[
            "deliveries"
        ]
        assert whole["body"]["type"] == "webhook.test"


class TestAudit:
    def test_by_kind_and_name_and_between_times(self, by):
        admin = by("admin")
        admin("users", "add", "nora")
        found = document(admin("audit", "--kind", "account", "--name", "nora", "--json"))["entries"]
        assert {one["subject"] for one in found} == {"nora"}
        assert document(admin("audit", "--name", "nora", "--until", "1h", "--json"))["entries"] == []
        assert admin("audit", "--app", "sales", "--kind", "app").code == 2

    def test_one_app_is_exported(self, by, tmp_path):
        admin, file = by("admin"), tmp_path / "sales.jsonl"
        assert admin("edit", "sales", "--title", "Sales of all").code == 0
        said = document(admin("audit", "--app", "sales", "--export", str(file), "--json"))
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert (said["file"], said["lines"]) == (str(file), len(lines))
        assert {(one["subject_kind"], one["subject"]) for one in lines} == {("app", "sales")}
        assert by("ada")("audit", "--app", "sales", "--export", str(file)).code == 4


class TestApps:
    def test_the_list_is_searched(self, by):
        ada = by("ada")
        everything = {one["name"] for one in document(ada("list", "--json"))["apps"]}
        found = {one["name"] for one in document(ada("list", "sal", "--json"))["apps"]}
        assert "sales" in found < everything
        assert {one["owner"] for one in document(ada("list", "--show", "mine", "--json"))["apps"]} == {"ada"}
        assert "no app is like that" in ada("list", "zzz").out

    def test_back_to_as_many_releases_as_the_installation_keeps(self, by, room):
        ada = by("ada")

        def kept():
            with room.database.read() as db:
                return apps.find_named(db, "org_default", "sales").keep_releases

        assert ada("edit", "sales", "--keep", "7").code == 0
        assert kept() == 7
        assert ada("edit", "sales", "--title", "Sales").code == 0
        assert kept() == 7
        assert ada("edit", "sales", "--keep", "0").code == 0
        assert kept() is None
