"""Manifests of other publishers and ours: what they decide, and that they never keep from running what would run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import connect, errors
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
        assert found.framework.value == "Dash"
        assert found.entrypoint.value == ("app:server" if said == "app:server" else "app:app")


def test_streamlit_by_module(run):
    found = run({"app.py": "import streamlit\n", "manifest.json": _foreign("python-streamlit", "app")})
    assert (found.kind, found.entrypoint.value) == (Kind.STREAMLIT, "app.py")


KINDS = {
    "shiny": ("python-shiny", "app:app", "from shiny import App\napp = App(1, 2)\n", Kind.ASGI, "app:app"),
    "shiny by module": ("python-shiny", "app", "from shiny import App\napp = App(1, 2)\n", Kind.ASGI, "app:app"),
    "express": (
        "python-shiny", "shiny.express.app:app_2e_py", "from shiny.express import ui\n", Kind.ASGI, "shiny.express.app:app_2e_py",
    ),
    "express by file": ("python-shiny", "app.py", "from shiny.express import ui\n", Kind.ASGI, "shiny.express.app:app_2e_py"),
    "gradio": ("python-gradio", "app", "import gradio\nx = gradio.Interface(1, 2, 3)\n", Kind.GRADIO, "app:x"),
    "gradio by name": ("python-gradio", "app:x", "import gradio\nx = gradio.Interface(1, 2, 3)\n", Kind.GRADIO, "app:x"),
    "gradio that nobody knows": ("python-gradio", "app", "import own\niface = own.make()\n", Kind.GRADIO, "app:iface"),
    "bokeh": ("python-bokeh", "app", "from bokeh.io import curdoc\ncurdoc()\n", Kind.BOKEH, "app.py"),
    "bokeh by file": ("python-bokeh", "app.py", "import drawing\n", Kind.BOKEH, "app.py"),
    "panel": ("python-panel", "app", "import panel\n", Kind.PANEL, "app.py"),
    "api that nobody knows": ("python-api", "app", "import own\napplication = own.make()\n", Kind.WSGI, "app:application"),
    "api factory": ("python-fastapi", "app", "import own\ndef make_app():\n    return own.x\n", Kind.ASGI, "app:make_app()"),
    "dash that nobody knows": ("python-dash", "app:app", "import own\napp = own.make()\n", Kind.WSGI, "app:app"),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_mode_by_the_ways_to_write_its_entry_point(run, name):
    mode, entrypoint, source, kind, expected = KINDS[name]
    found = run({"app.py": source, "other.py": FLASK, "manifest.json": _foreign(mode, entrypoint)})
    assert (found.kind, found.entrypoint.value, found.notes) == (kind, expected, ())


@pytest.mark.parametrize(
    ("mode", "entrypoint", "files", "expected"),
    [
        ("jupyter-voila", "a.ipynb", ["a.ipynb", "b.ipynb"], (Kind.VOILA, "a.ipynb")),
        ("jupyter-voila", "", ["a.ipynb", "b.ipynb"], (Kind.VOILA, ".")),
        ("jupyter-voila", "", ["a.ipynb"], (Kind.VOILA, "a.ipynb")),
        ("jupyter-static", "deep/a.ipynb", ["deep/a.ipynb", "b.ipynb"], (Kind.NOTEBOOK, "deep/a.ipynb")),
        ("static", "report.html", ["index.html", "report.html"], (Kind.STATIC, "report.html")),
        ("static", "a/report.html", ["index.html", "a/report.html"], (Kind.STATIC, "a/report.html")),
    ],
)
def test_notebooks_and_pages_by_their_names(run, notebook, mode, entrypoint, files, expected):
    found = run(
        {
            **dict.fromkeys(files, notebook("x = 1")),
            "app.py": FLASK,
            "manifest.json": _foreign(mode, entrypoint),
        }
    )
    assert (found.kind, found.entrypoint.value, found.notes) == (*expected, ())


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("quarto-static", "a Quarto document"), ("nodejs", "a Node.js app"), ("shiny", "a Shiny app in R"),
        ("tensorflow-saved-model", "a TensorFlow model"), ("python-future", "not known"),
    ],
)  # fmt: skip
def test_a_mode_that_is_not_served_is_refused_unless_a_kind_is_said(run, mode, said):
    files = {"app.py": FLASK, "manifest.json": _foreign(mode)}
    with pytest.raises(errors.AppModeUnsupported) as caught:
        run(files)
    assert (caught.value.code, caught.value.details["mode"]) == ("app_mode_unsupported", mode)
    assert mode in caught.value.message
    assert said in caught.value.message
    assert "Gradio" in caught.value.fix
    assert run(files, kind="flask").entrypoint.value == "app:app"
    assert run(files, entrypoint="app").kind is Kind.WSGI


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("de_CH.UTF-8", "de_CH.UTF-8"), ("C", ""), ("de_CH", ""), (7, ""), ("a_b.UTF-8; x", ""), (None, "")],
)
def test_a_locale_is_taken_where_it_can_be_one(run, locale, expected):
    assert run({"app.py": FLASK, "manifest.json": _foreign(locale=locale)}).locale == expected


def test_what_is_hidden_of_a_notebook_is_an_option(run, notebook):
    hidden = {"hide_all_input": True, "hide_tagged_input": False, "other": True}
    files = {
        "a.ipynb": notebook("x = 1"),
        "manifest.json": _foreign("jupyter-static", "a.ipynb", jupyter=hidden),
    }
    assert run(files).options == ("hide_all_input",)
    assert run(files, kind="voila").options == ()


def test_packages_are_installed_even_where_none_are_asked_for(run):
    managed = {"environment_management": {"python": False}}
    found = run({"app.py": FLASK, "manifest.json": _foreign(environment=managed)})
    assert "installed all the same" in found.notes[0]


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
        (_foreign(entrypoint="missing:app"), "begins at missing:app"),
        (_foreign("python-fastapi", "app:app"), "does not fit these files"),
        (_foreign(environment={"python": {"requires": "the newest"}}), "is not a version"),
        (_foreign(metadata={"appmode": 7}), "asks for no app mode"),
        (_foreign("static", "report.html"), "begins at report.html"),
        (_foreign("python-shiny", "shiny.express.app:gone_2e_py"), "begins at shiny.express.app:gone_2e_py"),
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
    files = {"app.py": FLASK, "manifest.json": json.dumps(document)}
    try:
        found = run(files)
    except errors.AppModeUnsupported:
        found = run(files, entrypoint="app")
    assert found.entrypoint.value == "app:app"


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
        (Kind.GRADIO, "app:demo", {"appmode": "python-gradio", "entrypoint": "app:demo"}),
        (Kind.BOKEH, "app.py", {"appmode": "python-bokeh", "entrypoint": "app"}),
        (Kind.PANEL, "deep/app.py", {"appmode": "python-panel", "entrypoint": "deep/app.py"}),
        (Kind.VOILA, ".", {"appmode": "jupyter-voila", "entrypoint": ""}),
        (Kind.VOILA, "a.ipynb", {"appmode": "jupyter-voila", "entrypoint": "a.ipynb"}),
        (Kind.NOTEBOOK, "a.ipynb", {"appmode": "jupyter-static", "entrypoint": "a.ipynb"}),
        (
            Kind.STATIC,
            "a/b.html",
            {"appmode": "static", "entrypoint": "a/b.html", "primary_html": "a/b.html"},
        ),
    ],
)
def test_entry_points_in_others_words(kind, entrypoint, metadata):
    document = json.loads(_ours(kind=kind, entrypoint=entrypoint))
    assert document["metadata"] == metadata
    assert ("python" in document) == (kind is not Kind.STATIC)


def test_every_kind_has_a_mode():
    assert connect.MODE_OF_KIND.keys() == set(Kind) - {Kind.MARIMO, Kind.COMMAND}
    for framework, kind, mode in (("Dash", Kind.WSGI, "python-dash"), ("Shiny", Kind.ASGI, "python-shiny")):
        assert json.loads(_ours(kind=kind, framework=framework))["metadata"]["appmode"] == mode


WRITTEN = {
    "dash": {"app.py": "import dash\napp = dash.Dash()\n"},
    "shiny": {"app.py": "from shiny import App\napp = App(1, 2)\n"},
    "express": {"app.py": "from shiny.express import ui\n"},
    "gradio": {"app.py": "import gradio as gr\nwith gr.Blocks() as demo:\n    pass\n"},
    "bokeh": {"app.py": "from bokeh.io import curdoc\ncurdoc()\n"},
    "panel": {"deep/app.py": "import panel\npanel.panel(1).servable()\n"},
    "streamlit": {"app.py": "import streamlit\n"},
    "notebook": {"a.ipynb": "x = 1"},
    "voila": {"a.ipynb": "import ipywidgets"},
    "several notebooks": {"a.ipynb": "import ipywidgets", "b.ipynb": "x = 1"},
    "page": {"a.html": ""},
    "flask": {"one.py": FLASK},
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("is_ours", [True, False])
def test_what_is_written_of_a_kind_is_found_again(run, notebook, name, is_ours):
    """By us, and by whoever reads the common part alone."""
    files = {
        path: notebook(text) if path.endswith(".ipynb") else text for path, text in WRITTEN[name].items()
    }
    first = run(files)
    hidden = ("hide_tagged_input",) if first.kind is Kind.NOTEBOOK else ()
    document = json.loads(
        _ours(
            kind=first.kind,
            entrypoint=first.entrypoint.value,
            framework=first.framework.value,
            paths=first.paths,
            wish="",
            locale="de_CH.UTF-8",
            options=hidden,
            files={},
        )
    )
    if not is_ours:
        del document["tholos"]
    again = run({**files, "manifest.json": json.dumps(document)})
    for part in ("kind", "paths"):
        assert getattr(again, part) == getattr(first, part)
    for part in ("framework", "entrypoint"):
        assert getattr(again, part).value == getattr(first, part).value
    assert (again.options, again.notes) == (hidden, ())
    assert again.locale == ("" if first.kind is Kind.STATIC else "de_CH.UTF-8")


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
