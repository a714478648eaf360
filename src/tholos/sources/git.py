"""Running git on what strangers wrote: nothing of this machine's configuration, no prompt, no hook, one transport, and bounds
on time, memory and disk. What it began ends with it.

Secrets reach it by the environment of that one process or by a file that only it can find, never by its arguments.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import secrets
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tholos.sources.errors import FetchFailed, GitMissing, RepositoryClosed, RepositoryTooLarge
from tholos.sources.remotes import Remote, Scheme

OLDEST = (2, 37)
"""The first that connects to the addresses that it is told (``http.curloptResolve``)."""
LOOK_S = 0.1
_MEMORY_KB = 4 << 20
_TEXT = 1 << 20
"""Bytes that are read of what it prints."""
_SHELL = 'ulimit -c 0; ulimit -t "$1"; ulimit -f "$2"; ulimit -v "$3"; shift 3; exec "$@"'
_CONFIG = """\
[core]
	hooksPath = /dev/null
	fsmonitor = false
	bigFileThreshold = 16m
	packedGitLimit = 256m
	askPass = /bin/false
[protocol]
	allow = never
	version = 2
[transfer]
	fsckObjects = true
[fetch]
	fsckObjects = true
	recurseSubmodules = false
	writeCommitGraph = false
[submodule]
	recurse = false
[http]
	followRedirects = false
	lowSpeedLimit = 1000
	lowSpeedTime = 60
[credential]
	helper =
	interactive = false
[gc]
	auto = 0
[maintenance]
	auto = false
[pack]
	threads = 1
[safe]
	directory = *
[advice]
	detachedHead = false
"""
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",
)
_TRANSPORTS = {Scheme.HTTPS: "https", Scheme.HTTP: "http", Scheme.SSH: "ssh", Scheme.LOCAL: "file"}


@dataclass(frozen=True, slots=True)
class Secret:
    """What a repository's host is shown. ``repr`` tells nothing of it."""

    id: str = ""
    """Of the credential; empty for none."""
    username: str = ""
    value: str = field(default="", repr=False)
    """A password, a token or, for ssh, a private key."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended."""

    code: int
    out: bytes
    told: str
    """What it printed as errors; nothing secret is in it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may take.

    Args:
        stop: set when it is to end at once.
        watched: the folder whose files are counted while it runs.
        size: bytes that may lie there.
    """

    seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    watched: Path | None = None
    size: int = 1 << 30


class Git:
    """Runs git.

    Args:
        folder: of its own; configuration, known hosts and keys lie there.
        program: which git.
        ssh: which ssh.
        authorities: further certificates that hosts are believed by (PEM).
    """

    def __init__(
        self, folder: Path, *, program: str = "git", ssh: str = "ssh", authorities: str = ""
    ) -> None:
        self.folder = folder
        self._further = authorities
        self._program = program
        self._ssh = ssh
        self._is_known_good = False

    def prepare(self) -> None:
        """Make the folder, and remove the keys that a server that was killed left behind."""
        for path in (self.folder, self._home, self._keys):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for key in self._keys.iterdir():
            key.unlink()
        self._config.write_text(_CONFIG)
        if self._further:
            self._authorities.write_text(_authorities_of_machine() + self._further)

    def check(self) -> None:
        """Raises: GitMissing."""
        if self._is_known_good:
            return
        try:
            told = subprocess.run([self._program, "version"], capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitMissing("Cannot fetch any repository: git is not installed on this server.") from error
        found = re.search(rb"(\d+)\.(\d+)", told.stdout)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            version = told.stdout.decode(errors="replace").strip()[:60]
            raise GitMissing(f"Cannot fetch any repository: {version} on this server is too old.")
        self._is_known_good = True

    def run(
        self, arguments: Sequence[str], bounds: Bounds, *, cwd: Path, pid_file: Path | None = None
    ) -> Ran:
        """Run it on what lies here; nothing is fetched.

        Raises: FetchFailed, GitMissing.
        """
        return self._run(arguments, bounds, cwd, self.environment(), pid_file)

    def run_remote(
        self,
        remote: Remote,
        secret: Secret,
        addresses: Sequence[str],
        arguments: Sequence[str],
        bounds: Bounds,
        *,
        cwd: Path,
        pid_file: Path | None = None,
    ) -> Ran:
        """Run what speaks to a repository, at exactly those addresses of its host.

        Raises: FetchFailed, GitMissing.
        """
        if remote.scheme is Scheme.SSH and not secret.value:
            raise RepositoryClosed("Cannot fetch the repository: by ssh it needs a private key.")
        with self._environment_for(remote, secret, addresses) as env:
            ran = self._run(arguments, bounds, cwd, env, pid_file)
        told = ran.told.replace(secret.value, "***") if secret.value else ran.told
        return Ran(ran.code, ran.out, told)

    def environment(self) -> dict[str, str]:
        """Of a run that fetches nothing: all that this machine or its user configured is left out."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._config),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }

    def command(self, arguments: Sequence[str], seconds: float, size: int) -> list[str]:
        """The arguments of a run: a shell sets bounds that its children inherit, and becomes git."""
        bounds = [str(int(seconds) + 1), str(size // 512 + 1), str(_MEMORY_KB)]
        return ["/bin/sh", "-c", _SHELL, "sh", *bounds, self._program, *arguments]

    @contextlib.contextmanager
    def _environment_for(
        self, remote: Remote, secret: Secret, addresses: Sequence[str]
    ) -> Iterator[Mapping[str, str]]:
        env = {**self.environment(), "GIT_ALLOW_PROTOCOL": _TRANSPORTS[remote.scheme]}
        if remote.is_http:
            believed = {"GIT_SSL_CAINFO": str(self._authorities)} if self._further else {}
            yield {**env, **believed, **_http_config(remote, secret, addresses)}
        elif remote.scheme is Scheme.SSH:
            with self._key(secret) as key:
                yield {
                    **env,
                    "GIT_SSH_COMMAND": self._ssh_command(remote, addresses, key),
                    "GIT_SSH_VARIANT": "ssh",
                }
        else:
            yield env

    @contextlib.contextmanager
    def _key(self, secret: Secret) -> Iterator[Path]:
        """The private key in a file, for as long as ssh needs it: it reads keys from nowhere else."""
        path = self._keys / secrets.token_hex(8)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secret.value)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _ssh_command(self, remote: Remote, addresses: Sequence[str], key: Path) -> str:
        alias = remote.host if remote.port == 22 else f"[{remote.host.strip('[]')}]:{remote.port}"
        options = (
            "BatchMode=yes", "IdentitiesOnly=yes", f'IdentityFile="{key}"', "StrictHostKeyChecking=accept-new",
            f'UserKnownHostsFile="{self.folder / "known_hosts"}"', "GlobalKnownHostsFile=/dev/null",
            f"HostName={addresses[0] if addresses else remote.host}", f"HostKeyAlias={alias}", "ConnectTimeout=10",
            "ServerAliveInterval=15", "ServerAliveCountMax=4", "ForwardAgent=no", "ClearAllForwardings=yes",
            "PermitLocalCommand=no", "ControlPath=none", "LogLevel=ERROR",
        )  # fmt: skip
        words = [self._ssh, "-F", "/dev/null", *(word for option in options for word in ("-o", option))]
        return shlex.join(words)

    def _run(
        self,
        arguments: Sequence[str],
        bounds: Bounds,
        cwd: Path,
        env: Mapping[str, str],
        pid_file: Path | None,
    ) -> Ran:
        self.check()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
            process = subprocess.Popen(
                self.command(arguments, bounds.seconds, bounds.size),
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=told,
                start_new_session=True,
            )
            try:
                if pid_file is not None:
                    pid_file.write_text(mark_of(process.pid))
                _wait(process, bounds)
            finally:
                end_group(process.pid)
                process.wait()
                if pid_file is not None:
                    pid_file.unlink(missing_ok=True)
            return Ran(process.returncode, _read(out), _words(_read(told)))

    @property
    def _home(self) -> Path:
        return self.folder / "home"

    @property
    def _keys(self) -> Path:
        return self.folder / "ssh"

    @property
    def _config(self) -> Path:
        return self._home / "gitconfig"

    @property
    def _authorities(self) -> Path:
        return self.folder / "authorities.pem"


def mark_of(pid: int) -> str:
    """A process as nobody else is: its number and when it began; empty where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{pid} {fields[19]}"


def end_left_over(pid_file: Path) -> None:
    """End the run that a server left behind that was killed."""
    try:
        mark = pid_file.read_text()
    except OSError:
        return
    pid = mark.partition(" ")[0]
    if pid.isdecimal() and mark == mark_of(int(pid)):
        end_group(int(pid))
    pid_file.unlink(missing_ok=True)


def end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, as far as they can be seen while others write there."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{at}/{name}").st_size
    return total


def _wait(process: subprocess.Popen[bytes], bounds: Bounds) -> None:
    """Raises: FetchFailed, RepositoryTooLarge: it went beyond its bounds, and is to be ended."""
    deadline = time.monotonic() + bounds.seconds
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_S)
        if bounds.watched is not None and size_of(bounds.watched) > bounds.size:
            raise RepositoryTooLarge(
                f"Cannot fetch the repository: it has more than {bounds.size // 1_000_000} MB."
            )
        if process.returncode is not None:
            return
        if bounds.stop.is_set():
            raise FetchFailed("Cannot fetch the repository: it was stopped.")
        if time.monotonic() > deadline:
            raise FetchFailed(f"Cannot fetch the repository: it did not end within {bounds.seconds:g} s.")


def _http_config(remote: Remote, secret: Secret, addresses: Sequence[str]) -> dict[str, str]:
    pairs: list[tuple[str, str]] = []
    if addresses and not is_literal(remote.host):
        shown = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
        pairs.append(("http.curloptResolve", f"{remote.host.strip('[]')}:{remote.port}:{shown}"))
    if secret.value:
        pairs.append((f"http.{remote.origin}/.extraHeader", f"Authorization: {basic(secret)}"))
    env = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _authorities_of_machine() -> str:
    """What git would believe by itself, since it takes one file only."""
    found = next((path for path in map(Path, _BUNDLES) if path.is_file()), None)
    return f"{found.read_text('utf-8', 'replace').rstrip()}\n" if found else ""


def is_literal(host: str) -> bool:
    """Whether a host is an address already."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def basic(secret: Secret) -> str:
    """The Authorization header's value (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{secret.username}:{secret.value}".encode()).decode()


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(_TEXT * 64)


def _words(data: bytes) -> str:
    """Errors as text that can be shown: the last of them, without control characters."""
    text = data[-_TEXT:].decode("utf-8", "replace")
    lines = [
        " ".join("".join(one if one.isprintable() else " " for one in line).split())
        for line in text.split("\n")
    ]
    return "\n".join(line for line in lines if line)[-4000:]
