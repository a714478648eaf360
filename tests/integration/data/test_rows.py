"""All rows of a database, told and put into another one, of each kind and from each to each."""

import json

import pytest

from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.audit.models import AuditEntry
from tholos.server import rows, schema
from tholos.testing.databases import opened
from tholos.testing.rows import add_live_app, add_people


def _told(database):
    with rows.moment(database) as now:
        columns = {table.name: [one.name for one in table.columns] for table in now.tables}
        return columns, {table.name: [*now.lines(table)] for table in now.tables}, now.last_numbers()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def other(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'other.db'}"
    else:
        url = request.getfixturevalue("postgres_server").create(
            f"other_{tmp_path.name[-20:]}".lower().replace("-", "_")
        )
    with opened(url) as found:
        yield found


def test_every_row_comes_back_as_it_was(database, other, clock):
    people = add_people(database, clock.now())
    app, _ = add_live_app(database, people.ada, "sales", clock.now())
    with database.write() as db:
        apps.get_app(db, app.id).title = 'Umsätze "März"'
    columns, told, last = _told(database)
    assert rows.is_empty(other)
    schema.upgrade(other)
    with other.writer.connect() as connection, connection.begin():
        lines = {name: iter(some) for name, some in told.items()}
        assert rows.fill(connection, lines, columns) == sum(map(len, told.values()))
        rows.set_last_numbers(connection, last)
    again, twice, numbers = _told(other)
    for name, some in told.items():
        order = [again[name].index(one) for one in columns[name]]
        back = [[json.loads(line)[i] for i in order] for line in twice[name]]
        assert sorted(map(_comparable, back)) == sorted(_comparable(json.loads(line)) for line in some), name
    assert {name: number for name, number in numbers.items() if number > 1} == {
        name: number for name, number in last.items() if number > 1
    }
    with other.read() as db:
        found = db.get(App, app.id)
        assert found.title == 'Umsätze "März"'
        assert apps.find_live(db, app.id).manifest == db.query(Release).first().manifest
    with other.write() as db:
        before = max(one.id for one in db.query(AuditEntry))
        apps.create_app(db, people.ada, "second", clock.now())
        db.flush()
        assert max(one.id for one in db.query(AuditEntry)) == before + 1


def _comparable(values):
    """JSON is text in the one database, and may be spaced otherwise in the other."""
    return json.dumps([_unpacked(value) for value in values], sort_keys=True)


def _unpacked(value):
    if isinstance(value, str) and value[:1] in {"{", "["}:
        return json.loads(value)
    return value


def test_a_schema_that_nobody_knows_is_refused(tmp_path):
    with opened(f"sqlite:///{tmp_path / 'x.db'}") as database, pytest.raises(schema.SchemaTooNew):
        schema.upgrade(database, to="9999")
