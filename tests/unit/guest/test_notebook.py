"""What is told of a cell that failed, by what the versions of IPython write."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tholos.runtime import tracebacks
from tholos_guest import notebook

NOW = """\
\x1b[31m---------------------------------------------------------------------------\x1b[39m
\x1b[31mZeroDivisionError\x1b[39m                         Traceback (most recent call last)
\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 2\x1b[39m
\x1b[32m      1\x1b[39m import own
\x1b[32m----> \x1b[39m\x1b[32m2\x1b[39m own.divide(0)

\x1b[36mFile \x1b[39m\x1b[32m/app/own.py:7\x1b[39m, in \x1b[36mdivide\x1b[39m\x1b[34m(by)\x1b[39m
\x1b[32m----> \x1b[39m\x1b[32m7\x1b[39m     return 1 / by

\x1b[31mZeroDivisionError\x1b[39m: division by zero"""
BEFORE = """\
---------------------------------------------------------------------------
ZeroDivisionError                         Traceback (most recent call last)
<ipython-input-3-9e1622b385b6> in <module>
      1 import own
----> 2 1/0

ZeroDivisionError: division by zero"""
SYNTAX = """\
  Cell In[3], line 2
    x = (
        ^
SyntaxError: '(' was never closed"""


class Failure(Exception):
    def __init__(
        self, traceback: str, ename: str = "ZeroDivisionError", evalue: str = "division by zero"
    ) -> None:
        super().__init__(traceback)
        self.traceback, self.ename, self.evalue = traceback, ename, evalue


def document(failing: int | None) -> SimpleNamespace:
    failed = SimpleNamespace(output_type="error")
    codes = [
        SimpleNamespace(
            cell_type="code", get=lambda _name, _default, at=at: [failed] if at == failing else []
        )
        for at in range(3)
    ]
    return SimpleNamespace(cells=[SimpleNamespace(cell_type="markdown"), *codes])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (NOW, "own.py:7"),
        (BEFORE, "a.ipynb, cell 2:2"),
        (SYNTAX, "a.ipynb, cell 2:2"),
        ("", "a.ipynb, cell 2:1"),
    ],
)
def test_a_failure_is_told_with_its_cell_in_the_form_that_causes_are_found_by(text, where):
    told = notebook.explain(Failure(text), document(1), "a.ipynb")
    assert told.startswith("cell 2 of a.ipynb failed: ZeroDivisionError: division by zero\n")
    found = tracebacks.parse(told.splitlines(), "/app")
    assert found is not None
    assert (found.error, found.where) == ("ZeroDivisionError: division by zero", where)


def test_what_is_no_cells_fault_is_told_of_the_notebook():
    told = notebook.explain(RuntimeError("Kernel died\nbefore replying"), document(None), "a.ipynb")
    assert told == "a.ipynb cannot be executed: RuntimeError: Kernel died"
