"""What is told where something did not come to serve: the first cause, what goes on serving, and where the log is."""

from __future__ import annotations

from tholos.cli.console import RED, Console
from tholos.cli.story import Story, failure_rows
from tholos.client.errors import RemoteNotFound
from tholos.client.model import Release
from tholos.client.releases import ReleaseCalls


def tell_not_live(client: ReleaseCalls, name: str, story: Story, console: Console, code: int) -> None:
    """The first cause, what goes on serving, and where the log is."""
    releases = releases_of(client, name)
    live = next((one for one in releases if one.live), None)
    newest = releases[0] if releases and not releases[0].live and releases[0].state != "ready" else None
    number = story.release or (newest.number if newest else None)
    label = f"release {number}" if number else "publish"
    if story.failure:
        console.row(label, f"failed: {story.failure.message}", colour=RED)
        for line in failure_rows(story.failure):
            console.line(line)
        story.release = number
    else:
        console.row(label, "cancelled")
    serving = f"release {live.number} keeps serving" if live else "nothing is live yet"
    logs = f" · tholos logs {name} --release {number}" if number and story.failure else ""
    console.row(serving + logs, right=f"exit {code}")


def releases_of(client: ReleaseCalls, name: str) -> list[Release]:
    """The app's releases; none if there is no such app, as when its first publish was cancelled."""
    try:
        return client.releases(name)
    except RemoteNotFound:
        return []
