import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.apps.errors import NameInvalid, NameReserved
from tholos.apps.names import RESERVED_NAMES, RESERVED_PREFIXES, check_app_name
from tholos.server.application import ROUTERS

LABEL = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])")  # of a host name: RFC 1123 2.1, in lower case


def _passes(name):
    try:
        return check_app_name(name) == name
    except (NameInvalid, NameReserved):
        return False


@given(st.one_of(st.text(), st.from_regex(r"[a-z][a-z0-9-]{0,45}\n?", fullmatch=True)))
def test_only_labels_of_hosts_pass(name):
    if _passes(name):
        assert LABEL.fullmatch(name)
        assert not name.startswith("xn--")
        name.encode("idna")


@given(st.from_regex(r"[a-z][a-z0-9]{1,39}", fullmatch=True))
def test_plain_names_pass_unless_reserved(name):
    assert _passes(name) is (name not in RESERVED_NAMES)


@pytest.mark.parametrize(
    "name",
    ["", "a", "A1", "1a", "a_b", "a.b", "-a", "ab-", "a" * 41, "ab\n", "ä1", "xn--abc", "ab\x00", "a/b"],
)
def test_other_names_do_not(name):
    with pytest.raises(NameInvalid) as caught:
        check_app_name(name)
    assert caught.value.where == "name"
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "name", sorted(RESERVED_NAMES & {"api", "www", "localhost", "open", "static", "sign-in"})
)
def test_reserved_ones_say_so(name):
    with pytest.raises(NameReserved):
        check_app_name(name)


def test_no_app_shadows_a_path_of_the_console():
    """Every first segment that a route has is reserved, so that a later path for apps breaks nothing."""
    paths = [route.path for router in ROUTERS for route in router.routes]
    segments = {path.split("/")[1] for path in paths} - {""}
    assert segments <= RESERVED_PREFIXES
