"""Addresses of repositories have one spelling, and what is none of the four kinds is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.errors import Invalid
from tholos.sources import remotes
from tholos.sources.errors import BranchInvalid, RepositoryInvalid, RepositoryRefused, SubdirectoryInvalid
from tholos.sources.remotes import Scheme

FOLDERS = ["/srv/git"]


@pytest.mark.parametrize(
    ("typed", "url", "origin"),
    [
        (
            "https://Git.Example.org/team/app.git",
            "https://git.example.org/team/app.git",
            "https://git.example.org",
        ),
        (" https://git.example.org:443/a/ ", "https://git.example.org/a", "https://git.example.org"),
        ("http://git.example.org:8080/a", "http://git.example.org:8080/a", "http://git.example.org:8080"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a", "https://[2001:db8::1]"),
        ("ssh://git.example.org/a.git", "ssh://git@git.example.org/a.git", "ssh://git.example.org"),
        (
            "ssh://me@git.example.org:2222/~/a",
            "ssh://me@git.example.org:2222/~/a",
            "ssh://git.example.org:2222",
        ),
        ("git@Git.example.org:team/app.git", "git@git.example.org:team/app.git", "ssh://git.example.org"),
        (
            "git@git.example.org:/srv/app.git",
            "ssh://git@git.example.org/srv/app.git",
            "ssh://git.example.org",
        ),
        ("/srv/git/app.git", "/srv/git/app.git", ""),
    ],
)
def test_each_has_one_spelling(typed, url, origin):
    found = remotes.parse(typed, FOLDERS)
    assert (found.url, found.origin) == (url, origin)
    assert remotes.parse(found.url, FOLDERS) == found


@pytest.mark.parametrize(
    "typed",
    [
        "", "app", "ext::sh -c id", "ext::id", "fd::3", "file:///srv/git/app.git", "git://git.example.org/a",
        "https://git.example.org", "https://git.example.org/", "https:///a", "https://a b/c", "https://git.example.org:0/a",
        "https://git.example.org:99999/a", "https://git.example.org/a?b", "https://git.example.org/a#b",
        "https://git.example.org/a/../b", "https://git.example.org//a", "https://-x/a", "https://x-/a", "https://a..b/c",
        "ssh://-oProxyCommand=x/a", "ssh://-x@host/a", "ssh://git:pw@host/a", "-x@host:a", "git@-x:a", "git@host:-a",
        "git@host:", "git@host::a", "https://ho\u0441t/a", "https://host/a\n", "https://host/\x00", "/srv/git/../x",
        "https://user@host/a",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed):
    if typed.endswith("\n"):
        typed = typed.replace("a\n", "a\nb")
    with pytest.raises(RepositoryInvalid) as caught:
        remotes.parse(typed, FOLDERS)
    assert caught.value.fix


@pytest.mark.parametrize("typed", ["/etc/passwd", "/srv/gitx/a", "/srv", "/"])
def test_folders_that_nobody_listed_are_refused(typed):
    with pytest.raises(RepositoryRefused):
        remotes.parse(typed, FOLDERS)
    with pytest.raises(RepositoryRefused):
        remotes.parse("/srv/git/app.git")


@given(
    st.text(max_size=60)
    | st.from_regex(r"(https?|ssh|file|ext)(://|::)[a-zA-Z0-9@:/.\-\[\]%?#]{0,40}", fullmatch=True)
)
def test_whatever_is_typed_is_refused_or_safe(typed):
    """Nothing that git could take for an option, another transport or a second line comes through."""
    try:
        found = remotes.parse(typed, FOLDERS)
    except Invalid:
        return
    assert found.scheme in Scheme
    assert re.match(r"https?://|ssh://|/srv/git|[A-Za-z0-9_][A-Za-z0-9._-]*@[a-z0-9\[]", found.url)
    assert not re.search(r"[\s\x00-\x1f]|::[^\]]*$|/\.\.(/|$)", found.url.replace("[::", "["))
    assert remotes.parse(found.url, FOLDERS) == found
    if found.is_http:
        assert "@" not in found.url.partition("://")[2].partition("/")[0]


@pytest.mark.parametrize("name", ["main", "feature/x", "release-1.0", "v1.2", "ä", "refs/heads/main"])
def test_branches_that_git_has(name):
    assert remotes.check_branch(name) == name.removeprefix("refs/heads/")


@pytest.mark.parametrize(
    "name", ["-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", ".a", "a/.b", "a.",
             "a.lock", "a.lock/b", "@", "a@{1}", "a\x7f", "x" * 300],
)  # fmt: skip
def test_branches_that_git_has_not(name):
    with pytest.raises(BranchInvalid):
        remotes.check_branch(name)
    with pytest.raises(BranchInvalid):
        remotes.check_ref(name)


def test_no_branch_is_the_first_and_no_ref_is_none():
    assert remotes.check_branch(" ") == ""
    with pytest.raises(BranchInvalid):
        remotes.check_ref("")


@pytest.mark.parametrize(
    ("typed", "path"), [("", ""), (".", ""), ("./", ""), ("/apps/sales/", "apps/sales"), ("./a b", "a b")]
)
def test_folders_have_one_spelling(typed, path):
    assert remotes.check_subdirectory(typed) == path


@pytest.mark.parametrize("typed", ["..", "a/../b", "a//b", "a\\b", "a\nb", ".git", "a/.GIT/b", "x" * 2000])
def test_folders_that_no_tree_has_are_refused(typed):
    with pytest.raises(SubdirectoryInvalid):
        remotes.check_subdirectory(typed)


@pytest.mark.parametrize(
    ("typed", "origin"),
    [("git.example.org", "https://git.example.org"), ("ssh://git.example.org", "ssh://git.example.org"),
     ("https://git.example.org:8443/", "https://git.example.org:8443")],
)  # fmt: skip
def test_a_credential_is_for_a_host(typed, origin):
    assert remotes.parse_origin(typed) == origin


def test_a_credential_is_not_for_a_part_of_a_host():
    with pytest.raises(RepositoryInvalid):
        remotes.parse_origin("https://git.example.org/team")
