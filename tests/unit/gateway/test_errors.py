"""The carrier's errors."""

from tholos.gateway import errors
from tholos.kit.errors import TholosError


def test_codes_are_distinct_and_messages_complete():
    """A program tells them apart by code, a person by a sentence."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    assert len({kind.code for kind in kinds}) == len(kinds) == 11
    for kind in kinds:
        error = kind()
        assert isinstance(error, TholosError)
        assert error.message.startswith("Cannot ")
        assert error.message.endswith(".")
