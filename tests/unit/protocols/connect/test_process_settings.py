"""What is set of processes: numbers within their ranges are kept as they are, all else is refused by name."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.protocols.connect import errors, process_settings
from tholos.protocols.connect.errors import SettingInvalid

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2)
)


@given(key=st.sampled_from(sorted(process_settings.UNSET)), value=VALUES)
def test_whatever_is_said_is_kept_as_json_or_refused_by_name(key, value):
    try:
        kept = process_settings.check(key, value)
    except SettingInvalid as error:
        told = (error.where, f"Cannot take this {key}: it is " in error.message, bool(error.fix))
    else:
        told = None
        assert kept == value
        assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert told in {None, (key, True, True)}


@pytest.mark.parametrize(
    ("key", "least", "most", "number"),
    [
        ("min_processes", 0, 20, 113),
        ("max_processes", 1, 20, 113),
        ("max_conns_per_process", 1, 1_000_000, 113),
        ("load_factor", 0, 1, 150),
        ("idle_timeout", 0, 2_592_000, 151),
        ("memory_limit", 0, 1 << 50, 181),
        ("cpu_request", 0, 10_000, 181),
    ],
)
def test_the_ends_of_a_range_are_in_it(key, least, most, number):
    assert process_settings.check(key, least) == least
    assert process_settings.check(key, most) == most
    for beyond in (least - 1, most + 1, math.inf, math.nan, "1", True):
        with pytest.raises(SettingInvalid) as caught:
            process_settings.check(key, beyond)
        assert errors.number_of(caught.value) == number


def test_half_a_process_is_none_and_half_a_core_is_some():
    assert process_settings.check("cpu_limit", 0.5) == 0.5
    assert process_settings.check("max_processes", 2.0) == 2
    with pytest.raises(SettingInvalid, match="a whole number from 1 to 20, or null"):
        process_settings.check("max_processes", 2.5)


@pytest.mark.parametrize(
    ("low", "high"),
    [("min_processes", "max_processes"), ("memory_request", "memory_limit"), ("cpu_request", "cpu_limit")],
)
def test_what_is_asked_for_is_not_above_its_limit(low, high):
    for fine in ({low: 2, high: 2}, {low: 2}, {high: 1}, {low: 2, high: None}):
        process_settings.check_together(fine)
    with pytest.raises(SettingInvalid, match=f"{low} .3. is above {high} .2."):
        process_settings.check_together({low: 3, high: 2})
