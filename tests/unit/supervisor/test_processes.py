"""Who a process is: this one, and none."""

import os

from tholos_supervisor import processes
from tholos_supervisor.model import Identity


def test_this_process_is_alive():
    """It is found with its parent, session and start, and known again by them."""
    found = processes.find(os.getpid())
    assert found is not None
    assert (found.parent, found.session) == (os.getppid(), os.getsid(0))
    assert processes.is_alive(processes.identify(os.getpid()))


def test_same_pid_is_not_the_same_process():
    """Another start time or another boot makes it another process, which gets no signal."""
    own = processes.identify(os.getpid())
    for other in (
        own._replace(start=own.start + 1),
        own._replace(boot="another"),
        Identity(2**30, 1, own.boot),
    ):
        assert not processes.is_alive(other)
        assert processes.open_pidfd(other) is None
        assert processes.send(other, 9) is False
        processes.terminate_group(other)
    assert processes.family(own._replace(boot="another"), "mark") == []
