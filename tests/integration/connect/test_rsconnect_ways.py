"""Every way to deploy with rsconnect-python, and its commands that read; the app modes themselves are tested elsewhere."""

from __future__ import annotations

import io
import tarfile

import pytest
from tests.integration.connect.conftest import guid_in, manifest, pack, wsgi

from tholos.testing.waiting import until
from tholos.testing.wheels import project, wheel

ASGI = '''"""Says hello; needs no package."""


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"from asgi"})
'''
TELLS = '''"""Says what is in its environment; needs no package."""

import os


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.environ.get('GREETING', 'nothing')} {os.environ.get('OTHER', 'nothing')}".encode()]
'''
SCRIPT = """import streamlit as st

st.title("A script")
"""
USES_SIX = '''"""Says the version of its package."""

import six


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [six.__version__.encode()]
'''
USES_OWN = '''"""Says the versions of packages that lie beside it."""

import own
import tiny


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{tiny.VERSION} {own.VALUE}".encode()]
'''
SIX = "six==1.16.0"
SIX_HASH = "sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"
PYPROJECT = """[project]
name = "by-project"
version = "1"
requires-python = "~=3.11.0"
dependencies = []

[tool.rsconnect]
app_mode = "python-api"
entrypoint = "app.py"
title = "By project"
requirements_file = "requirements.txt"
"""


@pytest.fixture(scope="module")
def live(clients, tmp_path_factory):
    """The folder of an app that serves version 1."""
    made = tmp_path_factory.mktemp("live") / "ways"
    made.mkdir()
    for path, text in wsgi(1).items():
        (made / path).write_text(text)
    clients.deploys(made)
    return made


def active(clients, guid):
    return next(one["id"] for one in clients.api(f"content/{guid}/bundles") if one["active"])


# Ways to deploy


def test_fastapi_and_a_title(clients, folder):
    made = folder({**wsgi(), "app.py": ASGI})
    clients.deploys(made, "--title", "An ASGI app", kind="fastapi")
    told = clients.api(f"content/{guid_in(made)}")
    assert (told["title"], told["app_mode"], told["name"]) == ("An ASGI app", "python-fastapi", "an_asgi_app")
    assert clients.open(guid_in(made)) == "from asgi"


def test_a_site(clients, folder):
    made = folder({"index.html": "<h1>a site</h1>", "more/data.json": "{}"})
    clients.deploys(made, kind="html")
    guid = guid_in(made)
    assert (clients.open(guid), clients.open(guid, "more/data.json")) == ("<h1>a site</h1>", "{}")
    told = clients.api(f"content/{guid}")
    assert (told["app_mode"], told["py_version"]) == ("static", None)


def test_streamlit(clients, folder):
    made = folder({"app.py": SCRIPT, "requirements.txt": "streamlit\n", ".python-version": "3.11\n"})
    clients.deploys(made, kind="streamlit")
    guid = guid_in(made)
    assert "streamlit" in clients.open(guid).lower()
    assert clients.open(guid, "_stcore/health") == "ok"
    assert clients.api(f"content/{guid}")["app_mode"] == "python-streamlit"


def test_a_manifest(clients, folder):
    """What ``write-manifest`` wrote, with exactly the files that it names."""
    made = folder({**wsgi("by manifest"), "not-listed.txt": "x"})
    clients.rsconnect("write-manifest", "api", "-x", "not-listed.txt", ".", cwd=made)
    told = clients.rsconnect("deploy", "manifest", str(made / "manifest.json")).out
    guid = told.rpartition("/content/")[2].partition("/")[0]
    assert clients.open(guid) == "version by manifest"
    packed = clients.ask("GET", f"content/{guid}/bundles/{active(clients, guid)}/download").body
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert "not-listed.txt" not in archive.getnames()


def test_a_bundle_that_was_downloaded_elsewhere(clients, live, tmp_path):
    """What one server gives out, another one takes: here as new content of the same."""
    packed = tmp_path / "moved.tar.gz"
    clients.rsconnect("content", "download-bundle", "-g", guid_in(live), "-o", str(packed))
    told = clients.rsconnect("deploy", "bundle", "--new", str(packed), "--title", "Moved").out
    moved = told.rpartition("/content/")[2].partition("/")[0]
    assert moved != guid_in(live)
    assert clients.open(moved) == "version 1"


def test_a_project(clients, folder):
    made = folder({**wsgi("by project"), "pyproject.toml": PYPROJECT})
    clients.deploys(made, kind="pyproject")
    guid = guid_in(made)
    assert clients.open(guid) == "version by project"
    assert clients.api(f"content/{guid}")["title"] == "By project"


def test_content_by_its_guid(clients, folder, live):
    """``-a`` deploys to content that the folder knows nothing of."""
    guid = guid_in(live)
    for version in (7, 1):
        clients.deploys(folder(wsgi(version)), "-a", guid)
        assert clients.open(guid) == f"version {version}"


def test_a_token_for_publishing_is_enough(server, clients, folder):
    """As the documentation says to make one."""
    key = server.new_account("paula")
    made_key = server.api("POST", "/api/v1/tokens", {"label": "rsconnect", "scope": "publish"}, token=key)[
        "token"
    ]
    paula = clients.of(str(made_key))
    made = folder({**wsgi(), "app.py": TELLS})
    paula.deploys(made, "-E", "GREETING=hello", "--title", "By a token")
    assert paula.open(guid_in(made)) == "hello nothing"
    paula.deploys(made, "--draft", "--new")


def test_new_content_from_a_folder_that_has_some(clients, folder):
    made = folder(wsgi(1))
    clients.deploys(made)
    first = guid_in(made)
    clients.deploys(made, "--new")
    assert guid_in(made) != first
    names = {clients.api(f"content/{guid}")["name"] for guid in (first, guid_in(made))}
    assert names == {made.name, f"{made.name}1"}


def test_variables_before_the_first_start(clients, folder):
    made = folder({**wsgi(), "app.py": TELLS})
    clients.deploys(made, "-E", "GREETING=hello")
    guid = guid_in(made)
    assert clients.open(guid) == "hello nothing"
    assert clients.api(f"content/{guid}/environment") == ["GREETING"]


def test_variables_from_the_terminal_and_changed_later(clients, folder):
    made = folder({**wsgi(), "app.py": TELLS})
    env = {"OTHER": "from here"}
    clients.rsconnect("deploy", "api", "-E", "OTHER", ".", cwd=made, env=env)
    clients.deploys(made, "-E", "GREETING=later")
    assert clients.open(guid_in(made)) == "later from here"


# Drafts


def test_a_draft_and_making_it_live(clients, folder):
    made = folder(wsgi(1))
    clients.deploys(made)
    guid = guid_in(made)
    (made / "app.py").write_text(wsgi(2)["app.py"])
    told = clients.deploys(made, "--draft")
    bundle = told.rpartition("/draft/")[2].split()[0]
    assert (clients.open(guid), clients.open(guid, f"_bundle{bundle}/")) == ("version 1", "version 2")
    dashboard = clients.server.ask("GET", f"/connect/apps/{guid}/draft/{bundle}", token=clients.key)
    assert dashboard.headers["location"] == f"/content/{guid}/_bundle{bundle}/"
    task = clients.ask("POST", f"content/{guid}/deploy", {"bundle_id": bundle}).json["task_id"]
    assert until(lambda: clients.api(f"tasks/{task}?first=1000&wait=30")["finished"])
    assert clients.open(guid) == "version 2"


def test_a_first_draft_makes_nothing_live(clients, folder):
    made = folder(wsgi(1))
    clients.deploys(made, "--draft")
    content = clients.api(f"content/{guid_in(made)}")
    assert (content["bundle_id"], content["app_mode"]) == (None, "unknown")
    assert clients.server.ask("GET", f"/content/{content['guid']}/", token=clients.key).status >= 400


def test_without_verification(clients, folder):
    made = folder(wsgi(1))
    told = clients.deploys(made, "--no-verify")
    assert "Verifying" not in told
    assert clients.open(guid_in(made)) == "version 1"


def test_a_server_whose_version_is_hidden(clients, folder):
    """A client that takes the server for an old one deploys at once and looks then."""
    made = folder(wsgi(1))
    told = clients.rsconnect("deploy", "api", ".", cwd=made, env={"CONNECT_SERVER_VERSION": "2024.01.0"}).out
    assert "/draft/" not in told
    assert "Verifying deployed content... \t[OK]" in told
    assert clients.open(guid_in(made)) == "version 1"


# Packages


def test_requirements_in_several_files_with_hashes_and_a_mark(clients, folder):
    """A byte order mark, ``-r``, ``-c``, markers, blank lines and hashes."""
    made = folder({
        "app.py": USES_SIX,
        ".python-version": "3.11\n",
        "requirements.txt": b"\xef\xbb\xbf# packages\n\n-r more/more.txt\n-c constraints.txt\n",
        "constraints.txt": "six<1.17\n",
        "more/more.txt": f'{SIX} ; python_version >= "3" \\\n    --hash={SIX_HASH}\n',
    })  # fmt: skip
    clients.deploys(made)
    assert clients.open(guid_in(made)) == "1.16.0"


def test_a_package_that_is_not_what_its_hash_says(clients, folder):
    made = folder({**wsgi(), "requirements.txt": f"{SIX} --hash=sha256:{'0' * 64}\n"})
    told = clients.deploys(made, exits=1)
    assert "six" in told
    assert "[python-package-install-failed]" in told


def test_a_wheel_and_a_folder_among_the_files(clients, folder, tmp_path):
    """Locked by what they are; what changes is made anew, and what was live before comes back with its own."""
    tiny = wheel("tiny", "1.0")
    made = folder({
        **project("own", folder="libs/own"), f"wheels/{tiny.name}": tiny.data, "app.py": USES_OWN, ".python-version": "3.11\n",
        "requirements.txt": f"./wheels/{tiny.name} --hash=sha256:{tiny.sha256}\n-e ./libs/own\n",
    })  # fmt: skip
    clients.deploys(made)
    guid, first = guid_in(made), active(clients, guid_in(made))
    assert clients.open(guid) == "1.0 1"
    lock = tmp_path / "requirements.txt.lock"
    clients.rsconnect("content", "get-lockfile", "-g", guid, "-o", str(lock))
    told = lock.read_text()
    assert f"tiny @ file:./wheels/{tiny.name} --hash=sha256:{tiny.sha256}  # tiny==1.0\n" in told
    assert "own @ file:./libs/own  # own==0.1 sha256:" in told
    versions = {one["name"]: one["version"] for one in clients.api(f"content/{guid}/packages")}
    assert versions == {"tiny": "1.0", "own": "0.1"}
    (made / "libs/own/own.py").write_text("VALUE = 2\n")
    clients.deploys(made)
    assert clients.open(guid) == "1.0 2"
    task = clients.ask("POST", f"content/{guid}/deploy", {"bundle_id": first}).json["task_id"]
    assert until(lambda: clients.api(f"tasks/{task}?first=1000&wait=30")["finished"])
    assert clients.open(guid) == "1.0 1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("./wheels/gone-1.0-py3-none-any.whl", "which is not among the published files"),
        ("-e ../beside", "'../beside' is outside the folder"),
        ("./tiny-1.0-py3-none-any.whl", "it is damaged, or no wheel"),
    ],
)
def test_a_package_that_is_not_among_the_files_is_refused(clients, folder, line, reason):
    made = folder({**wsgi(), "requirements.txt": f"{line}\n", "tiny-1.0-py3-none-any.whl": "x"})
    told = " ".join(clients.deploys(made, exits=1).split())
    assert reason in told
    assert "requirements.txt:1" in told


def test_a_file_of_packages_of_another_name(clients, folder):
    made = folder({**wsgi(), "reqs/prod.txt": "\n"})
    (made / "requirements.txt").unlink()
    clients.deploys(made, "-r", "reqs/prod.txt")
    assert clients.open(guid_in(made)) == "version 1"


@pytest.mark.parametrize(
    "words", [("--image", "registry/image:1"), ("--disable-env-management",), ("--package-installer", "PIP")]
)
def test_what_is_of_no_use_here_keeps_nothing_from_running(clients, folder, words):
    made = folder(wsgi(1))
    clients.deploys(made, "--no-verify", *words)
    assert clients.open(guid_in(made)) == "version 1"


# Reading


def test_adding_a_server_and_deploying_by_its_nickname(clients, folder):
    url = clients.server.url
    empty = {"CONNECT_SERVER": "", "CONNECT_API_KEY": ""}
    added = clients.rsconnect("add", "-s", url, "-k", clients.key, "-n", "here", env=empty).out
    try:
        assert f'Added Connect server "here" with URL {url}' in added
        assert url in clients.rsconnect("list", env=empty).out
        told = clients.rsconnect("details", "-n", "here", env=empty).out
        assert "3.11." in told
        made = folder(wsgi(1))
        clients.rsconnect("deploy", "api", "-n", "here", ".", cwd=made, env=empty)
        assert clients.open(guid_in(made)) == "version 1"
        assert guid_in(made) in clients.rsconnect("info", ".", cwd=made, env=empty).out
    finally:
        clients.rsconnect("remove", "-n", "here", env=empty)


def test_searching_content(clients, live, folder):
    unpublished = folder(wsgi(1))
    clients.deploys(unpublished, "--draft")

    def found(*words):
        return {one["guid"] for one in clients.rsconnect("content", "search", *words).json}

    guid = guid_in(live)
    assert {guid, guid_in(unpublished)} <= found()
    assert guid in found("--published")
    assert guid_in(unpublished) not in found("--published")
    assert guid not in found("--unpublished")
    assert guid in found("--content-type", "python-api")
    assert guid not in found("--content-type", "static")
    assert found("--title-contains", live.name) == {guid}
    assert guid in found("--py-version", ">=3.11.0")
    assert guid not in found("--py-version", "<3.11.0")
    assert guid in found("--order-by", "last_deployed")


def test_the_packages_of_what_is_live(clients, folder, live, tmp_path):
    lock = tmp_path / "requirements.txt.lock"
    made = folder({**wsgi(), "app.py": USES_SIX, "requirements.txt": f"{SIX}\n"})
    clients.deploys(made)
    clients.rsconnect("content", "get-lockfile", "-g", guid_in(made), "-o", str(lock))
    assert SIX in lock.read_text()
    clients.rsconnect("content", "get-lockfile", "-g", guid_in(live), "-o", str(lock), "--overwrite")
    assert SIX not in lock.read_text()


def test_a_look_before_a_deploy(clients, folder):
    """``preflight`` compares what a folder needs with what the server has."""
    fits = clients.rsconnect("preflight", ".", cwd=folder({".python-version": "3.11"})).json
    assert any(version.startswith("3.11.") for version in fits["publishable_python_versions"])
    does_not = clients.rsconnect("preflight", ".", cwd=folder({".python-version": "3.4"}), exits=3).json
    assert does_not["status"] == "incompatible"


def test_every_fact_of_content(clients, live):
    told = clients.rsconnect("content", "describe", "-g", guid_in(live)).json[0]
    assert told == clients.api(f"content/{guid_in(live)}")
    assert told["content_url"] == f"{clients.server.url}/content/{guid_in(live)}/"
    assert told["dashboard_url"] == f"{clients.server.url}/connect/#/apps/{guid_in(live)}"
    assert told["py_version"].startswith("3.11.")


def test_the_server_says_what_it_is_to_anybody(server):
    told = server.ask("GET", "/__api__/server_settings", token="")
    assert told.status == 200
    assert '"version":"20' in told.text
    assert server.ask("GET", "/__ping__", token="").text == "{}"


def test_one_enclosing_folder_is_left_out(clients):
    guid = clients.ask("POST", "content", {}).json["guid"]
    files = {**wsgi(1), "manifest.json": manifest()}
    packed = pack({f"folder/{path}": text for path, text in files.items()})
    bundle = clients.ask("POST", f"content/{guid}/bundles", packed).json["id"]
    task = clients.ask("POST", f"content/{guid}/deploy", {"bundle_id": bundle}).json["task_id"]
    assert until(lambda: clients.api(f"tasks/{task}?first=1000&wait=30")["finished"])
    assert clients.open(guid) == "version 1"
