"""What the server's API answers, as values. Times are ISO 8601 text in UTC, as the server wrote them."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.client.fields import Fields

ENDED = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class State:
    """How an app is, from the last probe of its real route."""

    word: str
    """``serving``, ``starting``, ``asleep``, ``failing``, ``stopped`` or ``draft``."""
    since: str = ""
    reason: str = ""
    at: str = ""

    @classmethod
    def from_json(cls, value: object) -> State:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a state")
        return cls(read.text("word"), read.text("since", ""), read.text("reason", ""), read.text("at", ""))


@dataclass(frozen=True, slots=True)
class Release:
    """One immutable version of an app."""

    id: str
    number: int
    state: str
    """``preparing``, ``ready`` or ``failed``."""
    created_at: str
    author: str
    message: str
    kind: str
    framework: str
    entrypoint: str
    python: str
    packages: int
    files: int
    bytes: int
    snapshot: str
    live: bool
    origin: str = "publish"
    """``publish``, or ``settings``: what another one is, with other variables or limits."""
    based_on: int | None = None
    pinned: bool = False
    draft: bool = False
    url: str = ""
    """Where a draft is opened."""
    live_at: str = ""

    @classmethod
    def from_json(cls, value: object) -> Release:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a release")
        return cls(
            id=read.text("id", ""),
            number=read.number("number"),
            state=read.text("state", ""),
            created_at=read.text("created_at", ""),
            author=read.text("author", ""),
            message=read.text("message", ""),
            kind=read.text("kind", ""),
            framework=read.text("framework", ""),
            entrypoint=read.text("entrypoint", ""),
            python=read.text("python", ""),
            packages=read.number("packages", 0),
            files=read.number("files", 0),
            bytes=read.number("bytes", 0),
            snapshot=read.text("snapshot", ""),
            live=read.flag("live"),
            origin=read.text("origin", "publish"),
            based_on=read.number("based_on", 0) or None,
            pinned=read.flag("pinned"),
            draft=read.flag("draft"),
            url=read.text("url", ""),
            live_at=read.text("live_at", ""),
        )


@dataclass(frozen=True, slots=True)
class App:
    """A thing that was published."""

    id: str
    name: str
    kind: str
    framework: str
    url: str
    page: str
    owner: str
    rank: str
    """What this account is to it: ``viewer``, ``editor`` or ``owner``."""
    state: State
    live: Release | None
    created_at: str

    @classmethod
    def from_json(cls, value: object) -> App:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an app")
        live = read.child("live")
        return cls(
            id=read.text("id", ""),
            name=read.text("name"),
            kind=read.text("kind", ""),
            framework=read.text("framework", ""),
            url=read.text("url", ""),
            page=read.text("page", ""),
            owner=read.text("owner", ""),
            rank=read.text("rank", ""),
            state=State.from_json(read.value.get("state")),
            live=Release.from_json(live.value) if live else None,
            created_at=read.text("created_at", ""),
        )


@dataclass(frozen=True, slots=True)
class Standby:
    """A process of a release that sleeps, which waits with its packages imported."""

    app: str
    release: int
    instance: str
    """Id of the instance that it becomes when the release wakes."""
    memory: int | None = None
    """Bytes, what it shares with others counted by its share."""

    @classmethod
    def from_json(cls, value: object) -> Standby:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a standby")
        memory = read.number("memory", 0) or None
        return cls(read.text("app"), read.number("release", 0), read.text("instance", ""), memory)


@dataclass(frozen=True, slots=True)
class Instance:
    """A running process group of one release."""

    id: str
    release: int
    state: str
    since: str
    reason: str
    pid: int | None
    restarts: int
    address: str
    app: str = ""
    cpu_s: float | None = None
    """Seconds of processors since it began."""
    cpu: float | None = None
    """Processors that it used lately: 1 is all of one."""
    memory: int | None = None
    """Bytes, what it shares with others counted by its share."""
    requests: int = 0
    """That began since the server did."""
    under_way: int = 0
    used_at: str = ""
    """When its last request ended."""
    whose: str = ""
    """Name of the account whose own it is, or ``visitors``; empty where everybody comes to it."""

    @classmethod
    def from_json(cls, value: object) -> Instance:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an instance")
        return cls(
            id=read.text("id", ""),
            release=read.number("release", 0),
            state=read.text("state"),
            since=read.text("since", ""),
            reason=read.text("reason", ""),
            pid=read.number("pid", 0) or None,
            restarts=read.number("restarts", 0),
            address=read.text("address", ""),
            app=read.text("app", ""),
            cpu_s=read.seconds("cpu_s"),
            cpu=read.seconds("cpu"),
            memory=read.number("memory", 0) or None,
            requests=read.number("requests", 0),
            under_way=read.number("under_way", 0),
            used_at=read.text("used_at", ""),
            whose=read.text("whose", ""),
        )


@dataclass(frozen=True, slots=True)
class Running:
    """What runs of all apps that somebody may edit."""

    instances: list[Instance]
    standbys: list[Standby]
    """What waits to wake those that sleep."""

    @classmethod
    def from_json(cls, value: object) -> Running:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "what runs")
        return cls(
            [Instance.from_json(one.value) for one in read.items("items")],
            [Standby.from_json(one.value) for one in read.items("standbys")],
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """One recorded reason for an app's state, with the next command."""

    text: str
    at: str
    where: str
    next: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why an app is as it is."""

    app: str
    state: State
    reasons: tuple[Reason, ...]

    @classmethod
    def from_json(cls, value: object) -> Why:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the reasons")
        reasons = tuple(
            Reason(one.text("text"), one.text("at", ""), one.text("where", ""), one.text("next", ""))
            for one in read.items("reasons")
        )
        return cls(read.text("app", ""), State.from_json(read.value.get("state")), reasons)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation failed: the first cause."""

    code: str
    message: str
    fix: str = ""
    where: str = ""
    excerpt: str = ""

    @classmethod
    def from_json(cls, value: object) -> Failure:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the cause of a failure")
        return cls(
            read.text("code", ""),
            read.text("message", ""),
            read.text("fix", ""),
            read.text("where", ""),
            read.text("excerpt", ""),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation; seconds is None until it ended."""

    name: str
    state: str
    seconds: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Long work of the server, with steps and a log."""

    id: str
    kind: str
    app: str
    state: str
    """``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
    created_at: str
    started_at: str
    ended_at: str
    url: str
    account: str
    steps: tuple[Step, ...]
    error: Failure | None
    release: int | None
    """The number of the release that it made, once it is done."""

    @property
    def has_ended(self) -> bool:
        """Whether its state is definite."""
        return self.state in ENDED

    @classmethod
    def from_json(cls, value: object) -> Operation:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an operation")
        error, result = read.child("error"), read.child("result")
        steps = tuple(
            Step(one.text("name"), one.text("state", ""), one.seconds("seconds"), one.text("text", ""))
            for one in read.items("steps")
        )
        return cls(
            id=read.text("id"),
            kind=read.text("kind", ""),
            app=read.text("app", ""),
            state=read.text("state"),
            created_at=read.text("created_at", ""),
            started_at=read.text("started_at", ""),
            ended_at=read.text("ended_at", ""),
            url=read.text("url", ""),
            account=read.text("account", ""),
            steps=steps,
            error=Failure.from_json(error.value) if error else None,
            release=(result.number("release", 0) or None) if result else None,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an operation's record; ``n`` grows by the order of events."""

    n: int
    at: str
    kind: str
    """``finding``, ``step``, ``line``, ``result`` or ``error``."""
    step: str
    text: str
    data: dict[str, object]

    @property
    def is_last(self) -> bool:
        """Whether nothing follows it."""
        return self.kind in {"result", "error"}

    @classmethod
    def from_json(cls, value: object) -> Event:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an event")
        data = read.child("data")
        return cls(
            n=read.number("n"),
            at=read.text("at", ""),
            kind=read.text("kind"),
            step=read.text("step", ""),
            text=read.text("text", ""),
            data=data.value if data else {},
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree of files that the server has."""

    id: str
    files: int
    bytes: int

    @classmethod
    def from_json(cls, value: object) -> Snapshot:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a snapshot")
        return cls(read.text("id"), read.number("files", 0), read.number("bytes", 0))


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The answer to a publish of what is live already."""

    app: App
    release: Release

    @classmethod
    def from_json(cls, value: object) -> Unchanged:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the unchanged release")
        return cls(App.from_json(read.value.get("app")), Release.from_json(read.value.get("release")))
