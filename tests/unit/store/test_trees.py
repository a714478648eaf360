from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.store import trees
from tholos.store.errors import BadPath, BadTree
from tholos.store.model import Chunk, Sha256, Tree
from tholos.testing.store import file_of

FILE = file_of("a/b.txt", b"hello", b"world")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["path", "size", "sha256", "chunks", "executable"]), inner, max_size=5
        )
    ),
    max_leaves=10,
)


def test_round_trips():
    tree = Tree.of([FILE, file_of("é", executable=True), file_of("c", b"x")])
    trees.check(tree)
    assert trees.from_json(trees.to_json(tree)) == tree
    assert trees.unpack(trees.pack(tree)) == tree


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (replace(FILE, size=9), "not the sum"),
        (replace(FILE, sha256=Sha256("A" * 64)), "hexadecimal"),
        (replace(FILE, chunks=(Chunk(Sha256("x"), 10),)), "wrong hash or size"),
        (replace(FILE, size=0, chunks=(Chunk(FILE.sha256, 0),)), "wrong hash or size"),
        (replace(file_of("x", b"y"), sha256=FILE.sha256), "not that of its bytes"),
        (replace(FILE, size=0, chunks=()), "not that of its bytes"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(file, reason):
    with pytest.raises(BadTree, match=reason):
        trees.check(Tree.of([file]))


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (Tree.of([FILE, FILE]), "twice"),
        (Tree.of([FILE, file_of("a", b"x")]), "both a file and a folder"),
        (Tree((file_of("b"), file_of("a"))), "not sorted"),
    ],
)
def test_a_tree_that_contradicts_itself_is_refused(tree, reason):
    with pytest.raises(BadTree, match=reason):
        trees.check(tree)


def test_paths_are_checked():
    with pytest.raises(BadPath):
        trees.check(Tree.of([file_of("../x")]))


@given(JSON)
def test_no_json_is_trusted(value):
    try:
        trees.check(trees.from_json(value))
    except (BadTree, BadPath) as error:
        error.message.encode()


@pytest.mark.parametrize("size", [True, -1, 1.0, "1", None])
def test_sizes_are_whole_numbers(size):
    with pytest.raises(BadTree):
        trees.from_json([FILE.to_json() | {"size": size}])
