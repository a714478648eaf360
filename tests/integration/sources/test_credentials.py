"""Credentials open private repositories and show nowhere; a server that is killed in the middle leaves nothing running."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tholos.testing.trial import eventually, wsgi

PASSWORD = "hunter2-of-the-repository"
SSH = """#!/bin/sh
# Stands for ssh: notes how it was called, and runs here what it was to run there.
printf '%s\\n' "$@" >> "$(dirname "$0")/ssh.log"
for one; do
    case "$one" in IdentityFile=*) key=${one#IdentityFile=}; cat "$(eval echo "$key")" >> "$(dirname "$0")/ssh.keys" ;; esac
done
while [ "$1" != -- ] && [ "${1#git@}" = "$1" ]; do shift; done
[ "$1" = -- ] && shift
shift
exec sh -c "$*"
"""


@pytest.fixture(scope="module", autouse=True)
def _ssh(tmp_path_factory):
    """Its folder is known before the installation starts."""
    folder = tmp_path_factory.mktemp("ssh")
    program = folder / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    SETTINGS["THOLOS_SOURCES__SSH"] = str(program)


SETTINGS: dict[str, str] = {}


@pytest.fixture(scope="module")
def place(_ssh, place):
    return place


@pytest.fixture
def key() -> str:
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()


class Watch(threading.Thread):
    """Collects the arguments of every process there is, for as long as a block runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self._is_over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self.join(10)

    def run(self) -> None:
        while not self._is_over.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdecimal():
                    try:
                        self.seen.add((entry / "cmdline").read_bytes())
                    except OSError:
                        continue
            time.sleep(0.001)


def everything_shown(place, name) -> str:
    """All that may be read of an app: answers, what operations say, the log of the server."""
    ask = place.trial.server.ask
    found = ask("GET", f"/api/v1/operations?app={name}").text
    for operation in json.loads(found)["items"]:
        found += place.log(operation)
    for path in (
        f"apps/{name}/source",
        f"apps/{name}/source/commits",
        f"apps/{name}/why",
        "git-credentials",
        "audit",
    ):
        found += ask("GET", f"/api/v1/{path}").text
    return found + place.trial.server.log.read_text(errors="replace")


def test_a_private_repository_needs_what_opens_it_and_shows_it_nowhere(place, repository):
    made = repository("private")
    made.commit(wsgi("one"))
    url = place.host.url("private.git")
    place.host.login = ("reader", PASSWORD)
    assert place.refused("private", url)["code"] == "repository_closed"
    wrong = {"username": "reader", "secret": "wrong-" + PASSWORD}
    assert place.refused("private", url, credential=wrong)["code"] == "repository_closed"
    with Watch() as watch:
        ended = place.published("private", url, credential={"username": "reader", "secret": PASSWORD})
        made.commit(wsgi("two"))
        assert place.update("private")["state"] == "done"
    assert any(b"git" in one for one in watch.seen)
    assert not [one for one in watch.seen if PASSWORD.encode() in one]
    assert ended["state"] == "done"
    assert place.source("private")["credential"] == "reader"
    assert PASSWORD not in everything_shown(place, "private")
    kept = b"".join(one.read_bytes() for one in place.trial.server.data.glob("tholos.db*"))
    assert PASSWORD.encode() not in kept
    mirrors = place.trial.server.data / "sources"
    assert not [one for one in mirrors.rglob("*") if one.is_file() and PASSWORD.encode() in one.read_bytes()]


def test_a_credential_goes_to_its_own_host_only(place, repository):
    """What an app follows later is not shown what was given for another host."""
    repository("first").commit(wsgi("one"))
    place.published("carrier", place.host.url("first.git"), credential={"username": "me", "secret": PASSWORD})
    assert place.host.shown
    place.host.shown.clear()
    other = place.host.url("first.git").replace("127.0.0.1", "127.0.0.2")
    place.refused("carrier", other)
    assert place.host.shown == []
    assert place.source("carrier")["credential"] == ""


def test_the_credential_of_a_host_is_for_every_app_and_an_administrators(place, repository):
    repository("everybodys").commit(wsgi("one"))
    url = place.host.url("everybodys.git")
    place.host.login = ("team", PASSWORD)
    host = url.rpartition("/")[0]
    secret = place.folder / "secret"
    secret.write_text(PASSWORD + "\n")
    cli = place.trial.server.cli
    said = ("git-credentials", "set", host, "--username", "team", "--secret-file", str(secret))
    publisher = place.trial.server.new_account("publisher")
    assert cli(*said, token=publisher).returncode == 4
    assert cli(*said).returncode == 0
    body = {"repository": url, "polling": False}
    begun = place.trial.server.api("PUT", "/api/v1/apps/everybodys/source", body, token=publisher)
    assert place.ended(begun)["state"] == "done"
    listed = json.loads(cli("git-credentials", "list", "--json").stdout)["credentials"]
    assert [(one["host"], one["username"]) for one in listed] == [(host, "team")]
    assert cli("git-credentials", "remove", listed[0]["id"]).returncode == 0
    begun = place.trial.server.api("POST", "/api/v1/apps/everybodys/source/update", {}, token=publisher)
    assert place.ended(begun)["error"]["code"] == "repository_closed"


def test_another_app_gets_nothing_out_of_what_was_fetched_with_a_credential(place, repository):
    made = repository("closed")
    commit = made.commit(wsgi("one"))
    url = place.host.url("closed.git")
    place.host.login = ("reader", PASSWORD)
    place.published("insider", url, credential={"username": "reader", "secret": PASSWORD})
    place.refused("outsider", url)
    assert place.update("outsider", commit)["state"] == "failed"
    assert place.commits("outsider") == []


def test_a_key_opens_a_repository_by_ssh_and_lies_nowhere_afterwards(place, repository, key):
    made = repository("sshed")
    made.commit(wsgi("one"))
    url = f"ssh://git@127.0.0.1{made.path}"
    assert place.refused("sshed", url)["code"] == "repository_closed"
    with Watch() as watch:
        place.published("sshed", url, credential={"secret": key})
    assert place.trial.get("sshed").text == "one"
    folder = Path(SETTINGS["THOLOS_SOURCES__SSH"]).parent
    used = (folder / "ssh.log").read_text()
    for option in (
        "StrictHostKeyChecking=accept-new",
        "BatchMode=yes",
        "HostKeyAlias=127.0.0.1",
        "/dev/null",
    ):
        assert option in used
    inner = key.splitlines()[2]
    assert inner in (folder / "ssh.keys").read_text()
    assert not [one for one in watch.seen if inner.encode() in one]
    assert [*(place.trial.server.data / "sources" / "git" / "ssh").iterdir()] == []
    assert inner not in everything_shown(place, "sshed")


def test_what_is_no_key_and_no_password_is_refused(place, repository):
    repository("fit").commit(wsgi("one"))
    place.published("fit", place.host.url("fit.git"))
    ask = place.trial.server.ask
    for said in (
        {"username": "a:b", "secret": "x"},
        {"username": "a", "secret": "x\ny"},
        {"username": "", "secret": "x"},
    ):
        answer = ask("PUT", "/api/v1/apps/fit/source/credential", said)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "credential_invalid")
    locked = subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(place.folder / "locked")],
        check=False,
    )
    keys = ["words", *([(place.folder / "locked").read_text()] if locked.returncode == 0 else [])]
    for text in keys:
        answer = ask("PUT", "/api/v1/git-credentials", {"host": "ssh://git.example.org", "secret": text})
        assert json.loads(answer.body)["error"]["code"] == "credential_invalid"
        assert text.splitlines()[-1] not in answer.text


def test_a_server_that_is_killed_while_it_fetches_leaves_nothing_and_goes_on(place, repository):
    made = repository("killed")
    made.commit(wsgi("one"))
    place.published("killed", place.host.url("killed.git"))
    made.commit(wsgi("two"))
    place.host.may_answer.clear()
    begun = place.trial.server.api("POST", "/api/v1/apps/killed/source/update", {})["operation"]
    eventually(lambda: bool(running(place)))
    left = running(place)
    place.trial.server.kill()
    assert any(Path(f"/proc/{pid}").exists() for pid in left)
    place.trial.server.start()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    place.host.may_answer.set()
    assert place.trial.wait(begun["id"])["state"] == "done"
    eventually(lambda: place.trial.get("killed").text == "two")
    assert running(place) == []
    assert [one["state"] for one in place.commits("killed")] == ["released", "released"]


def test_a_fetch_that_is_cancelled_ends_at_once(place, repository):
    made = repository("stopped")
    made.commit(wsgi("one"))
    place.published("stopped", place.host.url("stopped.git"))
    made.commit(wsgi("two"))
    place.host.may_answer.clear()
    begun = place.trial.server.api("POST", "/api/v1/apps/stopped/source/update", {})["operation"]
    eventually(lambda: bool(running(place)))
    place.trial.server.api("POST", f"/api/v1/operations/{begun['id']}/cancel")
    assert place.trial.wait(begun["id"])["state"] == "cancelled"
    eventually(lambda: running(place) == [])
    place.host.may_answer.set()
    assert place.source("stopped")["error"] is None
    assert place.update("stopped")["state"] == "done"


def running(place) -> list[int]:
    """Processes of git that fetch for this installation."""
    needle = os.fsencode(place.trial.server.data / "sources")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command, home = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"fetch" in command and needle in home:
                found.append(int(entry.name))
    return found
