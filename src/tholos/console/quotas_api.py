"""HTTP of quotas: what an account's apps may be and take together, and what they are and take."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts import people, quotas
from tholos.accounts import service as accounts
from tholos.accounts.errors import RoleTooLow
from tholos.accounts.models import Account, Role
from tholos.accounts.quotas import Most
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import limits
from tholos.instances import quotas as instance_quotas
from tholos.kit.db import JsonObject, ReadDb
from tholos.runtime.sandbox import Enclosure

routes = Routes(prefix="/api/v1/accounts", tags=["accounts"])
_MOST = 2**31 - 1

AccountName = Annotated[str, Path(max_length=100)]


class QuotaIn(BaseModel):
    """What an account's apps may be and take; null for as much as the installation says, 0 for no limit."""

    model_config = ConfigDict(extra="forbid")

    apps: int | None = Field(None, ge=0, le=_MOST, description="Apps that it may own.")
    instances: int | None = Field(None, ge=0, le=_MOST, description="Instances of them that may run at once.")
    memory_mb: int | None = Field(None, ge=0, le=_MOST, description="Of these instances, by their limits.")
    storage_mb: int | None = Field(
        None, ge=0, le=_MOST, description="Of the files of releases; what several have counts once."
    )


class Share(BaseModel):
    """One of them."""

    taken: int
    most: int = Field(description="0 for no limit.")
    is_own: bool = Field(description="Whether it was said of this account, and not of the installation.")


class QuotaOut(BaseModel):
    apps: Share
    instances: Share
    memory_mb: Share
    storage_mb: Share


@routes.declare("GET", "/{account}/quota", permission=Permission.SIGNED_IN)
def get_quota(call: Calling, account: AccountName) -> QuotaOut:
    """What an account's apps may be and take, and what they are and take: of one's own, or anybody's for administrators."""
    with call.read() as db:
        if accounts.as_name(account) != call.actor.name and not call.actor.role.includes(Role.ADMINISTRATOR):
            raise RoleTooLow("Cannot show somebody else's quota: that is for administrators.")
        return quota_out(call, db, people.get_person(db, call.actor, account).account)


@routes.declare("PUT", "/{account}/quota", permission=Permission.ADMINISTER)
def set_quota(call: Calling, account: AccountName, body: QuotaIn) -> QuotaOut:
    """Say all of it anew. What there is already stays, whatever is said."""
    with call.write(unrecorded="what stays as it is is no deed") as db:
        changed = quotas.change(db, call.actor, account, Most(**body.model_dump()), call.now)
        return quota_out(call, db, changed)


def quota_out(call: Call, db: ReadDb, account: Account) -> QuotaOut:
    usual = call.get(Enclosure).bounds.memory_mb

    def memory_of(settings: JsonObject) -> int:
        return limits.limits_of(settings).memory_mb or usual

    taken = asdict(instance_quotas.taken_by(db, account.id, memory_of))
    most, own = asdict(quotas.most_of(db, account.id)), asdict(quotas.own_of(db, account))
    return QuotaOut.model_validate({
        name: {"taken": taken[name], "most": most[name], "is_own": own[name] is not None} for name in taken
    })  # fmt: skip
