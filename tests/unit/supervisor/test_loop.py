"""Timers and descriptors of the loop."""

import os
import signal

import pytest

from tholos_supervisor.loop import Loop


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.close()


def test_timers_run_when_due_and_in_order(loop):
    """The earlier one first, those of one moment as they were made, cancelled ones never."""
    seen = []
    loop.after(0.001, lambda: seen.append("second"))
    loop.after(0, lambda: seen.append("first"))
    loop.after(0.002, loop.stop)
    loop.after(0, lambda: seen.append("never")).cancel()
    loop.run()
    assert seen == ["first", "second"]


def test_descriptors_are_watched_until_they_are_not(loop):
    """A callback may end the watch of another one that is ready in the same round."""
    pipes = [os.pipe(), os.pipe()]
    seen = []

    def hear(own, other):
        seen.append(own)
        loop.unwatch(own)
        loop.unwatch(other)
        loop.stop()

    (one, one_write), (two, two_write) = pipes
    loop.watch(one, lambda: hear(one, two))
    loop.watch(two, lambda: hear(two, one))
    os.write(one_write, b"x")
    os.write(two_write, b"x")
    loop.run()
    assert len(seen) == 1
    for fd in (one, one_write, two, two_write):
        os.close(fd)


def test_signals_are_calls_of_the_loop(loop):
    """A signal wakes the loop, which calls outside of the handler."""
    before = signal.getsignal(signal.SIGUSR1)
    loop.on_signal(signal.SIGUSR1, loop.stop)
    loop.after(0, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    loop.run()
    signal.signal(signal.SIGUSR1, before)
