"""Use case of the first key: whoever operates the server gets one of the first administrator, before anybody has come in."""

from __future__ import annotations

from datetime import datetime

from tholos.accounts import queries
from tholos.accounts import service as accounts
from tholos.accounts.errors import AlreadyInUse
from tholos.accounts.models import DEFAULT_ORGANIZATION
from tholos.kit.db import WriteDb


def make(db: WriteDb, now: datetime) -> str:
    """The secret of a token of the first administrator. That this is the operator who asks, the caller has checked.

    Raises: AlreadyInUse: somebody signed in, has a token or was made an account already.
    """
    administrator = queries.find_administrator(db, DEFAULT_ORGANIZATION)
    if administrator is None or not queries.is_untouched(db, DEFAULT_ORGANIZATION):
        raise AlreadyInUse
    label, days = "the first key", accounts.TOKEN_LIFE_DAYS_AT_MOST
    return accounts.create_token(db, administrator, label, days, now)[1]
