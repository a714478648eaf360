"""Commands as processes: Ctrl-C, closed pipes, streams that go on, and how fast they start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tholos.testing.waiting import until


def streams(api) -> int:
    return sum(request.path.endswith(("/events", "/logs")) for request in api.requests)


def test_ctrl_c_cancels_the_operation_and_says_what_serves(logged_in, app, api, start):
    logged_in("publish")
    (app / "new.txt").write_text("x")
    api.hold_after = 3
    before = streams(api)
    process = start("publish")
    until(lambda: streams(api) > before)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert out.splitlines()[-2:] == [
        "  release 2     cancelled",
        "  release 1 keeps serving                                               exit 130",
    ]
    assert "cancelling" in err
    assert [operation["state"] for operation in api.operations.values()] == ["done", "cancelled"]


def test_a_second_ctrl_c_leaves_at_once(logged_in, app, api, start):
    api.hold_after = 3
    api.cancel = lambda operation: None
    process = start("publish")
    until(lambda: streams(api) == 1)
    process.send_signal(signal.SIGINT)
    until(lambda: streams(api) == 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "tholos cancel op_" in err
    assert "Traceback" not in err


def test_ctrl_c_while_content_is_sent_ends_cleanly(logged_in, app, api, start):
    """The server is away and is waited for: the person does not want to."""
    api.stop()
    process = start("publish")
    cache = app.parent / "cache"
    until(lambda: any(path.is_file() for path in cache.rglob("*")))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "nothing is published" in err
    assert "Traceback" not in err


def test_logs_are_followed_over_a_restart_without_loss_or_repetition(logged_in, app, api, start):
    logged_in("publish", "--name", "sales")
    api.log("sales", "one", "two")
    process = start("logs", "sales", "-f")
    until(lambda: streams(api) == 2)
    api.log("sales", "three")
    api.stop()
    api.log("sales", "four")
    api.start()
    until(lambda: streams(api) == 3)
    api.log("sales", "five")
    lines = [process.stdout.readline().strip() for _ in range(5)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (lines, out, err) == (["one", "two", "three", "four", "five"], "", "")
    assert process.returncode == 130


def test_a_closed_pipe_is_quiet(logged_in, app, api):
    logged_in("publish", "--name", "sales")
    api.log("sales", *("x" * 1000 for _ in range(1000)))
    script = f"{sys.executable} -m tholos.cli logs sales --lines 1000 | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (ran.stdout.splitlines()[-1], ran.stderr) == ("0", "")


def test_help_imports_nothing_that_takes_time(home):
    script = (
        "import sys, json as _; before = set(sys.modules)\n"
        "from tholos.cli.main import build_parser\n"
        "build_parser().format_help()\n"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in "
        "('http', 'ssl', 'typing', 'shutil', 'dataclasses', 'pathlib', 'email', 'packaging', 'tempfile') or "
        "name.startswith(('tholos.client', 'tholos.store', 'tholos.detect'))))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_a_terminal_gets_colour_and_progress_unless_it_does_not_want_them(logged_in, app, api, variable):
    plain = in_terminal(**{variable: "dumb"})
    assert "\x1b[32m" not in plain
    api.apps.clear()
    assert "\x1b[32m" in in_terminal(TERM="xterm")


def in_terminal(**environment: str) -> str:
    """What a publish writes to a terminal."""
    parent, child = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tholos.cli", "publish"],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**os.environ, **environment},
    ) as process:
        os.close(child)
        written = b""
        while data := read(parent):
            written += data
        os.close(parent)
    assert process.returncode == 0, written
    return written.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side was closed
        return b""


def test_json_of_an_error_is_a_document_too(home, start):
    process = start("list", "--json")
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 4
    assert json.loads(out)["error"]["code"] == "not_logged_in"
