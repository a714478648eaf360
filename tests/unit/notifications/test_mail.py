"""Mails as they are written: nothing that is in one can become a header of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.notifications.mail import Mail, NotSent, compose

SENDER = "Tholos <tholos@example.org>"


def a_mail(**changes) -> Mail:
    return Mail(
        **{"to": "ada@example.org", "subject": "sales fails", "text": "why\n", "id": "dlv_1", **changes}
    )


def test_a_mail_says_whom_it_is_from_and_that_a_program_wrote_it():
    message = compose(a_mail(), SENDER)
    assert message["From"] == "Tholos <tholos@example.org>"
    assert message["To"] == "ada@example.org"
    assert message["Message-ID"] == "<dlv_1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == "why\n"


@given(st.text(max_size=80), st.text(max_size=200))
def test_whatever_the_text_there_are_no_further_headers(subject, text):
    message = compose(a_mail(subject=f"a{subject}\r\nBcc: x@example.org\r\n\r\n{subject}", text=text), SENDER)
    assert message["Bcc"] is None
    head = message.as_bytes().split(b"\r\n\r\n", 1)[0]
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}}
    assert names == {
        b"from", b"to", b"subject", b"message-id", b"auto-submitted", b"content-type", b"content-transfer-encoding",
        b"mime-version",
    }  # fmt: skip


@pytest.mark.parametrize(
    "to",
    ["", "ada", "ada@", "@example.org", "ada@example.org\r\nBcc: x@example.org", "a b@example.org", "ada@example.org, x@example.org", "<>"],
)  # fmt: skip
def test_what_is_no_address_is_refused_for_good(to):
    with pytest.raises(NotSent) as caught:
        compose(a_mail(to=to), SENDER)
    assert caught.value.is_final


def test_long_subjects_are_cut():
    assert len(compose(a_mail(subject="x" * 5000), SENDER)["Subject"]) == 200
