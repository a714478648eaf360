"""Specs are hostile until checked; records come back as they were written."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos_supervisor.model import (
    End,
    Identity,
    Record,
    Refused,
    Status,
    record_from_json,
    record_to_json,
    spec_from,
)

GOOD = {
    "instance": "web-1",
    "argv": ["python", "app.py"],
    "env": {"A": "1"},
    "cwd": "/srv",
    "log": "/srv/log",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instance", ""),
        ("instance", "../etc"),
        ("instance", ".hidden"),
        ("instance", "a/b"),
        ("instance", "a" * 121),
        ("instance", "a\n"),
        ("argv", []),
        ("argv", [""]),
        ("argv", "python"),
        ("argv", ["a\0b"]),
        ("argv", ["\ud800"]),
        ("env", {"A=B": "1"}),
        ("env", {"": "1"}),
        ("env", {"A": 1}),
        ("env", {"A": "\0"}),
        ("cwd", "relative"),
        ("cwd", ""),
        ("log", "log"),
        ("log_limit", 10),
        ("log_limit", True),
        ("socket", "relative"),
        ("restarts", -1),
        ("restarts", 1.5),
        ("stable_s", float("nan")),
        ("stable_s", float("inf")),
        ("grace_s", -1),
        ("grace_s", "10"),
        ("limits", {"nofilee": 3}),
        ("limits", {"nofile": -1}),
        ("limits", {"nofile": 10**30}),
        ("surprise", 1),
    ],
)
def test_wrong_field_is_named(field, value):
    """A spec that cannot be used is refused with the field it is about."""
    with pytest.raises(Refused) as refused:
        spec_from(GOOD | {field: value})
    assert refused.value.code == "invalid_spec"
    assert refused.value.where.startswith(field)


@settings(deadline=None)  # a busy machine is no failure
@given(
    JSON, st.sampled_from(sorted({*GOOD, "log_limit", "socket", "restarts", "stable_s", "grace_s", "limits"}))
)
def test_anything_else_is_refused_or_taken(value, field):
    """No JSON value makes anything but a spec or a refusal."""
    for candidate in (value, GOOD | {field: value}):
        with suppress(Refused):
            assert spec_from(candidate).instance == candidate["instance"]


def test_records_come_back():
    """What is written is what is read."""
    spec = spec_from(GOOD | {"limits": {"nofile": 64}, "socket": "/run/a.sock"})
    status = Status("web-1", "running", pid=7, started_at=1.5)
    record = Record(spec, status, "mark", Identity(7, 99, "boot"), 3.5, 10.0, End(1, 0.5, seen=True))
    assert record_from_json(json.loads(json.dumps(record_to_json(record)))) == record
    record = record._replace(identity=None, end=None, kill_at=None)
    assert record_from_json(json.loads(json.dumps(record_to_json(record)))) == record


@pytest.mark.parametrize("value", [None, [], {}, {"version": 2}])
def test_other_records_are_refused(value):
    """A record of another version is not guessed at."""
    with pytest.raises(Refused):
        record_from_json(value)


def test_secrets_stand_in_no_record():
    """A record says that there were some; they are not shown either."""
    spec = spec_from({**GOOD, "secrets": {"KEY": "hunter2"}})
    assert spec.secrets == {"KEY": "hunter2"}
    record = Record(spec, Status("web-1", "running"), "ab", has_secrets=True)
    text = json.dumps(record_to_json(record))
    assert "hunter2" not in text + repr(spec) + str(spec.secrets)
    again = record_from_json(json.loads(text))
    assert (again.has_secrets, again.lacks_secrets, record.lacks_secrets) == (True, True, False)
    assert again.spec == spec._replace(secrets={})


def test_a_wrong_secret_is_refused_without_its_value():
    with pytest.raises(Refused) as caught:
        spec_from({**GOOD, "secrets": {"KEY": "hunter2\0"}})
    assert caught.value.where == "secrets"
    assert "hunter2" not in caught.value.message


def test_records_of_before_had_none():
    old = json.loads(json.dumps(record_to_json(Record(spec_from(GOOD), Status("web-1", "running"), "ab"))))
    del old["has_secrets"]
    assert record_from_json(old).lacks_secrets is False
