"""Apps that listen on one port each, whatever they are told: several at once, beside each other and beside themselves. Both ways."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from tholos.runtime import walls
from tholos.testing.asking import Asker
from tholos.testing.trial import Files, Json, Trial, eventually

WAYS = ("door", "gateway")
IS_SHARED = True

PORT = 9000

SERVE = """
import json
import os
import socket
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

host, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def listeners():
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file]
    found = [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(":%04X" % port)]
    return [socket.inet_ntoa(bytes.fromhex(one)[::-1]) for one in found]


def ask(host):
    try:
        with urllib.request.urlopen("http://%s:%d/" % (host, port), timeout=10) as answer:
            return json.load(answer)
    except OSError as error:
        return str(getattr(error, "reason", error))


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        said = [name, str(os.stat("/proc/self/ns/pid").st_ino)]
        if self.path == "/itself":
            said = {host: ask(host) for host in ("127.0.0.1", "localhost", "0.0.0.0", "[::1]")}
        if self.path == "/all":
            said = [ask(host) for host in listeners()]
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET


Server((host, port), Answer).serve_forever()
"""


def app(name: str, host: str = "127.0.0.1", port: int = PORT) -> Files:
    """Answers with its name and a number of its instance; ``/itself`` with what it hears at its own port."""
    procfile = f"web: PORT={port} exec python serve.py {host} {port} {name}\n"
    return {"Procfile": procfile, "serve.py": SERVE}


def told(trial: Trial, name: str, path: str = "/") -> Any:
    answer = trial.get(name, path)
    return json.loads(answer.body) if answer.status == 200 else [answer.text]


@pytest.fixture(scope="module", autouse=True)
def neighbours(trial: Trial) -> Iterator[None]:
    if lacking := walls.find().missing["guard"]:
        pytest.skip(f"this machine has no guard: {lacking}")
    trial.publish("first", app("one"))
    trial.publish("second", app("two", "0.0.0.0"))
    trial.publish("third", app("three", "::"))
    yield
    for name in ("first", "second", "third"):
        trial.delete(name)


@pytest.fixture(autouse=True)
def undisturbed(trial: Trial) -> Iterator[None]:
    """Whatever the first one does, the others run on, and all hear themselves."""
    before = [trial.instance(name)["pid"] for name in ("second", "third")]
    yield
    assert [told(trial, name)[0] for name in ("second", "third")] == ["two", "three"]
    assert [trial.instance(name)["pid"] for name in ("second", "third")] == before


def test_each_hears_itself_and_nobody_else(trial: Trial) -> None:
    hosts = ("127.0.0.1", "localhost", "0.0.0.0", "[::1]")
    for name, word in (("first", "one"), ("second", "two"), ("third", "three")):
        heard = told(trial, name, "/itself")
        assert heard == dict.fromkeys(hosts, told(trial, name)), word
        everywhere = told(trial, name, "/all")
        assert len(everywhere) >= 2  # of all those whom it sees listening
        assert {one[0] for one in everywhere if isinstance(one, list)} <= {word}
    assert {told(trial, name)[0] for name in ("first", "second", "third")} == {"one", "two", "three"}


def test_a_new_release_starts_beside_the_one_before(trial: Trial) -> None:
    with Asker(trial.server, "first") as asker:
        trial.publish("first", app("newer"))
        eventually(lambda: "newer" in asker.asked[-1].text)
        trial.publish("first", app("one"))
        eventually(lambda: '"one"' in asker.asked[-1].text)
    assert asker.failures == []


def test_several_instances_of_one(trial: Trial) -> None:
    trial.server.api("PUT", "/api/v1/apps/first/life", {"min_instances": 2, "max_instances": 2})
    eventually(lambda: [one["state"] for one in trial.instances("first")] == ["ready", "ready"])
    with ThreadPoolExecutor(8) as several:
        seen = {str(one) for one in several.map(lambda _: told(trial, "first"), range(32))}
    assert len(seen) == 2
    heard = {json.dumps(told(trial, "first", "/itself")["127.0.0.1"]) for _ in range(8)}
    assert len(heard) <= 2
    trial.server.api("PUT", "/api/v1/apps/first/life", {"min_instances": 1, "max_instances": 1})
    eventually(lambda: len(trial.instances("first")) == 1)


def test_one_that_sleeps_wakes(trial: Trial) -> None:
    trial.server.api("PUT", "/api/v1/apps/first/life", {"min_instances": 0, "idle_timeout_s": 1})
    eventually(lambda: trial.state("first") == "asleep" and not trial.instances("first"))
    assert told(trial, "first")[0] == "one"
    trial.server.api("PUT", "/api/v1/apps/first/life", {"min_instances": 1, "idle_timeout_s": 3600})


def test_a_new_supervisor_leaves_all_as_it_is(trial: Trial) -> None:
    before, pid = trial.server.supervisor_pid, trial.instance("first")["pid"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: has_other_supervisor(trial, before))
    assert told(trial, "first", "/itself")["127.0.0.1"][0] == "one"
    assert trial.instance("first")["pid"] == pid
    begun = trial.server.api("POST", "/api/v1/apps/first/restart", {})["operation"]
    assert trial.wait(str(cast("Json", begun)["id"]))["state"] == "done"
    assert told(trial, "first", "/itself")["127.0.0.1"][0] == "one"


def test_one_without_a_network(trial: Trial) -> None:
    assert trial.server.cli("limits", "first", "--network", "off").returncode == 0
    eventually(lambda: len(told(trial, "first", "/all")) == 1)
    assert told(trial, "first", "/itself")["127.0.0.1"] == told(trial, "first")
    assert trial.server.cli("limits", "first", "--network", "default").returncode == 0
    eventually(lambda: len(told(trial, "first", "/all")) > 1)


def test_a_port_that_every_app_reaches_is_none_for_an_app(trial: Trial) -> None:
    error = trial.fail("door", app("door", port=trial.server.port))
    assert f"port {trial.server.port} is one that every app of this machine reaches" in str(error)
    trial.delete("door")


def has_other_supervisor(trial: Trial, before: int) -> bool:
    try:
        return trial.server.supervisor_pid != before
    except ProcessLookupError:
        return False
