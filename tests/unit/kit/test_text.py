import json
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.text import FORM, brings_nul, storable

PLAIN = st.text(st.characters(exclude_categories=["Cs"]))
NEARLY = st.text(st.sampled_from('\0\\u0%25"'))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_text_stays_as_it_is(text):
    assert storable(text) == text


@given(st.text(st.characters(categories=["Cs", "Cc", "Lu"])))
def test_any_text_can_be_kept_and_sent(text):
    kept = storable(text)
    assert len(kept) == len(text)
    assert "\0" not in kept.encode().decode()


@given(st.one_of(PLAIN, NEARLY, st.lists(NEARLY), st.dictionaries(NEARLY, NEARLY)))
def test_nul_is_seen_however_json_says_it(value):
    """Escaped or not; and a backslash before u0000 that is itself escaped says no NUL."""
    has_nul = "\0" in _texts(value)
    for ascii_only in (True, False):
        assert brings_nul(json.dumps(value, ensure_ascii=ascii_only).encode(), "application/json") is has_nul


@given(st.dictionaries(NEARLY, st.one_of(PLAIN, NEARLY)))
def test_nul_is_seen_in_forms_and_queries(fields):
    for content_type in (FORM, f"{FORM.upper()}; charset=utf-8"):
        assert brings_nul(urlencode(fields).encode(), content_type) is ("\0" in _texts(fields))


def _texts(value):
    if isinstance(value, dict):
        return "".join([*value, *value.values()])
    return value if isinstance(value, str) else "".join(value)


def test_nul_as_it_is_is_seen_in_any_form():
    for content_type in ("", "application/json", FORM, "multipart/form-data; boundary=x"):
        assert brings_nul(b"a\0b", content_type)
        assert not brings_nul(b"", content_type)
    assert brings_nul('"\\u0000"'.encode("utf-16"), "application/json")
