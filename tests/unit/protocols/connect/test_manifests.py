"""What is asked of a bundle's manifest before the bundle is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.errors import Invalid
from tholos.protocols.connect import errors, manifests
from tholos.protocols.connect.errors import AppModeUnsupported, ManifestInvalid

FILES = ("app.py", "requirements.txt", "pkg/main.py", "pkg/__init__.py", "sub/api.py", "report.ipynb")


def document(mode="python-api", entrypoint="app", **keys):
    said = {
        "version": 1,
        "metadata": {"appmode": mode, "entrypoint": entrypoint},
        "python": {"version": "3.11.7", "package_manager": {"package_file": "requirements.txt"}},
    }
    return {**said, **keys}


def check(said, paths=FILES):
    return manifests.check(json.dumps(said).encode(), paths)


def test_what_is_shown_of_it():
    assert check(document()) == {"appmode": "python-api", "python": "3.11.7"}


@pytest.mark.parametrize(
    "entrypoint",
    [
        "app", "app:app", "app:make_app()", "app.py", "./app.py:app", "pkg", "pkg.main:api", "sub/api.py", "sub.api",
        "api", "", "shiny.express.app:app_2e_py",
    ],
)  # fmt: skip
def test_entry_points_in_every_form(entrypoint):
    assert check(document(entrypoint=entrypoint))


@pytest.mark.parametrize("entrypoint", ["gone", "gone:app", "app2.py", "pkg.gone:app", "requirements:x"])
def test_entry_points_that_no_file_is(entrypoint):
    with pytest.raises(ManifestInvalid, match="no file in it is that"):
        check(document(entrypoint=entrypoint))


def test_a_site_needs_its_first_page():
    site = {"version": 1, "metadata": {"appmode": "static", "primary_html": "./pages/index.html"}}
    assert check(site, ["pages/index.html"])
    with pytest.raises(ManifestInvalid, match="as its first page"):
        check(site, ["index.html"])


@pytest.mark.parametrize(
    "keys",
    [
        {"python": None},
        {"python": {"package_manager": None}},
        {"python": {"package_manager": {"package_file": 7}}},
        {"environment": [], "files": ["app.py"], "locale": None, "unheard_of": {}},
    ],
)
def test_what_may_be_missing_or_odd(keys):
    assert check(document(**keys))


def test_a_pin():
    """Another client lists files by name only, folders among them."""
    pin = {
        "version": 1, "local": "en_US", "platform": "3.5.1", "packages": None, "users": None,
        "metadata": {
            "appmode": "static", "primary_rmd": None, "primary_html": "index.html", "content_category": "pin",
        },
        "files": ["data", "data/a.txt", "index.html"],
    }  # fmt: skip
    assert check(pin, ["index.html", "data/a.txt"]) == {"appmode": "static", "content_category": "pin"}


@pytest.mark.parametrize(
    "mode", ["api", "shiny", "quarto-static", "nodejs", "tensorflow-saved-model", "unheard-of"]
)
def test_modes_that_are_not_served_are_named_with_those_that_are(mode):
    with pytest.raises(AppModeUnsupported, match=repr(mode)) as refused:
        check(document(mode))
    assert refused.value.fix.startswith("Served are ")
    assert "python-fastapi" in refused.value.fix
    assert errors.number_of(refused.value) == 38


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "line 1 is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "has no metadata"),
        (b"{}", "has no metadata"),
        (b'{"version": 2, "metadata": {}}', "not of version 1"),
        (b'{"version": true, "metadata": {}}', "not of version 1"),
        (b'{"version": 1, "version": 1}', "occurs twice"),
        (b'{"version": 1, "metadata": {}}', "names no app mode"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(data, told):
    with pytest.raises(ManifestInvalid, match=told) as refused:
        manifests.check(data, FILES)
    assert "rsconnect write-manifest" in refused.value.fix


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["version", "metadata", "python", "environment", "files", "locale", "tholos"])


@given(
    st.dictionaries(KEYS, VALUES),
    st.dictionaries(st.sampled_from(["appmode", "entrypoint", "primary_html"]), VALUES),
)
def test_whatever_it_says_it_is_taken_or_refused_in_words(said, metadata):
    try:
        shown = check({"version": 1, **said, "metadata": metadata})
    except Invalid as error:
        refused = error
    else:
        assert shown["appmode"] in manifests.SERVED
        return
    assert all((refused.message, refused.fix))
