"""A server that runs as an ordinary user: what of the walls is left, what it says of that, and that it serves all the same.

With user namespaces it has bubblewrap; without, Landlock. Either way it gives no users, and limits only where groups are its own.
"""

import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tholos.testing.installation import OURS, Installation
from tholos.testing.trial import Trial, wsgi

USER = 61_234
"""Nobody's. See systemd's UIDS-GIDS."""
BECOMES = """
set -e
mount --make-rprivate /
if ! setpriv --reuid={user} --regid={user} --clear-groups test -x {python}; then
    mkdir -p {folder}/python
    mount --bind {prefix} {folder}/python
    mount -t tmpfs -o mode=755 none {top}
    mkdir -p {prefix}
    mount --move {folder}/python {prefix}
fi
exec setpriv --reuid={user} --regid={user} --clear-groups --bounding-set=-all -- "$@"
"""
"""What this interpreter is made of may lie in root's home: then that holds nothing else for who is started so."""
NO_NAMESPACES = "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n"
LOOKS = """
import json
import os
import socket


def tries(do, *what):
    try:
        do(*what)
    except OSError as error:
        return type(error).__name__
    return "done"


def orders(path):
    with socket.socket(socket.AF_UNIX) as own:
        own.settimeout(20)
        own.connect(path)
        own.sendall(b'{"id": 1, "op": "list"}\\n')
        if not own.recv(1):
            raise ConnectionError


def others(folder):
    if len(os.listdir(folder)) < 2:
        raise FileNotFoundError


def app(environ, start_response):
    data, server = environ["QUERY_STRING"], int(environ.get("HTTP_X_SERVER", 0))
    found = {
        "user": os.getuid(),
        "key": tries(open, data + "/keys/passes.pem"),
        "rows": tries(open, data + "/tholos.db"),
        "others": tries(others, data + "/apps"),
        "writes": tries(open, "/usr/here", "w"),
        "kept": tries(open, os.environ["THOLOS_DATA"] + "/kept", "w"),
        "server": tries(os.kill, server or 1, 0),
        "memory": tries(open, "/proc/%d/environ" % server),
        "orders": tries(orders, data + "/run/supervisor.sock"),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(found).encode()]
"""


def run_as_user(folder: Path) -> tuple[str, ...]:
    prefix = Path(os.path.realpath(OURS[0])).parent.parent
    script = folder / "become.sh"
    script.write_text(
        BECOMES.format(
            user=USER, python=shlex.quote(OURS[0]), folder=folder, prefix=prefix, top=f"/{prefix.parts[1]}"
        )
    )
    return ("unshare", "--mount", "sh", str(script), *OURS)


@pytest.fixture(scope="module")
def served() -> Iterator[Installation]:
    if os.getuid() != 0:
        pytest.skip("only root becomes somebody else; who is not is an ordinary user in all the other tests")
    folder = Path(tempfile.mkdtemp(prefix="tholos-user-"))  # pytest's own folders are root's alone
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin" / "bwrap").write_text(NO_NAMESPACES)
    (folder / "bin" / "bwrap").chmod(0o755)
    settings = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "home")}
    made = Installation(folder / "home", settings, run_as_user(folder))
    made.folder.mkdir()
    os.chown(made.folder, USER, USER)
    if subprocess.run([*made.command[:4], "true"], check=False, capture_output=True).returncode:
        shutil.rmtree(folder)
        pytest.skip("this root may not mount, or become anybody")
    try:
        made.start()
        trial = Trial(made)
        trial.publish("plain", wsgi("good"))
        trial.publish("looks", {"app.py": LOOKS})
        yield made
        made.clean()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["namespaces", "none"])
def installation(request, served: Installation) -> Installation:
    """Begun anew, so that it looks again which walls there are."""
    own = {name: value for name, value in served.settings.items() if name != "PATH"}
    none = {"PATH": f"{served.folder.parent / 'bin'}:{os.environ['PATH']}"}
    served.settings = own | (none if request.param == "none" else {})
    served.stop()
    served.start()
    return served


def test_it_serves_and_says_which_walls_there_are(installation):
    trial = Trial(installation)
    assert trial.get("plain").text == "good"
    told = json.loads(installation.cli("doctor", "--data", str(installation.data), "--json").stdout)
    checks = {one["name"]: one for one in told["checks"]}
    assert "does not run as root" in checks["uid"]["text"]
    assert {checks[one]["verdict"] for one in ("uid", "cgroups", "sandbox")} == {"note"}
    assert "as root" in checks["cgroups"]["fix"]
    has_namespaces = "PATH" not in installation.settings
    assert checks["bubblewrap"]["verdict"] == ("ok" if has_namespaces else "note")
    assert Path(f"/proc/{trial.instance('plain')['pid']}").stat().st_uid == USER


def test_an_app_finds_nothing_of_the_server(installation):
    trial = Trial(installation)
    got = trial.get("looks", f"/?{installation.data}", headers={"X-Server": str(installation.pid)})
    found = json.loads(got.body)
    assert found.pop("user") == USER
    assert found.pop("kept") == "done"
    assert "done" not in found.values(), found


LISTENS = "PORT={port} exec python -m http.server --bind 127.0.0.1 {port}"


def test_of_two_apps_on_one_port_the_second_is_told_who_has_it(installation):
    trial = Trial(installation)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = {"Procfile": f"web: {LISTENS.format(port=port)}\n"}
    trial.publish("holds", files)
    error = trial.fail("wants", files)
    assert (
        f"holds listens on port {port}, and this machine has one 127.0.0.1 for all apps" in error["message"]
    )
    assert "tholos doctor" in error["fix"]
    if "PATH" not in installation.settings:  # it has namespaces
        assert installation.cli("limits", "wants", "--network", "off").returncode == 0
        assert trial.get("wants").status == trial.get("holds").status == 200
    for name in ("holds", "wants"):
        trial.delete(name)
