"""Bad, huge and slow clients: an error or a closed connection each, and the supervisor goes on."""

import json
from contextlib import ExitStack

import pytest

from tholos.testing.waiting import until

GARBAGE = [
    b"hello\n",
    b"\n",
    b"\xff\xfe\n",
    b"[1, 2]\n",
    b"null\n",
    b'{"op": ["hello"]}\n',
    b'{"op": "dance"}\n',
    b'{"op": "start"}\n',
    b'{"op": "start", "spec": []}\n',
    b'{"op": "stop"}\n',
    b'{"op": "stop", "instance": "nobody"}\n',
    b'{"op": "forget", "instance": "../../etc/passwd"}\n',
    b"[" * 100_000 + b"\n",
    b'{"id":' * 100_000 + b"\n",
    b'{"op": "hello", "n": ' + b"9" * 10_000 + b"}\n",
]


def ask(client, **request):
    with client.makefile("rwb") as file:
        file.write(json.dumps(request).encode() + b"\n")
        file.flush()
        return json.loads(file.readline())


def pour(client, data):
    """Send without end and never read."""
    while True:
        client.sendall(data)


@pytest.fixture
async def client(home, launcher):
    await launcher.list()
    with home.connect() as client:
        yield client


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_answered(client, line):
    """Each bad line gets an error with a code and a sentence, and the connection stays of use."""
    client.sendall(line)
    with client.makefile("rb") as file:
        answer = json.loads(file.readline())
    assert answer["ok"] is False
    assert answer["error"]["code"] in {"bad_request", "invalid_spec", "unknown_instance"}
    assert answer["error"]["message"].startswith("Cannot ")
    assert ask(client, id=7, op="hello") == {"id": 7, "ok": True, "result": answer_to_hello(client)}


def answer_to_hello(client):
    return ask(client, id=1, op="hello")["result"]


def test_pieces_and_heaps(client):
    """A request may come byte by byte, and many may come at once."""
    for byte in b'{"id": "a", "op": "list"}\n':
        client.sendall(bytes([byte]))
    client.sendall(b'{"id": 2, "op": "list"}\n' * 50)
    with client.makefile("rb") as file:
        answers = [json.loads(file.readline()) for _ in range(51)]
    assert [answer["id"] for answer in answers] == ["a"] + [2] * 50


def test_endless_line_is_cut_off(home, client):
    """A line without end closes its connection, and only that."""
    with home.connect() as other, pytest.raises(ConnectionError):
        pour(other, b"x" * (1 << 20))
    assert ask(client, id=1, op="list")["ok"]


def test_slow_watcher_is_dropped(home, client):
    """Who watches and asks and does not read is not waited for; the others go on being told."""
    spec = {"instance": "one", "argv": ["/nowhere"], "env": {}, "cwd": "/", "log": f"{home.run}/one.log"}
    with home.connect() as slow, home.connect() as watcher:
        assert ask(slow, id=1, op="watch")["ok"]
        assert ask(watcher, id=1, op="watch")["ok"]
        assert ask(client, id=1, op="start", spec=spec)["result"]["state"] == "failed"
        with pytest.raises(ConnectionError):
            pour(slow, b'{"id": 1, "op": "list"}\n' * 1000)
        assert ask(client, id=1, op="start", spec={**spec, "instance": "two"})["ok"]
        with watcher.makefile("rb") as file:
            names = [json.loads(file.readline())["event"]["instance"] for _ in range(2)]
    assert names == ["one", "two"]


def test_too_many_clients(client, home):
    """Beyond a number connections are closed at once; afterwards there is room again."""

    def connect():
        try:
            return stack.enter_context(home.connect())
        except BlockingIOError:
            return None

    with ExitStack() as stack:
        others = [until(connect) for _ in range(280)]
        assert [other.recv(1) for other in others[-20:]] == [b""] * 20
    assert ask(client, id=1, op="list")["ok"]
