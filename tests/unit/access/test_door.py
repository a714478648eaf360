import pytest

from tholos.access.door import _why_not
from tholos.instances.serving import Serving


@pytest.mark.parametrize(
    ("release", "state", "reason", "part"),
    [(0, "", "", "no release"), (1, "starting", "", "is starting"), (1, "failed", "exited with code 1", "code 1"),
     (1, "", "", "no instance")],
)  # fmt: skip
def test_why_an_app_does_not_answer(release, state, reason, part):
    row = Serving("app_1", "sales", "acc_1", "listed", 1, 0, release, "", "", state, reason)
    assert part in _why_not(row)
    assert "sales" in _why_not(row)


@pytest.mark.parametrize(
    ("took", "words"), [(None, "sales is starting."), (2.31, "Its last start took 2.3 s.")]
)
def test_how_long_a_start_may_take_is_told_where_it_is_known(took, words):
    row = Serving("app_1", "sales", "acc_1", "listed", 1, 0, 1, "", "", "starting", "")
    assert _why_not(row, took).endswith(words)
