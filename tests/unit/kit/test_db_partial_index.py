"""Indexes of some rows say so in either database."""

import pytest
from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex

from tholos.kit.db import partial_index


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_it_holds_those_rows_only(dialect):
    table = Table("jobs", MetaData(), Column("subject", String), Column("state", String))
    index = partial_index("uq_running", table.c.subject, where="state = 'running'", is_unique=True)
    said = str(CreateIndex(index).compile(dialect=dialect))
    assert said == "CREATE UNIQUE INDEX uq_running ON jobs (subject) WHERE state = 'running'"
