"""What a person says of himself or herself, tidied or refused. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.accounts.errors import ProfileInvalid
from tholos.accounts.profile import check_email, check_full_name


def _tried(check, typed):
    """What a check makes of it, or why it refuses."""
    try:
        return check(typed), None
    except ProfileInvalid as error:
        return None, error


@given(st.text())
def test_what_is_taken_as_a_mail_address_is_one_mailbox_in_lower_case(typed):
    email, refused = _tried(check_email, typed)
    if refused is not None:
        assert refused.where == "email"
        return
    if email is None:
        assert not typed.strip()
        return
    assert email == email.lower().strip()
    assert email.count("@") == 1
    assert not set(email) & set(' \r\n\t,;<>"()')


@given(st.emails())
def test_ordinary_addresses_are_taken(email):
    if '"' not in email:
        assert check_email(email) == email.lower()


@given(st.text())
def test_a_name_that_is_taken_can_be_printed_on_one_line(typed):
    name, refused = _tried(check_full_name, typed)
    if refused is not None:
        assert refused.where == "full_name"
        return
    assert name == " ".join(typed.split())
    assert name.isprintable()
    assert len(name) <= 120


@pytest.mark.parametrize("name", ["Ada Lovelace", "Åsa Öberg", "李小龍", "O\u2019Brien-Smith", ""])
def test_names_of_the_world(name):
    assert check_full_name(name) == name
