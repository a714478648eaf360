"""What uv's failures mean: its standard error becomes the first cause, where it stands, and what to do.

The only place that knows uv's wording; ``tests/unit/runtime/test_uv_failures.py`` holds real samples of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tholos.detect.model import Evidence, Requirements
from tholos.kit.errors import Invalid, TholosError, Unavailable


class EnvironmentFailed(Invalid):
    """Cannot build the environment: uv says why in the log."""

    code = "environment_failed"


class PackageNotFound(EnvironmentFailed):
    """Cannot build the environment: the index does not have a package."""

    code = "package_not_found"


class VersionConflict(EnvironmentFailed):
    """Cannot build the environment: two requirements exclude each other."""

    code = "version_conflict"


class PythonMismatch(EnvironmentFailed):
    """Cannot build the environment: a package does not work with this Python."""

    code = "python_mismatch"


class BuildFailed(EnvironmentFailed):
    """Cannot build the environment: a package without a wheel could not be built."""

    code = "package_build_failed"


class BadRequirement(EnvironmentFailed):
    """Cannot read the requirements."""

    code = "bad_requirement"


class HashMismatch(EnvironmentFailed):
    """Cannot build the environment: a file is not the one that was locked."""

    code = "hash_mismatch"


class IndexUnreachable(Unavailable):
    """Cannot build the environment: the package index cannot be reached."""

    code = "index_unreachable"


class DiskFull(Unavailable):
    """Cannot build the environment: the disk is full."""

    code = "disk_full"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the requirements that uv worked on came from."""

    path: str = ""
    line: int = 0
    lines: Sequence[str] = ()
    """The text that uv was given, if its lines are those of the file."""
    imports: Mapping[str, Evidence] = field(default_factory=dict)
    own: Mapping[str, Evidence] = field(default_factory=dict)
    """Where packages among the files are named, by their path."""
    locked: str = ""
    """The text of a lock that uv was not given as it is."""

    @classmethod
    def of(cls, requirements: Requirements) -> Origin:
        lines = requirements.text.splitlines() if requirements.form == "requirements.txt" else ()
        evidence = requirements.evidence
        locked = requirements.text if requirements.form in {"uv.lock", "pylock.toml"} else ""
        return cls(evidence.path, evidence.line, lines, requirements.imports, requirements.own, locked)

    def where(self, requirement: str) -> str:
        """``requirements.txt:3`` or ``app.py:3`` of a requirement or its package; else the file as a whole."""
        package = name_of(requirement)
        for name, evidence in self.imports.items():
            if normal(name) == normal(package):
                return str(evidence)
        lines = [
            (number, line)
            for number, line in enumerate(self.lines, 1)
            if normal(name_of(line)) == normal(package)
        ]
        literal = [number for number, line in lines if line.replace(" ", "").startswith(requirement)]
        for number in [*literal, *(number for number, _ in lines)]:
            return f"{self.path or 'requirements'}:{number}"
        return f"{self.path}:{self.line}" if self.line else self.path

    def where_of(self, text: str) -> str:
        """The line of a lock in which a text stands between quotes; else the file as a whole."""
        numbered = enumerate(self.locked.splitlines() if text else [], 1)
        number = next((number for number, line in numbered if f'"{text}"' in line), 0)
        return f"{self.path}:{number}" if number else self.where("")

    def where_own(self, path: str) -> str:
        """The line that names a package among the files."""
        found = self.own.get(path)
        return str(found) if found else self.where_of(path)

    def imported(self, package: str) -> str:
        """The name as it is imported, of a package that an import asks for; else empty."""
        found = next((name for name in self.imports if normal(name) == normal(package)), "")
        return found.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Said:
    """What uv printed, as one line for sentences and as lines for logs within it."""

    text: str
    lines: Sequence[str]
    origin: Origin


def explain(stderr: str, origin: Origin) -> TholosError:
    """The error that a failed run of uv stands for, whatever it printed."""
    said = Said(flatten(stderr), [line.strip() for line in stderr.splitlines()], origin)
    for recognise in RECOGNISERS:
        error = recognise(said)
        if error is not None:
            return error
    first = re.search(r"error: (.+?)(?: cause: |$)", said.text)
    reason = first[1] if first else "uv ended without saying why"
    return EnvironmentFailed(
        f"Cannot build the environment: {reason}.", where=origin.where(""), fix="Look at the log."
    )


def needs_source(stderr: str) -> bool:
    """Whether wheels alone did not do, so that source distributions are worth trying."""
    text = flatten(stderr)
    signs = (
        "no usable wheels",
        "building from source is disabled",
        "no wheels with",
        "marked as `--no-build`",
    )
    return any(sign in text for sign in signs)


def flatten(stderr: str) -> str:
    """It breaks and indents its sentences; here all white space is one space."""
    return " ".join(stderr.split())


def disk_full(said: Said) -> TholosError | None:
    if not re.search(r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b", said.text):
        return None
    return DiskFull(fix="Free disk space on the server, or remove environments that nothing uses.")


def unreachable(said: Said) -> TholosError | None:
    offline = re.search(r"Because (\S+) was not found in the cache", said.text)
    if offline or "network was disabled" in said.text or "Network connectivity is disabled" in said.text:
        what = f" and {offline[1]} is not in the cache" if offline else ""
        return IndexUnreachable(
            f"Cannot build the environment: this server is set to work offline{what}.",
            fix="Put the wheels where the server looks for them, or let it reach an index.",
        )
    network = re.search(
        r"Failed to (?:fetch|download)[^:]*:? `?(?P<what>\S+?)`? cause: (?P<why>.*?(?:"
        r"error sending request|client error|operation timed out|Connect|dns error|HTTP status server error"
        r"|status code 5\d\d).*)",
        said.text,
    )
    git = re.search(r"unable to access '(?P<what>[^']+)': (?P<why>[^:]*connect[^:]*)", said.text)
    found = network or git
    if not found or "404" in found["why"]:
        return None
    last = found["why"].rpartition(" cause: ")[2]
    return IndexUnreachable(
        f"Cannot build the environment: {safe(found['what'])} cannot be reached ({safe(last)}).",
        fix="Check the server's network and its index setting; then publish again.",
    )


def hash_mismatch(said: Said) -> TholosError | None:
    found = re.search(r"Hash mismatch for `([^`]+)` Expected: (\S+) (?:\S+ )*?Computed: (\S+)", said.text)
    if not found:
        return None
    package = found[1]
    return HashMismatch(
        f"Cannot build the environment: {package} is not the file that was locked "
        f"(locked {found[2][:19]}…, received {found[3][:19]}…).",
        where=said.origin.where(package),
        fix="If the package was replaced on purpose, make the lock anew; else do not trust this index.",
    )


def build_failed(said: Said) -> TholosError | None:
    found = re.search(r"Failed to (?:download and )?build `([^`]+)`", said.text)
    if not found:
        return None
    package = found[1]
    return BuildFailed(
        f"Cannot build the environment: {package} has no wheel for this Python and building it failed: "
        f"{first_build_error(said.lines)}",
        where=said.origin.where(package),
        fix="Take a version that has a wheel, another --python, or install what its build needs on the server.",
    )


def first_build_error(lines: Sequence[str]) -> str:
    """The line of the build's log that says what was missing: a compiler's first error, else the last exception."""
    compiler = r"(?:fatal )?error: (?!Failed to|command |subprocess-exited|metadata-generation).+"
    for line in lines:
        found = re.search(compiler, line)
        if found:
            return found[0]
    for pattern in (
        r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|NotFound)\b: .+",
        r"^(?:fatal|cause): (?!The build backend).+",
    ):
        matching = [line for line in lines if re.search(pattern, line)]
        if matching:
            return re.sub(r"^(?:fatal|cause): ", "", matching[-1])
    return "its log is in this operation's log"


def python_mismatch(said: Said) -> TholosError | None:
    told = re.search(
        r"current Python version \((?P<have>[^)]+)\) does not satisfy Python(?P<wish>\S+) and (?P<what>\S+) depends on",
        said.text,
    )
    found = told or re.search(r"(?P<what>\S+) requires Python (?P<wish>[<>=!~][^\s,]*)", said.text)
    if not found:
        return None
    wish, package = found["wish"], found["what"]
    bound = re.search(r"\d+\.\d+", wish)
    chosen = f", chosen is Python {told['have']}" if told else ", another one is chosen"
    return PythonMismatch(
        f"Cannot build the environment: {package} needs Python{wish}{chosen}.",
        where=said.origin.where(package),
        fix=f"Say --python {bound[0] if bound else '3.12'}, or take another version of {name_of(package)}.",
    )


def not_found(said: Said) -> TholosError | None:
    found = re.search(
        r"Because (?P<a>\S+) was not found in the (?:package registry|provided package locations)"
        r"|Because there (?:is|are) no versions? of (?P<b>\S+)(?= and you require \S+, we can conclude)"
        r"|Because only (?P<d>\S+) (?:is|are) available and you require (?P<c>\S+), we can conclude",
        said.text,
    )
    if not found:
        return None
    wanted = found["a"] or found["b"] or found["c"]
    name = said.origin.imported(name_of(wanted))
    if name:
        message = f'Cannot build the environment: nothing on the index provides "import {name}".'
        fix = f"If {name} is yours, put it into the folder; else name its package in a requirements.txt."
    else:
        known = f", only {found['d']}" if found["d"] else ""
        lacking = f"the index has no version that fits {wanted}{known}"
        what = f"{wanted} is not on the index" if found["a"] else lacking
        message, fix = f"Cannot build the environment: {what}.", "Correct the name or the version."
    return PackageNotFound(message, where=said.origin.where(wanted), fix=fix)


def conflict(said: Said) -> TholosError | None:
    found = re.search(
        r"No solution found when resolving dependencies.*? cause: (.*?)(?: hint: |$)", said.text
    )
    if not found:
        return None
    story = found[1]
    reason, culprit = shorten(story)
    return VersionConflict(
        f"Cannot build the environment: {reason}.",
        where=said.origin.where(culprit),
        fix="Loosen one of the two.",
        explanation=story,
    )


def shorten(story: str) -> tuple[str, str]:
    """The two requirements at the heart of uv's explanation, and the one to look at first."""
    both = re.search(r"you require (\S+) and (\S+?), (?:which are incompatible|we can conclude)", story)
    if both:
        return f"{both[1]} and {both[2]} exclude each other", both[1]
    required = list(dict.fromkeys(re.findall(r"you require (\S+?)(?:,? (?:and|we)\b|\.? *$|\. )", story)))
    needs = re.search(r"(\S+) depends on (\S+?)(?:,| and|\.$|\. | we)", story)
    if needs:
        theirs = [item for item in required if name_of(item) == name_of(needs[2]) and item != needs[2]]
        against = (theirs or [item for item in required if item != needs[1]] or ["another version"])[-1]
        return f"{needs[1]} needs {needs[2]}, but {against} is required as well", needs[1]
    if len(required) > 1:
        return f"{required[0]} and {required[-1]} exclude each other", required[0]
    text = re.sub(r",? (?:so )?we can conclude.*", "", story).removeprefix("Because ")
    return text.rstrip("."), required[0] if required else ""


def bad_requirement(said: Said) -> TholosError | None:
    local = re.search(r"Distribution not found at: (\S+)", said.text)
    if local:
        return BadRequirement(
            "Cannot build the environment: the requirements name a local folder that is not there.",
            where=said.origin.where(""),
            fix="Name a package, a URL or a version control address instead.",
        )
    position = re.search(
        r"Couldn't parse requirement in `[^`]*` at position (\d+) cause: (.+?`\S+`|.{1,80})(?: |$)", said.text
    )
    placed = re.search(r"error: (.{1,160}?): \S*?:(\d+):\d+(?:$| )", said.text)
    if not position and not placed:
        return None
    line = line_at(said.origin.lines, int(position[1])) if position else int(placed[2]) if placed else 0
    reason = position[2] if position else placed[1] if placed else ""
    where = (
        f"{said.origin.path or 'requirements'}:{line}"
        if said.origin.lines and line
        else said.origin.where("")
    )
    shown = f' "{said.origin.lines[line - 1].strip()}"' if 0 < line <= len(said.origin.lines) else ""
    return BadRequirement(
        f"Cannot read the requirements: the line{shown} is none that pip knows ({reason}).",
        where=where,
        fix="Write it as name, name==1.2 or name @ https://….",
    )


def line_at(lines: Sequence[str], position: int) -> int:
    """The number of the line in which a character stands."""
    passed = 0
    for number, line in enumerate(lines, 1):
        passed += len(line.encode()) + 1
        if position < passed:
            return number
    return len(lines)


def name_of(requirement: str) -> str:
    """The package of a requirement, ``flask`` of ``flask[async]==3.0 ; …``."""
    found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return found[1].rstrip("-._") if found else requirement.strip()


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def safe(address: str) -> str:
    """An address without its password."""
    return re.sub(r"//[^/@\s]+@", "//", address)


# The order is that of causes: a full disk or a dead network shows as a failed build, a failed build as a conflict.
RECOGNISERS = (
    disk_full, hash_mismatch, bad_requirement, unreachable, build_failed, python_mismatch, not_found, conflict,
)  # fmt: skip
