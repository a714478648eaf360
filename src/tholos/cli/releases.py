"""Commands about releases: list, compare, go back and forth, restart, pin, discard, download."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tholos.cli.console import GREEN, RED, Console, age_of, count_of, of_terminal, say_done, shorten, size_of
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import follow
from tholos.cli.session import choose_app, connected_for
from tholos.cli.story import failure_rows
from tholos.client.errors import Remote
from tholos.client.model import Operation, Release, Unchanged
from tholos.client.releases import Comparison, ReleaseCalls
from tholos.kit.errors import Conflict, Unavailable

MESSAGE_WIDTH = 48
NAMED = 4
LIMIT = "Limit: "
"""What names of settings begin with that are limits."""


class FileThere(Conflict):
    """Cannot write the file: it is there already."""

    code = "file_there"


def list_releases(*, name: str | None, server: str | None, as_json: bool) -> int:
    """Print an app's releases, the newest first."""
    name, remembered = choose_app(name)
    with connected_for(ReleaseCalls, server, remembered) as client:
        found = client.releases(name)
    if as_json:
        print_json(releases=[asdict(one) for one in found])
        return 0
    rows = [
        (str(one.number), word_of(one), shorten(one.message, MESSAGE_WIDTH), one.author,
         age_of(one.created_at), one.python or "-", str(one.packages) if one.state == "ready" else "-",
         size_of(one.bytes))
        for one in found
    ]  # fmt: skip
    of_terminal().table([("RELEASE", "STATE", "MESSAGE", "BY", "MADE", "PYTHON", "PACKAGES", "SIZE"), *rows])
    return 0


def word_of(release: Release) -> str:
    """What a release is, in a word or two."""
    word = "live" if release.live else "draft" if release.draft else release.state
    return f"{word}, pinned" if release.pinned else word


def roll_back(*, name: str | None, release: int | None, server: str | None, as_json: bool) -> int:
    """Make an earlier release live."""
    return switch(name, server, lambda client, app: client.roll_back(app, release), as_json=as_json)


def activate(*, name: str, release: int, server: str | None, as_json: bool) -> int:
    """Make a release live."""
    return switch(name, server, lambda client, app: client.activate(app, release), as_json=as_json)


def restart(*, name: str | None, server: str | None, as_json: bool) -> int:
    """Put new instances in the place of all that run."""
    return switch(name, server, lambda client, app: client.restart(app), as_json=as_json)


def switch(
    name: str | None,
    server: str | None,
    begin: Callable[[ReleaseCalls, str], Operation | Unchanged],
    *,
    as_json: bool,
) -> int:
    """Begin what makes another release live, follow it, and say how to undo it."""
    name, remembered = choose_app(name)
    console = of_terminal(as_json=as_json)
    with connected_for(ReleaseCalls, server, remembered) as client:
        begun = begin(client, name)
        if isinstance(begun, Unchanged):
            console.row(f"nothing to do: release {begun.release.number} is live")
            if as_json:
                print_json(app=name, state="unchanged", release=begun.release.number, url=begun.app.url)
            return 0
        story, was_interrupted = follow(client, begun, console)
        is_other = story.before is not None and story.release != story.before
        if story.before and story.release and is_other:
            tell_returned(client, name, story.before, story.release, console)
        live = find_live(client, name) if story.failure else None
    if story.state == "done":
        console.row(story.url, colour=GREEN)
        if is_other:
            console.row("undo", f"tholos activate {name} {story.before}")
    elif story.failure:
        tell_failure(begun.kind, live, story.failure.message, failure_rows(story.failure), console)
    if as_json:
        print_json(
            app=name, state=story.state, release=story.release, url=story.url or None, operation=begun.id,
            error=asdict(story.failure) if story.failure else None,
        )  # fmt: skip
    return INTERRUPTED if was_interrupted else 0 if story.state == "done" else FAILED


def find_live(client: ReleaseCalls, name: str) -> Release | None:
    """What goes on serving, as far as that can be told."""
    with suppress(Remote, Unavailable):
        return client.app(name).live
    return None


def tell_returned(client: ReleaseCalls, name: str, before: int, after: int, console: Console) -> None:
    """What is another with the release that is live now; it is live whether or not that can be told."""
    with suppress(Remote, Unavailable):
        console.row(f"{before} → {after}", returned(client.compare(name, before, after)))


def returned(found: Comparison) -> str:
    """In what two releases differ, in one row."""
    variables = [one.name for one in found.changes if one.kind == "variable"]
    settings = [one.name for one in found.changes if one.kind == "setting"]
    others = [one for one in settings if not one.startswith(LIMIT)]
    kinds = {one.kind for one in found.changes}
    told = [
        "code" if "file" in kinds else "",
        "packages" if "package" in kinds else "",
        f"{count_of(len(variables), 'variable')} ({named(variables)})" if variables else "",
        f"settings ({named(others)})" if others else "",
        "limits" if len(others) < len(settings) else "",
    ]
    return ", ".join(filter(None, told)) or "nothing differs"


def named(names: Sequence[str]) -> str:
    return ", ".join([*names[:NAMED], *(["…"] if len(names) > NAMED else [])])


def tell_failure(kind: str, live: Release | None, message: str, rows: list[str], console: Console) -> None:
    """The first cause, and what goes on serving."""
    console.row(kind, f"failed: {message}", colour=RED)
    for row in rows:
        console.line(row)
    console.row(f"release {live.number} keeps serving" if live else "nothing is live yet")


def pin(*, name: str, release: int, server: str | None, as_json: bool) -> int:
    """Keep a release however many newer ones there are."""
    return set_pinned(name, release, server, is_pinned=True, as_json=as_json)


def unpin(*, name: str, release: int, server: str | None, as_json: bool) -> int:
    """Let a release go in its turn."""
    return set_pinned(name, release, server, is_pinned=False, as_json=as_json)


def set_pinned(name: str, release: int, server: str | None, *, is_pinned: bool, as_json: bool) -> int:
    with connected_for(ReleaseCalls, server, choose_app(name)[1]) as client:
        client.pin_release(name, release, is_pinned=is_pinned)
    told = f"release {release} is {'kept' if is_pinned else 'kept no longer than any other'}"
    return say_done(name, told, as_json=as_json, app=name, release=release, pinned=is_pinned)


def discard(*, name: str, release: int, server: str | None, as_json: bool) -> int:
    """Let a draft end; its release stays."""
    with connected_for(ReleaseCalls, server, choose_app(name)[1]) as client:
        client.discard_draft(name, release)
    told, next_one = f"release {release} is no draft any more", f"tholos activate {name} {release}"
    return say_done(name, told, next_one, as_json=as_json, app=name, release=release, state="discarded")


def diff(
    *, name: str | None, a: int | None, b: int | None, file: str, server: str | None, as_json: bool
) -> int:
    """Print in what two releases differ, or the differences of one file."""
    name, remembered = choose_app(name)
    with connected_for(ReleaseCalls, server, remembered) as client:
        found = client.compare(name, a, b)
        text = client.diff(name, found.a, found.b, file) if file else ""
    if as_json:
        print_json(**asdict(found), diff=text)
        return 0
    if file:
        sys.stdout.write(text)
        return 0
    console = of_terminal()
    console.row(name, f"release {found.a} → release {found.b}")
    if not found.changes:
        console.row("nothing differs")
    for one in found.changes:
        told = f"{one.before} → {one.after}" if one.before and one.after else one.before or one.after
        console.row(one.change, f"{one.kind} {one.name}" + (f"  {told}" if told else ""))
    return 0


def download(
    *, name: str | None, release: int | None, to: Path | None, server: str | None, as_json: bool
) -> int:
    """Write a release to a file that publishes unchanged elsewhere."""
    name, remembered = choose_app(name)
    with connected_for(ReleaseCalls, server, remembered) as client:
        number = release or newest_of(client, name)
        path = to or Path(f"{name}-r{number}.tar.gz")
        part = path.with_name(f"{path.name}.part")
        if path.exists():
            raise FileThere(f"Cannot write {path}: it is there already.", fix="Name another with --to")
        try:
            with part.open("wb") as file:
                for piece in client.download(name, number):
                    file.write(piece)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
    size = path.stat().st_size
    return say_done(
        str(path), size_of(size), f"tholos publish {path}",
        as_json=as_json, app=name, release=number, file=str(path), bytes=size,
    )  # fmt: skip


def show_manifest(
    *, name: str | None, release: int | None, write: Path | None, server: str | None, as_json: bool
) -> int:
    """Print a release's manifest, or write it into a folder."""
    name, remembered = choose_app(name)
    with connected_for(ReleaseCalls, server, remembered) as client:
        text = client.manifest(name, release or newest_of(client, name))
    if write is None and as_json:
        print_json(app=name, manifest=json.loads(text))
        return 0
    if write is None:
        print(text)
        return 0
    path = write / "manifest.json"
    path.write_text(text + "\n")
    return say_done(str(path), "written", as_json=as_json, app=name, file=str(path))


def show_lock(*, name: str | None, release: int | None, server: str | None, as_json: bool) -> int:
    """Print every package of a release with its version and hash."""
    name, remembered = choose_app(name)
    with connected_for(ReleaseCalls, server, remembered) as client:
        number = release or newest_of(client, name)
        text = client.lock(name, number)
    if as_json:
        print_json(app=name, release=number, lock=text)
        return 0
    sys.stdout.write(text)
    if not text.strip():
        of_terminal().note(f"release {number} needs no packages")
    return 0


def newest_of(client: ReleaseCalls, name: str) -> int:
    """The number of an app's live release, else of its newest."""
    live = client.app(name).live
    return live.number if live else client.releases(name)[0].number
