"""HTTP of leaving: what an account owns, handing all of it over, what a group may open, and removing a group."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from tholos.access import api as access_api
from tholos.accounts import groups
from tholos.accounts.models import Role
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.console import departures
from tholos.console.departures import Given, Owned
from tholos.kit.db import ReadDb
from tholos.notifications import service as notifications
from tholos.notifications.models import Webhook
from tholos.sharing.models import Level
from tholos.variables import shared as secrets

routes = Routes(prefix="/api/v1", tags=["people"])

AccountName = Annotated[str, Path(max_length=100, description="The account's name.")]
GroupName = Annotated[str, Path(max_length=100, description="The group's name.")]


class HandOverIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: str = Field(max_length=100, description="The name of the account that is to own it all.")


class WebhookOwned(BaseModel):
    id: str
    label: str
    url: str = Field(description="Its beginning: the rest may be a secret.")


class OwnedOut(BaseModel):
    """Names of what an account owns, or of what was handed over."""

    apps: list[str]
    secrets: list[str] = Field(description="Shared secrets; an app's own go with the app.")
    webhooks: list[WebhookOwned]


class GivenOut(BaseModel):
    """One app or secret that a group was given."""

    kind: str = Field(description="`app` or `secret`.")
    name: str
    level: str


class GivenList(BaseModel):
    items: list[GivenOut]
    next: str | None = None


@routes.declare("GET", "/accounts/{account}/hand-over", permission=Permission.SIGNED_IN)
def preview_hand_over(
    call: Calling, account: AccountName, to: Annotated[str, Query(max_length=100)]
) -> OwnedOut:
    """What handing over would move; nothing is changed."""
    call.actor.needs_all_apps()
    with call.read() as db:
        return owned_out(departures.plan_hand_over(db, call.actor, account, to))


@routes.declare("POST", "/accounts/{account}/hand-over", permission=Permission.SIGNED_IN)
def hand_over_all(call: Calling, account: AccountName, body: HandOverIn) -> OwnedOut:
    """Make somebody else the owner of all that an account owns: one's own, or anybody's for administrators."""
    return owned_out(hand_over(call, account, body.to))


@routes.declare("GET", "/groups/{name}/given", permission=Permission.SIGNED_IN)
def list_given(call: Calling, name: GroupName) -> GivenList:
    """What a group's members have by it; whoever is not in it and does not administer sees of that what is theirs."""
    with call.read() as db:
        return GivenList(items=given_out(visible_given(db, call, name)))


@routes.declare("DELETE", "/groups/{name}", permission=Permission.ADMINISTER)
def delete_group(call: Calling, name: GroupName) -> GivenList:
    """Remove a group; answers what it had been given, which is taken back with it."""
    return GivenList(items=given_out(remove_group(call, name, call.seen_version)))


def hand_over(call: Call, account: str, to: str) -> Owned:
    with call.write() as db:
        moved = departures.hand_over(db, call.actor, account, to, call.now)
    access_api.tell(call, narrows=True)
    return moved


def remove_group(call: Call, name: str, seen: int | None) -> Given:
    with call.write() as db:
        given = departures.remove_group(db, call.actor, name, seen, call.now)
    access_api.tell(call, narrows=True)
    return given


def visible_given(db: ReadDb, call: Call, name: str) -> Given:
    """Raises: GroupNotFound."""
    group = groups.get_group(db, call.actor, name).group
    given = departures.given_to(db, group)
    is_admin = call.actor.role.includes(Role.ADMINISTRATOR)
    if is_admin or groups.is_member(db, group, call.actor.account_id):
        return given
    return Given(_editable(db, call, given), ())


def owned_out(owned: Owned) -> OwnedOut:
    return OwnedOut(
        apps=[one.name for one in owned.apps],
        secrets=[one.name for one in owned.secrets],
        webhooks=[_webhook_out(one) for one in owned.webhooks],
    )


def owned_of(db: ReadDb, account_id: str) -> OwnedOut:
    """The names of all that an account owns."""
    return OwnedOut(
        apps=apps.owned_names(db, account_id),
        secrets=[one.name for one in secrets.list_owned(db, account_id)],
        webhooks=[_webhook_out(one) for one in notifications.list_owned(db, account_id)],
    )


def given_out(given: Given) -> list[GivenOut]:
    of_apps = [GivenOut(kind="app", name=app.name, level=level) for app, level in given.apps]
    of_secrets = [GivenOut(kind="secret", name=one.name, level=level) for one, level in given.secrets]
    return [*of_apps, *of_secrets]


def _editable(db: ReadDb, call: Call, given: Given) -> list[tuple[App, Level]]:
    return [(app, level) for app, level in given.apps if apps.may_edit(db, app, call.actor)]


def _webhook_out(webhook: Webhook) -> WebhookOwned:
    return WebhookOwned(id=webhook.id, label=webhook.label, url=webhook.url)
