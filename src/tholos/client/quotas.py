"""What an account's apps may be and take together."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.client.core import Core, account_path
from tholos.client.fields import Fields


@dataclass(frozen=True, slots=True)
class Share:
    """One of them."""

    taken: int
    most: int
    """0 for no limit."""
    is_own: bool
    """Whether it was said of this account, and not of the installation."""

    @classmethod
    def of(cls, read: Fields) -> Share:
        """Raises UnexpectedAnswer."""
        return cls(read.number("taken"), read.number("most"), read.flag("is_own"))


@dataclass(frozen=True, slots=True)
class Quota:
    """What an account's apps may be and take, and what they are and take."""

    apps: Share
    instances: Share
    memory_mb: Share
    storage_mb: Share

    @classmethod
    def from_json(cls, value: object) -> Quota:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a quota")
        names = ("apps", "instances", "memory_mb", "storage_mb")
        return cls(*(Share.of(read.need(name)) for name in names))


@dataclass(frozen=True, slots=True)
class NewQuota:
    """What is to hold; None for as much as the installation says, 0 for no limit."""

    apps: int | None = None
    instances: int | None = None
    memory_mb: int | None = None
    storage_mb: int | None = None


class QuotaCalls(Core):
    """The calls about quotas; :class:`tholos.client.api.Client` has them."""

    def quota(self, name: str) -> Quota:
        """Of one's own account, or of anybody's for administrators."""
        return self._get(f"{account_path(name)}/quota", Quota.from_json)

    def set_quota(self, name: str, quota: NewQuota) -> Quota:
        """Say all of it anew; for administrators."""
        body = {
            "apps": quota.apps,
            "instances": quota.instances,
            "memory_mb": quota.memory_mb,
            "storage_mb": quota.storage_mb,
        }
        return Quota.from_json(self._call("PUT", f"{account_path(name)}/quota", body).json())
