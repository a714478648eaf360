"""Which commit a branch stands at, asked of a repository without fetching anything.

Over http we speak git's own protocol (gitprotocol-http(5)) instead of starting a process: a thousand repositories are asked
every few minutes. Over ssh, and for folders, git asks.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tholos import __version__
from tholos.kit.outgoing import AddressRefused, Fetched, NotDelivered, Outgoing
from tholos.sources import advertised
from tholos.sources.advertised import HEAD, NotSpoken, Refs
from tholos.sources.errors import (
    BranchGone,
    FetchFailed,
    RepositoryClosed,
    RepositoryEmpty,
    RepositoryGone,
    RepositoryMoved,
    RepositoryRefused,
    RepositoryUntrusted,
)
from tholos.sources.git import Bounds, Git, Ran, Secret, basic
from tholos.sources.remotes import Remote, Scheme, is_commit
from tholos.sources.threads import in_asking_thread

MOST_REFS = 8 << 20
"""Bytes of a list of branches and tags."""
MOST_REMEMBERED = 1000
ASK_S = 30.0
_AGENT = f"git/2.39 (tholos/{__version__})"
"""Some hosts answer those only that begin with ``git/``."""
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
_RESULT, _ADVERTISEMENT = (
    "application/x-git-upload-pack-result",
    "application/x-git-upload-pack-advertisement",
)


@dataclass(frozen=True, slots=True)
class Head:
    """Where something stands."""

    ref: str
    """Its full name, such as ``refs/heads/main``; a commit's id names itself."""
    commit: str


class Heads:
    """Asks repositories.

    Args:
        outgoing: reaches hosts, and refuses what leads inwards.
        git: asks over ssh.
        local_folders: those below which repositories of this machine may lie.
    """

    def __init__(self, outgoing: Outgoing, git: Git, local_folders: Sequence[Path] = ()) -> None:
        self._outgoing = outgoing
        self._git = git
        self._folders = tuple(local_folders)
        self._stop = threading.Event()
        self._remembered: dict[str, tuple[str, Refs]] = {}
        """Of hosts that speak no version 2: a list and its entity tag."""

    async def reach(self, remote: Remote) -> list[str]:
        """The addresses at which a repository's host is to be reached; none of a folder, which is only looked at.

        Raises: RepositoryRefused, RepositoryGone, FetchFailed.
        """
        if remote.scheme is Scheme.LOCAL:
            check_folder(remote, self._folders)
            return []
        try:
            return [
                str(one) for one in await self._outgoing.addresses_of(remote.host.strip("[]"), remote.port)
            ]
        except AddressRefused as error:
            raise _refused(remote, error) from error
        except NotDelivered as error:
            raise FetchFailed(f"Cannot fetch the repository: {error.message}") from error

    async def find_branch(self, remote: Remote, secret: Secret, branch: str) -> Head:
        """Where a branch stands; without a name, the one that the repository shows first.

        Raises: FetchFailed, RepositoryRefused, GitMissing.
        """
        wanted = [f"{_BRANCHES}{branch}"] if branch else [HEAD]
        refs = await self.list_refs(remote, secret, wanted)
        name = wanted[0] if branch else refs.head or HEAD
        commit = refs.commits.get(name) or (refs.commits.get(HEAD) if not branch else None)
        if commit is None:
            raise await self._why_gone(remote, secret, branch)
        return Head(name, commit)

    async def find_any(self, remote: Remote, secret: Secret, name: str) -> Head:
        """Where a branch or else a tag of that name stands; a commit's id is believed, and looked for by fetching it.

        Raises: FetchFailed, RepositoryRefused, GitMissing.
        """
        if is_commit(name):
            return Head(name, name)
        plain = name.removeprefix(_BRANCHES).removeprefix(_TAGS)
        wanted = [f"{_BRANCHES}{plain}", f"{_TAGS}{plain}"]
        refs = await self.list_refs(remote, secret, wanted)
        for one in wanted:
            if one in refs.commits and one.endswith(name):
                return Head(one, refs.commits[one])
        raise await self._why_gone(remote, secret, name)

    async def list_refs(self, remote: Remote, secret: Secret, prefixes: Sequence[str]) -> Refs:
        """Branches and tags that begin so, and others maybe.

        Raises: FetchFailed, RepositoryRefused, GitMissing.
        """
        if remote.is_http:
            return await self._ask_by_http(remote, secret, prefixes)
        addresses = await self.reach(remote)
        return await in_asking_thread(self._ask_by_git, remote, secret, addresses, prefixes)

    async def close(self) -> None:
        """Close the connections that were kept, and end what is being asked."""
        self._stop.set()
        await self._outgoing.close()

    async def _why_gone(self, remote: Remote, secret: Secret, name: str) -> FetchFailed:
        refs = await self.list_refs(remote, secret, [_BRANCHES])
        if not refs.commits:
            return RepositoryEmpty()
        shown = ", ".join(refs.branches[:10]) or "none"
        return BranchGone(
            f"Cannot fetch {name[:100] or 'the first branch'}: the repository has none of that name. "
            f"Its branches: {shown}."
        )

    async def _ask_by_http(self, remote: Remote, secret: Secret, prefixes: Sequence[str]) -> Refs:
        if remote.url not in self._remembered:
            content = advertised.ask(prefixes)
            headers = {"git-protocol": "version=2", "content-type": "application/x-git-upload-pack-request"}
            answer = await self._send("POST", remote, secret, "/git-upload-pack", headers, content)
            if answer.headers.get("content-type", "") == _RESULT:
                with suppress(
                    FetchFailed
                ):  # an older server mistakes the question, and is asked as it knows it
                    return advertised.read_answer(answer.content)
        return await self._ask_for_all(remote, secret)

    async def _ask_for_all(self, remote: Remote, secret: Secret) -> Refs:
        """Of a host that speaks version 0 only; asked again, it may answer that nothing is new."""
        tag, known = self._remembered.get(remote.url, ("", Refs()))
        headers = {"if-none-match": tag} if tag else {}
        answer = await self._send("GET", remote, secret, "/info/refs?service=git-upload-pack", headers)
        if answer.status == 304:
            return known
        if answer.headers.get("content-type", "") != _ADVERTISEMENT:
            raise NotSpoken
        found = advertised.read_advertisement(answer.content)
        if answer.headers.get("etag"):
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[remote.url] = (answer.headers["etag"], found)
        return found

    async def _send(
        self,
        method: str,
        remote: Remote,
        secret: Secret,
        path: str,
        headers: Mapping[str, str],
        content: bytes = b"",
    ) -> Fetched:
        sent = {"user-agent": _AGENT, "accept": "*/*", **headers}
        if secret.value:
            sent["authorization"] = basic(secret)
        try:
            answer = await self._outgoing.fetch(
                method, f"{remote.url}{path}", sent, content=content, most=MOST_REFS
            )
        except AddressRefused as error:
            raise _refused(remote, error) from error
        except NotDelivered as error:
            raise _untrusted(remote, error) or FetchFailed(
                f"Cannot fetch the repository: {error.message}"
            ) from error
        _check_status(remote, answer, is_asking=method == "POST")
        return answer

    def _ask_by_git(
        self, remote: Remote, secret: Secret, addresses: Sequence[str], prefixes: Sequence[str]
    ) -> Refs:
        patterns = [f"{one}*" if one.endswith("/") else one for one in prefixes]
        patterns += [f"{one}^{{}}" for one in prefixes if one.startswith(_TAGS)]
        ran = self._git.run_remote(
            remote,
            secret,
            addresses,
            ["ls-remote", "--symref", "--", remote.url, *patterns],
            Bounds(ASK_S, self._stop),
            cwd=self._git.folder,
        )
        if ran.code != 0:
            raise why_failed(ran)
        return advertised.read_listing(ran.out[:MOST_REFS].decode("utf-8", "replace"))


def check_folder(remote: Remote, folders: Sequence[Path]) -> None:
    """Raises: RepositoryRefused, RepositoryGone: a link leads out of the folders, or there is no bare repository."""
    path = Path(remote.path).resolve()
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        raise RepositoryRefused(
            "Cannot follow a folder of the server: it lies in none that its operator listed.",
            fix="An operator can list folders by the setting sources.local_folders.",
            where="repository",
        )
    if not (path / "HEAD").is_file() or not (path / "objects").is_dir():
        raise RepositoryGone(
            f"Cannot fetch {remote.path}: it is no bare repository.", fix="Make it by `git init --bare`."
        )


def why_failed(ran: Ran) -> FetchFailed:
    """Git's own words in ours, where they are known."""
    told = ran.told.lower()
    last = next(
        (line for line in reversed(ran.told.splitlines()) if line.startswith(("fatal:", "error:"))), ""
    )
    shown = (last or ran.told.rpartition("\n")[2]).partition(": ")[2][:300] or f"git ended with {ran.code}"
    if "host key verification failed" in told or "remote host identification has changed" in told:
        return RepositoryClosed(
            "Cannot fetch the repository: its host shows another key than before.",
            fix="If that is right, an operator removes its line in known_hosts, in the data folder's sources/git.",
        )
    if "permission denied" in told or "authentication failed" in told or "could not read username" in told:
        return RepositoryClosed()
    if "certificate" in told:
        return RepositoryUntrusted()
    if "does not appear to be a git repository" in told or "not found" in told or "does not exist" in told:
        return RepositoryGone()
    if "not our ref" in told or "couldn't find remote ref" in told:
        return BranchGone(
            "Cannot fetch this commit: the repository does not have it, or does not give it out."
        )
    return FetchFailed(f"Cannot fetch the repository: {shown}.")


def _check_status(remote: Remote, answer: Fetched, *, is_asking: bool) -> None:
    status = answer.status
    if status in {200, 304}:
        return
    if status in {401, 403}:
        raise RepositoryClosed
    if status in {404, 410}:
        raise RepositoryGone
    if 300 <= status < 400:
        shown = "".join(one for one in answer.headers.get("location", "")[:300] if one.isprintable())
        raise RepositoryMoved(
            f"Cannot fetch the repository: its address points to {shown or 'nowhere'}, and that is not followed."
        )
    if is_asking and status in {400, 405, 415, 500, 501}:
        return  # it speaks no version 2: it is asked the older way
    raise FetchFailed(f"Cannot fetch the repository: {remote.host} answered {status}.")


def _untrusted(remote: Remote, error: NotDelivered) -> RepositoryUntrusted | None:
    """Where it was the certificate that was not taken, and why."""
    found = re.search(r"certificate verify failed: ([^(]*)", error.message)
    if found is None:
        return None
    why = found[1].strip(" .")
    return RepositoryUntrusted(
        f"Cannot fetch the repository: {remote.host} shows a certificate that is not believed here ({why})."
    )


def _refused(remote: Remote, error: AddressRefused) -> RepositoryRefused:
    return RepositoryRefused(
        f"Cannot fetch from {remote.host}: it leads into this installation's own network.",
        fix=error.fix,
        where="repository",
    )
