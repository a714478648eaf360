"""What the supervisor is asked to run and what it says about it, as values checked on entry. No I/O.

Named tuples, not dataclasses: importing those would cost every idle supervisor a megabyte and a half.
What may follow what stands in ``lifecycle``.
"""

from __future__ import annotations

import os
import re
import resource
from typing import NamedTuple

from tholos_supervisor.sandbox import Sandbox, Wrong, sandbox_from, sandbox_to_json

INSTANCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,119}")
RLIMITS = {
    name.removeprefix("RLIMIT_").lower(): getattr(resource, name)
    for name in dir(resource)
    if name.startswith("RLIMIT_")
}


class Refused(Exception):
    """A request that is answered with an error: a stable code, a sentence, and the field it is about."""

    def __init__(self, code: str, message: str, where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where


class Secrets(dict[str, str]):
    """Variables whose values are in memory only; whatever shows one shows no value."""

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"

    __str__ = __repr__


NO_SECRETS = Secrets()


class Spec(NamedTuple):
    """One instance to run; the meaning of the fields is the launcher protocol's."""

    instance: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    log: str
    log_limit: int
    socket: str
    restarts: int
    stable_s: float
    grace_s: float
    limits: dict[str, int]
    secrets: Secrets = NO_SECRETS
    """Further variables, which stand in no record, answer or log."""
    sandbox: Sandbox | None = None
    """What holds it; ``None`` for nothing but its limits."""
    waits: bool = False
    """Whether it is to wait, before it does anything of its own, until it is started as one that does not."""


class Status(NamedTuple):
    """One instance as it is told to clients; times are Unix seconds."""

    instance: str
    state: str
    pid: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    next_start_at: float | None = None
    exit_code: int | None = None
    ends: int = 0
    reason: str = ""
    waits: bool = False
    """Whether it was not told to go on, also where it has ended."""
    is_warm: bool = False
    """Whether it waits, and has done all that it can before."""


class Identity(NamedTuple):
    """A process beyond doubt: a pid is used again one day, with this start time in this boot never."""

    pid: int
    start: int
    """Clock ticks after boot."""
    boot: str


class End(NamedTuple):
    """How a process ended; ``exit_code`` is ``None`` where nobody of us was there to see it."""

    exit_code: int | None
    ran_s: float
    seen: bool
    why: str = ""
    """A clause for people where its limits ended it."""


class Record(NamedTuple):
    """All that is kept on disk of one instance."""

    spec: Spec
    status: Status
    mark: str
    """Stands in the environment of every process of the instance, so that even detached ones are found."""
    identity: Identity | None = None
    started_boot: float = 0.0
    """When it was started, in seconds after boot: no clock step moves it."""
    kill_at: float | None = None
    """Unix seconds at which TERM becomes KILL."""
    end: End | None = None
    """Set when the leader has ended and processes it left behind are still being ended."""
    has_secrets: bool = False
    """Whether the spec came with some: a later supervisor knows that, and not what they were."""
    groups: tuple[str, ...] = ()
    """Folders of its control groups."""

    @property
    def lacks_secrets(self) -> bool:
        """Whether it cannot be started as it was asked for."""
        return self.has_secrets and not self.spec.secrets


def instance_name(value: object) -> str:
    """A checked instance name; it becomes a file name."""
    if not isinstance(value, str) or not INSTANCE_NAME.fullmatch(value):
        message = "Cannot take this instance name: it needs 1 to 120 of A-Z a-z 0-9 . _ : @ -."
        raise Refused("invalid_spec", message, "instance")
    return value


def spec_from(value: object) -> Spec:
    """A checked spec out of anything that JSON can say.

    Raises:
        Refused: with code ``invalid_spec`` and the name of the field.
    """
    if not isinstance(value, dict):
        raise _wrong("spec", "an object")
    unknown = sorted(str(name) for name in value if name not in Spec._fields)
    if unknown:
        raise _wrong(unknown[0][:80], "absent, it is not known here")
    return Spec(
        instance=instance_name(value.get("instance")),
        argv=_argv(value.get("argv")),
        env=_variables("env", value.get("env")),
        cwd=_path("cwd", value.get("cwd")),
        log=_path("log", value.get("log")),
        log_limit=_whole("log_limit", value.get("log_limit", 64 << 20), 64 << 10, 1 << 50),
        socket=_path("socket", value.get("socket", ""), empty=True),
        restarts=_whole("restarts", value.get("restarts", 10), 0, 1_000_000),
        stable_s=_seconds("stable_s", value.get("stable_s", 60.0)),
        grace_s=_seconds("grace_s", value.get("grace_s", 10.0)),
        limits=_limits(value.get("limits", {})),
        secrets=Secrets(_variables("secrets", value.get("secrets", {}))),
        sandbox=_sandbox(value.get("sandbox")),
        waits=_claim("waits", value.get("waits", False)),
    )


def _wrong(field: str, needed: str) -> Refused:
    return Refused("invalid_spec", f"Cannot use this spec: {field} must be {needed}.", field)


def _sandbox(value: object) -> Sandbox | None:
    try:
        return sandbox_from(value)
    except Wrong as wrong:
        raise _wrong(wrong.field, wrong.needed) from None


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _wrong(field, "text without NUL")
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise _wrong(field, "text that has bytes") from None
    return value


def _path(field: str, value: object, *, empty: bool = False) -> str:
    path = _text(field, value)
    if not path.startswith("/") and not (empty and not path):
        raise _wrong(field, "an absolute path")
    return path


def _argv(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong("argv", "a list with a program")
    argv = tuple(_text("argv", word) for word in value)
    if not argv[0]:
        raise _wrong("argv", "a list with a program")
    return argv


def _variables(field: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _wrong(field, "an object")
    variables = {_text(field, name): _text(field, text) for name, text in value.items()}
    if any(not name or "=" in name for name in variables):
        raise _wrong(field, "an object with names that are not empty and have no =")
    return variables


def _whole(field: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(field, f"a whole number from {low} to {high}")
    return value


def _seconds(field: str, value: object) -> float:
    if (
        not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1e7
    ):  # refuses NaN too
        raise _wrong(field, "seconds from 0 to 10000000")
    return float(value)


def _claim(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, "true or false")
    return value


def _limits(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise _wrong("limits", "an object")
    for name, number in value.items():
        if name not in RLIMITS:
            raise _wrong("limits", f"an object with names out of {', '.join(sorted(RLIMITS))}")
        _whole(f"limits.{name}", number, 0, (1 << 63) - 1)
    return dict(value)


def record_to_json(record: Record) -> dict[str, object]:
    """What is kept on disk: everything but the secrets."""
    spec = record.spec._asdict()
    del spec["secrets"]
    spec["sandbox"] = sandbox_to_json(record.spec.sandbox)
    return {
        "version": 1,
        **record._asdict(),
        "spec": spec,
        "status": record.status._asdict(),
        "identity": record.identity and record.identity._asdict(),
        "end": record.end and record.end._asdict(),
    }


def record_from_json(value: object) -> Record:
    """The record as it was written.

    Raises:
        Refused, KeyError, TypeError: it is not one of ours.
    """
    if not isinstance(value, dict) or value.get("version") != 1:
        raise Refused("bad_record", "Cannot read this record: its version is not 1.")
    return Record(
        spec=spec_from(value["spec"]),
        status=Status(**value["status"]),
        mark=value["mark"],
        identity=Identity(**value["identity"]) if value["identity"] else None,
        started_boot=value["started_boot"],
        kill_at=value["kill_at"],
        end=End(**value["end"]) if value["end"] else None,
        has_secrets=bool(value.get("has_secrets")),
        groups=tuple(value.get("groups", ())),
    )
