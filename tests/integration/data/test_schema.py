"""The migrations and the models say the same, on both databases."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from tholos.kit.db import Base, Database
from tholos.server import schema
from tholos.server.schema import SchemaTooNew


def _differences(database: Database) -> list[object]:
    with database.writer.connect() as connection:
        # Defaults are for the rows that were there before a column was; models have their own.
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        return list(compare_metadata(context, Base.metadata))


def test_models_and_migrations_do_not_differ(database):
    assert _differences(database) == []


def test_the_head_is_the_newest_migration(database):
    assert max(schema._known_revisions()) == schema.HEAD
    with database.writer.connect() as connection:
        assert schema._revision(connection) == schema.HEAD


def test_upgrading_twice_does_nothing_the_second_time(database):
    schema.upgrade(database)
    schema.upgrade(database)
    assert _differences(database) == []


def test_a_newer_database_is_refused_and_left_alone(sqlite_database):
    with sqlite_database.writer.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(SchemaTooNew) as caught:
        schema.upgrade(sqlite_database)
    assert "9999" in caught.value.message
    assert caught.value.fix
    with sqlite_database.writer.connect() as connection:
        assert schema._revision(connection) == "9999"


def test_a_migration_that_breaks_leaves_nothing(tmp_path, monkeypatch):
    """All of the migrations or none: the tables of a first one that stops in the middle are not there."""
    database = Database(f"sqlite:///{tmp_path / 'broken.db'}")

    class Stop(Exception):
        pass

    def stop(*_args, **_options):
        raise Stop

    monkeypatch.setattr("alembic.operations.BatchOperations.create_index", stop)
    try:
        with pytest.raises(Stop):
            schema.upgrade(database)
        with database.writer.connect() as connection:
            assert connection.execute(text("select name from sqlite_master")).scalars().all() == []
    finally:
        database.close()
