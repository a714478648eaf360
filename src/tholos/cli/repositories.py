"""Commands about repositories: publish one, show and change what an app follows, and credentials for their hosts."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tholos.cli.console import GREEN, RED, Console, age_of, of_terminal, say_done, shorten
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import follow
from tholos.cli.names import check_name, fit_name
from tholos.cli.outcome import tell_not_live
from tholos.cli.session import connected, connected_for
from tholos.cli.story import Story
from tholos.client.api import Client
from tholos.client.model import Operation
from tholos.client.releases import ReleaseCalls
from tholos.client.sources import Source, SourceCommit
from tholos.kit.errors import Invalid

COMMIT_WIDTH = 10
SUBJECT_WIDTH = 48


class RepositoryMissing(Invalid):
    """Cannot publish a repository: its address is missing."""

    code = "repository_missing"


class SecretUnreadable(Invalid):
    """Cannot read the secret: its file is not there, or is no text."""

    code = "secret_unreadable"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was said on the command line of a repository to publish."""

    repository: str | None
    name: str | None
    branch: str | None
    subdirectory: str | None
    polling: bool
    is_draft: bool
    username: str | None
    secret_file: str | None


def publish(wish: Wish, said: dict[str, object], *, server: str | None, as_json: bool) -> int:
    """Let an app follow a repository, and publish where it stands."""
    if not wish.repository:
        raise RepositoryMissing(
            "Cannot tell which repository is meant: these flags go with --git.",
            fix="tholos publish --git URL",
            where="--git",
        )
    name = check_name(wish.name) if wish.name else name_of(wish.repository, wish.subdirectory or "")
    secret = read_secret(wish.secret_file) if wish.secret_file else ""
    console = of_terminal(as_json=as_json)
    with connected(server) as client:
        made = client.set_source(
            name,
            wish.repository,
            branch=wish.branch or "",
            subdirectory=wish.subdirectory or "",
            polling=wish.polling,
            is_draft=wish.is_draft,
            overrides=said,
            username=wish.username or "",
            secret=secret,
        )
        console.row("follows", told_of(made.source))
        if made.secret and not as_json:
            tell_secret(console, made.source, made.secret)
        return follow_begun(client, name, made.operation, console, as_json=as_json, secret=made.secret)


def source(
    *,
    name: str,
    update: bool,
    ref: str,
    pause: bool,
    resume: bool,
    polling: str | None,
    drafts: str | None,
    branch: str | None,
    subdirectory: str | None,
    history: bool,
    lines: int,
    new_secret: bool,
    username: str,
    secret_file: str | None,
    forget_credential: bool,
    remove: bool,
    server: str | None,
    as_json: bool,
) -> int:
    """Show or change what an app follows."""
    with connected(server) as client:
        if remove:
            client.remove_source(name)
            return say_done(name, "follows nothing any more", as_json=as_json, app=name, state="removed")
        if history:
            return show_history(client.source_commits(name, most=lines), as_json=as_json)
        if new_secret:
            return show_new_secret(client, name, as_json=as_json)
        if secret_file:
            client.set_source_credential(name, username or "git", read_secret(secret_file))
        if forget_credential:
            client.remove_source_credential(name)
        changes = (pause, resume, polling, drafts, branch, subdirectory)
        found = change(client, name, *changes) if any(one for one in changes) else client.source(name)
        if update or ref:
            console = of_terminal(as_json=as_json)
            return follow_begun(client, name, client.update_source(name, ref), console, as_json=as_json)
    return show(found, as_json=as_json)


def change(
    client: Client,
    name: str,
    pause: bool,
    resume: bool,
    polling: str | None,
    drafts: str | None,
    branch: str | None,
    subdirectory: str | None,
) -> Source:
    return client.change_source(
        name,
        branch=branch,
        subdirectory=subdirectory,
        polling=None if polling is None else polling == "on",
        is_draft=None if drafts is None else drafts == "on",
        paused=True if pause else False if resume else None,
    )


def show(found: Source, *, as_json: bool) -> int:
    """Print what an app follows, and how it stands."""
    if as_json:
        print_json(source=asdict(found))
        return 0
    console = of_terminal()
    console.row("repository", found.repository)
    console.row("branch", found.branch or "the one that it shows first")
    if found.subdirectory:
        console.row("folder", found.subdirectory)
    console.row("looked at", state_of(found), f"by the right of {found.account}")
    if found.credential:
        console.row("credential", f"of this app, for {found.credential}")
    serving = found.serving
    if serving:
        console.row(
            "serving", f"{serving.commit[:COMMIT_WIDTH]} {serving.subject}", f"release {serving.release}"
        )
    if found.seen_commit and (serving is None or serving.commit != found.seen_commit):
        console.row("seen", found.seen_commit[:COMMIT_WIDTH])
    if found.error:
        console.row("error", found.error.message, colour=RED)
        if found.error.fix:
            console.row("fix", found.error.fix)
    if found.is_waiting:
        console.row("waiting", "it is fetched after what is under way")
    console.row("pushes to", found.webhook_url)
    return 0


def show_history(found: list[SourceCommit], *, as_json: bool) -> int:
    if as_json:
        print_json(commits=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("no commit was tried yet")
        return 0
    rows = [
        (
            one.commit[:COMMIT_WIDTH],
            word_of(one),
            shorten(one.subject, SUBJECT_WIDTH),
            one.author,
            one.trigger,
            age_of(one.at),
        )
        for one in found
    ]
    console.table([("COMMIT", "BECAME", "SUBJECT", "BY", "AFTER", "WHEN"), *rows])
    return 0


def show_new_secret(client: Client, name: str, *, as_json: bool) -> int:
    made = client.renew_source_secret(name)
    if as_json:
        print_json(source=asdict(made.source), secret=made.secret)
    else:
        tell_secret(of_terminal(), made.source, made.secret)
    return 0


def follow_begun(
    client: Client,
    name: str,
    operation: Operation | None,
    console: Console,
    *,
    as_json: bool,
    secret: str = "",
) -> int:
    """Print how it goes, and how it ended."""
    if operation is None:
        console.row("waiting", "it is fetched after what is under way")
        if as_json:
            print_json(app=name, state="waiting", operation=None, secret=secret or None)
        return 0
    with connected_for(ReleaseCalls, str(client.address)) as calls:
        story, was_interrupted = follow(calls, operation, console)
        code = INTERRUPTED if was_interrupted else 0 if story.state == "done" else FAILED
        if story.state == "done":
            console.row(story.url, colour=GREEN)
        elif story.state:
            tell_not_live(calls, name, story, console, code)
    if as_json:
        print_json(
            app=name,
            state=word_for(story),
            release=story.release,
            url=story.url or None,
            operation=operation.id,
            findings=story.findings,
            secret=secret or None,
            error=asdict(story.failure) if story.failure else None,
        )
    return code


def list_credentials(*, server: str | None, as_json: bool) -> int:
    """Print what hosts of repositories are shown for all apps, all but the secrets."""
    with connected(server) as client:
        found = client.git_credentials()
    if as_json:
        print_json(credentials=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("no host is shown anything yet · tholos git-credentials set HOST --secret-file FILE")
        return 0
    rows = [(one.id, one.host, one.username, age_of(one.changed_at)) for one in found]
    console.table([("CREDENTIAL", "HOST", "USER", "SET"), *rows])
    return 0


def set_credential(*, host: str, username: str, secret_file: str, server: str | None, as_json: bool) -> int:
    """Keep what a host is shown for every app that has no credential of its own."""
    with connected(server) as client:
        kept = client.set_git_credential(host, username, read_secret(secret_file))
    return say_done(
        kept.host, f"is shown {kept.username}", as_json=as_json, credential=asdict(kept), state="set"
    )


def remove_credential(*, credential: str, server: str | None, as_json: bool) -> int:
    """Show a host nothing any more."""
    with connected(server) as client:
        client.remove_git_credential(credential)
    return say_done(credential, "removed", as_json=as_json, credential=credential, state="removed")


def name_of(repository: str, subdirectory: str) -> str:
    """What fits an app best: its folder's name, else the repository's."""
    last = re.split(r"[/:]", (subdirectory or repository).strip().rstrip("/"))[-1]
    return fit_name(last.removesuffix(".git"))


def read_secret(file: str) -> str:
    """Raises: SecretUnreadable."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnreadable(
            f"Cannot read the secret: {error}.", fix="Name a file with it alone, or - for stdin.", where=file
        ) from error


def tell_secret(console: Console, found: Source, secret: str) -> None:
    console.row("pushes to", found.webhook_url)
    console.row("secret", secret)
    console.note(
        "The secret is not shown again. Give both to the repository's host, and pushes are published at once."
    )


def told_of(found: Source) -> str:
    branch = found.branch or "the first branch"
    folder = f", folder {found.subdirectory}" if found.subdirectory else ""
    return f"{branch} of {found.repository}{folder}"


def state_of(found: Source) -> str:
    if found.paused:
        return "paused"
    words = "now and then" if found.polling else "after pushes only"
    return f"{words}, as drafts" if found.draft else words


def word_of(one: SourceCommit) -> str:
    return f"release {one.release}" if one.release and one.state == "released" else one.state


def word_for(story: Story) -> str:
    if story.state != "done":
        return story.state or "unknown"
    return "draft" if story.is_draft else "live" if story.release else "unchanged"
