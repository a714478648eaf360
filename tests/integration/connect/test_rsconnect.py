"""A WSGI app by rsconnect-python: deploy, deploy again, describe, download, draft, roll back."""

from __future__ import annotations

import json
import tarfile

APP = '''"""Says which version it is; needs no package."""


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"version {version}"]
'''


def files(version: int) -> dict[str, str]:
    return {
        "app.py": APP.replace("{version}", str(version)),
        "requirements.txt": "\n",
        ".python-version": "3.11\n",
    }


def guid_in(made) -> str:
    record = next((made / "rsconnect-python").glob("*.json"))
    return next(iter(json.loads(record.read_text()).values()))["app_guid"]


def test_deploying_and_what_comes_after(clients, folder):
    made = folder(files(1))
    first = clients.rsconnect("deploy", "api", "--title", f"Sales {made.name}", ".", cwd=made)
    assert "Deployment completed successfully." in first.out
    guid = guid_in(made)
    assert clients.open(guid) == "version 1"
    (made / "app.py").write_text(files(2)["app.py"])
    clients.rsconnect("deploy", "api", ".", cwd=made)
    assert clients.open(guid) == "version 2"
    told = clients.rsconnect("content", "describe", "-g", guid).json[0]
    assert (told["title"], told["app_mode"], told["access_type"]) == (
        f"Sales {made.name}",
        "python-api",
        "acl",
    )
    packed = made.parent / "downloaded.tar.gz"
    clients.rsconnect("content", "download-bundle", "-g", guid, "-o", str(packed))
    with tarfile.open(packed) as archive:
        names = {member.name for member in archive if member.isfile()}
        assert names == {"app.py", "requirements.txt", "manifest.json", ".python-version"}
        assert archive.extractfile("app.py").read() == (made / "app.py").read_bytes()
    (made / "app.py").write_text(files(3)["app.py"])
    draft = clients.rsconnect("deploy", "api", "--draft", ".", cwd=made)
    assert "/draft/" in draft.out
    assert clients.open(guid) == "version 2"
    bundles = clients.api(f"content/{guid}/bundles")
    assert [one["active"] for one in bundles] == [False, True, False]
    assert clients.open(guid, f"_bundle{bundles[0]['id']}/") == "version 3"
    clients.python(
        "import sys; from posit import connect\n"
        "client = connect.Client()\n"
        "content = client.content.get(sys.argv[1])\n"
        "content.bundles.get(sys.argv[2]).deploy().wait_for()\n",
        guid, bundles[2]["id"],
    )  # fmt: skip
    assert clients.open(guid) == "version 1"


def test_two_parts_of_one_upload(clients, folder):
    """What is said of where a bundle comes from stands at the bundle."""
    made = folder(files(1))
    clients.rsconnect("deploy", "api", "--metadata", "ticket=T-1", ".", cwd=made)
    bundles = clients.api(f"content/{guid_in(made)}/bundles")
    assert bundles[0]["metadata"]["ticket"] == "T-1"


def test_an_archive_that_is_none_is_refused(clients, folder):
    made = folder(files(1))
    clients.rsconnect("deploy", "api", ".", cwd=made)
    refused = clients.python(
        "import sys; from posit import connect\n"
        "client = connect.Client()\n"
        "client.content.get(sys.argv[1]).bundles.create(b'no archive')\n",
        guid_in(made), exits=1,
    )  # fmt: skip
    assert "neither a tar" in refused.out
    assert clients.open(guid_in(made)) == "version 1"
