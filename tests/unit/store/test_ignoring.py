import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tholos.store import ignoring


def is_ignored(patterns: str, path: str, *, is_folder: bool = False) -> bool:
    return bool(ignoring.find_reason(ignoring.parse(patterns), path, is_folder=is_folder))


@pytest.mark.parametrize("name", [".git", "__pycache__", "node_modules", ".mypy_cache", ".ipynb_checkpoints"])
def test_folders_that_nobody_publishes(name):
    assert is_ignored("", f"deep/{name}", is_folder=True)
    assert name == ".git" or not is_ignored("", name)


@pytest.mark.parametrize(
    "name", [".env", ".DS_Store", "a.pyc", "a.pyo", ".app.py.swp", "app.py~", ".#app.py", "#a#"]
)
def test_files_that_nobody_publishes(name):
    assert is_ignored("", f"deep/{name}")


@pytest.mark.parametrize(
    "name", ["app.py", ".envrc", "env", ".gitignore", ".tholosignore", "a.pyx", "#notes"]
)
def test_files_that_are_published(name):
    assert not is_ignored("", name)


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        ("data", "data", True),
        ("data", "a/data", True),
        ("data", "database", False),
        ("/data", "a/data", False),
        ("/data", "data", True),
        ("a/data", "a/data", True),
        ("a/data", "b/a/data", False),
        ("*.csv", "a/b.csv", True),
        ("*.csv", "b.csv.gz", False),
        ("a*.csv", "a/b.csv", False),
        ("**/x", "a/b/x", True),
        ("a/**", "a/b/x", True),
        ("a/**/x", "a/x", True),
        ("?.txt", "a.txt", True),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[[]", "[", True),
        ("[]]", "]", True),
        ("[!]a].txt", "].txt", False),
        ("[+--]", ",", True),
        ("[--a]", "0", True),
        ("[b-a]", "a", False),
        ("# comment\n\n", "# comment", False),
        ("\\#x", "#x", True),
        ("*.csv\n!keep.csv", "keep.csv", False),
        ("!keep.csv\n*.csv", "keep.csv", True),
        ("!.env", ".env", False),
        ("data/", "data", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns(patterns, path, expected):
    assert is_ignored(patterns, path) is expected


def test_a_trailing_slash_means_folders():
    assert is_ignored("data/", "data", is_folder=True)


def test_the_reason_names_the_line():
    assert (
        ignoring.find_reason(ignoring.parse("\n*.csv"), "a.csv", is_folder=False)
        == ".tholosignore line 2: *.csv"
    )


@example("[[\\]", "a")
@given(st.text("ab*?[]!/\\#. -^&|~\n", max_size=20), st.text("ab/.[", min_size=1, max_size=10))
def test_no_pattern_is_an_error(patterns, path):
    is_ignored(patterns, path)
