"""What a person reads in the terminal of rsconnect-python when something is wrong, and that what served goes on serving.

What can be wrong, and the test that shows what is said of it; those of repositories are in test_rsconnect_git.

wrong key                               test_a_key_that_is_none
expired key                             test_a_key_that_has_expired
unknown content                         test_content_that_is_not_there
foreign content                         test_content_of_somebody_else_is_not_told_apart_from_none
a bundle without a manifest             test_an_archive_without_a_manifest
with a manifest of another version      test_a_manifest_of_another_version
with wrong checksums                    test_checksums_that_are_wrong_do_not_matter
with links                              test_a_link_that_leads_out_of_the_archive, test_hostile_members
with absolute paths                     test_hostile_members
with a missing file                     test_a_listed_file_that_is_needed_is_missing, test_an_entry_point_without_a_file
an app mode that is not served          test_an_app_mode_that_is_not_served
a Python version that is not here       test_a_python_that_is_not_here
requirements that do not resolve        test_a_package_that_there_is_not, test_packages_that_exclude_each_other
an upload that is cut at half           test_an_upload_that_ends_halfway
two deploys at once                     test_two_deploys_at_once_end_both_and_the_later_one_wins
a repository that is gone               test_a_repository_that_is_gone
huge                                    test_a_huge_repository
empty                                   test_an_empty_repository
pushed by force                         test_what_was_pushed_by_force_is_what_there_is
with a hostile .gitmodules              test_a_hostile_gitmodules
with hooks                              test_hooks_and_attributes_run_nothing
with hostile names of paths             test_hostile_names_of_paths, test_a_link_that_leads_out_of_a_repository
private, without a credential           test_a_private_repository_without_a_credential_and_with_one
without the branch or the folder        test_a_branch_that_is_not_there, test_a_subdirectory_that_is_not_there
"""

from __future__ import annotations

import contextlib
import re
import socket
import sqlite3
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.integration.connect import test_rsconnect_git
from tests.integration.connect.conftest import guid_in, manifest, pack, wsgi

from tholos.testing.waiting import until

PAST = "2001-01-01 00:00:00.000000"
NOBODYS = "00000000-0000-0000-0000-000000000000"
UPLOAD = """
import sys
from posit import connect
client = connect.Client()
client.content.get(sys.argv[1]).bundles.create(sys.argv[2])
"""


@pytest.fixture(scope="module")
def live(clients, tmp_path_factory):
    """The folder of an app that serves version 1."""
    made = tmp_path_factory.mktemp("live") / "live"
    made.mkdir()
    for path, text in wsgi(1).items():
        (made / path).write_text(text)
    clients.deploys(made)
    return made


@pytest.fixture
def sends(clients, tmp_path):
    """Deploys an archive as new content, and answers what the client printed."""

    def send(data, *words, exits=0):
        packed = tmp_path / "bundle.tar.gz"
        packed.write_bytes(data)
        return clients.rsconnect("deploy", "bundle", *(words or ["--new"]), str(packed), exits=exits).out

    return send


@pytest.fixture
def is_refused(clients, sends, live):
    """Deploys an archive that cannot be taken to what serves, which goes on serving; what the client printed."""

    def refuse(data, *words):
        told = sends(data, *(words or ["-a", guid_in(live)]), exits=1)
        assert clients.open(guid_in(live)) == "version 1"
        return told

    return refuse


@pytest.fixture
def uploads(clients, live, tmp_path):
    """The same of what that client would not read itself, by the other one."""

    def upload(data):
        packed = tmp_path / "bundle.tar.gz"
        packed.write_bytes(data)
        told = clients.python(UPLOAD, guid_in(live), str(packed), exits=1).out
        assert clients.open(guid_in(live)) == "version 1"
        return told

    return upload


def link(path, target, kind=tarfile.SYMTYPE):
    member = tarfile.TarInfo(path)
    member.type, member.linkname = kind, target
    return member


def test_what_is_listed_above_is_tested():
    named = set(re.findall(r"test_\w+", __doc__)) - {"test_rsconnect_git"}
    assert len(named) > 20
    assert named <= {*globals(), *vars(test_rsconnect_git)}


# Who deploys


def test_a_key_that_is_none(clients, folder):
    told = clients.of("nonsense").deploys(folder(wsgi()), exits=1)
    assert "The specified API key is not valid." in told


def test_a_key_that_has_expired(server, clients, folder):
    key = server.new_account("eve")
    with contextlib.closing(sqlite3.connect(server.data / "tholos.db")) as database, database:
        database.execute(
            "UPDATE tokens SET expires_at = ? "
            "WHERE account_id = (SELECT id FROM accounts WHERE name = 'eve')",
            [PAST],
        )
    told = clients.of(key).deploys(folder(wsgi()), exits=1)
    assert "The specified API key is not valid." in told


def test_a_viewer_does_not_deploy(server, clients, folder):
    viewer = clients.of(server.new_account("vera", "viewer"))
    assert "API key" not in viewer.rsconnect("content", "search").out
    told = viewer.deploys(folder(wsgi()), exits=1)
    assert "it needs the role publisher, and vera is a viewer. Ask an administrator" in told


def test_content_that_is_not_there(clients, folder):
    told = clients.deploys(folder(wsgi()), "-a", NOBODYS, exits=1)
    assert f"There is no content {NOBODYS}. See what there is: rsconnect content search" in told
    assert "--new" in told


def test_content_of_somebody_else_is_not_told_apart_from_none(server, clients, folder, live):
    other = clients.of(server.new_account("olga"))
    told = other.deploys(folder(wsgi(2)), "-a", guid_in(live), exits=1)
    assert f"There is no content {guid_in(live)}." in told
    assert live.name not in told
    assert clients.open(guid_in(live)) == "version 1"


def test_an_id_that_is_no_guid(clients, folder):
    told = clients.deploys(folder(wsgi()), "-a", "not-a-guid", exits=1)
    assert "is no GUID" in told


def test_a_server_under_a_path(server, clients, folder):
    """Nothing is served below a prefix, and that is what is said."""
    told = clients.rsconnect("add", "-s", f"{server.url}/rsc", "-n", "below", "-k", clients.key, exits=1)
    assert "There is no server at /rsc: this one has no path. Leave the path out" in told.out


# What is sent


def test_bytes_that_are_no_archive(uploads):
    assert "135" in (told := uploads(b"no archive"))
    assert "it is neither a tar" in told


def test_an_archive_without_a_manifest(uploads):
    assert "there is no manifest.json in it. Write it with: rsconnect write-manifest" in uploads(pack(wsgi()))


def test_a_manifest_of_another_version(is_refused):
    told = is_refused(pack({**wsgi(), "manifest.json": manifest(version=2)}))
    assert "manifest.json cannot be used, it is not of version 1" in told


def test_a_damaged_manifest(uploads):
    told = uploads(pack({**wsgi(), "manifest.json": manifest()[:100] + "\n{"}))
    assert "manifest.json cannot be used, line 2 is not JSON" in told


def test_a_manifest_without_an_app_mode(uploads):
    told = uploads(pack({**wsgi(), "manifest.json": manifest(metadata={})}))
    assert "manifest.json names no app mode" in told


def test_checksums_that_are_wrong_do_not_matter(clients, sends):
    assert "completed" in sends(pack({**wsgi(), "manifest.json": manifest()}), exits=0)


def test_a_link_that_leads_out_of_the_archive(is_refused):
    told = is_refused(pack({**wsgi(), "manifest.json": manifest()}, [link("x", "/etc/passwd")]))
    assert "Cannot unpack the link 'x': it points out of the archive, to '/etc/passwd'." in told


@pytest.mark.parametrize(
    ("files", "members", "told"),
    [
        ({}, [link("x", "../../etc/passwd")], "the link 'x': it points out of the archive"),
        ({}, [link("x", "gone", tarfile.LNKTYPE)], "the link 'x': "),
        ({}, [link("x", "", tarfile.CHRTYPE)], "'x': it is a device"),
        ({"/etc/evil": "x"}, [], "'/etc/evil': its path is absolute"),
        ({"../evil": "x"}, [], "'../evil': its path has the component '..'"),
        ({"a/../../evil": "x"}, [], "'a/../../evil': its path has the component '..'"),
    ],
)
def test_hostile_members(uploads, files, members, told):
    refused = uploads(pack({**wsgi(), "manifest.json": manifest(), **files}, members))
    assert "135" in refused
    assert f"Cannot unpack {told}" in refused


def test_a_listed_file_that_is_needed_is_missing(is_refused):
    files = {path: text for path, text in wsgi().items() if path != "requirements.txt"}
    told = is_refused(pack({**files, "manifest.json": manifest()}))
    assert "names 'requirements.txt' as the file of its packages, which is not in it" in told


def test_a_listed_file_that_is_not_needed_is_missing(sends):
    listed = {"app.py": {"checksum": ""}, "data.csv": {"checksum": ""}}
    assert "completed" in sends(pack({**wsgi(), "manifest.json": manifest(files=listed)}), exits=0)


def test_an_entry_point_without_a_file(is_refused):
    told = is_refused(pack({**wsgi(), "manifest.json": manifest(entrypoint="gone:app")}))
    assert "begins at 'gone:app', and no file in it is that" in told


def test_an_entry_point_that_the_file_does_not_have(is_refused):
    told = is_refused(pack({**wsgi(), "manifest.json": manifest(entrypoint="app:gone")}))
    assert "manifest.json does not fit the files beside it." in told
    assert "app.py has no 'gone'" in told


@pytest.mark.parametrize("mode", ["api", "quarto-static", "nodejs", "tensorflow-saved-model"])
def test_an_app_mode_that_is_not_served(is_refused, mode):
    told = is_refused(pack({**wsgi(), "manifest.json": manifest(mode)}), "--new")
    assert f"its app mode {mode!r} is not served here. Served are " in told
    assert "python-api" in told


def test_content_stays_of_its_app_mode(clients, live, tmp_path):
    packed = tmp_path / "site.tar.gz"
    site = manifest("static", "index.html", python=None)
    packed.write_bytes(pack({"index.html": "a site", "manifest.json": site}))
    told = clients.python(
        "import sys; from posit import connect\n"
        "client = connect.Client()\n"
        "content = client.content.get(sys.argv[1])\n"
        "content.bundles.create(open(sys.argv[2], 'rb')).deploy()\n",
        guid_in(live), str(packed), exits=1,
    ).out  # fmt: skip
    assert "the content is python-api, and the bundle static" in told
    assert clients.open(guid_in(live)) == "version 1"


# What is built and started


@pytest.mark.parametrize("words", [(), ("--override-python-version", "3.4.1")])
def test_a_python_that_is_not_here(clients, folder, live, words):
    files = {path: text for path, text in wsgi().items() if path != ".python-version" or not words}
    told = clients.deploys(
        folder({**files, **({} if words else {".python-version": "3.4\n"})}),
        "-a", guid_in(live), *words, exits=1,
    )  # fmt: skip
    assert clients.open(guid_in(live)) == "version 1"
    assert re.search(r"3\.4\S* fits none of those installed: 3\.", told)
    assert "Ask for another in .python-version or in pyproject.toml" in told


def test_a_package_that_there_is_not(clients, folder, live):
    made = folder({**wsgi(), "requirements.txt": "no-such-package-of-tholos==1.0\n"})
    told = clients.deploys(made, "-a", guid_in(live), exits=1)
    assert clients.open(guid_in(live)) == "version 1"
    assert "no-such-package-of-tholos is not on the index" in told
    assert "at requirements.txt:1" in told
    assert "[python-package-version-not-available]" in told
    assert "Task exited with status 1." in told


def test_packages_that_exclude_each_other(clients, folder, live):
    made = folder({**wsgi(), "requirements.txt": "flask==3.0.0\nwerkzeug==1.0.1\n"})
    told = clients.deploys(made, "-a", guid_in(live), exits=1)
    assert clients.open(guid_in(live)) == "version 1"
    assert "flask==3.0.0 needs werkzeug>=3.0.0, but werkzeug==1.0.1 is required as well." in told
    assert "[python-package-version-not-available]" in told


@pytest.mark.parametrize("code", ["raise RuntimeError('boom')\n", "import nowhere_to_be_found\n"])
def test_an_app_that_ends_while_it_starts(clients, live, code):
    """The draft is never activated, the first cause is told with its line, and what is live answers."""
    before = (live / "app.py").read_text()
    (live / "app.py").write_text(before + code)
    try:
        told = clients.deploys(live, exits=1)
    finally:
        (live / "app.py").write_text(before)
    assert code.split()[1].partition("(")[0] in told
    assert "app.py:7" in told
    assert "Activating deployed content" not in told
    assert clients.open(guid_in(live)) == "version 1"


def test_an_app_that_answers_with_an_error(clients, live):
    before = (live / "app.py").read_text()
    (live / "app.py").write_text(
        before.replace("    return", "    raise ValueError('no answer')\n    return")
    )
    try:
        told = clients.deploys(live, exits=1)
    finally:
        (live / "app.py").write_text(before)
    assert "GET / → 500: ValueError: no answer" in told
    assert clients.open(guid_in(live)) == "version 1"


# Names and variables


def test_titles_of_two_and_seventy_characters(clients, folder):
    short, long, again = (folder(wsgi(), "title") for _ in range(3))
    clients.deploys(short, "--title", "ab", "--no-verify")
    clients.deploys(long, "--title", "x" * 70, "--no-verify")
    clients.deploys(again, "--title", "x" * 70, "--no-verify")
    names = [clients.api(f"content/{guid_in(made)}")["name"] for made in (short, long, again)]
    assert names == ["_ab", "x" * 64, f"{'x' * 64}1"]
    assert clients.open(guid_in(again)) == "version 1"


@pytest.mark.parametrize("name", ["CONNECT_SERVER", "CONNECT_API_KEY", "PATH", "THOLOS_APP"])
def test_a_variable_that_the_server_sets(clients, folder, name):
    told = clients.deploys(folder(wsgi()), "-E", f"{name}=mine", exits=1)
    assert f"Cannot set {name}: " in told
    assert "Choose another name." in told


# Several things at once


def test_an_upload_that_ends_halfway(server, clients, live):
    guid = guid_in(live)
    before = clients.api(f"content/{guid}/bundles")
    data = pack({**wsgi(2), "manifest.json": manifest()})
    for framing in (f"Content-Length: {len(data)}", "Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            half = data[: len(data) // 2]
            head = (
                f"POST /__api__/v1/content/{guid}/bundles HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
                f"Authorization: Key {clients.key}\r\n{framing}\r\n\r\n"
            )
            sent = f"{len(half):x}\r\n".encode() + half + b"\r\n" if "chunked" in framing else half
            connection.sendall(head.encode() + sent)
    clients.deploys(live)
    assert len(clients.api(f"content/{guid}/bundles")) == len(before) + 1
    assert clients.open(guid) == "version 1"
    assert "request_broke" not in server.log.read_text()


def test_two_deploys_at_once_end_both_and_the_later_one_wins(clients, folder):
    made = folder(wsgi(1))
    clients.deploys(made)
    first, second = (pack({**wsgi(one), "manifest.json": manifest()}) for one in ("first", "second"))
    (made / "first.tar.gz").write_bytes(first)
    (made / "second.tar.gz").write_bytes(second)
    told = clients.python(
        "import sys; from posit import connect\n"
        "client = connect.Client()\n"
        "content = client.content.get(sys.argv[1])\n"
        "tasks = [content.bundles.create(open(one, 'rb')).deploy() for one in sys.argv[2:]]\n"
        "for task in tasks:\n"
        "    task.wait_for()\n"
        "    print(task['code'], task['finished'])\n",
        guid_in(made), str(made / "first.tar.gz"), str(made / "second.tar.gz"),
    ).out  # fmt: skip
    assert told.split() == ["0", "True", "0", "True"]
    assert clients.open(guid_in(made)) == "version second"


def test_two_people_deploy_one_folder_at_once(clients, folder):
    """Each is served in turn; neither is told to come back later."""
    made = folder(wsgi(1))
    clients.deploys(made)
    guid = guid_in(made)
    others = [folder(wsgi(version)) for version in ("a", "b")]
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda one: clients.deploys(one, "-a", guid), others))
    assert all("Direct content URL" in one for one in told)
    assert clients.open(guid) in {"version a", "version b"}


def test_deleting_while_it_is_deployed(clients, folder):
    """Deleting has its turn after what is under way; the deploy that follows is told what to do."""
    made = folder(wsgi(1))
    clients.deploys(made)
    guid = guid_in(made)
    (made / "app.py").write_text("import time\ntime.sleep(3)\n" + wsgi(2)["app.py"])
    deploying = subprocess.Popen(
        ["rsconnect", "deploy", "api", "--no-verify", "."], cwd=made, env=clients.env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        until(lambda: len(clients.api(f"content/{guid}/bundles")) == 2)
        clients.python(
            "import sys; from posit import connect\n"
            "client = connect.Client()\n"
            "client.content.get(sys.argv[1]).delete()\n",
            guid,
        )
    finally:
        told = deploying.communicate(timeout=60)[0]
    assert "Activating…" in told
    assert f"There is no content {guid}." in clients.deploys(made, exits=1)
    assert "completed" in clients.deploys(made, "--new")
