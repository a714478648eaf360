import pytest

from tholos.kit import errors
from tholos.kit.errors import TholosError

KINDS = [
    errors.NotFound,
    errors.Forbidden,
    errors.NotSignedIn,
    errors.Conflict,
    errors.Invalid,
    errors.Unavailable,
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_line_of_the_docstring_is_the_message(kind):
    assert str(kind()) == kind().message == kind.__doc__.splitlines()[0]


def test_codes_are_unique():
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_what_is_empty_is_not_shown():
    assert errors.Invalid("Cannot.").to_json() == {"code": "invalid", "message": "Cannot."}


def test_everything_is_shown_in_one_shape():
    error = errors.Conflict("Cannot.", fix="Wait.", where="name", operation="op_1")
    assert error.to_json() == {
        "code": "conflict", "message": "Cannot.", "fix": "Wait.", "where": "name", "details": {"operation": "op_1"},
    }  # fmt: skip
    assert isinstance(error, TholosError)
