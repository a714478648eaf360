"""What can be wrong with tags."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound


class TagNotFound(NotFound):
    """There is no such tag."""

    code = "tag_not_found"
    usual_fix = "See those that there are: tholos tags list"


class TagInvalid(Invalid):
    """Cannot take this for a tag."""

    code = "tag_invalid"


class TagTaken(Conflict):
    """Cannot call a tag so: there is one of that name beside it."""

    code = "tag_taken"
    usual_fix = "Choose another name, or put it elsewhere in the tree."


class TagIsCategory(Invalid):
    """Cannot put a category on an app: it only holds tags."""

    code = "tag_is_category"
    usual_fix = "Choose one of the tags in it: tholos tags list"


class TagInUse(Conflict):
    """Cannot make a category of this tag: apps have it."""

    code = "tag_in_use"
    usual_fix = "Take it off the apps first, or make a new category."


class TooManyTags(Conflict):
    """Cannot make another tag: there are as many as there can be."""

    code = "too_many_tags"
    usual_fix = "Remove tags that nobody uses."
