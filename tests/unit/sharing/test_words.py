import pytest

from tholos.sharing import words
from tholos.sharing.models import Audience, Level, PrincipalKind
from tholos.sharing.reach import Person, Principal, Share, Sharing, difference


def person(name, *groups, publishes=True, disabled=False):
    return Person(f"acc_{name}", name, publishes, disabled, frozenset(f"grp_{one}" for one in groups))


def share(name, level=Level.VIEWER, kind=PrincipalKind.ACCOUNT):
    prefix = "grp" if kind == PrincipalKind.GROUP else "acc"
    return Share(Principal(kind, f"{prefix}_{name}", name), level)


def group(name, level=Level.VIEWER):
    return share(name, level, PrincipalKind.GROUP)


def sharing(*shares, audience=Audience.LISTED, owner="ada"):
    return Sharing(f"acc_{owner}", audience, shares)


PEOPLE = [
    person("ada"), person("bob"), person("cyd", "lab", publishes=False), person("dan", "lab"),
    person("eve", "lab", disabled=True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        (sharing(), "ada can open it. Nobody else."),
        (sharing(share("bob")), "ada and bob can open it. Nobody else."),
        (
            sharing(share("bob"), group("lab")),
            "ada, bob and the group lab (2 people) can open it. Nobody else.",
        ),
        (sharing(owner="eve"), "Nobody can open it."),
        (sharing(group("none")), "ada and the group none (0 people) can open it. Nobody else."),
        (
            sharing(share("bob", Level.EDITOR)),
            "ada and bob can open it. Nobody else. bob can also publish to it and manage it.",
        ),
        (
            sharing(group("lab", Level.EDITOR)),
            (
                "ada and the group lab (2 people) can open it. Nobody else. "
                "The group lab (1 of 2 people) can also publish to it and manage it."
            ),
        ),
        (sharing(audience=Audience.SIGNED_IN), "Everyone who is signed in here can open it (4 people)."),
        (
            sharing(share("bob"), audience=Audience.EVERYONE),
            "Everyone who has its address can open it, without signing in. It is shared by name with bob.",
        ),
    ],
)
def test_who_can_open_it_in_words(shared, said):
    assert words.describe(shared, PEOPLE) == said


def changes(before, after, people=PEOPLE):
    return words.changes(before, after, difference(before, after, people), people)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (sharing(), sharing(), ["Nothing changes."]),
        (sharing(), sharing(share("bob")), ["bob can open it from now on."]),
        (
            sharing(share("bob")), sharing(),
            ["bob cannot open it any more; what they have open ends within five seconds."],
        ),
        (sharing(group("lab")), sharing(group("lab"), share("dan")), ["Nobody's access changes by it just now."]),
        (
            sharing(group("lab")), sharing(group("lab", Level.EDITOR)),
            ["dan can publish to it and manage it from now on."],
        ),
        (
            sharing(share("bob", Level.EDITOR)), sharing(share("bob")),
            ["bob can no longer publish to it or manage it."],
        ),
        (
            sharing(), sharing(audience=Audience.EVERYONE),
            [
                "Everyone who has its address can open it from now on, without signing in.",
                "bob, cyd and dan can open it from now on.",
            ],
        ),
        (
            sharing(audience=Audience.EVERYONE), sharing(audience=Audience.SIGNED_IN),
            ["Nobody can open it without signing in any more."],
        ),
        (
            sharing(), sharing(owner="bob"),
            [
                "bob owns it from now on, instead of ada.", "bob can open it from now on.",
                "ada cannot open it any more; what they have open ends within five seconds.",
                "bob can publish to it and manage it from now on.",
            ],
        ),
    ],
)  # fmt: skip
def test_what_a_change_does_in_words(before, after, said):
    assert changes(before, after) == said


def test_many_are_counted():
    people = [*PEOPLE, *(person(f"p{n}", "crowd") for n in range(9))]
    assert changes(sharing(), sharing(group("crowd")), people) == [
        "p0, p1, p2, p3 and 5 more can open it from now on."
    ]
