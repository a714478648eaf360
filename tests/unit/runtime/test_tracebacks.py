"""Tracebacks in output: every form the interpreter prints, found in noise, never invented."""

import asyncio
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.runtime import tracebacks

PLAIN = """\
INFO: Started server process [7]
ERROR:    Traceback (most recent call last):
  File "/srv/env/lib/python3.11/site-packages/uvicorn/main.py", line 9, in run
    self.app()
  File "/app/app.py", line 31, in <module>
    total = row['total']
            ~~~^^^^^^^^^
  File "/app/.venv/lib/python3.11/site-packages/pandas/core.py", line 4, in __getitem__
    raise KeyError(key)
KeyError: 'total'
[tholos] exited with code 1 after 0.2 s
"""

CHAINED = """\
Traceback (most recent call last):
  File "/app/db.py", line 3, in connect
    socket.connect()
ConnectionRefusedError: [Errno 111] Connection refused
is the server running?

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/pkg/main.py", line 8, in <module>
    connect()
app.errors.Down: no database
"""

SYNTAX = """\
Traceback (most recent call last):
  File "/srv/bootstrap.py", line 5, in <module>
    import app
  File "/app/app.py", line 3
    def broken(
              ^
SyntaxError: '(' was never closed
"""

HEADLESS = """\
  File "/app/app.py", line 2
    x = = 1
        ^
SyntaxError: invalid syntax
"""

MISSING = """\
Traceback (most recent call last):
  File "app.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'
"""

IMPORT = """\
Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 1, in _find
  File "/app/app.py", line 1, in <module>
    from flask import nothing
ImportError: cannot import name 'nothing' from 'flask' (/env/site-packages/flask/__init__.py)
"""


@pytest.mark.parametrize(
    ("output", "error", "where"),
    [
        (PLAIN, "KeyError: 'total'", "app.py:31"),
        (CHAINED, "app.errors.Down: no database", "pkg/main.py:8"),
        (SYNTAX, "SyntaxError: '(' was never closed", "app.py:3"),
        (HEADLESS, "SyntaxError: invalid syntax", "app.py:2"),
        (MISSING, "ModuleNotFoundError: No module named 'flask'", "app.py:1"),
        (IMPORT, IMPORT.splitlines()[-1], "app.py:1"),
        (MISSING + "\n" + IMPORT, MISSING.splitlines()[-1], "app.py:1"),
        (CHAINED.replace("/app/", "/other/"), "app.errors.Down: no database", ""),
        ("Traceback (most recent call last):\nhello there\n" + MISSING, MISSING.splitlines()[-1], "app.py:1"),
        (
            '  File "/app/app.py", line 2\nnothing of the kind\n' + MISSING,
            MISSING.splitlines()[-1],
            "app.py:1",
        ),
    ],
)
def test_error_and_place(output, error, where):
    """The last line and the deepest own frame of the first traceback are found."""
    found = tracebacks.parse(output.splitlines(), "/app")
    assert found is not None
    assert (found.error, found.where) == (error, where)


def test_text_holds_the_whole_chain():
    """The text begins with the first error of a chain and ends with the last."""
    found = tracebacks.parse(("noise\n" + CHAINED + "more noise\n").splitlines(), "/app")
    assert found is not None
    assert found.text == CHAINED.rstrip("\n")


def test_text_without_the_record_before_it():
    """What a logger wrote before the header, and what follows the error, is not part of the text."""
    found = tracebacks.parse(PLAIN.splitlines(), "/app")
    assert found is not None
    assert found.text.startswith("Traceback (most recent call last):\n")
    assert found.text.endswith("\nKeyError: 'total'")


@pytest.mark.parametrize(
    "output", ["", "all is well\n", PLAIN.partition("KeyError: '")[0], "KeyError: 'a'\n"]
)
def test_nothing_is_invented(output):
    """Output without a complete traceback has none."""
    assert tracebacks.parse(output.splitlines(), "/app") is None


def test_own_file_elsewhere_is_not_own():
    """A folder whose name only begins alike is another folder; going up does not lead into it."""
    output = PLAIN.replace("/app/app.py", "/app/../application/app.py")
    found = tracebacks.parse(output.splitlines(), "/app")
    assert found is not None
    assert found.where == ""


def _fail(depth, kind, text):
    if depth:
        return _fail(depth - 1, kind, text)
    raise kind(text)


@settings(deadline=None)  # a busy machine is no failure
@given(
    depth=st.integers(0, 12),
    kind=st.sampled_from([KeyError, ValueError, OSError, ImportError]),
    text=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40),
    before=st.lists(st.sampled_from(["", "noise", "  indented", "Error: no"]), max_size=5),
)
def test_what_the_interpreter_prints_is_found(depth, kind, text, before):
    """Whatever the traceback module formats is read back: the last line, and a frame of this file."""
    try:
        _fail(depth, kind, text)
    except (KeyError, ValueError, OSError, ImportError) as error:
        printed = "".join(traceback.format_exception(error))
    folder = __file__.rpartition("/")[0]
    found = tracebacks.parse([*before, *printed.splitlines()], folder)
    assert found is not None
    assert found.error == printed.splitlines()[-1]
    assert found.where.startswith("test_tracebacks.py:")


def test_error_inside_a_group():
    """A group is not a cause: the first error inside it is told."""

    async def both():
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(_fail, 0, KeyError, "total"))

    try:
        asyncio.run(both())
    except* KeyError as group:
        printed = "".join(traceback.format_exception(group))
    found = tracebacks.parse(["noise", *printed.splitlines()], __file__.rpartition("/")[0])
    assert found is not None
    assert found.error == "KeyError: 'total'"
    assert found.where.startswith("test_tracebacks.py:")


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(
        st.sampled_from(
            [
                *PLAIN.splitlines(),
                *CHAINED.splitlines(),
                *SYNTAX.splitlines(),
                "  + Exception Group Traceback (most recent call last):",
                "  | ValueError: x",
            ]
        ),
        max_size=40,
    )
)
def test_any_order_of_lines_is_survived(lines):
    """Interleaved output never raises; what is found has an error that was really printed."""
    found = tracebacks.parse(lines, "/app")
    assert found is None or any(line.endswith(found.error) for line in lines)
