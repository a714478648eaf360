"""The tree of tags: paths, order, and what stands for what."""

from hypothesis import given
from hypothesis import strategies as st

from tholos.tags.models import Tag
from tholos.tags.tree import Tree, key_of


def tag(tag_id, name, parent_id=None):
    return Tag(id=tag_id, name=name, parent_id=parent_id)


@st.composite
def forests(draw):
    """Tags in any order, each below an earlier made one or none."""
    found = []
    for number in range(draw(st.integers(0, 20))):
        parent = draw(st.sampled_from([None, *(one.id for one in found)]))
        found.append(tag(f"t{number}", draw(st.text(min_size=1, max_size=4)), parent))
    return draw(st.permutations(found))


@given(forests())
def test_each_stands_once_and_behind_what_it_is_below(tags):
    tree = Tree(tags)
    order = [one.id for one in tree.in_order()]
    assert sorted(order) == sorted(one.id for one in tags)
    assert all(order.index(one.parent_id) < order.index(one.id) for one in tags if one.parent_id)


@given(forests())
def test_above_and_below_say_the_same(tags):
    tree = Tree(tags)
    for one in tags:
        for other in tags:
            is_above = other in tree.above(one.id)
            assert is_above == (one in tree.below(other.id))
        assert tree.path(one.id) == tuple(each.name for each in tree.above(one.id))


@given(forests(), st.data())
def test_a_tag_stands_for_what_those_below_it_have(tags, data):
    tree = Tree(tags)
    having = {one.id: data.draw(st.sets(st.sampled_from("abc"))) for one in tags}
    sums = tree.sums(having)
    for one in tags:
        assert sums[one.id] == set().union(*(having[below.id] for below in tree.below(one.id)))


def test_those_of_one_place_stand_in_the_order_of_their_names_whatever_their_case():
    tree = Tree([tag("1", "beta"), tag("2", "Alpha"), tag("3", "Gamma"), tag("4", "child", "1")])
    assert [one.name for one in tree.in_order()] == ["Alpha", "beta", "child", "Gamma"]
    assert [one.id for one in tree.children(None)] == ["2", "1", "3"]


def test_what_is_not_there_has_nothing():
    tree = Tree([])
    assert (tree.above("x"), tree.below("x"), tree.path(""), tree.find("x")) == ([], [], (), None)


def test_case_makes_no_difference():
    assert key_of("STRASSE") == key_of("straße")
