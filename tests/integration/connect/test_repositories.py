"""Content that follows a repository, by posit-sdk and rsconnect-python."""

from __future__ import annotations

import pytest

from tholos.testing import repositories
from tholos.testing.repositories import Repository

APP = """def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{words}"]
"""
FOLLOW = """
import sys
from posit import connect

client = connect.Client()
content = client.content.create(name=sys.argv[1])
assert content.repository is None
content.create_repository(repository=sys.argv[2], branch="main", directory="app", polling=False)
content.deploy().wait_for()
print(content["guid"])
"""
CHANGE = """
import sys
from posit import connect

client = connect.Client()
content = client.content.get(sys.argv[1])
assert content.repository["branch"] == "main"
content.repository.update(branch=sys.argv[2])
task = content.deploy()
task.wait_for()
print(task["code"], content.repository["last_error"])
"""


@pytest.fixture
def host(tmp_path):
    with repositories.serve(tmp_path / "repositories") as host:
        yield host


@pytest.fixture
def repository(host) -> Repository:
    return Repository.make(host.folder / "team.git")


def commit(repository: Repository, words: str, **more: str) -> str:
    return repository.commit({"app/app.py": APP.replace("{words}", words), "README": "elsewhere"}, **more)


def test_following_a_branch(clients, host, repository):
    first = commit(repository, "one")
    guid = clients.python(FOLLOW, "followed-one", host.url("team.git")).out.strip()
    assert clients.open(guid) == "one"
    shown = clients.rsconnect("content", "repository", "show", "-g", guid).out
    assert host.url("team.git") in shown
    bundle = clients.api(f"content/{guid}/bundles")[0]
    assert (bundle["metadata"]["source_commit"], bundle["active"]) == (first, True)
    commit(repository, "two")
    clients.python(
        "import sys; from posit import connect; c = connect.Client(); c.content.get(sys.argv[1]).deploy().wait_for()",
        guid,
    )
    assert clients.open(guid) == "two"
    clients.rsconnect("content", "repository", "redeploy", "-g", guid, "--ref", first)
    assert clients.open(guid) == "one"
    clients.rsconnect("content", "repository", "delete", "-g", guid, "--force", exits=None)
    assert clients.server.ask("GET", f"/__api__/v1/content/{guid}/repository", token=clients.key).status in {
        200,
        404,
    }
    assert clients.open(guid) == "one"


def test_a_branch_that_is_not_there_is_told_and_what_serves_serves(clients, host, repository):
    commit(repository, "one")
    guid = clients.python(FOLLOW, "followed-two", host.url("team.git")).out.strip()
    told = clients.python(CHANGE, guid, "nowhere").out
    assert told.startswith("1 ")
    assert "nowhere" in told
    assert clients.open(guid) == "one"
