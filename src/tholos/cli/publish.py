"""The publish command: choose, check here, send what is missing, follow the operation, say what is live."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from tholos.cli import memory
from tholos.cli.console import GREEN, Console, count_of, of_terminal, seconds_of, size_of
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import PATIENT_SECONDS, follow, interruption_held
from tholos.cli.outcome import tell_not_live
from tholos.cli.session import choose_server, connected_for
from tholos.cli.source import Source, as_folder, choose_name, find_source, refuse_wide
from tholos.cli.story import Story
from tholos.cli.upload import Sent, count_missing, find_missing, upload_archive, upload_tree
from tholos.client.errors import RemoteConflict, RemoteNotFound
from tholos.client.model import Operation, Unchanged
from tholos.client.releases import ReleaseCalls
from tholos.kit.errors import Invalid
from tholos.store.errors import FileChanged
from tholos.store.folder import Scan, scan

NOTED_BYTES, NOTED_SECONDS = 1_000_000, 1.0
"""An upload that is smaller and shorter goes without saying."""
CHECKED_BYTES = 1_000_000
"""A change of a folder that was published before is checked here only if there is so much of it to send."""


class FlagsMisfit(Invalid):
    """Cannot publish: these flags do not go together."""

    code = "flags_misfit"


@dataclass(frozen=True, slots=True)
class Target:
    """What goes where."""

    source: Source
    name: str
    said: dict[str, object]
    """The overrides on the command line."""
    before: memory.Folder | None

    @property
    def overrides(self) -> dict[str, object]:
        """The overrides that hold: said now, else said before; an empty one is forgotten."""
        known = {**(self.before.overrides if self.before else {}), **self.said}
        return {key: value for key, value in known.items() if value}


def publish(
    *,
    source: Path,
    name: str | None,
    git: str | None,
    branch: str | None,
    subdirectory: str | None,
    no_polling: bool,
    username: str | None,
    secret_file: str | None,
    message: str,
    kind: str | None,
    entrypoint: str | None,
    line: str | None,
    port: int | None,
    python: str | None,
    requirements: str | None,
    prepare: str | None,
    keep: list[str] | None,
    draft: bool,
    upgrade: bool,
    dry_run: bool,
    yes: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Publish a folder, a script or an archive as the next release of an app."""
    started = as_command(kind, entrypoint, line, port)
    said = said_by(**started, python=python, requirements=requirements, prepare=prepare, keep=keep)
    if git is not None or branch or subdirectory or no_polling or username or secret_file:
        from tholos.cli import repositories  # start-up time

        wish = repositories.Wish(
            git, name, branch, subdirectory, not no_polling, draft, username, secret_file
        )
        return repositories.publish(wish, said, server=server, as_json=as_json)
    found = find_source(source)
    refuse_wide(found, yes=yes)
    known = memory.read_folders()
    before = known.get(str(found.path))
    chosen = choose_server(server, before.server if before else "")
    target = Target(found, choose_name(found, name, chosen, known), said, before)
    console = of_terminal(as_json=as_json)
    with connected_for(ReleaseCalls, chosen) as client:
        if dry_run:
            return show_plan(client, target, console, as_json=as_json)
        try:
            sent = send(client, target, console)
        except KeyboardInterrupt:
            console.note("interrupted: nothing is published; what was sent will not be sent again")
            return INTERRUPTED
        with interruption_held(console) as held:
            answer = begin(client, target, sent, message, upgrade=upgrade, is_draft=draft)
        if isinstance(answer, Unchanged):
            return tell_unchanged(answer, sent, console, as_json=as_json)
        story, was_interrupted = follow(client, answer, console, is_interrupted=held.is_pending)
        return tell_end(
            client, target, answer, story, sent, console, as_json=as_json, was_interrupted=was_interrupted
        )


def as_command(
    kind: str | None, entrypoint: str | None, line: str | None, port: int | None
) -> dict[str, str | None]:
    """Kind and entry point, also where a command was given; its port is what it begins with.

    Raises: FlagsMisfit.
    """
    if line is None and port is None:
        return {"kind": kind, "entrypoint": entrypoint}
    if line is None or entrypoint is not None or kind not in {None, "command"}:
        raise FlagsMisfit(
            "Cannot publish: --command goes with neither --kind nor --entrypoint, and --port goes with it alone.",
            fix='Pass --command "python serve.py", and --port 9000 where it listens on a port of its own.',
        )
    if not line:  # forgotten, as other flags are
        return {"kind": "", "entrypoint": ""}
    return {"kind": "command", "entrypoint": f"PORT={port} {line}" if port else line}


def said_by(*, keep: list[str] | None, **flags: str | None) -> dict[str, object]:
    """The overrides on the command line."""
    said: dict[str, object] = {key: value for key, value in flags.items() if value is not None}
    if keep is not None:
        said["keep"] = [path for path in keep if path]
    return said


def send(client: ReleaseCalls, target: Target, console: Console) -> Sent:
    """Check and upload; a file that is saved in the middle of it is read once more."""
    if target.source.form == "archive":
        sent = upload_archive(client, target.source, console)
    else:
        with as_folder(target.source) as folder:
            try:
                sent = check_and_upload(client, target, read(target, folder, console), console)
            except FileChanged:
                sent = check_and_upload(client, target, read(target, folder, console), console)
    if sent.sent_bytes >= NOTED_BYTES or sent.seconds >= NOTED_SECONDS:
        told = f"{count_of(sent.snapshot.files, 'file')}, {size_of(sent.sent_bytes)} of {size_of(sent.snapshot.bytes)} sent"
        console.row("upload", told, seconds_of(sent.seconds))
    return sent


def read(target: Target, folder: Path, console: Console) -> Scan:
    """The files that would be published."""
    console.status(f"reading {folder}")
    found = scan(folder, cache=memory.scan_cache(folder) if target.source.form == "folder" else None)
    console.clear()
    return found


def check_and_upload(client: ReleaseCalls, target: Target, found: Scan, console: Console) -> Sent:
    for note in found.notes:
        console.row("note", note)
    before = target.before
    was_published = before is not None and before.app == target.name
    if not was_published:
        check(client, target, found)

    def look_first(size: int) -> None:
        """The server finds the same wrong things a moment later: a small upload is over before they are found here."""
        if was_published and size >= CHECKED_BYTES:
            check(client, target, found)

    is_untouched = was_published and before is not None and before.snapshot == found.tree.id
    return upload_tree(client, found, console, is_untouched=is_untouched, look_first=look_first)


def check(client: ReleaseCalls, target: Target, found: Scan) -> None:
    """Let what the server would refuse fail before anything is sent.

    Raises:
        Invalid: of detection.
    """
    from tholos.cli import detection  # a small change needs none of it

    try:
        detection.detect_here(found, target.overrides)
    except detection.UNDECIDED:
        if not is_there(client, target.name):
            raise


def is_there(client: ReleaseCalls, name: str) -> bool:
    """Whether there is such an app; its remembered flags may settle what is open here."""
    try:
        client.app(name)
    except RemoteNotFound:
        return False
    return True


def begin(
    client: ReleaseCalls, target: Target, sent: Sent, message: str, *, upgrade: bool, is_draft: bool
) -> Operation | Unchanged:
    """Start the operation and remember what this folder is published as."""
    client.be_patient(PATIENT_SECONDS)
    try:
        answer = client.publish(
            target.name,
            sent.snapshot.id,
            message=message,
            overrides=target.said,
            upgrade=upgrade,
            is_draft=is_draft,
            upload=sent.to_json(),
        )
    except RemoteConflict as error:
        under_way = error.details.get("operation")
        if isinstance(under_way, str) and not error.fix:
            error.fix = f"wait for it, or stop it: tholos cancel {under_way}"
        raise
    now = memory.Folder(str(client.address), target.name, target.overrides, sent.snapshot.id)
    if now != target.before:
        memory.remember_folder(target.source.path, now)
    return answer


def show_plan(client: ReleaseCalls, target: Target, console: Console, *, as_json: bool) -> int:
    """Say what would be found and sent; nothing is changed."""
    if target.source.form == "archive":
        size = target.source.path.stat().st_size
        console.row("upload", f"{target.source.path.name}, {size_of(size)}, which the server unpacks")
        console.row("would publish", target.name)
        if as_json:
            print_json(app=target.name, dry_run=True, upload={"bytes": size, "sent_bytes": size})
        return 0
    from tholos.cli import detection

    with as_folder(target.source) as folder:
        found = read(target, folder, console)
        rows = detection.detection_rows(detection.detect_here(found, target.overrides))
        files, size = count_missing(found, find_missing(client, found))
    for row in rows:
        console.row(row.label, row.text)
    for note in found.notes:
        console.row("note", note)
    tree = found.tree
    console.row(
        "upload", f"{files} of {count_of(len(tree.files), 'file')}, {size_of(size)} of {size_of(tree.size)}"
    )
    console.row("would publish", target.name)
    if as_json:
        upload = {"files": len(tree.files), "bytes": tree.size, "sent_bytes": size}
        print_json(app=target.name, dry_run=True, findings=[asdict(row) for row in rows], upload=upload)
    return 0


def tell_unchanged(answer: Unchanged, sent: Sent, console: Console, *, as_json: bool) -> int:
    number, app = answer.release.number, answer.app
    console.row(f"nothing changed: release {number} is live")
    console.row(app.url)
    if as_json:
        print_json(app=app.name, state="unchanged", release=number, url=app.url, upload=sent.to_json())
    return 0


def tell_end(
    client: ReleaseCalls,
    target: Target,
    operation: Operation,
    story: Story,
    sent: Sent,
    console: Console,
    *,
    as_json: bool,
    was_interrupted: bool,
) -> int:
    """Print how it ended and what is serving; answers the exit code."""
    code = INTERRUPTED if was_interrupted else 0 if story.state == "done" else FAILED
    if story.state == "done":
        console.row(story.url, colour=GREEN)
        if story.is_draft:
            console.row("a draft", f"tholos activate {target.name} {story.release}")
        if not story.is_draft and story.before is None and is_private(client, operation):
            console.row(f"only you can open it · tholos share {target.name} --with WHO")
    elif story.state:
        tell_not_live(client, target.name, story, console, code)
    if as_json:
        print_json(
            app=target.name,
            state={"done": "draft" if story.is_draft else "live"}.get(story.state, story.state or "unknown"),
            release=story.release,
            url=story.url or None,
            operation=operation.id,
            findings=story.findings,
            upload=sent.to_json(),
            error=asdict(story.failure) if story.failure else None,
        )
    return code


def is_private(client: ReleaseCalls, operation: Operation) -> bool:
    """Whether nobody but who published it gets in."""
    from tholos.client.sharing import SharingCalls  # start-up time: it is asked once in an app's life

    with connected_for(SharingCalls, str(client.address)) as asking:
        shared = asking.access(operation.app)
    return shared.audience == "listed" and not shared.grants and shared.owner == operation.account
