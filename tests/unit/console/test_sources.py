"""What is made of a repository's address and of advice that is meant for terminals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.apps.errors import NameReserved
from tholos.apps.names import check_app_name
from tholos.console.sources import advice_of, name_of
from tholos.kit.errors import TholosError
from tholos.sources import errors


@pytest.mark.parametrize(
    ("repository", "folder", "name"),
    [
        ("https://git.example.org/team/Reports.git/", "", "reports"),
        ("git@git.example.org:reports.git", " / ", "reports"),
        ("https://git.example.org/team/reports", "apps/Of sales/", "of-sales"),
        ("https://git.example.org/7", "", "app-7"),
        ("https://git.example.org/日本.git", "", ""),
    ],
)
def test_the_name_that_fits(repository, folder, name):
    assert name_of(repository, folder) == name


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_suggested_name_can_be_one(repository, folder):
    name = name_of(repository, folder)
    if name:
        try:
            assert check_app_name(name) == name
        except NameReserved:
            return


@pytest.mark.parametrize(
    "error", [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, TholosError)]
)
def test_advice_names_no_commands(error):
    advice = advice_of(error().fix)
    assert "tholos " not in advice
    assert not advice or advice.endswith((".", ".git"))


def test_advice_of_other_things_stays():
    assert advice_of("Run `git fsck --strict` in it.") == "Run `git fsck --strict` in it."
