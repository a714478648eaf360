"""A release written for elsewhere, and read there: the same kind, entry point and packages come out."""

import json

import pytest

from tholos.detect import connect
from tholos.detect.core import detect
from tholos.detect.model import Evidence
from tholos.publishing import manifest as manifests
from tholos.publishing.connect_manifest import Source, python_version
from tholos.runtime.locks import OwnPackage

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
LOCK = "flask==3.0.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
PYPROJECT = '[project]\nname = "x"\ndependencies = ["flask"]\nrequires-python = ">=3.11"\n'


class Files:
    """A folder in memory."""

    def __init__(self, files) -> None:
        self.files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}

    def paths(self):
        return list(self.files)

    def read(self, path, limit=1 << 20):
        return self.files[path][:limit]


def _download(files, lock=LOCK, **more):
    """What a release of these files is elsewhere; as the server makes it."""
    tree = Files(files)
    found = detect(tree)
    before = connect.read(tree)
    is_other = connect.NAME in tree.files and not connect.is_manifest(tree.files[connect.NAME])
    source = Source(
        manifests.to_json(found, "newest"), "3.12.4", lock, frozenset(tree.files), before=before,
        has_other=is_other, **more,
    )  # fmt: skip
    kept = {path: data for path, data in tree.files.items() if path not in source.replaced}
    members = source.members({path: connect.md5(data) for path, data in kept.items()})
    return found, Files({**kept, **dict(members)})


@pytest.mark.parametrize(
    ("files", "lock_name"),
    [
        ({"app.py": FLASK}, "requirements.txt"),
        ({"app.py": FLASK, "requirements.txt": "flask\n"}, ""),
        ({"app.py": FLASK, "pyproject.toml": PYPROJECT}, "requirements.txt.lock"),
        ({"app.py": FLASK, "setup.cfg": "[options]\ninstall_requires =\n  flask\n"}, "requirements.txt.lock"),
        ({"app.py": "# /// script\n# dependencies = ['flask']\n# ///\n" + FLASK}, "requirements.txt"),
        (
            {"web/app.py": "import views\n" + FLASK, "web/views.py": "", "requirements.txt": "flask\n"},
            "",
        ),
    ],
)
def test_what_is_downloaded_publishes_unchanged(files, lock_name):
    found, elsewhere = _download(files)
    again = detect(elsewhere)
    assert (again.kind, again.entrypoint.value, again.paths) == (
        found.kind, found.entrypoint.value, found.paths,
    )  # fmt: skip
    assert (again.python.value, again.made_with) == (found.python.value, "3.12")
    assert again.requirements.text == LOCK
    assert again.requirements.why == "locked in manifest.json"
    assert again.notes == found.notes
    assert set(elsewhere.files) == {*files, "manifest.json", *filter(None, [lock_name])}
    document = json.loads(elsewhere.files["manifest.json"])
    named = document["python"]["package_manager"]["package_file"]
    assert named == (lock_name or "requirements.txt")
    assert set(document["files"]) == set(elsewhere.files) - {"manifest.json"}
    for path, said in document["files"].items():
        assert said == {"checksum": connect.md5(elsewhere.files[path])}


def test_a_notebook_goes_elsewhere_with_what_is_hidden_of_it_and_its_locale():
    foreign = {
        "version": 1, "locale": "de_CH.UTF-8", "metadata": {"appmode": "jupyter-static", "entrypoint": "a.ipynb"},
        "jupyter": {"hide_all_input": True},
    }  # fmt: skip
    found, elsewhere = _download({"a.ipynb": '{"cells": []}', "manifest.json": json.dumps(foreign)})
    again = detect(elsewhere)
    assert (found.options, found.locale) == (("hide_all_input",), "de_CH.UTF-8")
    for part in ("kind", "options", "locale"):
        assert getattr(again, part) == getattr(found, part)
    document = json.loads(elsewhere.files["manifest.json"])
    assert {name: document[name] for name in ("locale", "metadata", "jupyter")} == {
        name: foreign[name] for name in ("locale", "metadata", "jupyter")
    }


@pytest.mark.parametrize(
    "files",
    [{"app.py": FLASK}, {"app.py": FLASK, "pyproject.toml": PYPROJECT}, {"app.py": FLASK, "requirements.txt": "flask"}],
)  # fmt: skip
def test_a_download_of_a_download_is_the_same_again(files):
    _, once = _download(files)
    _, twice = _download(once.files)
    assert twice.files == once.files


def test_changing_what_is_asked_for_ends_the_lock():
    _, elsewhere = _download({"app.py": FLASK, "pyproject.toml": PYPROJECT})
    edited = {**elsewhere.files, "pyproject.toml": PYPROJECT.replace("flask", "flask>=3").encode()}
    again = detect(Files(edited))
    assert again.requirements.text.split() == ["flask>=3"]
    assert "pyproject.toml is not what the lock" in again.notes[0]


def test_a_site_that_has_a_web_apps_manifest_keeps_it():
    site = {"index.html": "<h1>", "manifest.json": '{"name": "Site"}'}
    _, elsewhere = _download(site, lock="")
    assert set(elsewhere.files) == {*site, connect.SPARE_NAME}
    assert elsewhere.files["manifest.json"] == site["manifest.json"].encode()
    assert detect(elsewhere).kind == "static"
    assert _download(elsewhere.files, lock="")[1].files == elsewhere.files


def test_a_foreign_manifest_is_replaced():
    foreign = {"version": 1, "metadata": {"appmode": "python-api", "entrypoint": "app"}, "files": {}}
    _, elsewhere = _download({"app.py": FLASK, "manifest.json": json.dumps(foreign)})
    assert "tholos" in json.loads(elsewhere.files["manifest.json"])


def _old(entrypoint="old"):
    metadata = {"appmode": "python-api", "entrypoint": entrypoint}
    return json.dumps({"version": 1, "metadata": metadata, "files": {}})


@pytest.mark.parametrize("other", [None, '{"name": "Site"}'])
def test_a_stale_manifest_of_either_name_is_left_out(other):
    """What it says is in the new one; elsewhere it would decide in its place."""
    there = {} if other is None else {"manifest.json": other}
    files = {"old.py": FLASK, "new.py": FLASK, connect.SPARE_NAME: _old(), **there}
    source = detect(Files({**files, connect.SPARE_NAME: _old("new")}))
    tree = Files(files)
    release = Source(
        manifests.to_json(source, "newest"), "3.12.4", LOCK, frozenset(files), before=connect.read(tree),
        has_other=other is not None,
    )  # fmt: skip
    kept = {path: data for path, data in tree.files.items() if path not in release.replaced}
    members = dict(release.members({path: connect.md5(data) for path, data in kept.items()}))
    elsewhere = Files({**kept, **members})
    assert detect(elsewhere).entrypoint.value == "new:app"
    name = connect.SPARE_NAME if other else connect.NAME
    assert set(elsewhere.files) == {"old.py", "new.py", "requirements.txt", name, *there}
    assert connect.SPARE_NAME not in json.loads(elsewhere.files[name])["files"]


def test_secrets_are_named_and_plain_values_told():
    _, elsewhere = _download({"app.py": FLASK}, variables={"MODE": "x", "KEY": None}, limits={"memory": 1})
    ours = json.loads(elsewhere.files["manifest.json"])["tholos"]
    assert (ours["variables"], ours["limits"]) == ({"MODE": "x", "KEY": None}, {"memory": 1})


@pytest.mark.parametrize(
    ("text", "version"), [("3.12.4", "3.12.4"), ("pypy 3.10.2", "3.10.2"), ("3.13.1t", "3.13.1"), ("", "")]
)
def test_the_version_in_an_interpreters_name(text, version):
    assert python_version(text) == version


def test_a_lock_of_another_form_names_no_package_among_the_files():
    text = 'lock-version = "1.0"\n[[packages]]\nname = "x"\nwheels = [\n  { url = "https://e.org/x-1-py3-none-any.whl" },\n]\n'
    files = {"app.py": FLASK, "pylock.toml": text}
    _, tree = _download(files, text)
    found = detect(tree).requirements
    assert (found.form, found.own, found.evidence.path) == ("pylock.toml", {}, "manifest.json")


def test_a_lock_is_one_of_the_past_when_a_package_among_the_files_changes():
    own = OwnPackage("libs/own", "0" * 64, "own", "0.1", is_folder=True)
    files = {
        "app.py": FLASK,
        "requirements.txt": "flask\n./libs/own\n",
        "libs/own/setup.py": "",
        "libs/own/own.py": "A = 1\n",
    }
    _, tree = _download(files, f"{own.line}\n{LOCK}")
    assert detect(tree).requirements.own == {"libs/own": Evidence("manifest.json")}
    tree.files["libs/own/own.py"] = b"A = 2\n"
    found = detect(tree)
    assert found.requirements.evidence.path == "requirements.txt"
    assert any("libs/own/own.py is not what the lock" in note for note in found.notes)
