import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.accounts.errors import RoleTooLow
from tholos.accounts.models import Role
from tholos.accounts.pages import own_path
from tholos.accounts.service import Actor, hash_secret


@pytest.mark.parametrize(("has", "needs"), list(itertools.product(Role, Role)))
def test_roles_include_those_below(has, needs):
    order = ["viewer", "publisher", "administrator"]
    actor = Actor("acc_1", "org_default", "ada", has)
    if order.index(has) >= order.index(needs):
        actor.needs(needs)
    else:
        with pytest.raises(RoleTooLow) as caught:
            actor.needs(needs)
        assert needs in caught.value.message


@given(st.text())
def test_any_text_has_a_hash_that_does_not_show_it(secret):
    assert len(hash_secret(secret)) == 64
    assert hash_secret(secret) == hash_secret(secret)


def test_the_hash_is_sha_256():
    assert hash_secret("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.text(st.characters(codec="ascii")).map(lambda text: "/" + text))
def test_after_signing_in_one_stays_on_this_host(path):
    own = own_path(path)
    assert own in {path, ""}
    assert not own.startswith(("//", "/\\"))
    assert not set(own) & set(" \\\t\r\n")


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "a", "/\t/evil"]
)
def test_other_ways_are_not_taken(path):
    assert own_path(path) == ""
