"""Rotating the key: cut off at any point and begun again, everything can be read, and in the end by the new key only."""

import asyncio

import pytest

from tholos.accounts import answers
from tholos.accounts.answers import Answered, Keyed
from tholos.kit.db import Base
from tholos.kit.notices import Notices
from tholos.kit.sealing import CannotOpen, Sealer
from tholos.operations import service as operations
from tholos.operations.errors import OperationUnderWay
from tholos.operations.tasks import Worker
from tholos.server import sealed, tables
from tholos.variables import former as former_secrets
from tholos.variables import resealing, shared
from tholos.variables.models import Secret
from tholos.variables.tasks import KeyRotator

COUNT = 3


class Vault:
    """A database with sealed texts, and the folder of keys: each call of ``sealer`` is a new process."""

    def __init__(self, database, people, clock, folder):
        self.database, self.people, self.clock, self.folder = database, people, clock, folder
        sealer = self.sealer()
        for n in range(COUNT):
            with database.write() as db:
                shared.create_secret(db, sealer, people.ada, f"secret-{n}", f"before {n}", "", clock.now())
                shared.change_secret(
                    db, sealer, people.ada, f"secret-{n}", f"value {n}", None, None, clock.now()
                )
        with database.write() as db:
            call = Keyed(people.ada.account_id, "key", "print")
            answers.keep(db, sealer, call, Answered(201, "{}"), clock.now())

    def sealer(self):
        return Sealer(self.folder)

    def keys(self):
        return sorted(path.name for path in self.folder.iterdir())

    def begin(self, sealer):
        with self.database.write() as db:
            return resealing.begin(db, sealer, self.people.admin, self.clock.now())

    def check(self, sealer):
        """All can be read as it was."""
        with self.database.read() as db:
            found = {one.name: sealer.open(one.sealed, one.id) for one in db.query(Secret)}
            former = former_secrets.list_values(db, sealer, [one.id for one in db.query(Secret)])
            kept = answers.find(db, sealer, Keyed(self.people.ada.account_id, "key", "print"))
        assert found == {f"secret-{n}": f"value {n}" for n in range(COUNT)}
        assert sorted(former) == [f"before {n}" for n in range(COUNT)]
        assert kept == Answered(201, "{}")

    async def work(self, sealer):
        """A server that does what is under way, until that has ended."""
        rotator = KeyRotator(self.database, sealer, sealed.COLUMNS)
        worker = Worker(
            self.database, Notices(asyncio.get_running_loop()), self.clock, "test",
            {resealing.ROTATE_KEY: rotator.rotate}, {resealing.ROTATE_KEY: rotator.abandon},
        )  # fmt: skip
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(20):
            while self.under_way():  # noqa: ASYNC110 - nothing tells a test of it
                await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.wait([running])

    def under_way(self):
        with self.database.read() as db:
            return operations.find_under_way(db, resealing.SUBJECT.id)


@pytest.fixture
def vault(database, people, clock, tmp_path):
    return Vault(database, people, clock, tmp_path / "keys")


async def test_all_is_sealed_by_a_new_key_and_the_old_one_is_gone(vault):
    sealer = vault.sealer()
    begun = vault.begin(sealer)
    await vault.work(sealer)
    with vault.database.read() as db:
        ended = operations.get_operation(db, begun.id)
        assert (ended.state, ended.error) == ("done", None)
        assert ended.result == {"key": 2, "resealed": 2 * COUNT + 2}
        assert all(one.sealed.startswith("2.") for one in db.query(Secret))
    assert vault.keys() == ["seal-0002.key"]
    vault.check(vault.sealer())


def _interrupted(vault, sealer, before, at):
    """What a server does of a rotation until it is killed before its step number ``at``."""

    def key():
        with vault.database.write():
            resealing.make_key(sealer, before)

    def some():
        with vault.database.write() as db:
            resealing.reseal_some(db, sealer, sealed.COLUMNS, limit=2)

    for step in [key, *[some] * 6][:at]:
        step()


@pytest.mark.parametrize("at", range(8))
async def test_one_that_was_killed_is_gone_on_with(vault, at):
    first = vault.sealer()
    vault.begin(first)
    _interrupted(vault, first, 1, at)
    second = vault.sealer()
    vault.check(second)
    await vault.work(second)
    assert vault.keys() == ["seal-0002.key"]
    vault.check(vault.sealer())


async def test_one_that_was_killed_between_its_commit_and_the_end_of_dropping_is_gone_on_with(
    vault, monkeypatch
):
    first = vault.sealer()
    vault.begin(first)
    _interrupted(vault, first, 1, 7)
    monkeypatch.setattr(first, "drop_older_keys", lambda: None)  # killed just before
    with vault.database.write() as db:
        assert resealing.drop_keys(db, first, sealed.COLUMNS)
    second = vault.sealer()
    vault.check(second)
    await vault.work(second)
    assert vault.keys() == ["seal-0002.key"]


def test_the_key_is_made_once_however_often_it_is_begun(vault):
    sealer = vault.sealer()
    assert resealing.make_key(sealer, 1) == 2
    assert resealing.make_key(vault.sealer(), 1) == 2
    assert vault.keys() == ["seal-0001.key", "seal-0002.key"]


def test_no_key_is_dropped_that_something_needs(vault):
    sealer = vault.sealer()
    resealing.make_key(sealer, 1)
    with vault.database.write() as db:
        assert not resealing.drop_keys(db, sealer, sealed.COLUMNS)
    vault.check(vault.sealer())


async def test_what_cannot_be_read_ends_it_and_the_keys_stay(vault):
    sealer = vault.sealer()
    with vault.database.write() as db:
        broken = db.query(Secret).filter(Secret.name == "secret-1").one()
        kept, broken.sealed = broken.sealed, "1.AAAA"
    begun = vault.begin(sealer)
    await vault.work(sealer)
    with vault.database.write() as db:
        ended = operations.get_operation(db, begun.id)
        assert (ended.state, ended.error["code"]) == ("failed", "cannot_open")
        db.get(Secret, broken.id).sealed = kept
    assert vault.keys() == ["seal-0001.key", "seal-0002.key"]
    vault.check(vault.sealer())
    sealer = vault.sealer()
    vault.begin(sealer)
    await vault.work(sealer)
    assert vault.keys() == ["seal-0003.key"]
    vault.check(vault.sealer())


def test_one_at_a_time(vault):
    vault.begin(vault.sealer())
    with pytest.raises(OperationUnderWay):
        vault.begin(vault.sealer())


def test_the_old_key_alone_reads_nothing_that_was_sealed_anew(vault):
    old = vault.sealer()
    new = vault.sealer()
    _interrupted(vault, new, 1, 7)
    with vault.database.read() as db:
        for one in db.query(Secret):
            with pytest.raises(CannotOpen):
                old.open(one.sealed, one.id)


def test_every_column_of_sealed_texts_is_known():
    tables.load()
    named = {(column.model.__tablename__, column.name) for column in sealed.COLUMNS}
    found = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.startswith("sealed") or column.name.endswith("_sealed")
    }
    assert found
    assert found <= named
