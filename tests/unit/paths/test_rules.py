"""Paths of one's own: what they may be, which overlap, and where a target leads."""

import pytest
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st

from tholos.paths import rules
from tholos.paths.errors import PathInvalid, PathReserved
from tholos.server.application import ROUTERS

SEGMENTS = st.text("abAB01_-", min_size=1, max_size=3)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda parts: f"/{'/'.join(parts)}/")


@given(PATHS)
def test_a_path_is_kept_as_it_was_said_with_a_slash_at_both_ends(path):
    for said in (path, path[1:], path[:-1], f" {path.strip('/')}\n"):
        assert rules.check_path(said) == path
    assert rules.check_path(rules.check_path(path)) == path


@pytest.mark.parametrize(
    "said",
    [
        "", "/", "//", "team//report", "//team", "team//", "/team/..", "/./team", "team/re port", "tëam", "team?x=1",
        "team/%41", "team\\report", "team\n/x", "a" * 65, "/".join("a" * 9), "/".join(["a" * 60] * 4), "team/\0", "team/#x",
    ],
)  # fmt: skip
def test_what_is_no_path(said):
    with pytest.raises(PathInvalid) as caught:
        rules.check_path(said)
    assert (caught.value.where, bool(caught.value.fix)) == ("path", True)


@pytest.mark.parametrize(
    "word",
    [
        "api",
        "API",
        "__api__",
        "content",
        "connect",
        "hub",
        "user",
        "services",
        "static",
        "healthz",
        "Sign-In",
    ],
)
def test_what_begins_with_a_word_of_ours_is_reserved(word):
    for said in (word, f"/{word}/", f"{word}/report"):
        with pytest.raises(PathReserved):
            rules.check_path(said)
    assert rules.check_path(f"team/{word}") == f"/team/{word}/"


def test_every_address_of_the_console_is_reserved():
    """A new page whose first word is not in the list could already be somebody's path."""
    first = {
        route.path.split("/")[1].lower()
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.path != "/"
    }
    assert {word for word in first if not word.startswith("{")} <= rules.RESERVED
    assert not any(word.startswith("{") for word in first)


@given(PATHS, PATHS)
def test_overlapping_is_mutual_and_means_that_one_leads_through_the_other(one, other):
    is_through = (
        [part.lower() for part in one.split("/")[1:-1]],
        [part.lower() for part in other.split("/")[1:-1]],
    )
    shorter = min(map(len, is_through))
    assert rules.overlaps(one, other) == rules.overlaps(other, one)
    assert rules.overlaps(one, other) == (is_through[0][:shorter] == is_through[1][:shorter])


@given(PATHS, st.text("ab/?=.%", max_size=8))
def test_what_stands_under_a_path_leads_there_with_the_rest_and_the_query(path, rest):
    table = {rules.key_of(path): "app"}
    assert rules.find(table, f"{path}{rest}") == ("app", f"/{rest}")
    assert rules.find(table, f"{path.swapcase()}{rest}") == ("app", f"/{rest}")
    assert rules.find(table, f"{path[:-1]}?x={rest}") == ("app", f"/?x={rest}")
    assert rules.find(table, path[:-1]) == ("app", "/")


@given(st.lists(PATHS, max_size=5), st.text("abAB01/?", max_size=14))
def test_the_longest_is_found_and_nothing_that_a_target_does_not_stand_under(paths, target):
    table = {rules.key_of(path): path for path in paths}
    found = rules.find(table, target)
    asked = target.partition("?")[0].lower() + "/"
    fitting = [path for path in table.values() if asked.startswith(path.lower())]
    if found is None:
        assert fitting == []
    else:
        assert len(found[0]) == max(map(len, fitting))
        assert found[1].startswith("/")


@pytest.mark.parametrize("target", ["/", "", "*", "/teamwork/", "/team", "?x", "/other/team/report/"])
def test_other_targets_lead_nowhere(target):
    assert rules.find({"/team/report/": "app"}, target) is None
