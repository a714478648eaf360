"""A WSGI app by rsconnect-python: deploy, deploy again, describe, download, draft, roll back."""

from __future__ import annotations

import tarfile

from tests.integration.connect.conftest import guid_in, wsgi


def test_deploying_and_what_comes_after(clients, folder):
    made = folder(wsgi(1))
    first = clients.rsconnect("deploy", "api", "--title", f"Sales {made.name}", ".", cwd=made)
    assert "Deployment completed successfully." in first.out
    guid = guid_in(made)
    assert clients.open(guid) == "version 1"
    (made / "app.py").write_text(wsgi(2)["app.py"])
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
    (made / "app.py").write_text(wsgi(3)["app.py"])
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
    made = folder(wsgi(1))
    clients.rsconnect("deploy", "api", "--metadata", "ticket=T-1", ".", cwd=made)
    bundles = clients.api(f"content/{guid_in(made)}/bundles")
    assert bundles[0]["metadata"]["ticket"] == "T-1"
