from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.text import storable


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_text_stays_as_it_is(text):
    assert storable(text) == text


@given(st.text(st.characters(categories=["Cs", "Cc", "Lu"])))
def test_any_text_can_be_kept_and_sent(text):
    kept = storable(text)
    assert len(kept) == len(text)
    assert "\0" not in kept.encode().decode()
