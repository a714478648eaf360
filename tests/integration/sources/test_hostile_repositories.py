"""What strangers put into a repository, and where they let it lie: refused with a reason, and nothing of it is run."""

import json
import os

import pytest

from tholos.testing.trial import eventually, wsgi

SETTINGS = {"THOLOS_SOURCES__SIZE_LIMIT": "400000", "THOLOS_SOURCES__FETCH_TIMEOUT_S": "20"}
ONE = wsgi("one")


@pytest.fixture
def entry():
    """A file's entry in a tree, and a link's."""

    def make(repository, content, mode="100644"):
        return (mode, "blob", repository.blob(content))

    return make


def asked(place, name, repository, **said):
    return place.trial.server.ask("PUT", f"/api/v1/apps/{name}/source", {"repository": repository, **said})


@pytest.mark.parametrize(
    "repository",
    [
        "ext::sh -c id",
        "ext::sh%20-c%20id",
        "fd::3",
        "file:///etc",
        "ftp://example.org/a.git",
        "git://example.org/a.git",
        "../a.git",
        "a.git",
        "--upload-pack=id",
        "ssh://-oProxyCommand=id/a",
        "-oProxyCommand=id@host:a",
        "git@-oProxyCommand=id:a",
        "https://example.org/a.git?x=1",
        "https://user:hunter2@example.org/a.git",
        "https://hunter2@example.org/a.git",
        "/etc/passwd",
        "https://example.org/../a",
    ],
)
def test_other_transports_and_addresses_are_refused(place, repository):
    answer = asked(place, "refused", repository)
    assert (answer.status, bool(json.loads(answer.body)["error"]["fix"])) == (400, True)
    assert "hunter2" not in answer.text
    assert place.trial.server.ask("GET", "/api/v1/apps/refused").status == 404


@pytest.mark.parametrize("url", ["http://[::1]:1/a.git", "http://10.0.0.1/a.git", "ssh://git@10.0.0.1/a.git"])
def test_inner_addresses_are_refused(place, url):
    error = place.refused("inner", url)
    assert (error["code"], "sources.allow_networks" in error["fix"]) == ("repository_refused", True)


def test_a_redirect_is_not_followed(place, repository):
    repository("elsewhere").commit(ONE)
    place.host.answer, place.host.location = 301, "http://10.0.0.1/elsewhere.git"
    error = place.refused("moved", place.host.url("moved.git"))
    assert (error["code"], "10.0.0.1" in error["message"]) == ("repository_moved", True)
    assert all("moved.git" in one for one in place.host.asked)


def test_a_link_out_of_the_listed_folders_is_refused(place, tmp_path):
    outside = tmp_path / "outside.git"
    outside.mkdir()
    (place.folder / "link.git").symlink_to(outside)
    assert place.refused("linked", str(place.folder / "link.git"))["code"] == "repository_refused"


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "repository_closed"), (403, "repository_closed"), (404, "repository_gone"), (503, "fetch_failed")],
)
def test_what_a_host_answers_is_said(place, status, code):
    place.host.answer = status
    assert place.refused(f"answer-{status}", place.host.url("none.git"))["code"] == code


def test_an_empty_repository_and_a_branch_that_is_not_there(place, repository):
    made = repository("empty")
    assert place.refused("empty", place.host.url("empty.git"))["code"] == "repository_empty"
    assert place.refused("empty", str(place.folder / "empty.git"))["code"] == "repository_empty"
    made.commit(ONE, branch="dev")
    error = place.refused("empty", place.host.url("empty.git"), branch="main")
    assert (error["code"], "dev" in error["message"]) == ("branch_gone", True)
    assert place.trial.state("empty") == "stopped"


def test_a_branch_that_goes_leaves_what_serves_and_is_told(place, repository):
    made = repository("going")
    made.commit(ONE, branch="dev")
    made.commit(ONE, branch="main")
    place.published("going", place.host.url("going.git"), branch="dev", polling=True)
    head = made.head("dev")
    made.git("update-ref", "-d", "refs/heads/dev")
    eventually(lambda: (place.source("going")["error"] or {}).get("code") == "branch_gone")
    assert place.trial.get("going").text == "one"
    made.git("update-ref", "refs/heads/dev", head)
    eventually(lambda: place.source("going")["error"] is None)
    assert len(place.commits("going")) == 1
    place.trial.server.api("PATCH", "/api/v1/apps/going/source", {"polling": False})


def test_a_repository_that_is_too_large_is_refused_and_leaves_room(place, repository):
    made = repository("huge")
    made.commit({**ONE, "data.bin": bytes(range(256)) + os.urandom(2_000_000)})
    error = place.refused("huge", place.host.url("huge.git"))
    assert (error["code"], "MB" in error["message"] or "larger" in error["message"]) == (
        "repository_too_large",
        True,
    )
    made.commit(ONE, anew=True)
    assert place.update("huge")["state"] == "done"


def test_many_commits_do_not_fill_the_disk(place, repository):
    """A mirror that grew beyond its limit is fetched anew."""
    made = repository("growing")
    for number in range(4):
        made.commit({**ONE, "data.bin": os.urandom(150_000), "n": str(number)})
        ended = place.published("growing", place.host.url("growing.git"))
        assert ended["result"]["release"] == number + 1


def test_submodules_are_neither_fetched_nor_run(place, repository, entry):
    made = repository("modules")
    modules = '[submodule "x"]\n\tpath = x\n\turl = http://127.0.0.1:9/x.git\n\tupdate = !touch /tmp/no\n'
    tree = made.tree({
        "app.py": entry(made, ONE["app.py"]),
        "x": ("160000", "commit", "1" * 40),
    })  # fmt: skip
    made.commit_tree(tree, "With a submodule")
    ended = place.published("modules", place.host.url("modules.git"))
    assert "x is a submodule" in place.log(ended)
    hostile = made.tree({"app.py": entry(made, ONE["app.py"]), ".gitmodules": entry(made, modules)})
    made.commit_tree(hostile, "With a hostile one")
    ended = place.update("modules")
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "repository_unsafe"
    assert place.trial.get("modules").text == "one"


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("..", "100644"),
        (".git", "100644"),
        (".GIT", "100644"),
        ("a\\b", "100644"),
        ("a\nb", "100644"),
        ("con\x01trol", "100644"),
    ],
)
def test_names_that_no_app_has_are_refused(place, repository, entry, path, mode):
    made = repository(f"name-{path.encode().hex()}")
    tree = made.tree({"app.py": entry(made, ONE["app.py"]), path: entry(made, "x", mode)})
    made.commit_tree(tree, "A name")
    error = place.refused("named", str(made.path))
    assert error["code"] in {"tree_refused", "repository_unsafe"}, error
    assert error["fix"]


def test_a_folder_of_git_itself_is_refused(place, repository, entry):
    made = repository("gitfolder")
    tree = {"app.py": entry(made, ONE["app.py"]), ".git/config": entry(made, "x")}
    made.commit_tree(made.tree(tree), "Its own folder")
    error = place.refused("gitfolder", str(made.path))
    assert error["code"] in {"tree_refused", "repository_unsafe"}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "nothing", "link"])
def test_links_that_lead_out_are_refused(place, repository, entry, target):
    made = repository(f"link-{target.encode().hex()}")
    made.commit_tree(
        made.tree({"app.py": entry(made, ONE["app.py"]), "link": entry(made, target, "120000")}), "A link"
    )
    error = place.refused("links", str(made.path))
    assert (error["code"], error["where"]) == ("tree_refused", "link")
    assert "link" in error["message"]


def test_a_link_inside_is_the_file_that_it_points_to(place, repository, entry):
    made = repository("linked")
    tree = {"real.py": entry(made, ONE["app.py"]), "app.py": entry(made, "real.py", "120000")}
    made.commit_tree(made.tree(tree), "A link")
    place.published("link-inside", place.host.url("linked.git"), overrides={"entrypoint": "app:app"})
    assert place.trial.get("link-inside").text == "one"


def test_hooks_and_attributes_of_a_repository_run_nothing(place, repository, entry, tmp_path):
    made = repository("hooked")
    mark = tmp_path / "ran"
    for name in ("post-checkout", "post-merge", "reference-transaction", "pre-receive", "post-update"):
        hook = made.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    made.git("config", "core.fsmonitor", f"touch {mark}")
    made.git("config", "uploadpack.packObjectsHook", f"touch {mark};")
    files = {
        **ONE,
        ".gitattributes": "*.py filter=evil export-ignore\n",
        ".gitconfig": "[alias]\n\tx = !id\n",
    }
    mark.unlink(missing_ok=True)
    made.commit(files)
    mark.unlink(missing_ok=True)
    place.published("hooked", str(made.path))
    assert place.trial.get("hooked").text == "one"
    assert not mark.exists()


def test_what_nobody_publishes_is_left_out_and_said(place, repository):
    made = repository("ignored")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    made.commit(
        {**ONE, ".env": "SECRET=1", "notes.txt": "x", ".tholosignore": "notes.txt\n", "data.bin": pointer}
    )
    log = place.log(place.published("ignored", place.host.url("ignored.git")))
    assert ".env (it may hold secrets)" in log
    assert "notes.txt (.tholosignore line 1: notes.txt)" in log
    assert "data.bin is kept by Git LFS" in log


def test_a_folder_that_is_not_in_a_commit_is_said(place, repository):
    repository("folderless").commit(ONE)
    for folder in ("apps/sales", "app.py", "with space"):
        error = place.refused("folderless", place.host.url("folderless.git"), subdirectory=folder)
        assert (error["code"], error["where"]) == ("subdirectory_gone", folder)
    assert asked(place, "folderless", place.host.url("x.git"), subdirectory="../x").status == 400
    assert asked(place, "folderless", place.host.url("x.git"), subdirectory=".git/x").status == 400
    assert asked(place, "folderless", place.host.url("x.git"), branch="--upload-pack=id").status == 400


def test_a_repository_without_an_app_is_refused_with_what_to_do(place, repository):
    repository("appless").commit({"README": "words"})
    error = place.refused("appless", place.host.url("appless.git"))
    assert error["code"] == "nothing_to_publish"
    assert place.commits("appless")[0]["state"] == "failed"
    assert place.source("appless")["error"]["message"] == error["message"]
