"""Tags as values, and the calls about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tholos.client.core import Core, app_path, once
from tholos.client.fields import Fields
from tholos.client.model import App


@dataclass(frozen=True, slots=True)
class Tag:
    """A word that apps are found by."""

    id: str
    serial: int
    name: str
    path: tuple[str, ...]
    """The names that lead to it, its category's first and its own last."""
    parent: str = ""
    """Id of the tag that it is below; empty for a category."""
    is_category: bool = False
    """Whether it only holds tags: no app has a category."""
    apps: int = 0
    """How many of the apps that this account may see are found by it."""

    @classmethod
    def from_json(cls, value: object) -> Tag:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a tag")
        return cls(
            id=read.text("id"),
            serial=read.number("serial"),
            name=read.text("name"),
            path=read.texts("path"),
            parent=read.text("parent", ""),
            is_category=read.flag("category"),
            apps=read.number("apps", 0),
        )


@dataclass(frozen=True, slots=True)
class TagRemoved:
    """What a removal took along."""

    tags: tuple[tuple[str, ...], ...]
    """Paths of the tag and of those that were below it."""
    apps: tuple[str, ...]
    """Names of the apps that had one of them."""

    @classmethod
    def from_json(cls, value: object) -> TagRemoved:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "what was removed")
        paths = read.value.get("tags")
        found = [one for one in paths if isinstance(one, list)] if isinstance(paths, list) else []
        return cls(tuple(tuple(str(name) for name in path) for path in found), read.texts("apps"))


class TagCalls(Core):
    """The calls about tags; :class:`tholos.client.api.Client` has them."""

    def tags(self) -> list[Tag]:
        """All tags, each followed by those below it."""
        return self._list("/tags", Tag.from_json)

    def tag(self, tag: str) -> Tag:
        """One tag by its id."""
        return self._get(tag_path(tag), Tag.from_json)

    def create_tag(self, name: str, parent: str = "") -> Tag:
        """A new tag below the one with an id; a category without one."""
        body = {"name": name, "parent": parent}
        return Tag.from_json(self._call("POST", "/tags", body, once()).json())

    def change_tag(self, tag: str, *, name: str | None = None, parent: str | None = None) -> Tag:
        """Another name, or another place in the tree: an empty parent makes a category of it."""
        asked = {"name": name, "parent": parent}
        body = {key: value for key, value in asked.items() if value is not None}
        return Tag.from_json(self._call("PATCH", tag_path(tag), body).json())

    def remove_tag(self, tag: str) -> TagRemoved:
        """Remove it and all below it, and take them off the apps that have them."""
        return TagRemoved.from_json(self._call("DELETE", tag_path(tag)).json())

    def tagged_apps(self, tag: str, search: str = "") -> list[App]:
        """The apps that have a tag or one below it, the newest first."""
        query = f"?{urlencode({'q': search})}" if search else ""
        return self._list(f"{tag_path(tag)}/apps{query}", App.from_json)

    def tags_of_app(self, name: str) -> list[Tag]:
        """The tags that an app has; those above them are implied."""
        return self._list(f"{app_path(name)}/tags", Tag.from_json)

    def change_tags_of_app(
        self, name: str, *, put: Sequence[str] = (), take: Sequence[str] = ()
    ) -> list[Tag]:
        """Put tags on an app and take others off it, by their ids; answers those that it has then."""
        body = {"put": list(put), "take": list(take)}
        answer = Fields(self._call("PATCH", f"{app_path(name)}/tags", body).json(), "the list")
        return [Tag.from_json(one.value) for one in answer.items("items")]


def tag_path(tag: str) -> str:
    """Where a tag's own calls are."""
    return f"/tags/{quote(tag, safe='')}"
