from datetime import UTC, datetime

import pytest

from tholos.access.proxy_log import read_visit


def test_a_visit():
    seen = read_visit(
        b'{"account":"acc_1","agent":"curl/8","app":"app_1","at":"1795318342.272","path":"/a?b=c","release":"4"}\n'
    )
    assert seen is not None
    assert (seen.app_id, seen.release, seen.account_id, seen.path) == ("app_1", 4, "acc_1", "/a")
    assert seen.at == datetime(2026, 11, 22, 3, 32, 22, 272000, UTC)


def test_nobody_in_particular():
    seen = read_visit(b'{"account":null,"agent":null,"app":"app_1","at":"1","path":"/","release":"4"}')
    assert seen is not None
    assert seen.account_id == ""


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[2026-11-22 03:32:19.488][28952][warning][main] something",
        b"{",
        b"{}",
        b"[]",
        b'{"account":null,"agent":null,"app":null,"at":"1","path":"/","release":null}',
        b'{"account":null,"agent":null,"app":"app_1","at":"never","path":"/","release":"1"}',
        b'{"account":null,"agent":null,"app":"app_1","at":"1e99","path":"/","release":"1"}',
    ],
)
def test_anything_else_is_no_visit(line):
    assert read_visit(line) is None
