"""What is told of a manifest that was written for other files, and what is no difference."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import connect, staleness

APP = "from flask import Flask\napp = Flask(__name__)\n"
FILES = {"app.py": APP, "requirements.txt": "flask\n"}


def _md5(text):
    return hashlib.md5(text.encode() if isinstance(text, str) else text, usedforsecurity=False).hexdigest()


def _manifest(
    files=None, *, mode="python-api", entrypoint="app", requires="", package_file="requirements.txt", **more
):
    document = {
        "version": 1,
        "metadata": {"appmode": mode, "entrypoint": entrypoint},
        "python": {"version": "3.11.7", "package_manager": {"name": "pip", "package_file": package_file}},
        "files": {
            path: {"checksum": _md5(text)} for path, text in (FILES if files is None else files).items()
        },
    }
    if requires:
        document["environment"] = {"python": {"requires": requires}}
    return {**document, **more}


@pytest.fixture
def differ(tree):
    """The differences between a manifest and files, as a server finds them: without knowing checksums."""

    def run(document, files=FILES):
        found = staleness.compare_files(document, tree(files))
        return [(one.about, one.path) for one in found]

    return run


@pytest.fixture
def note(tree):
    def run(document, files=FILES):
        return staleness.find_note(tree({**files, "manifest.json": json.dumps(document)}))

    return run


# Files


def test_nothing_is_told_where_nothing_changed(differ, note):
    assert differ(_manifest()) == []
    assert note(_manifest()) == ""


def test_requirements_and_code_that_changed_are_told_apart(differ):
    files = {"app.py": APP + "#", "requirements.txt": "flask\npandas\n"}
    assert differ(_manifest(), files) == [("changed", "app.py"), ("requirements", "requirements.txt")]


def test_missing_and_unlisted_files_are_told(differ):
    listed = _manifest({**FILES, "gone.py": ""})
    assert differ(listed, {**FILES, "new.py": ""}) == [("missing", "gone.py"), ("unlisted", "new.py")]


def test_the_manifest_itself_is_no_file_of_its_own(differ):
    assert differ(_manifest(), {**FILES, connect.NAME: "{}", connect.SPARE_NAME: "{}"}) == []


@given(st.text(st.sampled_from("ab #\n"), max_size=30))
def test_ends_of_lines_are_no_difference(tree, text):
    crlf = text.replace("\n", "\r\n")
    for listed, here in ((text, crlf), (crlf, text)):
        found = staleness.compare_files(_manifest({"app.py": listed}), tree({"app.py": here}))
        assert [*found] == []


@pytest.mark.parametrize(
    ("here", "counted"),
    [
        ("flask\nrsconnect-python==1.32\n", "flask\n"),
        ("numpy @ file:///croot/numpy\nflask\n", "numpy\nflask\n"),
        ("flask\nsetuptools==68.0.0.post20230705\n", "flask\n"),
        ("flask\r\nrsconnect\r\n", "flask\r\n"),
        ("  flask  \r\npandas @ file:///x\r\n", "flask\r\npandas\r\n"),
    ],
)
def test_requirements_are_compared_as_they_were_filtered(differ, here, counted):
    """What rsconnect-python 1.32 counts is not what it leaves in the file."""
    listed = _manifest({"app.py": APP, "requirements.txt": counted})
    assert differ(listed, {"app.py": APP, "requirements.txt": here}) == []
    assert differ(listed, {"app.py": APP, "requirements.txt": here + "more\n"}) != []


def test_only_the_file_of_packages_is_filtered(differ):
    listed = _manifest({"notes.txt": "a\n"}, package_file="")
    assert differ(listed, {"notes.txt": "a\nrsconnect\n"}) == [("changed", "notes.txt")]


def test_names_alone_have_no_checksums(differ):
    document = _manifest(mode="static", files={}) | {"files": ["data.txt", "data", "./index.html"]}
    assert differ(document, {"data/a.csv": "", "index.html": "", "more.css": ""}) == [("missing", "data.txt")]


def test_what_never_comes_along_is_not_missed(differ):
    ours = {".env": "", "__pycache__/app.cpython-311.pyc": "", "data/big.csv": "", ".git/config": ""}
    assert (
        differ(
            _manifest({**FILES, ".tholosignore": "data/\n", **ours}), {**FILES, ".tholosignore": "data/\n"}
        )
        == []
    )


def test_what_others_never_list_is_not_told(differ):
    here = {**FILES, "renv/activate.R": "", "rsconnect-python/app.json": ""}
    assert differ(_manifest(), here) == []
    assert differ(_manifest() | {"tholos": {}}, here) != []


def test_of_documents_only_what_they_are_made_of_is_listed(differ):
    assert differ(_manifest({"a.ipynb": ""}, mode="jupyter-static"), {"a.ipynb": "", "b.py": ""}) == []


def test_data_is_not_read_by_a_server(tree):
    files = tree({**FILES, "data.bin": b"\0" * 100})
    assert [*staleness.compare_files(_manifest({**FILES, "data.bin": "other"}), files)] == []
    assert "data.bin" not in files.reads


def test_data_counts_where_checksums_are_known(tree):
    here = {**FILES, "data.bin": "one"}
    known = {path: _md5(text) for path, text in here.items()}
    found = staleness.compare_files(_manifest({**FILES, "data.bin": "other"}), tree(here), known)
    assert [one.path for one in found] == ["data.bin"]


def test_one_sentence_names_a_few_of_many(note):
    here = {"app.py": APP + "#", **{f"m{number}.py": "" for number in range(7)}}
    assert note(_manifest(), here) == (
        "manifest.json is out of date: app.py changed since; requirements.txt listed and not here; "
        "m0.py, m1.py, m2.py, m3.py, m4.py and 2 more not listed. Write it anew with what wrote it, or with tholos write-manifest --overwrite."
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "metadata": {}, "tholos": {}}',
        "{",
        '{"name": "Site"}',
        '{"version": 2, "metadata": {}}',
        "[]",
    ],
)
def test_of_what_is_no_manifest_or_lists_nothing_nothing_is_told(tree, text):
    assert staleness.find_note(tree({**FILES, "manifest.json": text})) == ""


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers(),
        lambda one: st.lists(one) | st.dictionaries(st.text(max_size=3), one),
    )
)
def test_whatever_is_listed_is_compared(tree, files):
    document = {"version": 1, "metadata": {"appmode": files}, "python": files, "files": files}
    assert all(one.text for one in staleness.compare_files(document, tree(FILES)))
    staleness.find_note(tree({**FILES, "manifest.json": json.dumps(document)}))


# The whole document


@pytest.fixture
def compare(tree):
    def run(before, now):
        known = {path: _md5(text) for path, text in FILES.items()}
        return [one.about for one in staleness.compare(before, now, tree(FILES), known)]

    return run


@pytest.mark.parametrize(
    "entrypoint", ["app", "app:app", "app.py", "./app.py", "app.py:app", "app:application"]
)
def test_an_entry_point_has_several_spellings(compare, entrypoint):
    same = [] if entrypoint != "app:application" else ["entry point"]
    assert compare(_manifest(entrypoint=entrypoint), _manifest(entrypoint="app:app")) == same


@pytest.mark.parametrize("entrypoint", ["", "main", "app:web", "pkg.app:app"])
def test_another_entry_point_is_told(compare, entrypoint):
    assert compare(_manifest(entrypoint=entrypoint), _manifest(entrypoint="app:app")) == ["entry point"]


def test_an_object_that_has_to_be_named_is(compare):
    assert compare(_manifest(entrypoint="app"), _manifest(entrypoint="app:web")) == ["entry point"]


def test_another_kind_python_or_file_of_packages_is_told(compare):
    assert compare(_manifest(), _manifest(mode="python-fastapi")) == ["kind"]
    assert compare(_manifest(requires=">=3.9,<4"), _manifest(requires="<4, >=3.9")) == []
    assert compare(_manifest(), _manifest(requires=">=3.9")) == ["Python"]
    assert compare(_manifest(), _manifest(package_file="reqs/prod.txt")) == ["requirements"]


def test_pages_are_compared_as_pages(compare):
    one = _manifest() | {"metadata": {"appmode": "static", "primary_html": "index.html"}}
    other = _manifest() | {
        "metadata": {"appmode": "static", "primary_html": "a/index.html", "entrypoint": "x"}
    }
    assert compare(one, one | {"metadata": {**one["metadata"], "entrypoint": "index.html"}}) == []
    assert compare(one, other) == ["entry point"]


def test_our_key_is_compared_where_there_is_one(compare):
    now = _manifest() | {"tholos": {"said": {"python": "3.12"}}}
    assert compare(_manifest(), now) == []
    assert compare(_manifest() | {"tholos": {}}, now) == ["settings"]
