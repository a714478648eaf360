"""Calls about repositories: what an app follows, its commits, and credentials for their hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from tholos.client.core import Core, app_path, once, operation_in, unless_changed
from tholos.client.fields import Fields
from tholos.client.model import Failure, Operation


@dataclass(frozen=True, slots=True)
class SourceCommit:
    """A commit that was tried for an app."""

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
    error: Failure | None
    at: str

    @classmethod
    def from_json(cls, value: object) -> SourceCommit:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a commit")
        error = read.child("error")
        return cls(
            commit=read.text("commit"),
            ref=read.text("ref", ""),
            author=read.text("author", ""),
            subject=read.text("subject", ""),
            state=read.text("state"),
            trigger=read.text("trigger", ""),
            release=read.number("release", 0) or None,
            operation=read.text("operation", ""),
            error=Failure.from_json(error.value) if error else None,
            at=read.text("at", ""),
        )


@dataclass(frozen=True, slots=True)
class Source:
    """What an app follows."""

    app: str
    repository: str
    branch: str
    """Empty for the one that the repository shows first."""
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
    serving: SourceCommit | None
    """The commit that the live release was made of."""
    error: Failure | None
    is_waiting: bool
    """Whether it is fetched once what is under way has ended."""
    webhook_url: str
    version: int

    @classmethod
    def from_json(cls, value: object) -> Source:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a source")
        serving, error = read.child("serving"), read.child("error")
        return cls(
            app=read.text("app"),
            repository=read.text("repository"),
            branch=read.text("branch", ""),
            subdirectory=read.text("subdirectory", ""),
            polling=read.flag("polling"),
            draft=read.flag("draft"),
            paused=read.flag("paused"),
            account=read.text("account", ""),
            credential=read.text("credential", ""),
            seen_commit=read.text("seen_commit", ""),
            serving=SourceCommit.from_json(serving.value) if serving else None,
            error=Failure.from_json(error.value) if error else None,
            is_waiting=read.flag("is_waiting"),
            webhook_url=read.text("webhook_url", ""),
            version=read.number("version", 0),
        )


@dataclass(frozen=True, slots=True)
class SourceMade:
    """What an app follows from now on."""

    source: Source
    secret: str
    """For pushes; only where it is new, and shown this once."""
    operation: Operation | None
    """None where it begins after what is under way."""

    @classmethod
    def from_json(cls, value: object) -> SourceMade:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a source")
        source = Source.from_json(read.need("source").value)
        return cls(source, read.text("secret", ""), operation_in(read))


@dataclass(frozen=True, slots=True)
class GitCredential:
    """What a host of repositories is shown, all but the secret."""

    id: str
    host: str
    username: str
    changed_at: str

    @classmethod
    def from_json(cls, value: object) -> GitCredential:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a credential")
        return cls(read.text("id"), read.text("host"), read.text("username", ""), read.text("changed_at", ""))


class SourceCalls(Core):
    """The calls about repositories; :class:`tholos.client.api.Client` has them."""

    def source(self, name: str) -> Source:
        """What an app follows."""
        return self._get(source_path(name), Source.from_json)

    def set_source(
        self,
        name: str,
        repository: str,
        *,
        branch: str = "",
        subdirectory: str = "",
        polling: bool = True,
        is_draft: bool = False,
        overrides: Mapping[str, object] | None = None,
        username: str = "",
        secret: str = "",
    ) -> SourceMade:
        """Let an app follow a branch of a repository, and begin to publish where it stands. A new app is made.

        Args:
            name: of the app.
            repository: its address, by https, http or ssh.
            branch: empty for the one that the repository shows first.
            subdirectory: the folder of the app; empty for all of it.
            polling: look for new commits now and then.
            is_draft: make drafts of its commits, and nothing live.
            overrides: what to do instead of what would be found, as in a publish.
            username: with the secret, what the repository's host is shown for this app.
            secret: a password or token; for ssh a private key.
        """
        body: dict[str, object] = {
            "repository": repository,
            "branch": branch,
            "subdirectory": subdirectory,
            "polling": polling,
            "draft": is_draft,
            "overrides": dict(overrides or {}),
        }
        if secret:
            body["credential"] = {"username": username or "git", "secret": secret}
        return SourceMade.from_json(self._call("PUT", source_path(name), body).json())

    def change_source(
        self,
        name: str,
        *,
        branch: str | None = None,
        subdirectory: str | None = None,
        polling: bool | None = None,
        is_draft: bool | None = None,
        paused: bool | None = None,
        seen: int | None = None,
    ) -> Source:
        """Change what is given; with a version that was seen, only if nobody has changed it since."""
        said = {
            "branch": branch,
            "subdirectory": subdirectory,
            "polling": polling,
            "draft": is_draft,
            "paused": paused,
        }
        body = {key: value for key, value in said.items() if value is not None}
        return Source.from_json(self._call("PATCH", source_path(name), body, unless_changed(seen)).json())

    def remove_source(self, name: str) -> None:
        """Let an app follow nothing; what serves goes on serving."""
        self._call("DELETE", source_path(name))

    def update_source(self, name: str, ref: str = "") -> Operation | None:
        """Fetch now, and make a release of it even if there is nothing new; None where it is done after what is under way."""
        answer = self._call("POST", f"{source_path(name)}/update", {"ref": ref}, once())
        return operation_in(Fields(answer.json(), "the answer"))

    def renew_source_secret(self, name: str) -> SourceMade:
        """A new secret for pushes; the former is good for nothing from now on."""
        return SourceMade.from_json(self._call("POST", f"{source_path(name)}/secret", {}).json())

    def source_commits(self, name: str, *, most: int = 50) -> list[SourceCommit]:
        """The commits that were tried for an app, the newest first."""
        return self._list(f"{source_path(name)}/commits", SourceCommit.from_json, most=most)

    def set_source_credential(self, name: str, username: str, secret: str) -> GitCredential:
        """Keep what the host of an app's repository is shown for that app."""
        body = {"username": username, "secret": secret}
        return GitCredential.from_json(self._call("PUT", f"{source_path(name)}/credential", body).json())

    def remove_source_credential(self, name: str) -> None:
        """Forget what an app has of its own."""
        self._call("DELETE", f"{source_path(name)}/credential")

    def git_credentials(self) -> list[GitCredential]:
        """What hosts of repositories are shown for all apps; for administrators."""
        return self._list("/git-credentials", GitCredential.from_json)

    def set_git_credential(self, host: str, username: str, secret: str) -> GitCredential:
        """Keep what a host is shown for every app that has no credential of its own; for administrators."""
        body = {"host": host, "username": username, "secret": secret}
        return GitCredential.from_json(self._call("PUT", "/git-credentials", body).json())

    def remove_git_credential(self, credential: str) -> None:
        """Show a host nothing any more; for administrators."""
        self._call("DELETE", f"/git-credentials/{quote(credential, safe='')}")


def source_path(name: str) -> str:
    """Where the calls about an app's repository are."""
    return f"{app_path(name)}/source"
