"""The traceback of the last run that has one."""

import pytest

from tholos.runtime import crashes
from tholos.runtime.crashes import STARTED, find_crash

RUN = STARTED + b"7\n"


def trace(error: str, line: int = 3) -> bytes:
    return (
        f'Traceback (most recent call last):\n  File "app.py", line {line}, in x\n    y()\n{error}\n'.encode()
    )


def found(path, data):
    path.write_bytes(data)
    crash = find_crash(path, "/srv")
    return (crash.traceback.error, crash.n, data[crash.offset :].split(b"\n")[0]) if crash else None


HEAD = b"Traceback (most recent call last):"


@pytest.mark.parametrize("step", [1 << 20, 50])
def test_which_one(tmp_path, monkeypatch, step):
    monkeypatch.setattr(crashes, "STEP", step)
    path = tmp_path / "log"
    one, two = trace("KeyError: 1"), trace("ValueError: 2")
    assert found(path, RUN + b"ok\n" + one + two) == ("KeyError: 1", 3, HEAD)
    assert found(path, RUN + one + b"ended\n" + RUN + b"ok\n" + two) == ("ValueError: 2", 9, HEAD)
    assert found(path, RUN + one + b"ended\n" + RUN + b"ok\n") == ("KeyError: 1", 2, HEAD)
    assert found(path, b"older\n" + one) == ("KeyError: 1", 2, HEAD)
    assert found(path, RUN + b"ok\n") is None
    assert found(path, RUN + b"x" * 70_000 + b"\n" + one) == ("KeyError: 1", 3, HEAD)
    assert found(path, b"") is None


def test_a_syntax_error_has_no_head(tmp_path):
    data = RUN + b'  File "app.py", line 3\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n'
    assert found(tmp_path / "log", data) == ("SyntaxError: invalid syntax", 2, b'  File "app.py", line 3')


def test_an_app_cannot_feign_a_run(tmp_path):
    """The marker counts at the beginning of a line only."""
    data = RUN + trace("KeyError: 1") + b"it said " + RUN + b"ok\n"
    assert found(tmp_path / "log", data) == ("KeyError: 1", 2, HEAD)


def test_no_log(tmp_path):
    assert find_crash(tmp_path / "none", "/srv") is None
