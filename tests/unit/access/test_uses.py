import gc

from tholos.access.service import Stand
from tholos.access.uses import Uses, settle

ONE, OTHER = Stand("app_1", "token", "a"), Stand("", "cookie", "b")


def test_what_does_not_stand_any_more_ends():
    uses = Uses()
    one, other = uses.begin(ONE), uses.begin(OTHER)
    settle(uses.list_open(), {OTHER})
    assert (one(), other()) == (False, True)
    assert uses.list_open() == [other]


def test_who_ended_is_forgotten_with_its_exchange():
    uses = Uses()
    use = uses.begin(ONE)
    assert uses.list_open() == [use]
    del use
    gc.collect()
    assert uses.list_open() == []
