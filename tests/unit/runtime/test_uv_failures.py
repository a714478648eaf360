"""Real samples of uv's standard error, in ``uv_stderr``, and the errors that people see of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tholos.detect.model import Evidence, Requirements
from tholos.kit.errors import Unavailable
from tholos.runtime import uv_failures
from tholos.runtime.uv_failures import Origin

SAMPLES = Path(__file__).parent / "uv_stderr"
UNREACHABLE = (
    "index_unreachable",
    "http://127.0.0.1:9/simple/flask/ cannot be reached (Connection refused (os error 111)).",
    "requirements.txt",
)
EXPECTED = {
    "bad_line": (
        "bad_requirement",
        ('the line "this is ! not valid" is none that pip knows (Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, '
        "found `i`)."),
        "requirements.txt:2",
    ),
    "bad_option": (
        "bad_requirement",
        ('the line "this is ! not valid" is none that pip knows '
        "(Unexpected '-', expected '-c', '-e', '-r' or the start of a requirement)."),
        "requirements.txt:2",
    ),
    "build_compiler": (
        "package_build_failed",
        ("cbroken==1.0 has no wheel for this Python and building it failed: "
        "fatal error: nosuch.h: No such file or directory"),
        "requirements.txt:3",
    ),
    "build_failed": (
        "package_build_failed",
        ("broken==1.0 has no wheel for this Python and building it failed: "
        "RuntimeError: libfoo.h: No such file or directory"),
        "requirements.txt",
    ),
    "conflict_deep": (
        "version_conflict",
        "flask==3.0.0 needs werkzeug>=3.0.0, but werkzeug<2 is required as well.",
        "requirements.txt:1",
    ),
    "conflict_flat": ("version_conflict", "flask<2 and flask>=3 exclude each other.", "requirements.txt:1"),
    "disk_full": ("disk_full", "the disk is full.", ""),
    "hash_mismatch": (
        "hash_mismatch",
        ("itsdangerous==2.2.0 is not the file that was locked "
        "(locked sha256:000000000000…, received sha256:c6242fc49e35…)."),
        "requirements.txt",
    ),
    "local_folder": ("bad_requirement", "the requirements name a local folder that is not there.", "requirements.txt"),
    "no_git": (
        "index_unreachable",
        ("https://127.0.0.1:9/x.git/ cannot be reached "
        "(Failed to connect to 127.0.0.1 port 9 after 0 ms)."),
        "requirements.txt",
    ),
    "no_version": ("package_not_found", "the index has no version that fits flask==99.", "requirements.txt:1"),
    "no_wheels": ("version_conflict", "numpy==1.16.0 has no usable wheels and you require numpy==1.16.0.", "requirements.txt"),
    "not_found": ("package_not_found", "nosuchpackage-zzz-q is not on the index.", "requirements.txt"),
    "offline": ("index_unreachable", "this server is set to work offline and flask is not in the cache.", ""),
    "old_python": (
        "python_mismatch",
        "numpy==2.3.0 needs Python>=3.11, chosen is Python 3.8.18.",
        "requirements.txt",
    ),
    "only_older": (
        "package_not_found",
        "the index has no version that fits flask>=99.0,<100.dev0, only flask<=3.1.3.",
        "requirements.txt:1",
    ),
    "unreachable": UNREACHABLE,
    "unreachable_retried": UNREACHABLE,
}  # fmt: skip
ORIGIN = Origin("requirements.txt", lines=["flask", "this is ! not valid", "cbroken"])


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.txt").read_text("utf-8")


def test_every_sample_is_expected():
    assert {path.stem for path in SAMPLES.glob("*.txt")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_first_cause_is_named_with_its_place_and_a_fix(name):
    error = uv_failures.explain(sample(name), ORIGIN)
    code, message, where = EXPECTED[name]
    assert error.code == code
    assert (
        error.message.removeprefix("Cannot build the environment: ").removeprefix(
            "Cannot read the requirements: "
        )
        == message
    )
    assert error.where == ("" if isinstance(error, Unavailable) else where)
    assert error.fix


def test_an_inferred_import_is_named_by_its_line():
    text = sample("not_found")
    requirements = Requirements("imports", "x", "", imports={"nosuchpackage_zzz_q": Evidence("app.py", 3)})
    error = uv_failures.explain(text, Origin.of(requirements))
    assert error.where == "app.py:3"
    assert 'nothing on the index provides "import nosuchpackage_zzz_q"' in error.message


def test_the_line_with_the_very_requirement_comes_before_others_of_the_package():
    origin = Origin("requirements.txt", lines=["flask", "", "flask == 99"])
    assert uv_failures.explain(sample("no_version"), origin).where == "requirements.txt:3"


def test_wheels_that_lack_are_told_from_other_failures():
    assert uv_failures.needs_source(sample("no_wheels"))
    assert uv_failures.needs_source(
        "error: Package `x` can't be installed because it is marked as `--no-build`"
    )
    assert not any(uv_failures.needs_source(sample(name)) for name in EXPECTED if name != "no_wheels")


def test_what_nobody_foresaw_still_says_what_uv_said():
    error = uv_failures.explain("warning: x\nerror: The moon is in the wrong phase\n  cause: y\n", Origin())
    assert error.message == "Cannot build the environment: The moon is in the wrong phase."
    assert uv_failures.explain("", Origin()).message.endswith("uv ended without saying why.")


def test_passwords_in_addresses_are_left_out():
    assert uv_failures.safe("https://anna:secret@example.org/simple") == "https://example.org/simple"
