"""Multipart forms: browsers' are read, damaged ones refused, and nothing else ever happens."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.publishing.forms import BadForm, boundary_of, parts

B = b"----x"


def _body(*fields, end=b"--\r\n"):
    out = b""
    for head, data in fields:
        out += b"--" + B + b"\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data + b"\r\n"
    return out + b"--" + B + end


def _read(body, most=100):
    return [(one.name, one.filename, bytes(body[one.start : one.end])) for one in parts(body, B, most=most)]


def test_fields_and_files_in_order():
    body = _body(
        (b'name="name"', b"sales"),
        (b'name="files"; filename="app/app.py"\r\nContent-Type: text/x-python', b"x = 1\r\n\r\n--y"),
        (b'name="files"; filename=""\r\nContent-Type: application/octet-stream', b""),
        (b'name="files"; filename="gr\xc3\xbcn %22a%22.txt"', b"\0\xff"),
    )
    assert _read(body) == [
        ("name", None, b"sales"),
        ("files", "app/app.py", b"x = 1\r\n\r\n--y"),
        ("files", "", b""),
        ("files", 'grün "a".txt', b"\0\xff"),
    ]


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n%'), max_size=9),
                          st.binary(max_size=60).filter(lambda data: B not in data)), max_size=5))  # fmt: skip
def test_whatever_is_written_is_read(fields):
    written = [(b'name="files"; filename="%s"' % name.encode(), data) for name, data in fields]
    assert [(name, data) for _, name, data in _read(_body(*written))] == fields


@given(st.binary(max_size=200), st.integers(0, 60))
def test_damage_is_an_error_of_ours_or_nothing(noise, cut):
    whole = _body((b'name="a"', b"1"), (b'name="files"; filename="b"', b"2"))
    for body in (noise, b"--" + B + noise, whole[:cut], whole[:cut] + noise + whole[cut:]):
        with suppress(BadForm):
            assert all(one[0] is not None for one in _read(body))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "does not begin"),
        (b"--other\r\n", "does not begin"),
        (_body((b'name="a"', b"1"), end=b""), "without its end mark"),
        (_body((b'name="a"', b"1"))[:-20], "cut off"),
        (b"--" + B + b"\r\n\r\n\r\n--" + B + b"--", "has no name"),
        (b"--" + B + b"\r\nX: " + b"y" * 9000 + b"\r\n\r\n1\r\n--" + B + b"--", "cut off"),
    ],
)
def test_what_is_refused(body, told):
    with pytest.raises(BadForm, match=told):
        _read(body)


def test_no_more_than_so_many_parts():
    body = _body(*[(b'name="a"', b"")] * 5)
    assert len(_read(body, most=5)) == 5
    with pytest.raises(BadForm, match="more than 4 fields"):
        _read(body, most=4)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=----abc", b"----abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
    ],
)
def test_the_boundary(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_no_form(content_type):
    with pytest.raises(BadForm):
        boundary_of(content_type)
