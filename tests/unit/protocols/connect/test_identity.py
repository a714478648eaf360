import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit import ids
from tholos.protocols.connect import identity
from tholos.protocols.connect.errors import IdMalformed

NUMBERS = st.integers(0, 2**128 - 1)


@given(NUMBERS)
def test_every_guid_has_its_id_and_comes_back(number):
    guid = str(uuid.UUID(int=number))
    object_id = identity.id_of("app", guid)
    assert re.fullmatch(r"app_[0-9a-z]{26}", object_id)
    assert identity.guid_of(object_id) == guid


def test_an_id_of_ours_comes_back():
    object_id = ids.new_id("app")
    assert identity.id_of("app", identity.guid_of(object_id).upper()) == object_id


@pytest.mark.parametrize(
    "text", ["", "x", "01a1fef3-5dee-6c59-d7a1", "01a1fef3-5dee-6c59-d7a1-c7ad30f0790g", "1" * 40]
)
def test_what_is_no_guid_is_refused(text):
    with pytest.raises(IdMalformed, match="is no GUID") as refused:
        identity.id_of("app", text)
    assert refused.value.fix


@pytest.mark.parametrize("text", ["app_", "org_default", "app_" + "u" * 26, "app_" + "0" * 25])
def test_what_is_no_id_of_ours_is_refused(text):
    with pytest.raises(ValueError, match="is no id"):
        identity.guid_of(text)


@given(NUMBERS, NUMBERS)
def test_numbers_fit_every_reader_and_ascend_with_time(one, other):
    a, b = (identity.id_of("app", str(uuid.UUID(int=number))) for number in sorted((one, other)))
    assert 0 <= identity.number_of(a) <= identity.number_of(b) < 2**53
