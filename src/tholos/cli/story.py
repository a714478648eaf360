"""An operation's events as the rows that tell it: one per decision with its reason, times at the right. Pure.

Start, health check and switch are one row, that of the release; the packages' row is the environment's step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tholos.client.model import Event, Failure

LABELS = {"environment": "packages", "prepare": "prepare"}
RELEASE_STEPS = frozenset({"start", "health", "switch"})
TOLD_ELSEWHERE = frozenset({"upload"})
EXCERPT_LINES = 12
WHERE_WIDTH = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One row of output."""

    label: str
    text: str
    seconds: float | None = None


@dataclass(slots=True)
class Story:
    """What has been told, and how it ended."""

    now: str = ""
    """What is going on, for a terminal's last line."""
    state: str = ""
    """``done``, ``failed`` or ``cancelled`` once it ended."""
    release: int | None = None
    url: str = ""
    is_draft: bool = False
    before: int | None = None
    """The release that was live before, if one was."""
    failure: Failure | None = None
    findings: list[dict[str, object]] = field(default_factory=list)
    _packages: Row | None = None
    _check: str = ""
    _seconds: float = 0.0

    def tell(self, event: Event) -> list[Row]:
        """The rows that an event adds."""
        match event.kind:
            case "finding":
                return self._tell_finding(event)
            case "step":
                return self._tell_step(event)
            case "result":
                return self._tell_result(event)
            case "error":
                self.state, self.failure = "failed", Failure.from_json(event.data)
                self.release = number_of(event.data.get("release"))
                return self._held()
            case _:
                self.now = event.text or self.now
                return []

    def _tell_finding(self, event: Event) -> list[Row]:
        self.findings.append(event.data)
        row = finding_row(
            str(event.data.get("label") or ""),
            str(event.data.get("value") or ""),
            str(event.data.get("why") or ""),
            event.text,
        )
        if row.label == "packages":
            self._packages = row
            return []
        return [row]

    def _tell_step(self, event: Event) -> list[Row]:
        state = event.data.get("state")
        seconds = event.data.get("seconds")
        spent = float(seconds) if isinstance(seconds, int | float) else None
        if state == "running":
            self.now = event.text or event.step
        if state != "done" or event.step in TOLD_ELSEWHERE:
            return []
        if event.step in RELEASE_STEPS:
            self._seconds += spent or 0.0
            self._check = event.text if event.step == "health" else self._check
            return []
        if event.step == "environment":
            text = event.text or (self._packages.text if self._packages else "")
            self._packages = None
            return [Row("packages", text, spent)] if text else []
        return [*self._held(), Row(LABELS.get(event.step, event.step), event.text, spent)]

    def _tell_result(self, event: Event) -> list[Row]:
        self.state = str(event.data.get("state") or "done")
        self.url = str(event.data.get("url") or "")
        self.release = number_of(event.data.get("release"))
        if self.state != "done" or self.release is None:
            return self._held()
        self.is_draft = event.data.get("draft") is True
        self.before = number_of(event.data.get("before"))
        word = "a draft" if self.is_draft else "live"
        text = f"{self._check}, {word}" if self._check else word
        return [*self._held(), Row(f"release {self.release}", text, self._seconds)]

    def _held(self) -> list[Row]:
        held, self._packages = self._packages, None
        return [held] if held else []


def finding_row(label: str, value: str, why: str, text: str = "") -> Row:
    """``Flask  app:app in app.py:4``; of Python the version is in the label, as ``Python 3.12``."""
    if label == "Python" and value:
        return Row(f"Python {value}", why)
    return Row(label or "note", f"{value} {why}".strip() or text)


def failure_rows(failure: Failure) -> list[str]:
    """The first cause: where and what, then the fix."""
    first, *rest = failure.excerpt.strip("\n").splitlines()[:EXCERPT_LINES] or [""]
    lines = [f"    {failure.where:<{WHERE_WIDTH}}{first}".rstrip()] if failure.where or first else []
    lines += [f"    {'':<{WHERE_WIDTH}}{line}".rstrip() for line in rest]
    if failure.fix:
        lines.append(f"    {'fix':<{WHERE_WIDTH}}{failure.fix}")
    return lines


def number_of(value: object) -> int | None:
    """A release's number in an event."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
