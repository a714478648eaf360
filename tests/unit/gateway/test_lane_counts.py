"""What the proxy's administration says of its clusters, as counts of instances."""

import json
import socket
import threading

import pytest

from tholos.gateway.errors import ProxySilent
from tholos.gateway.lane_counts import LaneCount, read_lane_counts


@pytest.fixture
def answering(tmp_path):
    """Answers one question with what it is given."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "admin.sock"))
    listening.listen()

    def begin(body: bytes) -> str:
        def answer():
            asking, _ = listening.accept()
            with asking:
                asking.recv(65536)
                asking.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

        threading.Thread(target=answer, daemon=True).start()
        return str(tmp_path / "admin.sock")

    yield begin
    listening.close()


def test_each_instance_has_its_counts(answering):
    told = {
        "cluster.instance-ins_1.upstream_rq_active": 1,
        "cluster.instance-ins_1.upstream_rq_total": 5,
        "cluster.instance-ins_1.upstream_rq_2xx": 3,
        "cluster.instance-ins_1.upstream_rq_4xx": 1,
        "cluster.door.upstream_rq_total": 9,
    }
    listed = [{"name": name, "value": value} for name, value in told.items()] + [{"histograms": {}}]
    admin = answering(json.dumps({"stats": listed}).encode())
    assert read_lane_counts(admin, 30) == {"ins_1": LaneCount(1, 5, {"2xx": 3, "4xx": 1})}


@pytest.mark.parametrize("said", [b"", b"{}", b"[1]", b"no"])
def test_what_says_nothing_of_use_is_silent(answering, said):
    with pytest.raises(ProxySilent):
        read_lane_counts(answering(said), 30)


def test_one_that_is_away_is_silent(tmp_path):
    with pytest.raises(ProxySilent):
        read_lane_counts(str(tmp_path / "nothing.sock"), 30)
