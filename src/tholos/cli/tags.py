"""Commands about tags: the tree of them, and those of an app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from tholos.cli.console import count_of, of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.tags import Tag
from tholos.kit.errors import Invalid, NotFound

SEPARATOR = "/"
"""Between the names that lead to a tag."""


class TagUnknown(NotFound):
    """There is no such tag."""

    code = "tag_not_found"
    usual_fix = "See those that there are: tholos tags list"


class TagUnclear(Invalid):
    """Cannot tell which tag is meant: several are called so."""

    code = "tag_unclear"


class NothingSaid(Invalid):
    """Cannot change anything: it was not said what."""

    code = "nothing_said"


class NotConfirmed(Invalid):
    """Cannot remove the tag: it was not confirmed."""

    code = "not_confirmed"


def list_tags(*, server: str | None, as_json: bool) -> int:
    """Print the tree of tags, with how many apps each of them finds."""
    with connected(server) as client:
        found = client.tags()
    if as_json:
        print_json(tags=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("there are no tags yet · tholos tags add NAME")
    for one in found:
        console.line(f"  {'  ' * (len(one.path) - 1)}{one.name}", count_of(one.apps, "app"))
    return 0


def add_tag(*, name: str, under: str, server: str | None, as_json: bool) -> int:
    """Make a tag below another one, or a category."""
    with connected(server) as client:
        parent = find_tag(client.tags(), under).id if under else ""
        tag = client.create_tag(name, parent)
    if as_json:
        print_json(tag=asdict(tag))
        return 0
    hint = f"tholos tags add TAG --under {tag.name}" if tag.is_category else f"tholos tag APP {tag.name}"
    of_terminal().row(path_of(tag), f"made · {hint}")
    return 0


def show_tag(*, tag: str, server: str | None, as_json: bool) -> int:
    """Print a tag, and the apps that are found by it."""
    with connected(server) as client:
        found = client.tag(find_tag(client.tags(), tag).id)
        apps = client.tagged_apps(found.id)
    if as_json:
        print_json(tag=asdict(found), apps=[asdict(one) for one in apps])
        return 0
    console = of_terminal()
    console.row(path_of(found), "a category" if found.is_category else count_of(found.apps, "app"))
    for app in apps:
        console.row(app.name, app.url)
    return 0


def edit_tag(
    *, tag: str, new_name: str | None, under: str | None, top: bool, server: str | None, as_json: bool
) -> int:
    """Give a tag another name or place.

    Raises:
        NothingSaid: neither was said.
    """
    if new_name is None and under is None and not top:
        raise NothingSaid(fix=f"tholos tags edit {tag} --name NEW")
    with connected(server) as client:
        known = client.tags()
        parent = "" if top else find_tag(known, under).id if under is not None else None
        changed = client.change_tag(find_tag(known, tag).id, name=new_name, parent=parent)
    if as_json:
        print_json(tag=asdict(changed))
        return 0
    of_terminal().row(path_of(changed), "saved")
    return 0


def remove_tag(*, tag: str, yes: bool, server: str | None, as_json: bool) -> int:
    """Remove a tag with all below it.

    Raises:
        NotConfirmed: apps are found by it, or tags are below it, and ``--yes`` was not said.
    """
    with connected(server) as client:
        known = client.tags()
        found = find_tag(known, tag)
        below = [one for one in known if one.path[: len(found.path)] == found.path and one.id != found.id]
        if not yes and (below or found.apps):
            lost = [count_of(len(below), "tag") + " below it"] if below else []
            lost += [f"{count_of(found.apps, 'app')} lose it"] if found.apps else []
            raise NotConfirmed(
                f"Cannot remove {path_of(found)} just so: {', '.join(lost)}.",
                fix=f"tholos tags remove {tag} --yes",
            )
        removed = client.remove_tag(found.id)
    if as_json:
        print_json(tags=removed.tags, apps=removed.apps)
        return 0
    console = of_terminal()
    for path in removed.tags:
        console.row(SEPARATOR.join(path), "removed")
    for app in removed.apps:
        console.row(app, "does not have it any more")
    return 0


def tag_app(
    *, name: str, tags: Sequence[str], remove: Sequence[str] | None, server: str | None, as_json: bool
) -> int:
    """Put tags on an app, and take others off; without any, print those that it has."""
    with connected(server) as client:
        if tags or remove:
            known = client.tags()
            put = [find_tag(known, one).id for one in tags]
            take = [find_tag(known, one).id for one in remove or ()]
            found = client.change_tags_of_app(name, put=put, take=take)
        else:
            found = client.tags_of_app(name)
    if as_json:
        print_json(app=name, tags=[asdict(one) for one in found])
        return 0
    of_terminal().row(name, ", ".join(path_of(one) for one in found) or "has no tags")
    return 0


def find_tag(known: Sequence[Tag], said: str) -> Tag:
    """The tag of an id, of the names that lead to it with ``/`` between, or of its own name where only one has it.

    Raises:
        TagUnknown: there is none.
        TagUnclear: there are several.
    """
    wanted = said.strip().strip(SEPARATOR).casefold()
    exact = [one for one in known if one.id == said or path_of(one).casefold() == wanted]
    found = exact or [one for one in known if one.name.casefold() == wanted]
    if not found:
        raise TagUnknown(f'There is no tag "{said[:60]}".')
    if len(found) > 1:
        names = ", ".join(path_of(one) for one in found)
        raise TagUnclear(f'Cannot tell which tag "{said[:60]}" is: {names}.', fix=f"Say {path_of(found[0])}.")
    return found[0]


def path_of(tag: Tag) -> str:
    """The names that lead to a tag."""
    return SEPARATOR.join(tag.path)
