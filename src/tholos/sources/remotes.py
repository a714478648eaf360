"""Addresses of repositories: which are taken, and the one spelling of each. Pure.

Only https, http, ssh and paths below folders that an operator listed; every other transport of git runs programs or reads
files of the server, and is refused by not being one of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from tholos.sources.errors import (
    BranchInvalid,
    RepositoryInvalid,
    RepositoryRefused,
    SubdirectoryInvalid,
)
from tholos.store import paths

MOST_URL = 1000
MOST_REF = 250
_PORTS = {"https": 443, "http": 80, "ssh": 22}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_PATH = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@/-]+")
_SCP = re.compile(r"(?P<user>[^@/:\s]+)@(?P<host>\[[^\]]*\]|[^:/\s]+):(?P<path>.*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|[./]$|^[-./]|^@$")
"""What git-check-ref-format(1) refuses, and a hyphen in front."""


class Scheme(StrEnum):
    HTTPS = "https"
    HTTP = "http"
    SSH = "ssh"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's address."""

    scheme: Scheme
    path: str
    """With the slash in front; without one, of ssh, it begins at its user's home."""
    host: str = ""
    port: int = 0
    user: str = ""
    """Of ssh."""

    @property
    def url(self) -> str:
        """The one spelling, which git takes too."""
        if self.scheme is Scheme.LOCAL:
            return self.path
        if self.scheme is Scheme.SSH and not self.path.startswith("/"):
            return f"{self.user}@{self.host}:{self.path}"
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self._netloc}{self.path}"

    @property
    def origin(self) -> str:
        """Whom a credential is for: scheme, host and port; empty for folders of this machine."""
        return "" if self.scheme is Scheme.LOCAL else f"{self.scheme}://{self._netloc}"

    @property
    def is_http(self) -> bool:
        return self.scheme in {Scheme.HTTP, Scheme.HTTPS}

    @property
    def _netloc(self) -> str:
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def parse(text: str, local_folders: Sequence[str] = ()) -> Remote:
    """The repository that somebody typed.

    Raises: RepositoryInvalid, RepositoryRefused.
    """
    text = text.strip()
    if not text or len(text) > MOST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise _invalid("it is empty, too long, or has other characters than addresses have")
    if text.startswith("/"):
        return _local(text, local_folders)
    if "::" in text.partition("[")[0] or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return _scp_like(text)
    return _with_scheme(text)


def read_kept(url: str) -> Remote:
    """The repository of a spelling that was kept: it was checked when it was."""
    return parse(url, ["/"])


def parse_origin(text: str) -> str:
    """Whom a credential is for, such as ``https://git.example.org``; a host alone is one of https.

    Raises: RepositoryInvalid.
    """
    text = text.strip().rstrip("/")
    remote = parse(f"{text if '://' in text else f'https://{text}'}/x")
    if remote.path != "/x":
        raise RepositoryInvalid(
            "Cannot keep a credential for this: it is more than a host.",
            fix="Give a host such as https://git.example.org or ssh://git.example.org",
            where="host",
        )
    return remote.origin


def check_branch(name: str) -> str:
    """A branch's name; empty is the one that the repository shows first.

    Raises: BranchInvalid.
    """
    name = name.strip().removeprefix("refs/heads/")
    if name and not is_ref(name):
        raise BranchInvalid(
            f"Cannot follow the branch {name[:100]!r}: no branch can be called so.",
            fix="Give a name as `git branch` lists it, such as main.",
            where="branch",
        )
    return name


def check_ref(name: str) -> str:
    """A branch, a tag, or all of a commit's id.

    Raises: BranchInvalid.
    """
    name = name.strip()
    if not is_ref(name):
        raise BranchInvalid(
            f"Cannot fetch {name[:100]!r}: it is no name of a branch or tag, and no commit's id.",
            fix="Give a branch, a tag, or all 40 characters of a commit's id.",
            where="ref",
        )
    return name


def is_ref(name: str) -> bool:
    return 0 < len(name) <= MOST_REF and name.isprintable() and not _BAD_REF.search(name)


def is_commit(name: str) -> bool:
    return _COMMIT.fullmatch(name) is not None


def check_subdirectory(text: str) -> str:
    """A folder in a repository, in its one spelling; empty is all of it.

    Raises: SubdirectoryInvalid.
    """
    path = text.strip().strip("/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    if path in {"", "."}:
        return ""
    fault = paths.find_fault(path)
    if fault or ".git" in path.lower().split("/"):
        raise SubdirectoryInvalid(
            f"Cannot publish the folder {path[:100]!r}: {fault or 'it is of git itself'}.",
            fix="Give a path from the top of the repository, such as apps/sales.",
            where="subdirectory",
        )
    return path


def _with_scheme(text: str) -> Remote:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid("it is no URL") from error
    if parts.scheme not in _PORTS:
        raise _invalid(f"{parts.scheme}: is not one of https, http and ssh")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _invalid("it has a part behind ? or #")
    is_ssh = parts.scheme == "ssh"
    userinfo, at, _ = parts.netloc.rpartition("@")
    if at and (not is_ssh or ":" in userinfo):
        raise RepositoryInvalid(
            "Cannot follow this repository: names and passwords have no place in its address.",
            fix="Leave it out, and give it as a credential: tholos source NAME --username USER --secret-file FILE",
            where="repository",
        )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if port == 0:
        raise _invalid("it has no such port")
    remote = Remote(
        Scheme(parts.scheme),
        parts.path.rstrip("/"),
        _check_host(host),
        port or _PORTS[parts.scheme],
        _check_user(userinfo or "git") if is_ssh else "",
    )
    _check_path(remote.path, "/")
    return remote


def _scp_like(text: str) -> Remote:
    match = _SCP.fullmatch(text)
    if match is None or match["path"].startswith(":"):
        raise _invalid("it is neither https, http nor ssh, nor git@host:path")
    path = match["path"].rstrip("/")
    _check_path(path, "")
    return Remote(
        Scheme.SSH, path, _check_host(match["host"].lower()), _PORTS["ssh"], _check_user(match["user"])
    )


def _local(text: str, folders: Sequence[str]) -> Remote:
    path = PurePosixPath(text)
    if ".." in path.parts or not _PATH.fullmatch(text):
        raise _invalid("its path has parts that none has")
    if not any(path.is_relative_to(PurePosixPath(folder)) for folder in folders):
        raise RepositoryRefused(
            "Cannot follow a folder of the server: it lies in none that its operator listed.",
            fix="An operator can list folders by the setting sources.local_folders.",
            where="repository",
        )
    return Remote(Scheme.LOCAL, "/" + str(path).lstrip("/"))


def _check_host(host: str) -> str:
    if not _HOST.fullmatch(host) or ".." in host:
        raise _invalid("its host is no name of one")
    return host


def _check_user(user: str) -> str:
    if not _USER.fullmatch(user):
        raise _invalid("its user is no name of one")
    return user


def _check_path(path: str, start: str) -> None:
    parts = path.removeprefix("/").split("/")
    if not path.startswith(start) or not _PATH.fullmatch(path) or path[0] == "-":
        raise _invalid("there is no path in it")
    if any(part in {"", ".", ".."} for part in parts):
        raise _invalid("its path has parts that none has")


def _invalid(reason: str) -> RepositoryInvalid:
    return RepositoryInvalid(f"Cannot follow this repository: {reason}.", where="repository")
