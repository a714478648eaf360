"""Reading JSON values with their types checked.

A server may add fields at any time: what is not asked for is ignored, what has the wrong type is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from tholos.client.errors import UnexpectedAnswer


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


class Fields:
    """The fields of one JSON object.

    Args:
        value: what was decoded.
        what: what it should be, for the message.

    Raises:
        UnexpectedAnswer: it is no object, or a field that is read has another type than asked for.
    """

    __slots__ = ("value", "what")

    def __init__(self, value: object, what: str) -> None:
        if not is_object(value):
            raise UnexpectedAnswer(f"Cannot read {what}: the server sent something else.")
        self.value = value
        self.what = what

    def text(self, key: str, default: str | None = None) -> str:
        """A string; null and absent count as the default, and are an error without one."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._unexpected(key)
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """An integer; null and absent count as the default, and are an error without one."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._unexpected(key)
        return value

    def seconds(self, key: str) -> float | None:
        """A number, or None for null and absent."""
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._unexpected(key)
        return float(value)

    def flag(self, key: str) -> bool:
        """A boolean; null and absent are false."""
        return self.value.get(key) is True

    def child(self, key: str) -> Fields | None:
        """An object, or None for null and absent."""
        value = self.value.get(key)
        return None if value is None else Fields(value, f"{self.what} ({key})")

    def need(self, key: str) -> Fields:
        """An object that must be there."""
        return Fields(self.value.get(key), f"{self.what} ({key})")

    def items(self, key: str) -> Iterator[Fields]:
        """The objects of an array; null and absent are empty."""
        return (Fields(item, f"{self.what} ({key})") for item in self._array(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """The strings of an array; null and absent are empty."""
        return tuple(str(item) for item in self._array(key))

    def _array(self, key: str) -> list[object]:
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._unexpected(key)
        return value

    def _get(self, key: str, default: object) -> object:
        value = self.value.get(key)
        return default if value is None else value

    def _unexpected(self, key: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"Cannot read {self.what}: {key} is missing or of another type.", where=key)
