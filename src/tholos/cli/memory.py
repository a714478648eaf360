"""What the command line remembers in ``~/.config/tholos``: servers with their tokens, and what each folder is published as.

Files are readable by their owner only and replaced as a whole; a file of tokens that others can read is not used.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tholos.client.fields import Fields, is_object
from tholos.kit.errors import Forbidden, Invalid

SERVERS, FOLDERS = "servers.json", "folders.json"
VERSION = 1


class CredentialsExposed(Forbidden):
    """Cannot use the stored tokens: others can read them."""

    code = "credentials_exposed"


class MemoryUnreadable(Invalid):
    """Cannot read what the command line remembers."""

    code = "memory_unreadable"


@dataclass(frozen=True, slots=True)
class Login:
    """One server that someone signed in to."""

    token: str = field(repr=False)
    account: str = ""
    role: str = ""
    expires_at: str = ""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers, by URL."""

    default: str = ""
    logins: dict[str, Login] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder was published as."""

    server: str
    app: str
    overrides: dict[str, object] = field(default_factory=dict)
    """What the publisher said on the command line, for the checks before an upload; the server keeps its own."""
    snapshot: str = ""
    """The last one that was published."""


def config_folder() -> Path:
    """``$XDG_CONFIG_HOME/tholos`` (XDG Base Directory Specification)."""
    return xdg_folder("XDG_CONFIG_HOME", ".config")


def scan_cache(folder: Path) -> Path:
    """Where a folder's hashes are kept from one scan to the next; the folder of it is made."""
    import hashlib  # only a publish needs it

    caches = xdg_folder("XDG_CACHE_HOME", ".cache") / "scans"
    caches.mkdir(mode=0o700, parents=True, exist_ok=True)
    return caches / hashlib.sha256(os.path.realpath(folder).encode(errors="surrogateescape")).hexdigest()[:32]


def xdg_folder(variable: str, usual: str) -> Path:
    """Our folder below one of the base directories; the standard has relative ones ignored."""
    base = os.environ.get(variable, "")
    return (Path(base) if base.startswith("/") else Path.home() / usual) / "tholos"


def read_servers() -> Servers:
    """The remembered servers.

    Raises:
        CredentialsExposed: another user of this machine could read or replace the tokens.
        MemoryUnreadable: the file is damaged.
    """
    path = config_folder() / SERVERS
    check_private(path)
    value = read(path)
    logins: dict[str, Login] = {}
    for url, login in objects(value.get("servers")):
        one = Fields(login, str(path))
        logins[url] = Login(
            one.text("token"), one.text("account", ""), one.text("role", ""), one.text("expires_at", "")
        )
    return Servers(str(value.get("default") or ""), logins)


def add_login(server: str, login: Login) -> None:
    """Remember a token and make its server the default."""
    with updating(SERVERS):
        known = read_servers()
        write_servers(Servers(server, {**known.logins, server: login}))


def remove_login(server: str) -> None:
    """Forget a server's token."""
    with updating(SERVERS):
        known = read_servers()
        rest = {url: login for url, login in known.logins.items() if url != server}
        write_servers(Servers(next(iter(rest), "") if known.default == server else known.default, rest))


def write_servers(servers: Servers) -> None:
    logins = {url: asdict(login) for url, login in servers.logins.items()}
    write(config_folder() / SERVERS, {"default": servers.default, "servers": logins})


def read_folders() -> dict[str, Folder]:
    """What is remembered of each folder, by its real path.

    Raises:
        MemoryUnreadable: the file is damaged.
    """
    path = config_folder() / FOLDERS
    found: dict[str, Folder] = {}
    for folder, value in objects(read(path).get("folders")):
        one = Fields(value, str(path))
        overrides = one.child("overrides")
        found[folder] = Folder(
            one.text("server"),
            one.text("app"),
            overrides.value if overrides else {},
            one.text("snapshot", ""),
        )
    return found


def find_folder(folder: Path) -> Folder | None:
    """What is remembered of one folder."""
    return read_folders().get(os.path.realpath(folder))


def remember_folder(folder: Path, memory: Folder) -> None:
    """Remember what a folder was published as."""
    change_folders({os.path.realpath(folder): memory})


def forget_app(server: str, app: str) -> None:
    """Forget the folders of an app that was deleted."""
    known = read_folders()
    change_folders({path: None for path, one in known.items() if (one.server, one.app) == (server, app)})


def change_folders(changes: dict[str, Folder | None]) -> None:
    with updating(FOLDERS):
        after = {**read_folders(), **changes}
        folders = {path: asdict(one) for path, one in after.items() if one is not None}
        write(config_folder() / FOLDERS, {"folders": folders})


@contextmanager
def updating(name: str) -> Iterator[None]:
    """Keep other commands from changing a file between our reading and our writing it."""
    folder = config_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_private(path: Path) -> None:
    """Raises CredentialsExposed."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if status.st_uid not in {os.geteuid(), 0} or stat.S_IMODE(status.st_mode) & 0o077:
        raise CredentialsExposed(
            f"Cannot use {path}: it holds tokens and others on this machine can read it.",
            fix=f"chmod 600 {path}, and log in anew if someone may have read it",
            where=str(path),
        )


def read(path: Path) -> dict[str, object]:
    """A file's JSON object; empty if there is no file.

    Raises:
        MemoryUnreadable: it is damaged or of a newer version.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MemoryUnreadable(f"Cannot read {path}: {error}.", fix=f"remove it: rm {path}") from error
    if not is_object(value) or value.get("version") != VERSION:
        raise MemoryUnreadable(f"Cannot read {path}: another version of tholos wrote it.", fix=f"rm {path}")
    return value


def write(path: Path, value: dict[str, object]) -> None:
    """Replace a file as a whole; a crash leaves the old one."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"version": VERSION, **value}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def objects(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    """The objects of an object."""
    if is_object(value):
        yield from ((key, one) for key, one in value.items() if is_object(one))
