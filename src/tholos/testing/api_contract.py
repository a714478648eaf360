"""What every server of the HTTP API does, the fake one and the real one alike, as the client sees it.

Subclass it with a ``client`` fixture that is signed in as a publisher on a server without apps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tholos.client import Client, Operation, Snapshot, Unchanged
from tholos.client.errors import RemoteConflict, RemoteInvalid, RemoteNotFound, RemoteNotSignedIn
from tholos.client.model import App, Release
from tholos.store import packs
from tholos.store.model import Chunk, File, Sha256, Tree

PAGE = b"<!doctype html><title>contract</title>"
NAME = "contract"
SECONDS = 60.0


def tree_of(data: bytes) -> Tree:
    """A static site of one page."""
    chunk = Chunk(Sha256(hashlib.sha256(data).hexdigest()), len(data))
    return Tree.of([File("index.html", chunk.size, chunk.sha256, executable=False, chunks=(chunk,))])


def send(client: Client, data: bytes) -> Snapshot:
    """Its chunk and snapshot."""
    tree = tree_of(data)
    send_chunk(client, tree.files[0].sha256, data)
    return client.create_snapshot([file.to_json() for file in tree.files])


def send_chunk(client: Client, sha256: Sha256, data: bytes) -> None:
    """A pack of one chunk."""
    client.send_pack(packs.HEADER_SIZE + len(data), lambda: packs.encode([(sha256, data)]))


class ApiContract:
    """The contract; each method is a test."""

    @pytest.fixture
    def client(self) -> Iterator[Client]:
        """A client of the server under test, signed in as a publisher."""
        raise AssertionError("a subclass says which server")

    def test_server_is_told_without_a_token(self, client: Client) -> None:
        with Client(str(client.address)) as stranger:
            assert stranger.server().api == 1
            with pytest.raises(RemoteNotSignedIn):
                stranger.me()

    def test_wrong_token_and_wrong_code_are_refused(self, client: Client) -> None:
        with Client(str(client.address), "no-such-token") as stranger, pytest.raises(RemoteNotSignedIn):
            stranger.apps()
        with Client(str(client.address)) as stranger, pytest.raises(RemoteNotSignedIn):
            stranger.sign_in_with_code("AAAA-AAAA")

    def test_a_terminal_waits_until_somebody_decides(self, client: Client) -> None:
        code = client.begin_device_sign_in("contract")
        assert code.whole_page.endswith(code.user_code)
        for secret, word in ((code.secret, "authorization_pending"), ("no such secret", "expired_token")):
            with pytest.raises(RemoteInvalid) as caught:
                client.finish_device_sign_in(secret)
            assert caught.value.code == word

    def test_what_is_not_there_is_not_found(self, client: Client) -> None:
        for ask in (
            client.app,
            client.releases,
            client.why,
            client.delete_app,
            client.operation,
            client.cancel,
        ):
            with pytest.raises(RemoteNotFound) as caught:
                ask("no-such-thing")
            assert caught.value.message

    def test_content_is_missing_until_it_was_sent(self, client: Client) -> None:
        tree = tree_of(b"content")
        wanted = [tree.files[0].sha256]
        assert client.missing(wanted) == wanted
        with pytest.raises(RemoteConflict) as caught:
            client.create_snapshot([file.to_json() for file in tree.files])
        assert caught.value.details["missing"] == wanted
        snapshot = send(client, b"content")
        assert (snapshot.id, snapshot.files, snapshot.bytes) == (tree.id, 1, len(b"content"))
        assert client.missing(wanted) == []

    def test_a_pack_whose_bytes_are_others_is_refused(self, client: Client) -> None:
        with pytest.raises(RemoteInvalid):
            send_chunk(client, Sha256("0" * 64), b"not that")

    def test_a_publish_ends_live_and_its_events_can_be_read_again(self, client: Client) -> None:
        client.be_patient(SECONDS)
        operation = self.publish(client, key="one")
        events = list(client.events(operation.id))
        numbers = [event.n for event in events]
        assert numbers == sorted(set(numbers))
        assert [event.is_last for event in events[-2:]] == [False, True]
        assert events[-1].data["release"] == 1, events[-1]
        middle = numbers[len(numbers) // 2]
        assert [event.n for event in client.events(operation.id, after=middle)] == [
            n for n in numbers if n > middle
        ]
        self.check_live(client.app(NAME), client.releases(NAME), client.operation(operation.id))

    def test_the_same_key_is_the_same_operation_and_the_same_content_is_no_release(
        self, client: Client
    ) -> None:
        client.be_patient(SECONDS)
        operation = self.publish(client, key="two")
        assert self.publish(client, key="two").id == operation.id
        assert list(client.events(operation.id))
        again = client.publish(NAME, send(client, PAGE).id, key="three")
        assert isinstance(again, Unchanged)
        assert again.release.number == 1

    def test_a_deleted_app_is_gone(self, client: Client) -> None:
        client.be_patient(SECONDS)
        assert list(client.events(self.publish(client, key="four").id))
        assert list(client.events(client.delete_app(NAME).id))[-1].data["state"] == "done"
        assert client.apps() == []

    def publish(self, client: Client, key: str) -> Operation:
        """The operation of a publish of one page."""
        answer = client.publish(NAME, send(client, PAGE).id, key=key)
        assert isinstance(answer, Operation)
        return answer

    def check_live(self, app: App, releases: list[Release], operation: Operation) -> None:
        """Everything says the same of a release that is live."""
        assert app.live is not None
        assert [(release.number, release.state, release.live) for release in releases] == [(1, "ready", True)]
        assert (app.live.number, operation.state, operation.release) == (1, "done", 1)
