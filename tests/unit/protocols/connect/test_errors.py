"""Errors on this wire: a number that its clients know, and words that its users can follow."""

import pytest

from tholos.apps.errors import AppNotFound
from tholos.detect.errors import EntrypointMissing, ManifestMisfit
from tholos.kit.errors import Conflict, Invalid, NotFound, TholosError
from tholos.protocols.connect import errors
from tholos.runtime.interpreters import PythonNotFound


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (errors.AppModeDiffers(), 48),
        (errors.NameReserved(), 108),
        (errors.path_unknown("/__api__/v1/nothing"), 2),
        (ManifestMisfit(), 38),
        (EntrypointMissing(), 38),
        (AppNotFound(), 4),
        (NotFound(), 2),
        (Conflict(), 106),
        (Invalid(), 121),
        (TholosError(), 1),
    ],
)
def test_numbers(error, number):
    assert errors.to_json(error)["code"] == number


def test_what_to_do_is_said_in_the_words_of_the_client():
    """Ours names a flag that it does not have."""
    said = errors.to_json(PythonNotFound("None fits.", fix="Say --python 3.8."))["error"]
    assert "--python" not in said
    assert said.startswith("None fits. Ask for another in .python-version")


def test_a_fix_of_which_nothing_else_is_known_stays():
    assert errors.fix_of("unheard_of", "Do this.") == "Do this."


def test_a_path_before_the_api_is_what_an_address_ends_with():
    told = errors.to_json(errors.path_unknown("/a/prefix/__api__/server_settings"))["error"]
    assert told == (
        "There is no server at /a/prefix: this one has no path. Leave the path out of the server's address."
    )
