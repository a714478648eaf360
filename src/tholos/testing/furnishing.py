"""Made-up rows for the showroom: people, and apps in every state with all that pages can show of one.

They are made by the real use cases, so that what is shown is what the product can be in.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import accumulate
from pathlib import Path

from tholos.accounts import device, groups, invitations
from tholos.accounts import service as accounts
from tholos.accounts.invitations import Offer
from tholos.accounts.models import Role
from tholos.accounts.service import Actor, Origin
from tholos.apps import requests, sharing, visits
from tholos.apps import service as apps
from tholos.apps.models import App, AppState, Release
from tholos.instances import service as instances
from tholos.instances.models import Instance, InstanceState
from tholos.kit.db import Database, JsonObject, WriteDb
from tholos.kit.sealing import Sealer
from tholos.notifications import outbox
from tholos.notifications import service as notifications
from tholos.notifications.outbox import Setup
from tholos.operations import service as operations
from tholos.operations.models import StepState
from tholos.operations.service import Said, Subject
from tholos.paths import service as paths
from tholos.publishing import service as publishing
from tholos.runtime.layout import Layout
from tholos.runtime.logtimes import PAIR, times_file
from tholos.schedules import service as schedules
from tholos.schedules.recurrence import Kind as ScheduleKind
from tholos.schedules.recurrence import Recurrence
from tholos.sharing.models import Audience, Level, PrincipalKind
from tholos.sources import asking, commits, credentials
from tholos.sources import service as sources
from tholos.sources.errors import RepositoryClosed
from tholos.sources.mirrors import Commit
from tholos.sources.models import CommitState, Trigger
from tholos.store import archives
from tholos.store.model import Scope
from tholos.store.store import Store
from tholos.tags import service as tags
from tholos.testing.rows import new_release
from tholos.usage import service as usage
from tholos.usage.service import Seen
from tholos.variables import service as variables
from tholos.variables import shared as secrets

NAMES = ("sales", "turbine", "map", "forecast", "notebook", "survey", "weather", "budget")
"""Those that have instances, logs and operations; further ones are there for their number."""
_STATES = (AppState.SERVING, AppState.FAILING, AppState.STARTING, AppState.STOPPED)
_KINDS = (("wsgi", "Flask"), ("asgi", "FastAPI"), ("streamlit", "Streamlit"), ("static", "static site"))
_TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "app.py", line 31, in totals',
    '    yield row["total"]',
    "KeyError: 'total'",
)
_COLOURS = (
    " * Serving Flask app 'app'",
    "\x1b[31m\x1b[1mWARNING: This is a development server.\x1b[0m Use another one for visitors.",
    '127.0.0.1 "\x1b[36mGET /totals HTTP/1.1\x1b[0m" 304 -',
    '127.0.0.1 "\x1b[1;32mPOST /rows HTTP/1.1\x1b[0m" 201 \x1b[2Kdone\x1b[39m.',
    "<script>alert('a log line is text & nothing else')</script>",
)
_CAUSE: JsonObject = {
    "code": "instance_died",
    "message": "Cannot start the app: KeyError: 'total'",
    "where": "app.py:31",
    "fix": 'Add the key, or read it with row.get("total"), and publish again.',
}
_REPOSITORY = "https://git.example.org/team/reports-of-the-quarter.git"
_AUTHOR = "Ada Byron <ada@example.org>"
_COMMITS = (
    (CommitState.FAILED, "Sum by region"),
    (CommitState.UNCHANGED, "Words in the read-me of another folder"),
    (CommitState.RELEASED, "Sum by region, and leave out what has no region at all"),
)
"""The newest last."""
_WEBHOOK = "https://hooks.example.org/services/T01/B02/abcdef"


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    apps: int = 8
    people: int = 6
    log_lines: int = 200
    releases: int = 4


USUAL = Size()


def log_texts(count: int) -> Iterator[str]:
    """A log as apps write them: requests, colours, now and then a long line, a warning or a traceback."""
    yield from _COLOURS
    for n in range(len(_COLOURS), count):
        yield f"2026-01-01 12:{n // 60 % 60:02}:{n % 60:02} INFO GET /totals?page={n} took {n % 70} ms"
        if n % 40 == 39:
            yield "WARNING slow query: " + "select a, b, c from rows where total > 0 " * 5
        if n % 90 == 60:
            yield from _TRACEBACK


def sources_of(number: int) -> Mapping[str, str]:
    """The files of a release: each differs from the one before it."""
    lines = "\n".join(f"    rows.append({n} * {number})" for n in range(30))
    files = {
        "app.py": f"from flask import Flask\n\napp = Flask(__name__)\n\n\ndef totals(rows):\n{lines}\n    return rows\n",
        "requirements.txt": f"flask==3.1.0\npandas==2.2.{number}\n",
        f"reports/of-release-{number}.md": f"# Release {number}\n",
        "templates/totals.html": "<h1>Totals</h1>\n",
    }
    return files if number > 1 else {**files, "notes.txt": "for later\n"}


@dataclass(slots=True)
class Furnishing:
    """Fills an empty database; what pages are asked by lies in ``people``, ``operations`` and so on afterwards."""

    database: Database
    store: Store
    sealer: Sealer
    layout: Layout
    size: Size
    now: datetime
    people: dict[str, Actor] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    """Ids by state."""
    logs: dict[str, Path] = field(default_factory=dict)
    """Of the instance of each app that has one."""
    webhooks: list[str] = field(default_factory=list)
    invitation: str = ""
    """The code of one that is open."""
    device_code: str = ""
    link: str = ""
    """The code of one that signs in."""
    tags: list[str] = field(default_factory=list)
    """Ids, of the categories' children."""
    snapshot: str = ""
    """What ada sent, and has not published."""

    def fill(self) -> None:
        self._add_people()
        for number in range(self.size.apps):
            with self.database.write() as db:
                self._add_app(db, number, self.now - timedelta(hours=number + 1))
        with self.database.write() as db:
            self._share(db)
            self._keep_secrets(db)
            self._add_draft(db)
            self._link(db)
            self._invite(db)
            self._tag(db)
            self._visit(db)
            self._follow(db)
            self._schedule(db)
        self._tell()
        self.snapshot = self._send(self.people["ada"], sources_of(9))

    def _add_people(self) -> None:
        with self.database.write() as db:
            accounts.ensure_organization(db, self.now)
            instances.ensure_node(db, "here", self.now)
            outbox.begin(db)
            admin = accounts.actor_for(accounts.ensure_administrator(db, "admin", self.now))
            self.people["admin"] = admin
            for name, role in self._roles():
                account, _ = accounts.create_account(db, admin, name, role, self.now)
                self.people[name] = accounts.actor_for(account)
            ada = accounts.get_account(db, self.people["ada"].account_id)
            for label in ("nightly publish", "ada on workshop"):
                accounts.create_token(db, ada, label, 90, self.now)

    def _roles(self) -> Iterator[tuple[str, Role]]:
        """Eve has nothing yet, and nothing is shared with vic but what everybody may open and one app."""
        publisher, viewer = Role.PUBLISHER, Role.VIEWER
        yield from (("ada", publisher), ("bob", publisher), ("eve", publisher), ("vic", viewer))
        for number in range(self.size.people - 5):
            yield f"person{number}", publisher if number % 3 else viewer

    # Apps

    def _add_app(self, db: WriteDb, number: int, now: datetime) -> None:
        owner = self.people["ada" if number % 2 == 0 else "bob"]
        name = NAMES[number] if number < len(NAMES) else f"app-{number}"
        app = apps.create_app(db, owner, name, now)
        if number >= len(NAMES) and number % 5 == 1:
            app.audience = Audience.SIGNED_IN
        count = self.size.releases if number == 0 else 1
        made = [self._add_release(db, owner, app, number, one, now) for one in range(1, count + 1)]
        for release in made:
            apps.switch(db, release.id, release.created_at)
        state = _STATES[number % len(_STATES)]
        reason = "exited with code 1: KeyError: 'total' (app.py:31)" if state == AppState.FAILING else ""
        apps.set_state(db, app.id, state, reason, now, probed=state == AppState.SERVING)
        if number < len(NAMES):
            self._add_instance(db, app, made[-1], now)
            self._add_operation(db, owner, app, number, now)

    def _add_release(
        self, db: WriteDb, owner: Actor, app: App, number: int, count: int, now: datetime
    ) -> Release:
        kind, framework = _KINDS[number % len(_KINDS)]
        snapshot = f"{number:032x}{count:032x}"
        if number == 0:
            snapshot = self._send(owner, sources_of(count))
        message = "columns by month, and the totals of the last quarter beside them" if count % 2 else ""
        new = new_release(snapshot, kind=kind, framework=framework)
        release = apps.create_release(
            db, owner, app, replace(new, message=message), now + timedelta(minutes=count)
        )
        apps.record_environment(db, release.id, f"flask==3.1.0\npandas==2.2.{count}\n", "env_1", 7)
        return release

    def _send(self, owner: Actor, files: Mapping[str, str]) -> str:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, text in files.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        packed.seek(0)
        return archives.unpack(self.store, Scope(owner.account_id), packed, strip=False).snapshot

    def _add_instance(self, db: WriteDb, app: App, release: Release, now: datetime) -> Instance:
        instance = instances.create_instance(db, app, release, self.layout, now)
        instances.move(instance, InstanceState.READY, "", now)
        log = self.logs[app.name] = Path(instance.log)
        log.parent.mkdir(parents=True, exist_ok=True)
        lines = [*log_texts(self.size.log_lines), *(_TRACEBACK if app.state == AppState.FAILING else ())]
        log.write_text("".join(f"{line}\n" for line in lines))
        times_file(log).write_bytes(_times(lines, now))
        return instance

    def _add_operation(self, db: WriteDb, owner: Actor, app: App, number: int, now: datetime) -> None:
        request: JsonObject = {
            "release_id": "", "release": 1, "upload": "", "remembered": {}, "upgrade": False
        }  # fmt: skip
        steps = publishing.PUBLISH_STEPS
        subject = Subject(app.id, app.name)
        begun = operations.begin(db, owner, publishing.PUBLISH, subject, steps, request, now)
        operations.claim(db, begun.id, "showroom", now)
        self.advance(db, begun.id, now)
        if number % 3 == 0:
            operations.finish(db, begun.id, {"release": 1, "url": f"http://{app.name}.localhost/"}, now)
        elif number % 3 == 1:
            operations.fail(db, begun.id, _CAUSE, now)
        self.operations.setdefault(begun.state, begun.id)

    @staticmethod
    def advance(db: WriteDb, operation_id: str, now: datetime) -> None:
        """The first step of a publish, with what was found."""
        finding: JsonObject = {
            "label": "Flask",
            "value": "app:app",
            "why": "in app.py:4",
            "where": "app.py:4",
        }
        operations.start_step(db, operation_id, "upload", now)
        operations.say(
            db,
            operation_id,
            [
                Said("finding", "", "", finding),
                *(Said("line", text, "upload") for text in ("Resolved 7 packages", *_COLOURS)),
            ],
            now,
        )
        operations.end_step(db, operation_id, "upload", StepState.DONE, "18 files, 2.1 kB sent", now)

    # What hangs on apps

    def _share(self, db: WriteDb) -> None:
        ada = self.people["ada"]
        given = (
            sharing.Given(PrincipalKind.ACCOUNT, "bob", Level.EDITOR),
            sharing.Given(PrincipalKind.ACCOUNT, "vic", Level.VIEWER),
        )
        sharing.change(db, ada, "sales", sharing.Wish(given=given), None, self.now)
        for_two = tuple(sharing.Given(PrincipalKind.ACCOUNT, one, Level.VIEWER) for one in ("ada", "vic"))
        sharing.change(db, self.people["bob"], "turbine", sharing.Wish(given=for_two), None, self.now)
        requests.ask(db, self.people["eve"], "sales", "I write the report of the quarter.", self.now)
        visits.set_pinned(db, ada, "sales", is_pinned=True)

    def _keep_secrets(self, db: WriteDb) -> None:
        ada = self.people["ada"]
        for name, note in (("warehouse", "the reporting database"), ("mail", "")):
            secrets.create_secret(db, self.sealer, ada, name, "s3cret", note, self.now)
        secrets.share_secret(db, ada, "warehouse", PrincipalKind.ACCOUNT, "bob", Level.VIEWER, self.now)

    def _add_draft(self, db: WriteDb) -> None:
        """A release with variables of every kind, for its editors only."""
        ada = self.people["ada"]
        app = apps.get_editable(db, ada, "sales")
        wanted = variables.Change(
            plain={"GREETING": "Good morning,\nall of you", "LIMIT": ""},
            secrets={"API_TOKEN": "s3cret"},
            refer={"DATABASE_URL": "warehouse"},
        )
        changed = variables.change(db, self.sealer, ada, app, wanted, self.now)
        new = replace(
            new_release(self._send(ada, sources_of(7))), message="a draft", settings=changed.settings or {}
        )
        draft = apps.create_release(db, ada, app, new, self.now)
        apps.record_environment(db, draft.id, "flask==3.1.0\n", "env_1", 7)
        apps.keep_as_draft(db, draft.id, self.now)
        live = apps.create_release(db, ada, app, replace(new, message=changed.message), self.now)
        apps.record_environment(db, live.id, "flask==3.1.0\npandas==2.3.0\n", "env_1", 8)
        apps.switch(db, live.id, self.now)
        self._add_instance(db, app, live, self.now)
        failed = apps.create_release(db, ada, app, replace(new, message="faster totals"), self.now)
        apps.fail_release(db, failed.id)

    def _link(self, db: WriteDb) -> None:
        """Other systems that are told."""
        for who, app in (("ada", "sales"), ("admin", "")):
            wish = notifications.Wish(_WEBHOOK, "the team's channel", "plain", ())
            made, _ = notifications.create_webhook(db, self.sealer, self.people[who], app, wish, (), self.now)
            self.webhooks.append(made.id)

    def _tag(self, db: WriteDb) -> None:
        """A tree of words on some apps, and a path that leads to one."""
        admin = self.people["admin"]
        for category, names in (("Department", ("Sales", "Operations")), ("Audience", ("Board",))):
            above = tags.make_tag(db, admin, category, "", self.now).id
            made = [tags.make_tag(db, admin, name, above, self.now).id for name in names]
            self.tags += made
            tags.change_tags_of(db, self.people["ada"], "sales", made[:1], (), self.now)
        north = tags.make_tag(db, admin, "North of the river", self.tags[0], self.now)
        tags.change_tags_of(db, self.people["bob"], "turbine", (north.id, self.tags[1]), (), self.now)
        paths.set_path(db, self.people["ada"], "sales", "/team/sales/", paths.Policy(), self.now)

    def _visit(self, db: WriteDb) -> None:
        """Who opened an app in the last month: more on some days than on others."""
        app = apps.get_editable(db, self.people["ada"], "sales")
        who = [self.people["vic"].account_id, self.people["bob"].account_id, ""]
        seen = [
            Seen(
                app.id,
                1,
                who[(day + n) % 3],
                self.now - timedelta(days=day, minutes=n),
                "/totals",
                "Firefox on Linux",
            )
            for day in range(28)
            for n in range((day * 7) % 12)
        ]
        usage.record(db, seen, usage.Policy())

    def _follow(self, db: WriteDb) -> None:
        """A repository with a commit of each state, one that lets nobody in, and what a host is shown."""
        admin, ada = self.people["admin"], self.people["ada"]
        login = sources.Login("deploy", "s3cret")
        wish = sources.Wish(_REPOSITORY, "main", "apps/sales", login=login)
        self._set_source(db, "sales", wish)
        app = apps.get_editable(db, ada, "sales")
        live = apps.find_live(db, app.id)
        for number, (state, subject) in enumerate(_COMMITS):
            release = live.number if live and state == CommitState.RELEASED else None
            self._try_commit(
                db,
                app,
                Commit(f"{number:x}4f2a91c07b" * 4, f"{number:040x}", _AUTHOR, subject),
                state,
                release,
            )
        if self.size.apps > 4:
            self._set_source(db, NAMES[4], sources.Wish(_REPOSITORY, is_draft=True))
            followed = sources.get_followed(db, ada, NAMES[4])
            asking.note_not_found(db, followed.source.id, RepositoryClosed().to_json())
        credentials.set_for_host(db, self.sealer, admin, "git.example.org", "tholos", "s3cret", self.now)

    def _schedule(self, db: WriteDb) -> None:
        """One that goes on and was late once, and one that was stopped since who set it may not publish any more."""
        ada, bob = self.people["ada"], self.people["bob"]
        on_weekdays = Recurrence(ScheduleKind.WEEKDAY)
        wish = schedules.Wish(on_weekdays, "Europe/Vienna", self.now - timedelta(days=30), time(7))
        planned = schedules.set_schedule(db, ada, "sales", wish, self.now - timedelta(days=8))
        schedules.begin_due(db, planned.schedule.id, self.now)
        begun = schedules.get_planned(db, ada, "sales", self.now).last
        if begun is not None:
            operations.claim(db, begun.id, "showroom", self.now)
            operations.finish(db, begun.id, {"release": 1}, self.now)
        if self.size.apps > 4:
            planned = schedules.set_schedule(db, ada, NAMES[4], wish, self.now - timedelta(days=8))
            planned.schedule.account_id = bob.account_id
            schedules.begin_due(db, planned.schedule.id, self.now)

    def _set_source(self, db: WriteDb, name: str, wish: sources.Wish) -> None:
        ada = self.people["ada"]
        sources.set_source(db, self.sealer, ada, name, wish, {}, (), self.now, begins=False)

    def _try_commit(
        self, db: WriteDb, app: App, commit: Commit, state: CommitState, release: int | None
    ) -> None:
        """One that was looked at, and what became of it."""
        ada = self.people["ada"]
        source = sources.get_followed(db, ada, app.name).source
        wanted = asking.Wanted(Trigger.PUSH, is_forced=state != CommitState.UNCHANGED)
        request: JsonObject = {"source_id": source.id, "draft": False, **wanted.to_json()}
        subject = Subject(app.id, app.name)
        steps = publishing.FOLLOW_STEPS
        begun = operations.begin(db, ada, publishing.FOLLOW, subject, steps, request, self.now)
        operations.claim(db, begun.id, "showroom", self.now)
        commits.start_commit(db, begun, source, "main", commit, self.now)
        error = _CAUSE if state == CommitState.FAILED else None
        if error:
            operations.fail(db, begun.id, error, self.now)
        else:
            operations.finish(db, begun.id, {"release": release or 0, "unchanged": release is None}, self.now)
        commits.end_commit(db, begun, state, release=release, error=error)
        self.operations[f"git-{state}"] = begun.id

    def _invite(self, db: WriteDb) -> None:
        """People who are to come, and a terminal that wants to be let in."""
        admin = self.people["admin"]
        groups.make_group(db, admin, "analysts", "who read the totals", self.now)
        for name in ("bob", "eve"):
            groups.add_member(db, admin, "analysts", name, self.now)
        offer = Offer(Role.VIEWER, "dora@example.org", "analysts", 3, 7)
        _, self.invitation = invitations.create(db, admin, offer, self.now)
        vic = accounts.get_account(db, self.people["vic"].account_id)
        self.link = accounts.create_link(db, vic, self.now)
        self.device_code = device.begin(db, "ada's laptop", Origin(), self.now).code

    def _tell(self) -> None:
        """Everything that was done is told; of what goes to webhooks some arrives, some fails."""
        with self.database.write() as db:
            while outbox.plan_next(db, Setup(can_mail=False, url="http://localhost"), self.now):
                pass
        with self.database.read() as reading:
            admin = self.people["admin"]
            found = [
                one.id
                for webhook in self.webhooks
                for one in notifications.list_deliveries(reading, admin, webhook, "", "", 5).items
            ]
        with self.database.write() as db:
            for number, delivery in enumerate(found):
                if number % 3:
                    outbox.note_delivered(db, delivery, 204, self.now)
                else:
                    outbox.note_failed(
                        db, delivery, 502, "It answered 502.", self.now, is_final=number % 2 == 0
                    )


def _times(lines: Sequence[str], now: datetime) -> bytes:
    """A file of times beside a log that came as ten lines a second until now."""
    offsets = [*accumulate((len(line.encode()) + 1 for line in lines), initial=0)][:-1:10]
    first = now.timestamp() - len(offsets)
    return b"".join(PAIR.pack(at, int((first + n) * 1000)) for n, at in enumerate(offsets))


def names(size: Size) -> Sequence[str]:
    return NAMES[: size.apps]
