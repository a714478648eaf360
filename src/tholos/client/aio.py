"""The client's calls for programs with an event loop: the same names, arguments, answers and errors, to be awaited.

This file is made from ``tholos.client.api``: ``python tools/async_client.py``. Each call runs in a thread of its own, so that
what is told of the client, its retries and its patience, holds here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from tholos.client.api import Client
from tholos.client.deeds import AuditEntry, AuditQuery, Delivery, NewWebhook, Webhook
from tholos.client.logs import LogLine, LogQuery, Traceback
from tholos.client.model import App, Event, Instance, Operation, Release, Running, Snapshot, Unchanged, Why
from tholos.client.own import Ended, Invitation, InvitationMade, NewInvitation, NewToken, Session
from tholos.client.paths import AppPath
from tholos.client.patience import Patience
from tholos.client.people import Given, Group, Member, NewPerson, Owned, PeopleQuery, Person, PersonMade
from tholos.client.quotas import NewQuota, Quota
from tholos.client.releases import Comparison
from tholos.client.schedules import Schedule
from tholos.client.settling import Identity, Installation, Life, Limits, Notice, Preference
from tholos.client.sharing import Access, Grant, GrantChange, Reach, Request
from tholos.client.signing_in import Account, DeviceCode, Server, SignIn, Token
from tholos.client.sources import GitCredential, Source, SourceCommit, SourceMade
from tholos.client.tags import Tag, TagRemoved
from tholos.client.transport import Body
from tholos.client.usage import AppUsage, Usage, Visit
from tholos.client.variables import (
    Secret,
    SecretChanged,
    SecretGrant,
    Variable,
    VariableChange,
    VariablesChanged,
)

T = TypeVar("T")


class AsyncClient:
    """A connection to one server.

    Args:
        server: its URL, such as ``http://localhost:8080``.
        token: an API token; empty for the few calls that need none.
        patience: how long a call goes on trying while the server is away.

    Use it in an ``async with`` statement or close it. A call that is cancelled is not waited for; what it began goes on.
    """

    def __init__(self, server: str, token: str = "", *, patience: Patience | None = None) -> None:
        self._client = Client(server, token, patience=patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await asyncio.to_thread(self._client.close)

    async def server(self) -> Server:
        """Which server this is; needs no token.

        Raises:
            VersionsDiffer: it speaks another version of the API.
        """
        return await asyncio.to_thread(self._client.server)

    async def sign_in_with_code(self, code: str, label: str = "") -> SignIn:
        """A token for a one-time code of a sign-in link."""
        return await asyncio.to_thread(self._client.sign_in_with_code, code, label)

    async def sign_in(self, name: str, password: str, label: str = "") -> SignIn:
        """A token for a name and password."""
        return await asyncio.to_thread(self._client.sign_in, name, password, label)

    async def begin_device_sign_in(self, label: str = "") -> DeviceCode:
        """Ask to be let in by somebody in a browser, who is shown the label and confirms the code."""
        return await asyncio.to_thread(self._client.begin_device_sign_in, label)

    async def finish_device_sign_in(self, secret: str) -> SignIn:
        """A token, once somebody has let this terminal in.

        Raises:
            RemoteInvalid: with code ``authorization_pending`` or ``slow_down``, not yet; with ``expired_token``, never.
            RemoteForbidden: somebody refused.
        """
        return await asyncio.to_thread(self._client.finish_device_sign_in, secret)

    async def releases(self, name: str) -> list[Release]:
        """All of an app's releases, the newest first."""
        return await asyncio.to_thread(self._client.releases, name)

    async def release(self, name: str, number: int) -> Release:
        """One release."""
        return await asyncio.to_thread(self._client.release, name, number)

    async def activate(self, name: str, number: int) -> Operation | Unchanged:
        """Begin to make a release live, a draft or an earlier one."""
        return await asyncio.to_thread(self._client.activate, name, number)

    async def roll_back(self, name: str, number: int | None = None) -> Operation | Unchanged:
        """Begin to make an earlier release live; without a number the newest before that was live once."""
        return await asyncio.to_thread(self._client.roll_back, name, number)

    async def restart(self, name: str) -> Operation:
        """Begin to put new instances in the place of all that run of an app."""
        return await asyncio.to_thread(self._client.restart, name)

    async def discard_draft(self, name: str, number: int) -> Release:
        """Let a draft end; its release stays."""
        return await asyncio.to_thread(self._client.discard_draft, name, number)

    async def pin_release(self, name: str, number: int, *, is_pinned: bool = True) -> Release:
        """Keep a release however many newer ones there are, or no longer."""
        return await asyncio.to_thread(self._client.pin_release, name, number, is_pinned=is_pinned)

    async def compare(self, name: str, a: int | None = None, b: int | None = None) -> Comparison:
        """In what two releases differ; unless said, the live one and the newest."""
        return await asyncio.to_thread(self._client.compare, name, a, b)

    async def diff(self, name: str, a: int, b: int, path: str) -> str:
        """The differences of one file in two releases, as a unified diff; empty where it is no text."""
        return await asyncio.to_thread(self._client.diff, name, a, b, path)

    def download(self, name: str, number: int) -> AsyncIterator[bytes]:
        """A release as a tar.gz that publishes unchanged elsewhere, piece by piece."""
        return _each(partial(self._client.download, name, number))

    async def manifest(self, name: str, number: int) -> str:
        """A release's manifest, as its download has it."""
        return await asyncio.to_thread(self._client.manifest, name, number)

    async def lock(self, name: str, number: int) -> str:
        """Every package of a release with its version and hash; empty where it needs none."""
        return await asyncio.to_thread(self._client.lock, name, number)

    async def logs(self, name: str, *, lines: int = 200, asked: LogQuery | None = None) -> list[LogLine]:
        """The last lines of an app's log, or the last of those that are asked for."""
        return await asyncio.to_thread(self._client.logs, name, lines=lines, asked=asked)

    def follow_logs(
        self, name: str, *, lines: int = 200, asked: LogQuery | None = None
    ) -> AsyncIterator[LogLine]:
        """The last lines of an app's log and then each new one, until the app is gone.

        After a broken connection it goes on behind the last line that was given.
        """
        return _each(partial(self._client.follow_logs, name, lines=lines, asked=asked))

    async def traceback(
        self, name: str, *, release: int | None = None, instance: str = ""
    ) -> Traceback | None:
        """The first traceback of the last run of an app, or of one of its instances, that has one."""
        return await asyncio.to_thread(self._client.traceback, name, release=release, instance=instance)

    async def access(self, name: str) -> Access:
        """How an app is shared, and in words who can open it."""
        return await asyncio.to_thread(self._client.access, name)

    async def set_access(
        self, name: str, audience: str, grants: Sequence[Grant], *, seen: int | None = None
    ) -> Access:
        """Share an app with just these; what is not named is taken back.

        Args:
            name: of the app.
            audience: ``listed``, ``signed_in`` or ``everyone``.
            grants: all of them.
            seen: the version that this goes out from; somebody's later change is not overwritten then.
        """
        return await asyncio.to_thread(self._client.set_access, name, audience, grants, seen=seen)

    async def change_access(
        self,
        name: str,
        audience: str | None = None,
        grants: Sequence[GrantChange] = (),
        *,
        seen: int | None = None,
    ) -> Access:
        """Change what is named, and nothing else.

        Args:
            name: of the app.
            audience: ``listed``, ``signed_in`` or ``everyone``; None leaves it.
            grants: to give, or to take back.
            seen: the version that this goes out from; somebody's later change is not overwritten then.
        """
        return await asyncio.to_thread(self._client.change_access, name, audience, grants, seen=seen)

    async def preview_access(
        self, name: str, audience: str | None = None, grants: Sequence[GrantChange] = ()
    ) -> tuple[str, ...]:
        """What a change would do, as sentences; nothing is changed."""
        return await asyncio.to_thread(self._client.preview_access, name, audience, grants)

    async def share(self, name: str, who: str, level: str = "viewer", *, kind: str = "account") -> Access:
        """Share an app with one account or group, for opening (``viewer``) or managing it (``editor``)."""
        return await asyncio.to_thread(self._client.share, name, who, level, kind=kind)

    async def unshare(self, name: str, who: str, *, kind: str = "account") -> Access:
        """Take back what one account or group has."""
        return await asyncio.to_thread(self._client.unshare, name, who, kind=kind)

    async def people_of(self, name: str) -> list[Reach]:
        """Everybody who can open an app, and why."""
        return await asyncio.to_thread(self._client.people_of, name)

    async def apps_of(self, account: str) -> list[Reach]:
        """Every app that an account can open, and why."""
        return await asyncio.to_thread(self._client.apps_of, account)

    async def ask_for_access(self, name: str, message: str = "") -> Request:
        """Ask for an app that one may not open."""
        return await asyncio.to_thread(self._client.ask_for_access, name, message)

    async def access_requests(self, name: str) -> list[Request]:
        """Who asked for an app, the newest first."""
        return await asyncio.to_thread(self._client.access_requests, name)

    async def decide_request(self, name: str, request: str, *, level: str = "") -> Request:
        """Let in whoever asked, at a level; without one, refuse."""
        return await asyncio.to_thread(self._client.decide_request, name, request, level=level)

    async def hand_over(self, name: str, account: str, *, keep: str | None = None) -> Access:
        """Make somebody else the owner of an app; the former one keeps a level of it, or nothing."""
        return await asyncio.to_thread(self._client.hand_over, name, account, keep=keep)

    async def pin_app(self, name: str, *, is_pinned: bool = True) -> None:
        """Keep an app at the top of one's own home page, or no longer."""
        await asyncio.to_thread(self._client.pin_app, name, is_pinned=is_pinned)

    async def variables(self, name: str) -> list[Variable]:
        """An app's variables, in the order of their names."""
        return await asyncio.to_thread(self._client.variables, name)

    async def change_variables(
        self, name: str, change: VariableChange, *, restart: bool = True
    ) -> VariablesChanged:
        """Set, refer and remove several at once.

        Args:
            name: of the app.
            change: what is to be done.
            restart: start the app anew where only secrets have changed.
        """
        return await asyncio.to_thread(self._client.change_variables, name, change, restart=restart)

    async def secrets(self) -> list[Secret]:
        """The shared secrets that this account may refer to."""
        return await asyncio.to_thread(self._client.secrets)

    async def secret(self, name: str) -> Secret:
        """One shared secret, all but its value."""
        return await asyncio.to_thread(self._client.secret, name)

    async def secret_grants(self, name: str) -> list[SecretGrant]:
        """Whom a shared secret is shared with."""
        return await asyncio.to_thread(self._client.secret_grants, name)

    async def create_secret(self, name: str, value: str, note: str = "") -> Secret:
        """A new shared secret."""
        return await asyncio.to_thread(self._client.create_secret, name, value, note)

    async def change_secret(
        self, name: str, *, value: str | None = None, note: str | None = None, restart: bool = True
    ) -> SecretChanged:
        """Another value, another note, or both; apps that use it are started anew."""
        return await asyncio.to_thread(
            self._client.change_secret, name, value=value, note=note, restart=restart
        )

    async def remove_secret(self, name: str, *, force: bool = False) -> tuple[str, ...]:
        """Remove a shared secret; names of the apps that do not start any more."""
        return await asyncio.to_thread(self._client.remove_secret, name, force=force)

    async def share_secret(self, name: str, kind: str, who: str, level: str) -> list[SecretGrant]:
        """Share a secret with an ``account`` or ``group``; an empty level takes that back."""
        return await asyncio.to_thread(self._client.share_secret, name, kind, who, level)

    async def rotate_key(self) -> Operation:
        """Begin to seal everything by a new key."""
        return await asyncio.to_thread(self._client.rotate_key)

    async def change_app(
        self,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        keep_releases: int | None = None,
    ) -> App:
        """Change an app's title, its description, or how many releases it keeps; what is None stays.

        Args:
            name: of the app.
            title: shown beside its name.
            description: what it is.
            keep_releases: 0 for as many as the installation says.
        """
        return await asyncio.to_thread(
            self._client.change_app, name, title=title, description=description, keep_releases=keep_releases
        )

    async def limits(self, name: str) -> Limits:
        """What each of an app's processes may have."""
        return await asyncio.to_thread(self._client.limits, name)

    async def held_limits(self, name: str) -> Limits:
        """What holds of each of these: the same with the installation's defaults; None for no limit."""
        return await asyncio.to_thread(self._client.held_limits, name)

    async def set_limits(self, name: str, limits: Limits) -> Operation | None:
        """Set all of an app's limits; the operation that makes the release with them live, if one is needed."""
        return await asyncio.to_thread(self._client.set_limits, name, limits)

    async def life(self, name: str) -> tuple[Life, Life]:
        """What an app says of its instances' life, and what holds: the same with the installation's defaults."""
        return await asyncio.to_thread(self._client.life, name)

    async def set_life(self, name: str, life: Life) -> tuple[Life, Life]:
        """Set all that an app says of its instances' life; what it says then, and what holds."""
        return await asyncio.to_thread(self._client.set_life, name, life)

    async def notifications(self, *, most: int = 50) -> list[Notice]:
        """One's inbox, the newest first."""
        return await asyncio.to_thread(self._client.notifications, most=most)

    async def mark_seen(self, until: str = "") -> None:
        """Note that one's inbox was read, up to a notice's id, or all of it."""
        await asyncio.to_thread(self._client.mark_seen, until)

    async def preferences(self) -> list[Preference]:
        """What one is told, by which channel, and what of it is muted."""
        return await asyncio.to_thread(self._client.preferences)

    async def set_preference(self, action: str, channel: str, *, is_muted: bool) -> list[Preference]:
        """Mute or unmute one thing by one channel."""
        return await asyncio.to_thread(self._client.set_preference, action, channel, is_muted=is_muted)

    async def identities(self, account: str) -> list[Identity]:
        """Whom sign-in providers know an account as."""
        return await asyncio.to_thread(self._client.identities, account)

    async def remove_identity(self, account: str, identity: str) -> None:
        """Let a provider's person sign in as an account no longer."""
        await asyncio.to_thread(self._client.remove_identity, account, identity)

    async def installation(self) -> Installation:
        """Health with fixes, and settings with the source of each value."""
        return await asyncio.to_thread(self._client.installation)

    async def tags(self) -> list[Tag]:
        """All tags, each followed by those below it."""
        return await asyncio.to_thread(self._client.tags)

    async def tag(self, tag: str) -> Tag:
        """One tag by its id."""
        return await asyncio.to_thread(self._client.tag, tag)

    async def create_tag(self, name: str, parent: str = "") -> Tag:
        """A new tag below the one with an id; a category without one."""
        return await asyncio.to_thread(self._client.create_tag, name, parent)

    async def change_tag(self, tag: str, *, name: str | None = None, parent: str | None = None) -> Tag:
        """Another name, or another place in the tree: an empty parent makes a category of it."""
        return await asyncio.to_thread(self._client.change_tag, tag, name=name, parent=parent)

    async def remove_tag(self, tag: str) -> TagRemoved:
        """Remove it and all below it, and take them off the apps that have them."""
        return await asyncio.to_thread(self._client.remove_tag, tag)

    async def tagged_apps(self, tag: str, search: str = "") -> list[App]:
        """The apps that have a tag or one below it, the newest first."""
        return await asyncio.to_thread(self._client.tagged_apps, tag, search)

    async def tags_of_app(self, name: str) -> list[Tag]:
        """The tags that an app has; those above them are implied."""
        return await asyncio.to_thread(self._client.tags_of_app, name)

    async def change_tags_of_app(
        self, name: str, *, put: Sequence[str] = (), take: Sequence[str] = ()
    ) -> list[Tag]:
        """Put tags on an app and take others off it, by their ids; answers those that it has then."""
        return await asyncio.to_thread(self._client.change_tags_of_app, name, put=put, take=take)

    async def paths(self) -> list[AppPath]:
        """The paths that lead to apps which this account may see."""
        return await asyncio.to_thread(self._client.paths)

    async def path(self, name: str) -> AppPath:
        """The path that leads to an app, if there is one."""
        return await asyncio.to_thread(self._client.path, name)

    async def set_path(self, name: str, path: str, *, force: bool = False) -> AppPath:
        """Let a path lead to an app; with ``force`` even where it leads to another one that this account edits."""
        return await asyncio.to_thread(self._client.set_path, name, path, force=force)

    async def remove_path(self, name: str) -> None:
        """Let nothing lead to an app any more but its own address."""
        await asyncio.to_thread(self._client.remove_path, name)

    async def usage(self, name: str, *, since: str = "", until: str = "") -> Usage:
        """How often an app was visited between two moments in ISO 8601; by itself in the last 30 days."""
        return await asyncio.to_thread(self._client.usage, name, since=since, until=until)

    async def visits(self, name: str, *, since: str = "", until: str = "", most: int = 50) -> list[Visit]:
        """An app's visits, the newest first."""
        return await asyncio.to_thread(self._client.visits, name, since=since, until=until, most=most)

    async def usage_by_app(self, *, since: str = "", until: str = "") -> list[AppUsage]:
        """How often the apps that this account edits were visited, the most visited first."""
        return await asyncio.to_thread(self._client.usage_by_app, since=since, until=until)

    async def all_visits(self, *, since: str = "", until: str = "", most: int = 50) -> list[Visit]:
        """The visits of all apps that this account edits, the newest first."""
        return await asyncio.to_thread(self._client.all_visits, since=since, until=until, most=most)

    async def me(self) -> Account:
        """The account that is signed in."""
        return await asyncio.to_thread(self._client.me)

    async def change_me(self, *, full_name: str | None = None, email: str | None = None) -> Account:
        """Change what it says of itself; what is None stays."""
        return await asyncio.to_thread(self._client.change_me, full_name=full_name, email=email)

    async def change_password(self, password: str, current: str = "") -> None:
        """Change one's own password, and sign out one's browsers.

        Args:
            password: the new one.
            current: the present one; a first one is set in a browser, not by a token.
        """
        await asyncio.to_thread(self._client.change_password, password, current)

    async def tokens(self, account: str = "") -> list[Token]:
        """This account's tokens; or, for administrators, another's."""
        return await asyncio.to_thread(self._client.tokens, account)

    async def create_token(self, new: NewToken, account: str = "") -> SignIn:
        """One more token of this account; or, for administrators, of a program's."""
        return await asyncio.to_thread(self._client.create_token, new, account)

    async def revoke_token(self, identity: str = "current", account: str = "") -> None:
        """End a token by its id; ``current`` is the one in use."""
        await asyncio.to_thread(self._client.revoke_token, identity, account)

    async def sessions(self) -> list[Session]:
        """The browsers that are signed in as this account."""
        return await asyncio.to_thread(self._client.sessions)

    async def end_session(self, identity: str) -> None:
        """Sign a browser out, by the session's id."""
        await asyncio.to_thread(self._client.end_session, identity)

    async def end_sessions(self, *, tokens: bool = False) -> Ended:
        """Sign out everywhere.

        Args:
            tokens: revoke every token as well, the one in use included.
        """
        return await asyncio.to_thread(self._client.end_sessions, tokens=tokens)

    async def invite(self, new: NewInvitation) -> InvitationMade:
        """A link that lets somebody in."""
        return await asyncio.to_thread(self._client.invite, new)

    async def invitations(self) -> list[Invitation]:
        """Those that one made, the newest first; for administrators everybody's."""
        return await asyncio.to_thread(self._client.invitations)

    async def invitation(self, identity: str) -> Invitation:
        """One of them, by its id."""
        return await asyncio.to_thread(self._client.invitation, identity)

    async def revoke_invitation(self, identity: str) -> None:
        """Take an invitation back, by its id."""
        await asyncio.to_thread(self._client.revoke_invitation, identity)

    async def people(self, asked: PeopleQuery | None = None) -> list[Person]:
        """Who there is, by name."""
        return await asyncio.to_thread(self._client.people, asked)

    async def person(self, name: str) -> Person:
        """One account."""
        return await asyncio.to_thread(self._client.person, name)

    async def create_person(self, new: NewPerson) -> PersonMade:
        """A new account; a person's comes with a link that signs in once."""
        return await asyncio.to_thread(self._client.create_person, new)

    async def change_person(
        self,
        name: str,
        *,
        role: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
        seen: int | None = None,
    ) -> Person:
        """Change what is not None.

        Args:
            name: of the account.
            role: ``viewer``, ``publisher`` or ``administrator``.
            full_name: of its person.
            email: where mail goes; empty for none.
            seen: the version that this goes out from; somebody's later change is not overwritten then.
        """
        return await asyncio.to_thread(
            self._client.change_person, name, role=role, full_name=full_name, email=email, seen=seen
        )

    async def disable_person(self, name: str) -> Ended:
        """Let nobody in by an account any more; its sessions and tokens end."""
        return await asyncio.to_thread(self._client.disable_person, name)

    async def enable_person(self, name: str) -> Person:
        """Let somebody sign in again; what ended stays ended."""
        return await asyncio.to_thread(self._client.enable_person, name)

    async def sign_out_person(self, name: str, *, tokens: bool = False) -> Ended:
        """Sign somebody out everywhere, and with ``tokens`` revoke those as well."""
        return await asyncio.to_thread(self._client.sign_out_person, name, tokens=tokens)

    async def create_sign_in_link(self, name: str) -> str:
        """A link that lets a person in, once, within 15 minutes."""
        return await asyncio.to_thread(self._client.create_sign_in_link, name)

    async def preview_hand_over(self, name: str, to: str) -> Owned:
        """What handing over all that an account owns would move; nothing is changed."""
        return await asyncio.to_thread(self._client.preview_hand_over, name, to)

    async def hand_over_all(self, name: str, to: str) -> Owned:
        """Make another account the owner of all that an account owns."""
        return await asyncio.to_thread(self._client.hand_over_all, name, to)

    async def groups(self, text: str = "") -> list[Group]:
        """The groups, by name."""
        return await asyncio.to_thread(self._client.groups, text)

    async def group(self, name: str) -> Group:
        """One group."""
        return await asyncio.to_thread(self._client.group, name)

    async def create_group(self, name: str, note: str = "") -> Group:
        """A new group, that nobody is in yet."""
        return await asyncio.to_thread(self._client.create_group, name, note)

    async def change_group(
        self, name: str, *, new_name: str | None = None, note: str | None = None, seen: int | None = None
    ) -> Group:
        """Give a group another name or note; who is in it and what it was given stay."""
        return await asyncio.to_thread(
            self._client.change_group, name, new_name=new_name, note=note, seen=seen
        )

    async def remove_group(self, name: str) -> list[Given]:
        """Remove a group; what it had been given, which is taken back."""
        return await asyncio.to_thread(self._client.remove_group, name)

    async def members(self, name: str) -> list[Member]:
        """Who is in a group, by name."""
        return await asyncio.to_thread(self._client.members, name)

    async def given(self, name: str) -> list[Given]:
        """What a group's members have by it."""
        return await asyncio.to_thread(self._client.given, name)

    async def add_member(self, name: str, account: str) -> Member:
        """Put an account into a group."""
        return await asyncio.to_thread(self._client.add_member, name, account)

    async def remove_member(self, name: str, account: str) -> None:
        """Take an account out of a group."""
        await asyncio.to_thread(self._client.remove_member, name, account)

    async def quota(self, name: str) -> Quota:
        """Of one's own account, or of anybody's for administrators."""
        return await asyncio.to_thread(self._client.quota, name)

    async def set_quota(self, name: str, quota: NewQuota) -> Quota:
        """Say all of it anew; for administrators."""
        return await asyncio.to_thread(self._client.set_quota, name, quota)

    async def audit(
        self, asked: AuditQuery | None = None, *, app: str = "", most: int = 50
    ) -> list[AuditEntry]:
        """Who did what, the newest first: everything, for administrators; what was done with an app, for its editors."""
        return await asyncio.to_thread(self._client.audit, asked, app=app, most=most)

    def export_audit(self, form: str = "ndjson", asked: AuditQuery | None = None) -> AsyncIterator[bytes]:
        """All that is asked for of the audit record, the oldest first, line by line; ``form`` is ``ndjson`` or ``csv``."""
        return _each(partial(self._client.export_audit, form, asked))

    async def webhooks(self, app: str = "") -> list[Webhook]:
        """The webhooks that this account may change, of one app or of all."""
        return await asyncio.to_thread(self._client.webhooks, app)

    async def create_webhook(
        self, url: str, *, app: str = "", label: str = "", form: str = "plain", actions: Sequence[str] = ()
    ) -> NewWebhook:
        """Tell another system what is done with an app, or in the whole installation."""
        return await asyncio.to_thread(
            self._client.create_webhook, url, app=app, label=label, form=form, actions=actions
        )

    async def webhook(self, webhook: str) -> Webhook:
        """One webhook, all but its secret."""
        return await asyncio.to_thread(self._client.webhook, webhook)

    async def change_webhook(
        self,
        webhook: str,
        *,
        url: str | None = None,
        label: str | None = None,
        form: str | None = None,
        actions: Sequence[str] | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Change what is given; what is None stays, and no actions are all that is worth telling."""
        return await asyncio.to_thread(
            self._client.change_webhook,
            webhook,
            url=url,
            label=label,
            form=form,
            actions=actions,
            is_active=is_active,
        )

    async def remove_webhook(self, webhook: str) -> None:
        """Tell it nothing any more."""
        await asyncio.to_thread(self._client.remove_webhook, webhook)

    async def send_test(self, webhook: str) -> Delivery:
        """Send a word to a webhook now."""
        return await asyncio.to_thread(self._client.send_test, webhook)

    async def delivery(self, webhook: str, delivery: str) -> Delivery:
        """How one delivery went, and what was sent."""
        return await asyncio.to_thread(self._client.delivery, webhook, delivery)

    async def deliveries(self, webhook: str, *, most: int = 50) -> list[Delivery]:
        """What was sent to a webhook and how it went, the newest first."""
        return await asyncio.to_thread(self._client.deliveries, webhook, most=most)

    async def repeat_delivery(self, webhook: str, delivery: str) -> Delivery:
        """Send the same once more, as a delivery of its own."""
        return await asyncio.to_thread(self._client.repeat_delivery, webhook, delivery)

    async def source(self, name: str) -> Source:
        """What an app follows."""
        return await asyncio.to_thread(self._client.source, name)

    async def set_source(
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
        return await asyncio.to_thread(
            self._client.set_source,
            name,
            repository,
            branch=branch,
            subdirectory=subdirectory,
            polling=polling,
            is_draft=is_draft,
            overrides=overrides,
            username=username,
            secret=secret,
        )

    async def change_source(
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
        return await asyncio.to_thread(
            self._client.change_source,
            name,
            branch=branch,
            subdirectory=subdirectory,
            polling=polling,
            is_draft=is_draft,
            paused=paused,
            seen=seen,
        )

    async def remove_source(self, name: str) -> None:
        """Let an app follow nothing; what serves goes on serving."""
        await asyncio.to_thread(self._client.remove_source, name)

    async def update_source(self, name: str, ref: str = "") -> Operation | None:
        """Fetch now, and make a release of it even if there is nothing new; None where it is done after what is under way."""
        return await asyncio.to_thread(self._client.update_source, name, ref)

    async def renew_source_secret(self, name: str) -> SourceMade:
        """A new secret for pushes; the former is good for nothing from now on."""
        return await asyncio.to_thread(self._client.renew_source_secret, name)

    async def source_commits(self, name: str, *, most: int = 50) -> list[SourceCommit]:
        """The commits that were tried for an app, the newest first."""
        return await asyncio.to_thread(self._client.source_commits, name, most=most)

    async def set_source_credential(self, name: str, username: str, secret: str) -> GitCredential:
        """Keep what the host of an app's repository is shown for that app."""
        return await asyncio.to_thread(self._client.set_source_credential, name, username, secret)

    async def remove_source_credential(self, name: str) -> None:
        """Forget what an app has of its own."""
        await asyncio.to_thread(self._client.remove_source_credential, name)

    async def git_credentials(self) -> list[GitCredential]:
        """What hosts of repositories are shown for all apps; for administrators."""
        return await asyncio.to_thread(self._client.git_credentials)

    async def set_git_credential(self, host: str, username: str, secret: str) -> GitCredential:
        """Keep what a host is shown for every app that has no credential of its own; for administrators."""
        return await asyncio.to_thread(self._client.set_git_credential, host, username, secret)

    async def remove_git_credential(self, credential: str) -> None:
        """Show a host nothing any more; for administrators."""
        await asyncio.to_thread(self._client.remove_git_credential, credential)

    async def schedule(self, name: str) -> Schedule:
        """When an app is started again, and what became of the last time."""
        return await asyncio.to_thread(self._client.schedule, name)

    async def set_schedule(
        self,
        name: str,
        kind: str,
        *,
        n: int = 1,
        days: Sequence[int] = (),
        day: int = 1,
        week: int = 1,
        first: bool = True,
        timezone: str = "UTC",
        start: str = "",
        time: str = "",
        seen: int | None = None,
    ) -> Schedule:
        """Start an app again at these times, in the place of those before.

        Args:
            name: of the app.
            kind: how it recurs, as :class:`Schedule` has it.
            n: every n-th minute, hour, day, week, month or year.
            days: for ``dayofweek``, Sunday being 0.
            day: of the month, from 1; for ``dayweekofmonth`` of the week, Sunday being 0.
            week: for ``dayweekofmonth``: 1 to 4, or 5 for the last such day of the month.
            first: for ``semimonth``: the 1st and the 15th, else the 14th and the last day.
            timezone: a name of the tz database.
            start: when it takes effect, in ISO 8601; now if empty.
            time: the time of day, such as ``07:00``; that of the start if empty.
            seen: the version that was seen; it is refused if that is another by now.
        """
        return await asyncio.to_thread(
            self._client.set_schedule,
            name,
            kind,
            n=n,
            days=days,
            day=day,
            week=week,
            first=first,
            timezone=timezone,
            start=start,
            time=time,
            seen=seen,
        )

    async def pause_schedule(self, name: str, *, seen: int | None = None) -> Schedule:
        """Start an app by its schedule no more, until somebody resumes it."""
        return await asyncio.to_thread(self._client.pause_schedule, name, seen=seen)

    async def resume_schedule(self, name: str, *, seen: int | None = None) -> Schedule:
        """Start an app by its schedule again, by the right of this account."""
        return await asyncio.to_thread(self._client.resume_schedule, name, seen=seen)

    async def remove_schedule(self, name: str) -> None:
        """Start an app by itself no more; what runs goes on running."""
        await asyncio.to_thread(self._client.remove_schedule, name)

    async def be_patient(self, seconds: float) -> None:
        """From now on wait so long for a server that went away."""
        await asyncio.to_thread(self._client.be_patient, seconds)

    async def missing(self, hashes: Sequence[str]) -> list[str]:
        """Which of at most 10,000 chunks the server lacks."""
        return await asyncio.to_thread(self._client.missing, hashes)

    async def send_pack(self, size: int, read: Callable[[], Iterable[bytes]]) -> None:
        """Store chunks; ``read`` makes the ``size`` bytes of their pack anew for each try."""
        await asyncio.to_thread(self._client.send_pack, size, read)

    async def create_snapshot(self, files: Sequence[Mapping[str, object]]) -> Snapshot:
        """Make a snapshot of files whose chunks the server has.

        Raises:
            RemoteConflict: with code ``chunks_missing`` and ``details["missing"]``.
        """
        return await asyncio.to_thread(self._client.create_snapshot, files)

    async def send_archive(self, archive: Body) -> Snapshot:
        """Make a snapshot of an archive, which the server unpacks."""
        return await asyncio.to_thread(self._client.send_archive, archive)

    async def apps(self, search: str = "", *, show: str = "") -> list[App]:
        """The apps that this account may see, the newest first.

        Args:
            search: only those with this in the name, the title or the owner's name.
            show: only ``pinned``, ``recent`` (those opened last), ``mine`` or ``shared`` ones.
        """
        return await asyncio.to_thread(self._client.apps, search, show=show)

    async def app(self, name: str) -> App:
        """One app."""
        return await asyncio.to_thread(self._client.app, name)

    async def instances(self, name: str) -> list[Instance]:
        """An app's running copies."""
        return await asyncio.to_thread(self._client.instances, name)

    async def running(self, name: str = "") -> Running:
        """What runs of an app, or of all that this account may edit: instances, and what waits to wake those that sleep."""
        return await asyncio.to_thread(self._client.running, name)

    async def why(self, name: str) -> Why:
        """Why an app is as it is."""
        return await asyncio.to_thread(self._client.why, name)

    async def delete_app(self, name: str) -> Operation:
        """Begin to stop and remove an app."""
        return await asyncio.to_thread(self._client.delete_app, name)

    async def publish(
        self,
        name: str,
        snapshot: str,
        *,
        message: str = "",
        overrides: Mapping[str, object] | None = None,
        upgrade: bool = False,
        is_draft: bool = False,
        upload: Mapping[str, object] | None = None,
        key: str = "",
    ) -> Operation | Unchanged:
        """Begin to publish a snapshot as the app's next release.

        Args:
            name: of the app; a new one is made.
            snapshot: its id.
            message: what is new.
            overrides: what to do instead of what would be found; a null is the app's remembered one, ``""`` forgets it.
            upgrade: resolve the packages anew.
            is_draft: run it at an address of its own, for editors, and do not make it live.
            upload: files, bytes, sent_bytes and seconds of the upload, for the record.
            key: the same key within a day answers the same operation; one is made if empty.
        """
        return await asyncio.to_thread(
            self._client.publish,
            name,
            snapshot,
            message=message,
            overrides=overrides,
            upgrade=upgrade,
            is_draft=is_draft,
            upload=upload,
            key=key,
        )

    async def operations(self, app: str = "", *, most: int = 50) -> list[Operation]:
        """The last operations that this account may see, of one app or of all, the newest first; 500 at most."""
        return await asyncio.to_thread(self._client.operations, app, most=most)

    async def operation(self, operation: str) -> Operation:
        """One operation by its id."""
        return await asyncio.to_thread(self._client.operation, operation)

    async def cancel(self, operation: str) -> Operation:
        """Ask an operation to stop; it ends a little later."""
        return await asyncio.to_thread(self._client.cancel, operation)

    def events(self, operation: str, after: int = 0) -> AsyncIterator[Event]:
        """An operation's events in order, each once, until it has ended.

        A broken connection or a restarted server is waited for and the events go on where they stopped.
        """
        return _each(partial(self._client.events, operation, after))


async def _each(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """The items of an iterator that waits, each awaited."""
    items = await asyncio.to_thread(make)
    end = object()
    while (item := await asyncio.to_thread(next, items, end)) is not end:
        yield item  # type: ignore[misc]  # the end is not given
