"""Sealing: small secrets encrypted at rest with keys that lie in a folder of their own, never in the database.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; what a text is about is authenticated with it, so that a
sealed text moved to another row does not open there.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tholos.kit.errors import TholosError

_NONCE = 12
_KEY_FILE = re.compile(r"seal-([0-9]{4,9})\.key")


class CannotOpen(TholosError):
    """Cannot read a sealed value: its key is missing, or it was changed."""

    code = "cannot_open"


class Sealer:
    """Seals with the newest key and opens with any that is there.

    Args:
        folder: where the keys lie, one file each; the first is made on first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys = _read(folder)
        if not self._keys:
            self.add_key()

    @property
    def current(self) -> int:
        """Number of the key that is sealed with."""
        return max(self._keys)

    def seal(self, text: str, about: str) -> str:
        """``NUMBER.BASE64`` of a text; ``about`` names what it belongs to, and is needed to open it."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._keys[self.current]).encrypt(nonce, text.encode(), about.encode())
        return f"{self.current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, about: str) -> str:
        """Raises: CannotOpen."""
        number, _, rest = sealed.partition(".")
        try:
            data = base64.urlsafe_b64decode(rest)
            key = self._keys[int(number)]
            return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], about.encode()).decode()
        except (KeyError, ValueError, InvalidTag) as error:
            raise CannotOpen(
                f"Cannot read the sealed value of {about}: key {number[:9]} is missing, or it was changed.",
                fix="Restore the folder of keys from the backup that belongs to this database.",
            ) from error

    def is_current(self, sealed: str) -> bool:
        return sealed.partition(".")[0] == str(self.current)

    def add_key(self) -> int:
        """Make a new key, to be sealed with from now on; returns its number. What older ones sealed still opens."""
        number = max(self._keys, default=0) + 1
        key = AESGCM.generate_key(bit_length=256)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_durably(self._folder / f"seal-{number:04d}.key", key)
        self._keys[number] = key
        return number

    def drop_older_keys(self) -> None:
        """Remove every key but the newest: only once nothing that they sealed is left."""
        for number in [one for one in self._keys if one != self.current]:
            (self._folder / f"seal-{number:04d}.key").unlink(missing_ok=True)
            del self._keys[number]


def _read(folder: Path) -> dict[int, bytes]:
    found = (_KEY_FILE.fullmatch(path.name) for path in folder.glob("seal-*.key"))
    return {int(match[1]): (folder / match[0]).read_bytes() for match in found if match}


def _write_durably(path: Path, content: bytes) -> None:
    """Raises: FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
