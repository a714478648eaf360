"""Why an instance does not serve: the traceback that the logs page and the API name, of the last run that has one."""

from pathlib import Path

import pytest

from tholos.instances import causes
from tholos.instances.models import Instance
from tholos.instances.reading import Log, find_traceback
from tholos.variables.masking import Masker

RUN = "[tholos] started, pid 7\n"


def _trace(error):
    return f'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in x\n    y()\n{error}\n'


@pytest.fixture
def instance(tmp_path):
    return Instance(id="ins_1", log=str(tmp_path / "000001-ins_1.log"), reason="ended with status 1")


def _write(instance, text):
    Path(instance.log).write_text(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (RUN + _trace("KeyError: 'first'") + _trace("ValueError: later"), "KeyError: 'first'"),
        (RUN + _trace("KeyError: 'mended'") + RUN + "ok\n" + _trace("ValueError: now"), "ValueError: now"),
        (RUN + _trace("KeyError: 'before'") + RUN + "ok\n", "KeyError: 'before'"),
    ],
)
def test_everybody_names_the_same_traceback(instance, tmp_path, text, error):
    _write(instance, text)
    died = causes.died(instance, "/srv")
    assert died.message == f"Cannot start the app: {error}"
    assert died.where == "app.py:3"
    assert causes.reason(instance, "/srv") == f"ended with status 1: {error} (app.py:3)"
    assert causes.error_answer(instance, 500, "/srv").message == f"GET / → 500: {error}"
    log = Log("ins_1", 1, tmp_path / "000001-ins_1.log", "/srv", has_ended=True)
    shown = find_traceback(log)
    assert (shown.error, shown.where, shown.text) == (error, died.where, died.to_json()["details"]["excerpt"])


def test_without_a_traceback_its_last_lines_tell(instance):
    _write(instance, RUN + "".join(f"line {n}\n" for n in range(50)))
    died = causes.died(instance, "/srv")
    assert died.message == "Cannot start the app: its process ended with status 1."
    assert died.details["excerpt"].splitlines() == [f"line {n}" for n in range(30, 50)]
    assert causes.reason(instance, "/srv") == "ended with status 1"


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("", "Cannot start the app: its process ended."),
        ("ended unseen", "Cannot start the app: its process ended unseen."),
        ("killed by SIGKILL", "Cannot start the app: its process was killed by SIGKILL."),
        (
            "Cannot start the app: it did not answer within 5 s.",
            "Cannot start the app: it did not answer within 5 s.",
        ),
    ],
)
def test_however_it_ended_it_is_told_in_one_sentence(instance, reason, message):
    _write(instance, RUN)
    instance.reason = reason
    assert causes.died(instance, "/srv").message == message


def test_who_was_killed_from_outside_did_not_end_by_what_was_logged(instance):
    _write(instance, RUN + _trace("KeyError: 'x'"))
    instance.reason = "killed by SIGKILL"
    assert causes.reason(instance, "/srv") == "killed by SIGKILL"


def test_who_met_a_limit_is_told_so_beside_its_own_words(instance):
    _write(instance, RUN + _trace("BlockingIOError: [Errno 11]"))
    instance.reason = "exited with code 1 after 0.4 s: it wanted more than its 60 processes"
    message = "Cannot start the app: BlockingIOError: [Errno 11] (it wanted more than its 60 processes)"
    assert causes.died(instance, "/srv").message == message


def test_no_secret_is_told(instance):
    _write(instance, RUN + _trace("ValueError: hunter2hunter2"))
    died = causes.died(instance, "/srv", Masker(["hunter2hunter2"]))
    assert "hunter2" not in str(died.to_json())
    assert died.message.startswith("Cannot start the app: ValueError: ")
