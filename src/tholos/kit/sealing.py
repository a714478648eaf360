"""Sealing: small secrets encrypted at rest with keys that lie in a folder of their own, never in the database.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; what a text is about is authenticated with it, so that a
sealed text moved to another row does not open there.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tholos.kit.errors import TholosError

_NONCE = 12
_KEY = 32
_KEY_FILE = re.compile(r"seal-([0-9]{4,9})\.key")


class CannotOpen(TholosError):
    """Cannot read a sealed value: its key is missing, or it was changed."""

    code = "cannot_open"


class KeyUnreadable(TholosError):
    """Cannot read a key: its file was changed."""

    code = "key_unreadable"


class Sealer:
    """Seals with the newest key and opens with any that is there. May be used from several threads.

    Args:
        folder: where the keys lie, one file each; the first is made on first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys = _read(folder)  # replaced, never changed: other threads read it meanwhile
        if not self._keys:
            self.add_key()

    @property
    def current(self) -> int:
        """Number of the key that is sealed with."""
        return max(self._keys)

    def seal(self, text: str, about: str) -> str:
        """``NUMBER.BASE64`` of a text; ``about`` names what it belongs to, and is needed to open it."""
        keys = self._keys
        number, nonce = max(keys), os.urandom(_NONCE)
        sealed = AESGCM(keys[number]).encrypt(nonce, text.encode(), about.encode())
        return f"{number}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, about: str) -> str:
        """Raises: CannotOpen."""
        number, _, rest = sealed.partition(".")
        try:
            key = self._keys[_number(number)]
            data = _decode(rest)
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
        key = AESGCM.generate_key(bit_length=8 * _KEY)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_durably(self._path(number), key)
        self._keys = {**self._keys, number: key}
        return number

    def drop_older_keys(self) -> None:
        """Remove every key but the newest: only once nothing that they sealed is left."""
        keys = self._keys
        newest = max(keys)
        self._keys = {newest: keys[newest]}
        for number in keys:
            if number != newest:
                self._path(number).unlink(missing_ok=True)
        _sync_folder(self._folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"seal-{number:04d}.key"


def _number(text: str) -> int:
    """Raises: ValueError: it is not written as we write it."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(text)
    if text != str(int(text)):
        raise ValueError(text)
    return int(text)


def _decode(text: str) -> bytes:
    """Only what we wrote: the decoder passes over what is none of its alphabet, and over bits that it does not need.

    Raises: ValueError.
    """
    data = base64.urlsafe_b64decode(text)
    if base64.urlsafe_b64encode(data).decode() != text:
        raise ValueError(text[:9])
    return data


def _read(folder: Path) -> dict[int, bytes]:
    """Raises: KeyUnreadable."""
    found = (_KEY_FILE.fullmatch(path.name) for path in folder.glob("seal-*.key"))
    keys = {int(match[1]): (folder / match[0]).read_bytes() for match in found if match}
    for number, key in keys.items():
        if len(key) != _KEY:
            raise KeyUnreadable(
                f"Cannot read key {number} in {folder}: it has {len(key)} bytes instead of {_KEY}.",
                fix="Restore the folder of keys from the backup that belongs to this database.",
            )
    return keys


def _write_durably(path: Path, content: bytes) -> None:
    """All of a file or none of it, whenever this is cut off.

    Raises: FileExistsError.
    """
    with _draft_of(path) as draft:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    _sync_folder(path.parent)


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
