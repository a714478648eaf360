"""The work of following a repository: fetch a commit and publish it.

Each step may be done twice: a server that ended is followed by one that begins the operation again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tholos.accounts import service as accounts
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.detect.model import Overrides
from tholos.kit.db import JsonObject
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Said
from tholos.operations.tasks import Work
from tholos.publishing import service as publishing
from tholos.publishing.service import Decided, Upload, Wish
from tholos.publishing.snapshots import decide_on
from tholos.publishing.tasks import Publisher
from tholos.sources import commits, credentials, queries, remotes
from tholos.sources import service as sources
from tholos.sources.asking import Wanted
from tholos.sources.errors import FetchFailed
from tholos.sources.git import Secret
from tholos.sources.heads import Heads
from tholos.sources.mirrors import Commit, Mirrors, Order, Taken
from tholos.sources.models import CommitState, Source
from tholos.sources.remotes import Remote
from tholos.sources.threads import in_git_thread
from tholos.store.model import Scope

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a fetching needs to know, read once."""

    app: App
    source: Source
    remote: Remote
    secret: Secret


@dataclass(slots=True)
class Follower:
    """Handles the operation *git*: from a branch to a release that serves."""

    publisher: Publisher
    heads: Heads
    mirrors: Mirrors
    sealer: Sealer

    async def follow(self, work: Work) -> JsonObject:
        """Fetch, and publish what is new.

        Raises: TholosError: the first cause, in words.
        """
        if "release_id" not in work.operation.request:
            unchanged = await self._fetch(work)
            if unchanged is not None:
                return unchanged
            work.operation = await in_thread(self._read_operation, work.operation.id)
        result = await self.publisher.build(work)
        await in_thread(self._note_released, work.operation)
        self.publisher.notices.publish(sources.TOPIC)
        return result

    async def abandon(self, operation: Operation, error: JsonObject | None) -> None:
        """Leave nothing half done; what served goes on serving, and the commit is not tried again by itself."""
        operation = await in_thread(self._read_operation, operation.id)
        if "release_id" in operation.request:
            await self.publisher.abandon_publish(operation, error)
        await in_thread(self._note_failure, operation, error)
        self.publisher.notices.publish(sources.TOPIC)

    async def _fetch(self, work: Work) -> JsonObject | None:
        """What is to be told where no release is made; None where there is one in preparation now."""
        async with work.step("fetch") as say:
            facts = await in_thread(self._read_facts, work.operation)
            wanted = Wanted.from_json(work.operation.request)
            find = self.heads.find_any if wanted.ref else self.heads.find_branch
            head = await find(facts.remote, facts.secret, wanted.ref or facts.source.branch)
            addresses = await self.heads.reach(facts.remote)
            work.line(f"{head.ref} of {facts.remote.url} is at {head.commit}")
            order = Order(facts.remote, facts.secret, addresses, head, facts.source.subdirectory)
            found: list[Commit] = []
            taken = await in_git_thread(
                self.mirrors.take,
                order,
                self.publisher.starter.store,
                Scope(work.operation.account_id),
                partial(self._wants, work, facts.source.id, head.ref, found),
                work.stop,
            )
            if taken is None:
                say(f"{found[0].id[:10]} changes nothing of this app")
                return await in_thread(self._tell_unchanged, work.operation, found[0])
            unchanged = await in_thread(self._prepare, work, facts, found[0], taken, wanted)
            say(f"{found[0].id[:10]}: {_files_text(taken)}")
            return unchanged

    def _wants(self, work: Work, source_id: str, ref: str, found: list[Commit], commit: Commit) -> bool:
        if work.stop.is_set():
            raise FetchFailed("Cannot fetch the repository: it was stopped.")
        found.append(commit)
        work.line(f"commit {commit.id} by {commit.author}: {commit.subject}")
        with self.publisher.database.write() as db:
            source = queries.get_source(db, source_id)
            return commits.start_commit(db, work.operation, source, ref, commit, self.publisher.clock.now())

    def _prepare(
        self, work: Work, facts: Facts, commit: Commit, taken: Taken, wanted: Wanted
    ) -> JsonObject | None:
        """Find out what the files are, and make their release; what is live already needs none.

        Raises: Invalid: what has to be mended in the repository.
        """
        wish = Wish(
            name=facts.app.name,
            snapshot=taken.snapshot,
            message=f"{commit.subject} ({commit.id[:10]})".strip(),
            overrides=_overrides_of(wanted.overrides),
            upgrade=False,
            upload=Upload(),
            is_draft=bool(work.operation.request.get("draft")),
            origin={
                "source": "git",
                "source_repo": facts.remote.url,
                "source_branch": facts.source.branch,
                "source_commit": commit.id,
            },
        )
        starter = self.publisher.starter
        decided = decide_on(starter.store, wish, facts.app.overrides, starter.interpreters)
        work.line(_manifest_text(taken, decided))
        if not wanted.is_forced and not wish.is_draft:
            with self.publisher.database.read() as db:
                live = publishing.find_unchanged(db, apps.get_app(db, facts.app.id), decided, upgrade=False)
            if live is not None:
                return self._tell_live_already(work.operation, commit, live)
        self._add_release(work.operation, commit, taken, wish, decided)
        return None

    def _add_release(
        self, operation: Operation, commit: Commit, taken: Taken, wish: Wish, decided: Decided
    ) -> None:
        now = self.publisher.clock.now()
        data: JsonObject = {"label": "commit", "value": commit.id[:10], "why": commit.subject, "where": ""}
        told = [Said("finding", f"{commit.id[:10]} {commit.subject}", "fetch", data)]
        told += [
            Said("finding", note, "fetch", {"label": "note", "value": note, "why": "", "where": ""})
            for note in taken.notes
        ]
        with self.publisher.database.write() as db:
            operations.say(db, operation.id, told, now)
            actor = accounts.actor_for(accounts.get_account(db, operation.account_id))
            app = apps.get_app(db, operation.subject_id)
            present = operations.get_operation(db, operation.id)
            publishing.add_release(db, self.sealer, actor, app, present, wish, decided, now)
            present.request = {**present.request, "commit": commit.id}

    # Transactions

    def _read_operation(self, operation_id: str) -> Operation:
        with self.publisher.database.read() as db:
            return operations.get_operation(db, operation_id)

    def _read_facts(self, operation: Operation) -> Facts:
        """Raises: SourceNotFound, CannotOpen."""
        with self.publisher.database.read() as db:
            source = queries.get_source(db, str(operation.request["source_id"]))
            app = apps.get_app(db, source.app_id)
            secret = credentials.find_secret(db, self.sealer, source)
        return Facts(app, source, remotes.read_kept(source.url), secret)

    def _tell_unchanged(self, operation: Operation, commit: Commit) -> JsonObject:
        with self.publisher.database.read() as db:
            live = apps.find_live(db, operation.subject_id)
        return self._result(operation, commit, live)

    def _tell_live_already(self, operation: Operation, commit: Commit, live: Release) -> JsonObject:
        with self.publisher.database.write() as db:
            commits.end_commit(db, operation, CommitState.UNCHANGED, release=live.number)
        return self._result(operation, commit, live)

    def _result(self, operation: Operation, commit: Commit, live: Release | None) -> JsonObject:
        url = self.publisher.starter.app_url.format(name=operation.subject_name) + "/"
        return {"unchanged": True, "commit": commit.id, "live": live.number if live else None, "url": url}

    def _note_released(self, operation: Operation) -> None:
        with self.publisher.database.write() as db:
            number = int(str(operation.request["release"]))
            commits.end_commit(db, operation, CommitState.RELEASED, release=number)

    def _note_failure(self, operation: Operation, error: JsonObject | None) -> None:
        with self.publisher.database.write() as db:
            operation = operations.get_operation(db, operation.id)
            commits.note_failure(db, operation, error, self.publisher.clock.now())


def _overrides_of(said: JsonObject) -> Overrides:
    keep = said.get("keep")
    texts = {key: str(value) for key, value in said.items() if key != "keep" and value is not None}
    return Overrides(**texts, keep=tuple(map(str, keep)) if isinstance(keep, list) else None)


def _manifest_text(taken: Taken, decided: Decided) -> str:
    if any(file.path == MANIFEST for file in taken.tree.files):
        return f"{MANIFEST} of the repository"
    framework = decided.found.framework
    where = str(framework.evidence)
    return f"no {MANIFEST}: found {framework.value}" + (f" in {where}" if where else "")


def _files_text(taken: Taken) -> str:
    count = len(taken.tree.files)
    return f"{count} {'file' if count == 1 else 'files'}, {taken.tree.size} B"
