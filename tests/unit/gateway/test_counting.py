"""What is counted of requests."""

from tholos.gateway.counting import Requests
from tholos.gateway.model import Answer, Carry, Ended, RequestHead


def _head() -> RequestHead:
    return RequestHead("GET", "/", "localhost", (), "", upgrade=False)


def test_requests_are_counted_by_who_answered():
    counted = Requests()
    of_app = Carry("unix:/a", "ins_1", details={"app": "sales", "account": "ada"})
    of_draft = Carry("unix:/b", "ins_2", details={"app": "sales--r2", "account": "ada"})
    counted(Ended(_head(), of_app, 200, 1, 10, 0.1))
    counted(Ended(_head(), of_draft, 204, 2, 20, 0.1))
    counted(Ended(_head(), of_app, 502, 0, 5, 0.1))
    counted(Ended(_head(), Carry("unix:/c", "console"), 200, 0, 7, 0.1))
    counted(Ended(_head(), Answer(303, (), b""), 303, 0, 0, 0.1))
    counted(Ended(_head(), None, 499, 0, 0, 0.1))
    assert counted.answered == {
        ("app", "sales", "2xx"): 2,
        ("app", "sales", "5xx"): 1,
        ("console", "", "2xx"): 1,
        ("door", "", "3xx"): 1,
        ("door", "", "4xx"): 1,
    }
    assert counted.received["app", "sales"] == 3
    assert counted.sent["app", "sales"] == 35


def test_how_long_a_tunnel_was_open_is_no_time_of_an_answer():
    counted = Requests()
    counted(Ended(_head(), None, 101, 0, 0, 3600.0))
    assert counted.seconds.spreads == {}
