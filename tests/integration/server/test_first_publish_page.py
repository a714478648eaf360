"""The page of a publish that is done says who gets in, as long as that is nobody else."""

import pytest

from tholos.apps import service as apps
from tholos.operations import service as operations
from tholos.operations.models import OperationState
from tholos.operations.service import Subject
from tholos.sharing import service as sharing
from tholos.sharing.models import Audience, Level, PrincipalKind

ONLY = "Only you can open it."


@pytest.fixture
def published(console):
    """The address of ada's operation, done."""
    app, release = console.add_app("ada", "sales")
    with console.database.write() as db:
        subject = Subject(app.id, app.name)
        begun = operations.begin(db, console.people.ada, "publish", subject, (), {}, console.clock.now())
        begun.state, begun.ended_at = OperationState.DONE, console.clock.now()
        begun.result = {"release": release.number, "url": "http://sales.localhost:8080/", "before": None}
        return f"/operations/{begun.id}"


async def test_it_says_that_it_is_private_and_leads_to_sharing(console, published):
    page = await console.by_session("ada").get(published)
    assert f'Release 1 is live. {ONLY} <a href="/apps/sales/access">Share it</a>' in page.text
    looked_after = await console.by_session("admin").get(published)
    assert "Release 1 is live." in looked_after.text
    assert ONLY not in looked_after.text


@pytest.mark.parametrize("by", ["audience", "grant"])
async def test_it_does_not_where_others_get_in(console, published, by):
    with console.database.write() as db:
        app = apps.find_named(db, "org_default", "sales")
        if by == "audience":
            app.audience = Audience.SIGNED_IN
        else:
            shared = sharing.Shared("app", app.id, app.organization_id)
            bob = sharing.get_principal(db, "org_default", PrincipalKind.ACCOUNT, "bob")
            sharing.grant(db, None, shared, bob, Level.VIEWER, console.clock.now())
    page = await console.by_session("ada").get(published)
    assert "Release 1 is live." in page.text
    assert ONLY not in page.text
