"""JSON shapes of accounts and tokens."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.models import Account, Role, Token
from tholos.accounts.service import TOKEN_LIFE_DAYS, Actor
from tholos.kit.clock import to_text


class AccountOut(BaseModel):
    id: str
    name: str
    role: str


class AccountIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    role: str = Field(Role.VIEWER, max_length=40)


class AccountMade(BaseModel):
    account: AccountOut
    sign_in_url: str


class TokenIn(BaseModel):
    """A one-time code, or name and password, or neither where a credential came along."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field("", max_length=200)
    name: str = Field("", max_length=200)
    password: str = Field("", max_length=1000)
    label: str = Field("", max_length=80)
    days: int = TOKEN_LIFE_DAYS


class TokenMade(BaseModel):
    token: str
    id: str
    expires_at: str
    account: AccountOut


class TokenOut(BaseModel):
    id: str
    label: str
    created_at: str
    expires_at: str
    last_used_at: str | None


class TokenList(BaseModel):
    items: list[TokenOut]


def account_out(account: Account | Actor) -> AccountOut:
    account_id = account.account_id if isinstance(account, Actor) else account.id
    return AccountOut(id=account_id, name=account.name, role=str(account.role))


def token_out(token: Token) -> TokenOut:
    return TokenOut(
        id=token.id,
        label=token.label,
        created_at=to_text(token.created_at) or "",
        expires_at=to_text(token.expires_at) or "",
        last_used_at=to_text(token.last_used_at),
    )
