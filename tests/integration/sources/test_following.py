"""Apps follow a branch: what is pushed is published, however that was noticed, and what fails leaves what serves."""

import hashlib
import hmac
import json

import pytest

from tholos.testing.trial import eventually, wsgi


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def mirrors(place) -> int:
    return len([*(place.trial.server.data / "sources" / "mirrors").glob("*.git")])


@pytest.fixture
def pushed(place):
    """Tells an installation of a push, in the form of GitHub."""

    def tell(made, commit, *, branch="main", secret=None, event="push"):
        body = json.dumps({"ref": f"refs/heads/{branch}", "after": commit}).encode()
        path = made["source"]["webhook_url"].partition("/hooks/")[2]
        headers = {
            "X-Hub-Signature-256": f"sha256={sign(secret or made['secret'], body)}",
            "X-GitHub-Event": event,
            "Content-Type": "application/json",
        }
        return place.trial.server.ask("POST", f"/hooks/{path}", body, token="", headers=headers)

    return tell


def test_a_repository_is_published_by_the_command_line(place, repository):
    """What a person types, from the first publish to letting go."""
    made = repository("typed")
    first = made.commit(wsgi("one"), "Say one")
    ran = place.trial.server.cli("publish", "--git", place.host.url("typed.git"), "--no-polling")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"commit        {first[:10]} Say one" in ran.stdout
    assert "secret" in ran.stdout
    assert place.trial.get("typed").text == "one"

    second = made.commit(wsgi("two"), "Say two")
    ran = place.trial.server.cli("source", "typed", "--update")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert place.trial.get("typed").text == "two"
    shown = place.trial.server.cli("source", "typed").stdout
    assert second[:10] in shown
    assert "release 2" in shown
    history = place.trial.server.cli("source", "typed", "--history").stdout
    assert history.index("Say two") < history.index("Say one")

    assert place.trial.server.cli("source", "typed", "--remove").returncode == 0
    gone = place.trial.server.cli("source", "typed")
    assert gone.returncode == 6
    assert place.trial.get("typed").text == "two"


def test_a_new_commit_is_noticed_by_itself(place, repository):
    made = repository("polled")
    made.commit(wsgi("one"))
    place.published("polled", place.host.url("polled.git"), polling=True)
    assert place.trial.get("polled").text == "one"
    made.commit(wsgi("two"))
    eventually(lambda: place.trial.get("polled").text == "two")
    assert place.commits("polled")[0]["trigger"] == "poll"
    # A branch that was written anew is followed like any other change.
    made.commit(wsgi("three"), anew=True)
    eventually(lambda: place.trial.get("polled").text == "three")
    place.idle("polled")
    place.trial.server.api("PATCH", "/api/v1/apps/polled/source", {"polling": False})


def test_a_push_begins_at_once_and_only_for_its_branch(place, repository, pushed):
    made = repository("pushed")
    made.commit(wsgi("one"))
    answer = place.follow("pushed", place.host.url("pushed.git"), branch="main")
    place.ended(answer)
    head = made.commit(wsgi("two"))
    assert pushed(answer, head, branch="other").status == 202
    assert pushed(answer, head, event="ping").status == 200
    assert pushed(answer, head, secret="wrong").status == 401
    assert len(place.commits("pushed")) == 1
    told = json.loads(pushed(answer, head).body)
    assert place.trial.wait(told["operation"])["state"] == "done"
    assert place.trial.get("pushed").text == "two"
    again = pushed(answer, head)
    assert (again.status, json.loads(again.body)["operation"]) == (200, None)
    assert len(place.commits("pushed")) == 2


def test_a_renewed_secret_is_the_only_one(place, repository, pushed):
    made = repository("renewed")
    made.commit(wsgi("one"))
    answer = place.follow("renewed", place.host.url("renewed.git"))
    place.ended(answer)
    new = place.trial.server.api("POST", "/api/v1/apps/renewed/source/secret", {})
    assert pushed(answer, made.head(), event="ping").status == 401
    assert pushed(answer, made.head(), event="ping", secret=new["secret"]).status == 200
    assert new["secret"] not in json.dumps(place.source("renewed"))


def test_a_change_elsewhere_deploys_nothing(place, repository):
    """Two apps of one repository: each is published when its own folder changes."""
    made, before = repository("shared"), mirrors(place)
    files = {f"apps/{name}/{path}": text for name in ("a", "b") for path, text in wsgi(name).items()}
    made.commit(files)
    url = place.host.url("shared.git")
    place.published("shared-a", url, subdirectory="apps/a")
    place.published("shared-b", url, subdirectory="./apps/b/", polling=False)
    for name in ("shared-a", "shared-b"):
        place.trial.server.api("PATCH", f"/api/v1/apps/{name}/source", {"polling": True})
    head = made.commit({**files, "apps/b/app.py": wsgi("changed")["app.py"], "README": "words"})
    eventually(lambda: place.trial.get("shared-b").text == "changed")
    eventually(lambda: place.commits("shared-a")[0]["commit"] == head)
    place.idle("shared-a")
    assert (place.commits("shared-a")[0]["state"], place.trial.live("shared-a")) == ("unchanged", 1)
    assert place.trial.get("shared-a").text == "a"
    assert mirrors(place) == before + 1
    for name in ("shared-a", "shared-b"):
        place.trial.server.api("PATCH", f"/api/v1/apps/{name}/source", {"polling": False})


def test_a_commit_that_fails_leaves_what_serves_and_is_not_tried_again(place, repository):
    made = repository("failing")
    made.commit(wsgi("one"))
    place.published("failing", place.host.url("failing.git"), polling=True)
    bad = made.commit(wsgi("two", before="raise RuntimeError('no')"), "Break it")
    eventually(lambda: place.source("failing")["error"] is not None)
    place.idle("failing")
    assert place.trial.get("failing").text == "one"
    (tried, first) = place.commits("failing")
    assert (tried["commit"], tried["state"], first["state"]) == (bad, "failed", "released")
    assert "RuntimeError" in tried["error"]["message"]
    looks = len(place.host.asked)
    eventually(lambda: len(place.host.asked) >= looks + 3)
    assert len(place.commits("failing")) == 2

    made.commit(wsgi("three"))
    eventually(lambda: place.trial.get("failing").text == "three")
    place.idle("failing")
    assert place.source("failing")["error"] is None
    place.trial.server.api("PATCH", "/api/v1/apps/failing/source", {"paused": True})


def test_an_update_redeploys_and_takes_other_refs(place, repository):
    made = repository("updated")
    first = made.commit(wsgi("one"))
    made.git("update-ref", "refs/tags/v1", first)
    made.commit(wsgi("two"))
    place.published("updated", place.host.url("updated.git"))
    assert place.update("updated")["state"] == "done"
    assert place.trial.live("updated") == 2
    assert place.update("updated", "v1")["state"] == "done"
    assert place.trial.get("updated").text == "one"
    assert place.update("updated", made.head())["state"] == "done"
    assert place.trial.get("updated").text == "two"
    assert place.update("updated", first)["state"] == "done"
    assert place.trial.get("updated").text == "one"
    error = place.update("updated", "v2")["error"]
    assert (error["code"], "main" in error["message"]) == ("branch_gone", True)


def test_what_is_asked_for_meanwhile_is_done_afterwards(place, repository, pushed):
    made = repository("waiting")
    made.commit(wsgi("one"))
    answer = place.follow("waiting", place.host.url("waiting.git"))
    place.ended(answer)
    made.commit(wsgi("two"))
    place.host.may_answer.clear()
    begun = place.trial.server.api("POST", "/api/v1/apps/waiting/source/update", {})["operation"]
    place.trial.until(begun["id"], "fetch", "running")
    head = made.commit(wsgi("three"))
    told = json.loads(pushed(answer, head).body)
    assert told["operation"] is None
    assert place.source("waiting")["is_waiting"]
    place.host.may_answer.set()
    assert place.trial.wait(begun["id"])["state"] == "done"
    eventually(lambda: place.trial.get("waiting").text == "three")
    place.idle("waiting")


def test_paused_publishes_nothing_by_itself(place, repository, pushed):
    made = repository("paused")
    made.commit(wsgi("one"))
    answer = place.follow("paused", place.host.url("paused.git"))
    place.ended(answer)
    assert place.trial.server.cli("source", "paused", "--pause").returncode == 0
    told = pushed(answer, made.commit(wsgi("two")))
    assert (told.status, "paused" in told.text) == (202, True)
    assert place.trial.server.cli("source", "paused", "--resume").returncode == 0
    eventually(lambda: place.trial.get("paused").text == "two")
    place.idle("paused")


def test_drafts_are_not_live(place, repository):
    made = repository("drafted")
    made.commit(wsgi("one"))
    place.published("drafted", place.host.url("drafted.git"))
    made.commit(wsgi("two"))
    ended = place.published("drafted", place.host.url("drafted.git"), draft=True)
    assert ended["result"]["draft"] is True
    assert place.trial.get("drafted").text == "one"
    assert place.trial.get("drafted--r2").text == "two"


def test_a_manifest_of_connect_is_said_to_be_the_repositorys(place, repository):
    made = repository("manifest")
    manifest = {
        "version": 1,
        "locale": "en_US.UTF-8",
        "metadata": {"appmode": "python-api", "entrypoint": "app"},
        "files": {},
    }
    files = {**wsgi("one"), "manifest.json": json.dumps(manifest)}
    made.commit(files)
    ended = place.published("manifest", place.host.url("manifest.git"))
    assert "manifest.json of the repository" in place.log(ended)
    made.commit(wsgi("two"))
    assert "no manifest.json: found" in place.log(place.update("manifest"))


def test_folders_that_the_operator_listed_are_followed(place, repository):
    made = repository("local")
    made.commit(wsgi("one"))
    place.published("foldered", str(place.folder / "local.git"), polling=True)
    made.commit(wsgi("two"))
    eventually(lambda: place.trial.get("foldered").text == "two")
    place.idle("foldered")
    place.trial.server.api("PATCH", "/api/v1/apps/foldered/source", {"polling": False})


def test_a_host_that_knows_only_the_old_protocol_is_asked_so(place, repository):
    made = repository("old")
    made.commit(wsgi("one"))
    place.host.is_old = True
    place.published("old", place.host.url("old.git"))
    assert "GET /old.git/info/refs?service=git-upload-pack" in place.host.asked
    assert place.trial.get("old").text == "one"


def test_who_lost_the_right_publishes_nothing_any_more(place, repository, pushed):
    made = repository("leaver")
    made.commit(wsgi("one"))
    token = place.trial.server.new_account("leaver")
    body = {"repository": place.host.url("leaver.git"), "polling": False}
    answer = place.trial.server.api("PUT", "/api/v1/apps/leaving/source", body, token=token)
    place.ended(answer)
    place.trial.server.api("POST", "/api/v1/accounts/leaver/disable")
    told = pushed(answer, made.commit(wsgi("two")))
    assert (told.status, json.loads(told.body)["error"]["code"]) == (403, "follower_gone")
    assert len(place.commits("leaving")) == 1
    assert place.trial.server.cli("source", "leaving", "--resume").returncode == 0
    eventually(lambda: place.trial.get("leaving").status in {200, 303, 403})
    place.idle("leaving")
    assert place.commits("leaving")[0]["state"] == "released"


def test_an_app_that_is_deleted_takes_its_source_along(place, repository):
    made = repository("deleted")
    made.commit(wsgi("one"))
    place.published("deleted", place.host.url("deleted.git"))
    assert place.trial.delete("deleted")["state"] == "done"
    assert place.trial.server.ask("GET", "/api/v1/apps/deleted/source").status == 404
