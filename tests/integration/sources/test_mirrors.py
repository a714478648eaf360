"""Mirrors: what is fetched is pinned to checked addresses, bounded, shared, and can be lost at any moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tholos.sources.errors import FetchFailed, GitMissing, RepositoryUnsafe
from tholos.sources.git import Git, Secret
from tholos.sources.heads import Head
from tholos.sources.mirrors import Mirrors, Order, key_of
from tholos.sources.remotes import parse
from tholos.store.model import Scope
from tholos.testing.repositories import Repository, serve
from tholos.testing.store import memory_store

ADA = Scope("ada")


@pytest.fixture
def made(tmp_path):
    return Repository.make(tmp_path / "git" / "a.git")


@pytest.fixture
def git(tmp_path):
    made = Git(tmp_path / "own")
    made.prepare()
    return made


@pytest.fixture
def mirrors(tmp_path, git):
    return Mirrors(tmp_path / "mirrors", git, fetch_s=20)


@pytest.fixture
def order(made):
    def make(branch="main", url=None, addresses=(), **more):
        remote = parse(url or str(made.path), [str(made.path.parent)])
        return Order(remote, Secret(), addresses, Head(f"refs/heads/{branch}", made.head(branch)), **more)

    return make


def take(mirrors, order, store=None, stop=None):
    return mirrors.take(order, store or memory_store(), ADA, lambda _: True, stop or threading.Event())


def paths(taken):
    return [file.path for file in taken.tree.files]


def test_a_host_is_reached_at_the_addresses_that_were_checked(made, mirrors, order):
    """The name leads nowhere: only what was looked up before is connected to."""
    made.commit({"a": "1"})
    with serve(made.path.parent) as host:
        url = f"http://git.invalid:{host.port}/a.git"
        assert paths(take(mirrors, order(url=url, addresses=["127.0.0.1"]))) == ["a"]


def test_modes_contents_and_folders_are_as_they_were_committed(made, mirrors, order):
    big = bytes(range(256)) * 20_000
    tree = made.tree({
        "x/run": ("100755", "blob", made.blob("#!/bin/sh\n")), "x/big": ("100644", "blob", made.blob(big)),
        "x/empty": ("100644", "blob", made.blob("")), "x/ä é": ("100644", "blob", made.blob("name")), "y": ("100644", "blob", made.blob("")),
    })  # fmt: skip
    made.commit_tree(tree, "Kinds")
    store = memory_store()
    taken = take(mirrors, order(subdirectory="x"), store)
    assert [(file.path, file.size, file.executable) for file in taken.tree.files] == [
        ("big", len(big), False), ("empty", 0, False), ("run", 10, True), ("ä é", 4, False),
    ]  # fmt: skip
    assert store.read(taken.snapshot, "big", len(big)) == big


def test_what_is_not_wanted_is_not_taken(made, mirrors, order):
    made.commit({"a": "1"}, "Subject\n\nBody")
    seen = []
    store = memory_store()
    assert mirrors.take(order(), store, ADA, lambda one: seen.append(one) or False, threading.Event()) is None
    assert (seen[0].id, seen[0].subject, seen[0].author) == (made.head(), "Subject", "Ada <ada@example.org>")


def test_a_mirror_that_is_damaged_is_made_anew(made, mirrors, order, tmp_path):
    made.commit({"a": "1"})
    take(mirrors, order())
    (pack,) = tmp_path.glob("mirrors/*/objects/pack/*.pack")
    pack.chmod(0o600)
    pack.write_bytes(b"\0" * pack.stat().st_size)
    made.commit({"a": "2", "b": "1"})
    assert paths(take(mirrors, order())) == ["a", "b"]
    for name in ("HEAD", "objects"):
        (mirror,) = tmp_path.glob("mirrors/*.git")
        (mirror / name).rename(tmp_path / name)
        assert paths(take(mirrors, order())) == ["a", "b"]


def test_what_a_killed_run_left_is_cleared(made, mirrors, order, tmp_path):
    made.commit({"a": "1"})
    take(mirrors, order())
    (mirror,) = tmp_path.glob("mirrors/*.git")
    for left in ("shallow.lock", "refs/tholos/x.lock", "objects/pack/tmp_pack_x", "config.lock"):
        (mirror / left).write_text("")
    mirror.with_suffix(".pid").write_text("999999 1")
    made.commit({"a": "2"})
    assert paths(take(mirrors, order())) == ["a"]
    assert not [*mirror.rglob("*.lock"), *mirror.rglob("tmp_*")]


def test_several_fetch_one_repository_at_the_same_time(made, mirrors, order):
    for number in range(6):
        made.commit({f"f{number}": "x"}, branch=f"b{number}", anew=True)
    with ThreadPoolExecutor(6) as pool:
        found = [*pool.map(lambda n: paths(take(mirrors, order(f"b{n}"))), range(6))]
    assert found == [[f"f{number}"] for number in range(6)]


def test_a_fetch_ends_when_its_time_is_over_or_it_is_stopped(made, order, git, tmp_path):
    made.commit({"a": "1"})
    with serve(made.path.parent) as host:
        host.may_answer.clear()
        wanted = order(url=host.url("a.git"), addresses=["127.0.0.1"])
        with pytest.raises(FetchFailed) as caught:
            take(Mirrors(tmp_path / "mirrors", git, fetch_s=1), wanted)
        assert "within 1 s" in caught.value.message
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(FetchFailed) as caught:
            take(Mirrors(tmp_path / "mirrors", git), wanted, stop=stop)
        assert "stopped" in caught.value.message
        host.may_answer.set()
        assert paths(take(Mirrors(tmp_path / "mirrors", git), wanted)) == ["a"]


def test_objects_that_contradict_themselves_are_refused(made, mirrors, order):
    """Two entries of one name: git itself finds it as it arrives."""
    blob = made.blob("x")
    raw = b"".join(b"100644 a\0" + bytes.fromhex(blob) for _ in range(2))
    tree = made.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=raw)
    made.commit_tree(tree, "Twice")
    with pytest.raises(RepositoryUnsafe):
        take(mirrors, order())


def test_only_what_is_followed_is_kept(made, mirrors, order, tmp_path):
    made.commit({"a": "1"})
    take(mirrors, order())
    kept = order().remote
    other = Repository.make(tmp_path / "git" / "b.git")
    other.commit({"a": "1"})
    take(mirrors, Order(parse(str(other.path), ["/"]), Secret(), (), Head("refs/heads/main", other.head())))
    assert mirrors.keep_only([(kept, Secret())]) == 1
    assert [one.stem for one in tmp_path.glob("mirrors/*.git")] == [key_of(kept, Secret())]


def test_without_git_it_is_said(made, order, tmp_path):
    made.commit({"a": "1"})
    git = Git(tmp_path / "own", program="/nonexistent/git")
    git.prepare()
    with pytest.raises(GitMissing):
        take(Mirrors(tmp_path / "mirrors", git), order())


def test_a_git_that_is_too_old_is_said(made, order, tmp_path):
    made.commit({"a": "1"})
    old = tmp_path / "oldgit"
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o755)
    git = Git(tmp_path / "own", program=str(old))
    git.prepare()
    with pytest.raises(GitMissing) as caught:
        take(Mirrors(tmp_path / "mirrors", git), order())
    assert "2.30.2" in caught.value.message
