"""Apps that try: each is contained, its owner is told, and nobody else feels it. On the walls that this machine has, both ways.

One app runs whatever it is sent, so that each test is a few lines of what an attacker would write; another one is asked all the
time meanwhile.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest

from tholos.gateway.render import ROUTES
from tholos.runtime import walls
from tholos.testing.asking import Asker
from tholos.testing.trial import Json, Trial, eventually, wsgi

WAYS = ("door", "gateway")
SETTINGS = {
    "THOLOS_APPS__MEMORY_MB": "256",
    "THOLOS_APPS__PROCESSES": "60",
    "THOLOS_APPS__FALLBACK_S": "0",
    "THOLOS_APPS__LOG_LIMIT": str(1 << 20),
    "THOLOS_APPS__DISK_MB": "40",
    "THOLOS_APPS__DISK_INTERVAL_S": "0.5",
}

RUNS_ANYTHING = """
import json


def app(environ, start_response):
    code = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    names = {"found": "nothing"}
    try:
        exec(code, names)
    except BaseException as error:
        names["found"] = "%s %s" % (type(error).__name__, getattr(error, "errno", error))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(names["found"], default=str).encode()]
"""
NEIGHBOUR = """
import os
import socket

heard = socket.socket(socket.AF_UNIX)
heard.bind("\\0neighbours-own")
heard.listen()
listening = socket.create_server(("127.0.0.1", 0))
port = listening.getsockname()[1]
with open("/proc/net/tcp") as rows:
    (found,) = [row.split()[1] for row in rows if row.split()[1].endswith(":%04X" % port)]
address = socket.inet_ntoa(bytes.fromhex(found[:8])[::-1])
for name, kept in (("kept", "neighbour's"), ("port", address + " " + str(port))):
    with open(os.environ["THOLOS_DATA"] + "/" + name, "w") as file:
        file.write(kept)
"""
STUBBORN = """
import os
import signal

first = os.environ["THOLOS_DATA"] + "/first"
if not os.path.exists(first):
    open(first, "w").close()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.execvp("python", ["python", "-m", "http.server", "--bind", "127.0.0.1", os.environ["PORT"]])
"""
"""Its first process does not hear that it should end; the next does, and nobody waits for it."""

Attack = Callable[[str], object]


@pytest.fixture(scope="module")
def found() -> walls.Walls:
    return walls.find()


@dataclass(frozen=True)
class Stubborn:
    pid: int
    log: Path


@pytest.fixture(scope="module", autouse=True)
def tenants(trial: Trial) -> Iterator[Stubborn]:
    """The bad app, and the good one, which somebody asks from the first test to the last. The stubborn one has been told to end."""
    trial.publish("bad", {"app.py": RUNS_ANYTHING})
    trial.publish("good", wsgi("good", before=NEIGHBOUR))
    trial.publish("stubborn", {"Procfile": "web: exec python serve.py\n", "serve.py": STUBBORN})
    before = trial.instance("stubborn")
    (log,) = trial.server.data.glob(f"apps/*/logs/*{before['id']}.log")
    assert trial.wait(_restart(trial, "stubborn"))["state"] == "done"
    with Asker(trial.server, "good", pause_s=0.05) as asker:
        eventually(lambda: len(asker.asked) > 2)
        yield Stubborn(cast("int", before["pid"]), log)
    assert asker.failures == []
    assert asker.texts == ["good"]


@pytest.fixture
def attack(trial: Trial) -> Attack:
    """What code finds that runs in the bad app."""

    def run(code: str) -> object:
        return json.loads(trial.server.ask("POST", "/", code.encode(), host="bad").body)

    return run


@pytest.fixture(autouse=True)
def good(trial: Trial) -> Iterator[None]:
    """The neighbour runs as it did, whatever the bad one does."""
    before = trial.instance("good")["pid"]
    yield
    assert trial.get("good").text == "good"
    assert trial.instance("good")["pid"] == before


def need(found: walls.Walls, *layers: str) -> None:
    if lacking := [one for one in layers if not found.has(one)]:
        pytest.skip(f"this machine has no {', '.join(lacking)}: {found.missing[lacking[0]]}")


def inside(trial: Trial, name: str) -> int:
    """The process of an app itself, behind the walls."""
    leader = cast("int", trial.instance(name)["pid"])
    own = [one.pid for one in trial.processes() if one.session == leader]
    return max(own)


def is_by_gateway(trial: Trial) -> bool:
    return "THOLOS_GATEWAY__MODE" in trial.server.settings


def of_proxy(trial: Trial) -> list[Path]:
    """What it lives by: the hashes of tokens, and which passes are believed."""
    if not is_by_gateway(trial):
        return []
    folder = trial.server.data / "proxy"
    used = sha256(trial.server.token.encode()).hexdigest().encode()
    eventually(lambda: used in (folder / ROUTES).read_bytes())
    return [folder, *folder.iterdir()]


def sockets_of(trial: Trial) -> list[Path]:
    """Of the server, the proxy and every instance: all that is listened on in folders of this installation."""
    listed = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "/" in line]
    run = trial.instance("bad")["address"]
    folder = Path(str(run).removeprefix("unix:")).parents[1]
    return sorted({Path(one) for one in listed if one.startswith((f"{folder}/", f"{trial.server.data}/"))})


def test_is_a_user_of_its_own_without_rights(attack: Attack, found: walls.Walls) -> None:
    need(found, "bubblewrap", "seccomp")
    user, status = cast(
        "tuple[int, str]", attack("import os\nfound = os.getuid(), open('/proc/self/status').read()")
    )
    told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (told["NoNewPrivs"], told["Seccomp"], int(told["CapEff"], 16), int(told["CapBnd"], 16)) == (
        "1",
        "2",
        0,
        0,
    )
    assert (user != 0) or not found.has("uid")


def test_sees_no_process_but_its_own(trial: Trial, attack: Attack, found: walls.Walls) -> None:
    need(found, "bubblewrap")
    seen = cast(
        "list[str]", attack("import os\nfound = [one for one in os.listdir('/proc') if one.isdecimal()]")
    )
    assert len(seen) < 5
    proxies = [one.pid for one in trial.processes() if one.is_proxy]
    assert len(proxies) == is_by_gateway(trial)
    for pid in (trial.server.pid, trial.server.supervisor_pid, inside(trial, "good"), *proxies):
        for name in ("environ", "mem", "root/etc/hosts"):
            assert attack(f"open('/proc/{pid}/{name}').read(1)") == "FileNotFoundError 2"
        assert attack(f"import os\nos.kill({pid}, 9)") == "ProcessLookupError 3"
        assert attack(f"import os\nos.pidfd_open({pid})") in {"ProcessLookupError 3", "OSError 38"}


def test_reaches_nothing_of_the_server_or_its_neighbour(
    trial: Trial, attack: Attack, found: walls.Walls
) -> None:
    need(found, "bubblewrap")
    data = trial.server.data
    (kept,) = data.glob("apps/*/data/kept")
    for path in (
        data / "tholos.db",
        data / "keys",
        data / "store",
        data / "supervisor",
        kept,
        *of_proxy(trial),
    ):
        assert path.exists()
        assert attack(f"import os\nos.stat({str(path)!r})") == "FileNotFoundError 2"
    sockets = [one for one in sockets_of(trial) if one.parent.name != trial.instance("bad")["id"]]
    assert [one for one in sockets if one.name.startswith("proxy")] or not is_by_gateway(trial)
    for place in sockets:
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(place)!r})"
        assert attack(code) == "FileNotFoundError 2"
    assert attack("found = open('/etc/shadow').read()") == "FileNotFoundError 2"
    apps = cast("list[str]", attack(f"import os\nfound = os.listdir({str(data / 'apps')!r})"))
    assert len(apps) == 1


def test_nothing_of_ours_listens_but_at_the_one_port(trial: Trial) -> None:
    """Neither the server, nor the supervisor, nor the proxy: there is no port of administration to guard."""
    ours = [trial.server.pid, trial.server.supervisor_pid]
    ours += [one.pid for one in trial.processes() if one.is_proxy]
    assert {port for pid in ours for port in listening(pid)} == {trial.server.port}


def listening(pid: int) -> Iterator[int]:
    """Ports of the sockets of a process that wait for connections (proc_net_tcp(5): state 0A)."""
    held = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            held.add(str(one.readlink()))
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = row.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in held:
                yield int(local.rpartition(":")[2], 16)


def test_reaches_no_abstract_socket(attack: Attack, found: walls.Walls) -> None:
    need(found, "scopes")
    code = "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0neighbours-own')"
    assert attack(code) == "PermissionError 1"


def test_writes_nowhere_but_in_its_own_folders(attack: Attack, found: walls.Walls) -> None:
    need(found, "bubblewrap")
    for path in ("/usr/bin/env", "/etc/hosts"):
        assert attack(f"open({path!r}, 'a')") in {"OSError 30", "PermissionError 13"}
    assert attack("import sys\nopen(sys.prefix + '/pyvenv.cfg', 'a')") in {"OSError 30", "PermissionError 13"}
    home = "import os\nopen(os.environ['HOME'] + '/mine', 'w').write('x')\n"
    temporary = "import tempfile\nfound = tempfile.NamedTemporaryFile().write(b'x')"
    assert attack(home + temporary) == 1
    assert attack("found = open('/tmp/private-of-bad', 'w').write('x')") == 1
    assert not Path("/tmp/private-of-bad").exists()


def test_may_not_ask_the_kernel_for_what_only_attacks_need(attack: Attack, found: walls.Walls) -> None:
    need(found, "seccomp")
    call = (
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "found = [errno.errorcode[ctypes.get_errno()] for one in ({calls},) if libc.syscall(*one) == -1]"
    )
    # unshare(CLONE_NEWUSER), ptrace(ATTACH), keyctl, bpf, io_uring_setup, perf_event_open, mount
    calls = "(272, 0x10000000), (101, 16, 1, 0, 0), (250, 0, 0), (321, 0, 0, 0), (425, 1, 0), (298, 0), (165, 0, 0, 0, 0, 0)"
    if os.uname().machine == "x86_64":
        assert attack(call.format(calls=calls)) == ["EPERM"] * 7
        assert attack(call.format(calls="(39 | 0x40000000,), (435, 0, 0)")) == ["ENOSYS", "ENOSYS"]


def test_reaches_no_secrets_of_a_cloud(attack: Attack, found: walls.Walls) -> None:
    need(found, "guard")
    for family, address in (
        ("INET", "169.254.169.254"),
        ("INET6", "fd00:ec2::254"),
        ("INET6", "::ffff:169.254.169.254"),
    ):
        for kind, deed in (("STREAM", "connect("), ("DGRAM", "sendto(b'x', ")):
            code = f"import socket\nsocket.socket(socket.AF_{family}, socket.SOCK_{kind}).{deed}({address!r}, 80))"
            assert attack(code) == "PermissionError 1"


def test_reaches_no_port_of_this_machine_but_those_it_opened(
    trial: Trial, attack: Attack, found: walls.Walls
) -> None:
    need(found, "guard")
    theirs, port = next(trial.server.data.glob("apps/*/data/port")).read_text().split()
    for family, address, said in (
        ("INET", theirs, "PermissionError 1"),
        ("INET6", f"::ffff:{theirs}", "PermissionError 1"),
        ("INET", "127.0.0.1", "ConnectionRefusedError 111"),  # a neighbour's is another
    ):
        code = f"import socket\nsocket.socket(socket.AF_{family}).connect(({address!r}, {port}))"
        assert attack(code) == said
    for family, address in (("INET", theirs), ("INET6", f"::ffff:{theirs}")):
        taking = f"import socket\nsocket.socket(socket.AF_{family}).bind(({address!r}, 9000))"
        assert attack(taking) == "PermissionError 1"
    with socket.create_server(("127.0.0.1", 0)) as ours, socket.socket(type=socket.SOCK_DGRAM) as mail:
        mail.bind(("127.0.0.1", 0))
        for family, address in (("INET", "127.0.0.1"), ("INET", "0.0.0.0"), ("INET6", "::ffff:127.0.0.1")):
            code = f"import socket\nsocket.socket(socket.AF_{family}).connect(({address!r}, {ours.getsockname()[1]}))"
            assert attack(code) == "PermissionError 1"
        sent = "import socket\nsocket.socket(type=socket.SOCK_DGRAM).{deed}"
        address = ("127.0.0.1", mail.getsockname()[1])
        assert attack(sent.format(deed=f"sendto(b'x', {address})")) == "PermissionError 1"
        assert attack(sent.format(deed=f"connect({address})")) == "PermissionError 1"
    nobody = "import socket\nsocket.socket().connect(('127.0.0.1', 1))"
    assert attack(nobody) == "ConnectionRefusedError 111"
    itself = (
        "import socket\nwith socket.create_server(('127.0.0.1', 0)) as own:\n"
        "    socket.create_connection(own.getsockname()).close()\n    found = 'itself'"
    )
    assert attack(itself) == "itself"
    door = f"import socket\nsocket.create_connection(('127.0.0.1', {trial.server.port})).close()"
    assert attack(door) == "nothing"


def test_a_full_tmp_is_its_own(attack: Attack, found: walls.Walls) -> None:
    need(found, "bubblewrap")
    code = "import os\nfound = os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize"
    assert cast("int", attack(code)) <= 1 << 29


def test_a_fork_bomb_ends_at_its_limit(
    trial: Trial, attack: Attack, found: walls.Walls, tenants: Stubborn
) -> None:
    need(found, "cgroups")
    bomb = (
        "import os, time\nfound = 0\nwhile found < 1000:\n"
        "    try:\n        pid = os.fork()\n    except BlockingIOError:\n        break\n"
        "    if pid == 0:\n        time.sleep(1000)\n    found += 1"
    )
    before = trial.instance("bad")["pid"]
    assert 20 < cast("int", attack(bomb)) < 60
    assert trial.get("good").text == "good"
    assert trial.wait(_restart(trial, "bad"))["state"] == "done"
    eventually(lambda: not [one for one in trial.processes() if one.session == before])
    assert trial.orphans() == [] or {one.session for one in trial.orphans()} == {tenants.pid}


def test_a_memory_hog_is_ended_and_told(trial: Trial, found: walls.Walls) -> None:
    need(found, "cgroups")
    error = trial.fail("hog", wsgi("never", before="hoard = [bytes([1]) * (1 << 20) for _ in range(1000)]"))
    assert "more than its 256 MB of memory" in str(error["message"])


def test_one_that_hoards_while_it_serves_is_ended_told_and_serves_again(
    trial: Trial, attack: Attack, found: walls.Walls
) -> None:
    need(found, "cgroups")
    hoards = b"hoard = [bytes([1]) * (1 << 20) for _ in range(1000)]"
    assert trial.server.ask("POST", "/", hoards, host="bad").status in {502, 503}
    (log,) = trial.server.data.glob(f"apps/*/logs/*{trial.instance('bad')['id']}.log")
    eventually(lambda: "more than its 256 MB of memory" in log.read_text())
    eventually(lambda: trial.get("bad").status == 200)
    assert attack("found = 'as before'") == "as before"


def test_one_that_may_start_no_further_process_is_told_why(trial: Trial, found: walls.Walls) -> None:
    need(found, "cgroups")
    bomb = "import os, time\nwhile True:\n    if os.fork() == 0:\n        time.sleep(1000)"
    error = trial.fail("bomb", wsgi("never", before=bomb))
    assert "60 processes" in str(error["message"])


def test_a_flood_of_output_is_bounded(trial: Trial, attack: Attack) -> None:
    attack("for _ in range(200_000):\n    print('x' * 100)")
    (log,) = trial.server.data.glob(f"apps/*/logs/*{trial.instance('bad')['id']}.log")
    eventually(lambda: log.stat().st_blocks * 512 < 3 << 20)


def test_a_disk_filler_is_ended_and_told(trial: Trial) -> None:
    fill = (
        "import os\nwith open(os.environ['THOLOS_DATA'] + '/much', 'wb') as file:\n"
        "    file.write(os.urandom(1 << 20) * 60)"
    )
    trial.publish("filler", wsgi("full", before=fill))
    eventually(lambda: "MB, and may store 40 MB." in json.dumps(trial.app("filler")))
    assert trial.state("good") == trial.state("bad")
    assert trial.delete("filler")["state"] == "done"


def test_one_that_does_not_end_is_ended(trial: Trial, tenants: Stubborn) -> None:
    """What was told to end before the first test has been killed by now, or will be; the next one has answered all along."""
    assert trial.get("stubborn").status == 200
    eventually(lambda: "did not stop within" in tenants.log.read_text())
    eventually(lambda: not Path(f"/proc/{tenants.pid}").exists())


def _restart(trial: Trial, name: str) -> str:
    begun = trial.server.api("POST", f"/api/v1/apps/{name}/restart", {})
    return str(cast("Json", begun["operation"])["id"])


BUILDS = """
import os, pathlib
def get_requires_for_build_wheel(config=None): return []
def build_wheel(folder, config=None, metadata=None):
    found = []
    for path in PATHS:
        try:
            found.append(repr(pathlib.Path(path).read_bytes()[:9]))
        except OSError as error:
            found.append(type(error).__name__)
    raise RuntimeError("found " + " ".join([*found, *sorted(name for name in os.environ if "THOLOS" in name)]))
"""


def test_a_package_that_it_builds_finds_nothing_of_the_server_and_of_others(
    trial: Trial, found: walls.Walls
) -> None:
    need(found, "bubblewrap")
    data = trial.server.data
    keys = next(one for one in (data / "keys").rglob("*") if one.is_file())
    theirs = next((data / "apps").glob("*/data/kept"))
    paths = [str(keys), str(data / "tholos.db"), str(theirs)]
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = wsgi("never") | {
        "requirements.txt": "./lib\n",
        "lib/pyproject.toml": project,
        "lib/backend.py": BUILDS.replace("PATHS", repr(paths)),
    }
    error = trial.fail("building", files)
    assert error["code"] == "package_build_failed"
    assert "found FileNotFoundError FileNotFoundError FileNotFoundError THOLOS_INSTANCE_MARK" in str(error)
