import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.apps.errors import LifeInvalid
from tholos.apps.life import RANGES, Life, Rules, check

LIVES = st.builds(
    Life,
    **{name: st.none() | st.integers(one.least, min(one.most, 30)) for name, one in RANGES.items()},
)


@given(LIVES)
def test_what_holds_fits_together_whatever_is_said(life):
    rules = Rules().with_life(life)
    assert 0 <= rules.min_instances <= rules.max_instances
    assert rules.may_sleep == bool(life.idle_timeout_s and not life.min_instances)


@given(LIVES)
def test_it_is_kept_as_it_was_said(life):
    assert Life.of(life.to_json()) == life


def test_what_an_app_does_not_say_is_the_installations():
    assert Rules(idle_timeout_s=60).with_life(Life(min_instances=3)) == Rules(3, 3, 20, 60)
    assert Rules(idle_timeout_s=60).with_life(Life(idle_timeout_s=0)).idle_timeout_s == 0


@pytest.mark.parametrize(
    ("life", "where"),
    [
        (Life(min_instances=21), "min_instances"),
        (Life(max_instances=0), "max_instances"),
        (Life(idle_timeout_s=2_592_001), "idle_timeout_s"),
        (Life(min_instances=3, max_instances=2), "min_instances"),
    ],
)
def test_what_cannot_be_is_refused(life, where):
    with pytest.raises(LifeInvalid) as caught:
        check(life)
    assert caught.value.where == where
