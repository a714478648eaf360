"""What is searched for in the record of deeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; what is empty leaves nothing out."""

    actor: str = ""
    """An account's name."""
    action: str = ""
    """An action such as ``app.shared``, or all of a kind such as ``app``."""
    kind: str = ""
    """Of the subject, such as ``app``."""
    name: str = ""
    """Of the subject."""
    subject_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    """Something in the names or the note."""

    def to_json(self) -> dict[str, object]:
        """What is asked for, as the record of an export keeps it."""
        words = {
            "actor": self.actor, "action": self.action, "kind": self.kind, "name": self.name, "text": self.text,
            "since": self.since.isoformat() if self.since else "", "until": self.until.isoformat() if self.until else "",
        }  # fmt: skip
        return {key: value for key, value in words.items() if value}
