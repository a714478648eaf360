"""What is built again of what a release recorded, and when it is tried."""

import pytest

from tholos.kit.errors import Unavailable
from tholos.runtime import locks
from tholos.runtime.locks import Lock
from tholos.runtime.own_wheels import NO_FILES
from tholos.runtime.rebuilding import EnvironmentMissing, Rebuilding, Recorded, find_lock


class Shelf:
    """As ``Environments``, without an index behind it."""

    def __init__(self):
        self.built = []
        self.error = None

    def id_of(self, lock, interpreter, scope):
        return f"{lock.id}{interpreter}{scope}"

    def build(self, lock, interpreter, scope, *, files, cancel):
        self.built.append(lock)
        if self.error:
            raise self.error


def _recorded(lock: Lock) -> Recorded:
    return Recorded(Shelf().id_of(lock, "py", "anna"), lock.text, "anna")


@pytest.mark.parametrize(
    "lock",
    [
        Lock("leaf==1.0 --hash=sha256:00\n"),
        Lock("leaf==1.0\n", is_wheels=False, is_hashed=False),
        Lock("leaf @ git+https://e.org/x@00\na==1 --hash=sha256:00\n", is_wheels=False, is_hashed=False),
        Lock("[[packages]]\n", locks.PYLOCK, is_hashed=False),
    ],
)
def test_a_lock_is_found_by_the_name_of_its_environment(lock):
    assert find_lock(Shelf(), _recorded(lock), "py") == lock


def test_a_lock_of_another_interpreter_is_none():
    shelf, recorded = Shelf(), _recorded(Lock("leaf==1.0\n"))
    assert find_lock(shelf, recorded, "another") is None
    with pytest.raises(EnvironmentMissing, match="is gone"):
        Rebuilding().build(shelf, recorded, "another", NO_FILES, is_asked=True)


def test_what_cannot_be_built_is_tried_later_and_later():
    now = 0.0
    shelf, recorded = Shelf(), _recorded(Lock("leaf==1.0\n"))
    shelf.error = Unavailable("The index does not answer.", fix="Wait.")
    rebuilding = Rebuilding(monotonic=lambda: now)

    def attempt(*, is_asked=False):
        with pytest.raises(
            EnvironmentMissing, match=r"cannot be built again. The index does not answer"
        ) as caught:
            rebuilding.build(shelf, recorded, "py", NO_FILES, is_asked=is_asked)
        assert caught.value.fix == "Wait."
        return len(shelf.built)

    assert attempt() == 1
    assert attempt() == 1
    now = 15.0
    assert attempt() == 2
    now = 30.0
    assert attempt() == 2
    now = 45.0
    assert attempt() == 3
    assert attempt(is_asked=True) == 4
    now, shelf.error = 4000.0, None
    rebuilding.build(shelf, recorded, "py", NO_FILES, is_asked=False)
    assert not rebuilding._failures
