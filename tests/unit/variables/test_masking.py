"""What is shown of an app's output shows no value of its secrets."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.variables import masking
from tholos.variables.masking import MASK, NOTHING, Masker

SECRETS = st.text(st.characters(categories=["Lu", "Nd"]), min_size=8, max_size=30)


def test_a_value_is_masked_wherever_it_stands():
    masker = Masker(["correct-horse"])
    assert masker.mask("url=postgres://u:correct-horse@db, again correct-horse") == (
        f"url=postgres://u:{MASK}@db, again {MASK}"
    )


def test_what_is_short_may_be_a_word():
    assert Masker(["hunter2", ""]).mask("hunter2 is here") == "hunter2 is here"
    assert not Masker(["hunter2"])


@pytest.mark.parametrize("value", ['pass"word\\ 9', "two\twords", "p@ss/w:rd+x", "schlüssel-ß"])
def test_the_forms_that_programs_print_are_masked(value):
    masker = Masker([value])
    for printed in (value, json.dumps(value), repr(value), quote(value, safe=""), quote(value)):
        shown = masker.mask(f"it is {printed}!")
        assert MASK in shown
        assert value not in shown
        assert quote(value, safe="") not in shown


def test_lines_of_a_long_value_are_masked_one_by_one():
    masker = Masker(["-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0B\nshort\n"])
    assert masker.mask("MIIEvQIBADANBgkqhkiG9w0B") == MASK
    assert masker.mask("short") == "short"


def test_the_longer_of_two_values_wins():
    assert Masker(["password", "password-of-ada"]).mask("password-of-ada") == MASK


def test_the_first_values_count_where_there_are_too_many_forms(monkeypatch):
    monkeypatch.setattr(masking, "MOST_FORMS", 20)
    lines = "\n".join(f"line {n} of a certificate" for n in range(30))
    shown = Masker(["correct-horse", lines]).mask(
        "correct-horse line 1 of a certificate line 29 of a certificate"
    )
    assert shown == f"{MASK} {MASK} line 29 of a certificate"


def test_spaces_around_a_value_hide_nothing():
    assert Masker([" correct-horse\n"]).mask("x correct-horse y") == f"x {MASK} y"


@given(st.lists(SECRETS, min_size=1, max_size=5), st.text(max_size=40))
def test_no_value_is_left(values, around):
    masker = Masker(values)
    shown = masker.mask(around.join(["", *values, ""]))
    assert not any(value in shown for value in values)


@given(st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_a_stream_is_masked_however_it_is_cut(values, data):
    masker = Masker(values)
    whole = "\n".join(f"line {value} end" for value in values).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert b"".join(masker.mask_all(pieces)) == masker.mask(whole.decode()).encode()


def test_a_stream_without_lines_is_passed_on_all_the_same():
    assert b"".join(Masker(["correct-horse"]).mask_all([b"x" * 600_000] * 4)) == b"x" * 2_400_000


def test_nothing_is_masked_where_there_are_no_secrets():
    assert not NOTHING
    assert NOTHING.mask("as it is") == "as it is"
