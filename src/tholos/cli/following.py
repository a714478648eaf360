"""Following an operation to its end, and stopping it when the person says so."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tholos.cli.console import Console, seconds_of
from tholos.cli.story import Story
from tholos.client.core import Core
from tholos.client.errors import RemoteConflict
from tholos.client.model import Operation

PATIENT_SECONDS = 60.0
"""A server that is restarted in the middle is waited for so long."""


class Interruption:
    """Whether Ctrl-C was pressed while it had to wait."""

    def __init__(self) -> None:
        self.is_pending = False


@contextmanager
def interruption_held(console: Console) -> Iterator[Interruption]:
    """Keep the first Ctrl-C until the server has said which operation it began, so that it can be cancelled."""
    held = Interruption()

    def hold(number: int, frame: FrameType | None) -> None:
        if held.is_pending:
            signal.default_int_handler(number, frame)
        held.is_pending = True
        console.note("stopping as soon as the server answers · Ctrl-C again leaves at once")

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, before)


def follow(
    client: Core, operation: Operation, console: Console, *, is_interrupted: bool = False
) -> tuple[Story, bool]:
    """Print an operation's rows until it has ended.

    The first Ctrl-C cancels it and waits for its end, which takes a second; one more leaves at once.

    Args:
        client: of the operation's server.
        operation: to follow.
        console: to print to.
        is_interrupted: Ctrl-C was pressed already.

    Returns:
        The story, and whether it was interrupted.
    """
    client.be_patient(PATIENT_SECONDS)
    story = Story()
    seen = [0]
    try:
        if is_interrupted:
            raise KeyboardInterrupt  # noqa: TRY301 - it was only held back
        play(client, operation, console, story, seen)
    except KeyboardInterrupt:
        console.note("cancelling · Ctrl-C again leaves at once")
        try:
            ask_to_cancel(client, operation.id)
            play(client, operation, console, story, seen)
        except KeyboardInterrupt:
            console.note(f"left {operation.id} to its own · tholos cancel {operation.id}")
        return story, True
    return story, False


def play(client: Core, operation: Operation, console: Console, story: Story, seen: list[int]) -> None:
    """Print rows from the event after the last seen one on."""
    for event in client.events(operation.id, after=seen[0]):
        rows = story.tell(event)
        seen[0] = event.n
        for row in rows:
            console.row(row.label, row.text, seconds_of(row.seconds))
        if not rows and story.now:
            console.status(story.now)
    console.clear()


def ask_to_cancel(client: Core, operation: str) -> None:
    """Cancel it, unless it has just ended by itself."""
    try:
        client.cancel(operation)
    except RemoteConflict:
        if not client.operation(operation).has_ended:
            raise
