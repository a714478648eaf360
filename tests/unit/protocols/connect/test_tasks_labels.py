"""An operation as its clients print it."""

import pytest

from tholos.operations.models import Operation, OperationEvent, OperationState
from tholos.protocols.connect import tasks


def failed(code, **error):
    said = {"code": code, "message": "It broke.", **error}
    return Operation(id="op_1", state=OperationState.FAILED, error=said)


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("package_not_found", " [python-package-version-not-available]"),
        ("version_conflict", " [python-package-version-not-available]"),
        ("package_build_failed", " [python-package-install-failed]"),
        ("instance_died", ""),
    ],
)
def test_failures_of_packages_end_with_the_label_that_people_search_for(code, label):
    told = tasks.to_json(failed(code, where="requirements.txt:3"), ["a", "b"], 1)
    assert told["error"] == f"It broke. (requirements.txt:3){label}"
    assert (told["code"], told["finished"], told["output"], told["last"]) == (1, True, ["b"], 2)


def test_what_succeeded_has_no_error():
    told = tasks.to_json(Operation(id="op_1", state=OperationState.DONE, error=None), [], 0)
    assert (told["code"], told["error"], told["result"]) == (0, "", None)


def test_the_cause_comes_before_what_to_do_and_without_colours():
    error = {
        "code": "python_not_found",
        "message": "\x1b[31mNone fits.\x1b[0m",
        "fix": "Say --python.",
        "where": "x",
    }
    lines = tasks.lines_of([OperationEvent(kind="error", data=error, text="", step="")])
    assert lines[:2] == ["None fits.", "  at x"]
    assert "--python" not in lines[2]
