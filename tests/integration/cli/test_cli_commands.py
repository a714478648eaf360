"""What each command prints, and its exit code."""

from __future__ import annotations

import io
import json
import re

import pytest

from tholos import __version__
from tholos.testing.api import ROUTES, Handler, Refusal


@pytest.fixture
def published(logged_in, app):
    assert logged_in("publish", "--name", "sales").code == 0
    return logged_in


def ageless(text: str) -> str:
    return re.sub(r" {2,}seen", " seen", re.sub(r" +\d+ (s|min|h|d) ago", " AGO", text))


def test_login_by_link(tholos, api, home):
    ran = tholos("login", f"{api.url}/sign-in?code={api.code}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"  ✔ ada (publisher) on {api.url.removeprefix('http://')}, now the default server\n"
    stored = home / "config" / "tholos" / "servers.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert json.loads(stored.read_text())["default"] == api.url


def test_login_by_password_and_by_token(tholos, api, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{api.password}\n"))
    assert tholos("login", api.url, "--name", "ada", "--password-stdin").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert tholos("login", api.url, "--name", "ada", "--password-stdin").code == 4
    (tmp_path / "token").write_text(f"{api.token}\n")
    assert tholos("login", api.url, "--token-file", str(tmp_path / "token")).code == 0
    (tmp_path / "token").write_text("other\n")
    assert tholos("login", api.url, "--token-file", str(tmp_path / "token")).code == 4
    assert tholos("login", api.url, "--token-file", str(tmp_path / "nowhere")).code == 6
    assert tholos("list").code == 0, "a login that failed changes nothing"


def test_login_asks_nobody_where_nobody_is(tholos, api):
    ran = tholos("login", api.url)
    assert ran.code == 2
    assert "--token-file" in ran.err


def test_a_code_works_at_127_0_0_1_too_and_is_the_same_server(tholos, api):
    url = api.url.replace("localhost", "127.0.0.1")
    assert tholos("login", f"{url}/setup?code={api.code}").code == 0
    assert tholos("list", "--server", url).code == 0


def test_a_server_of_another_version_is_told_at_login(tholos, api):
    api.api = 2
    api.version = "9.1.0"
    ran = tholos("login", f"{api.url}/sign-in?code={api.code}")
    assert ran.code == 3
    assert "pip install 'tholos==9.1.0'" in ran.err


def test_a_server_of_another_version_is_told_when_it_is_not_understood(logged_in, api, monkeypatch):
    api.api = 2
    monkeypatch.setattr("tholos.testing.api.ROUTES", tuple(r for r in ROUTES if r[1] != "/apps"))
    monkeypatch.setattr("tholos.testing.api.Handler._json", older_answer(Handler._json))
    assert logged_in("list").code == 3


def older_answer(json):
    def answer(self, status, value, headers=None):
        json(self, status, {"message": "no"} if status == 404 else value, headers)

    return answer


def test_logout_ends_the_token(logged_in, api, home):
    ran = logged_in("logout")
    assert (ran.code, ran.out) == (0, f"  ✔ logged out of {api.url.removeprefix('http://')}\n")
    assert api.tokens == {}
    assert api.token not in (home / "config" / "tholos" / "servers.json").read_text()
    assert logged_in("list").code == 4


def test_logout_while_the_server_is_away_forgets_the_token_here(logged_in, api):
    api.stop()
    ran = logged_in("logout")
    assert ran.code == 0
    assert "stays valid until" in ran.err


def test_nobody_is_logged_in(tholos):
    ran = tholos("list")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == (
        "tholos: Cannot do this: you are not logged in to a server.\n  fix     tholos login http://localhost:8080\n"
    )


def test_an_ended_token_is_told_with_the_way_out(logged_in, api):
    api.tokens.clear()
    ran = logged_in("list")
    assert ran.code == 4
    assert f"  fix     tholos login {api.url}\n" in ran.err


def test_tokens_that_others_can_read_are_not_used(logged_in, home):
    stored = home / "config" / "tholos" / "servers.json"
    stored.chmod(0o644)
    ran = logged_in("list")
    assert ran.code == 4
    assert f"chmod 600 {stored}" in ran.err


def test_damaged_memory_is_named(logged_in, home):
    stored = home / "config" / "tholos" / "servers.json"
    for text in ("{", "[]", '{"version": 9}', '{"version": 1, "servers": {"http://x": {"token": 1}}}'):
        stored.write_text(text)
        ran = logged_in("list")
        assert ran.code in {2, 5}
        assert str(stored) in ran.err


def test_server_and_token_can_come_from_the_environment(tholos, api, monkeypatch):
    monkeypatch.setenv("THOLOS_SERVER", api.url)
    assert tholos("list").code == 4
    monkeypatch.setenv("THOLOS_TOKEN", api.token)
    assert tholos("list").code == 0


def test_a_server_that_is_down_is_5_and_says_how_to_start_one(logged_in, api, monkeypatch):
    api.stop()
    ran = logged_in("list")
    assert ran.code == 5
    assert ran.err == (
        f"tholos: Cannot reach {api.url}: nothing listens there.\n  fix     is it running? Start it with: tholos up\n"
    )


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (401, 4), (403, 4), (404, 6), (409, 3), (413, 2), (500, 70)]
)
def test_each_refusal_has_its_exit_code(logged_in, api, status, code):
    api.refusals = [Refusal(status, "bug" if status == 500 else "x", "Cannot do this.")]
    ran = logged_in("list")
    assert ran.code == code
    assert "tholos: Cannot do this." in ran.err
    assert ("req_1" in ran.err) == (status == 500)


def test_list(published):
    assert logged_out_list(published) == (
        "  NAME    STATE     RELEASE   KIND    URL\n"
        "  sales   serving   1         Flask   http://sales.localhost:8080/\n"
    )
    document = json.loads(published("list", "--json").out)
    assert document["version"] == 1
    assert document["apps"][0]["name"] == "sales"


def logged_out_list(tholos) -> str:
    ran = tholos("list")
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def test_list_of_nothing(logged_in):
    assert logged_in("list").out == "  nothing is published yet · tholos publish\n"


def test_status_of_this_folders_app(published):
    ran = published("status")
    assert ran.code == 0
    assert ageless(ran.out) == (
        "  sales         serving, since AGO seen AGO\n"
        "  release 1     Flask, app:app, Python 3.12.1, 12 packages, by ada, AGO\n"
        "  instance      ready, process 4242, release 1\n"
        "  http://sales.localhost:8080/\n"
    )
    assert json.loads(published("status", "--json").out)["instances"][0]["pid"] == 4242


def test_status_without_a_folder_needs_a_name(logged_in):
    assert logged_in("status").code == 2
    ran = logged_in("status", "sales")
    assert ran.code == 6
    assert "There is no app sales" in ran.err


def test_why(published):
    ran = published("why")
    assert ageless(ran.out) == (
        "  sales is serving\n  app.py:31     KeyError: 'total' AGO\n                tholos logs sales\n"
    )
    assert json.loads(published("why", "sales", "--json").out)["reasons"][0]["where"] == "app.py:31"


def test_open_prints_the_url(published):
    assert published("open", "--print").out == "http://sales.localhost:8080/\n"


def test_logs(published, api):
    api.log("sales", *(f"line {n}" for n in range(300)))
    assert published("logs").out.splitlines() == [f"line {n}" for n in range(100, 300)]
    assert published("logs", "sales", "--lines", "2", "--release", "1").out == "line 298\nline 299\n"
    assert published("logs", "--lines", "0").out == ""
    (line,) = json.loads(published("logs", "--lines", "1", "--json").out)["lines"]
    assert (line["text"], line["n"], line["instance"]) == ("line 299", 300, "ins_1")
    assert published("logs", "--search", "LINE 29", "--since", "10m", "--level", "info").out.startswith(
        "line 290\n"
    )
    (timed,) = published("logs", "--lines", "1", "--times").out.splitlines()
    assert re.fullmatch(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d  line 299", timed)


def test_delete_wants_the_name_again(published, api):
    ran = published("delete", "sales")
    assert (ran.code, list(api.apps)) == (2, ["sales"])
    assert "tholos delete sales --yes" in ran.err
    ran = published("delete", "sales", "--yes")
    assert (ran.code, ran.out, api.apps) == (0, "  sales         deleted\n", {})
    assert published("status").code == 2, "the folder is forgotten"


def test_cancel(published, api, app):
    api.hold_after = 1
    (app / "new.txt").write_text("x")
    snapshot = next(iter(api.snapshots))
    api.publish("sales", {"snapshot": snapshot, "upgrade": True}, "key")
    operation = list(api.operations)[-1]
    ran = published("cancel", operation)
    assert (ran.code, ran.out) == (0, "  publish       of sales cancelled\n")
    assert published("cancel", "op_unknown").code == 6


def test_version(tholos, logged_in, api):
    assert tholos("--version").out == f"tholos {__version__}\n"
    ran = tholos("version")
    assert ran.out == f"  tholos        {__version__}\n  server        {__version__} at {api.url}\n"
    api.stop()
    assert json.loads(tholos("version", "--json").out)["server_version"] == "not reachable"


def test_help_names_every_command(tholos):
    ran = tholos("--help")
    assert ran.code == 0
    assert all(
        name in " ".join(ran.out.split()) for name in ("up", "publish", "why", "doctor", "130 interrupted")
    )
