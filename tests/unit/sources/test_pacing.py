"""Each repository has its own moment of every interval, and a thousand of them spread evenly."""

from hypothesis import given
from hypothesis import strategies as st

from tholos.sources.pacing import next_look, offset_of

KEYS = st.text(max_size=20)
NOW = st.floats(0, 4e9)
INTERVAL = st.floats(0.5, 1e5)


@given(KEYS, NOW, INTERVAL)
def test_it_comes_within_an_interval(key, now_s, interval_s):
    found = next_look(key, now_s, interval_s)
    assert now_s < found <= now_s + interval_s * 1.001 + 1e-5


@given(KEYS, st.integers(0, 10**9), st.integers(1, 10**4))
def test_each_follows_the_one_before_by_an_interval(key, now_s, interval_s):
    first = next_look(key, now_s, interval_s)
    assert abs(next_look(key, first, interval_s) - first - interval_s) < 1e-3


def test_a_thousand_spread_evenly():
    parts = [0] * 10
    for number in range(1000):
        parts[int(offset_of(f"https://git.example.org/{number}", 300) // 30)] += 1
    assert max(parts) < 140
    assert min(parts) > 60
