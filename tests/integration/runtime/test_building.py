"""Source distributions that try: their builds are contained, their owner is told, and nobody else feels it. On what this machine has."""

import functools
import hashlib
import http.server
import io
import os
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uv as uv_package

from tholos.detect.model import Evidence, Requirements
from tholos.runtime import walls
from tholos.runtime.builds import BuildOverLimits, Builds
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreters
from tholos.runtime.locks import Lock
from tholos.runtime.sandbox import Bounds, Enclosure, SandboxMissing
from tholos.runtime.uv import Index
from tholos.runtime.uv_failures import BuildFailed, EnvironmentFailed
from tholos.runtime.walls import Mode
from tholos.testing.waiting import until
from tholos.testing.wheels import wheel

UV = os.fspath(uv_package.find_uv_bin())
BACKEND = """
import os, socket, subprocess, sys, zipfile
def get_requires_for_build_wheel(config=None): return []
def build_wheel(folder, config=None, metadata=None):
    said, more = [], {}
    BODY
    name = "trying-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        archive.writestr("trying.py", "SAID = " + repr(said))
        archive.writestr("trying-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: trying\\nVersion: 1.0\\n")
        archive.writestr("trying-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr("trying-1.0.dist-info/RECORD", "")
    return name
"""


class Bench:
    """Builds a package whose build runs what a test says, behind all walls that this machine has."""

    def __init__(self, folder: Path, found: walls.Walls, python) -> None:
        self.folder = folder
        self.found = found
        self.python = python
        self.links = folder / "links"
        self.links.mkdir()
        self.index = Index(find_links=(str(self.links),), is_offline=True)
        self.count = 0
        self.mode = Mode.AUTO

    def environments(self, bounds: Bounds) -> Environments:
        builds = Builds(Enclosure(self.found, self.mode, bounds), self.folder / "users")
        return Environments(self.folder / "data", program=UV, env=os.environ, index=self.index, builds=builds)

    def build(self, body: str, bounds: Bounds | None = None, scope: str = "anna", log=None):
        """What the build said, from its environment."""
        text = BACKEND.replace("BODY", body.strip().replace("\n", "\n    "))
        files = {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "trying"\nversion = "1.0"\n',
            "backend.py": text,
            "PKG-INFO": "Metadata-Version: 2.2\nName: trying\nVersion: 1.0\n",
        }
        with tarfile.open(self.links / "trying-1.0.tar.gz", "w:gz") as archive:
            for path, one in files.items():
                entry = tarfile.TarInfo(f"trying-1.0/{path}")
                entry.size = len(one)
                archive.addfile(entry, io.BytesIO(one.encode()))
        environments = self.environments(bounds or Bounds(memory_mb=1024, processes=100, disk_mb=500))
        told = log.append if log is not None else print
        self.count += 1
        lock = Lock(f"trying==1.0  # {self.count}\n", is_wheels=False, is_hashed=False)
        made = environments.build(lock, self.python, scope, log=told)
        done = subprocess.run(
            [made.python, "-c", "import trying; print(*trying.SAID, sep='|')"],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        return made, done.stdout.strip()

    def groups(self) -> list[Path]:
        """Of builds that this process began."""
        return [
            one
            for one in Path("/sys/fs/cgroup").rglob("tholos-build-*")
            if not Path(f"/proc/{one.name.rpartition('-')[2]}").exists()
        ]


@pytest.fixture(scope="module")
def python():
    return Interpreters(UV, env=os.environ, home=Path.home()).choose("", "3.11").interpreter


@pytest.fixture
def bench(tmp_path, found, python) -> Bench:
    if not found.has("bubblewrap"):
        pytest.skip(f"bubblewrap: {found.missing['bubblewrap']}")
    return Bench(tmp_path, found, python)


def needs(found: walls.Walls, *names: str) -> None:
    for name in names:
        if not found.has(name):
            pytest.skip(f"{name}: {found.missing[name]}")


LOOK = """
for path in {paths!r}:
    try:
        said.append(open(path).read() if os.path.isfile(path) else os.listdir(path))
    except OSError as error:
        said.append(type(error).__name__)
said.append(os.getpid() < 20)
said.append([one for one in os.listdir("/proc") if one.isdecimal() and b"uvicorn-of-the-server" in open("/proc/" + one + "/cmdline", "rb").read()])
said.append(sorted(name for name in os.environ if "SERVER" in name))
"""


def test_it_sees_nothing_of_the_server_and_of_others(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVER_SECRET", "x")
    theirs, _ = bench.build("said.append('theirs')", scope="ben")
    secrets = [tmp_path / "keys" / "key", tmp_path / "tholos.db", tmp_path / "apps" / "app_1" / "data" / "x"]
    for one in secrets:
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text("secret")
    others = [theirs.path, *(tmp_path / "data").glob("builds/*"), tmp_path / "data" / "cache"]
    paths = [str(one) for one in (*secrets, *others)]
    neighbour = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "uvicorn-of-the-server"]
    )
    try:
        _, said = bench.build(LOOK.format(paths=paths))
        assert neighbour.poll() is None
    finally:
        neighbour.kill()
        neighbour.wait()
    assert said == "|".join([*["FileNotFoundError"] * len(paths), "True", "[]", "[]"])


WRITE = """
for path in ["/usr/x", "/etc/x", sys.prefix + "/x", sys.base_prefix + "/x", {work!r} + "/x", {data!r} + "/x"]:
    try:
        open(path, "w").close()
        said.append(path)
    except OSError:
        pass
said.append("owner" if os.getuid() else "root")
try:
    os.kill({pid}, 9)
except OSError as error:
    said.append(type(error).__name__)
"""


def test_it_writes_nowhere_else_and_kills_nobody(bench, tmp_path, found):
    body = WRITE.format(work=str(tmp_path / "data" / "work"), data=str(tmp_path), pid=os.getpid())
    _, said = bench.build(body)
    # Its own prefix is what uv made for this build, and its /tmp is in memory.
    shown = [one for one in said.split("|") if not one.startswith(str(tmp_path))]
    assert shown == ["owner" if found.has("uid") else "root", "ProcessLookupError"]
    assert not list(tmp_path.glob("x")) + list((tmp_path / "data" / "work").iterdir())


def test_it_reaches_no_port_and_no_secret_of_the_machine(bench, found):
    needs(found, "guard")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        body = f"""
for address in [("127.0.0.1", {listener.getsockname()[1]}), ("169.254.169.254", 80)]:
    try:
        socket.create_connection(address, 2)
        said.append("reached")
    except OSError as error:
        said.append(type(error).__name__)
"""
        _, said = bench.build(body)
    assert said == "PermissionError|PermissionError"


def test_what_it_leaves_behind_is_ended(bench):
    word = f"left-by-a-build-{os.getpid()}"
    body = f"""
subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)", {word!r}],
                 env={{}}, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
said.append("left")
"""
    _, said = bench.build(body)
    assert said == "left"
    assert word.encode() not in b"".join(
        one.read_bytes() for one in Path("/proc").glob("[0-9]*/cmdline") if one.parent.exists()
    )
    until(lambda: bench.groups() == [])


@pytest.mark.parametrize(
    ("body", "bounds", "told"),
    [
        ("while True: os.fork()", Bounds(memory_mb=1024, processes=40), "more than 40 processes"),
        (
            "x = [bytearray(1 << 20) for _ in range(4000)]",
            Bounds(memory_mb=200),
            "more than 200 MB of memory",
        ),
    ],
)
def test_what_takes_too_much_is_ended_and_told(bench, found, body, bounds, told):
    needs(found, "cgroups")
    log: list[str] = []
    with pytest.raises(BuildOverLimits, match=told) as caught:
        bench.build(body, bounds, log=log)
    assert caught.value.fix
    assert any(told in line for line in log)
    until(lambda: bench.groups() == [])


FILL = """
for number in range(10_000):
    with open(f"{os.environ[WHERE]}/x{number}", "wb") as file:
        file.write(bytes(8 << 20))
"""


@pytest.mark.parametrize("where", ["TMPDIR", "UV_CACHE_DIR"])
def test_a_full_disk_is_its_own(bench, where, tmp_path):
    with pytest.raises(BuildOverLimits, match="more than 64 MB on the disk"):
        bench.build(FILL.replace("WHERE", repr(where)), Bounds(disk_mb=64))
    taken = sum(one.stat().st_size for one in (tmp_path / "data").rglob("*") if one.is_file())
    assert taken < 64 << 20
    assert bench.build("said.append('again')", Bounds(disk_mb=64))[1] == "again"


def _huge(folder: Path, name: str, data: bytes, times: int = 1) -> None:
    """A wheel that is small, and unpacks to much."""
    info = "huge-1.0.dist-info"
    with zipfile.ZipFile(
        folder / "huge-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as archive:
        for number in range(times):
            archive.writestr(name.format(number), data)
        if times > 1:
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: huge\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def test_a_wheel_that_unpacks_to_more_than_it_may_is_ended_and_told(bench, tmp_path):
    _huge(bench.links, "huge/data{}", bytes(16 << 20), times=40)
    environments = bench.environments(Bounds(disk_mb=64))
    told = "its packages took more than 64 MB on the disk"
    log: list[str] = []
    with pytest.raises(BuildOverLimits, match=told) as caught:
        environments.build(Lock("huge==1.0\n", is_hashed=False), bench.python, "anna", log=log.append)
    assert caught.value.fix
    assert any(told in line for line in log)
    taken = sum(one.stat().st_size for one in (tmp_path / "data").rglob("*") if one.is_file())
    assert taken < 1 << 20
    small = wheel("small", "1.0")
    (bench.links / small.name).write_bytes(small.data)
    built = environments.build(Lock("small==1.0\n", is_hashed=False), bench.python, "anna")
    assert built.packages == ("small==1.0",)


def test_metadata_that_takes_all_memory_is_ended_and_told(bench):
    """A resolver reads it whole."""
    head = b"Metadata-Version: 2.1\nName: huge\nVersion: 1.0\n\n"
    _huge(bench.links, "huge-1.0.dist-info/METADATA", head + bytes(300 << 20))
    needs = Requirements("requirements.txt", "huge\n", "", Evidence("requirements.txt"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(bench.links))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bench.index = Index(
            f"http://127.0.0.1:{server.server_port}/simple",
            find_links=(f"http://127.0.0.1:{server.server_port}/",),
        )
        try:
            with pytest.raises(BuildOverLimits, match="took more than 200 MB of memory") as caught:
                bench.environments(Bounds(memory_mb=200)).lock(needs, bench.python, "anna")
        finally:
            server.shutdown()
    assert caught.value.where == "requirements.txt"


def test_one_owners_builds_poison_nothing_of_others(bench):
    """What is in the cache that a build writes is found by builds of the same owner alone."""
    mark = "open(os.path.join(os.environ['UV_CACHE_DIR'], 'mark'), 'w').close()"
    bench.build(mark)
    look = "said.append(os.path.exists(os.path.join(os.environ['UV_CACHE_DIR'], 'mark')))\n# {}"
    assert bench.build(look.format("ben"), scope="ben")[1] == "False"


LEAVE = """
here = {made!r}
{deed}
"""


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("os.symlink('/etc', here + '/lib/etc')", "is a link that leads out"),
        ("os.mkfifo(here + '/lib/pipe')", "is no file"),
        (
            "os.unlink(here + '/bin/python'); os.symlink('/bin/true', here + '/bin/python')",
            "replaces its interpreter",
        ),
    ],
)
def test_what_it_leaves_in_its_environment_is_looked_at(bench, deed, told, tmp_path):
    made = "next(iter(__import__('glob').glob(" + repr(str(tmp_path / "data/environments/*")) + ")))"
    with pytest.raises(EnvironmentFailed, match=told):
        bench.build(LEAVE.replace("{made!r}", made).replace("{deed}", deed))
    assert [one for one in (tmp_path / "data" / "environments").iterdir() if one.is_dir()] == []


def test_folders_without_end_are_removed_all_the_same(bench, tmp_path):
    deep = """
os.chdir(os.environ["TMPDIR"])
for number in range(1500):
    os.mkdir("d")
    os.chdir("d")
raise SystemExit("deep enough")
"""
    with pytest.raises(BuildFailed):
        bench.build(deep)
    assert [*(tmp_path / "data" / "work").iterdir()] == []


def test_walls_that_are_required_and_missing_build_nothing(bench):
    missing = {**bench.found.missing, "seccomp": "switched off"}
    bench.found, bench.mode = replace(bench.found, missing=missing), Mode.REQUIRED
    with pytest.raises(SandboxMissing, match=r"Cannot build the environment.*\(seccomp\)"):
        bench.build("said.append('built')")


OWN = """
import os, shutil
def get_requires_for_build_wheel(config=None): return []
def build_wheel(folder, config=None, metadata=None):
    DEED
"""


@dataclass
class Published:
    """A folder that was published, with a package in it."""

    files: dict[str, str]

    def below(self, path: str) -> dict[str, str]:
        return {
            one.removeprefix(f"{path}/"): hashlib.sha256(text.encode()).hexdigest()
            for one, text in self.files.items()
        }

    def write(self, path: str, target: Path) -> None:
        target.write_text(self.files[path])


@pytest.mark.parametrize("is_link", [False, True])
def test_the_wheel_of_a_published_folder_is_a_file_of_its_own(bench, is_link, tmp_path):
    """A link in its place would have the server read, and give away, what it leads to."""
    secret = tmp_path / "secret-1.0-py3-none-any.whl"
    made = wheel("trying", "1.0")
    deed = f"open(folder + '/{made.name}', 'wb').write({made.data!r}); return '{made.name}'"
    if is_link:
        secret.write_bytes(made.data)
        deed = f"os.symlink({str(secret)!r}, folder + '/{made.name}'); return '{made.name}'"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = Published({"lib/pyproject.toml": project, "lib/backend.py": OWN.replace("DEED", deed)})
    own = {"lib": Evidence("requirements.txt", 1)}
    needs = Requirements("requirements.txt", "./lib\n", "", Evidence("requirements.txt"), own=own)
    environments = bench.environments(Bounds(memory_mb=1024, processes=100, disk_mb=500))
    if is_link:
        with pytest.raises(BuildFailed):
            environments.lock(needs, bench.python, "anna", files=files)
        return
    lock = environments.lock(needs, bench.python, "anna", files=files)
    built = environments.build(lock, bench.python, "anna", files=files)
    assert built.packages == ("trying==1.0",)
    kept = next((tmp_path / "data" / "wheels").rglob("*.whl"))
    assert kept.stat().st_uid == os.getuid()


@pytest.mark.parametrize(("text", "compiled"), [("a=1\n", 1), ("a=1\n" * 1_000_000, 0)])
def test_what_takes_all_memory_to_compile_takes_its_own(bench, found, text, compiled):
    needs(found, "cgroups")
    made = wheel("trying", "1.0", text=text)
    (bench.links / made.name).write_bytes(made.data)
    environments = bench.environments(Bounds(memory_mb=100, processes=100))
    built = environments.build(Lock("trying==1.0\n", is_hashed=False), bench.python, "anna")
    environments.compile(built.id)
    site = next(Path(built.path).glob("lib/*/site-packages/trying"))
    assert environments.get(built.id).is_compiled
    assert len([*site.glob("*/*.pyc")]) == compiled
    until(lambda: bench.groups() == [])
