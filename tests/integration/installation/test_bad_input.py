"""What cannot be published: each gives one clear message by API, page and command line, and what serves goes on serving."""

import contextlib
import html
import io
import json
import os
import stat
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tholos.testing.asking import Asker
from tholos.testing.installation import Installation
from tholos.testing.trial import Files, Trial, packed, wsgi

SETTINGS = {
    "THOLOS_APPS__START_TIMEOUT_S": "2",
    "THOLOS_APPS__DRAIN_TIMEOUT_S": "1",
    "THOLOS_APPS__LOG_LIMIT": str(1 << 20),
}

GOOD = wsgi("good")
LIFESPAN = """import asyncio
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await asyncio.sleep(1000)
"""
FLOOD = 'import time\nwhile True:\n    print("x" * 99_999)\n    time.sleep(0.1)'


@dataclass(frozen=True)
class Bad:
    """A folder that cannot be published, and what is said of it."""

    files: Files
    code: str
    sentence: str
    where: str = ""
    options: dict[str, str] = field(default_factory=dict)


REFUSED = {
    "syntax error": Bad(
        {"app.py": "import os\ndef app(environ start_response):\n    pass\n"},
        "source_broken",
        "Cannot read app.py:2: invalid syntax.",
        "app.py:2",
    ),
    "missing name": Bad(
        GOOD, "entrypoint_missing", "app.py has no 'nothing'", "--entrypoint", {"entrypoint": "app:nothing"}
    ),
    "missing module": Bad(
        GOOD, "entrypoint_missing", "there is no module 'web'", "--entrypoint", {"entrypoint": "web:app"}
    ),
    "two candidates": Bad(
        {"one.py": GOOD["app.py"], "two.py": GOOD["app.py"]},
        "several_entrypoints",
        "Cannot choose between 2 apps:",
        "one.py:2",
    ),
    "nothing": Bad({"notes.txt": "hello"}, "nothing_to_publish", "Cannot find anything to publish"),
}

FAILING = {
    "conflict": Bad(
        {**GOOD, "requirements.txt": "iniconfig==1.0\niniconfig==2.0\n"},
        "version_conflict",
        "Cannot build the environment: iniconfig==1.0 and iniconfig==2.0 exclude each other.",
        "requirements.txt:1",
    ),
    "no such package": Bad(
        {**GOOD, "requirements.txt": "this-is-no-package-of-anybody==1.0\n"},
        "package_not_found",
        "Cannot build the environment: this-is-no-package-of-anybody is not on the index.",
        "requirements.txt:1",
    ),
    "no such import": Bad(
        wsgi("bad", before="import nobody_provides_this_at_all"),
        "package_not_found",
        'nothing on the index provides "import nobody_provides_this_at_all"',
        "app.py:1",
    ),
    "import blocks": Bad(
        wsgi("bad", before="import time; time.sleep(100)"),
        "start_timed_out",
        "Cannot start the app: it did not answer within 2 s.",
    ),
    "lifespan hangs": Bad(
        {"app.py": LIFESPAN},
        "start_timed_out",
        "Cannot start the app: it did not answer within 2 s.",
    ),
    "a megabyte a second": Bad(
        wsgi("bad", before=FLOOD), "start_timed_out", "Cannot start the app: it did not answer within 2 s."
    ),
    "raises": Bad(
        wsgi("bad", before="import os\nos.environ['NOT_THERE']"),
        "instance_died",
        "Cannot start the app: KeyError: 'NOT_THERE'",
        "app.py:2",
    ),
    "exits": Bad(
        wsgi("bad", before="import sys\nsys.exit(3)"),
        "instance_died",
        "Cannot start the app: SystemExit: 3",
        "app.py:2",
    ),
    "ends at once": Bad(
        wsgi("bad", before="import os\nos._exit(9)"),
        "instance_died",
        "Cannot start the app: its process exited with code 9 after",
    ),
    "segmentation fault": Bad(
        wsgi("bad", before="import ctypes\nctypes.string_at(0)"),
        "instance_died",
        "Cannot start the app: its process was killed by SIGSEGV after",
    ),
    "first answer is an error": Bad(
        {"app.py": "def app(environ, start_response):\n    return 1 / 0\n"},
        "answers_with_error",
        "GET / → 500: ZeroDivisionError: division by zero",
        "app.py:2",
    ),
}


@pytest.fixture(scope="module")
def steady(trial: Trial) -> Iterator[Asker]:
    """An app that is asked all the time, whatever is tried with it; its failures are empty in the end."""
    trial.publish("steady", GOOD)
    with Asker(trial.server, "steady", pause_s=0.05) as asker:
        yield asker
    assert asker.failures == []
    assert asker.texts == ["good"]
    assert trial.live("steady") == 1
    trial.settle()


def flags(bad: Bad) -> list[str]:
    return [text for name, value in bad.options.items() for text in (f"--{name}", value)]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_anything_is_built(trial, steady, folder, name) -> None:
    """The same sentence by API and command line; nothing is begun."""
    bad = REFUSED[name]
    answer = trial.request("steady", bad.files, **bad.options)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (400, bad.code)
    assert bad.sentence in error["message"]
    assert error.get("where", "") == bad.where or not bad.where
    assert error["fix"]
    ran = trial.server.cli("publish", str(folder("steady", bad.files)), "--name", "steady", *flags(bad))
    assert ran.returncode == 2
    assert bad.sentence in ran.stderr
    assert ran.stdout == ""
    assert len(trial.releases("steady")) == trial.releases("steady")[0]["number"]


@pytest.mark.parametrize("name", FAILING)
def test_it_fails_and_says_why(trial, steady, folder, name) -> None:
    """The first cause with its file and line by API, page and command line; exit code 1."""
    bad = FAILING[name]
    operation = trial.wait(trial.begin("steady", bad.files, **bad.options))
    error = operation["error"]
    assert (operation["state"], error["code"]) == ("failed", bad.code)
    assert bad.sentence in error["message"]
    assert error.get("where", "") == bad.where
    assert len(json.dumps(error)) < 50_000
    page = trial.server.ask("GET", f"/operations/{operation['id']}", headers={"Accept": "text/html"})
    assert bad.sentence in html.unescape(page.text)
    ran = trial.server.cli("publish", str(folder("steady", bad.files)), "--name", "steady", *flags(bad))
    assert ran.returncode == 1, ran.stdout
    assert bad.sentence in ran.stderr + ran.stdout
    assert bad.where in ran.stderr + ran.stdout
    assert "release 1 keeps serving" in ran.stderr + ran.stdout


def test_the_log_of_a_flood_is_bounded(trial, steady) -> None:
    app = trial.server.data / "apps" / str(trial.app("steady")["id"])
    trial.wait(trial.begin("steady", FAILING["a megabyte a second"].files))
    kept = [file.stat().st_blocks * 512 for file in (app / "logs").iterdir()]
    assert max(kept) < 2 << 20


def test_a_crash_after_the_first_answer_is_told(trial) -> None:
    """It came to serve, then ended: it is started again, and the state says what happened."""
    files = wsgi("late", before="import threading, os\nthreading.Timer(0.7, os._exit, (4,)).start()")
    trial.publish("late", files)
    trial.server.cli("status", "late")
    with Asker(trial.server, "late"):
        for _ in range(100):
            if "exited with code 4" in str(trial.app("late")["state"]):
                break
        else:
            pytest.fail(str(trial.app("late")["state"]))
    trial.delete("late")


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("api", "name_reserved", 'Cannot take "api" as the name of an app: it is reserved.'),
        ("www", "name_reserved", 'Cannot take "www" as the name of an app: it is reserved.'),
        ("Bad_Name", "name_invalid", "Bad_Name"),
        ("x", "name_invalid", "2 to 40"),
        ("ends-", "name_invalid", "ends-"),
        ("xn--abc", "name_invalid", "xn--abc"),
        ("a" * 41, "name_invalid", "2 to 40"),
    ],
)
def test_a_name_that_no_app_can_have(trial, folder, name, code, sentence) -> None:
    answer = trial.request(name, GOOD)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (400, code)
    assert sentence in error["message"]
    ran = trial.server.cli("publish", str(folder("named", GOOD)), "--name", name)
    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert "fix" in ran.stderr


def test_a_name_that_is_taken(trial, steady, folder) -> None:
    token = trial.server.new_account("bea")
    answer = trial.request("steady", GOOD, token=token)
    sentence = 'Cannot publish as "steady": somebody else has an app of that name.'
    assert answer.status == 409
    assert json.loads(answer.body)["error"]["message"] == sentence
    ran = trial.server.cli("publish", str(folder("mine", GOOD)), "--name", "steady", token=token)
    assert (ran.returncode, sentence in ran.stderr) == (3, True)


# Files and archives


def test_a_file_that_is_too_large_is_refused_before_it_is_read(trial, folder) -> None:
    made = folder("large", GOOD)
    with (made / "data.bin").open("wb") as file:
        file.truncate(5 << 30)
    ran = trial.server.cli("publish", str(made), timeout_s=20)
    assert ran.returncode == 2
    assert (
        "it has more than 4294967296 bytes. The largest up to there: data.bin (5368709120 bytes)"
        in ran.stderr
    )
    answer = trial.server.ask("POST", "/api/v1/snapshots", {"files": [{"path": "a", "size": 1 << 60}]})
    assert answer.status == 400


def test_a_large_file_takes_no_memory(trial, folder) -> None:
    """Neither of the command line nor of the server, which both see every byte of it."""
    made = folder("roomy", GOOD)
    with (made / "data.bin").open("wb") as file:
        file.truncate(160 << 20)
    before = peak_of(trial.server.pid)
    process = trial.server.cli_process("publish", str(made))
    # Not by getrusage(2): a child's figure there begins with what its parent, this test run, had when it forked.
    peak = 0
    while process.poll() is None:
        with contextlib.suppress(OSError, StopIteration):  # it has just ended
            peak = max(peak, peak_of(process.pid))
        time.sleep(0.02)
    process.communicate()
    assert process.returncode == 0
    assert peak_of(trial.server.pid) - before < 60_000
    assert 0 < peak < 150_000
    trial.delete("roomy")


def peak_of(pid: int) -> int:
    """Peak of a process's memory in kB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def tar(*members: tarfile.TarInfo, files: Files = GOOD) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    return made.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, size
    return made


def crowd() -> bytes:
    """A tar of 100,000 empty files, put together from one header."""
    pattern = bytearray(member("0" * 8).tobuf(tarfile.USTAR_FORMAT))
    total = sum(pattern[:148]) + 8 * 32 + sum(pattern[156:]) - 8 * 48
    made = io.BytesIO()
    for number in range(100_000):
        name = b"%08d" % number
        pattern[:8] = name
        pattern[148:156] = b"%06o\0 " % (total + sum(name))
        made.write(pattern)
    made.write(bytes(1024))
    return made.getvalue()


def zipped(path: str, content: bytes, mode: int = 0o644) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(path)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)
        archive.writestr("app.py", GOOD["app.py"])
    return made.getvalue()


ARCHIVES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "dots": ("tar.gz", lambda: tar(member("../evil.py")), "its path has the component '..'"),
    "dots inside": ("tar.gz", lambda: tar(member("a/../../evil.py")), "its path has the component '..'"),
    "absolute": ("tar.gz", lambda: tar(member("/etc/evil")), "its path is absolute"),
    "link out": (
        "tar.gz",
        lambda: tar(member("l", tarfile.SYMTYPE, "/etc/passwd")),
        "points out of the archive",
    ),
    "link up": ("tar.gz", lambda: tar(member("l", tarfile.SYMTYPE, "../../x")), "points out of the archive"),
    "hard link out": (
        "tar.gz",
        lambda: tar(member("l", tarfile.LNKTYPE, "../x")),
        "points out of the archive",
    ),
    "character device": ("tar.gz", lambda: tar(member("null", tarfile.CHRTYPE)), "it is a device"),
    "block device": ("tar.gz", lambda: tar(member("disk", tarfile.BLKTYPE)), "it is a device"),
    "pipe": ("tar.gz", lambda: tar(member("pipe", tarfile.FIFOTYPE)), "it is a pipe"),
    "crowd": ("tar", crowd, "it has more than 50000 entries"),
    "bomb": (
        "tar.gz",
        lambda: tar(member("zeros", size=48 << 20)),
        "it grows more than 200 times, like a bomb",
    ),
    "truncated": ("tar.gz", lambda: tar(files={"app.py": os.urandom(5000).hex()})[:-900], "Cannot unpack"),
    "zip dots": ("zip", lambda: zipped("../evil.py", b""), "its path has the component '..'"),
    "zip absolute": ("zip", lambda: zipped("/evil.py", b""), "its path is absolute"),
    "zip link": (
        "zip",
        lambda: zipped("l", b"/etc/passwd", stat.S_IFLNK | 0o777),
        "points out of the archive",
    ),
    "zip device": ("zip", lambda: zipped("null", b"", stat.S_IFCHR | 0o666), "it is a device or a pipe"),
    "zip bomb": (
        "zip",
        lambda: zipped("zeros", bytes(48 << 20)),
        "it grows more than 200 times, like a bomb",
    ),
    "zip truncated": ("zip", lambda: zipped("a", os.urandom(5000))[:3000], "it ends without its end mark"),
    "no archive": (
        "zip",
        lambda: b"GIF89a" + bytes(2000),
        "neither a tar (plain, gzip, bzip2 or xz) nor a zip",
    ),
    "empty": ("tar.gz", lambda: tar(files={}), "there are no files in it"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_hostile_archive(trial, tmp_path, name) -> None:
    """Refused by API and command line with the entry it is about; nothing of it is to be had."""
    ending, make, sentence = ARCHIVES[name]
    data = make()
    answer = trial.send_archive(data, content_type="application/octet-stream")
    error = json.loads(answer.body)["error"]
    assert answer.status == 400
    assert sentence in error["message"]
    file = tmp_path / f"hostile.{ending}"
    file.write_bytes(data)
    ran = trial.server.cli("publish", str(file))
    assert ran.returncode == 2, (ran.stdout, ran.stderr)
    assert sentence in ran.stderr
    assert trial.server.ask("GET", "/api/v1/apps/hostile").status == 404


def test_a_good_archive(trial, tmp_path) -> None:
    """The way that the others were refused on is open."""
    file = tmp_path / "fine.tar.gz"
    file.write_bytes(packed(GOOD))
    ran = trial.server.cli("publish", str(file))
    assert ran.returncode == 0, ran.stderr
    assert trial.get("fine").text == "good"
    trial.delete("fine")


# A full disk


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """An installation whose data lies on a disk of its own of 96 MB, which only its processes see."""
    root = tmp_path_factory.mktemp("small")
    (root / "data").mkdir()
    unshare = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-Urm")
    mount = 'mount -t tmpfs -o size=96m tmpfs "$0" && exec "$@"'
    python = (sys.executable, "-m", "tholos.cli")
    installation = Installation(root, SETTINGS, (*unshare, "sh", "-c", mount, str(root / "data"), *python))
    installation.start()
    try:
        yield Trial(installation)
    finally:
        for name in BALLAST:
            (disk_of(installation) / name).unlink(missing_ok=True)
        installation.clean()


BALLAST = ("ballast", "more")


def disk_of(installation: Installation) -> Path:
    """The data folder as the server sees it."""
    return Path(f"/proc/{installation.pid}/root{installation.data}")


def test_a_full_disk(small: Trial, folder) -> None:
    """An upload and a publish are refused and say why; the app serves; with room again all works, and nothing is left."""
    disk = disk_of(small.server)
    small.publish("kept", GOOD)
    before = files_of(disk)
    unused = str(small.server.api("POST", "/api/v1/tokens", {})["token"])
    with Asker(small.server, "kept", pause_s=0.05) as asker:
        fill(disk / "ballast", leave=4 << 20)
        big = {**wsgi("big"), "data.bin": os.urandom(8 << 20)}
        answer = small.send_archive(packed(big))
        assert answer.status == 503, answer.text
        assert "data/store is full." in answer.text
        ran = small.server.cli("publish", str(folder("kept", big)))
        assert ran.returncode == 5, (ran.stdout, ran.stderr)
        assert "data/store is full." in ran.stderr
        assert "Free some space" in ran.stderr
        fill(disk / "more", leave=0)
        ran = small.server.cli("publish", str(folder("kept", wsgi("tiny"))))
        assert ran.returncode in {1, 5}, (ran.stdout, ran.stderr)
        assert "data/store is full." in ran.stderr
        again = {"snapshot": small.releases("kept")[0]["snapshot"], "upgrade": True}
        answer = small.server.ask("POST", "/api/v1/apps/kept/publish", again)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (503, "disk_full"), answer.text
        assert small.get("kept", token=unused).text == "good"
        for name in BALLAST:
            (disk / name).unlink()
        assert not [path for path in files_of(disk) - before if "new" in path or "part" in path]
        small.publish("kept", wsgi("again"))
        assert small.get("kept").text == "again"
    assert asker.failures == []
    assert asker.texts == ["good", "again"]
    small.settle()


def fill(path: Path, leave: int) -> None:
    """Take all the room there is, but for so many bytes."""
    space = os.statvfs(path.parent)
    left = space.f_bavail * space.f_frsize - leave
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, left)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
