"""Which walls this machine gives to apps, found once by trying each; and what an app gets of them. See the supervisor's trial."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tholos.runtime import supervisor_code

TRIAL_TIMEOUT_S = 30.0


class Mode(StrEnum):
    AUTO = "auto"
    """As many walls as this machine gives."""
    OFF = "off"
    REQUIRED = "required"
    """Apps do not start where one of those that matter is missing."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One wall."""

    name: str
    does: str
    """What it keeps from happening."""
    fix: str
    """What to do where it is missing."""


LAYERS = (
    Layer(
        "uid", "a user of its own for each app", "Run the server as root: it gives up those rights for apps."
    ),
    Layer(
        "cgroups",
        "limits of memory, processes and CPU",
        "Run the server as root, or as a systemd service with Delegate=yes.",
    ),
    Layer(
        "bubblewrap",
        "only its own files, processes, /tmp and sockets",
        "apt-get install bubblewrap; where it is installed, the system must allow user namespaces.",
    ),
    Layer("network", "apps without a network, where that is wanted", "As for bubblewrap."),
    Layer(
        "guard",
        "a 127.0.0.1 of its own, no ports of this machine but its own, no addresses at which a cloud tells secrets",
        "Run the server as root on Linux 5.10 or newer, with control groups of the second version mounted.",
    ),
    Layer(
        "landlock",
        "only its own files, where there is no bubblewrap",
        "Use Linux 5.13 or newer with Landlock.",
    ),
    Layer("scopes", "no abstract sockets of other apps", "Use Linux 6.12 or newer with Landlock."),
    Layer("seccomp", "no system calls that only attacks need", "Use Linux on x86-64 or ARM64 with seccomp."),
)


_NAMES = tuple(layer.name for layer in LAYERS)
_UNTRIED = dict.fromkeys(_NAMES, "it was not tried")


@dataclass(frozen=True, slots=True)
class Walls:
    """What was found."""

    program: str = ""
    """Path of bubblewrap."""
    missing: Mapping[str, str] = field(default_factory=lambda: _UNTRIED)
    """Why each layer cannot be had; empty for those that can."""

    def has(self, name: str) -> bool:
        return not self.missing[name]

    @property
    def there(self) -> Sequence[Layer]:
        return [layer for layer in LAYERS if self.has(layer.name)]

    @property
    def needed(self) -> Sequence[Layer]:
        """Those that are missing and that apps should not be without."""
        by_name = {layer.name: layer for layer in LAYERS}
        missing = [by_name[name] for name in ("cgroups", "seccomp") if not self.has(name)]
        if not self.has("bubblewrap") and not self.has("landlock"):
            missing.append(by_name["bubblewrap"])
        return missing


NO_WALLS = Walls()


def find() -> Walls:
    """Try every layer; a tenth of a second. A machine on which even that cannot be done has none."""
    try:
        trial = supervisor_code.program("trial.py")
    except FileNotFoundError as error:
        return Walls(missing=dict.fromkeys(_NAMES, str(error)))
    try:
        done = subprocess.run(
            trial,
            capture_output=True,
            check=True,
            timeout=TRIAL_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        said = json.loads(done.stdout)
        missing = {name: str(said["missing"][name]) for name in _NAMES}
        return Walls(str(said["program"]), missing)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return Walls(missing=dict.fromkeys(_NAMES, f"trying it failed: {error}"))
