"""Names of content on this wire, as names that hosts can have."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tholos.apps.names import RESERVED_NAMES, check_app_name
from tholos.protocols.connect.contents import _NAME, _fit


@settings(max_examples=50, deadline=None)
@given(st.text("aZ0_-x", min_size=3, max_size=128).filter(_NAME.fullmatch), st.integers(2, 99_999))
@example("1" * 128, 10)
def test_any_name_has_one_with_room_for_a_number(name, number):
    """However many there are that come to the same."""
    fit = _fit(name)
    assert fit in RESERVED_NAMES or check_app_name(fit) == fit
    assert check_app_name(f"{fit}-{number}")


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("sales", "sales"),
        ("Sales_Report", "sales-report"),
        ("2026-report", "app-2026-report"),
        ("___", "app"),
        ("--x--", "app-x"),
        ("xn--bcher-kva", "app-xn-bcher-kva"),
        ("a" * 128, "a" * 34),
        ("1" * 128, "app-" + "1" * 30),
        ("a" * 33 + "-b", "a" * 33),
    ],
)
def test_it_is_the_nearest(name, fit):
    assert _fit(name) == fit
