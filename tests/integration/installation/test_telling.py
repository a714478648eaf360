"""The server tells other systems, also when it is killed while it does; the command line shows how it went."""

import csv
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tholos.testing.trial import Trial, eventually, wsgi

SETTINGS = {"THOLOS_NOTIFICATIONS__ALLOW_NETWORKS": '["127.0.0.0/8"]'}


@dataclass
class Receiver:
    """Remembers what it got, and answers once it may."""

    url: str
    may_answer: threading.Event
    got: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def ids_of(self, kind: str) -> list[str]:
        return [delivery for delivery, body in self.got if body["type"] == kind]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            one.got.append((self.headers["webhook-id"], body))
            one.may_answer.wait(20)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        one = Receiver(f"http://127.0.0.1:{server.server_port}/hook", threading.Event())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield one
        one.may_answer.set()
        server.shutdown()
        thread.join(10)


def test_a_message_that_the_end_of_the_server_cut_off_comes_again(trial: Trial, receiver: Receiver) -> None:
    added = json.loads(trial.server.cli("webhooks", "add", receiver.url, "--json").stdout)
    webhook = added["webhook"]["id"]
    trial.publish("told", wsgi("one"))
    eventually(lambda: receiver.ids_of("app.made"))
    trial.server.restart()  # by SIGKILL, while the receiver holds the message
    receiver.may_answer.set()
    eventually(lambda: len(receiver.ids_of("app.made")) == 2)
    first, again = receiver.ids_of("app.made")
    assert first == again
    eventually(lambda: receiver.ids_of("app.serving"))

    def all_delivered() -> bool:
        found = json.loads(trial.server.cli("webhooks", "deliveries", webhook, "--json").stdout)["deliveries"]
        return len(found) > 1 and {one["state"] for one in found} == {"delivered"}

    eventually(all_delivered)
    assert len(receiver.ids_of("app.made")) == 2
    trial.delete("told")


def test_the_command_line_tests_and_removes_webhooks(trial: Trial, receiver: Receiver) -> None:
    receiver.may_answer.set()
    added = trial.server.cli("webhooks", "add", receiver.url, "--label", "builds")
    webhook = added.stdout.split()[1]
    assert "whsec_" in added.stdout
    tested = trial.server.cli("webhooks", "test", webhook)
    assert "delivered" in tested.stdout
    assert "builds" in trial.server.cli("webhooks", "list").stdout
    assert "webhook.test" in trial.server.cli("webhooks", "deliveries", webhook).stdout
    trial.server.cli("webhooks", "remove", webhook)
    assert webhook not in trial.server.cli("webhooks", "list").stdout
    refused = trial.server.cli("webhooks", "add", "http://10.0.0.1/")
    assert refused.returncode == 2
    assert "own network" in refused.stderr


def test_the_command_line_shows_and_exports_the_record(trial: Trial, tmp_path: Path) -> None:
    trial.publish("noted", wsgi("one"))
    assert "made an app" in trial.server.cli("audit", "--app", "noted").stdout
    shown = json.loads(trial.server.cli("audit", "--action", "app.made", "--since", "1h", "--json").stdout)
    assert [one["subject"] for one in shown["entries"]][:1] == ["noted"]
    trial.server.cli("audit", "--export", str(tmp_path / "all.csv"))
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"app.made", "release.publish_begun"} <= {row["action"] for row in rows}
    trial.server.cli("audit", "--export", str(tmp_path / "all.ndjson"), "--action", "app.made")
    lines = (tmp_path / "all.ndjson").read_text().splitlines()
    assert {json.loads(line)["action"] for line in lines} == {"app.made"}
    assert (tmp_path / "all.csv").stat().st_mode & 0o077 == 0
    trial.delete("noted")
