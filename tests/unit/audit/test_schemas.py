"""Deeds as rows of a spreadsheet and as lines of JSON."""

import csv
import io
import json

import pytest

from tholos.audit.schemas import COLUMNS, AuditEntryOut, csv_head, csv_rows, ndjson, without_origin


def an_entry(**changes) -> AuditEntryOut:
    values = {
        "id": 1, "at": "2026-03-01T12:00:00.000Z", "actor": "ada", "actor_id": "acc_1", "action": "app.made",
        "words": "made an app", "subject_kind": "app", "subject_id": "app_1", "subject": "sales", "before": None,
        "after": {"n": 1}, "note": "", "address": "10.0.0.7", "credential": "ses_1", "request_id": "req_1",
    }  # fmt: skip
    return AuditEntryOut(**{**values, **changes})


def read(*entries) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((csv_head() + csv_rows(entries)).decode(), newline="")))


def test_rows_have_every_column():
    (row,) = read(an_entry())
    assert tuple(row) == COLUMNS
    assert row["after"] == '{"n": 1}'
    assert row["before"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start):
    """A name that a spreadsheet would run is text to it."""
    (row,) = read(an_entry(subject=f"{start}cmd|' /C calc'!A0", note=f"{start}x", actor=f"{start}y"))
    for name in ("subject", "note", "actor"):
        assert row[name].startswith(f"'{start}")


def test_commas_quotes_and_lines_stay_in_their_cell():
    text = 'a,"b"\r\nc;ü'
    (row,) = read(an_entry(note=text))
    assert row["note"] == text


def test_lines_of_json_are_the_entries():
    lines = ndjson([an_entry(), an_entry(id=2, note="a\nb")]).decode().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]
    assert json.loads(lines[1])["note"] == "a\nb"


def test_where_somebody_sits_is_left_out_for_others():
    shown = without_origin(an_entry())
    assert (shown.address, shown.credential, shown.request_id) == ("", "", "")
    assert shown.actor == "ada"
