"""The tree that tags make: what is above and below each of them, and the order in which people read it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tholos.tags.models import Tag


def key_of(name: str) -> str:
    """What names are compared by: the case of letters makes no difference."""
    return name.casefold()


class Tree:
    """All tags of an organization.

    Args:
        tags: in any order; each one's parent is among them.
    """

    def __init__(self, tags: Iterable[Tag]) -> None:
        self._by_id = {node.id: node for node in tags}
        self._children: defaultdict[str | None, list[Tag]] = defaultdict(list)
        for node in sorted(self._by_id.values(), key=lambda one: (key_of(one.name), one.id)):
            self._children[node.parent_id].append(node)

    def find(self, tag_id: str) -> Tag | None:
        return self._by_id.get(tag_id)

    def children(self, parent_id: str | None) -> list[Tag]:
        """Those right below a tag, or the categories, in the order of their names."""
        return [*self._children.get(parent_id, ())]

    def above(self, tag_id: str) -> list[Tag]:
        """A tag and all that are implied by it, its category first."""
        found: list[Tag] = []
        node = self._by_id.get(tag_id)
        while node is not None:
            found.append(node)
            node = self._by_id.get(node.parent_id) if node.parent_id else None
        return found[::-1]

    def below(self, tag_id: str) -> list[Tag]:
        """A tag and all in it, each before those below it."""
        node = self._by_id.get(tag_id)
        return [] if node is None else [node, *self._walk(node.id)]

    def in_order(self) -> list[Tag]:
        """All of them as people read them: by name, each followed by those below it."""
        return [*self._walk(None)]

    def path(self, tag_id: str) -> tuple[str, ...]:
        """The names that lead to a tag, its category's first."""
        return tuple(node.name for node in self.above(tag_id))

    def sums(self, having: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """What each tag stands for, where ``having`` says what has just that one: what is below it counts too."""
        found = {tag_id: set(having.get(tag_id, ())) for tag_id in self._by_id}
        for node in reversed(self.in_order()):
            if node.parent_id:
                found[node.parent_id] |= found[node.id]
        return found

    def _walk(self, parent_id: str | None) -> Iterator[Tag]:
        for node in self._children.get(parent_id, ()):
            yield node
            yield from self._walk(node.id)
