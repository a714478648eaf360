"""Bundles on both databases: what was sent for an app, what is made of it, and how it goes."""

from dataclasses import replace
from pathlib import Path

import pytest

from tholos.apps import service as apps
from tholos.detect.model import Detection, Evidence, Finding, Kind, Overrides, Requirements
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.operations.models import OperationState
from tholos.publishing import bundles, releases
from tholos.publishing import manifest as manifests
from tholos.publishing import service as publishing
from tholos.publishing.errors import BundleInUse, BundleNotFound
from tholos.publishing.service import Decided, NewBundle, Upload, Wish
from tholos.runtime.interpreters import Choice, Interpreter
from tholos.variables import service as variables
from tholos.variables.service import Change

FOUND = Detection(
    kind=Kind.WSGI,
    framework=Finding("Flask", "imported", Evidence("app.py", 1)),
    entrypoint=Finding("app:app", "in app.py", Evidence("app.py", 4)),
    python=Finding("", ""),
    requirements=Requirements("requirements.txt", "flask", "requirements.txt"),
)
CHOICE = Choice(Interpreter("cpython", "3.12.1", "/usr/bin/python3.12", "linux"), "newest installed")


class Shop:
    """An app of which nothing was released, and what is sent for it."""

    def __init__(self, database, people, clock, folder: Path) -> None:
        self.database, self.people, self.clock = database, people, clock
        self.sealer = Sealer(folder / "keys")
        with database.write() as db:
            self.app = apps.create_app(db, people.ada, "shop", clock.now())

    def send(self, letter: str):
        self.clock.move(1)
        with self.database.write() as db:
            new = NewBundle(letter * 64, 3, 900, {"source_branch": "main"}, {"appmode": "python-api"})
            return bundles.add(db, self.people.ada, self.app, new, self.clock.now())

    def make(self, bundle, *, is_draft=False):
        """Begin what makes a release of it, as deploying does."""
        self.clock.move(1)
        with self.database.write() as db:
            made = bundles.find_made(db, bundle)
            if made is not None:
                return bundles.begin_switch(
                    db, self.people.ada, self.app, made, self.clock.now(), is_draft=is_draft
                )
            wish = Wish(
                "shop", bundle.snapshot, "", Overrides(), upgrade=False, upload=Upload(), is_draft=is_draft
            )
            manifest = manifests.to_json(FOUND, CHOICE.why)
            fingerprint = manifests.fingerprint(bundle.snapshot, manifest)
            decided = Decided(FOUND, CHOICE, {}, manifest, fingerprint, 3, 900)
            return bundles.begin_making(
                db, self.sealer, self.people.ada, bundle, wish, decided, self.clock.now()
            )

    def end(self, begun, *, well=True) -> None:
        with self.database.write() as db:
            operation = operations.claim(db, begun.id, "here", self.clock.now())
            assert operation is not None
            if operation.kind == publishing.PUBLISH:
                publishing.catch_up(db, operation)
            if well:
                publishing.go_live(db, operation, self.clock.now())
                operations.finish(db, begun.id, {}, self.clock.now())
            else:
                publishing.fail_publish(db, operation, {"code": "x", "message": "no"}, self.clock.now())
                operations.fail(db, begun.id, {"code": "x", "message": "no"}, self.clock.now())

    def change(self, **said):
        with self.database.write() as db:
            app = apps.get_app(db, self.app.id)
            changed = variables.change(
                db, self.sealer, self.people.ada, app, Change(**said), self.clock.now()
            )
            return releases.change_settings(db, self.people.ada, app, changed.settings, "", self.clock.now())

    @property
    def live(self):
        with self.database.read() as db:
            return apps.find_live(db, self.app.id)

    def active(self) -> int | None:
        """Id of the bundle that is live."""
        with self.database.read() as db:
            live = apps.find_live(db, self.app.id)
            found = bundles.of_releases(db, [live]).get(live.id) if live else None
            return found.id if found else None


@pytest.fixture
def shop(database, people, clock, tmp_path) -> Shop:
    return Shop(database, people, clock, tmp_path)


def test_what_is_sent_runs_only_once_somebody_says_so(shop):
    sent = [shop.send("a"), shop.send("b")]
    assert sent[0].id < sent[1].id
    assert shop.live is None
    with shop.database.read() as db:
        assert [one.id for one in bundles.list_of(db, shop.app)] == [sent[1].id, sent[0].id]
        assert {*bundles.kept_snapshots(db)} == {"a" * 64, "b" * 64}
        assert bundles.find_newest(db, shop.app).id == sent[1].id
    shop.end(shop.make(sent[0]))
    assert (shop.live.snapshot, shop.active()) == ("a" * 64, sent[0].id)


def test_one_that_was_made_is_not_made_again(shop):
    first, second = shop.send("a"), shop.send("b")
    shop.end(shop.make(first))
    shop.end(shop.make(second))
    back = shop.make(first)
    assert back.kind == publishing.ACTIVATE
    shop.end(back)
    assert (shop.live.number, shop.active()) == (1, first.id)


def test_what_is_live_already_ends_as_it_begins(shop):
    first = shop.send("a")
    shop.end(shop.make(first))
    same = shop.send("a")
    for begun in (shop.make(first), shop.make(same), shop.make(same, is_draft=True)):
        assert begun.state == OperationState.DONE
    assert (shop.live.number, shop.active()) == (1, same.id)


def test_a_draft_and_then_live(shop):
    shop.end(shop.make(shop.send("a")))
    second = shop.send("b")
    shop.end(shop.make(second, is_draft=True))
    assert shop.live.number == 1
    with shop.database.read() as db:
        assert apps.find_draft(db, shop.app.id, 2) is not None
    assert shop.make(second, is_draft=True).state == OperationState.DONE
    shop.end(shop.make(second))
    assert shop.live.number == 2


def test_one_that_failed_is_made_anew(shop):
    first = shop.send("a")
    shop.end(shop.make(first), well=False)
    again = shop.make(first)
    assert (again.kind, again.request["release"]) == (publishing.PUBLISH, 2)


def test_two_at_once_have_their_turns_and_the_later_one_wins(shop):
    begun = [shop.make(shop.send("a")), shop.make(shop.send("b"))]
    for one in begun:
        shop.end(one)
    assert shop.live.snapshot == "b" * 64


def test_what_waited_has_the_settings_of_what_went_live_before(shop):
    shop.end(shop.make(shop.send("a")))
    changing = shop.change(plain={"REGION": "north"})
    waiting = shop.make(shop.send("b"))
    with shop.database.write() as db:
        operations.claim(db, changing.id, "here", shop.clock.now())
        publishing.go_live(db, operations.get_operation(db, changing.id), shop.clock.now())
        operations.finish(db, changing.id, {}, shop.clock.now())
    shop.end(waiting)
    with shop.database.read() as db:
        assert variables.reveal(db, shop.sealer, shop.live).plain == {"REGION": "north"}
    assert shop.live.snapshot == "b" * 64


def test_what_was_said_before_the_first_release_is_its_beginning(shop):
    assert shop.change(plain={"REGION": "north"}, secrets={"KEY": "hush"}) is None
    assert shop.change(remove=["REGION"], plain={"COLOR": "blue"}) is None
    shop.end(shop.make(shop.send("a")))
    with shop.database.read() as db:
        revealed = variables.reveal(db, shop.sealer, shop.live)
    assert (revealed.plain, revealed.secrets) == ({"COLOR": "blue"}, {"KEY": "hush"})
    with shop.database.write() as db:
        variables.remove_unnamed(db)
    with shop.database.read() as db:
        assert variables.reveal(db, shop.sealer, shop.live).secrets == {"KEY": "hush"}


def test_nothing_of_it_is_tidied_away_before(shop):
    shop.change(secrets={"KEY": "hush"})
    with shop.database.write() as db:
        variables.remove_unnamed(db)
    shop.end(shop.make(shop.send("a")))
    with shop.database.read() as db:
        assert variables.reveal(db, shop.sealer, shop.live).secrets == {"KEY": "hush"}


def test_the_live_one_stays_and_others_go(shop):
    first, second = shop.send("a"), shop.send("b")
    shop.end(shop.make(first))
    shop.end(shop.make(second))
    now = shop.clock.now()
    with pytest.raises(BundleInUse), shop.database.write() as db:
        bundles.remove(db, shop.people.ada, shop.app, second.id, now)
    with shop.database.write() as db:
        bundles.remove(db, shop.people.ada, shop.app, first.id, now)
    with pytest.raises(BundleNotFound), shop.database.write() as db:
        bundles.remove(db, shop.people.ada, shop.app, first.id, now)
    third = shop.send("c")
    assert third.id > second.id


def test_an_id_is_not_used_twice(shop):
    first = shop.send("a")
    with shop.database.write() as db:
        bundles.remove(db, shop.people.ada, shop.app, first.id, shop.clock.now())
    assert shop.send("a").id > first.id


def test_of_another_app_there_is_none(shop, people, clock):
    sent = shop.send("a")
    with shop.database.write() as db:
        other = apps.create_app(db, people.bob, "other", clock.now())
    with pytest.raises(BundleNotFound), shop.database.read() as db:
        bundles.get(db, other, sent.id)


def test_what_is_published_without_one_becomes_one(shop, people, clock):
    wish = Wish("shop", "d" * 64, "", Overrides(), upgrade=False, upload=Upload())
    manifest = manifests.to_json(FOUND, CHOICE.why)
    decided = Decided(FOUND, CHOICE, {}, manifest, "f", 3, 900)
    with shop.database.write() as db:
        publishing.begin_publish(db, shop.sealer, people.ada, replace(wish), decided, clock.now())
    with shop.database.read() as db:
        assert [one.snapshot for one in bundles.list_of(db, shop.app)] == ["d" * 64]
