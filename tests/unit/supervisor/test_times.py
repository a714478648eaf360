"""Which pairs of offset and time stay."""

from hypothesis import given
from hypothesis import strategies as st

from tholos_supervisor.times import MOST_PAIRS, moved, thinned

PAIRS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=50).map(
    lambda pairs: list(
        zip(sorted(offset for offset, _ in pairs), sorted(when for _, when in pairs), strict=True)
    )
)


@given(PAIRS, st.integers(0, 10_000))
def test_what_is_thinned_keeps_its_end_and_its_order(pairs, floor):
    """The newer half stays, no pair is made up, and the first byte that there is keeps a time."""
    kept = thinned(pairs, floor)
    assert set(kept) <= set(pairs)
    assert kept == sorted(kept)
    assert kept[-1] == pairs[-1]
    wanted = [pair for pair in pairs if pair[0] <= floor][-1:] or pairs[:1]
    assert kept[0] == wanted[0]


def test_old_ones_are_thinned():
    pairs = [(n, n) for n in range(MOST_PAIRS)]
    kept = thinned(pairs, 0)
    assert len(kept) == MOST_PAIRS * 3 // 4
    assert kept[MOST_PAIRS // 4 :] == pairs[MOST_PAIRS // 2 :]


def test_what_moves_keeps_its_times():
    """What was before the place is gone, and what was written across it begins there."""
    assert moved([(0, 1), (100, 2), (200, 3)], 150, 10) == [(10, 2), (60, 3)]
    assert moved([(0, 1), (100, 2)], 100, 0) == [(0, 2)]
    assert moved([], 5, 0) == []
