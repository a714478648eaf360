"""JSON shapes of what apps follow, their commits, and credentials."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject
from tholos.operations.schemas import OperationOut
from tholos.publishing.schemas import OverridesIn
from tholos.sources.credentials import MOST_SECRET, MOST_USERNAME
from tholos.sources.models import GitCredential, SourceCommit
from tholos.sources.remotes import MOST_REF, MOST_URL
from tholos.sources.service import Followed, Login, Wish

HOOK_PATH = "/hooks/git/"


class LoginIn(BaseModel):
    """What a repository's host is shown: a user name and a password or token; for ssh a private key."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field("git", max_length=MOST_USERNAME)
    secret: SecretStr = Field(max_length=MOST_SECRET)

    def login(self) -> Login:
        return Login(self.username, self.secret.get_secret_value())


class SourceIn(BaseModel):
    """What an app is to follow."""

    model_config = ConfigDict(extra="forbid")

    repository: str = Field(max_length=MOST_URL, description="https, http or ssh, or git@host:path.")
    branch: str = Field("", max_length=MOST_REF, description="Empty for the one that it shows first.")
    subdirectory: str = Field("", max_length=1024, description="The folder of the app; empty for all of it.")
    polling: bool = Field(True, description="Look for new commits now and then.")
    draft: bool = Field(False, description="Make drafts of its commits, and nothing live.")
    overrides: OverridesIn = OverridesIn()
    credential: LoginIn | None = Field(None, description="For this app alone; else the one of the host.")

    def wish(self) -> Wish:
        login = self.credential.login() if self.credential else None
        return Wish(self.repository, self.branch, self.subdirectory, self.polling, self.draft, None, login)

    def said(self) -> JsonObject:
        return self.overrides.model_dump(exclude_none=True)


class SourceChange(BaseModel):
    """What is to be another; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    branch: str | None = Field(None, max_length=MOST_REF)
    subdirectory: str | None = Field(None, max_length=1024)
    polling: bool | None = None
    draft: bool | None = None
    paused: bool | None = None

    def wish(self) -> Wish:
        return Wish(None, self.branch, self.subdirectory, self.polling, self.draft, self.paused)


class UpdateIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ref: str = Field("", max_length=MOST_REF, description="A branch, tag or commit; else what is followed.")


class HostCredentialIn(LoginIn):
    """What a host is shown for every app that has no credential of its own."""

    host: str = Field(max_length=300, description="Such as https://git.example.org or ssh://git.example.org")


class FailureOut(BaseModel):
    code: str
    message: str
    fix: str
    where: str


class CommitOut(BaseModel):
    commit: str
    ref: str
    author: str
    subject: str
    state: str
    """``trying``, ``released``, ``unchanged``, ``failed`` or ``cancelled``."""
    trigger: str
    """``set``, ``update``, ``push`` or ``poll``."""
    release: int | None
    operation: str
    error: FailureOut | None
    at: str


class CommitList(BaseModel):
    items: list[CommitOut]
    next: str | None


class SourceOut(BaseModel):
    app: str
    repository: str
    branch: str
    subdirectory: str
    polling: bool
    draft: bool
    paused: bool
    account: str
    """By whose right it publishes."""
    credential: str
    """User name of the app's own credential; empty where it has none."""
    seen_commit: str
    """The head of the branch that was tried last."""
    serving: CommitOut | None
    """The commit that the live release was made of, or has its files of."""
    error: FailureOut | None
    """Why it could not be fetched, else why the commit that was tried last does not serve."""
    is_waiting: bool
    """Whether it is fetched once what is under way has ended."""
    webhook_url: str
    version: int


class SourceMade(BaseModel):
    source: SourceOut
    secret: str | None
    """For pushes; shown this once, and only where it is new."""
    operation: OperationOut | None
    """None where it begins after what is under way."""


class UpdateOut(BaseModel):
    operation: OperationOut | None
    """None where it begins after what is under way."""


class CredentialOut(BaseModel):
    id: str
    host: str
    username: str
    changed_at: str


class CredentialList(BaseModel):
    items: list[CredentialOut]
    next: str | None = None


class TakenOut(BaseModel):
    """What a message about a push led to."""

    text: str
    operation: str | None = None


def source_out(followed: Followed, url: str) -> SourceOut:
    source = followed.source
    return SourceOut(
        app=followed.app.name,
        repository=source.url,
        branch=source.branch,
        subdirectory=source.subdirectory,
        polling=source.is_polled,
        draft=source.is_draft,
        paused=source.paused_at is not None,
        account=followed.account,
        credential=followed.own_credential,
        seen_commit=source.seen_commit,
        serving=commit_out(followed.serving) if followed.serving else None,
        error=failure_out(source.fetch_error or source.commit_error),
        is_waiting=source.waiting_since is not None,
        webhook_url=f"{url}{HOOK_PATH}{source.id}",
        version=source.version,
    )


def commit_out(row: SourceCommit) -> CommitOut:
    return CommitOut(
        commit=row.commit,
        ref=row.ref,
        author=row.author,
        subject=row.subject,
        state=row.state,
        trigger=row.trigger,
        release=row.release,
        operation=row.operation_id,
        error=failure_out(row.error),
        at=to_text(row.at) or "",
    )


def failure_out(error: JsonObject | None) -> FailureOut | None:
    if not error:
        return None
    code, message, fix, where = (str(error.get(key, "")) for key in ("code", "message", "fix", "where"))
    return FailureOut(code=code, message=message, fix=fix, where=where)


def credential_out(credential: GitCredential) -> CredentialOut:
    return CredentialOut(
        id=credential.id,
        host=credential.origin,
        username=credential.username,
        changed_at=to_text(credential.changed_at) or "",
    )
