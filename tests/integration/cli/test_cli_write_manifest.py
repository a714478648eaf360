"""A folder's manifest by command: written, left alone, checked; without a server."""

import json
import subprocess
import sys

import pytest

THEIRS = {
    "version": 1,
    "metadata": {"appmode": "python-api", "entrypoint": "app"},
    "python": {"version": "3.11.7", "package_manager": {"name": "pip", "package_file": "requirements.txt"}},
    "files": {},
}


def put(folder, document):
    (folder / "manifest.json").write_text(json.dumps(document))


def read(folder):
    return json.loads((folder / "manifest.json").read_text())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_is_written_beside_the_code_and_then_left_alone(tholos, app):
    (app / ".env").write_text("SECRET=1")
    (app / ".venv").mkdir()
    (app / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.9\n")
    ran = tholos("write-manifest")
    assert (ran.code, "Flask         app:app in app.py:4" in ran.out) == (0, True), ran
    assert "written, 2 files" in ran.out
    assert ".env is not sent" in ran.out
    document = read(app)
    assert document["python"]["version"] == "3.11.9"
    assert list(document["files"]) == ["app.py", "requirements.txt"]
    before = (app / "manifest.json").read_bytes()
    again = tholos("write-manifest", ".", "--json")
    assert json.loads(again.out)["state"] == "unchanged"
    assert (app / "manifest.json").read_bytes() == before
    assert names(app) == [".env", ".venv", "app.py", "manifest.json", "requirements.txt"]


def test_a_stale_one_of_ours_is_written_anew(tholos, app):
    assert tholos("write-manifest", "--python", "3.12").code == 0
    (app / "requirements.txt").write_text("flask\npandas\n")
    (app / "more.py").write_text("")
    check = tholos("write-manifest", "--check", "--json")
    told = json.loads(check.out)
    assert (check.code, told["state"]) == (1, "stale")
    assert [(one["about"], one["path"]) for one in told["differences"]] == [
        ("requirements", "requirements.txt"), ("unlisted", "more.py"),
    ]  # fmt: skip
    assert "requirements  requirements.txt has changed since" in tholos("write-manifest", "--check").out
    assert tholos("write-manifest").code == 0
    assert read(app)["environment"] == {"python": {"requires": "==3.12.*"}}, "it was said once"
    assert tholos("write-manifest", "--check").code == 0


def test_check_writes_nothing(tholos, app):
    ran = tholos("write-manifest", "--check", "--overwrite")
    assert (ran.code, "there is none" in ran.out) == (1, True)
    assert not (app / "manifest.json").exists()


def test_anothers_is_replaced_only_when_that_is_said(tholos, app):
    put(app, THEIRS)
    before = read(app)
    refused = tholos("write-manifest", "--json")
    assert (refused.code, json.loads(refused.out)["error"]["code"]) == (3, "manifest_not_ours")
    assert "unlisted: app.py is not listed" in refused.err
    assert read(app) == before
    ran = tholos("write-manifest", "--overwrite")
    assert ran.code == 0, ran.err
    assert read(app)["tholos"] == {}
    assert tholos("write-manifest").code == 0


def test_anothers_that_says_the_same_may_stay(tholos, app):
    tholos("write-manifest")
    document = read(app)
    del document["tholos"]
    document["metadata"]["entrypoint"] = "app"
    document["python"]["package_manager"]["version"] = "23.2.1"
    put(app, document)
    for arguments in ((), ("--check",)):
        assert tholos("write-manifest", *arguments).code == 0
    assert read(app) == document


@pytest.mark.parametrize("text", ["{", "\xff\xfe", '{"version": 2, "metadata": {}}'])
def test_a_damaged_one_is_replaced_only_when_that_is_said(tholos, app, text):
    (app / "manifest.json").write_bytes(text.encode("latin-1"))
    assert "it cannot be read" in tholos("write-manifest", "--check").out
    assert tholos("write-manifest").code == 3
    assert tholos("write-manifest", "--overwrite").code == 0
    assert read(app)["version"] == 1


def test_a_web_apps_manifest_is_never_replaced(tholos, app):
    put(app, {"name": "Sales", "icons": []})
    refused = tholos("write-manifest", "--overwrite")
    assert (refused.code, "something else" in refused.err) == (2, True)


def test_without_a_file_of_packages_nothing_is_written(tholos, app):
    (app / "requirements.txt").rename(app / "needs.in")
    refused = tholos("write-manifest", "--json")
    error = json.loads(refused.out)["error"]
    assert (refused.code, error["code"], error["details"]) == (
        2,
        "package_file_missing",
        {"packages": ["Flask"]},
    )
    assert not (app / "manifest.json").exists()
    assert tholos("write-manifest", "--requirements", "needs.in").code == 0
    assert read(app)["python"]["package_manager"]["package_file"] == "needs.in"


def test_one_that_is_not_sent_is_found_all_the_same(tholos, app):
    (app / ".tholosignore").write_text("manifest.json\n")
    put(app, THEIRS)
    assert tholos("write-manifest").code == 3


def test_a_manifest_that_is_a_folder_is_told(tholos, app):
    (app / "manifest.json").mkdir()
    refused = tholos("write-manifest")
    assert (refused.code, "Cannot write" in refused.err) == (1, True), refused
    assert names(app) == ["app.py", "manifest.json", "requirements.txt"]


def test_no_folder_is_told(tholos, home):
    assert tholos("write-manifest", str(home / "nowhere")).code == 2


def test_neither_the_app_nor_a_server_is_touched(tholos, app):
    (app / "app.py").write_text("raise SystemExit(9)\nfrom flask import Flask\napp = Flask(__name__)\n")
    assert tholos("write-manifest").code == 0


def test_it_loads_what_it_needs_and_no_more(app):
    """It runs before every commit of some: what reads versions, and what speaks to servers, is not for every folder."""
    asked = (
        "import sys; from tholos.cli.main import main\n"
        "code = main(['write-manifest']); print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", asked], cwd=app, capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.split())
    assert "tholos.detect.writing" in loaded
    assert not {
        "packaging", "http.client", "urllib.request", "sqlite3", "subprocess", "tholos.client", "tholos.store.chunking"
    } & loaded  # fmt: skip
