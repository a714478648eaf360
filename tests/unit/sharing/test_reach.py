import itertools

from hypothesis import given
from hypothesis import strategies as st

from tholos.sharing import reach
from tholos.sharing.models import Audience, Level, PrincipalKind
from tholos.sharing.reach import By, Person, Principal, Share, Sharing

NAMES = ["a", "b", "c"]
GROUPS = ["x", "y"]

people = st.builds(
    Person,
    st.sampled_from(NAMES), st.sampled_from(NAMES), st.booleans(), st.booleans(),
    st.frozensets(st.sampled_from(GROUPS)),
)  # fmt: skip
principals = st.one_of(
    st.builds(Principal, st.just(PrincipalKind.ACCOUNT), st.sampled_from(NAMES), st.just("")),
    st.builds(Principal, st.just(PrincipalKind.GROUP), st.sampled_from(GROUPS), st.just("")),
)
shares = st.lists(
    st.builds(Share, principals, st.sampled_from(Level)), unique_by=lambda one: one.principal.id, max_size=5
)
sharings = st.builds(Sharing, st.sampled_from(NAMES), st.sampled_from(Audience), shares.map(tuple))


@given(sharings, people)
def test_a_disabled_person_has_no_way_and_an_owner_has_the_first(shared, person):
    ways = reach.ways_of(shared, person)
    if person.is_disabled:
        assert ways == ()
    elif shared.owner_id == person.id:
        assert ways[0].by == By.OWNER
    assert all(way.level == Level.VIEWER for way in ways if not person.is_publisher and way.by != By.OWNER), (
        "who does not publish edits nothing that is not theirs"
    )


@given(sharings, sharings, people)
def test_whoever_loses_something_makes_it_narrower(before, after, person):
    """The converse need not hold: a group may be empty just now."""
    was = reach.level_of(reach.ways_of(before, person))
    will = reach.level_of(reach.ways_of(after, person))
    if was is not None and (will is None or not will.includes(was)):
        assert reach.narrows(before, after)


@given(sharings, sharings, st.lists(people, unique_by=lambda one: one.id))
def test_a_difference_the_other_way_is_its_mirror(before, after, some):
    forth, back = reach.difference(before, after, some), reach.difference(after, before, some)
    assert (forth.opens, forth.edits) == (back.closes, back.stops_editing)
    assert not {*forth.opens} & {*forth.closes}
    if before == after:
        assert forth == back == reach.Difference((), (), (), ())


def test_the_order_of_audiences_is_that_of_who_is_let_in():
    nobody = Person("z", "z", is_publisher=False, is_disabled=False, groups=frozenset())
    for less, more in itertools.pairwise(Audience):
        assert reach.narrows(Sharing("a", more, ()), Sharing("a", less, ()))
        assert not reach.narrows(Sharing("a", less, ()), Sharing("a", more, ()))
    assert reach.ways_of(Sharing("a", Audience.LISTED, ()), nobody) == ()
