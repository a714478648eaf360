"""The manifest of a folder: what it says, that it says it again, and that a server reads the same out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import connect, staleness, writing
from tholos.detect.core import detect
from tholos.detect.errors import ManifestNameTaken, PackageFileMissing, SeveralEntrypoints
from tholos.detect.model import Kind

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
PLAIN = {"app.py": FLASK, "requirements.txt": "flask\n"}
TWO = {"one.py": FLASK, "two.py": FLASK, "requirements.txt": "flask\n"}
PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["flask"]\n'
LOCK = 'version = 1\n[[package]]\nname = "flask"\nversion = "3.0.0"\n'


@pytest.fixture(scope="session")
def write(tree):
    """The files with the manifest that would be written into them."""

    def run(files, version="3.12.4", **flags):
        folder = tree(files)
        before = writing.find_before(folder)
        settled = writing.settle(folder, flags, before)
        known = {path: connect.md5(data) for path, data in folder.files.items()}
        versions = [before.version if before else "", version]
        document = writing.compose(settled.found, known, settled.said, versions, before)
        return {**files, "manifest.json": connect.encode(document).decode()}, document

    return run


@pytest.mark.parametrize(
    ("files", "mode", "entrypoint"),
    [
        (PLAIN, "python-api", "app:app"),
        ({"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "fastapi"}, "python-fastapi", "main:app"),
        ({"app.py": "import dash\napp = dash.Dash(__name__)\nserver = app.server\n", "requirements.txt": "dash"}, "python-dash", "app:server"),
        ({"app.py": "import streamlit\nstreamlit.write(1)\n", "requirements.txt": "streamlit"}, "python-streamlit", "app"),
        ({"src/app.py": FLASK, "requirements.txt": "flask"}, "python-api", "src.app:app"),
        ({"site/index.html": ""}, "static", "site/index.html"),
    ],
)  # fmt: skip
def test_what_is_written_is_read_as_what_was_found(write, tree, files, mode, entrypoint):
    written, document = write(files)
    assert document["metadata"]["appmode"] == mode
    assert document["metadata"]["entrypoint"] == entrypoint
    before, after = detect(tree(files)), detect(tree(written))
    assert (after.kind, after.entrypoint.value, after.paths) == (
        before.kind,
        before.entrypoint.value,
        before.paths,
    )
    assert (after.requirements.text, after.requirements.form) == (
        before.requirements.text,
        before.requirements.form,
    )
    assert after.notes == before.notes
    assert staleness.find_note(tree(written)) == ""


def test_it_lists_all_but_itself(write):
    _, document = write({**PLAIN, "data/a.csv": "1\n", "tholos.manifest.json": "{}"})
    assert list(document["files"]) == ["app.py", "data/a.csv", "requirements.txt"]
    assert document["files"]["requirements.txt"] == {"checksum": connect.md5(b"flask\n")}
    assert document["python"] == {
        "version": "3.12.4", "package_manager": {"name": "pip", "package_file": "requirements.txt"}
    }  # fmt: skip
    assert document["tholos"] == {}


FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["wsgi", "flask", ""]),
        "entrypoint": st.sampled_from(["one:app", "two:app", "two.py"]),
        "python": st.sampled_from(["3.12", ">=3.11", "3.9.2", ""]),
        "requirements": st.sampled_from(["requirements.txt", "none", ""]),
    },
)


@given(FLAGS, st.sampled_from(["3.11.2", "3.13.0"]))
def test_written_twice_it_is_the_same_whoever_writes_it(write, flags, version):
    """Flags are said once, and another machine's Python changes nothing."""
    first, _ = write(
        {"one.py": FLASK, "requirements.txt": "flask\n", "two.py": FLASK},
        **{"entrypoint": "one:app", **flags},
    )
    again, _ = write(first, version)
    assert again == first


def test_said_by_flags_is_kept_and_an_empty_one_forgets(write):
    first, document = write(TWO, entrypoint="two:app", python="3.11")
    assert document["tholos"] == {"said": {"entrypoint": "two:app", "python": "3.11"}}
    assert document["environment"] == {"python": {"requires": "==3.11.*"}}
    _, document = write(first, python="")
    assert document["tholos"] == {"said": {"entrypoint": "two:app"}}
    assert "environment" not in document


def test_what_was_found_is_found_anew(write):
    """Only what was said by flags stands; what was found goes with the files."""
    first, _ = write(PLAIN)
    moved = {"main.py": FLASK, "requirements.txt": "flask\n", "manifest.json": first["manifest.json"]}
    assert write(moved)[1]["metadata"]["entrypoint"] == "main:app"
    said, _ = write(PLAIN, entrypoint="app:app")
    assert write({**moved, "manifest.json": said["manifest.json"]})[1]["tholos"] == {}


def test_another_publishers_choice_between_two_apps_stands(write):
    with pytest.raises(SeveralEntrypoints):
        write(TWO)
    theirs = '{"version": 1, "metadata": {"appmode": "python-api", "entrypoint": "two"}, "files": {}}'
    _, document = write({**TWO, "manifest.json": theirs})
    assert document["metadata"]["entrypoint"] == "two:app"
    assert document["tholos"]["said"]["entrypoint"] == "two"


@pytest.mark.parametrize(
    ("wish", "before", "version"),
    [
        ("", "3.10.1", "3.10.1"),
        (">=3.11", "3.10.1", "3.12.4"),
        ("3.11", "3.11.9", "3.11.9"),
        ("3.11", "3.10.1", "3.11.0"),
        ("3.9.2", "", "3.9.2"),
        ("<3.10", "", "3.9.0"),
    ],
)
def test_the_version_is_the_one_before_as_long_as_it_fits(write, wish, before, version):
    theirs = f'{{"version": 1, "metadata": {{}}, "python": {{"version": "{before}"}}, "files": {{}}}}'
    _, document = write({**PLAIN, "manifest.json": theirs}, python=wish)
    assert document["python"]["version"] == version


# Packages


def test_a_lock_counts_here_and_a_file_for_pip_elsewhere(write, tree):
    files = {"app.py": FLASK, "pyproject.toml": PROJECT, "uv.lock": LOCK, "requirements.txt": "flask==3\n"}
    written, document = write(files)
    assert document["python"]["package_manager"]["package_file"] == "requirements.txt"
    assert document["tholos"] == {"requirements": "uv.lock"}
    assert detect(tree(written)).requirements.form == "uv.lock"
    del written["uv.lock"]
    assert detect(tree(written)).requirements.evidence.path == "requirements.txt"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"pyproject.toml": PROJECT, "uv.lock": LOCK}, "uv export"),
        ({"pyproject.toml": PROJECT}, "uv pip compile pyproject.toml"),
        ({"Pipfile": '[packages]\nflask = "*"\n'}, "pipenv requirements"),
        ({"setup.cfg": "[options]\ninstall_requires = flask\n"}, "uv pip compile setup.cfg"),
        (
            {"app.py": f"# /// script\n# dependencies = ['flask']\n# ///\n{FLASK}"},
            "uv export --script app.py",
        ),
        ({}, "with: Flask"),
    ],
)
def test_without_a_file_for_pip_the_error_says_how_to_make_one(write, files, command):
    with pytest.raises(PackageFileMissing) as caught:
        write({"app.py": FLASK, **files})
    assert command in caught.value.fix
    assert caught.value.where


def test_no_packages_need_no_file(write, tree):
    _, document = write({"app.py": "def app(environ, start_response): ...\n"})
    assert "package_file" not in document["python"]["package_manager"]
    written, document = write({"app.py": FLASK}, requirements="none")
    assert document["tholos"] == {"said": {"requirements": "none"}, "requirements": "none"}
    assert detect(tree(written)).requirements.form == "none"


# What is there already


def test_what_a_release_took_along_is_kept(write, tree):
    lock = {
        "form": "requirements",
        "of": {"requirements.txt": connect.md5(b"flask\n")},
        "text": "flask==3 --hash=x\n",
    }
    facts = connect.Facts(
        Kind.WSGI, "two:app", "3.12.1", "", {}, prepare="make", keep=("data",), variables={"A": "1", "B": None},
        limits={"open_files": 9}, lock=connect.Lock(lock["text"], lock["form"], lock["of"]), package_file="requirements.txt",
    )  # fmt: skip
    taken = {**TWO, "manifest.json": connect.encode(connect.to_json(facts)).decode()}
    written, document = write(taken)
    assert document["metadata"]["entrypoint"] == "two:app"
    ours = document["tholos"]
    assert (ours["prepare"], ours["keep"], ours["lock"]) == ("make", ["data"], lock)
    assert ours["variables"] == {"A": "1", "B": None}
    assert detect(tree(written)).requirements.text == lock["text"]
    changed, document = write({**written, "requirements.txt": "flask>2\n"})
    assert "lock" not in document["tholos"], "it is of other packages"
    assert document["tholos"]["keep"] == ["data"]
    assert detect(tree(changed)).requirements.text == "flask>2\n"


def test_what_others_wrote_and_nothing_here_says_is_kept(write):
    theirs = (
        '{"version": 1, "metadata": {"appmode": "python-api"}, "environment": {"image": "i", "python": {"requires": ">=3"}},'
        ' "python": {"package_manager": {"name": "pip", "allow_uv": false}}, "integration_requests": [1], "files": {}}'
    )
    _, document = write({**PLAIN, "manifest.json": theirs})
    assert document["environment"] == {"image": "i"}
    assert document["python"]["package_manager"]["allow_uv"] is False
    assert document["integration_requests"] == [1]


def test_a_web_apps_manifest_is_left_alone(write):
    with pytest.raises(ManifestNameTaken):
        write({**PLAIN, "manifest.json": '{"name": "Site", "icons": []}'})
