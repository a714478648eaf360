"""What administrators do with rsconnect-python: environments built ahead, caches, environments, integrations."""

from __future__ import annotations

import json

import pytest

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


@pytest.fixture
def deployed(clients, folder):
    """The GUID of content that runs."""
    made = folder({"app.py": APP, "requirements.txt": "\n", ".python-version": "3.11\n"})
    clients.rsconnect("deploy", "api", "--title", f"Run by {made.name}", ".", cwd=made)
    record = next((made / "rsconnect-python").glob("*.json"))
    return next(iter(json.loads(record.read_text()).values()))["app_guid"]


def test_content_is_built_ahead(clients, deployed):
    clients.rsconnect("content", "build", "add", "-g", deployed)
    built = clients.rsconnect("content", "build", "run", "--poll-wait", "1")
    assert "Build was successful" in built.out or "complete" in built.out.lower(), built.out
    listed = clients.rsconnect("content", "build", "ls", "-g", deployed).out
    assert deployed in listed
    assert "COMPLETE" in listed
    assert clients.open(deployed) == "hello"


def test_caches_and_environments_are_listed(clients, deployed):
    version = clients.api(f"content/{deployed}")["py_version"]
    caches = clients.rsconnect("system", "caches", "list").json["caches"]
    assert {"language": "Python", "version": version, "image_name": "Local"} in caches
    asked = ("system", "caches", "delete", "-l", "Python", "-V", version)
    clients.rsconnect(*asked, exits=None)  # those of content that was deleted before
    assert "releases use all of them" in clients.rsconnect(*asked, "--dry-run", exits=1).out
    refused = clients.rsconnect(*asked[:-1], "3.1.4", exits=1)
    assert "There is no environment of Python 3.1.4" in refused.out
    assert version in clients.rsconnect("environment", "list").out


def test_there_are_no_integrations(clients):
    assert clients.rsconnect("integration", "list").code == 0
    refused = clients.rsconnect("integration", "add", "-t", "azure", "-N", "x", exits=1)
    assert "Cannot make an OAuth integration" in refused.out


def test_content_is_found_by_the_number_of_old(clients, deployed):
    number = clients.api(f"content/{deployed}")["id"]
    answer = clients.server.ask("GET", f"/__api__/applications/{number}", token=clients.key)
    told = json.loads(answer.text)
    assert (told["guid"], told["id"], told["app_mode"]) == (deployed, int(number), 8)
    assert told["owner_username"] == "admin"
    missing = clients.server.ask("GET", "/__api__/applications/17", token=clients.key)
    assert (missing.status, json.loads(missing.text)["code"]) == (404, 4)
