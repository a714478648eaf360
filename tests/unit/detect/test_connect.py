"""Manifests of other publishers and ours: what they decide, and that they never keep from running what would run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import connect
from tholos.detect.connect import Facts, Lock
from tholos.detect.core import detect
from tholos.detect.errors import ManifestMisfit
from tholos.detect.model import Kind, Overrides

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
TWO = {"one.py": FLASK, "two.py": FLASK}
LOCKED = "flask==3.0.0 --hash=sha256:" + "0" * 64 + "\n"


def _foreign(mode="python-api", entrypoint="app", **more):
    document = {
        "version": 1,
        "locale": "en_US.UTF-8",
        "metadata": {"appmode": mode, "entrypoint": entrypoint},
        "python": {
            "version": "3.11.7",
            "package_manager": {"name": "pip", "version": "23.2.1", "package_file": "requirements.txt"},
        },
        "files": {"app.py": {"checksum": "0" * 32}},
    }
    return json.dumps({**document, **more})


def _ours(**more):
    facts = {
        "kind": Kind.WSGI,
        "entrypoint": "two:app",
        "python": "3.12.4",
        "wish": ">=3.11",
        "files": {"one.py": "0" * 32},
        **more,
    }
    return connect.encode(connect.to_json(Facts(**facts))).decode()


# Foreign ones


def test_a_foreign_manifest_chooses_between_two_apps(run):
    found = run({**TWO, "manifest.json": _foreign(entrypoint="two")})
    assert (found.kind, found.entrypoint.value) == (Kind.WSGI, "two:app")
    assert found.entrypoint.why == "said in manifest.json"


def test_wrong_checksums_and_unknown_keys_are_no_matter(run):
    manifest = _foreign(
        entrypoint="two:app", files={"two.py": {"checksum": "f" * 32}, "gone.py": {}}, future=[1]
    )
    assert run({**TWO, "manifest.json": manifest}).notes == ()


def test_files_may_be_a_list_and_the_rest_may_be_missing(run):
    manifest = json.dumps({
        "version": 1, "metadata": {"appmode": "static", "primary_html": "site/index.html"},
        "files": ["index.html"], "packages": None,
    })  # fmt: skip
    found = run({"index.html": "", "site/index.html": "", "manifest.json": manifest})
    assert (found.kind, found.entrypoint.value) == (Kind.STATIC, "site")


@pytest.mark.parametrize("said", ["app", "app.py", "app:app", "./app.py"])
def test_every_way_to_write_an_entry_point_is_taken(run, said):
    found = run({"app.py": FLASK, "main.py": FLASK, "manifest.json": _foreign(entrypoint=said)})
    assert found.entrypoint.value == "app:app"


def test_a_dash_object_is_served_by_its_server(run):
    source = "import dash\napp = dash.Dash(__name__)\nserver = app.server\n"
    for said in ("app", "app:app", "app:server"):
        found = run({"app.py": source, "manifest.json": _foreign("python-dash", said)})
        assert found.kind is Kind.WSGI
        assert found.entrypoint.value in {"app:server", "app:app.server"}


def test_streamlit_by_module(run):
    found = run({"app.py": "import streamlit\n", "manifest.json": _foreign("python-streamlit", "app")})
    assert (found.kind, found.entrypoint.value) == (Kind.STREAMLIT, "app.py")


def test_the_named_package_file_is_the_one_that_counts(run):
    manifest = _foreign(
        python={"version": "3.11.7", "package_manager": {"package_file": "reqs/prod.txt"}}, entrypoint="app"
    )
    files = {"app.py": FLASK, "requirements.txt": "flask\nblack\n", "reqs/prod.txt": "flask==3\n"}
    assert run({**files, "manifest.json": manifest}).requirements.text.split() == ["flask==3"]


def test_a_python_constraint_holds_and_a_version_is_only_preferred(run):
    wanted = _foreign(environment={"python": {"requires": "~=3.11.0"}})
    found = run({"app.py": FLASK, "manifest.json": wanted})
    assert (found.python.value, found.python.evidence.path) == ("~=3.11.0", "manifest.json")
    found = run({"app.py": FLASK, "manifest.json": _foreign()})
    assert (found.python.value, found.made_with) == ("", "3.11")


def test_flags_stand_above_the_manifest(run):
    found = run({**TWO, "manifest.json": _foreign(entrypoint="two")}, entrypoint="one:app", python="3.12")
    assert (found.entrypoint.value, found.python.value, found.made_with) == ("one:app", "==3.12.*", "")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("{", "line 1 is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"version": 1, "version": 1, "metadata": {}}', "'version' occurs twice"),
        ('{"version": 2, "metadata": {"appmode": "python-api"}}', "not of version 1"),
        ('{"version": true, "metadata": {}}', "not of version 1"),
        ('{"metadata": {}, "version": ' + "9" * 5000 + "}", "too long"),
        (b'{"version": 1, "metadata": {"appmode": "\xff"}}', "not UTF-8"),
        (_foreign("quarto-shiny"), "asks for quarto-shiny"),
        (_foreign(entrypoint="missing:app"), "begins at missing:app"),
        (_foreign("python-fastapi", "app:app"), "does not fit these files"),
        (_foreign(environment={"python": {"requires": "the newest"}}), "is not a version"),
        (_foreign(metadata={"appmode": 7}), "asks for no app mode"),
        (_foreign("static", "report.html"), "begins at report.html"),
    ],
)
def test_what_cannot_be_used_is_told_and_the_app_runs(run, manifest, told):
    found = run({"app.py": FLASK, "manifest.json": manifest})
    assert found.entrypoint.value == "app:app"
    assert told in found.notes[0]


@pytest.mark.parametrize(
    ("mode", "entrypoint", "told"),
    [("python-fastapi", "app:app", "app"), ("python-api", "app:gone", "app.py has no 'gone'")],
)
def test_one_that_was_made_for_these_files_has_to_fit(tree, mode, entrypoint, told):
    """Whoever sends the two together means what it says, and is not served something else."""
    files = tree({"app.py": FLASK, "manifest.json": _foreign(mode, entrypoint)})
    with pytest.raises(ManifestMisfit, match=told) as refused:
        detect(files, is_bound=True)
    assert refused.value.message.startswith(
        "Cannot publish: manifest.json does not fit the files beside it. "
    )
    assert "\n" not in refused.value.message


def test_one_that_fits_is_taken_either_way(tree):
    files = tree({"app.py": FLASK, "manifest.json": _foreign()})
    assert detect(files, is_bound=True) == detect(files)


def test_a_huge_one_is_not_read(run):
    found = run({"app.py": FLASK, "manifest.json": '{"version": 1,' + " " * connect.LIMIT})
    assert "larger than 8 MB" in found.notes[0]


@pytest.mark.parametrize(
    "manifest", ['{"name": "My site", "icons": []}', "[]", '"x"', '{"version": 1, "metadata": 3}']
)
def test_another_file_of_that_name_is_none_of_ours(run, manifest):
    """Such as a web app's manifest, which many sites have."""
    found = run({"index.html": "", "manifest.json": manifest})
    assert (found.kind, found.notes) == (Kind.STATIC, ())
    assert not connect.is_manifest(manifest.encode())


def test_the_error_of_the_files_is_raised_where_both_fail(run):
    with pytest.raises(Exception, match="Cannot choose between 2 apps"):
        run({**TWO, "manifest.json": _foreign(entrypoint="missing")})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["version", "metadata", "appmode", "tholos", "lock", "of", "text", "form", "python", "keep", "variables",
         "environment", "requires", "package_manager", "package_file", "entrypoint", "kind", "paths"]), inner, max_size=4),
    max_leaves=20), st.booleans())  # fmt: skip
def test_no_document_breaks_detection(run, value, is_ours):
    document = {
        "version": 1,
        "metadata": value,
        "tholos" if is_ours else "python": value,
        "environment": value,
    }
    assert run({"app.py": FLASK, "manifest.json": json.dumps(document)}).entrypoint.value == "app:app"


# Ours


def test_what_we_write_is_what_others_read():
    document = json.loads(_ours(package_file="requirements.txt", files={"b.py": "1" * 32, "a.py": "2" * 32}))
    assert document["version"] == 1
    assert document["metadata"] == {"appmode": "python-api", "entrypoint": "two:app"}
    assert document["python"]["package_manager"] == {"name": "pip", "package_file": "requirements.txt"}
    assert document["python"]["version"] == "3.12.4"
    assert document["environment"] == {"python": {"requires": ">=3.11"}}
    assert list(document["files"]) == ["a.py", "b.py"]
    assert document["files"]["a.py"] == {"checksum": "2" * 32}


@pytest.mark.parametrize(
    ("kind", "entrypoint", "metadata"),
    [
        (Kind.STATIC, ".", {"appmode": "static", "entrypoint": "index.html", "primary_html": "index.html"}),
        (
            Kind.STATIC,
            "site",
            {"appmode": "static", "entrypoint": "site/index.html", "primary_html": "site/index.html"},
        ),
        (Kind.STREAMLIT, "app.py", {"appmode": "python-streamlit", "entrypoint": "app"}),
        (Kind.WSGI, "app:create_app()", {"appmode": "python-api", "entrypoint": "app"}),
        (Kind.ASGI, "app:build()", {"appmode": "python-fastapi", "entrypoint": "app:build()"}),
    ],
)
def test_entry_points_in_others_words(kind, entrypoint, metadata):
    document = json.loads(_ours(kind=kind, entrypoint=entrypoint))
    assert document["metadata"] == metadata
    assert ("python" in document) == (kind is not Kind.STATIC)


def test_our_own_comes_back_whole(run):
    lock = Lock(LOCKED, made_from={"requirements.txt": connect.md5(b"flask\n")})
    manifest = _ours(lock=lock, prepare="python -V", keep=("data",), variables={"A": "1", "KEY": None})
    found = run({**TWO, "requirements.txt": "flask\n", "manifest.json": manifest})
    assert (found.kind, found.entrypoint.value, found.python.value) == (Kind.WSGI, "two:app", ">=3.11")
    assert (found.requirements.form, found.requirements.text) == ("requirements.txt", LOCKED)
    assert found.prepare is not None
    assert (found.prepare.value, found.keep[0].value, found.made_with) == ("python -V", "data", "3.12")
    assert found.notes == ("The values of secrets are not in manifest.json: set KEY on the app.",)


def test_the_lock_of_a_file_that_changed_is_passed_over(run):
    lock = Lock(LOCKED, made_from={"requirements.txt": connect.md5(b"flask\n")})
    found = run({**TWO, "requirements.txt": "flask<4\n", "manifest.json": _ours(lock=lock)})
    assert found.requirements.text.split() == ["flask<4"]
    assert "resolved anew" in found.notes[0]
    assert found.entrypoint.value == "two:app"


def test_upgrading_and_naming_packages_pass_over_the_lock(tree):
    lock = Lock(LOCKED, made_from={"requirements.txt": connect.md5(b"flask\n")})
    files = tree({**TWO, "requirements.txt": "flask\n", "manifest.json": _ours(lock=lock)})
    assert detect(files, upgrade=True).requirements.text == "flask\n"
    assert detect(files, Overrides(requirements="imports")).requirements.form == "imports"


def test_an_app_in_a_folder_of_its_own_is_named_by_its_file(run):
    manifest = _ours(entrypoint="app:app", paths=("web", ""))
    files = {"web/app.py": "import views\n" + FLASK, "web/views.py": "", "other.py": FLASK}
    found = run({**files, "manifest.json": manifest})
    assert (found.entrypoint.value, found.paths) == ("app:app", ("web", ""))


def test_the_spare_name_stands_beside_a_web_apps_manifest(run):
    manifest = _ours(kind=Kind.STATIC, entrypoint="b")
    files = {"b/index.html": "", "index.html": "", "manifest.json": '{"name": "x"}'}
    assert run({**files, connect.SPARE_NAME: manifest}).entrypoint.value == "b"


def test_values_of_secrets_are_not_written():
    ours = json.loads(_ours(variables={"A": "1", "KEY": None}))["tholos"]
    assert ours["variables"] == {"A": "1", "KEY": None}


def test_settings_come_back_as_they_are_written(tree, run):
    """What of them cannot be set is told where they are set, so nothing is passed over here."""
    limits = {"open_files": 4096, "memory": "x"}
    text = _ours(variables={"A": "1", "KEY": None, "B-C": 2}, limits=limits)
    found = connect.read(tree({"manifest.json": text}))
    assert found is not None
    assert (found.variables, found.secrets, found.limits) == ({"A": "1", "B-C": 2}, ("KEY",), limits)
    brought = run({**TWO, "manifest.json": text}).brought
    assert (brought.path, brought.variables, brought.limits) == (
        "manifest.json",
        {"A": "1", "B-C": 2},
        limits,
    )


def test_what_does_not_fit_the_files_brings_no_settings(run):
    found = run({"one.py": FLASK, "manifest.json": _ours(variables={"A": "1"}, prepare="a\nb")})
    assert "is passed over" in found.notes[0]
    assert found.brought is None
    assert run({"one.py": FLASK}).brought is None
