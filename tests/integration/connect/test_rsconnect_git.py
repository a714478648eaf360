"""Content from a repository by `rsconnect deploy git`, and what a person is told of repositories that cannot be taken.

The client takes https only: the repositories are on a host that speaks TLS, by an authority that the server was told of.
"""

from __future__ import annotations

import os
import re
import shutil

import pytest
from tests.integration.connect.conftest import manifest, wsgi

from tholos.testing import repositories
from tholos.testing.authority import Authority
from tholos.testing.repositories import Repository

NAMES = ("..", ".git", "a\\b", "a\nb", "con\x01trol")


@pytest.fixture(scope="module")
def host(authority, tmp_path_factory):
    with repositories.serve(tmp_path_factory.mktemp("git"), authority) as host:
        yield host


@pytest.fixture
def repository(host, request):
    """Makes a repository of a name on the host."""
    return lambda name: Repository.make(host.folder / f"{name}.git")


@pytest.fixture(scope="module")
def deploy_git(clients, host):
    """Deploys from a repository of that host; what the client printed."""

    def deploy(repository, *words, exits=0):
        url = host.url(repository.path.name)
        said = ("--no-polling", "--title", f"From {repository.path.stem}", *words)
        return clients.rsconnect("deploy", "git", "-r", url, *said, exits=exits).out

    return deploy


@pytest.fixture(scope="module")
def live(host, deploy_git):
    """The GUID of content that serves version 1."""
    made = Repository.make(host.folder / "live.git")
    commit(made, 1)
    return guid_in(deploy_git(made))


@pytest.fixture
def is_refused(clients, deploy_git, live):
    """Lets what serves follow a repository that cannot be taken: what its owner is told of that. It serves on."""

    def refuse(repository, *words):
        told = deploy_git(repository, "-a", live, *words, exits=1)
        assert clients.open(live) == "version 1"
        assert "Task exited with status 1." in told
        return told

    return refuse


def files(version):
    return {**wsgi(version), "manifest.json": manifest()}


def commit(repository, version, folder="", **more):
    return repository.commit({f"{folder}{path}": text for path, text in files(version).items()}, **more)


def tree(repository, **more):
    """Of the app's files and whatever else: by path the mode, the kind and the content or id."""
    entries = {path: ("100644", "blob", repository.blob(text)) for path, text in files(2).items()}
    return repository.tree({**entries, **more})


def guid_in(told):
    return re.search(r"/content/([0-9a-f-]{36})/", told)[1]


# What goes well


def test_deploying_changing_and_deploying_again(clients, deploy_git, host, repository):
    """Of a folder of a branch; the same content is deployed to again, with what was pushed meanwhile."""
    made = repository("apps")
    first = commit(made, 1, "sales/", branch="release")
    told = deploy_git(made, "-b", "release", "-d", "sales", "-E", "REGION=north")
    assert "Fetching the repository…" in told
    guid = guid_in(told)
    assert clients.open(guid) == "version 1"
    assert clients.api(f"content/{guid}/environment") == ["REGION"]
    shown = clients.rsconnect("content", "repository", "show", "-g", guid).out
    for words in (host.url("apps.git"), "release", "sales", first):
        assert words in shown
    second = commit(made, 2, "sales/", branch="release")
    assert clients.open(guid) == "version 1"
    deploy_git(made, "-b", "release", "-d", "sales", "-a", guid)
    assert clients.open(guid) == "version 2"
    bundles = clients.api(f"content/{guid}/bundles")
    assert [(one["metadata"]["source_commit"], one["active"]) for one in bundles] == [
        (second, True),
        (first, False),
    ]
    assert len(clients.api("content?name=from_apps")) == 1


def test_updating_without_saying_it_all_again(clients, deploy_git, repository):
    made = repository("updated")
    commit(made, 1)
    guid = guid_in(deploy_git(made))
    commit(made, 2)
    clients.rsconnect("content", "repository", "redeploy", "-g", guid)
    assert clients.open(guid) == "version 2"


def test_a_draft_from_a_repository(clients, deploy_git, repository):
    made = repository("drafted")
    commit(made, 1)
    guid = guid_in(deploy_git(made))
    commit(made, 2)
    deploy_git(made, "-a", guid, "--draft", "--no-verify")
    assert clients.open(guid) == "version 1"
    newest = clients.api(f"content/{guid}/bundles")[0]
    assert clients.open(guid, f"_bundle{newest['id']}/") == "version 2"


def test_what_was_pushed_by_force_is_what_there_is(clients, deploy_git, repository):
    """The history that was thrown away stays here: what was deployed of it is activated again."""
    made = repository("forced")
    commit(made, 1)
    guid = guid_in(deploy_git(made))
    commit(made, 2, anew=True)
    made.git("reflog", "expire", "--expire=now", "--all")
    made.git("gc", "--quiet", "--prune=now")
    deploy_git(made, "-a", guid)
    assert clients.open(guid) == "version 2"
    before = clients.api(f"content/{guid}/bundles")[1]["id"]
    clients.python(
        "import sys; from posit import connect\n"
        "client = connect.Client()\n"
        "client.content.get(sys.argv[1]).bundles.get(sys.argv[2]).deploy().wait_for()\n",
        guid, before,
    )  # fmt: skip
    assert clients.open(guid) == "version 1"


def test_a_manifest_that_nobody_wrote_anew_is_told(clients, deploy_git, repository):
    """It merely lies there: what it says that is so no longer is passed over, and what is there decides."""
    made = repository("stale")
    made.commit({**wsgi(1), "manifest.json": manifest(entrypoint="gone:app")})
    told = deploy_git(made)
    assert "manifest.json begins at gone:app, which is not here." in told
    assert "manifest.json is out of date" in told
    assert clients.open(guid_in(told)) == "version 1"


# What is refused


def test_a_branch_that_is_not_there(is_refused, repository):
    made = repository("branchless")
    commit(made, 2)
    told = is_refused(made, "-b", "nowhere")
    assert "Cannot fetch nowhere: the repository has none of that name. Its branches: main." in told
    assert "Push it, or name another one: rsconnect deploy git --branch BRANCH -a GUID" in told


def test_a_subdirectory_that_is_not_there(is_refused, repository):
    made = repository("folderless")
    commit(made, 2, "sales/")
    told = is_refused(made, "-d", "marketing")
    assert "Cannot publish the folder marketing of commit" in told
    assert "Push it, or name another one: rsconnect deploy git --subdirectory FOLDER -a GUID" in told


def test_a_private_repository_without_a_credential_and_with_one(
    clients, deploy_git, host, is_refused, repository, tmp_path
):
    """The client cannot give one: an administrator does, for the host."""
    made = repository("private")
    commit(made, 1)
    host.login = ("reader", "hunter2-of-the-host")
    try:
        told = is_refused(made)
        assert "Cannot fetch the repository: it does not let us in." in told
        assert "It needs a credential: an administrator can keep one" in told
        assert "tholos git-credentials set HOST" in told
        (tmp_path / "secret").write_text("hunter2-of-the-host")
        origin = f"https://127.0.0.1:{host.port}"
        given = clients.server.cli(
            "git-credentials",
            "set",
            origin,
            "--username",
            "reader",
            "--secret-file",
            str(tmp_path / "secret"),
        )
        assert given.returncode == 0, given.stderr
        told = deploy_git(made)
        assert "hunter2" not in told
        assert clients.open(guid_in(told)) == "version 1"
    finally:
        host.login = None


def test_a_host_with_a_certificate_of_nobodys(clients, live, tmp_path):
    with repositories.serve(tmp_path / "git", Authority.make(tmp_path / "authority")) as other:
        commit(Repository.make(tmp_path / "git" / "app.git"), 2)
        url = other.url("app.git")
        told = clients.rsconnect("deploy", "git", "-r", url, "-a", live, "--no-polling", exits=1).out
    assert "127.0.0.1 shows a certificate that is not believed here" in told
    assert (
        "An operator can name a file with its authority's certificate by the setting sources.ca_file." in told
    )
    assert clients.open(live) == "version 1"


def test_a_repository_that_is_gone(clients, deploy_git, repository):
    made = repository("going")
    commit(made, 1)
    guid = guid_in(deploy_git(made))
    shutil.rmtree(made.path)
    told = deploy_git(made, "-a", guid, exits=1)
    assert "there is none at its address, or it shows itself to those only who may read it" in told
    assert "Check its address" in told
    assert clients.open(guid) == "version 1"
    assert (
        "there is none at its address" in clients.rsconnect("content", "repository", "show", "-g", guid).out
    )


def test_an_empty_repository(is_refused, repository):
    told = is_refused(repository("empty"))
    assert "there is nothing in it yet" in told
    assert "Push a commit to it." in told


def test_a_huge_repository(is_refused, repository):
    made = repository("huge")
    made.commit({**files(2), "data.bin": os.urandom(6 << 20)})
    told = is_refused(made)
    assert "it has more than 4 MB" in told
    assert "Take large files out of it; an operator can raise the setting sources.size_limit." in told


def test_a_hostile_gitmodules(is_refused, repository):
    made = repository("modules")
    modules = '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=id\n\tupdate = !touch /tmp/no\n'
    hostile = {".gitmodules": ("100644", "blob", made.blob(modules)), "x": ("160000", "commit", "1" * 40)}
    made.commit_tree(tree(made, **hostile), "Hostile")
    told = is_refused(made)
    assert "git found something in it that no honest repository holds" in told
    assert "git fsck --strict" in told


def test_hooks_and_attributes_run_nothing(clients, deploy_git, repository, tmp_path):
    """They are refused nothing: what is fetched is files, and nothing of them is run."""
    made = repository("hooked")
    ran = tmp_path / "ran"
    attributes = "* filter=evil diff=evil merge=evil\n"
    config = f'[filter "evil"]\n\tsmudge = touch {ran}\n'
    hook = f"#!/bin/sh\ntouch {ran}\n"
    made.commit({
        **files(1), ".gitattributes": attributes, ".gitconfig": config, "hooks/post-checkout": hook, ".githooks/post-merge": hook,
    })  # fmt: skip
    assert clients.open(guid_in(deploy_git(made))) == "version 1"
    assert not ran.exists()


@pytest.mark.parametrize("path", NAMES)
def test_hostile_names_of_paths(is_refused, repository, path):
    made = repository(f"names-{NAMES.index(path)}")
    made.commit_tree(tree(made, **{path: ("100644", "blob", made.blob("x"))}), "A name")
    told = is_refused(made)
    assert re.search(r"git found something in it|Rename it or take it out, and push that", told)


def test_a_link_that_leads_out_of_a_repository(is_refused, repository):
    made = repository("linked")
    made.commit_tree(tree(made, secrets=("120000", "blob", made.blob("/etc/passwd"))), "A link")
    told = is_refused(made)
    assert "secrets" in told
    assert "Rename it or take it out, and push that." in told


def test_a_repository_without_an_app(is_refused, repository):
    made = repository("appless")
    made.commit({"README": "words"})
    assert "no app and no index.html here" in is_refused(made)


def test_a_manifest_of_a_mode_that_is_not_served(is_refused, repository):
    made = repository("moded")
    made.commit({**wsgi(2), "manifest.json": manifest("quarto-static")})
    assert "quarto-static" in is_refused(made)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:hunter2@git.example.org/a.git", "Cannot follow this repository"),
        ("https://git.example.org/a.git?x=1", "Cannot follow this repository"),
        ("https://10.0.0.1/a.git", "it leads into this installation's own network"),
    ],
)
def test_addresses_that_are_not_followed(clients, live, url, told):
    out = clients.rsconnect("deploy", "git", "-r", url, "-a", live, "--no-polling", exits=1).out
    assert told in out
    assert clients.open(live) == "version 1"
