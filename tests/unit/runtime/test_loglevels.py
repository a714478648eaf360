"""How bad a line is, by the form it is written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.runtime.loglevels import NEEDLES, Level, Levels, level_of

D, P, I, W, E = Level  # noqa: E741 - a table reads best so


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("ERROR:root:no total", E),
        ("WARNING:py.warnings:old", W),
        ("2026-01-01 12:00:00,123 - name - ERROR - no total", E),
        ("2026-01-01 12:00:00,123 INFO werkzeug GET /errors", I),
        ('INFO:     127.0.0.1:5050 - "GET / HTTP/1.1" 500 Internal Server Error', I),
        ("ERROR:    Exception in ASGI application", E),
        ("[2026-01-01 10:00:00 +0000] [123] [INFO] Booting worker", I),
        ("[2026-01-01 10:00:00 +0000] [123] [CRITICAL] WORKER TIMEOUT", E),
        ("2026-01-01 00:00:00.000 | WARNING  | mod:f:1 - x", W),
        ("2026-01-01T00:00:00Z [error    ] event    key=1", E),
        ("2026-01-01T00:00:00Z [debug    ] event", D),
        ("[E 260101 12:00:00 web:1] Uncaught exception", E),
        ("[W 260101 12:00:00 web:1] 404 GET", W),
        ('{"level": "error", "msg": "x"}', E),
        ('{"severity":"WARNING","message":"x"}', W),
        ('{"msg": "hello", "level": 30}', I),
        ('{"msg": "hello", "level": 20}', D),
        ('{"msg": "hello", "level": 50}', E),
        ("ts=1 level=warn msg=x", W),
        ("app.py:3: DeprecationWarning: old", W),
        ("ValueError: 3", E),
        ("sqlalchemy.exc.OperationalError: x", E),
        ("KeyboardInterrupt", E),
        ("Exception in thread Thread-1:", E),
        ("Segmentation fault", E),
        ("\x1b[31mERROR\x1b[0m no total", E),
        ("error: no such file", E),
        ("Warning: old", W),
        ("[tholos] started, pid 3", I),
        ("[tholos] exited with code 1 after 0.2 s, starting again in 0.1 s", E),
        ('[tholos] cannot start: importing "app" failed at app.py:18: RuntimeError: no', E),
        ("[tholos] killed by SIGTERM after 3.0 s, after it was told to stop", I),
        ("asked for /error by ada", P),
        ("no errors found", P),
        ("GET /INFO/ERROR HTTP/1.1", P),
        ("errors=0 warnings=0", P),
        ("", P),
        ("INFO: no ERROR found", I),
    ],
)
def test_forms(line, level):
    assert level_of(line) is level


def test_what_belongs_to_an_error_is_one():
    """A traceback to its last line and the chain to the next; what is indented below a warning."""
    lines = [
        ("INFO:root:one", I),
        ("Traceback (most recent call last):", E),
        ('  File "app.py", line 3, in x', E),
        ("    y()", E),
        ("", E),
        ("KeyError: 1", E),
        ("", E),
        ("During handling of the above exception, another exception occurred:", E),
        ("", E),
        ("Traceback (most recent call last):", E),
        ('  File "app.py", line 4', E),
        ("custom.Problem: no", E),
        ("plain", P),
        ("", P),
        ("  indented", P),
        ("app.py:3: UserWarning: old", W),
        ("  warnings.warn('old')", W),
        ("INFO:root:two", I),
        ("  indented", P),
    ]
    levels = Levels()
    assert [(line, levels.take(line)) for line, _ in lines] == lines


PIECES = st.sampled_from(
    ["ERROR", "warn", "Warning", "WARN", "[", "]", "[E 260101 1 x", ":", " ", "level", "=", '"', "40", "error", "Exception",
     "x.y", "Exit", "SystemExit", "FATAL", "critical", "Error: ", "Uncaught ", "Segmentation fault", "[tholos] killed by"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=6).map("".join))
def test_bad_lines_have_a_needle(line):
    """Searching looks only at lines with one of the needles: no bad line may be without."""
    if level_of(line) >= Level.WARNING:
        searched = b"\n" + line.encode().lower()
        assert any(needle in searched for needle in NEEDLES)
