from __future__ import annotations

import json

import pytest

from tholos.cli import failures
from tholos.client.errors import KINDS, UnexpectedAnswer, Unreachable, VersionsDiffer, remote
from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TholosError, Unavailable

CODES = [
    (failures.Failed, 1),
    (TholosError, 1),
    (Invalid, 2),
    (Conflict, 3),
    (VersionsDiffer, 3),
    (Forbidden, 4),
    (NotSignedIn, 4),
    (Unavailable, 5),
    (Unreachable, 5),
    (UnexpectedAnswer, 5),
    (NotFound, 6),
]
STATUSES = {
    400: 2, 401: 4, 403: 4, 404: 6, 409: 3, 412: 3, 413: 2, 422: 2, 429: 5, 500: 70, 502: 5, 503: 5, 504: 5,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "code"), CODES)
def test_each_kind_has_its_exit_code(kind, code):
    assert failures.exit_code(kind("Cannot.")) == code


def test_each_status_has_its_exit_code():
    assert {status: failures.exit_code(remote(status, "", "Cannot.")) for status in KINDS} == STATUSES


def raising(error: BaseException):
    def command() -> int:
        raise error

    return command


def test_a_failure_says_what_where_and_what_to_do(capsys):
    assert failures.guarded(raising(Invalid("Cannot read it: no.", fix="write it", where="app.py:4"))) == 2
    assert capsys.readouterr() == (
        "",
        "tholos: Cannot read it: no.\n  where   app.py:4\n  fix     write it\n",
    )


def test_a_failure_is_a_document_for_programs(capsys):
    assert failures.guarded(raising(NotFound("Gone.")), as_json=True) == 6
    document = json.loads(capsys.readouterr().out)
    assert document == {"version": 1, "error": {"code": "not_found", "message": "Gone."}}


def test_a_bug_of_the_server_names_the_request(capsys):
    assert failures.guarded(raising(remote(500, "bug", "Oops.", request_id="req_7"))) == 70
    assert "  request req_7\n" in capsys.readouterr().err


def test_an_interrupted_command_is_130():
    assert failures.guarded(raising(KeyboardInterrupt())) == 130


def test_a_bug_leaves_a_traceback_that_others_cannot_read(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert failures.guarded(raising(ZeroDivisionError("by zero"))) == 70
    (report,) = tmp_path.iterdir()
    assert "ZeroDivisionError: by zero" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    assert str(report) in capsys.readouterr().err


def test_the_exit_code_of_a_command_is_its_own():
    assert failures.guarded(lambda: 1) == 1
