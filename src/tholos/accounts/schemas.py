"""JSON shapes of accounts and tokens."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.models import Account, Role, Scope, Session, Token
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


class TokenIn(BaseModel):
    """A one-time code, or name and password, or neither where a credential came along."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field("", max_length=200)
    name: str = Field("", max_length=200)
    password: str = Field("", max_length=1000)
    label: str = Field("", max_length=80)
    days: int = Field(TOKEN_LIFE_DAYS, ge=-(1 << 31), lt=1 << 31)
    scope: Scope = Scope.FULL
    app: str = Field(
        "", max_length=100, description="The one app that it is to be good for; all where empty."
    )


class PasswordIn(BaseModel):
    """The password that is to be, and the present one where there is one."""

    model_config = ConfigDict(extra="forbid")

    current: str = Field("", max_length=1000)
    password: str = Field(max_length=1000)


class TokenOfIn(BaseModel):
    """A token of an account that one looks after."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field("", max_length=80)
    days: int = Field(TOKEN_LIFE_DAYS, ge=-(1 << 31), lt=1 << 31)
    scope: Scope = Scope.FULL
    app: str = Field(
        "", max_length=100, description="The one app that it is to be good for; all where empty."
    )


class TokenMade(BaseModel):
    token: str = Field(description="The secret; it is shown this once.")
    id: str
    expires_at: str
    account: AccountOut
    scope: str = Scope.FULL
    app: str = ""


class TokenOut(BaseModel):
    id: str
    label: str
    scope: str
    app: str = Field(description="The one app that it is good for; all where empty.")
    current: bool = Field(description="Whether it is the one that asks.")
    created_at: str
    expires_at: str
    last_used_at: str | None


class TokenList(BaseModel):
    items: list[TokenOut]
    next: str | None = None


def account_out(account: Account | Actor) -> AccountOut:
    account_id = account.account_id if isinstance(account, Actor) else account.id
    return AccountOut(id=account_id, name=account.name, role=str(account.role))


class MeOut(AccountOut):
    full_name: str
    email: str
    kind: str
    version: int
    created_at: str
    scope: str = Field(description="What the credential that asks is good for, at most.")
    has_password: bool


class MeIn(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    full_name: str | None = Field(None, max_length=1000)
    email: str | None = Field(None, max_length=1000, description="Where mail goes; empty for none.")


class SessionOut(BaseModel):
    id: str
    label: str = Field(description="The browser, in a few words.")
    address: str
    created_at: str
    expires_at: str
    current: bool = Field(description="Whether it is the one that asks.")


class SessionList(BaseModel):
    items: list[SessionOut]
    next: str | None = None


class EndedOut(BaseModel):
    """How much a sign-out everywhere ended."""

    sessions: int
    tokens: int


def me_out(account: Account, actor: Actor) -> MeOut:
    return MeOut(
        id=account.id,
        name=account.name,
        role=account.role,
        full_name=account.full_name,
        email=account.email or "",
        kind=account.kind,
        version=account.version,
        created_at=to_text(account.created_at) or "",
        scope=actor.scope,
        has_password=account.password_hash is not None,
    )


def session_out(session: Session, current: str) -> SessionOut:
    return SessionOut(
        id=session.id,
        label=session.label,
        address=session.address,
        created_at=to_text(session.created_at) or "",
        expires_at=to_text(session.expires_at) or "",
        current=session.id == current,
    )


def token_made(token: Token, secret: str, account: Account, app: str) -> TokenMade:
    return TokenMade(
        token=secret,
        id=token.id,
        expires_at=to_text(token.expires_at) or "",
        account=account_out(account),
        scope=token.scope,
        app=app,
    )


def token_out(token: Token, app: str = "", current: str = "") -> TokenOut:
    return TokenOut(
        id=token.id,
        label=token.label,
        scope=token.scope,
        app=app or token.object_id or "",
        current=token.id == current,
        created_at=to_text(token.created_at) or "",
        expires_at=to_text(token.expires_at) or "",
        last_used_at=to_text(token.last_used_at),
    )
