"""Limits."""

from tholos.gateway.limits import Limits


def test_the_tick_follows_the_shortest_time():
    """But is neither a busy loop nor slower than a second."""
    assert Limits().tick == Limits().pool_idle / 4
    assert Limits(pool_idle=60, linger=60).tick == 1.0
    assert Limits(idle_timeout=0.001).tick == 0.01
