"""HTTP of accounts. What is one's own is in own_api.py, tokens are in console/tokens_api.py: they name apps."""

from __future__ import annotations

from tholos.accounts import schemas
from tholos.accounts import service as accounts
from tholos.accounts.routes import Calling, Permission, Routes

routes = Routes(prefix="/api/v1", tags=["accounts"])


@routes.declare("POST", "/accounts", permission=Permission.ADMINISTER, status_code=201, is_creating=True)
def create_account(call: Calling, body: schemas.AccountIn) -> schemas.AccountMade:
    with call.write() as db:
        account, code = accounts.create_account(db, call.actor, body.name, body.role, call.now)
        made = schemas.AccountMade(
            account=schemas.account_out(account), sign_in_url=f"{call.site.url}/setup?code={code}"
        )
        return call.kept(db, made)
